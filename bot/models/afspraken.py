"""Appointments: when, where, with whom, what was answered; and free times to move them to."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bot.db import Base
from bot.models.people import Inburgeraar


class Afspraak(Base):
    """One appointment. A new time or place makes a new version and voids the old answer."""

    __tablename__ = "afspraak"
    __table_args__ = (
        Index(None, "begins"),
        Index(
            "ix_afspraak_next_step_at",
            "next_step_at",
            sqlite_where=text("next_step_at IS NOT NULL"),
            postgresql_where=text("next_step_at IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kenmerk: Mapped[str] = mapped_column(unique=True)
    person_id: Mapped[int] = mapped_column(
        ForeignKey("inburgeraar.id", ondelete="CASCADE"), index=True
    )
    begins: Mapped[datetime]
    minutes: Mapped[int] = mapped_column(default=60)
    soort: Mapped[str | None]
    place: Mapped[str]
    address: Mapped[str | None]
    staff: Mapped[str | None]
    """Whom the afspraak is with, as the resident may read it."""
    status: Mapped[str] = mapped_column(default="gepland")
    """``gepland`` or ``afgezegd``."""
    version: Mapped[int] = mapped_column(default=1)
    sequence: Mapped[int | None]
    """SEQUENCE of an ICS event: an older one never overwrites a newer one."""
    known_at: Mapped[datetime]
    """When this version became known to us: steps before it are late, see the plan."""
    next_step_at: Mapped[datetime | None]
    """When the next reminder is due, None when none is: the clock looks at this alone."""
    answer: Mapped[str] = mapped_column(default="none")
    """``none``, ``confirmed``, ``declined`` or ``reschedule``, to this version."""
    answered_at: Mapped[datetime | None]
    came: Mapped[bool | None]
    """Whether the person was there, as staff wrote down afterwards; None while nobody did."""

    person: Mapped[Inburgeraar] = relationship()

    @property
    def about(self) -> str:
        """How messages name what they speak of."""
        return f"afspraak:{self.id}"


class Slot(Base):
    """A free time that staff offer to who wants another day. One afspraak at most takes it."""

    __tablename__ = "slot"
    __table_args__ = (
        Index(
            "ix_slot_free",
            "begins",
            sqlite_where=text("afspraak_id IS NULL"),
            postgresql_where=text("afspraak_id IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kenmerk: Mapped[str] = mapped_column(unique=True)
    """The gemeente's own key; a second import with the same key is an update."""
    begins: Mapped[datetime]
    ends: Mapped[datetime]
    staff: Mapped[str | None]
    """Whose time it is: offered for afspraken with them alone. None: for those with anybody."""
    place: Mapped[str | None]
    """Where; None: where the afspraak was."""
    address: Mapped[str | None]
    status: Mapped[str] = mapped_column(default="vrij")
    """``vrij`` or ``vervallen``, as staff say."""
    afspraak_id: Mapped[int | None] = mapped_column(
        ForeignKey("afspraak.id", ondelete="SET NULL"), unique=True
    )
    """Which afspraak took it. Unique both ways: nobody shares a time, nobody has two."""
    instead_of: Mapped[datetime | None]
    """The start that staff's own agenda may still show for that afspraak."""
    held_for: Mapped[int | None] = mapped_column(
        ForeignKey("afspraak.id", ondelete="SET NULL"), index=True
    )
    """Who is choosing from it at this moment: until `held_until` nobody else is offered it."""
    held_until: Mapped[datetime | None]
