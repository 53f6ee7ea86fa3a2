"""What goes out by itself, told beforehand: a colleague who calls must know what is on its way."""

from __future__ import annotations

from datetime import datetime

import pytest
from desks import Desk
from sqlalchemy import select

from bot import moments
from bot.engine import work
from bot.models.messages import Message
from bot.models.people import Inburgeraar
from bot.outreach import afspraken
from bot.privacy import consent

MORNING = moments.from_local(datetime(2026, 12, 1, 9, 30))
TODAY, TOMORROW = datetime(2026, 12, 1, 15), datetime(2026, 12, 2, 15)


@pytest.fixture(autouse=True)
def _a_tuesday_morning() -> None:
    moments.set_practice_offset(MORNING - moments.machine_now())


def planned(desk: Desk, begins: datetime, person: str = "P-1") -> None:
    with desk.house.database.session() as session:
        found = session.scalars(select(Inburgeraar).where(Inburgeraar.kenmerk == person)).one()
        afspraken.record(
            session, desk.house, kenmerk=f"A-{begins:%d}-{person}", person=found,
            begins=moments.from_local(begins), minutes=30, soort="gesprek", place="Wijkcentrum",
            address=None, staff=None, status="gepland",
        )  # fmt: skip


def test_a_reminder_that_is_not_written_yet_is_told_with_its_time(any_desk: Desk):
    """It becomes a message only when it is due; before that a page that said nothing would lie."""
    planned(any_desk, TOMORROW)
    browser = any_desk.as_("klantmanager")
    person, today = browser.get("/mensen/P-1").text, browser.get("/").text

    for page in (person, today):
        assert "Herinnering, 1 dag vooraf" in page
    assert "2 dec 13:00" in person
    assert "Herinnering, 2 uur vooraf" in person
    assert "Herinnering, 2 uur vooraf" not in today  # that one goes tomorrow


def test_a_reminder_that_was_written_is_told_once(desk: Desk):
    planned(desk, TODAY)
    work.remind(desk.house, 10)

    page = desk.as_("klantmanager").get("/").text

    assert 1 == page.count("Herinnering aan")
    assert 1 == page.count("Herinnering, 2 uur vooraf aan")


def test_who_comes_not_or_may_not_be_written_to_is_not_told_to_be_reminded(desk: Desk):
    planned(desk, TOMORROW)
    with desk.house.database.session() as session:
        person = session.scalars(select(Inburgeraar).where(Inburgeraar.kenmerk == "P-1")).one()
        consent.stop(session, person.addresses[0].address, "reply 1")
    browser = desk.as_("klantmanager")

    assert "krijgt geen herinnering" in browser.get("/").text
    assert "gaat niet uit" in browser.get("/mensen/P-1").text


@pytest.mark.parametrize("state", ["blocked", "expired"])
def test_what_was_not_sent_is_named_with_the_reason(desk: Desk, state: str):
    planned(desk, TODAY)
    work.remind(desk.house, 10)
    with desk.house.database.session() as session:
        message = session.scalars(select(Message)).one()
        message.state, message.cause = state, "danger"

    page = desk.as_("klantmanager").get("/mensen/P-1").text

    assert "1 dec, herinnering: Hier is gevaar gemeld." in page


def test_who_got_no_reminder_stands_there_with_what_to_do_about_it(desk: Desk):
    planned(desk, TODAY)
    planned(desk, TOMORROW)
    work.remind(desk.house, 10)
    with desk.house.database.session() as session:
        for message in session.scalars(select(Message)):
            message.state, message.cause = "failed", "bad_number"
    browser = desk.as_("klantmanager")

    for page in (browser.get("/").text, browser.get("/afspraken").text):
        assert "Vraag het juiste nummer en pas het aan." in page
    assert "Morgen: 1" in browser.get("/").text


def test_nothing_is_told_of_other_peoples_people(desk: Desk):
    planned(desk, TOMORROW, person="P-2")

    assert "vandaag niets meer uit" in desk.as_("klantmanager").get("/").text
