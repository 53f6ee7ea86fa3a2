"""The way from an empty database to the newest one, and back, on both kinds."""

from __future__ import annotations

import ast
import re

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect

import bot.models  # noqa: F401  # every table
from bot import migrate
from bot.db import Base, Database

FILES = sorted((migrate.MIGRATIONS / "versions").glob("*.py"))


@pytest.fixture
def database(database_url):
    found = Database(database_url)
    yield found
    found.close()


def test_migrations_are_numbered_without_gaps():
    assert [f"{n:04}" for n in range(1, len(FILES) + 1)] == [path.name[:4] for path in FILES]
    assert [] == [path.name for path in FILES if not re.fullmatch(r"\d{4}_[a-z_]+\.py", path.name)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_migration_speaks_for_itself(path):
    """It names its number and the one before it, and imports no model: those go on changing."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    named = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    imported = {
        name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [node.module] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
        )
    }
    number = int(path.name[:4])

    assert f"{number:04}" == named["revision"]
    assert (f"{number - 1:04}" if number > 1 else None) == named["down_revision"]
    assert set() == {name for name in imported if (name or "").split(".")[0] == "bot"}


def test_the_migrations_make_what_the_models_say(database):
    """A column that is only in a model works on a developer's machine and nowhere else."""
    with database.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        assert [] == compare_metadata(context, Base.metadata)


def test_every_migration_goes_down_and_up_again(database):
    """One step at a time: a deploy that must be undone is undone with the data in it."""
    for path in reversed(FILES):
        migrate.downgrade(database, "-1")
        assert not migrate.is_current(database), path.name
    assert ["alembic_version"] == inspect(database.engine).get_table_names()

    for _ in FILES:
        migrate.upgrade(database, "+1")
    assert migrate.is_current(database)
    assert set(Base.metadata.tables) < set(inspect(database.engine).get_table_names())


def test_on_sqlite_no_number_is_given_out_twice_and_the_file_is_sound(sqlite_url):
    """What is kept of a table was rewritten in place; a later migration that makes one of these
    anew must say AUTOINCREMENT again. PostgreSQL never gives a number out twice."""
    found = Database(sqlite_url)
    tables = (
        "inburgeraar", "address", "message", "reply", "afspraak", "deelname", "aanmelding", "task",
        "voice_note", "erasure",
    )  # fmt: skip
    with found.engine.connect() as connection:
        written = connection.exec_driver_sql("SELECT name, sql FROM sqlite_schema")
        kept = {row.name: row.sql for row in written}
        checked = connection.exec_driver_sql("PRAGMA integrity_check").scalar_one()
    found.close()

    assert [] == [name for name in tables if "AUTOINCREMENT" not in kept[name]]
    assert "ok" == checked
