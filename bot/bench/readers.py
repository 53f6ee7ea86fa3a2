"""People with a message each: what a sender drains when it is measured."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, select

from bot import moments
from bot.channels.base import WHATSAPP
from bot.house import House
from bot.inserts import insert_new
from bot.messaging import outbox, templates
from bot.models.afspraken import Afspraak
from bot.models.messages import Message
from bot.models.people import Address, Inburgeraar, PersonAddress
from bot.outreach import broadcasts
from bot.outreach import preview as previews

LANGUAGES = ("nl", "en", "ar", "tr")
AT_ONCE = 1000


def gather(house: House, count: int, prefix: str = "") -> None:
    """Let *count* people be known on WhatsApp, with an afspraak; their templates are approved."""
    now = moments.now()
    with house.database.session() as session:
        for number, want in enumerate(templates.wanted(house)):
            templates.use(session, want, f"HX{number:032x}")
        for numbers in _batches(count):
            people = insert_new(
                session,
                Inburgeraar,
                [
                    {
                        "kenmerk": f"B{prefix}{n}",
                        "first_name": "Priya",
                        "language": LANGUAGES[n % len(LANGUAGES)],
                        "created_at": now,
                    }
                    for n in numbers
                ],
                "id",
                "kenmerk",
            )
            addresses = insert_new(
                session,
                Address,
                [
                    {
                        "channel": WHATSAPP,
                        "address": address(n),
                        "phone": address(n),
                        "state": "open",
                        "created_at": now,
                    }
                    for n in numbers
                ],
                "id",
                "address",
            )
            person_of = {kenmerk: number for number, kenmerk in people}
            address_of = {text: number for number, text in addresses}
            links = [
                {
                    "person_id": person_of[f"B{prefix}{n}"],
                    "address_id": address_of[address(n)],
                    "rank": 0,
                }
                for n in numbers
            ]
            session.execute(insert(PersonAddress), links)
            session.execute(
                insert(Afspraak),
                [
                    {
                        "kenmerk": f"A{prefix}{n}",
                        "person_id": person_of[f"B{prefix}{n}"],
                        "begins": now + timedelta(days=2),
                        "place": "Wijkcentrum",
                        "status": "gepland",
                        "answer": "none",
                        "version": 1,
                        "known_at": now,
                    }
                    for n in numbers
                ],
            )


def address(number: int) -> str:
    """Return a number that nobody has."""
    return f"+316970{number:05d}"


def remind(
    house: House, few: int | None = None, due: datetime | None = None, seconds: float = 0
) -> None:
    """Queue a reminder for everybody, or for the first *few* of them: written for one reader of
    each language, and copied. From *due* on they are due evenly over so many *seconds*.
    """
    begins = moments.now() + timedelta(days=2)
    with house.database.session() as session:
        moulds = {code: _mould(session, house, code, begins) for code in LANGUAGES}
        found = session.execute(
            select(Inburgeraar.id, Inburgeraar.language, PersonAddress.address_id, Afspraak.id)
            .join(PersonAddress, PersonAddress.person_id == Inburgeraar.id)
            .join(Afspraak, Afspraak.person_id == Inburgeraar.id)
            .order_by(Inburgeraar.id)
            .limit(few)
        ).all()
        due = due or moments.now()
        apart = timedelta(seconds=seconds) / max(1, len(found))
        for numbers in _batches(len(found)):
            insert_new(
                session,
                Message,
                [
                    {
                        **moulds[language],
                        "occasion": f"afspraak:{afspraak}:v1:1d",
                        "person_id": person,
                        "address_id": where,
                        "about": f"afspraak:{afspraak}",
                        "not_before": due + n * apart,
                    }
                    for n in numbers
                    for person, language, where, afspraak in [found[n]]
                ],
            )


def announce(house: House) -> int:
    """Let a mass message go to everybody, approved as it must be; return its id."""
    now = moments.now()
    with house.database.session() as session:
        made = broadcasts.draft(
            session,
            house,
            by="An",
            name="Meting",
            key="afspraak.cancelled",
            values={"day": "donderdag", "date": "3-12", "time": "14:30", "place": "Wijkcentrum"},
            window_until=now + timedelta(days=1),
            first=1,
            hold_minutes=0,
            most_failed=100.0,
            most_stopped=100.0,
            most_unknown=100.0,
        )
        seen = previews.preview(session, house, made, frozenset(LANGUAGES))
        broadcasts.approve(session, house, made, seen, by="Bo", count=seen.count)
        broadcasts.send(session, house, made, by="An")
        return made.id


def _mould(session: Any, house: House, language: str, begins: datetime) -> dict[str, Any]:
    """Return the columns of a reminder in *language*, as the outbox writes them."""
    person = session.scalars(
        select(Inburgeraar).where(Inburgeraar.language == language).limit(1)
    ).one()
    values = {"begins": begins, "place": "Wijkcentrum", "address": "Voorbeeldstraat 12"}
    message = outbox.queue(
        session,
        house,
        occasion="mould",
        key="afspraak.reminder",
        person=person,
        values={**values, "staff": "Jansen"},
        version=1,
        expires_at=begins,
    )
    assert message is not None  # noqa: S101 - the database is empty
    columns = {
        column.key: getattr(message, column.key)
        for column in Message.__table__.columns
        if column.key != "id"
    }
    session.delete(message)
    session.flush()
    return columns


def _batches(count: int) -> Iterator[range]:
    for start in range(0, count, AT_ONCE):
        yield range(start, min(start + AT_ONCE, count))
