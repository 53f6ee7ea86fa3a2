"""How rows are inserted: once each, whatever is there already, and as fast as the driver can.

The statements are written for the driver itself: what SQLAlchemy does for each row takes longer
than the row.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from itertools import repeat
from operator import itemgetter
from typing import Any

from sqlalchemy import JSON, Connection, Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeEngine

from bot.db import WAIT, Base, Database, UTCDateTime


@dataclass(frozen=True, slots=True)
class Written:
    """A value of a JSON column that is text already: what many rows share is written once."""

    text: str


def insert_once(session: Session, table: type[Base], values: Mapping[str, Any]) -> int | None:
    """Insert one row unless a unique constraint already holds it; return its id, or None.

    One statement: a check followed by an insert lets two of the same through.
    """
    session.flush()
    connection = session.connection()
    insertion = _insertion(table, connection.dialect, frozenset(values), frozenset())
    row = insertion.row(values)
    made = connection.exec_driver_sql(f"{insertion.one_by_one} RETURNING id", row)
    number: int | None = made.scalar_one_or_none()
    return number


def insert_alone(
    database: Database, table: type[Base], values: Mapping[str, Any], *, wait: float = WAIT
) -> bool:
    """Insert one row, in no transaction of its caller's, unless a unique constraint already holds
    it; say whether it did. See `Database.insert_alone`.
    """
    insertion = _insertion(table, database.engine.dialect, frozenset(values), frozenset())
    return database.insert_alone(insertion.one_by_one, insertion.row(values), wait=wait)


def insert_new(
    session: Session,
    table: type[Base],
    rows: Sequence[Mapping[str, Any]],
    *told: str,
    same: Mapping[str, Any] | None = None,
) -> Sequence[tuple[Any, ...]]:
    """Insert those of *rows* that no unique constraint holds already, as fast as the driver can.

    All rows have the same columns; *same* holds those that are equal in all. Returns the columns
    *told* of each row that was inserted, in any order and as the driver has them.
    """
    if not rows:
        return []
    same = same or {}
    connection = session.connection()
    insertion = _insertion(table, connection.dialect, frozenset(rows[0]), frozenset(same))
    returning = f" RETURNING {', '.join(told)}" if told else ""
    if connection.dialect.name == "postgresql":
        return _copy(connection, insertion, rows, same, returning)
    if not told:
        connection.exec_driver_sql(insertion.one_by_one, insertion.rows(rows, same))
        return []
    # executemany brings nothing back.
    given = (json.dumps(list(insertion.different(rows))), *insertion.equal(same))
    return [tuple(row) for row in connection.exec_driver_sql(insertion.at_once + returning, given)]


def _copy(
    connection: Connection,
    insertion: _Insertion,
    rows: Sequence[Mapping[str, Any]],
    same: Mapping[str, Any],
    returning: str,
) -> Sequence[tuple[Any, ...]]:
    """Insert by COPY, through a table of this connection alone: COPY itself passes over nothing."""
    connection.exec_driver_sql(insertion.beside)
    driver: Any = connection.connection.driver_connection
    try:
        with driver.cursor() as cursor, cursor.copy(insertion.copy) as copy:
            for row in insertion.different(rows):
                copy.write_row(row)
    except connection.dialect.loaded_dbapi.Error as error:
        # Whoever waits out a database that is away knows SQLAlchemy's errors.
        raise DBAPIError.instance(
            insertion.copy, None, error, connection.dialect.loaded_dbapi.Error
        ) from error
    made = connection.exec_driver_sql(insertion.at_once + returning, insertion.equal(same))
    told = [tuple(row) for row in made] if returning else []
    connection.exec_driver_sql(insertion.clear)
    return told


@dataclass(frozen=True, slots=True)
class _Insertion:
    """The statements that insert rows and pass over what a unique constraint holds."""

    each: tuple[tuple[str, Callable[[Any], Any] | None], ...]
    """Columns in which rows differ, each with what makes a value ready for the driver, if
    anything need."""
    same: tuple[tuple[str, Callable[[Any], Any] | None], ...]
    """Columns that are equal in all rows."""
    always: Mapping[str, Any]
    """The values of those among them that the model gives."""
    usual: tuple[Any, ...]
    """The same, ready for the driver."""
    one_by_one: str
    """Takes one row: those that differ, then those that are equal."""
    at_once: str
    """Takes all rows, from `beside` or as one JSON text, and then what is equal in all."""
    beside: str = ""
    copy: str = ""
    clear: str = ""

    def different(self, rows: Sequence[Mapping[str, Any]]) -> Iterable[tuple[Any, ...]]:
        """Yield of each row the columns in which they differ, ready for the driver."""
        return zip(*self._columns(rows), strict=True)

    def equal(self, same: Mapping[str, Any]) -> tuple[Any, ...]:
        """Return the columns that are equal in all rows, ready for the driver."""
        if not same:
            return self.usual
        values = {**self.always, **same}
        return tuple(
            values[name] if ready is None else ready(values[name]) for name, ready in self.same
        )

    def row(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        """Return one whole row for `one_by_one`."""
        different = [
            values[name] if ready is None else ready(values[name]) for name, ready in self.each
        ]
        return (*different, *self.equal({}))

    def rows(
        self, rows: Sequence[Mapping[str, Any]], same: Mapping[str, Any]
    ) -> list[tuple[Any, ...]]:
        """Return whole rows for `one_by_one`."""
        equal = (repeat(value, len(rows)) for value in self.equal(same))
        return list(zip(*self._columns(rows), *equal, strict=True))

    def _columns(self, rows: Sequence[Mapping[str, Any]]) -> Iterator[Iterable[Any]]:
        for name, ready in self.each:
            column = map(itemgetter(name), rows)
            yield column if ready is None else map(ready, column)


@lru_cache(maxsize=256)
def _insertion(
    table: type[Base], dialect: Dialect, each: frozenset[str], same: frozenset[str]
) -> _Insertion:
    """Return the statements for rows that differ in *each*; *same* are equal in all."""
    columns = table.__table__.columns
    always = {
        column.name: column.default.arg
        for column in columns
        if column.default is not None
        and column.default.is_scalar
        and column.name not in each | same
    }
    different = [column for column in columns if column.name in each]
    equal = [column for column in columns if column.name in same or column.name in always]
    sqlite = dialect.name == "sqlite"
    place = "?" if sqlite else "%s"
    name = dialect.identifier_preparer.quote
    names = [name(column.name) for column in (*different, *equal)]
    kinds = {column: column.type.compile(dialect) for column in columns}
    into = f"INSERT INTO {name(table.__tablename__)} ({', '.join(names)})"
    places = ", ".join([place] * len(different + equal))
    if sqlite:
        taken = [f"json_extract(value, '$[{at}]')" for at in range(len(different))]
        taken += [f"?{at}" for at, _ in enumerate(equal, 2)]
        source = "json_each(?1) WHERE true"
        beside = copy = clear = ""
    else:
        taken = names[: len(different)]
        taken += [f"CAST({place} AS {kinds[column]})" for column in equal]
        wide = hashlib.sha256(" ".join(map(str, different)).encode()).hexdigest()[:8]
        source = name(f"new_{table.__tablename__}_{wide}")
        typed = ", ".join(f"{name(column.name)} {kinds[column]}" for column in different)
        beside = f"CREATE TEMPORARY TABLE IF NOT EXISTS {source} ({typed}) ON COMMIT DELETE ROWS"
        copy = f"COPY {source} ({', '.join(names[: len(different)])}) FROM STDIN"
        clear = f"DELETE FROM {source}"  # noqa: S608 - a table of ours
    given = tuple((column.name, _ready(column.type, dialect)) for column in equal)
    return _Insertion(
        tuple((column.name, _ready(column.type, dialect)) for column in different),
        given,
        always,
        tuple(
            always[name] if ready is None else ready(always[name])
            for name, ready in given
            if name in always
        ),
        f"{into} VALUES ({places}) ON CONFLICT DO NOTHING",
        # What is filled in are names of our own tables and columns, and places for values.
        f"{into} SELECT {', '.join(taken)} FROM {source} ON CONFLICT DO NOTHING",  # noqa: S608
        beside,
        copy,
        clear,
    )


def _ready(kind: TypeEngine[Any], dialect: Dialect) -> Callable[[Any], Any] | None:
    """Return what makes a value of *kind* ready for the driver; None if it is."""
    if isinstance(kind, UTCDateTime) and dialect.name == "sqlite":
        return _in_digits
    if isinstance(kind, JSON):
        return _in_json
    return kind.dialect_impl(dialect).bind_processor(dialect)


def _in_json(value: Any) -> str:
    return value.text if isinstance(value, Written) else json.dumps(value)


def _in_digits(value: datetime | None) -> str | None:
    """Return *value* as SQLite keeps it, letter for letter what `UTCDateTime` makes of it."""
    if value is None:
        return None
    if value.tzinfo is None:
        raise ValueError("a moment without a time zone cannot be stored")
    return value.astimezone(UTC).isoformat(" ", "microseconds")[:26]
