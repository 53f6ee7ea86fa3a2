"""Voortrajecten at a desk: places, the waiting list, needs, and the way from asked to a place."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from desks import Desk
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from bot import moments
from bot.models.people import Inburgeraar
from bot.models.staff import AuditEntry
from bot.models.voortrajecten import Deelname, Voortraject
from bot.outreach import tasks
from console.charts import Bar, Series, bars, lines, nice

STATES = ("accepted", "accepted", "offered", "waiting", "invited", "declined", "later", "lapsed")


@pytest.fixture(scope="module")
def course(world: Desk) -> Desk:
    """Four places: two taken, one offered; one waits, and needs childcare."""
    now = moments.now()
    with world.house.database.session() as session:
        session.add(
            Voortraject(
                id=1, kenmerk="V-1", theme="Persoonlijk leiderschap", place="Buurthuis De Brug",
                address="Brugstraat 4", days="mo,we", begins="09:00", ends="11:30",
                starts=moments.local(now).date() + timedelta(days=30), weeks=26, seats=4, taken=3,
            )
        )  # fmt: skip
    for number, state in enumerate(STATES):
        person = world.person(
            f"D-{number}", f"Deelnemer{number}", klantmanager=None, phone=f"+316970010{number:02}"
        )
        with world.house.database.session() as session:
            session.add(
                Deelname(
                    id=number + 1, voortraject_id=1, person_id=person, state=state, at=now,
                    waiting_since=now if state == "waiting" else None,
                    offered_until=now + timedelta(days=1) if state == "offered" else None,
                    needs_childcare=state == "waiting",
                )
            )  # fmt: skip
    with world.house.database.session() as session:
        waiting = session.scalars(select(Deelname).where(Deelname.state == "waiting")).one()
        tasks.raise_task(
            session, tasks.CHILDCARE, about=waiting.about, person=waiting.person, note="Opvang."
        )
    return world


def test_the_list_says_how_full_each_is(course: Desk):
    page = course.as_("klantmanager").get("/voortrajecten").text

    assert "Persoonlijk leiderschap" in page
    assert "3 van 4" in page
    assert "maandag en woensdag" in page


def test_one_page_tells_places_needs_and_the_way_to_a_place(course: Desk):
    page = course.as_("coordinator").get("/voortrajecten/V-1").text

    assert "2 bezet · 1 aangeboden · 1 vrij" in page
    assert "Kinderopvang: 1 deelnemers" in page
    assert "1 nog te regelen" in page
    assert "Van 8 uitgenodigde mensen antwoordden er 7, en 4 willen komen." in page
    assert 'role="img" aria-labelledby="p2s"' in page
    assert "<style" not in page
    assert 'style="' not in page


@pytest.mark.parametrize(
    ("stand", "shown", "not_shown"),
    [("wachtlijst", 3, 4), ("plaats", 0, 3), ("nee", 5, 0), ("geen-antwoord", 7, 0)],
)
def test_the_people_can_be_narrowed_down(course: Desk, stand: str, shown: int, not_shown: int):
    page = course.as_("coordinator").get(f"/voortrajecten/V-1?stand={stand}").text
    listed = page.split('id="deel"')[1]

    assert f"Deelnemer{shown}<" in listed
    assert f"Deelnemer{not_shown}<" not in listed


def test_looking_is_written_down_for_it_names_people(course: Desk):
    course.as_("klantmanager").get("/voortrajecten/V-1")

    with course.house.database.reading() as session:
        actions = session.scalars(
            select(AuditEntry.action).where(AuditEntry.subject == "voortraject:1")
        ).all()
    assert "voortraject.looked" in actions


def test_what_somebody_says_by_telephone_gives_or_frees_a_place(any_desk: Desk):
    """The same verbs as an answer by message: the last place goes once, the next one waits."""
    with any_desk.house.database.session() as session:
        session.add(
            Voortraject(
                id=1, kenmerk="V-1", theme="Lezen", place="Hier", days="mo", begins="09:00",
                ends="10:00", weeks=2, seats=1,
                starts=moments.local(moments.now()).date() + timedelta(days=30),
            )
        )  # fmt: skip
        for number, kenmerk in enumerate(("P-1", "P-2"), 1):
            person = session.scalars(
                select(Inburgeraar).where(Inburgeraar.kenmerk == kenmerk)
            ).one()
            session.add(
                Deelname(
                    id=number, voortraject_id=1, person_id=person.id, state="invited",
                    at=moments.now(),
                )
            )  # fmt: skip
    browser = any_desk.as_("coordinator")

    def say(number: int, answer: str) -> list[str]:
        browser.post(f"/voortrajecten/V-1/{number}/antwoord", {"antwoord": answer})
        with any_desk.house.database.reading() as session:
            return list(session.scalars(select(Deelname.state).order_by(Deelname.id)))

    assert ["accepted", "invited"] == say(1, "ja")
    assert ["accepted", "waiting"] == say(2, "ja")
    assert ["declined", "offered"] == say(1, "nee")
    with any_desk.house.database.reading() as session:
        actions = list(session.scalars(select(AuditEntry.action)))
    assert 3 == actions.count("deelname.answered")


@pytest.mark.parametrize(
    ("path", "answer", "status"),
    [
        ("/voortrajecten/V-1/1/antwoord", "misschien", 400),
        ("/voortrajecten/V-1/999/antwoord", "ja", 404),
        ("/voortrajecten/V-404/1/antwoord", "ja", 404),
    ],
)
def test_an_answer_that_fits_nobody_changes_nothing(
    course: Desk, path: str, answer: str, status: int
):
    browser = course.as_("coordinator")

    assert status == browser.post(path, {"antwoord": answer}).status_code


def test_a_voortraject_that_is_not_there_gets_a_page_that_says_so(course: Desk):
    assert 404 == course.as_("coordinator").get("/voortrajecten/V-404").status_code


# ------------------------------------------------------------------ charts


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=12))
def test_no_bar_leaves_the_drawing(values: list[int]):
    for drawn in bars([Bar("x", each, str(each)) for each in values], most=max(values)):
        assert all(0 <= each.length <= drawn.right - drawn.left for each in drawn.bars)
        assert all(each.y + 30 <= drawn.height for each in drawn.bars)


@given(
    st.lists(
        st.lists(st.one_of(st.none(), st.integers(0, 10**6)), min_size=1, max_size=53),
        min_size=1,
        max_size=3,
    )
)
def test_every_point_lies_in_the_drawing_and_a_gap_stays_a_gap(values):
    longest = max(map(len, values))
    series = [Series(str(n), tuple(each)) for n, each in enumerate(values)]
    for drawn in lines(series, [str(n) for n in range(longest)]):
        for line in drawn.lines:
            shown = [each for each in series[line.number - 1].values if each is not None]
            assert len(shown) == len(line.points)
            assert all(
                drawn.left <= x <= drawn.right + 0.1 and drawn.top - 0.1 <= y <= drawn.bottom
                for x, y in line.points
            )
        labels = sorted(line.label[1] for line in drawn.lines)
        assert all(below - above >= 19.9 for above, below in pairwise(labels))


@given(st.integers(0, 10**9))
def test_a_scale_ends_above_its_highest_value_at_a_round_number(value: int):
    assert value <= nice(value) <= max(3, 10 * value)
    assert 0 == nice(value) % 3
