"""The database: one Base, one way to open a session, one clock for leases.

Edges (doors, console, engine, commands) open `Database.session()`; all below take the
session and never commit. SQLite runs in WAL with full synchronisation and takes its
write lock when a transaction begins, so that two writers queue instead of failing.
"""

from __future__ import annotations

import sqlite3
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock, RLock, get_ident
from typing import Any

import structlog
from sqlalchemy import (
    URL,
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
from sqlalchemy.types import TypeDecorator

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
        self._alone: dict[int, _Alone] = {}
        """Connections for single rows, by who uses them: see `_place`."""
        self._brought: deque[_Brought] = deque()
        """What waits to be inserted, in the order in which it was brought."""
        self._gathering = Lock()
        self._led = False
        """Whether a thread inserts them, or is to."""
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

    def insert_alone(self, statement: str, row: tuple[Any, ...], *, wait: float = WAIT) -> bool:
        """Run an INSERT that passes over what is there already; say whether it inserted.

        For a door, whose time would mostly go into a session and a commit. It waits no longer than
        *wait* seconds for its turn, and as long for the database.
        """
        brought, began = _Brought(statement, row), time.monotonic()
        with self._noticed():
            if self._turn is None:
                self._insert_together([brought], wait)
            else:
                self._gather(brought, wait)
            if brought.made is None:
                raise brought.error or _locked()
        self._is_back(began)
        return brought.made

    def _gather(self, brought: _Brought, wait: float) -> None:
        """Let what several threads bring at once be committed once, by one of them.

        On SQLite, whose writers take turns; PostgreSQL does so by itself, and nobody waits.
        """
        with self._gathering:
            self._brought.append(brought)
            leads, self._led = not self._led, True
        if leads or not self._is_inserted(brought, wait):
            self._lead(wait)

    def _is_inserted(self, brought: _Brought, wait: float) -> bool:
        """Wait until another thread has inserted it; False if it is this one's turn to insert."""
        if not brought.told.acquire(timeout=2 * wait):
            with self._gathering:
                if not brought.leads:
                    if brought in self._brought:
                        self._brought.remove(brought)
                    raise _locked()
        return not brought.leads

    def _lead(self, wait: float) -> None:
        """Insert what was brought until now, and let the next thread do the same."""
        some: list[_Brought] = []
        try:
            with self._in_turn(wait):
                some = self._all_brought()
                self._insert(some, wait)
        except OperationalError as error:
            some = some or self._all_brought()
            for each in some:
                each.error = error
        finally:
            with self._gathering:
                following = self._brought[0] if self._brought else None
                if following is not None:
                    following.leads = True
                self._led = following is not None
            if following is not None:
                following.told.release()
            for each in some:
                each.told.release()

    def _all_brought(self) -> list[_Brought]:
        with self._gathering:
            some = list(self._brought)
            self._brought.clear()
        return some

    def _insert(self, some: Sequence[_Brought], wait: float) -> None:
        """Insert *some*; what fails by itself fails for its bringer alone."""
        try:
            self._insert_together(some, wait)
        except AWAY as error:
            for each in some:
                each.error = error
        except Exception as error:
            if len(some) == 1:
                some[0].error = error
                return
            for each in some:
                self._insert([each], wait)

    def _insert_together(self, some: Sequence[_Brought], wait: float) -> None:
        try:
            self._try_together(some, wait)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
            # It died while nobody used it; inserted twice is inserted once.
            self._try_together(some, wait)

    def _try_together(self, some: Sequence[_Brought], wait: float) -> None:
        dialect, alone = self.engine.dialect, None
        try:
            alone = self._take()
            alone.wait(wait)
            made = alone.insert([(each.statement, each.row) for each in some])
        except dialect.loaded_dbapi.Error as error:
            lost = alone is not None and dialect.is_disconnect(error, alone.driver, None)
            self._let_go()
            # Whoever waits out a database that is away knows SQLAlchemy's errors.
            raise DBAPIError.instance(
                some[0].statement,
                None,
                error,
                dialect.loaded_dbapi.Error,
                hide_parameters=True,
                connection_invalidated=lost,
            ) from error
        for each, count in zip(some, made, strict=True):
            each.made = count == 1

    def _take(self) -> _Alone:
        """Return the connection of this thread, or of whoever leads."""
        place = self._place()
        alone = self._alone.get(place)
        if alone is None:
            alone = self._alone[place] = _Alone(self.engine)
        return alone

    def _let_go(self) -> None:
        alone = self._alone.pop(self._place(), None)
        if alone is not None:
            alone.close()

    def _place(self) -> int:
        return get_ident() if self._turn is None else 0

    @contextmanager
    def _in_turn(self, wait: float) -> Iterator[None]:
        """Let the threads of this process write to SQLite by turns.

        It lets who waits for another writer sleep, ever longer, while nobody writes.
        """
        if self._turn is None:
            yield
            return
        if not self._turn.acquire(timeout=wait):
            raise _locked()
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

    def scrub(self, *, whole: bool = False) -> None:
        """Leave nothing of what was deleted in files that the database has done with.

        On SQLite the log of writes is emptied, and with *whole* the file is written anew. On
        PostgreSQL dead rows are let go of; their bytes are overwritten when their place is used.
        """
        alone = _Alone(self.engine)
        try:
            with self._in_turn(WAIT):
                alone.wait(WAIT)
                if self._turn is None:
                    alone.wait(0)  # of one statement: a large table takes its time
                    alone.driver.execute("VACUUM")
                    return
                if whole:
                    alone.driver.execute("VACUUM")
                alone.driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            alone.close()

    def close(self) -> None:
        """Let all connections go."""
        while self._alone:
            self._alone.popitem()[1].close()
        self.engine.dispose()


def _locked() -> OperationalError:
    locked = sqlite3.OperationalError("database is locked")
    return OperationalError("BEGIN IMMEDIATE", {}, locked)


def _held() -> Lock:
    lock = Lock()
    lock.acquire()
    return lock


@dataclass(slots=True, eq=False)
class _Brought:
    """A row that a thread wants inserted, and what became of it."""

    statement: str
    row: tuple[Any, ...]
    made: bool | None = None
    """None as long as nobody knows: then it counts as not inserted, and twice is once."""
    error: Exception | None = None
    leads: bool = False
    """Whether it is for its bringer to insert what was brought."""
    told: Lock = field(default_factory=_held)
    """Free once one of these is known."""


class _Alone:
    """A connection of the driver's own, for rows that are all there is of their transaction; a
    pool of SQLAlchemy's and its sessions would take longer than the rows.
    """

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

    def insert(self, rows: Sequence[tuple[str, tuple[Any, ...]]]) -> list[int]:
        """Insert *rows*, all or none of them; return of each how many that made, 0 or 1."""
        if len(rows) == 1:
            return [self.driver.execute(*rows[0]).rowcount]
        self.driver.execute("BEGIN IMMEDIATE")
        made = [self.driver.execute(*row).rowcount for row in rows]
        self.driver.execute("COMMIT")
        return made

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
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "secure_delete=ON",
        ):
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


def take_turns(session: Session, kind: int, keys: Iterable[int]) -> None:
    """Let transactions that name one of the same *keys* of a *kind* come one after the other.

    Until this transaction ends. On SQLite writers take turns anyway. Both are 32-bit numbers.
    """
    if session.get_bind().dialect.name == "sqlite":
        return
    for key in sorted(set(keys)):
        session.execute(_TURN, {"kind": kind, "key": key})


_TURN = text("SELECT pg_advisory_xact_lock(:kind, :key)")
