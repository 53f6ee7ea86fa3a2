"""How a mass message stands, in figures that add up to the people it was approved for.

Counted are the texts: the sound that goes behind some of them is theirs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.models.broadcasts import Broadcast, Recipient
from bot.models.messages import Message
from bot.privacy import retention

STANDS_STILL = ("paused", "stopped", "done")

KINDS: Mapping[str, str] = {
    # State of a message -> the figure it counts in. Unknown is never counted as sent or failed.
    "planned": "planned",
    "claimed": "planned",
    "sending": "under_way",
    "accepted": "offered",
    "sent": "offered",
    "delivered": "delivered",
    "read": "read",
    "failed": "failed",
    "undelivered": "failed",
    "unknown": "unknown",
    "unknown_final": "unknown",
    "no_receipt": "no_receipt",
    "blocked": "held",
    "expired": "held",
    "cancelled": "held",
}

DUTCH: Mapping[str, str] = {
    # As staff read them, in the order of a message's life.
    "planned": "gepland",
    "under_way": "in de lucht",
    "offered": "aangeboden",
    "delivered": "afgeleverd",
    "read": "gelezen",
    "failed": "mislukt",
    "unknown": "onbekend",
    "no_receipt": "geen ontvangstbewijs",
    "held": "tegengehouden",
}


@dataclass(frozen=True, slots=True)
class Figures:
    """So many people, each in exactly one of the figures of `DUTCH`."""

    total: int
    """For how many it was approved."""
    counts: Counter[str] = field(default_factory=Counter)
    """How many people, by figure."""
    causes: Counter[str] = field(default_factory=Counter)
    """Why messages failed, were held or are unknown, by cause."""


def figures(session: Session, broadcast: Broadcast) -> Figures:
    """Count how it stands with everyone for whom *broadcast* was approved.

    Planned is also who has no message yet; as long as it stands still these are held.
    """
    found = Figures(broadcast.approved_count or 0)
    for _, kind, cause, count in _counted(session, broadcast):
        found.counts[kind] += count
        if cause and kind in ("failed", "unknown", "held"):
            found.causes[cause] += count
    return _whole(broadcast, found)


def by_channel(session: Session, broadcast: Broadcast) -> dict[str, Figures]:
    """Count the same for each channel, without causes; the totals are those of `figures`."""
    found = {
        channel: Figures(total)
        for channel, total in session.execute(
            select(Recipient.channel, func.count())
            .where(Recipient.broadcast_id == broadcast.id)
            .group_by(Recipient.channel)
            .order_by(Recipient.channel)
        )
    }
    for channel, kind, _, count in _counted(session, broadcast):
        if channel in found:
            found[channel].counts[kind] += count
    return {name: _whole(broadcast, each) for name, each in found.items()}


def spoken(session: Session, broadcast: Broadcast) -> Counter[str]:
    """Count by figure the sounds of *broadcast*, which follow its text for who would listen."""
    sounds = (
        select(Message.state, func.count())
        .where(Message.broadcast_id == broadcast.id, Message.voice.is_not(None))
        .group_by(Message.state)
    )
    found: Counter[str] = Counter()
    for state, count in session.execute(sounds):
        found[KINDS[state]] += count
    return found


def _counted(
    session: Session, broadcast: Broadcast
) -> Iterator[tuple[str | None, str, str | None, int]]:
    """Yield channel, kind and cause of its messages, and how many: those erased by age too."""
    counted = (
        select(Message.channel, Message.state, Message.cause, func.count())
        .where(Message.broadcast_id == broadcast.id, Message.voice.is_(None))
        .group_by(Message.state, Message.channel, Message.cause)
    )
    for channel, state, cause, count in session.execute(counted):
        yield channel, KINDS[state], cause, count
    for row in retention.gone(session, "message", broadcast.about):
        yield row.channel, KINDS[row.state], row.cause, row.count


def _whole(broadcast: Broadcast, found: Figures) -> Figures:
    """Add those without a message to the counts, so that these are the total together."""
    counts = found.counts
    counts["planned"] += found.total - counts.total()
    if broadcast.state in STANDS_STILL:
        counts["held"] += counts.pop("planned")
    return replace(found, counts=+counts)
