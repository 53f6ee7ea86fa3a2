"""The two tables and what hangs on them: all that arrives, all that leaves."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bot.db import Base
from bot.models.people import Address, Inburgeraar

ARRIVED = ("accepted", "sent", "delivered", "read", "undelivered", "failed")
"""What a provider can say of a message that it took."""

TRANSITIONS: dict[str, frozenset[str]] = {
    # The send protocol's states and the only steps between them. What may have been sent
    # (`sending`, `unknown`) never goes back to `planned` without proof that it was not; if the
    # provider shows afterwards that it took it all the same, it is not sent once more.
    # Planned becomes unknown only where a backup was put back: it may have gone since.
    "planned": frozenset({"claimed", "unknown", "blocked", "expired", "cancelled", *ARRIVED}),
    "claimed": frozenset({"planned", "sending", "blocked", "expired", "cancelled", *ARRIVED}),
    "sending": frozenset(
        {
            "planned",
            "accepted",
            "failed",
            "unknown",
            "sent",
            "delivered",
            "read",
            "undelivered",
        }
    ),
    "unknown": frozenset(
        {
            "planned",
            "accepted",
            "failed",
            "unknown_final",
            "sent",
            "delivered",
            "read",
            "undelivered",
        }
    ),
    "accepted": frozenset({"sent", "delivered", "read", "undelivered", "failed", "no_receipt"}),
    "sent": frozenset({"delivered", "read", "undelivered", "failed", "no_receipt"}),
    "delivered": frozenset({"read"}),
    "read": frozenset(),
    "undelivered": frozenset(),
    "failed": frozenset(),
    # Final, yet later evidence may still upgrade them.
    "unknown_final": frozenset({"accepted", "sent", "delivered", "read", "undelivered", "failed"}),
    "no_receipt": frozenset({"sent", "delivered", "read", "undelivered", "failed"}),
    "blocked": frozenset(),
    "expired": frozenset(),
    "cancelled": frozenset(),
}

REPLIES, REMINDERS, BROADCASTS = 0, 1, 2
"""Priorities: an answer goes before a reminder, a reminder before a mass message."""

TEST = "test"
"""The purpose of a message that a colleague sent to their own phone, to see it."""

PRIORITIES = (REPLIES, REMINDERS, BROADCASTS)


class ForbiddenStep(Exception):
    """A message was asked to take a step that TRANSITIONS does not know."""


class Message(Base):
    """One text to one person. The only way anything is ever sent."""

    __tablename__ = "message"
    __table_args__ = (
        Index(
            "ix_message_next",
            "channel",
            "priority",
            "not_before",
            "id",
            sqlite_where=text("state = 'planned'"),
            postgresql_where=text("state = 'planned'"),
        ),
        Index(
            "ix_message_open",
            "address_id",
            sqlite_where=text("state IN ('claimed', 'sending')"),
            postgresql_where=text("state IN ('claimed', 'sending')"),
        ),
        Index(
            "ix_message_comes_back",
            "address_id",
            sqlite_where=text("state = 'planned' AND attempts > 0"),
            postgresql_where=text("state = 'planned' AND attempts > 0"),
        ),
        Index("ix_message_asked", "address_id", "asks"),
        Index(None, "about"),
        # One person's messages, newest first; and erasing a person finds them by it.
        Index(None, "person_id", "id"),
        Index(
            "ix_message_unknown",
            "id",
            sqlite_where=text("state = 'unknown'"),
            postgresql_where=text("state = 'unknown'"),
        ),
        Index(
            "ix_message_receipt",
            "channel",
            "changed_at",
            sqlite_where=text("state IN ('accepted', 'sent')"),
            postgresql_where=text("state IN ('accepted', 'sent')"),
        ),
        Index(
            "ix_message_repeats",
            "repeats_id",
            sqlite_where=text("repeats_id IS NOT NULL"),
            postgresql_where=text("repeats_id IS NOT NULL"),
        ),
        # What is too old is found by when it was written: with its text still, or without.
        Index(
            "ix_message_told",
            "created_at",
            sqlite_where=text("body <> ''"),
            postgresql_where=text("body <> ''"),
        ),
        Index(
            "ix_message_emptied",
            "created_at",
            sqlite_where=text("body = ''"),
            postgresql_where=text("body = ''"),
        ),
        # How a mass message stands is counted from this alone, without a look at the messages.
        Index(
            "ix_message_broadcast",
            "broadcast_id",
            "state",
            "channel",
            "cause",
            "voice",
            "language",
            "person_id",
            sqlite_where=text("broadcast_id IS NOT NULL"),
            postgresql_where=text("broadcast_id IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    occasion: Mapped[str] = mapped_column(unique=True)
    """Why it is sent, e.g. ``afspraak:42:v3:1d``. Unique, so never sent twice."""
    person_id: Mapped[int | None] = mapped_column(ForeignKey("inburgeraar.id", ondelete="SET NULL"))
    address_id: Mapped[int | None] = mapped_column(ForeignKey("address.id"))
    """None only when there was nowhere to send it: then it is `blocked` from the start."""
    channel: Mapped[str | None]
    purpose: Mapped[str]
    """``public task``, ``invitation`` or ``answer``: decides which permission it needs; or `TEST`,
    which is for nobody but a colleague."""
    key: Mapped[str]
    language: Mapped[str]
    values: Mapped[dict[str, Any]] = mapped_column(JSON)
    body: Mapped[str]
    """Rendered when queued: what staff previewed is what is sent."""
    buttons: Mapped[list[list[str]]] = mapped_column(JSON)
    """Pairs of payload id and title."""
    voice: Mapped[str | None]
    """It is no text but the sound of one, of this name (see `messaging.voices`): it comes after a
    message that says the same, and asks nothing itself."""
    asks: Mapped[str | None]
    """The question that rides on it: an answer finds its meaning here."""
    about: Mapped[str | None]
    """What it speaks of, e.g. ``afspraak:42``."""
    version: Mapped[int | None]
    """The version of `about` it spoke of; a newer one voids it."""
    in_reply_to: Mapped[int | None] = mapped_column(ForeignKey("inbox_event.id"))
    """The event that it answers: exempt from quiet hours."""
    broadcast_id: Mapped[int | None] = mapped_column(ForeignKey("broadcast.id"))
    """The mass message it is part of: it goes only while that may."""
    repeats_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"))
    """The message that it says again, because nobody knows whether that arrived: its reader may
    get both."""
    priority: Mapped[int]
    state: Mapped[str] = mapped_column(default="planned")
    cause: Mapped[str | None]
    """Why it did not go or arrive: a `Cause`, or the gate that held it."""
    code: Mapped[str | None]
    """The provider's own error code."""
    not_before: Mapped[datetime]
    expires_at: Mapped[datetime]
    """After this it is of no use, and is not sent."""
    epoch: Mapped[int] = mapped_column(default=0)
    """Counts claims: an outcome of an older claim changes nothing."""
    lease_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    provider_ref: Mapped[str | None] = mapped_column(index=True)
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]

    person: Mapped[Inburgeraar | None] = relationship()
    address: Mapped[Address | None] = relationship()

    def become(self, state: str, at: datetime) -> None:
        """Take one step of TRANSITIONS. Raises ForbiddenStep for any other."""
        if state not in TRANSITIONS[self.state]:
            raise ForbiddenStep(f"message {self.id}: {self.state} -> {state}")
        self.state, self.changed_at = state, at


class Attempt(Base):
    """One call to the provider, written before it is made."""

    __tablename__ = "attempt"
    __table_args__ = (UniqueConstraint("message_id", "number"), Index(None, "started_at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("message.id", ondelete="CASCADE"))
    number: Mapped[int]
    epoch: Mapped[int]
    form: Mapped[str]
    """``text``, ``template``, ``opener``, ``session`` (buttons inside the window) or ``restored``
    (see `messaging.restored`)."""
    digest: Mapped[str | None]
    """SHA-256 of the text as the provider shows it, to know it again; see `route.body_digest`.
    Where the form is not known, those of all that it may have had."""
    outcome: Mapped[str | None]
    """``accepted``, ``rejected``, ``not_sent`` or ``unknown``; None while nobody knows."""
    provider_ref: Mapped[str | None]
    code: Mapped[str | None]
    detail: Mapped[str | None]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    looked_at: Mapped[datetime | None]
    """When the provider's list was last searched for it."""
    missed_at: Mapped[datetime | None]
    """When that list first held nothing that it could be."""
    followed_at: Mapped[datetime | None]
    """When it was decided what to do about its staying unknown: a repeat, or a task for staff."""


class InboxEvent(Base):
    """One raw event from a provider, once. Acting on it comes later."""

    __tablename__ = "inbox_event"
    __table_args__ = (
        Index(
            "ix_inbox_event_new",
            "id",
            sqlite_where=text("state = 'new'"),
            postgresql_where=text("state = 'new'"),
        ),
        Index(
            "ix_inbox_event_kept",
            "id",
            sqlite_where=text("state = 'kept'"),
            postgresql_where=text("state = 'kept'"),
        ),
        Index(
            "ix_inbox_event_lane_new",
            "lane",
            "id",
            sqlite_where=text("state = 'new'"),
            postgresql_where=text("state = 'new'"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    """The provider's identity of the event: a repeated webhook is stored once."""
    source: Mapped[str]
    """``twilio`` or ``telegram``."""
    lane: Mapped[str]
    """Events of one address are handled in order; lanes run beside each other."""
    signature: Mapped[str | None] = mapped_column(unique=True)
    """SHA-256 of Twilio's signature: it holds no time, so each may be used once."""
    fingerprint: Mapped[str]
    """SHA-256 of what was signed: the same signature over something else is a forgery."""
    payload: Mapped[dict[str, Any]] = mapped_column(JSON)
    state: Mapped[str] = mapped_column(default="new")
    """``new``, ``done``, ``ignored`` (genuine, not for us) or ``kept`` (not understood yet)."""
    tries: Mapped[int] = mapped_column(default=0)
    not_before: Mapped[datetime]
    error: Mapped[str | None]
    received_at: Mapped[datetime]


class Reply(Base):
    """What a person said, exactly as received, and how it was understood."""

    __tablename__ = "reply"
    __table_args__ = (
        Index(None, "address_id", "at"),
        Index(None, "person_id", "id"),
        Index(None, "message_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("inbox_event.id"), unique=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("inburgeraar.id", ondelete="SET NULL"))
    address_id: Mapped[int] = mapped_column(ForeignKey("address.id"))
    channel: Mapped[str]
    text: Mapped[str]
    button: Mapped[str | None]
    media: Mapped[list[dict[str, str]]] = mapped_column(JSON)
    quoted: Mapped[str | None]
    """The provider's id of our message that was tapped or quoted."""
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"))
    """Our question that it was understood to answer."""
    intent: Mapped[str | None]
    why: Mapped[str | None]
    at: Mapped[datetime]


class Sender(Base):
    """One number or bot. Drained by one worker at a time, which holds its lease."""

    __tablename__ = "sender"

    id: Mapped[int] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(unique=True)
    owner: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    """By the database's clock: after it the owner makes no call, or has let go."""
    paused_until: Mapped[datetime | None]
    """The provider asked us to wait, or the breaker is open; by the database's clock."""
    pause_cause: Mapped[str | None]
    failures: Mapped[int] = mapped_column(default=0, server_default="0")
    """Calls in a row that say that the channel is ill."""
    broken_since: Mapped[datetime | None]
    """Since when its breaker is open, by the database's clock; None while it is closed."""
    heard_until: Mapped[datetime | None]
    """All that people wrote here before this moment is in the inbox; None: nobody has looked."""


class Spending(Base):
    """How many SMS parts were handed over on a day of the calendar here."""

    __tablename__ = "spending"

    id: Mapped[int] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(unique=True)
    parts: Mapped[int] = mapped_column(default=0)
    """Of each message once: another attempt means that the one before it cost nothing."""
