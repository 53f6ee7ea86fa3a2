"""The calendar at a desk: whose day it is, the answers at a glance, and who was there."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest
from desks import Desk
from sqlalchemy import select

from bot import moments
from bot.models.afspraken import Afspraak
from bot.models.people import Inburgeraar
from bot.models.staff import AuditEntry
from bot.outreach import afspraken

DAY = date(2026, 9, 1)


def record(desk: Desk, kenmerk: str, person: str, day: date, at: time = time(15)) -> int:
    with desk.house.database.session() as session:
        found = session.scalars(select(Inburgeraar).where(Inburgeraar.kenmerk == person)).one()
        afspraken.record(
            session, desk.house, kenmerk=kenmerk, person=found,
            begins=moments.from_local(datetime.combine(day, at)), minutes=30, soort="gesprek",
            place="Wijkcentrum", address=None, staff=None, status="gepland",
        )  # fmt: skip
        return session.scalars(select(Afspraak.id).where(Afspraak.kenmerk == kenmerk)).one()


@pytest.fixture(scope="module")
def planned(world: Desk) -> Desk:
    """Selam is the klantmanager's, Rania somebody else's; both came on the first of September."""
    record(world, "A-1", "P-1", DAY)
    record(world, "A-2", "P-2", DAY, time(0))
    record(world, "A-3", "P-1", DAY + timedelta(days=1), time(0))
    return world


def test_a_day_shows_ones_own_people_and_those_of_others_when_asked(planned: Desk):
    browser = planned.as_("klantmanager")
    own = browser.get(f"/afspraken?dag={DAY}").text
    everybody = browser.get(f"/afspraken?dag={DAY}&wie=iedereen").text
    other = browser.get(f"/afspraken?dag={DAY}&wie=somebody else").text

    assert ("Selam" in own, "Rania" in own) == (True, False)
    assert ("Selam" in everybody, "Rania" in everybody) == (True, True)
    assert ("Selam" in other, "Rania" in other) == (False, True)
    assert "is vastgelegd" in other
    with planned.house.database.reading() as session:
        assert 2 == session.scalars(select(AuditEntry.action)).all().count("calendar.looked")


def test_a_day_begins_and_ends_at_midnight_here(planned: Desk):
    """Midnight here is ten at night in UTC, in summer."""
    page = planned.as_("klantmanager").get(f"/afspraken?dag={DAY}&wie=iedereen").text
    next_day = planned.as_("klantmanager").get(f"/afspraken?dag={DAY + timedelta(days=1)}").text

    assert "2 afspraken gaan door" in page
    assert "1 afspraken gaan door" in next_day
    assert ">00:00</time>" in next_day


@pytest.mark.parametrize("day", ["gisteren", "9999-12-31", "0001-01-01", "2026-02-30"])
def test_a_day_that_is_none_gets_a_page_that_says_so(planned: Desk, day: str):
    assert 404 == planned.as_("klantmanager").get(f"/afspraken?dag={day}").status_code


def test_whether_somebody_came_is_written_down_and_can_be_taken_back(any_desk: Desk):
    number = record(any_desk, "A-1", "P-1", moments.local(moments.now()).date() - timedelta(days=1))
    browser = any_desk.as_("klantmanager")

    def say(word: str) -> bool | None:
        assert 303 == browser.post(f"/afspraken/{number}/aanwezig", {"kwam": word}).status_code
        with any_desk.house.database.reading() as session:
            return session.get_one(Afspraak, number).came

    assert (False, True, None) == (say("nee"), say("ja"), say("terug"))
    assert 400 == browser.post(f"/afspraken/{number}/aanwezig", {"kwam": "misschien"}).status_code
    assert 404 == browser.post("/afspraken/999/aanwezig", {"kwam": "ja"}).status_code
    with any_desk.house.database.reading() as session:
        assert 3 == session.scalars(select(AuditEntry.action)).all().count("afspraak.presence")


def test_nobody_was_at_what_is_still_to_come_and_a_move_forgets_who_was(world: Desk):
    soon = moments.local(moments.now()).date() + timedelta(days=3)
    number = record(world, "A-9", "P-1", soon)
    told = world.as_("klantmanager").post(
        f"/afspraken/{number}/aanwezig", {"kwam": "ja"}, follow_redirects=True
    )

    assert "nog niet geweest" in told.text
    past = record(world, "A-10", "P-1", soon - timedelta(days=9))
    with world.house.database.session() as session:
        assert afspraken.note_presence(session, session.get_one(Afspraak, past), True)
    record(world, "A-10", "P-1", soon)
    with world.house.database.reading() as session:
        assert session.get_one(Afspraak, past).came is None
