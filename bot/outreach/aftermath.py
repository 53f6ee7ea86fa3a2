"""What follows when a message did not arrive, or may not have."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy.orm import Session

from bot.channels.base import Cause
from bot.house import House
from bot.messaging import delivery, reconcile
from bot.models.messages import TEST, Message
from bot.outreach import replies, tasks
from bot.told import Told, tell

KNOWN = ("sent", "delivered", "read", "failed", "undelivered")
"""States that say what became of a message; ``sent`` is all that some channels ever tell."""


def not_arrived(session: Session, house: House, message: Message) -> None:
    """Send it as a template or to the person's next address where that may be, else tell staff.

    What waits for its reader is announced. Of the sound of a text nothing: the text goes its own
    way. Of a test the console tells.
    """
    if message.voice is not None or message.purpose == TEST:
        return
    if message.cause == delivery.AWAITS_READER:
        replies.announce(session, house, message)
        return
    if message.key == replies.ANNOUNCEMENT:
        replies.not_announced(session, message)
        return
    again = reconcile.as_template(session, house, message)
    again = again or reconcile.elsewhere(session, house, message)
    if again is None:
        tasks.not_delivered(session, message)


def known(session: Session, message_id: int) -> None:
    """Take back what staff were asked about a message, now that it is known what became of it."""
    message = session.get(Message, message_id)
    if message is not None and message.state in KNOWN:
        for kind in (tasks.UNKNOWN, tasks.LOOK_AT_TWILIO):
            tasks.withdraw(session, kind, f"message:{message_id}")


def known_all(session: Session, message_ids: Collection[int]) -> None:
    """Do what `known` does for each of *message_ids*: most ask nothing of staff."""
    subjects = {
        f"{kind}:message:{number}": number
        for number in message_ids
        for kind in (tasks.UNKNOWN, tasks.LOOK_AT_TWILIO)
    }
    for number in sorted({subjects[each] for each in tasks.still_open(session, subjects)}):
        known(session, number)


def unknown(session: Session, message: Message) -> None:
    """Tell staff of a message of which nobody knows whether it arrived, if it is a text."""
    if message.voice is not None or message.purpose == TEST:
        return
    _ask(session, tasks.UNKNOWN, message, tasks.explain(Cause.UNKNOWN))


def several(session: Session, message: Message) -> None:
    """Tell staff that Twilio shows more than one message that this one may be."""
    _ask(
        session,
        tasks.LOOK_AT_TWILIO,
        message,
        tell(
            "Twilio heeft meer berichten dan wij kunnen plaatsen. Kijk daar wat deze persoon kreeg."
        ),
    )


def _ask(session: Session, kind: str, message: Message, note: Told) -> None:
    tasks.raise_task(
        session,
        kind,
        about=f"message:{message.id}",
        person=message.person,
        address=message.address,
        note=note,
    )
