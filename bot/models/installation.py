"""The database itself: which one it is, and whether anything may be sent from it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bot.db import Base


class Installation(Base):
    """The one row that tells this database from a copy of it, and from itself of yesterday."""

    __tablename__ = "installation"
    __table_args__ = (CheckConstraint("id = 1", name="one"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    identity: Mapped[str]
    """Drawn at random, and anew when a backup was put back: numbers are given out again then, and
    what an earlier one had under the same number is another message."""
    environment: Mapped[str]
    """The ENVIRONMENT it is of: in another it is a copy."""
    created_at: Mapped[datetime]
    beats: Mapped[int]
    """Counted up by every worker every few seconds. A lower one than was seen before is older."""
    alive_at: Mapped[datetime]
    """When it was last counted up."""
    held_since: Mapped[datetime | None]
    """Nothing is sent from then on; None: all is well."""
    held_why: Mapped[str | None]
    """``restored``, ``copied``, ``strange`` or ``asked``; see `messaging.installation`."""
    held_note: Mapped[str | None]
    """What whoever asked for it said."""
    missed_since: Mapped[datetime | None]
    """Of what happened from here until it was held, a restored database knows nothing."""
    refilled_at: Mapped[datetime | None]
    """When all that people wrote since then was read back."""
