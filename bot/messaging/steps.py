"""What becomes of one message, decided on its rows alone: the send protocol without a database.

`delivery` and `reconcile` find the rows and lock them; what they then become is said here. Nothing
in this file asks a clock, a database or a provider, so that every order of events can be played
through by the ten thousand.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from bot.channels.base import Cause, Certainty, SendError, StatusChange
from bot.messaging.route import body_digest
from bot.models.messages import TRANSITIONS, Attempt, Message

if TYPE_CHECKING:
    from bot.channels.twilio import Listed

NOT_LISTED = "not in the list"
"""Why an attempt counts as not sent that nobody could tell of. Lists run behind, and nobody says
how far: of such an attempt a report is still believed."""

RESTORED = "restored"
"""The form of an attempt that nobody made as far as we know: a backup that was put back may have
forgotten it. It was made between `started_at` and `ended_at`, if it was."""

APART = timedelta(minutes=15)
"""Time between two looks at a provider's list: what is in it at neither was not sent."""

BEFORE, AFTER = timedelta(minutes=1), timedelta(minutes=5)
"""Around the start of an attempt: when the provider must have made its message."""

AROUND = timedelta(hours=26)
"""How far around an attempt a message of ours that belongs to nothing keeps it unknown: the clock
of this machine may have been set a day wrong, and a provider may have changed the text."""

STATES: Mapping[str, str] = {
    # What a provider calls it -> our state. Statuses that we do not know change nothing.
    "accepted": "accepted",
    "scheduled": "accepted",
    "queued": "accepted",
    "sending": "accepted",
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "undelivered": "undelivered",
    "failed": "failed",
    "canceled": "failed",
}


class Verdict(StrEnum):
    """What one look at the list came to."""

    ADOPTED = "adopted"
    NOT_SENT = "not sent"
    SEVERAL = "several"  # it may be this one or that one: staff must look
    OPEN = "open"


def advance(message: Message, state: str, at: datetime) -> bool:
    """Move up if the table of transitions allows it; a step back is simply not taken."""
    if state not in TRANSITIONS[message.state]:
        return False
    message.become(state, at)
    return True


# ------------------------------------------------------------------ before the call


def take(message: Message, until: datetime, at: datetime) -> int:
    """Claim *message* until its lease runs out; return the epoch of this claim."""
    message.become("claimed", at)
    message.epoch += 1
    message.lease_until = until
    return message.epoch


def is_held(message: Message, epoch: int) -> bool:
    """Say whether the claim of *epoch* still holds."""
    return message.state == "claimed" and message.epoch == epoch


def begin(message: Message, until: datetime, at: datetime) -> None:
    """Count one more attempt, which is under way from here on: the point of no return."""
    message.attempts += 1
    message.become("sending", at)
    message.cause = message.code = None
    message.lease_until = until


def doubt(message: Message, at: datetime) -> None:
    """Let a planned message be unknown: it may have gone before a backup was put back."""
    message.attempts += 1
    message.epoch += 1
    message.become("unknown", at)
    message.cause, message.code = Cause.UNKNOWN.value, None


# ------------------------------------------------------------------ after it


def is_open(attempt: Attempt, epoch: int) -> bool:
    """Say whether the outcome of the call made under *epoch* is still wanted.

    Evidence that came meanwhile, such as a status callback, is not overwritten.
    """
    return attempt.epoch == epoch and attempt.outcome in (None, Certainty.UNKNOWN.value)


def record(
    message: Message, attempt: Attempt, outcome: str | SendError, at: datetime, *, receipts: bool
) -> bool:
    """Record what the one call came to: the provider's id, or how it failed.

    *receipts* says whether the provider tells later what became of it. Returns whether it failed
    for good.
    """
    attempt.ended_at = at
    message.lease_until = None
    if isinstance(outcome, str):
        attempt.outcome, attempt.provider_ref = "accepted", outcome
        message.provider_ref, message.cause = outcome, None  # no longer unknown
        # Without receipts, the provider's acceptance is all there will ever be to know.
        advance(message, "accepted" if receipts else "sent", at)
        return False
    attempt.outcome = outcome.certainty.value
    attempt.code, attempt.detail = outcome.code or None, outcome.detail or None
    if outcome.certainty is Certainty.NOT_SENT:
        if advance(message, "planned", at):
            message.not_before, message.cause = at + _patience(message.attempts, outcome), None
        return False
    message.cause, message.code = outcome.cause.value, outcome.code or None
    if outcome.certainty is Certainty.UNKNOWN:
        advance(message, "unknown", at)
        return False
    advance(message, "failed", at)
    return True


def not_called(message: Message, attempt: Attempt, at: datetime) -> None:
    """Record that the call was never made: too long passed since the gates were checked."""
    attempt.outcome, attempt.detail = Certainty.NOT_SENT.value, "gap"
    attempt.ended_at = at
    message.lease_until = message.cause = None
    advance(message, "planned", at)


def free(message: Message, attempt: Attempt | None, at: datetime) -> None:
    """Take back what a dead worker left: claimed is planned again, sending is *unknown*.

    Never the other way round: what was handed over may have arrived.
    """
    message.lease_until = None
    if message.state == "claimed":
        message.become("planned", at)
        return
    if attempt is not None and attempt.outcome is None:
        attempt.outcome, attempt.detail = "unknown", "lease expired"
    message.become("unknown", at)
    message.cause = Cause.UNKNOWN.value


def _patience(attempts: int, error: SendError) -> timedelta:
    """Wait as long as the provider asked, else 5 s, 10 s, 20 s ... up to five minutes."""
    if error.retry_after is not None:
        return timedelta(seconds=error.retry_after)
    return timedelta(seconds=min(5 * 2 ** (attempts - 1), 300))


# ------------------------------------------------------------------ what is told later


def report(message: Message, attempt: Attempt, change: StatusChange, at: datetime) -> bool:
    """Let a status callback move its message up, never down; return whether it failed by this.

    The callback carries our own id, so it also proves a send whose answer we never got.
    """
    if attempt.provider_ref not in (None, change.ref):
        return False  # somebody else's SID under our id: nothing of ours
    if attempt.outcome == Certainty.REJECTED.value or (
        attempt.outcome == Certainty.NOT_SENT.value and attempt.detail != NOT_LISTED
    ):
        return False  # what was never taken has nothing to report
    target = STATES.get(change.status)
    if target is None:
        return False
    if attempt.outcome != "accepted":
        attempt.outcome, attempt.provider_ref = "accepted", change.ref
        attempt.ended_at = attempt.ended_at or at
        message.provider_ref, message.lease_until = change.ref, None
    if not advance(message, target, at):
        return False
    if target in ("failed", "undelivered"):
        cause = change.cause or Cause.UNKNOWN
        message.cause, message.code = cause.value, change.code or None
        return True
    message.cause = message.code = None
    return False


# ------------------------------------------------------------------ what the list says


def made(attempt: Attempt) -> tuple[datetime, datetime]:
    """Return the first and the last moment at which the call of *attempt* can have begun."""
    if attempt.form == RESTORED and attempt.ended_at is not None:
        return attempt.started_at, attempt.ended_at
    return attempt.started_at, attempt.started_at


@dataclass(frozen=True, slots=True)
class Found:
    """What a provider's list holds that may have to do with one attempt."""

    fitting: list[Listed]
    """May be it, in moment and text."""
    free: list[Listed]
    """Belongs to nothing we know, the fitting ones among them."""
    alike: int
    """How many of the free ones say the same, at whatever moment."""


def search(attempt: Attempt, listed: Iterable[Listed], placed: Collection[str | None]) -> Found:
    """Return what in the list may be *attempt*, and what belongs to nothing we know.

    *listed* went to its address and from its sender; *placed* are the ids that messages of ours
    have.
    """
    earliest, latest = made(attempt)
    texts = (attempt.digest or "").split()
    free = [
        row
        for row in listed
        if row.ref not in placed and earliest - AROUND <= row.created <= latest + AROUND
    ]
    alike = [row for row in free if body_digest(row.body) in texts]
    fitting = [row for row in alike if earliest - BEFORE <= row.created <= latest + AFTER]
    if attempt.form == RESTORED:
        # Of several that say the same each takes one, the first first.
        fitting = sorted(fitting, key=lambda row: row.created)[:1]
    return Found(fitting, free, len(alike))


def look(attempt: Attempt, found: Found, at: datetime, rivals: int) -> Verdict:
    """Say what one look at the provider's list makes of an unknown attempt.

    *rivals* are the other attempts at that address with the same text of which nobody knows. The
    one that fits may be theirs, however far apart they seem: the clock may have been set in
    between. Unless the list has one for each.
    """
    attempt.looked_at = at
    if len(found.fitting) == 1 and rivals < found.alike:
        return Verdict.ADOPTED
    if found.fitting:
        return Verdict.SEVERAL
    if found.free:
        return Verdict.OPEN
    if attempt.missed_at is None:
        attempt.missed_at = at
        return Verdict.OPEN
    return Verdict.OPEN if at - attempt.missed_at < APART else Verdict.NOT_SENT


def was_not_sent(message: Message, attempt: Attempt, at: datetime) -> None:
    """Plan a message again that is in the provider's list at neither of two looks."""
    attempt.outcome, attempt.detail = Certainty.NOT_SENT.value, NOT_LISTED
    attempt.ended_at = attempt.ended_at or at
    message.become("planned", at)
    message.not_before, message.cause, message.code = at, None, None
