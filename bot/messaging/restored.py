"""After a backup was put back: what may have gone since, before anything goes again.

What was due between the backup and now may have been sent, and the rows that said so are gone. So
it is *unknown*, as after a lost answer, and `reconcile` takes it from there: what the provider's
list shows was sent, what it does not show is planned again, and where there is no list staff see
that nobody knows.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from bot import moments
from bot.channels.base import SMS, WHATSAPP
from bot.house import House
from bot.messaging import delivery, forgetting, route, steps
from bot.messaging.installation import RESTORED, STRANGE
from bot.models.broadcasts import Broadcast
from bot.models.installation import Installation
from bot.models.messages import Attempt, InboxEvent, Message

UNFINISHED = ("sending", "holding", "paused", "stopped")
"""States of a mass message that may have gone on since."""


def going_on(session: Session) -> Installation | None:
    """Return this database if a backup was put back and it is still on hold for that."""
    found = session.get(Installation, 1)
    return found if found is not None and found.held_why == RESTORED else None


def to_be_told(session: Session) -> bool:
    """Say whether people may have written what a restored database does not know yet."""
    found = going_on(session)
    return found is not None and found.refilled_at is None


def doubt(session: Session, house: House, limit: int) -> int:
    """Let up to *limit* planned messages be unknown that may have gone; return how many."""
    found = going_on(session)
    if found is None:
        return 0
    now, templates = moments.now(), route.Templates(session, house)
    numbers = session.scalars(
        select(Message.id).where(_doubtful(found)).order_by(Message.id).limit(limit)
    ).all()
    for number in numbers:
        message, address = delivery.lock(session, number)
        if message is None or address is None or message.state != "planned":
            continue
        steps.doubt(message, now)
        session.add(
            Attempt(
                message_id=message.id,
                number=message.attempts,
                epoch=message.epoch,
                form=steps.RESTORED,
                digest=" ".join(route.digests(templates, message, address)),
                outcome="unknown",
                started_at=found.missed_since,
                ended_at=now,
            )
        )
    return len(numbers)


def unfinished(session: Session) -> list[Broadcast]:
    """Return the mass messages that had begun: they may have reached people who have no row."""
    found = going_on(session)
    if found is None:
        return []
    begun = (
        Broadcast.state.in_(UNFINISHED),
        Broadcast.started_at.is_not(None),
        Broadcast.window_until > found.missed_since,
    )
    return list(session.scalars(select(Broadcast).where(*begun).order_by(Broadcast.id)))


# ------------------------------------------------------------------ how far it is


def in_the_way(session: Session, house: House) -> Iterator[str]:
    """Say in Dutch what is to be waited for before messages may go again."""
    found = session.get_one(Installation, 1)
    if found.held_why == STRANGE:
        yield (
            "Is het een teruggezette back-up? Doe dan: stap hold start --restored. "
            "Is zij dat zeker niet: stap hold release --anyway"
        )
    if found.held_why != RESTORED:
        return
    twilio = [name for name in house.channels if name in (WHATSAPP, SMS)]
    if twilio and found.refilled_at is None:
        yield "Wat mensen sindsdien schreven, is nog niet helemaal teruggelezen bij Twilio."
    if forgotten := len(forgetting.waiting(session, house)):
        yield f"Nog opnieuw te wissen: {forgotten} mensen die daarom vroegen."
    if new := _count(session, InboxEvent.id, InboxEvent.state == "new"):
        yield f"Nog te lezen: {new} berichten van mensen."
    if doubtful := _count(session, Message.id, _doubtful(found)):
        yield f"Nog op onbekend te zetten: {doubtful} berichten die misschien al weg zijn."
    if open_ := _count(session, Message.id, _not_looked_for(twilio)):
        yield f"Nog na te kijken bij Twilio, twee keer, een kwartier na elkaar: {open_} berichten."


def counted(session: Session) -> dict[str, int]:
    """Return, by state, the messages that may have gone since the backup."""
    found = going_on(session)
    if found is None:
        return {}
    states = select(Message.state, func.count()).where(_doubted(found)).group_by(Message.state)
    return {row[0]: row[1] for row in session.execute(states)}


def waiting(session: Session) -> int:
    """Return how many messages would go now."""
    due = and_(
        Message.state == "planned",
        Message.address_id.is_not(None),
        Message.not_before <= moments.now(),
    )
    return _count(session, Message.id, due)


def _doubtful(found: Installation) -> ColumnElement[bool]:
    """Return what makes a message one that may have gone between the backup and the hold.

    All that is due, and all of a mass message that had begun. Not what answers words that came
    after that, nor what says again what may have arrived.
    """
    begun = exists().where(Broadcast.id == Message.broadcast_id, Broadcast.started_at.is_not(None))
    afterwards = exists().where(
        InboxEvent.id == Message.in_reply_to, InboxEvent.received_at >= found.held_since
    )
    return and_(
        Message.state == "planned",
        Message.address_id.is_not(None),
        Message.repeats_id.is_(None),
        or_(Message.not_before <= moments.now(), begun),
        ~afterwards,
        ~_doubted(found),
    )


def _doubted(found: Installation) -> ColumnElement[bool]:
    return exists().where(
        Attempt.message_id == Message.id,
        Attempt.form == steps.RESTORED,
        Attempt.ended_at >= found.held_since,
    )


def _not_looked_for(channels: list[str]) -> ColumnElement[bool]:
    """Return what makes a message one that a look at the list can still decide on.

    One that fits badly stays unknown, however often it is looked for.
    """
    return and_(
        Message.state == "unknown",
        Message.channel.in_(channels),
        exists().where(
            Attempt.message_id == Message.id,
            Attempt.number == Message.attempts,
            Attempt.form == steps.RESTORED,
            or_(Attempt.looked_at.is_(None), Attempt.missed_at >= Attempt.looked_at),
        ),
    )


def _count(session: Session, column: InstrumentedAttribute[int], which: ColumnElement[bool]) -> int:
    return session.scalar(select(func.count(column)).where(which)) or 0
