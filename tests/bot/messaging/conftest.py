"""An office on an empty database, once on SQLite and once on PostgreSQL."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator

import psycopg
import pytest
from post_office import Office
from sqlalchemy import delete

import bot.models  # noqa: F401  # every table
from bot.db import Base, Database


@pytest.fixture(scope="session")
def emptied_postgres(postgres_server, postgres_template) -> Iterator[Database]:
    """One database for all tests of this room: making one for each takes longer than the test.

    No test here cuts the power, so nobody waits for the disk.
    """
    name = f"stap_office_{secrets.token_hex(4)}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{postgres_template}"')
        connection.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = off')
    server, _, query = postgres_server.partition("?")
    place = server.replace("postgresql://", "postgresql+psycopg://").rsplit("/", 1)[0]
    database = Database(f"{place}/{name}" + (f"?{query}" if query else ""))
    yield database
    database.close()
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def postgres_url(emptied_postgres) -> Iterator[str]:
    yield emptied_postgres.url.render_as_string(hide_password=False)
    with emptied_postgres.session() as session:
        for table in reversed(Base.metadata.sorted_tables):
            session.execute(delete(table))


@pytest.fixture
def make_office(database_url) -> Iterator[Callable[..., Office]]:
    made: list[Office] = []

    def make(**given: object) -> Office:
        made.append(Office(database_url, **given))
        return made[-1]

    yield make
    for office in made:
        office.close()


@pytest.fixture
def office(make_office) -> Office:
    return make_office()


@pytest.fixture
def postgres_office(postgres_url) -> Iterator[Office]:
    """For what only a database with several writers can show."""
    office = Office(postgres_url)
    yield office
    office.close()


@pytest.fixture
def sqlite_office(sqlite_url) -> Iterator[Office]:
    """For how SQLite goes about it."""
    office = Office(sqlite_url)
    yield office
    office.close()
