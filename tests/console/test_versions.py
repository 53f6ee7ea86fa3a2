"""What an afspraak was before it moved, and what was answered then: asked for in a quarrel."""

from __future__ import annotations

from datetime import datetime, timedelta

from desks import Desk
from sqlalchemy import select

from bot import moments
from bot.engine import work
from bot.models.afspraken import Afspraak
from bot.models.messages import InboxEvent, Message, Reply
from bot.models.people import Inburgeraar
from bot.outreach import afspraken

TUESDAY = moments.from_local(datetime(2026, 12, 1, 10))
FIRST, THEN = datetime(2026, 12, 2, 15), datetime(2026, 12, 3, 11, 30)


def at(desk: Desk, begins: datetime, person: str = "P-1") -> None:
    with desk.house.database.session() as session:
        found = session.scalars(select(Inburgeraar).where(Inburgeraar.kenmerk == person)).one()
        afspraken.record(
            session, desk.house, kenmerk="A-1", person=found, begins=moments.from_local(begins),
            minutes=30, soort="gesprek", place="Wijkcentrum", address=None, staff=None,
            status="gepland",
        )  # fmt: skip


def reminded_and_answered(desk: Desk) -> None:
    """Let Selam be reminded of the first version, and say that she comes."""
    moments.set_practice_offset(TUESDAY - moments.machine_now())
    at(desk, FIRST)
    moments.set_practice_offset(TUESDAY + timedelta(hours=6) - moments.machine_now())
    work.remind(desk.house, 10)
    with desk.house.database.session() as session:
        question, now = session.scalars(select(Message)).one(), moments.now()
        assert question.address_id is not None
        event = InboxEvent(
            key="one", source="twilio", lane="x", fingerprint="x", payload={}, state="done",
            not_before=now, received_at=now,
        )  # fmt: skip
        session.add(event)
        session.flush()
        session.add(
            Reply(
                event_id=event.id, person_id=question.person_id, channel="sms", text="1",
                address_id=question.address_id, message_id=question.id, intent="confirm", media=[],
                at=now,
            )
        )  # fmt: skip


def test_an_earlier_version_stands_there_with_what_was_answered_to_it(any_desk: Desk):
    reminded_and_answered(any_desk)
    at(any_desk, THEN)

    page = any_desk.as_("klantmanager").get("/mensen/P-1").text

    assert page.index("Versie 2</b>: 3 dec 11:30") < page.index("Versie 1</b>: 2 dec 15:00")
    assert "Ja, ik kom" in page[page.index("Versie 1</b>") :]
    assert "Geen antwoord" in page[page.index("Versie 2</b>") : page.index("Versie 1</b>")]


def test_what_somebody_else_was_told_of_it_is_not_shown(desk: Desk):
    reminded_and_answered(desk)
    at(desk, FIRST, "P-2")
    with desk.house.database.reading() as session:
        assert 2 == session.scalars(select(Afspraak.version)).one()

    page = desk.as_("klantmanager").get("/mensen/P-2").text

    assert "Versie 2</b>: 2 dec 15:00" in page
    assert "Versie 1</b>" not in page
