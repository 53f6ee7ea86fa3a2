"""S20: a group message at iftar, for lessons at iftar. It is said; staff keep it or move it."""

from __future__ import annotations

from datetime import date, datetime, time

import pytest
from desks import Desk
from group_house import be, person, voortraject
from test_console_broadcasts import FORM, OWN, approve, furnished, state, write

from bot import kalender, moments
from bot.kalender import KalenderError

RAMADAN = {"from-dag": "09-02-2027", "from-tijd": "18:15"}


@pytest.fixture
def evening(make_desk) -> Desk:
    """A group that meets on Mondays and Wednesdays from 17:00 to 19:00, in Ramadan and after."""
    desk = make_desk()
    be(moments.from_local(datetime(2027, 2, 1, 10, 0)))
    with desk.house.database.session() as session:
        voortraject(session, begins="17:00", ends="19:00", starts=date(2027, 2, 17), weeks=4)
        person(session, "Jan", "nl", wijk="Noord")
        person(session, "Yusuf", "ar", wijk="Noord")
    return desk


def shown(desk: Desk, number: int) -> str:
    return str(desk.as_("communicatie").get(f"/groepsberichten/{number}/voorbeeld").text)


def test_s20_the_preview_warns_of_iftar_and_eid_and_decides_nothing(evening):
    number = write(evening, {**FORM, **RAMADAN})
    page = shown(evening, number)

    assert "Versturen valt samen met: iftar (ramadan) (9 feb 18:15)." in page
    assert "Een bijeenkomst valt samen met: iftar (ramadan) (17 feb 17:00)." in page
    assert "Een bijeenkomst valt samen met: Suikerfeest (Eid al-Fitr) (10 mrt 17:00)." in page
    assert "8 feb – 9 mrt, 17:30–19:30" in page
    assert "kan een dag schelen" in page
    approve(evening.as_("goedkeurder"), number, dan="")
    assert "approved" == state(evening, number), "staff may keep it as it is"


def test_s20_the_warning_is_of_the_hour_and_the_same_for_whoever_reads_it(evening):
    """Nothing is inferred about anybody: not from a language, not from who is chosen."""
    by_language = [
        shown(evening, write(evening, {**FORM, **RAMADAN, "taal-wie": "alleen", "taal": code}))
        for code in ("nl", "ar")
    ]
    assert ["Versturen valt samen met: iftar" in page for page in by_language] == [True, True]

    morning = shown(evening, write(evening, {**FORM, **RAMADAN, "from-tijd": "10:00"}))
    assert "Versturen valt samen met" not in morning


def test_a_message_that_begins_in_the_hours_of_rest_says_until_when_it_waits(desk):
    furnished(desk)
    number = write(desk, {**OWN, "from-dag": "01-12-2026", "from-tijd": "21:00"})
    page = shown(desk, number)

    assert "Het begint in de stille uren." in page
    assert "Het wacht tot 2 dec 09:00." in page


def test_the_other_message_that_they_get_today_is_named(desk):
    furnished(desk)
    approve(desk.as_("goedkeurder"), write(desk))
    page = shown(desk, write(desk, OWN))

    assert "6 mensen krijgen vandaag ook een ander groepsbericht." in page
    assert "Koffie in Noord 6" in page


def test_the_kalender_holds_what_was_computed_and_reaches_far_enough():
    names = {day.name: day for day in kalender.days() if day.first.year == 2027}

    assert (time(17, 30), time(19, 30)) == names["iftar (ramadan)"].hours
    assert date(2027, 3, 10) == names["Suikerfeest (Eid al-Fitr)"].first
    assert names["orthodox Pasen"].first < date(2027, 5, 2) < names["orthodox Pasen"].last
    assert not names["Koningsdag"].moon
    assert kalender.known_until() >= date(2028, 12, 1)


@pytest.mark.parametrize(
    "told",
    [
        "- {from: 2027-01-01}",
        "- {name: X, from: morgen}",
        "- {name: X, from: 2027-01-02, until: 2027-01-01}",
        '- {name: X, from: 2027-01-01, hours: "19:00-18:00"}',
        "- {name: X, from: 2027-01-01, maan: true}",
        "- X",
        "- {",
    ],
)
def test_a_line_that_cannot_be_used_is_said(tmp_path, told):
    path = tmp_path / "kalender.yaml"
    path.write_text(told, encoding="utf-8")

    with pytest.raises(KalenderError, match=r"kalender\.yaml"):
        kalender.days(path)


def test_where_the_moon_decides_the_day_before_and_after_count_too():
    first = next(day for day in kalender.days() if day.first == date(2027, 3, 10))
    days = [
        first.meets(at, at)
        for number in (8, 9, 13, 14)
        for at in [moments.from_local(datetime(2027, 3, number, 12))]
    ]

    assert [False, True, True, False] == days
