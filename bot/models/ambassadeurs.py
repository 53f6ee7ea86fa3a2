"""Trusted people who share a personal link, and who came in by it."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import JSON, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bot.db import Base
from bot.models.people import Inburgeraar


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
    created_at: Mapped[datetime]

    links: Mapped[list[Link]] = relationship(back_populates="ambassadeur")


class Link(Base):
    """A personal link: ten characters, 50 bits, not to be guessed."""

    __tablename__ = "link"

    id: Mapped[int] = mapped_column(primary_key=True)
    ambassadeur_id: Mapped[int] = mapped_column(ForeignKey("ambassadeur.id"), index=True)
    code: Mapped[str] = mapped_column(unique=True)
    minors: Mapped[int] = mapped_column(default=0)
    """How many said they were under eighteen. Nothing else of them is kept."""
    created_at: Mapped[datetime]

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

    link: Mapped[Link] = relationship()
    person: Mapped[Inburgeraar] = relationship()


class BroughtIn(Base):
    """A number or chat by which somebody once came in, as a keyed hash.

    It outlives the person: who was forgotten and signs up again earns no second premie.
    """

    __tablename__ = "brought_in"

    id: Mapped[int] = mapped_column(primary_key=True)
    mark: Mapped[str] = mapped_column(unique=True)
    """HMAC-SHA-256 under SECRET_KEY; the number cannot be read back from it."""
    at: Mapped[datetime]
