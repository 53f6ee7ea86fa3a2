"""Where a measurement runs: a fresh database, of the kind and on the disk that are in use."""

from __future__ import annotations

import secrets
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, create_engine, make_url, text

from bot import migrate
from bot.db import Database


@dataclass(frozen=True, slots=True)
class Place:
    """Makes databases to measure in, beside the one that *url* names; that is never touched."""

    url: URL

    @classmethod
    def of(cls, url: str) -> Place:
        """Return the place of a database URL."""
        return cls(make_url(url))

    @property
    def database(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self.url.get_backend_name()

    @contextmanager
    def fresh(self) -> Iterator[str]:
        """Give the URL of a new and migrated database; it is gone afterwards.

        For PostgreSQL the role needs CREATEDB.
        """
        with self.empty() as url:
            database = Database(url)
            migrate.upgrade(database)
            database.close()
            yield url

    @contextmanager
    def empty(self) -> Iterator[str]:
        """Give the URL of a new database with no table in it; it is gone afterwards."""
        with self._made() as url:
            yield url

    @contextmanager
    def copy_of(self, url: str) -> Iterator[str]:
        """Give the URL of a copy of a database that nobody is connected to; gone afterwards."""
        with self._made(make_url(url).database) as copy:
            yield copy

    @contextmanager
    def _made(self, like: str | None = None) -> Iterator[str]:
        with self._postgresql(like) if self.database == "postgresql" else self._sqlite(like) as url:
            yield url

    @contextmanager
    def _sqlite(self, like: str | None) -> Iterator[str]:
        name = self.url.database
        beside = Path(name).parent if name and name != ":memory:" else None
        if beside is not None:
            beside.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="bench-", dir=beside) as folder:
            path = Path(folder).resolve() / "bench.db"
            if like is not None:
                with closing(sqlite3.connect(like)) as one, closing(sqlite3.connect(path)) as copy:
                    one.backup(copy)
            yield f"sqlite:///{path}"

    @contextmanager
    def _postgresql(self, like: str | None) -> Iterator[str]:
        name = f"stap_bench_{secrets.token_hex(4)}"
        server = create_engine(self.url, isolation_level="AUTOCOMMIT")
        made = f'CREATE DATABASE "{name}"' + (f' TEMPLATE "{like}"' if like else "")
        try:
            with server.connect() as connection:
                connection.execute(text(made))
            try:
                yield self.url.set(database=name).render_as_string(hide_password=False)
            finally:
                with server.connect() as connection:
                    connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
        finally:
            server.dispose()
