"""Half-year courses before the regular one, and who takes part in them."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bot.db import Base
from bot.models.people import Inburgeraar


class Voortraject(Base):
    """A course near home, on fixed days, with a number of places."""

    __tablename__ = "voortraject"
    __table_args__ = (CheckConstraint("taken >= 0 AND taken <= seats", name="never_overfull"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kenmerk: Mapped[str] = mapped_column(unique=True)
    theme: Mapped[str]
    place: Mapped[str]
    address: Mapped[str | None]
    days: Mapped[str]
    """Weekday codes, comma separated, Monday first: ``mo,we``."""
    begins: Mapped[str]
    """Local time of the lesson, ``09:00``."""
    ends: Mapped[str]
    starts: Mapped[date]
    """The day of the first lesson."""
    weeks: Mapped[int]
    seats: Mapped[int]
    taken: Mapped[int] = mapped_column(default=0)
    """Places given or held. Only ever changed by one conditional UPDATE: never above seats."""
    offer_hours: Mapped[int] = mapped_column(default=48)
    """How long a freed place is held for the next on the waiting list."""
    version: Mapped[int] = mapped_column(default=1)


class Deelname(Base):
    """One person and one voortraject: from invited to taking part, or not."""

    __tablename__ = "deelname"
    __table_args__ = (
        UniqueConstraint("voortraject_id", "person_id"),
        Index(None, "state", "offered_until"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    voortraject_id: Mapped[int] = mapped_column(ForeignKey("voortraject.id"))
    person_id: Mapped[int] = mapped_column(
        ForeignKey("inburgeraar.id", ondelete="CASCADE"), index=True
    )
    state: Mapped[str]
    """``invited accepted declined later waiting offered lapsed``. ``accepted`` and
    ``offered`` each hold one of the voortraject's places."""
    waiting_since: Mapped[datetime | None]
    offered_until: Mapped[datetime | None]
    needs_childcare: Mapped[bool] = mapped_column(default=False)
    """Said "yes, if there is childcare": a need for staff to meet, not a no."""
    at: Mapped[datetime]

    voortraject: Mapped[Voortraject] = relationship()
    person: Mapped[Inburgeraar] = relationship()

    @property
    def about(self) -> str:
        """How messages name what they speak of."""
        return f"deelname:{self.id}"
