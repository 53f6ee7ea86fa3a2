"""The breaker of a sender: a run of failures that say the channel is ill keeps the rest back.

    closed ─a run of failures─▶ open ─rest, the provider answers─▶ one message ─taken─▶ closed
                                 ▲─────────────── it fails: a longer rest ─────┘

What waits behind an open breaker is planned as before: nothing is tried, so nothing becomes
unknown. It is in the sender's row, so that whichever worker has the sender knows.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from enum import StrEnum

from sqlalchemy.orm import Session

from bot.channels.base import Cause, SendError
from bot.db import clock
from bot.messaging import delivery
from bot.messaging.delivery import Outcome

RUN = 5
"""Failures in a row that open it."""

REST = timedelta(seconds=5)
LONGEST_REST = timedelta(minutes=5)
"""How long it stays open the first time, and at most; each failed try doubles it."""


class Turn(StrEnum):
    """What has changed."""

    OPENED = "opened"
    CLOSED = "closed"


def feel(session: Session, channel: str, outcomes: Iterable[Outcome]) -> Turn | None:
    """Take in what the last calls of *channel* came to, in order; say whether it turned.

    Leave out what was under way when it opened: only a call that was made after the rest says how
    the channel is now.
    """
    now, sender = clock(session), delivery.sender_of(session, channel)
    was_open = sender.broken_since is not None
    for outcome in outcomes:
        error = outcome if isinstance(outcome, SendError) else None
        if outcome is None or (error is not None and error.cause is Cause.TOO_FAST):
            continue
        if error is None or not error.ill:
            sender.failures, sender.broken_since = 0, None
            continue
        sender.failures += 1
        if sender.failures >= RUN:
            sender.broken_since = sender.broken_since or now
            rest = min(REST * 2 ** min(sender.failures - RUN, 10), LONGEST_REST)
            sender.paused_until = max(sender.paused_until or now, now + rest)
            sender.pause_cause = error.code or error.detail or error.cause.value
    is_open = sender.broken_since is not None
    if was_open == is_open:
        return None
    return Turn.OPENED if is_open else Turn.CLOSED
