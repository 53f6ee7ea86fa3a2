"""The list of work: every name is a function that does up to so much and says how much it did.

The tables carry the work; whoever calls these names, and how often, only decides when.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime, timedelta

import structlog
from sqlalchemy import update
from sqlalchemy.orm import Session

from bot import logs, moments
from bot.channels.base import SendError
from bot.conversation import converse
from bot.db import AWAY, clock
from bot.engine import approvals, reconciling, spooled
from bot.engine import voices as voice_notes
from bot.house import House
from bot.inserts import insert_once
from bot.messaging import (
    delivery,
    forgetting,
    inbox,
    installation,
    outbox,
    restored,
    templates,
    voices,
)
from bot.models.messages import InboxEvent
from bot.models.practice import PracticeClock
from bot.models.ticks import Tick
from bot.outreach import aftermath, broadcasts, merging, reminders, reports, voortraject
from bot.privacy import retention, staff
from bot.privacy.erasure import NotNow

log = structlog.get_logger()

Work = Callable[[House, int], int]


def handle_inbox(
    house: House,
    limit: int,
    answer_tap: Callable[[str, str], None] = lambda channel, tap: None,
    queued: Callable[[Collection[str]], None] = lambda channels: None,
    *,
    reports: bool = True,
) -> int:
    """Act on up to *limit* events, each in a transaction of its own; return how many.

    *answer_tap* gets channel and id of a tap that its phone waits for; *queued* the channels for
    which a message was written. Without *reports*, status callbacks are left to `handle_reports`.
    An event that fails is put off and, after some tries, kept aside: the queue moves on.
    """
    for handled in range(limit):
        with house.database.session() as session:
            event = inbox.next_event(session, reports=reports)
            if event is None:
                return handled
            tap = _handle(session, house, event)
            channels = outbox.queued(session)
        if channels:
            queued(channels)
        if tap is not None:
            answer_tap(*tap)
    return limit


def _handle(session: Session, house: House, event: InboxEvent) -> tuple[str, str] | None:
    number = event.id
    try:
        with session.begin_nested():
            tap = converse.handle(session, house, event)
            inbox.done(event)
    except Exception as error:  # every kind of failure must leave the event to be found
        session.refresh(event)
        inbox.put_off(event, error)
        log.warning(
            "event put off", inbox_event=number, state=event.state, error=type(error).__name__
        )
        return None
    return tap


def handle_reports(house: House, limit: int) -> int:
    """Act on up to *limit* status callbacks in one transaction; return how many.

    If that fails because of one of them, it is done again for each by itself.
    """
    numbers: list[int] = []
    try:
        with house.database.session() as session:
            events = inbox.next_reports(session, limit)
            numbers = [event.id for event in events]
            _apply(session, house, events)
    except AWAY:
        raise
    except Exception as error:  # of every kind: the event that caused it must be found
        log.warning("reports one by one", fault=logs.fault(error))
        for number in numbers:
            with house.database.session() as session:
                event = session.get(InboxEvent, number, with_for_update={"skip_locked": True})
                if event is not None and event.state == "new":
                    _handle(session, house, event)
    return len(numbers)


def _apply(session: Session, house: House, events: Sequence[InboxEvent]) -> None:
    reports, read = [], []
    for event in events:
        report = inbox.read(house, event)
        if isinstance(report, inbox.Report):
            reports.append((report.message, report.attempt, report.change))
            read.append(event.id)
    not_arrived = delivery.apply_all(session, reports)
    aftermath.known_all(session, {message for message, _, _ in reports})
    for failed in not_arrived:
        aftermath.not_arrived(session, house, failed)
    inbox.forget_strays(session, read, {message for message, _, _ in reports})
    inbox.all_done(session, read)


def remind(house: House, limit: int) -> int:
    """Queue the reminders that are due."""
    with house.database.session() as session:
        return reminders.tick(session, house, limit)


def offer_places(house: House, limit: int) -> int:
    """Take back offers that ran out, offer free places, and remind of first meetings."""
    with house.database.session() as session:
        if restored.to_be_told(session):
            return 0  # who took the place may have said so since
        return voortraject.tick(session, house, limit)


def broadcast(house: House, limit: int) -> int:
    """Queue the next of the mass messages that are under way."""
    with house.database.reading() as session:
        if not broadcasts.due(session) or restored.going_on(session) is not None:
            return 0
    with house.database.session() as session:
        return broadcasts.tick(session, house, limit)


def doubt(house: House, limit: int) -> int:
    """After a backup was put back: let all be unknown that may have gone since."""
    with house.database.reading() as session:
        if restored.going_on(session) is None:
            return 0
        forgotten = forgetting.waiting(session, house)
        unfinished = [broadcast.id for broadcast in restored.unfinished(session)]
    for kept in forgotten:
        _forget_again(house, kept)
    done = 0
    for number in unfinished:
        try:
            with house.database.session() as session:
                done = max(done, broadcasts.write_out(session, house, number, limit))
        except AWAY:
            raise
        except Exception as error:
            log.error("cannot be written out", broadcast=number, fault=logs.fault(error))
    with house.database.session() as session:
        return max(done, restored.doubt(session, house, limit))


def _forget_again(house: House, kept: forgetting.Kept) -> None:
    """Erase once more whom the backup brought back."""
    try:
        with house.database.session() as session:
            done = forgetting.again(session, house, kept)
    except NotNow:
        return  # words of theirs wait to be read: they are looked at again in a moment
    if done is not None:
        forgetting.follow(house, done)
        log.warning("erased once more", erasure=done.erasure.id)


def reap(house: House, limit: int) -> int:
    """Free what dead workers left behind, and let go of what waits in vain for a sender.

    First all is recorded that the living could only keep on disk.
    """
    spooled.put_in(house)
    with house.database.session() as session:
        if restored.going_on(session) is not None:
            return delivery.reap(session)  # whether the rest is of use yet, is not the question
        for message in delivery.expire(session, limit):
            aftermath.not_arrived(session, house, message)
    with house.database.session() as session:
        return delivery.reap(session)


def hear_missed(house: House, _limit: int) -> int:
    """Store what people wrote at Twilio and no webhook brought."""
    try:
        asyncio.run(reconciling.hear_missed(house))
    except SendError as error:
        log.warning("what was missed cannot be read", code=error.code or error.detail)
    return 0


def reconcile(house: House, limit: int) -> int:
    """Find out what became of messages whose answer was lost, and do what is due about the rest."""
    try:
        looked = asyncio.run(reconciling.look(house, limit))
    except SendError as error:
        log.warning("the list cannot be read", code=error.code or error.detail)
        looked = 0
    return max(looked, reconciling.conclude(house, limit))


def ask_approvals(house: House, _limit: int) -> int:
    """Ask after the templates that WhatsApp has not decided on yet."""
    if not house.settings.twilio:
        return 0
    try:
        asyncio.run(approvals.refresh(house, templates.PENDING))
    except SendError as error:
        log.warning("approvals cannot be read", code=error.code)
    return 0


def fetch_voices(house: House, limit: int) -> int:
    """Fetch the voice notes that people sent."""
    return voice_notes.fetch(house, min(limit, 20))


def end_sessions(house: House, limit: int) -> int:
    """Forget the sessions of the console that are over; return how many."""
    with house.database.session() as session:
        return staff.sweep(session, limit)


FOUND = 5_000
"""Rows of a kind that are looked up at once."""

ERASED = 100
"""Of those as many are erased in one transaction: nobody waits long for it."""


def purge(house: House, _limit: int) -> int:
    """Erase what is older than it may be kept. Nothing while on hold: it may be needed yet."""
    with house.database.reading() as session:
        if installation.on_hold(session):
            return 0
    erased = sum(erase(house))
    if erased:
        log.info("erased what was too old", rows=erased)
    return 0  # all of it was done


def erase(house: House) -> list[int]:
    """Erase all that is too old; return how many rows, for each of `retention.KINDS`."""
    now, kept = moments.now(), house.gemeente.retention
    for quarter in reports.quarters():
        if reports.lasts(house, quarter):
            _report(house, quarter)  # what its rows told is counted before they go
    done = []
    for kind in retention.KINDS:
        moment, erased = retention.before(kept, kind, now), 0
        while True:
            with house.database.reading() as session:
                found = retention.due(session, kind, moment, FOUND)
            here = 0
            for first in range(0, len(found), ERASED):
                with house.database.session() as session:
                    some = found[first : first + ERASED]
                    here += retention.purge(session, kind, moment, some)
            erased += here
            if len(found) < FOUND or not here:
                break
        done.append(erased)
    with house.database.session() as session:
        merging.sweep(session)
        # Not by row: what has none any more.
        voices.sweep(session, house.settings, now - timedelta(days=kept.voice_notes))
    return done


def report(house: House, _limit: int) -> int:
    """Make the report of this quarter and the last anew, so that nobody who looks waits for it."""
    for first in reports.quarters()[:2]:
        _report(house, first)
    return 0


def _report(house: House, first: date) -> None:
    with house.database.reading() as session:
        if reports.current(session, first, looked_at=False) is not None:
            return
        figures, seconds = reports.timed(session, house, first)
    with house.database.session() as session:
        reports.keep(session, first, figures, seconds)


TICKS: Mapping[str, tuple[Work, timedelta]] = {
    "remind": (remind, timedelta(seconds=2)),
    "broadcasts": (broadcast, timedelta(seconds=1)),
    "offer_places": (offer_places, timedelta(seconds=5)),
    "doubt": (doubt, timedelta(seconds=10)),
    "reap": (reap, timedelta(seconds=10)),
    "reconcile": (reconcile, timedelta(minutes=1)),
    "hear_missed": (hear_missed, timedelta(minutes=5)),
    "approvals": (ask_approvals, timedelta(minutes=10)),
    "end_sessions": (end_sessions, timedelta(minutes=10)),
    "voices": (fetch_voices, timedelta(seconds=10)),
    "purge": (purge, timedelta(hours=1)),
    "reports": (report, timedelta(minutes=30)),
}
"""What the clock ticks, and how often."""


def note(house: House, names: Collection[str]) -> datetime:
    """Write down that *names* were done just now: how long ago that is tells who looks after it.

    Returns what the database's clock shows.
    """
    with house.database.session() as session:
        now = clock(session)
        for name in sorted(names):
            if insert_once(session, Tick, {"name": name, "at": now}) is None:
                session.execute(update(Tick).where(Tick.name == name).values(at=now))
    return now


def follow_practice_clock(house: House) -> None:
    """Take over how far practice time runs ahead; outside practice there is no such thing."""
    if not house.settings.practice:
        return
    with house.database.reading() as session:
        row = session.get(PracticeClock, 1)
        moments.set_practice_offset(timedelta(seconds=row.ahead_seconds if row else 0))
