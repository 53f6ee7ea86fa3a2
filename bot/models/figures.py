"""Bare figures: what is left of rows that are not kept any more."""

from __future__ import annotations

from datetime import date

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bot.db import Base


class Figure(Base):
    """So many of a kind, in a month. Nobody can be found back in it.

    What does not apply is an empty text: a null would let the same figure be there twice.
    """

    __tablename__ = "figure"
    __table_args__ = (
        UniqueConstraint("kind", "month", "channel", "key", "state", "cause", "about"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    """``message reply afspraak deelname aanmelding person``."""
    month: Mapped[date]
    """Its first day, by the calendar here."""
    channel: Mapped[str]
    key: Mapped[str]
    """The catalogue text, what a reply meant, or the soort of an afspraak."""
    state: Mapped[str]
    """How it ended; of an aanmelding ``counted`` or ``not counted``."""
    cause: Mapped[str]
    about: Mapped[str]
    """``broadcast:7``, ``voortraject:3`` or ``link:5``: what is kept and counts them."""
    count: Mapped[int]
    people: Mapped[int] = mapped_column(default=1, server_default="1")
    """At least so many it is about: those of the most that went at once. Never too many."""
