"""Who we write to, where they can be reached, and what they allowed.

The person is not the address: a person has several, and one phone may serve two people.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bot.db import Base


class Inburgeraar(Base):
    """Someone the gemeente writes to."""

    __tablename__ = "inburgeraar"
    # The order of the list, of which each page is a piece.
    __table_args__ = (Index(None, "first_name", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kenmerk: Mapped[str] = mapped_column(unique=True)
    """The gemeente's own key; a second import with the same key is an update."""
    first_name: Mapped[str]
    short_name: Mapped[str | None]
    """What they agreed to be called on a phone that somebody else uses too; None: they did not."""
    language: Mapped[str]
    """Our own code, e.g. ``prs``; Babel's name for it is in content/languages.yaml."""
    wijk: Mapped[str | None]
    groep: Mapped[str | None]
    klantmanager: Mapped[str | None]
    interest: Mapped[str | None]
    """What they said they would like when they signed up."""
    listens: Mapped[bool] = mapped_column(default=False, server_default=false())
    """They would rather listen: what is recorded in their language is sent as a voice note too."""
    household: Mapped[str | None]
    """The gemeente's key of the household, where it gave one."""
    created_at: Mapped[datetime]

    addresses: Mapped[list[PersonAddress]] = relationship(
        back_populates="person", order_by="PersonAddress.rank"
    )


class Address(Base):
    """One place a message can go to: a channel and the provider's name for it there."""

    __tablename__ = "address"
    __table_args__ = (UniqueConstraint("channel", "address"), Index(None, "phone"))

    id: Mapped[int] = mapped_column(primary_key=True)
    channel: Mapped[str]
    address: Mapped[str]
    """E.164, a business-scoped user id, or a Telegram chat id as text."""
    phone: Mapped[str | None]
    """E.164, where it is known: WhatsApp and Telegram people may hide theirs."""
    state: Mapped[str] = mapped_column(default="open")
    """``open``; ``closed`` (wrong number, said by whoever has it); ``blocked`` (they blocked
    us); ``bad`` (the provider says it does not exist)."""
    stopped_at: Mapped[datetime | None]
    """Since when nothing may be sent here. The evidence is in `Consent`."""
    bulk_locked_at: Mapped[datetime | None]
    """Since when no mass message may go here: someone was in danger on this phone."""
    last_inbound_at: Mapped[datetime | None]
    """When they last wrote: opens WhatsApp's window of 24 hours."""
    language: Mapped[str | None]
    """What this address was last spoken to in, while no person is known."""
    created_at: Mapped[datetime]

    people: Mapped[list[PersonAddress]] = relationship(back_populates="address")


class PersonAddress(Base):
    """This person can be reached there; the lowest rank is tried first."""

    __tablename__ = "person_address"
    __table_args__ = (UniqueConstraint("person_id", "address_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("inburgeraar.id", ondelete="CASCADE"))
    address_id: Mapped[int] = mapped_column(ForeignKey("address.id"), index=True)
    rank: Mapped[int] = mapped_column(default=0)

    person: Mapped[Inburgeraar] = relationship(back_populates="addresses")
    address: Mapped[Address] = relationship(back_populates="people")


class Consent(Base):
    """One thing somebody said yes or no to. Only ever added to: the last word counts."""

    __tablename__ = "consent"
    __table_args__ = (Index(None, "person_id", "purpose"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("inburgeraar.id", ondelete="CASCADE"))
    address_id: Mapped[int | None] = mapped_column(ForeignKey("address.id"))
    purpose: Mapped[str]
    """``invitation`` (voortrajecten, ambassadeurs), ``all`` (stop and start), ``fewer`` (one
    reminder a day at most) or ``number``: the address is not, or no longer, this person's."""
    channel: Mapped[str | None]
    """None: whatever the channel."""
    given: Mapped[bool]
    evidence: Mapped[str]
    """How we know: ``import people.csv``, ``reply 812``, ``provider``."""
    at: Mapped[datetime]


class Note(Base):
    """What a colleague wrote down about somebody for colleagues. The person may ask to read it."""

    __tablename__ = "note"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(
        ForeignKey("inburgeraar.id", ondelete="CASCADE"), index=True
    )
    text: Mapped[str]
    by: Mapped[str]
    at: Mapped[datetime]


class Merged(Base):
    """Two that were one person, and are now: the kenmerk of the one who went still finds them."""

    __tablename__ = "merged"

    id: Mapped[int] = mapped_column(primary_key=True)
    kenmerk: Mapped[str] = mapped_column(unique=True)
    person_id: Mapped[int] = mapped_column(
        ForeignKey("inburgeraar.id", ondelete="CASCADE"), index=True
    )
    """Who they are."""
    by: Mapped[str]
    at: Mapped[datetime]
    before: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    """What undoing it needs; None once the day is over."""
