"""How a mass message stands, in figures that add up to the people it was approved for.

Counted are the texts: the sound that goes behind some of them is theirs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

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
    total = broadcast.approved_count or 0
    counts: Counter[str] = Counter()
    causes: Counter[str] = Counter()
    for state, cause, count in session.execute(
        select(Message.state, Message.cause, func.count())
        .where(Message.broadcast_id == broadcast.id, Message.voice.is_(None))
        .group_by(Message.state, Message.cause)
    ):
        counts[KINDS[state]] += count
        if cause and KINDS[state] in ("failed", "unknown", "held"):
            causes[cause] += count
    for row in retention.gone(session, "message", broadcast.about):
        counts[KINDS[row.state]] += row.count
        if row.cause and KINDS[row.state] in ("failed", "unknown", "held"):
            causes[row.cause] += row.count
    return Figures(total, _whole(broadcast, total, counts), causes)


def of_each(session: Session, broadcasts: Sequence[Broadcast]) -> dict[int, Figures]:
    """Count the same for each of *broadcasts*, by id and without causes.

    One after the other: to count them together a database may read all that was ever written.
    """
    found = {}
    for each in broadcasts:
        counts: Counter[str] = Counter()
        for state, count in session.execute(
            select(Message.state, func.count())
            .where(Message.broadcast_id == each.id, Message.voice.is_(None))
            .group_by(Message.state)
        ):
            counts[KINDS[state]] += count
        for row in retention.gone(session, "message", each.about):
            counts[KINDS[row.state]] += row.count
        total = each.approved_count or 0
        found[each.id] = Figures(total, _whole(each, total, counts))
    return found


def _whole(broadcast: Broadcast, total: int, counts: Counter[str]) -> Counter[str]:
    """Add those without a message to *counts*, so that these are *total* together."""
    counts["planned"] += total - counts.total()
    if broadcast.state in STANDS_STILL:
        counts["held"] += counts.pop("planned")
    return +counts


def by_channel(session: Session, broadcast: Broadcast) -> dict[str, Figures]:
    """Count the same for each channel; the totals are those of `figures`."""
    found = {
        channel: Figures(total)
        for channel, total in session.execute(
            select(Recipient.channel, func.count())
            .where(Recipient.broadcast_id == broadcast.id)
            .group_by(Recipient.channel)
            .order_by(Recipient.channel)
        )
    }
    for channel, state, count in session.execute(
        select(Message.channel, Message.state, func.count())
        .where(Message.broadcast_id == broadcast.id, Message.voice.is_(None))
        .group_by(Message.channel, Message.state)
    ):
        if channel in found:
            found[channel].counts[KINDS[state]] += count
    for row in retention.gone(session, "message", broadcast.about):
        if row.channel in found:
            found[row.channel].counts[KINDS[row.state]] += row.count
    return {
        name: Figures(each.total, _whole(broadcast, each.total, each.counts))
        for name, each in found.items()
    }
