"""A database that is locked, read-only, full or gone, for as long as a block runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from sqlalchemy import event, text

from bot.db import Database


@contextmanager
def locked(database: Database) -> Iterator[None]:
    """Another holds what must be written to."""
    with database.engine.connect() as connection:
        if database.engine.dialect.name == "postgresql":
            connection.execute(text("LOCK TABLE inbox_event, message"))
        else:
            connection.exec_driver_sql("SELECT 1")  # BEGIN IMMEDIATE: the one that may write
        yield


@contextmanager
def told(database: Database, during: str, afterwards: str) -> Iterator[None]:
    """Every connection is told this before it is used, outside any transaction."""
    words = [during]

    def tell(connection, _record, _proxy):
        autocommit = getattr(connection, "autocommit", None)
        if database.engine.dialect.name == "postgresql":
            connection.autocommit = True
            connection.execute(words[0])
            connection.autocommit = autocommit
        else:
            connection.execute(words[0])

    event.listen(database.engine, "checkout", tell)
    take = database._take

    def taken():
        alone = take()
        alone.driver.execute(words[0])
        return alone

    database._take = taken
    yield
    words[0] = afterwards


def read_only(database: Database):
    """As after a failover to a machine that may not be written to."""
    if database.engine.dialect.name == "sqlite":
        return told(database, "PRAGMA query_only = on", "PRAGMA query_only = off")
    setting = "SET default_transaction_read_only = "
    return told(database, setting + "on", setting + "off")


def full(database: Database):
    """The file may not grow: a page less than there are is as many as there are."""
    return told(database, "PRAGMA max_page_count = 1", "PRAGMA max_page_count = 1000000")


@contextmanager
def gone(database: Database) -> Iterator[None]:
    """The server lets nobody in, and has thrown out who was."""
    assert database.engine.dialect.name == "postgresql"
    url = database.url.set(drivername="postgresql", database="postgres")
    name = database.url.database
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as server:
        server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
        )
        yield
        server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')


@contextmanager
def half_put_back(database: Database) -> Iterator[None]:
    """A table is not there: a backup is being put back, or an upgrade stopped half-way."""
    with database.engine.begin() as connection:
        connection.execute(text("ALTER TABLE inbox_event RENAME TO away"))
    yield
    with database.engine.begin() as connection:
        connection.execute(text("ALTER TABLE away RENAME TO inbox_event"))


FAULTS = [
    pytest.param("sqlite", locked, id="sqlite locked"),
    pytest.param("sqlite", read_only, id="sqlite read-only"),
    pytest.param("sqlite", full, id="sqlite full"),
    pytest.param("postgres", locked, id="postgres locked", marks=pytest.mark.postgres),
    pytest.param("postgres", read_only, id="postgres read-only", marks=pytest.mark.postgres),
    pytest.param("postgres", gone, id="postgres gone", marks=pytest.mark.postgres),
]

WITHOUT_INBOX = [
    pytest.param("sqlite", half_put_back, id="sqlite half put back"),
    pytest.param(
        "postgres", half_put_back, id="postgres half put back", marks=pytest.mark.postgres
    ),
]
