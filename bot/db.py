"""The database: one Base, one way to open a session, one clock for leases.

Edges (doors, console, engine, commands) open `Database.session()`; all below take the
session and never commit. SQLite runs in WAL with full synchronisation and takes its
write lock when a transaction begins, so that two writers queue instead of failing.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from itertools import repeat
from operator import itemgetter
from pathlib import Path
from threading import Lock, RLock
from typing import Any

import structlog
from sqlalchemy import (
    JSON,
    URL,
    Connection,
    DateTime,
    Dialect,
    Engine,
    MetaData,
    create_engine,
    event,
    make_url,
    text,
)
from sqlalchemy.exc import (
    DBAPIError,
    InterfaceError,
    InternalError,
    OperationalError,
    PendingRollbackError,
    ProgrammingError,
)
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import TypeDecorator, TypeEngine

from bot import logs

log = structlog.get_logger()

AWAY = (
    OperationalError,
    InterfaceError,
    InternalError,  # PostgreSQL that is read-only, as after a failover
    NoConnectionFree,
    PendingRollbackError,  # it went while a transaction was open
    ProgrammingError,  # PostgreSQL without a table or a right; SQLite's is an OperationalError
)
"""What is raised while a database is away, locked, full, read-only or half put back. It is said
once by `Database`; who meets it waits, and need not say it again."""

USED = "used"

WAIT = 30.0
"""Seconds that a writer waits for another to let go of the database."""

REACH = {
    # libpq's own names, seconds but the last. Its defaults wait for a machine that is gone for
    # minutes, or for ever.
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
"""How long a PostgreSQL that does not answer is waited for, unless DATABASE_URL says otherwise."""

POOL_WAIT = 10.0
"""Seconds to wait for a connection that another thread of this process uses."""


class UTCDateTime(TypeDecorator[datetime]):
    """A moment in UTC. Naive datetimes are refused: nobody knows where they are."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Store in UTC; SQLite has no zones and gets the bare digits."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone cannot be stored")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give every moment back in UTC, with its zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """All tables. Names of constraints are fixed, so that migrations can speak of them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UTCDateTime}


class Database:
    """One engine and the sessions on it."""

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        self.engine = _engine(url)
        self._alone: deque[_Alone] = deque()
        self._away_since: float | None = None
        self._back_since = 0.0
        self._noticing = Lock()
        self._turn = RLock() if self.url.get_backend_name() == "sqlite" else None

    @contextmanager
    def session(self, *, wait: float | None = None) -> Iterator[Session]:
        """Open a transaction: returning commits, raising rolls back.

        *wait* is for who cannot wait long, in seconds: for another writer to let go of SQLite,
        or for any one statement of PostgreSQL.
        """
        engine = self.engine if wait is None else self.engine.execution_options(wait=wait)
        began = time.monotonic()
        with (
            self._noticed(),
            self._in_turn(WAIT if wait is None else wait),
            Session(engine, expire_on_commit=False) as session,
            session.begin(),
        ):
            yield session
        if USED in session.info:
            self._is_back(began)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Open a transaction that only reads: on SQLite it waits for no writer."""
        engine = self.engine.execution_options(reading=True)
        with self._noticed(), Session(engine) as session, session.begin():
            yield session

    def insert_alone(
        self, table: type[Base], values: Mapping[str, Any], *, wait: float = WAIT
    ) -> bool:
        """Insert one row in a transaction of its own, unless a unique constraint holds it already.

        Says whether it did. One statement and one trip: for a door, whose time would mostly go
        into a session. It waits no longer than *wait* seconds.
        """
        insertion = _insertion(table, self.engine.dialect, frozenset(values), frozenset())
        row = insertion.row(values)
        began = time.monotonic()
        with self._noticed(), self._in_turn(wait):
            try:
                made = self._insert_alone(insertion.one_by_one, row, wait)
            except DBAPIError as error:
                if not error.connection_invalidated:
                    raise
                # It died while nobody used it, and so did others; inserted twice is inserted once.
                self._let_go()
                made = self._insert_alone(insertion.one_by_one, row, wait)
        self._is_back(began)
        return made

    def _insert_alone(self, statement: str, row: tuple[Any, ...], wait: float) -> bool:
        dialect, alone = self.engine.dialect, None
        try:
            alone = self._take()
            alone.wait(wait)
            made: int = alone.driver.execute(statement, row).rowcount
        except dialect.loaded_dbapi.Error as error:
            lost = alone is not None and dialect.is_disconnect(error, alone.driver, None)
            if alone is not None:
                alone.close()
            # Whoever waits out a database that is away knows SQLAlchemy's errors.
            raise DBAPIError.instance(
                statement,
                None,
                error,
                dialect.loaded_dbapi.Error,
                hide_parameters=True,
                connection_invalidated=lost,
            ) from error
        self._alone.append(alone)
        return made == 1

    def _take(self) -> _Alone:
        """Return a connection that nobody uses; a pool of SQLAlchemy's would take half the time."""
        try:
            return self._alone.pop()
        except IndexError:
            return _Alone(self.engine)

    def _let_go(self) -> None:
        while self._alone:
            self._alone.pop().close()

    @contextmanager
    def _in_turn(self, wait: float) -> Iterator[None]:
        """Let the threads of this process write to SQLite by turns.

        It lets who waits for another writer sleep, ever longer, while nobody writes.
        """
        if self._turn is None:
            yield
            return
        if not self._turn.acquire(timeout=wait):
            locked = sqlite3.OperationalError("database is locked")
            raise OperationalError("BEGIN IMMEDIATE", {}, locked)
        try:
            yield
        finally:
            self._turn.release()

    @contextmanager
    def _noticed(self) -> Iterator[None]:
        """Say that the database is away, once: whoever uses it finds out again and again."""
        began = time.monotonic()
        try:
            yield
        except AWAY as error:
            with self._noticing:
                # Who began to wait before it was back tells of the outage that is over.
                first = self._away_since is None and began >= self._back_since
                if first:
                    self._away_since = time.monotonic()
            if first:
                log.error("the database is away", fault=logs.fault(error))
            raise

    def _is_back(self, began: float) -> None:
        """Say that it takes what is written again: that it can be read is not enough.

        Who *began* before it went away proves nothing by having got through.
        """
        if self._away_since is None:
            return
        with self._noticing:
            since = self._away_since
            if since is None or began < since:
                return
            self._away_since, self._back_since = None, time.monotonic()
        log.warning("the database is back", seconds=round(time.monotonic() - since))

    def close(self) -> None:
        """Let all connections go."""
        self._let_go()
        self.engine.dispose()


class _Alone:
    """A connection on which every statement is a transaction of its own."""

    def __init__(self, engine: Engine) -> None:
        self._connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        self.driver: Any = self._connection.connection.driver_connection
        self._connection.detach()
        self._is_sqlite = engine.dialect.name == "sqlite"
        self._waits = ""

    def wait(self, seconds: float) -> None:
        """Let no statement take longer than *seconds*."""
        waits = f"{seconds * 1000:.0f}"
        if waits != self._waits:
            setting = "PRAGMA busy_timeout" if self._is_sqlite else "SET statement_timeout"
            self.driver.execute(f"{setting} = {waits}")
            self._waits = waits

    def close(self) -> None:
        """Let it go."""
        self._connection.close()


@event.listens_for(Session, "after_begin")
def _used(session: Session, _transaction: Any, _connection: Any) -> None:
    """Note that *session* reached the database: one that was asked nothing proves nothing."""
    session.info[USED] = True


def _engine(url: str) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return _server(parsed)
    if parsed.database and parsed.database != ":memory:":
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        parsed,
        connect_args={"timeout": WAIT, "check_same_thread": False},
        hide_parameters=True,  # an error names the statement, never what a person said
    )

    @event.listens_for(engine, "connect")
    def _settle(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # SQLAlchemy says BEGIN, not the driver
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        options = connection.get_execution_options()
        wait = options.get("wait", WAIT)
        if connection.info.get("wait", WAIT) != wait:
            connection.exec_driver_sql(f"PRAGMA busy_timeout={wait * 1000:.0f}")
            connection.info["wait"] = wait
        connection.exec_driver_sql("BEGIN" if options.get("reading") else "BEGIN IMMEDIATE")

    return engine


def _server(url: URL) -> Engine:
    engine = create_engine(
        url,
        connect_args={name: value for name, value in REACH.items() if name not in url.query},
        pool_pre_ping=True,
        pool_size=10,
        max_overflow=20,
        pool_timeout=POOL_WAIT,
        hide_parameters=True,
    )

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        wait = connection.get_execution_options().get("wait")
        if wait is not None:
            connection.exec_driver_sql(f"SET LOCAL statement_timeout = {wait * 1000:.0f}")

    return engine


def clock(session: Session) -> datetime:
    """Return the database's own moment, the only clock that leases trust."""
    if session.get_bind().dialect.name == "sqlite":
        told = session.execute(text("SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')")).scalar_one()
        return datetime.fromisoformat(told).replace(tzinfo=UTC)
    moment: datetime = session.execute(text("SELECT clock_timestamp()")).scalar_one()
    return moment.astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Written:
    """A value of a JSON column that is text already: what many rows share is written once."""

    text: str


def take_turns(session: Session, kind: int, keys: Iterable[int]) -> None:
    """Let transactions that name one of the same *keys* of a *kind* come one after the other.

    Until this transaction ends. On SQLite writers take turns anyway. Both are 32-bit numbers.
    """
    if session.get_bind().dialect.name == "sqlite":
        return
    for key in sorted(set(keys)):
        session.execute(_TURN, {"kind": kind, "key": key})


_TURN = text("SELECT pg_advisory_xact_lock(:kind, :key)")


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
    """The statements that insert rows and pass over what a unique constraint holds.

    Written for the driver itself: what SQLAlchemy does for each row takes longer than the row.
    """

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
