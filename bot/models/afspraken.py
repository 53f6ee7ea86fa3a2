"""Appointments: when, where, with whom, and what the person answered to which version."""

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

    person: Mapped[Inburgeraar] = relationship()

    @property
    def about(self) -> str:
        """How messages name what they speak of."""
        return f"afspraak:{self.id}"
