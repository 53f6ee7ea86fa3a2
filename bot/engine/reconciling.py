"""What Twilio knows and we do not: what people wrote while nobody listened, and what became of
messages of ours whose answer was lost.

It belongs to the engine because it calls between transactions, never within one.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import exists, func, select, update

from bot import logs, moments
from bot.channels.base import Certainty, Media, SendError
from bot.channels.twilio import Listed, TwilioChannel
from bot.house import House
from bot.inserts import insert_once
from bot.messaging import inbox, installation, reconcile
from bot.messaging.pace import Pace
from bot.messaging.reconcile import Question
from bot.messaging.steps import Verdict
from bot.models.messages import InboxEvent, Sender
from bot.outreach import aftermath

if TYPE_CHECKING:
    from bot.channels.twilio_client import TwilioClient

log = structlog.get_logger()

FIRST_LOOK = timedelta(hours=24)
"""How far back the list is read for a sender that nobody has listened to before."""

OVERLAP = timedelta(minutes=15)
"""How much of what was read before is read again: the list may run behind."""

ON_ITS_WAY = timedelta(minutes=2)
"""What is younger than this may still come by webhook, which tells more than the list does."""

PATIENCE = 120.0
"""Seconds that sending waits at the start for what was missed."""

REST = 5.0
"""Most seconds between two tries of that."""


def twilio_channels(house: House) -> list[TwilioChannel]:
    """Return the channels that this installation has at Twilio."""
    return [channel for channel in house.channels.values() if isinstance(channel, TwilioChannel)]


def client(house: House) -> TwilioClient:
    """Return a client for the running event loop. It takes a second to load: only when needed."""
    from bot.channels.twilio_client import TwilioClient

    return TwilioClient(house.settings)


# ------------------------------------------------------------------ what people wrote


async def hear_missed(house: House, on_its_way: timedelta = ON_ITS_WAY) -> int:
    """Store what people wrote and no webhook brought; return how many. Raises SendError."""
    if await asyncio.to_thread(_is_copy, house):
        return 0
    channels = [each for each in twilio_channels(house) if each.heard_at or each.service]
    if not channels:
        await asyncio.to_thread(_refilled, house)
        return 0
    twilio = client(house)
    try:
        read = [await _hear_missed(house, twilio, each, on_its_way) for each in channels]
    finally:
        await twilio.close()
    if all(whole for _, whole in read):
        await asyncio.to_thread(_refilled, house)
    return sum(missed for missed, _ in read)


async def _hear_missed(
    house: House, twilio: TwilioClient, channel: TwilioChannel, on_its_way: timedelta
) -> tuple[int, bool]:
    """Return how many were stored, and whether the list reached back far enough."""
    now = moments.now()
    since = await asyncio.to_thread(_heard_until, house, channel.name, now)
    rows, whole = await twilio.list_messages(since, to=channel.heard_at)
    theirs = [row for row in rows if channel.hears(row) and row.created <= now - on_its_way]
    known = await asyncio.to_thread(_known, house, [row.ref for row in theirs])
    missed = [row for row in reversed(theirs) if row.ref not in known]
    for row in missed:
        media = await _media(twilio, row)
        form = row.form(house.settings.twilio_account_sid, media)
        await asyncio.to_thread(_store, house, form, row.created)
    if not whole:
        log.error("more was written than could be read back", channel=channel.name)
    await asyncio.to_thread(_note, house, channel.name, now - OVERLAP)
    if missed:
        log.warning("heard after all", channel=channel.name, messages=len(missed))
    return len(missed), whole


async def _media(twilio: TwilioClient, row: Listed) -> list[Media]:
    """Return the files of *row*; none if they are gone, for what was written counts without."""
    if not row.media:
        return []
    try:
        return await twilio.media(row.ref)
    except SendError as error:
        if error.certainty is not Certainty.REJECTED:
            raise
        return []


def _heard_until(house: House, channel: str, now: datetime) -> datetime:
    with house.database.reading() as session:
        until = session.scalar(select(Sender.heard_until).where(Sender.channel == channel))
        missed = installation.missed_since(session)
    return min(until or now - FIRST_LOOK, now - OVERLAP, *([missed - OVERLAP] if missed else []))


def _is_copy(house: House) -> bool:
    """Say whether this is another's database: what people write to that one is not for here."""
    with house.database.reading() as session:
        return installation.is_copy(session, house.settings.environment)


def _refilled(house: House) -> None:
    with house.database.reading() as session:
        if not installation.on_hold(session):
            return
    with house.database.session() as session:
        installation.refilled(session)


def _known(house: House, refs: list[str]) -> set[str]:
    with house.database.reading() as session:
        return inbox.known(session, refs)


def _store(house: House, form: dict[str, str], at: datetime) -> None:
    with house.database.session() as session:
        inbox.store_missed(session, form, at)


def _note(house: House, channel: str, until: datetime) -> None:
    with house.database.session() as session:
        insert_once(session, Sender, {"channel": channel})
        session.execute(update(Sender).where(Sender.channel == channel).values(heard_until=until))


async def before_first_send(
    house: House, stopping: threading.Event, arrived: Callable[[], None]
) -> None:
    """Wait until what people wrote while we were away is stored and acted upon.

    A STOP among it must count for the first message that goes out. It waits two minutes at most,
    and not at all where Twilio refuses to show the list: an installation that may never send
    again because one list cannot be read helps nobody.
    """
    until, rest = Pace.clock() + PATIENCE, 0.5
    while not stopping.is_set():
        try:
            await hear_missed(house, timedelta())
            last = await asyncio.to_thread(_last_event, house)
            arrived()
            while not stopping.is_set() and await asyncio.to_thread(_waiting, house, last):
                if Pace.clock() >= until:
                    log.error("sending starts while what was missed is still being read")
                    return
                await asyncio.sleep(0.05)
            return
        except Exception as error:
            # Twilio that cannot be reached, or the database: either may come back.
            code = error.code or error.detail if isinstance(error, SendError) else None
            refused = isinstance(error, SendError) and error.certainty is Certainty.REJECTED
            if refused or Pace.clock() >= until:
                log.error("sending starts without what was missed", code=code)
                return
            log.warning("what was missed cannot be read yet", code=code, fault=logs.fault(error))
        await asyncio.sleep(rest)
        rest = min(2 * rest, REST)


def _last_event(house: House) -> int:
    with house.database.reading() as session:
        return session.scalar(select(func.max(InboxEvent.id))) or 0


def _waiting(house: House, last: int) -> bool:
    """Say whether an event up to *last* is still to be acted on; one that was put off is not."""
    with house.database.reading() as session:
        return bool(
            session.scalar(
                select(
                    exists().where(
                        InboxEvent.state == "new",
                        InboxEvent.not_before <= moments.now(),
                        InboxEvent.id <= last,
                    )
                )
            )
        )


# ------------------------------------------------------------------ what nobody knows


async def look(house: House, limit: int) -> int:
    """Look in Twilio's list for up to *limit* attempts of which nobody knows; return how many.

    Raises SendError if the list cannot be read; what was found till then is kept.
    """
    channels = {channel.name: channel for channel in twilio_channels(house)}
    if await asyncio.to_thread(_is_copy, house):
        return 0
    asked = await asyncio.to_thread(_questions, house, list(channels), limit)
    if not asked:
        return 0
    twilio = client(house)
    try:
        for question in asked:
            await _look(house, twilio, channels[question.channel], question)
    finally:
        await twilio.close()
    return len(asked)


async def _look(
    house: House, twilio: TwilioClient, channel: TwilioChannel, question: Question
) -> None:
    listed: list[Listed] | None
    try:
        listed, whole = await twilio.list_messages(
            question.since, to=channel.in_list(question.address)
        )
    except SendError as error:
        if error.certainty is not Certainty.REJECTED:
            raise
        listed, whole = None, False  # it is about this address: asking again at once is no use
    verdict = await asyncio.to_thread(_decide, house, channel, question, listed if whole else None)
    log.info("looked for an unknown message", message=question.message, verdict=verdict)


def _questions(house: House, channels: list[str], limit: int) -> list[Question]:
    with house.database.reading() as session:
        return reconcile.questions(session, channels, limit)


def _decide(
    house: House, channel: TwilioChannel, question: Question, listed: list[Listed] | None
) -> str:
    with house.database.session() as session:
        if listed is None:
            reconcile.put_off(session, question)
            return Verdict.OPEN.value
        found = reconcile.decide(session, channel, question, listed)
        if found.message is not None and found.verdict is Verdict.SEVERAL:
            aftermath.several(session, found.message)
        elif found.message is not None:
            aftermath.not_arrived(session, house, found.message)
    return found.verdict.value


def conclude(house: House, limit: int) -> int:
    """Do what is due about messages that stay unknown or without receipt; return how many."""
    with house.database.reading() as session:
        follow = reconcile.to_follow(session, limit)
        old = reconcile.to_give_up(session, limit)
    for number in follow:
        with house.database.session() as session:
            message = reconcile.follow_up(session, house, number)
            if message is not None:
                aftermath.unknown(session, message)
    for number in old:
        with house.database.session() as session:
            message = reconcile.give_up(session, number)
            if message is not None:
                aftermath.unknown(session, message)
    with house.database.session() as session:
        without = reconcile.no_receipts(session, house, limit)
    return max(len(follow), len(old), without)
