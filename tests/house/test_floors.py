"""Who may import whom, who may open a transaction, and who may ask the time."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import bot.models
from bot.db import Base

HOUSE = Path(__file__).resolve().parents[2]

FLOORS: list[list[tuple[str, ...]]] = [
    # A floor is a list of rooms, a room the modules in it. A file imports from its own room or
    # from a lower floor; rooms on one floor never import each other.
    [("bot.settings", "bot.moments", "bot.gemeente", "bot.kalender", "bot.logs", "bot.told")],
    [("bot.db", "bot.inserts"), ("bot.channels",), ("bot.wording",)],
    [("bot.models",), ("bot.house",), ("bot.migrate",)],
    [("bot.privacy",)],
    [("bot.messaging",)],
    [("bot.outreach",)],
    [("bot.conversation",), ("webhooks",), ("console",)],
    [("bot.engine",), ("bot.web",), ("bot.front",)],
    [("app",)],
    [("bot.__main__", "bot.commands", "bot.bench")],
]

OPENS_TRANSACTIONS = ("webhooks", "console", "bot.engine", "bot.commands", "bot.bench")
"""The edges: they open a transaction, all below take the session and never commit."""


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def files(*rooms: str) -> Iterator[Path]:
    for room in rooms:
        path = HOUSE / room
        yield from [path] if path.is_file() else sorted(path.rglob("*.py"))


def module(path: Path) -> str:
    parts = path.relative_to(HOUSE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def within(name: str, *rooms: str) -> bool:
    return any(name == room or name.startswith(room + ".") for room in rooms)


def imports(path: Path) -> set[str]:
    """Every module that *path* imports, wherever in it; ``from a import b`` may mean a.b."""
    found: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports say the whole name"
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            modules = {name for name in inner if exists(name)}
            # Only what is no module of its own is a name within the one that is named.
            found |= modules | ({node.module or ""} if inner - modules else set())
    return found


def exists(name: str) -> bool:
    path = HOUSE.joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def place(name: str) -> tuple[int, int] | None:
    """Floor and room of module *name*; None for what is not of the house."""
    for floor, rooms in enumerate(FLOORS):
        for number, room in enumerate(rooms):
            if within(name, *room):
                return floor, number
    return None


def test_no_file_imports_from_a_higher_floor_or_from_the_room_beside_it():
    climbs = []
    for path in files("bot", "webhooks", "console", "app.py"):
        here = place(module(path))
        for name in sorted(imports(path)):
            there = place(name)
            if here is None or there is None or there == here:
                continue
            if there[0] >= here[0]:
                climbs.append(f"{module(path)} imports {name}")

    assert [] == climbs


def test_every_file_has_a_floor():
    """A new room is put on a floor here before anything can lean on it."""
    homeless = [module(path) for path in files("bot", "webhooks", "console", "app.py")]

    assert ["bot"] == [name for name in homeless if place(name) is None]


def test_the_practice_ground_stands_apart():
    """It stands in for companies: it may know nothing of us, nor we of it."""
    ours = ("bot", "webhooks", "console", "app")
    theirs = [f"{module(p)} imports {name}" for p in files("phones") for name in imports(p)
              if within(name, *ours)]  # fmt: skip
    here = [f"{module(p)} imports {name}" for p in files(*ours[:2], "app.py") for name in imports(p)
            if within(name, "phones")]  # fmt: skip

    assert [] == theirs + here


def test_a_noun_imports_no_other_noun_but_people():
    siblings = [
        f"{module(path)} imports {name}"
        for path in files("bot/models")
        if module(path) != "bot.models"
        for name in imports(path)
        if within(name, "bot.models") and name != "bot.models.people"
    ]

    assert [] == siblings


def test_foreign_keys_point_one_way():
    """Of any two nouns only one holds on to the other, so that each can be read by itself."""
    home = {mapper.local_table: mapper.class_.__module__ for mapper in Base.registry.mappers}
    points = {
        (home[table], home[key.column.table])
        for table in Base.metadata.tables.values()
        for key in table.foreign_keys
        if home[table] != home[key.column.table]
    }
    reach = set(points)
    while longer := {(a, d) for a, b in reach for c, d in points if b == c} - reach:
        reach |= longer

    assert bot.models.people.__name__ in {there for _, there in points}
    assert [] == sorted(a for a, b in reach if a == b)


def test_only_the_edges_open_a_transaction():
    opened = [
        f"{module(path)}:{node.lineno}"
        for path in files("bot", "webhooks", "console", "app.py")
        if not within(module(path), *OPENS_TRANSACTIONS)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("session", "reading")
        and not node.args
    ]

    assert [] == opened


def test_nobody_below_the_edges_commits():
    """Returning commits, raising rolls back; only migrations speak to the connection itself."""
    commits = [
        f"{module(path)}:{node.lineno}"
        for path in files("bot", "webhooks", "console", "app.py")
        if not within(module(path), *OPENS_TRANSACTIONS, "bot.migrate")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute) and node.attr in ("commit", "rollback")
    ]

    assert [] == commits


@pytest.mark.parametrize(
    ("whose", "asks", "at"),
    [
        (("datetime", "date"), ("now", "utcnow", "today"), "bot.moments"),
        (("time",), ("time", "time_ns", "localtime", "gmtime"), "bot.moments"),
        (("func",), ("now", "current_timestamp"), "bot.db"),
    ],
)
def test_the_time_is_asked_in_one_place(whose, asks, at):
    """Whoever asks the clock elsewhere is out of step with practice time.

    The measurements alone look at the real clock: they compare with another process's record.
    """
    asked = [
        f"{module(path)}:{node.lineno}"
        for path in files("bot", "webhooks", "console", "app.py")
        if not within(module(path), at, "bot.bench")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute)
        and node.attr in asks
        and isinstance(node.value, ast.Name)
        and node.value.id in whose
    ]

    assert [] == asked
