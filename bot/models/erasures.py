"""That somebody was forgotten: who asked for it, what went, and nothing by which to know them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, false
from sqlalchemy.orm import Mapped, mapped_column

from bot.db import Base


class Erasure(Base):
    """One person who was erased on their own request: the receipt, without the person."""

    __tablename__ = "erasure"

    id: Mapped[int] = mapped_column(primary_key=True)
    mark: Mapped[str] = mapped_column(index=True)
    """HMAC-SHA-256 of the kenmerk under SECRET_KEY: an older file does not bring them back, and
    after a restore they are found and erased once more."""
    at: Mapped[datetime]
    by: Mapped[int | None]
    """Who did it, a member of staff; None for the house itself, after a restore."""
    how: Mapped[str]
    """How it was known that it was this person who asked; ``restored`` after a restore."""
    erased: Mapped[dict[str, int]] = mapped_column(JSON)
    """How many rows and files of what, in Dutch."""
    stayed: Mapped[list[tuple[str, dict[str, Any]]]] = mapped_column(JSON)
    """What stayed and why, without a name: sentences, and what fills them (see `bot.told`)."""
    searched_at: Mapped[datetime | None]
    """When all tables and files were last looked through for number, chat and kenmerk."""
    found: Mapped[dict[str, int]] = mapped_column(JSON)
    """Where something was found then, and how often; empty is the proof."""
    again_at: Mapped[datetime | None]
    """Since when a file may name this kenmerk again: a colleague wrote them down anew."""


class ForgottenAddress(Base):
    """An address of somebody who was erased, as a keyed hash: what holds there outlives them."""

    __tablename__ = "forgotten_address"

    id: Mapped[int] = mapped_column(primary_key=True)
    mark: Mapped[str] = mapped_column(unique=True)
    """HMAC-SHA-256 under SECRET_KEY of a channel and address, or of a phone number."""
    at: Mapped[datetime]
    """When it was forgotten: what was written there before is not stored any more."""
    stopped: Mapped[bool] = mapped_column(default=False, server_default=false())
    """STOP had been sent there. Only START, from there, lifts it."""
    locked: Mapped[bool] = mapped_column(default=False, server_default=false())
    """No mass messages: someone was in danger on this phone."""
