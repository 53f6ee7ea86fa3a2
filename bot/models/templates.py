"""What WhatsApp knows of our texts: templates to begin with, buttons for within the window."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bot.db import Base


class Template(Base):
    """One content resource at Twilio, for one catalogue text in one language."""

    __tablename__ = "template"
    __table_args__ = (UniqueConstraint("key", "language", "digest"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str]
    """A catalogue key, or ``session:yes,other_day,no`` for buttons inside the window."""
    language: Mapped[str]
    """The reader's language; an opener is in Dutch with the reader's language on a button."""
    digest: Mapped[str]
    """SHA-256 of body and buttons: a changed text needs a new approval."""
    name: Mapped[str]
    content_sid: Mapped[str] = mapped_column(unique=True)
    status: Mapped[str]
    """``session`` (needs none), or Meta's: ``unsubmitted received pending approved rejected
    paused disabled``."""
    category: Mapped[str | None]
    reason: Mapped[str | None]
    """Why it was rejected."""
    changed_at: Mapped[datetime]
