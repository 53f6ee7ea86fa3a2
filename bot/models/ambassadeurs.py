"""Trusted people who share a personal link, and who came in by it."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import JSON, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bot.db import Base
from bot.models.people import Inburgeraar

STATES = ("aangemeld", "screening", "training", "actief", "gestopt")
"""The way of an ambassadeur, in order. Whoever comes in by a file is `actief`."""


class Ambassadeur(Base):
    """Someone who shares a link. Hears only counts, never who."""

    __tablename__ = "ambassadeur"

    id: Mapped[int] = mapped_column(primary_key=True)
    kenmerk: Mapped[str] = mapped_column(unique=True)
    first_name: Mapped[str]
    phone: Mapped[str | None]
    languages: Mapped[list[str]] = mapped_column(JSON)
    wijk: Mapped[str | None]
    household: Mapped[str | None]
    state: Mapped[str] = mapped_column(default="actief", server_default="actief")
    """One of `STATES`. Who is `gestopt` has no link that works."""
    created_at: Mapped[datetime]

    links: Mapped[list[Link]] = relationship(back_populates="ambassadeur")


class AmbassadeurStap(Base):
    """An ambassadeur came into a state. Only ever added to: the last one counts."""

    __tablename__ = "ambassadeur_stap"

    id: Mapped[int] = mapped_column(primary_key=True)
    ambassadeur_id: Mapped[int] = mapped_column(
        ForeignKey("ambassadeur.id", ondelete="CASCADE"), index=True
    )
    state: Mapped[str]
    by: Mapped[str]
    """The name of the colleague who said so."""
    at: Mapped[datetime]


class Link(Base):
    """A personal link: ten characters, 50 bits, not to be guessed."""

    __tablename__ = "link"

    id: Mapped[int] = mapped_column(primary_key=True)
    ambassadeur_id: Mapped[int] = mapped_column(ForeignKey("ambassadeur.id"), index=True)
    code: Mapped[str] = mapped_column(unique=True)
    minors: Mapped[int] = mapped_column(default=0)
    """How many said they were under eighteen. Nothing else of them is kept."""
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    """Since when it brings nobody in: its code is then one that we do not know."""

    ambassadeur: Mapped[Ambassadeur] = relationship(back_populates="links")


class Click(Base):
    """How often a link was followed on a day, and how. A count, nobody's trace."""

    __tablename__ = "click"
    __table_args__ = (UniqueConstraint("link_id", "channel", "day"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    link_id: Mapped[int] = mapped_column(ForeignKey("link.id"))
    channel: Mapped[str]
    """Chosen on the page: ``whatsapp``, ``telegram``, ``sms``. Or ``chat``: the code arrived."""
    day: Mapped[date]
    count: Mapped[int]


class Aanmelding(Base):
    """One person came in by one link. The first link wins, and a person counts once."""

    __tablename__ = "aanmelding"

    id: Mapped[int] = mapped_column(primary_key=True)
    link_id: Mapped[int] = mapped_column(ForeignKey("link.id"), index=True)
    person_id: Mapped[int] = mapped_column(
        ForeignKey("inburgeraar.id", ondelete="CASCADE"), unique=True
    )
    counted: Mapped[bool]
    """False when a flag says it should earn no premie; staff may look."""
    flags: Mapped[list[str]] = mapped_column(JSON)
    """``own_number``, ``own_household``, ``known_person``, ``shared_number``."""
    at: Mapped[datetime]
    decided_by: Mapped[str | None]
    """Who looked at the flags; None while nobody did."""
    decided_at: Mapped[datetime | None]
    decided_why: Mapped[str | None]

    link: Mapped[Link] = relationship()
    person: Mapped[Inburgeraar] = relationship()


class Premie(Base):
    """What one ambassadeur is entitled to over one month, drawn up and approved by two people.

    It says how much; paying it is elsewhere.
    """

    __tablename__ = "premie"
    __table_args__ = (UniqueConstraint("ambassadeur_id", "month"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    ambassadeur_id: Mapped[int] = mapped_column(ForeignKey("ambassadeur.id"))
    month: Mapped[date]
    """Its first day, by the calendar here."""
    count: Mapped[int]
    """How many that came in counted, when it was drawn up."""
    cents: Mapped[int | None]
    """What that comes to, by what the gemeente gave for each then; None if it had not said."""
    drawn_by: Mapped[str]
    drawn_at: Mapped[datetime]
    approved_by: Mapped[str | None]
    approved_at: Mapped[datetime | None]

    ambassadeur: Mapped[Ambassadeur] = relationship()


class BroughtIn(Base):
    """A number or chat by which somebody once came in, as a keyed hash.

    It outlives the person: who was forgotten and signs up again earns no second premie.
    """

    __tablename__ = "brought_in"

    id: Mapped[int] = mapped_column(primary_key=True)
    mark: Mapped[str] = mapped_column(unique=True)
    """HMAC-SHA-256 under SECRET_KEY; the number cannot be read back from it."""
    at: Mapped[datetime]
