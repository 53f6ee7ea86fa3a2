"""What Prometheus is told: what is due and how late, unknown, failing, waiting, broken, held.

Every question to the tables goes by an index and stops counting at `MOST`, so that it costs the
same whether a thousand messages are kept or a million. All are asked at most once in `FRESH`
seconds, whoever asks. Labels are words of ours: channels, states, causes, names of work.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from sqlalchemy import BindParameter, Select, bindparam, func, select
from sqlalchemy.orm import Session

from bot import logs, migrate, moments
from bot.channels.base import SMS, TELEGRAM, WHATSAPP, Cause
from bot.db import clock
from bot.house import House
from bot.messaging import caps, installation
from bot.messaging.delivery import WHY_NOT
from bot.messaging.spool import ARRIVAL, DAMAGED, OUTCOME, Spool
from bot.models.broadcasts import Broadcast
from bot.models.messages import (
    BROADCASTS,
    REMINDERS,
    REPLIES,
    Attempt,
    InboxEvent,
    Message,
    Sender,
)
from bot.models.tasks import Task
from bot.models.ticks import DISTRUST, STILL, Tick

log = structlog.get_logger()

FRESH = 5.0
"""Seconds for which an answer is given again."""

MOST = 10_000
"""Rows that are counted of one kind: more is as alarming."""

RECENT = timedelta(hours=24)
LATELY, LAST_CALLS = timedelta(minutes=15), 2_000
NEWEST = 50_000
"""Of what was made in the last 24 hours, so many at most are looked at."""

CHANNELS = (WHATSAPP, SMS, TELEGRAM)

PRIORITIES = {REPLIES: "answer", REMINDERS: "reminder", BROADCASTS: "broadcast"}

CAUSES = frozenset({*(cause.value for cause in Cause), *WHY_NOT})

UNDER_WAY: BindParameter[str] = bindparam(
    # Written into the statement, so that the index on just these is known to hold all of them.
    "under_way",
    ("claimed", "sending"),
    expanding=True,
    literal_execute=True,
)

ENDED_BADLY = ("failed", "undelivered", "blocked", "expired", "unknown_final", "no_receipt")

Numbers = Iterable[tuple[Sequence[str], float]]


class Figures:
    """The figures of one installation, as text for Prometheus."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._registry = CollectorRegistry()
        self._registry.register(self)
        self._asking = threading.Lock()
        self._told, self._until = b"", 0.0

    def text(self) -> bytes:
        """Return all figures; those of a few seconds ago if they were asked for then."""
        with self._asking:
            if time.monotonic() >= self._until:
                self._told = generate_latest(self._registry)
                self._until = time.monotonic() + FRESH
            return self._told

    def describe(self) -> list[Metric]:
        """Promise nothing beforehand: to know them all the tables would have to be asked."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Ask everything. A database that is away is a figure too."""
        began = time.monotonic()
        told: list[Metric] = []
        try:
            current = migrate.is_current(self._house.database)
            if current:
                with self._house.database.reading() as session:
                    for ask in ASKED:
                        told += ask(session, self._house)
        except Exception as error:
            log.warning("no figures", fault=logs.fault(error))
            yield gauge("stap_database_up", "Whether the database answers", one=0)
        else:
            yield gauge("stap_database_up", "Whether the database answers", one=1)
            yield gauge("stap_schema_current", "Whether it has the newest schema", one=current)
        yield from told
        yield from _spool(self._house)
        yield gauge(
            "stap_figures_seconds",
            "How long these figures took",
            one=time.monotonic() - began,
        )


def gauge(
    name: str,
    about: str,
    labels: Sequence[str] = (),
    numbers: Numbers = (),
    one: float | None = None,
) -> Metric:
    """Return a figure: *numbers* by *labels*, or *one* number."""
    made = GaugeMetricFamily(name, about, labels=labels)
    for values, number in numbers if one is None else [((), one)]:
        made.add_metric(values, float(number))
    return made


def counter(name: str, about: str, number: float) -> Metric:
    """Return a figure that only ever goes up."""
    return CounterMetricFamily(name, about, value=number)


def cause_of(told: str | None) -> str:
    """Return a cause as a label: one of ours, or ``other``."""
    return told if told in CAUSES else "other" if told else "none"


# ------------------------------------------------------------------ what goes out


def _due(session: Session, _house: House) -> Iterator[Metric]:
    now = moments.now()
    counts: list[tuple[Sequence[str], float]] = []
    waits: list[tuple[Sequence[str], float]] = []
    most: list[tuple[Sequence[str], float]] = []
    for channel in CHANNELS:
        for priority, name in PRIORITIES.items():
            found = (
                select(Message.not_before)
                .where(
                    Message.state == "planned",
                    Message.channel == channel,
                    Message.priority == priority,
                    Message.not_before <= now,
                )
                .order_by(Message.not_before)
            )
            count, oldest = _counted(session, found)
            counts.append(((channel, name), count))
            waits.append(((channel, name), _age(now, oldest)))
            late = session.scalar(found.offset(count // 20).limit(1)) if count else None
            most.append(((channel, name), _age(now, late)))
    yield gauge("stap_due", f"Messages to send now, {MOST} at most", ("channel", "kind"), counts)
    yield gauge(
        "stap_due_oldest_seconds", "How long the first of them is due", ("channel", "kind"), waits
    )
    yield gauge(
        "stap_due_p95_seconds",
        "How long they are due at most, but for one in twenty",
        ("channel", "kind"),
        most,
    )


def _handed_over(session: Session, _house: House) -> Iterator[Metric]:
    """Tell how late the last calls began, each measured from when its message was due."""
    since = moments.now() - LATELY
    last = session.scalar(select(func.max(Attempt.id))) or 0
    late: dict[tuple[str, str], list[float]] = {}
    for channel, priority, began, due in session.execute(
        select(Message.channel, Message.priority, Attempt.started_at, Message.not_before)
        .join(Message, Message.id == Attempt.message_id)
        .where(Attempt.id > last - LAST_CALLS, Attempt.started_at > since, Attempt.number == 1)
    ):
        late.setdefault((channel or "none", PRIORITIES[priority]), []).append(_age(began, due))
    yield gauge(
        "stap_late_p95_seconds",
        "How late the first calls of the last 15 minutes began, but for one in twenty",
        ("channel", "kind"),
        [(which, sorted(each)[(len(each) * 95 - 1) // 100]) for which, each in late.items()],
    )


def _counted(session: Session, found: Select[datetime]) -> tuple[int, datetime | None]:
    """Return how many *found* finds, `MOST` at most, and the first in its order."""
    some = found.limit(MOST).subquery()
    count, oldest = session.execute(select(func.count(), func.min(some.c[0]))).one()
    return count, oldest


def _age(now: datetime, since: datetime | None) -> float:
    return max(0.0, (now - since).total_seconds()) if since is not None else 0.0


def _under_way(session: Session, _house: House) -> Iterator[Metric]:
    counted = session.execute(
        select(Message.channel, func.count())
        .where(Message.state.in_(UNDER_WAY))
        .group_by(Message.channel)
    )
    yield gauge(
        "stap_under_way",
        "Messages that a worker holds or hands over now",
        ("channel",),
        [((channel or "none",), count) for channel, count in counted],
    )
    over = session.scalar(
        select(func.count()).where(
            Message.state.in_(UNDER_WAY), Message.lease_until < clock(session)
        )
    )
    yield gauge("stap_leases_run_out", "Those of them whose worker is gone", one=over or 0)


def _unknown(session: Session, _house: House) -> Iterator[Metric]:
    now, oldest = moments.now(), 0.0
    counts: Counter[tuple[str, str]] = Counter()
    for channel, cause, count, since in session.execute(
        select(Message.channel, Message.cause, func.count(), func.min(Message.changed_at))
        .where(Message.state == "unknown")
        .group_by(Message.channel, Message.cause)
    ):
        counts[channel or "none", cause_of(cause)] += count
        oldest = max(oldest, _age(now, since))
    yield gauge(
        "stap_unknown",
        "Messages of which it is being found out whether they went",
        ("channel", "cause"),
        counts.items(),
    )
    yield gauge("stap_unknown_oldest_seconds", "How long that takes already", one=oldest)


def _recent(session: Session, _house: House) -> Iterator[Metric]:
    """Count what was made lately by what became of it."""
    newest = session.scalar(select(func.max(Message.id))) or 0
    first = max(_first_since(session, moments.now() - RECENT, newest), newest - NEWEST)
    states: Counter[tuple[str, str]] = Counter()
    causes: Counter[tuple[str, str, str]] = Counter()
    for channel, state, cause, count in session.execute(
        select(Message.channel, Message.state, Message.cause, func.count())
        .where(Message.id > first)
        .group_by(Message.channel, Message.state, Message.cause)
    ):
        states[channel or "none", state] += count
        if state in ENDED_BADLY:
            causes[channel or "none", state, cause_of(cause)] += count
    yield gauge(
        "stap_messages",
        f"Messages of the last 24 hours, the newest {NEWEST} of them, by how they stand",
        ("channel", "state"),
        states.items(),
    )
    yield gauge(
        "stap_messages_not_arrived",
        "Those of them that did not arrive or may not have, and why",
        ("channel", "state", "cause"),
        causes.items(),
    )
    yield counter("stap_messages_made", "Messages ever written down", newest)
    calls = session.scalar(select(func.max(Attempt.id))) or 0
    yield counter("stap_calls", "Calls to providers ever begun", calls)


def _first_since(session: Session, moment: datetime, newest: int) -> int:
    """Return an id after which all messages were made at *moment* or later.

    Ids go up with time, so halving finds it; there is no index on when a message was made.
    """
    low, high = 0, newest
    while low < high:
        middle = (low + high) // 2
        made = session.scalar(
            select(Message.created_at).where(Message.id > middle).order_by(Message.id).limit(1)
        )
        if made is not None and made < moment:
            low = middle + 1
        else:
            high = middle
    return low


def _spending(session: Session, house: House) -> Iterator[Metric]:
    parts, euros = caps.spent_on(session, house, moments.local(moments.now()).date())
    yield gauge("stap_sms_parts_today", "SMS parts handed over today", one=parts)
    if euros is not None:
        most = float(house.gemeente.caps.sms_euros_per_day)
        yield gauge("stap_sms_euros_today", "What they cost, estimated", one=float(euros))
        yield gauge("stap_sms_euros_cap", "What they may cost in a day", one=most)


def _broadcasts(session: Session, _house: House) -> Iterator[Metric]:
    counted = session.execute(select(Broadcast.state, func.count()).group_by(Broadcast.state))
    yield gauge(
        "stap_broadcasts", "Mass messages by state", ("state",), [((s,), n) for s, n in counted]
    )


# ------------------------------------------------------------------ what comes in


def _inbox(session: Session, _house: House) -> Iterator[Metric]:
    now = moments.now()
    waiting: list[tuple[Sequence[str], float]] = []
    # One after the other by number: the first that waits is the oldest.
    found = select(InboxEvent.received_at).where(InboxEvent.state == "new").order_by(InboxEvent.id)
    count, oldest = _counted(session, found)
    waiting.append(((), count))
    yield gauge("stap_inbox_waiting", f"Events to act on, {MOST} at most", (), waiting)
    yield gauge("stap_inbox_oldest_seconds", "How long the first waits", one=_age(now, oldest))
    kept = session.execute(
        select(InboxEvent.source, func.count())
        .where(InboxEvent.state == "kept")
        .group_by(InboxEvent.source)
    )
    yield gauge(
        "stap_inbox_kept",
        "Events that were not understood and wait for a person",
        ("source",),
        [((source,), count) for source, count in kept],
    )
    newest = session.scalar(select(func.max(InboxEvent.id))) or 0
    yield counter("stap_inbox_events", "Events ever stored", newest)


def _tasks(session: Session, _house: House) -> Iterator[Metric]:
    now = moments.now()
    rows = session.execute(
        select(Task.kind, func.count(), func.min(Task.since))
        .where(Task.done_at.is_(None))
        .group_by(Task.kind)
    ).all()
    yield gauge(
        "stap_tasks_open", "What waits for staff", ("kind",), [((kind,), n) for kind, n, _ in rows]
    )
    yield gauge(
        "stap_tasks_oldest_seconds",
        "How long the first of a kind waits",
        ("kind",),
        [((kind,), _age(now, since)) for kind, _, since in rows],
    )


# ------------------------------------------------------------------ what does the work


def _senders(session: Session, _house: House) -> Iterator[Metric]:
    now = clock(session)
    rows = session.scalars(select(Sender).order_by(Sender.channel)).all()

    def by_channel(name: str, about: str, number: Callable[[Sender], float]) -> Metric:
        return gauge(name, about, ("channel",), [((row.channel,), number(row)) for row in rows])

    yield by_channel(
        "stap_sender_held",
        "Whether a worker has the lease of this sender",
        lambda row: row.owner is not None and row.lease_until is not None and row.lease_until > now,
    )
    yield by_channel(
        "stap_sender_lease_seconds",
        "How long that lease still runs; below zero: since when it has run out",
        lambda row: (row.lease_until - now).total_seconds() if row.lease_until else 0.0,
    )
    yield gauge(
        "stap_sender_paused_seconds",
        "How long this sender still rests, and why",
        ("channel", "cause"),
        [
            ((row.channel, cause_of(row.pause_cause)), _age(row.paused_until, now))
            for row in rows
            if row.paused_until is not None and row.paused_until > now
        ],
    )
    yield by_channel(
        "stap_breaker_open_seconds",
        "How long the breaker of this sender is open; 0: it is closed",
        lambda row: max(0.001, _age(now, row.broken_since)) if row.broken_since else 0.0,
    )
    yield by_channel(
        "stap_sender_failures",
        "Calls in a row that say that the channel is ill",
        lambda row: row.failures,
    )


def _hold(session: Session, _house: House) -> Iterator[Metric]:
    held = installation.on_hold(session)
    yield gauge("stap_on_hold", "1 while nothing may be sent", one=held)


def _ticks(session: Session, _house: House) -> Iterator[Metric]:
    now = clock(session)
    done = {row.name: _age(now, row.at) for row in session.scalars(select(Tick))}
    distrust = done.pop(DISTRUST, STILL.total_seconds())
    yield gauge(
        "stap_clock_distrusted",
        "1 while a worker does not believe the clock of its machine",
        one=distrust < STILL.total_seconds(),
    )
    ages = [((name,), age) for name, age in done.items()]
    yield gauge("stap_tick_age_seconds", "When each kind of work was last done", ("tick",), ages)
    offset = (moments.machine_now() - now).total_seconds()
    yield gauge(
        "stap_clock_offset_seconds",
        "How far the clock of this machine runs ahead of the database's",
        one=offset,
    )


def _spool(house: House) -> Iterator[Metric]:
    spool = Spool(house.settings.spool)
    counts: list[tuple[Sequence[str], float]] = []
    for kind in (ARRIVAL, OUTCOME, DAMAGED):
        try:
            counts.append(((kind.removeprefix("."),), spool.count(kind)))
        except OSError:
            counts.append(((kind.removeprefix("."),), float("nan")))
    yield gauge("stap_spool", "What waits on the disk of this machine", ("kind",), counts)


ASKED: Sequence[Callable[[Session, House], Iterable[Any]]] = (
    _due,
    _handed_over,
    _under_way,
    _unknown,
    _recent,
    _spending,
    _broadcasts,
    _inbox,
    _tasks,
    _senders,
    _hold,
    _ticks,
)
