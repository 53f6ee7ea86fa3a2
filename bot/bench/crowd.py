"""Fictional people by the hundred thousand, put into a database the quickest way it has."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from itertools import islice, product
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from bot.channels.base import SMS, TELEGRAM, WHATSAPP
from bot.wording.languages import shipped

AT_ONCE = 10_000
CHANNELS = (TELEGRAM, SMS, WHATSAPP)
YEARS_AGO = datetime(2024, 1, 1, tzinfo=UTC)
"""Before anything else that a measurement writes down."""

LATIN = list("BDFHLMRSYZ"), ["ala", "ere", "ima", "oni", "udo", "aşu", "ebë", "ika", "ovi", "uto"]
ETHIOPIC = list("ሰሚሉዮፈራበሃዶዚ"), list("ላረማኒዶሹበካቪቶ")
ARABIC = ["سا", "مي", "لو", "يو", "في", "را"], ["لا", "ر", "ما", "ني", "دو", "شو"]
ENDINGS = (*LATIN[1], "", "m", "n", "na", "s", "da")
NAMES = ["".join(parts) for parts in product(*LATIN, ENDINGS, ("", "h", "r"))]
NAMES += ["".join(parts) for script in (ETHIOPIC, ARABIC) for parts in product(*script, script[1])]
"""Some six thousand: as many as a city has."""


def seed(url: str, people: int) -> None:
    """Let there be so many *people* who said yes, on all channels and in all languages we have."""
    at = moment(url, YEARS_AGO)
    languages = list(shipped())
    numbers = range(1, people + 1)
    bulk(
        url,
        "inburgeraar",
        ("id", "kenmerk", "first_name", "language", "wijk", "created_at"),
        (
            (
                n,
                f"P{n:07}",
                NAMES[n % len(NAMES)],
                languages[n % len(languages)],
                f"0{n % 7}",
                at,
            )
            for n in numbers
        ),
    )
    bulk(
        url,
        "address",
        ("id", "channel", "address", "state", "created_at"),
        ((n, CHANNELS[n % 3], f"+3169{n:08}", "open", at) for n in numbers),
    )
    bulk(url, "person_address", ("person_id", "address_id", "rank"), ((n, n, 0) for n in numbers))
    bulk(
        url,
        "consent",
        ("person_id", "purpose", "given", "evidence", "at"),
        ((n, "invitation", True, "bench", at) for n in numbers),
    )


def moment(url: str, at: datetime) -> Any:
    """Return *at* as the driver of this database takes it."""
    return at.replace(tzinfo=None).isoformat(" ") if url.startswith("sqlite") else at


def bulk(
    url: str,
    table: str,
    columns: Sequence[str],
    rows: Iterable[tuple[Any, ...]],
    *,
    whole: bool = False,
) -> None:
    """Insert *rows* by the database's own means: executemany, or COPY; *whole*: in one go.

    With every check that the house has on, and durable.
    """
    if url.startswith("sqlite"):
        _executemany(url, table, columns, rows, whole=whole)
    else:
        _copy(url, table, columns, rows)


def _executemany(
    url: str, table: str, columns: Sequence[str], rows: Iterable[tuple[Any, ...]], *, whole: bool
) -> None:
    places = ", ".join("?" * len(columns))
    names = ", ".join(f'"{name}"' for name in columns)
    statement = f"INSERT INTO {table} ({names}) VALUES ({places})"  # noqa: S608 - ours
    coming = iter(rows)
    with closing(sqlite_at(url)) as connection:
        while some := list(islice(coming, None if whole else AT_ONCE)):
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(statement, some)
            connection.execute("COMMIT")


def _copy(url: str, table: str, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with postgresql_at(url) as connection, connection.cursor() as cursor:
        with cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
        if "id" in columns:
            cursor.execute(
                sql.SQL("SELECT setval(pg_get_serial_sequence({}, 'id'), max(id)) FROM {}").format(
                    sql.Literal(table), sql.Identifier(table)
                )
            )


def sqlite_at(url: str) -> sqlite3.Connection:
    """Open the file of *url* as the house does: WAL, fully synchronised, foreign keys checked."""
    connection = sqlite3.connect(make_url(url).database or "", timeout=30, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def postgresql_at(url: str) -> psycopg.Connection[Any]:
    """Open the database of *url*."""
    plain = make_url(url).set(drivername="postgresql")
    return psycopg.connect(plain.render_as_string(hide_password=False))
