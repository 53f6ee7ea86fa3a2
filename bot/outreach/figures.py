"""How a mass message stands, in figures that add up to the people it was approved for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.models.broadcasts import Broadcast, Recipient
from bot.models.messages import Message, Reply
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
        .where(Message.broadcast_id == broadcast.id)
        .group_by(Message.state, Message.cause)
    ):
        counts[KINDS[state]] += count
        if cause and KINDS[state] in ("failed", "unknown", "held"):
            causes[cause] += count
    for row in retention.gone(session, "message", broadcast.about):
        counts[KINDS[row.state]] += row.count
        if row.cause and KINDS[row.state] in ("failed", "unknown", "held"):
            causes[row.cause] += row.count
    counts["planned"] += total - counts.total()
    if broadcast.state in STANDS_STILL:
        counts["held"] += counts.pop("planned")
    return Figures(total, +counts, causes)


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
        .where(Message.broadcast_id == broadcast.id)
        .group_by(Message.channel, Message.state)
    ):
        if channel in found:
            found[channel].counts[KINDS[state]] += count
    for row in retention.gone(session, "message", broadcast.about):
        if row.channel in found:
            found[row.channel].counts[KINDS[row.state]] += row.count
    for each in found.values():
        each.counts["planned"] += each.total - each.counts.total()
        if broadcast.state in STANDS_STILL:
            each.counts["held"] += each.counts.pop("planned")
    return found


def answers(session: Session, broadcast: Broadcast) -> Counter[str]:
    """Count what people answered to it, by how it was understood; of everybody their last word."""
    last = (
        select(func.max(Reply.id))
        .join(Message, Message.id == Reply.message_id)
        .where(Message.broadcast_id == broadcast.id)
        .group_by(Reply.address_id)
    )
    counted: Counter[str] = Counter()
    for intent, count in session.execute(
        select(Reply.intent, func.count()).where(Reply.id.in_(last)).group_by(Reply.intent)
    ):
        counted[intent or "unclear"] += count
    return counted
