"""The houses of the campaign: on each database, one that sends by Twilio and one by Telegram."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import text

from bot import house as houses
from bot import migrate, moments
from bot.db import Base, Database
from bot.house import House
from bot.settings import load
from proof.campaign.standin import ACCOUNT, SMS_FROM, WHATSAPP_FROM

TUESDAY = moments.from_local(datetime(2026, 12, 1, 10, 0))
"""When a round begins: practice time, an hour at which people are up."""

PUBLIC, TOKEN = "https://stap.example", "the-token"

LONG_AGO = "2020-01-01 00:00:00.000000"

DATABASES = ("sqlite", "postgres")
PROVIDERS = ("twilio", "telegram")

WRITTEN = ("message", "attempt", "sender", "inbox_event")

FULL_DISK = "".join(
    [
        "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " RAISE 'could not extend file' USING ERRCODE = 'disk_full'; END $$;",
        *(
            f"CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION full_disk();"
            f"ALTER TABLE {table} DISABLE TRIGGER full_disk;"
            for table in WRITTEN
        ),
    ]
)
"""What a client sees of it, once it is enabled: the server's own error for whatever it writes."""

KEPT = ("installation",)
"""Which database it is does not change with a round."""


def used() -> list[str]:
    """Return the tables that a round may fill, in the order in which they can be emptied."""
    return [table.name for table in reversed(Base.metadata.sorted_tables) if table.name not in KEPT]


@dataclass(frozen=True)
class Place:
    """Where the databases are."""

    folder: Path
    """On a disk of memory: what a killed process wrote, the machine has."""
    server: str
    """A PostgreSQL, as psycopg has it."""
    name: str
    """Of the database there."""
    databases: tuple[str, ...] = DATABASES

    def url(self, database: str) -> str:
        """Return the address of *database*, as the settings have it."""
        if database == "sqlite":
            return f"sqlite:///{self.folder}/stap.db"
        return self._at(self.server, self.name).replace("postgresql://", "postgresql+psycopg://")

    def spool(self, database: str) -> Path:
        """Return where *database*'s house keeps what that could not take."""
        return self.folder / f"spool-{database}"

    @staticmethod
    def _at(server: str, name: str) -> str:
        place, _, query = server.partition("?")
        return f"{place.rsplit('/', 1)[0]}/{name}" + (f"?{query}" if query else "")

    def make(self) -> None:
        """Make both databases, migrated and empty."""
        if "postgres" in self.databases:
            with psycopg.connect(self.server, autocommit=True) as connection:
                connection.execute(f'CREATE DATABASE "{self.name}"')  # type: ignore[arg-type]
                # What a killed client committed, the server has; nobody pulls the plug here.
                connection.execute(
                    f'ALTER DATABASE "{self.name}" SET synchronous_commit = off'  # type: ignore[arg-type]
                )
        for name in self.databases:
            database = Database(self.url(name))
            migrate.upgrade(database)
            if name == "postgres":
                with database.session() as session:
                    session.execute(text(FULL_DISK))
            database.close()
        if "sqlite" not in self.databases:
            return
        with sqlite3.connect(self.folder / "stap.db") as source:
            source.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            source.execute("PRAGMA journal_mode=DELETE")
        source.close()
        shutil.copy(self.folder / "stap.db", self.folder / "empty.db")

    def remove(self) -> None:
        """Let nothing be left."""
        with suppress(psycopg.Error), psycopg.connect(self.server, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)')  # type: ignore[arg-type]
        shutil.rmtree(self.folder, ignore_errors=True)


class Tables:
    """One database, read and written past the house."""

    def __init__(self, place: Place, name: str) -> None:
        self.place, self.name = place, name
        self._postgres = (
            psycopg.connect(place._at(place.server, place.name), autocommit=True)
            if name == "postgres"
            else None
        )
        self._sqlite: sqlite3.Connection | None = None

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """Run one statement; return its rows, if it has any."""
        if self._postgres is not None:
            cursor = self._postgres.execute(statement)  # type: ignore[call-overload]
            return cursor.fetchall() if cursor.description else []
        if self._sqlite is None:
            self._sqlite = sqlite3.connect(
                self.place.folder / "stap.db",
                timeout=60,
                isolation_level=None,
                check_same_thread=False,  # the stand-in's threads ask as well
            )
        return self._sqlite.execute(statement).fetchall()

    def empty(self) -> None:
        """Let nothing be there. Nobody may be at work."""
        shutil.rmtree(self.place.spool(self.name), ignore_errors=True)
        if self._postgres is not None:
            self._postgres.execute(";".join(f"DELETE FROM {table}" for table in used()))  # type: ignore[arg-type]
            return
        self._let_go()
        for each in self.place.folder.glob("stap.db*"):
            each.unlink()
        shutil.copy(self.place.folder / "empty.db", self.place.folder / "stap.db")

    def leases_run_out(self, *, of_messages: bool = True) -> None:
        """Let the leases of the dead be over, as if time had passed."""
        self.rows(f"UPDATE sender SET lease_until = '{LONG_AGO}' WHERE lease_until IS NOT NULL")
        self.rows(f"UPDATE sender SET paused_until = '{LONG_AGO}' WHERE paused_until IS NOT NULL")
        if of_messages:
            self.rows(
                f"UPDATE message SET lease_until = '{LONG_AGO}' WHERE lease_until IS NOT NULL"
            )

    def be(self, moment: datetime) -> timedelta:
        """Let practice time be *moment*, for every process; return how far ahead that is."""
        ahead = moment - (moments.now() - moments.practice_offset())
        self.rows("DELETE FROM practice_clock")
        self.rows(
            f"INSERT INTO practice_clock (id, ahead_seconds) VALUES (1, {ahead.total_seconds()})"
        )
        return ahead

    def lock(self) -> Lock:
        """Return what can keep everybody else from writing."""
        return Lock(self)

    def terminate(self) -> None:
        """Cut every connection that a house has."""
        self.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    def read_only(self, yes: bool) -> None:
        """Let every new connection only read, and cut those there are; or let them write again."""
        self.rows(
            f'ALTER DATABASE "{self.place.name}" SET default_transaction_read_only = '
            + ("on" if yes else "off")
        )
        self.rows("SET default_transaction_read_only = off")
        self.terminate()

    def full(self, yes: bool) -> None:
        """Let PostgreSQL say of every write that its disk is full; or write again."""
        for table in WRITTEN:
            self.rows(f"ALTER TABLE {table} {'ENABLE' if yes else 'DISABLE'} TRIGGER full_disk")

    def close(self) -> None:
        """Let go."""
        self._let_go()
        if self._postgres is not None:
            self._postgres.close()

    def _let_go(self) -> None:
        if self._sqlite is not None:
            self._sqlite.close()
            self._sqlite = None


class Lock:
    """Keeps everybody else from writing, from when it is taken until it is released."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._connection: Any = None

    def take(self) -> None:
        """Lock; a second time does nothing."""
        if self._connection is not None:
            return
        place = self._tables.place
        if self._tables.name == "sqlite":
            self._connection = sqlite3.connect(
                place.folder / "stap.db", timeout=60, isolation_level=None, check_same_thread=False
            )
            self._connection.execute("BEGIN IMMEDIATE")
        else:
            self._connection = psycopg.connect(place._at(place.server, place.name))
            self._connection.execute("LOCK TABLE message, attempt IN EXCLUSIVE MODE")

    def release(self) -> None:
        """Unlock."""
        if self._connection is not None:
            self._connection.rollback()
            self._connection.close()


def build(place: Place, database: str, provider: str, url: str, **given: Any) -> House:
    """Put a house together that knows one provider, at *url*."""
    common: dict[str, Any] = {
        "database_url": place.url(database),
        "environment": "practice",
        "public_url": PUBLIC,
        "spool_dir": str(place.spool(database)),
        "allowed_recipients": "*",
        "twilio_api_url": url,
        "twilio_content_url": url,
        "telegram_api_url": url,
        "pace_sms": 100,
        "pace_whatsapp": 100,
        "pace_telegram": 100,
    }
    if provider == "twilio":
        common |= {
            "twilio_account_sid": ACCOUNT,
            "twilio_auth_token": TOKEN,
            "twilio_sms_from": SMS_FROM,
            "twilio_whatsapp_from": WHATSAPP_FROM,
        }
    else:
        common |= {
            "telegram_bot_token": "1000:token",
            "telegram_webhook_secret": "secret-of-the-campaign",
        }
    return houses.build(load(None, **{**common, **given}))
