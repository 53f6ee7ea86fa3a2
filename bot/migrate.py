"""Brings a database to the newest schema, and tells whether it is there."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from threading import Event

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from bot.db import Database

LOCK = 0x57A9
"""Any number that nothing else of ours locks."""

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


def upgrade(database: Database, revision: str = "head") -> None:
    """Bring *database* up to *revision*, the newest unless told otherwise.

    On PostgreSQL several that start at the same time wait for each other.
    """
    config = _config()
    with database.engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        connection.commit()


def downgrade(database: Database, revision: str) -> None:
    """Bring *database* down to *revision* (``base`` for an empty one)."""
    config = _config()
    with database.engine.connect() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, revision)
        connection.commit()


def wait_until_current(database: Database, told: Event) -> bool:
    """Wait until *database* answers and has the newest schema; False if *told* to end before."""
    while not told.is_set():
        try:
            if is_current(database):
                return True
        except OperationalError:
            pass
        told.wait(1)
    return False


def is_current(database: Database) -> bool:
    """Say whether *database* has the newest schema."""
    with database.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() == newest()


@cache
def newest() -> str | None:
    """Return the newest revision there is; the files are looked through once."""
    return ScriptDirectory.from_config(_config()).get_current_head()
