"""A house without doors, the people it knows and the groups they can join."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import moments
from bot.house import House, build
from bot.models.messages import Message
from bot.models.people import Address, Consent, Inburgeraar, PersonAddress
from bot.models.voortrajecten import Deelname, Voortraject
from bot.settings import load

TUESDAY = moments.from_local(datetime(2026, 12, 1, 10, 0))
MONDAY = date(2026, 12, 14)


def house_at(database_url: str, moment: datetime = TUESDAY) -> House:
    """Build a house on this database and let it be *moment*."""
    be(moment)
    return build(load(None, database_url=database_url))


def be(moment: datetime) -> None:
    """Let it be *moment* from now on."""
    moments.set_practice_offset(moment - (moments.now() - moments.practice_offset()))


def person(
    session: Session,
    name: str,
    language: str = "nl",
    *,
    yes: bool | None = True,
    channel: str | None = "telegram",
    stopped: bool = False,
    locked: bool = False,
    **more: Any,
) -> Inburgeraar:
    """Let somebody be known who said yes to invitations, unless told otherwise."""
    made = Inburgeraar(
        kenmerk=name, first_name=name, language=language, created_at=moments.now(), **more
    )
    session.add(made)
    session.flush()
    if channel is not None:
        place = Address(
            channel=channel,
            address=f"100{made.id}",
            state="open",
            stopped_at=moments.now() if stopped else None,
            bulk_locked_at=moments.now() if locked else None,
            created_at=moments.now(),
        )
        session.add(place)
        session.flush()
        session.add(PersonAddress(person_id=made.id, address_id=place.id, rank=0))
    if yes is not None:
        session.add(
            Consent(
                person_id=made.id,
                purpose="invitation",
                given=yes,
                evidence="test",
                at=moments.now(),
            )
        )
    session.flush()
    return made


def voortraject(session: Session, seats: int = 2, **more: Any) -> Voortraject:
    """Let there be a group on Monday and Wednesday mornings, from Monday 14 December."""
    made = Voortraject(
        **{
            "kenmerk": "V1",
            "theme": "Actief in de wijk",
            "place": "Buurthuis De Brug",
            "address": "Brugstraat 4",
            "days": "mo,we",
            "begins": "09:00",
            "ends": "11:30",
            "starts": MONDAY,
            "weeks": 26,
            "seats": seats,
            "taken": 0,
            "offer_hours": 48,
            "version": 1,
            **more,
        }
    )
    session.add(made)
    session.flush()
    return made


def deelname(session: Session, group: Voortraject, name: str, state: str = "invited") -> Deelname:
    """Let *name*, who is new, have a deelname in *state*."""
    made = Deelname(
        voortraject_id=group.id,
        person_id=person(session, name).id,
        state=state,
        needs_childcare=False,
        waiting_since=moments.now() if state == "waiting" else None,
        at=moments.now(),
    )
    session.add(made)
    session.flush()
    return made


def states(session: Session) -> dict[str, str]:
    """Return how everyone's deelname stands, by name."""
    found = session.scalars(select(Deelname).order_by(Deelname.id))
    return {each.person.first_name: each.state for each in found}


def queued(session: Session) -> list[tuple[str, str]]:
    """Return to whom which text was queued, in order."""
    return [
        (message.person.first_name, message.key)
        for message in session.scalars(select(Message).order_by(Message.id))
        if message.person is not None
    ]
