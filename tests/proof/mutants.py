"""How much of the send protocol is held by a test: `make mutants MINUTES=30`.

Changes one operator, constant, condition or statement of the shipped code at a time, in a process
forked for it, and plays races and tests against that until one fails. What none of them notices is
told: those lines may say anything. Where the time is too short for all, it is a chance sample; the
seed takes the same one again.
"""

from __future__ import annotations

import argparse
import ast
import os
import pickle
import random
import secrets
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from tempfile import NamedTemporaryFile
from types import FrameType
from typing import Any, NoReturn

import pytest

from proof import grid
from proof.clocks import driven
from proof.mistakes import parts_of, put_in
from proof.stage import Stage

MODULES = ("steps", "delivery", "reconcile", "pace")
"""Of `bot.messaging`: the send protocol."""

TESTS = [
    *(
        f"tests/bot/messaging/test_{name}.py"
        for name in (
            *("delivery_gates", "delivery_outcomes", "delivery_claim", "delivery_take"),
            *("delivery_races", "reconcile", "pace", "caps", "installation"),
        )
    ),
    "tests/bot/outreach/test_responses.py",
    "tests/journeys/test_journey_unknown.py",
]

RACES = 4000
"""Of the races, so many are played first."""

PATIENCE = 240
"""Seconds after which a change hangs: that is noticed too."""

OTHER: dict[type[ast.AST], type[ast.AST]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
}


@dataclass(frozen=True)
class Mutant:
    """One change: *node* of the module's tree has *theirs* in a field instead of what it has."""

    module: str
    tree: ast.Module
    part: str
    node: ast.AST
    field: str
    theirs: Any

    def __str__(self) -> str:
        """Say where it is, and what is changed."""
        ours, before = getattr(self.node, self.field), ast.unparse(self.node)
        setattr(self.node, self.field, self.theirs)
        after = ast.unparse(ast.fix_missing_locations(self.node))
        setattr(self.node, self.field, ours)
        line = getattr(self.node, "lineno", 0)
        return f"{self.module}.py:{line} {self.part}: {before}  ->  {after}"

    @property
    def is_function(self) -> bool:
        """Say whether it is in a function; else it is in the value of a name."""
        found = next(node for name, node in parts_of(self.tree) if name == self.part)
        return isinstance(found, ast.FunctionDef | ast.AsyncFunctionDef)

    def put_in(self) -> None:
        """Let this process have it. There is no way back."""
        setattr(self.node, self.field, self.theirs)
        ast.fix_missing_locations(self.tree)
        list(put_in(import_module(f"bot.messaging.{self.module}"), self.tree, [self.part]))


def mutants(module: str) -> Iterator[Mutant]:
    """Give every change to one module."""
    path = Path(import_module(f"bot.messaging.{module}").__file__ or "")
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for part, statement in parts_of(tree):
        for node in _said(statement):
            for field, theirs in changes(node):
                yield Mutant(module, tree, part, node, field, theirs)


def _said(node: ast.AST) -> Iterator[ast.AST]:
    """Give what is within *node*, but for its annotations and the defaults of what it is given."""
    if _is_lock(node):
        return
    yield node
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "decorator_list") or isinstance(value, ast.arguments):
            continue
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, ast.AST):
                yield from _said(each)


def _is_lock(node: ast.AST) -> bool:
    """Say whether *node* says which rows to lock: SQLite, on which this is played, locks all."""
    if isinstance(node, ast.keyword):
        return node.arg in ("skip_locked", "key_share", "with_for_update")
    return False


def changes(node: ast.AST) -> Iterator[tuple[str, Any]]:
    """Give what may be changed about *node*: a field of it, and what that becomes."""
    if isinstance(node, ast.Compare):
        for at, op in enumerate(node.ops):
            if other := OTHER.get(type(op)):
                yield "ops", [*node.ops[:at], other(), *node.ops[at + 1 :]]
    elif isinstance(node, ast.BoolOp | ast.BinOp | ast.AugAssign) and type(node.op) in OTHER:
        yield "op", OTHER[type(node.op)]()
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield "operand", _negated(node.operand)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        yield "value", not node.value if isinstance(node.value, bool) else node.value + 1
    elif (isinstance(node, ast.Return) and not isinstance(node.value, ast.Constant | None)) or (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    ):
        yield "value", ast.Constant(None)
    elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Attribute):
        yield "targets", [ast.Name("_forgotten", ast.Store())]
    if isinstance(node, ast.If | ast.IfExp | ast.While) and isinstance(
        node.test, ast.Name | ast.Attribute | ast.Call
    ):
        yield "test", _negated(node.test)


def _negated(test: ast.expr) -> ast.expr:
    return ast.UnaryOp(ast.Not(), test)


# ------------------------------------------------------------------ what is to notice it


class Trail:
    """Notes which functions of the protocol each test comes through."""

    def __init__(self) -> None:
        self.tests: dict[str, dict[str, None]] = {}
        """By function, quickest first."""
        self._files = {import_module(f"bot.messaging.{each}").__file__: each for each in MODULES}
        self._seen: set[str] = set()
        self._took: list[tuple[float, str, set[str]]] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        """Look on while *item* runs."""
        self._seen, began = set(), time.monotonic()
        threading.setprofile(self._look)
        sys.setprofile(self._look)
        try:
            yield
            # One that fails as it is notices nothing.
            self._took.append((time.monotonic() - began, item.nodeid, self._seen))
        finally:
            sys.setprofile(None)
            threading.setprofile(None)  # type: ignore[arg-type]

    def _look(self, frame: FrameType, event: str, _given: Any) -> None:
        if event == "call" and (module := self._files.get(frame.f_code.co_filename)):
            self._seen.add(f"{module} {frame.f_code.co_qualname.partition('.<')[0]}")

    def pytest_sessionfinish(self) -> None:
        """Put it in order. A test has one name for all it is given, databases among them."""
        for _, name, seen in sorted(self._took, key=lambda each: each[0]):
            for function in seen:
                tests = self.tests.setdefault(function, {})
                tests.setdefault(name.partition("[")[0])


def trail() -> dict[str, list[str]]:
    """Run all tests as they are; return by function which come through it, quickest first."""
    with NamedTemporaryFile() as told:
        if (pid := os.fork()) == 0:
            _be_silent()
            looking = Trail()
            _tests([*TESTS, "--maxfail=0"], looking)
            found = {each: list(tests) for each, tests in looking.tests.items()}
            Path(told.name).write_bytes(pickle.dumps(found))
            os._exit(0)
        os.waitpid(pid, 0)
        return dict(pickle.loads(Path(told.name).read_bytes()))


def is_noticed(mutant: Mutant, stage: Stage, races: Sequence[grid.Case], by: list[str]) -> bool:
    """Say whether a race, or a test that comes through it, fails with *mutant*."""
    if (pid := os.fork()) == 0:
        _try(mutant, stage, races, by)
    return os.waitpid(pid, 0)[1] != 0


def _try(mutant: Mutant, stage: Stage, races: Sequence[grid.Case], by: list[str]) -> NoReturn:
    code = 1
    try:
        _be_silent()
        signal.alarm(PATIENCE)
        mutant.put_in()
        if mutant.module in ("steps", "delivery"):
            with driven(lambda: stage.clocks):
                for case in races:
                    grid.play(case, stage.new("shelf"))
        # What no test comes through is noticed by none.
        code = _tests(by) if by else 0
    finally:
        os._exit(code)


def _be_silent() -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)


def _tests(names: Sequence[str], *plugins: object) -> int:
    """Run tests until one fails. 0: none did."""
    given = ["-x", "-q", "-n", "0", "-m", "not postgres", "-p", "no:cacheprovider"]
    return int(pytest.main([*given, *names], plugins))


def main() -> int:
    """Try changes until the time is over; return 1 if fewer than 9 in 10 were noticed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    parser.add_argument("--modules", default=",".join(MODULES))
    parser.add_argument("--only", default="", help="those that say this, such as a function's name")
    given = parser.parse_args()
    every = [each for module in given.modules.split(",") for each in mutants(module)]
    every = [each for each in every if given.only in str(each)]
    random.Random(given.seed).shuffle(every)
    stage, races, through = Stage(), grid.shuffled()[:RACES], trail()
    tried: Counter[str] = Counter()
    survived: Counter[str] = Counter()
    end = time.monotonic() + given.minutes * 60
    for each in every:
        if time.monotonic() > end:
            break
        # A constant is used by anything.
        by = through.get(f"{each.module} {each.part}", [] if each.is_function else TESTS)
        tried[each.module] += 1
        if not is_noticed(each, stage, races, by):
            survived[each.module] += 1
            print(f"NOT NOTICED {each}", flush=True)
    there = Counter(each.module for each in every)
    for module, count in tried.items():
        print(f"{module}: {count - survived[module]} of {count} noticed, {there[module]} in all")
    share = 1 - survived.total() / max(tried.total(), 1)
    print(f"{share:.1%} of {tried.total()} noticed; {len(every)} in all; seed {given.seed}")
    return 0 if share >= 0.9 else 1


if __name__ == "__main__":
    sys.exit(main())
