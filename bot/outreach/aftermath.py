"""What follows when a message did not arrive, or may not have."""

from __future__ import annotations

from sqlalchemy.orm import Session

from bot.channels.base import ADVICE, Cause
from bot.house import House
from bot.messaging import reconcile
from bot.models.messages import Message
from bot.outreach import tasks


def not_arrived(session: Session, house: House, message: Message) -> None:
    """Send it to the person's next address where that may be, else tell staff."""
    if reconcile.elsewhere(session, house, message) is None:
        tasks.not_delivered(session, message)


def unknown(session: Session, message: Message) -> None:
    """Tell staff of a message of which nobody knows whether it arrived."""
    advice = ADVICE[Cause.UNKNOWN]
    _ask(session, tasks.UNKNOWN, message, f"{advice.dutch} {advice.next_step}")


def several(session: Session, message: Message) -> None:
    """Tell staff that Twilio shows more than one message that this one may be."""
    _ask(
        session,
        tasks.LOOK_AT_TWILIO,
        message,
        "Twilio heeft meer berichten dan wij kunnen plaatsen. Kijk daar wat deze persoon kreeg.",
    )


def _ask(session: Session, kind: str, message: Message, note: str) -> None:
    tasks.raise_task(
        session,
        kind,
        about=f"message:{message.id}",
        person=message.person,
        address=message.address,
        note=note,
    )
