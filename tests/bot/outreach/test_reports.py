"""The report of a quarter: right figures, on both databases, and none that points at anybody."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from bot import house as houses
from bot import moments
from bot.engine import work
from bot.gemeente import Retention
from bot.house import House
from bot.models.afspraken import Afspraak
from bot.models.figures import Figure
from bot.models.messages import Attempt, Message, Spending
from bot.models.people import Inburgeraar
from bot.outreach import reports
from bot.outreach.reports import FEWEST, Cell, fold, tens
from bot.settings import load

NOON = datetime(2026, 11, 20, 11, tzinfo=UTC)
FIRST = date(2026, 10, 1)

cells = st.tuples(st.integers(0, 40), st.integers(1, 3)).map(
    lambda given: Cell(given[0] * given[1], given[0])
)
tables = st.integers(1, 3).flatmap(
    lambda wide: st.dictionaries(
        st.text("abcdefgh", min_size=1, max_size=2),
        st.lists(cells, min_size=wide, max_size=wide),
        max_size=9,
    )
)


# ------------------------------------------------------------------ what may be shown


@given(tables)
def test_no_figure_is_about_fewer_than_ten_people(rows):
    for _, shown in fold(rows):
        assert all(cell.people == 0 or cell.people >= FEWEST for cell in shown)


@given(tables)
def test_nothing_smaller_comes_of_subtracting_what_is_shown(rows):
    """Totals are shown as well: what is left of one, whatever is taken off it, is big too."""
    shown = fold(rows)
    for column in zip(*(cells for _, cells in shown), strict=True):
        total = sum(cell.people for cell in column)
        for size in range(len(column) + 1):
            for taken in combinations(column, size):
                left = total - sum(cell.people for cell in taken)
                assert left == 0 or left >= FEWEST


@given(tables)
def test_what_is_shown_adds_up_to_all_or_nothing_is_shown(rows):
    shown = fold(rows)
    named = [name for names, _ in shown for name in names]

    assert len(set(named)) == len(named)
    if shown:
        assert set(named) == {name for name, row in rows.items() if any(c.value for c in row)}
        for at, column in enumerate(zip(*(row for _, row in shown), strict=True)):
            assert sum(cell.value for cell in column) == sum(row[at].value for row in rows.values())


@given(tables)
def test_people_who_are_in_several_rows_are_not_counted_twice(rows):
    for names, shown in fold(rows, apart=False):
        for at, cell in enumerate(shown):
            assert cell.people <= max(rows[name][at].people for name in names)
            assert not cell.small


@pytest.mark.parametrize(
    ("count", "people", "shown"),
    [(0, None, 0), (1, None, None), (9, None, None), (10, None, 10), (14, None, 10),
     (15, None, 20), (120, 4, None), (123, 40, 120)],
)  # fmt: skip
def test_what_overlaps_is_rounded_to_tens(count, people, shown):
    assert shown == tens(count, people)


# ------------------------------------------------------------------ quarters


@given(st.dates(date(2000, 1, 1), date(2099, 12, 31)))
def test_every_day_is_in_one_quarter_and_one_week_of_it(day: date):
    first = reports.quarter_of(day)
    after = reports.next_quarter(first)
    weeks = reports.weeks_of(first, after)

    assert first <= day < after
    assert reports.quarter_of(after - timedelta(days=1)) == first
    assert weeks[0] == first
    assert all(start.weekday() == 0 for start in weeks[1:])
    assert 13 <= len(weeks) <= 15


# ------------------------------------------------------------------ counted


@pytest.fixture
def house(database_url, monkeypatch) -> House:
    monkeypatch.setattr(moments, "now", lambda: NOON)
    built = houses.build(load(None, database_url=database_url))
    yield built
    built.database.close()


def fill(house: House) -> None:
    """Forty read Tigrinya and thirty Arabic; all but twelve were reached, half of them answered."""
    with house.database.session() as session:
        session.add(Spending(day=date(2026, 11, 2), parts=100))
        for number in range(70):
            language = "ti" if number < 40 else "ar"
            person = Inburgeraar(
                kenmerk=f"P-{number}", first_name="N", language=language, created_at=NOON,
                wijk="Noord" if number < 67 else "Zuid",
            )  # fmt: skip
            afspraak = Afspraak(
                kenmerk=f"A-{number}", person=person, begins=NOON - timedelta(days=1), place="Hier",
                known_at=NOON, answer="confirmed" if number % 2 else "none",
                came=None if number % 5 == 0 else number % 4 != 0,
            )  # fmt: skip
            session.add_all([person, afspraak])
            session.flush()
            state = "failed" if 28 <= number < 40 else "read"
            message = Message(
                occasion=f"o:{number}", person_id=person.id, channel="sms", purpose="public task",
                key="afspraak.reminder", language=language, values={}, body="", buttons=[],
                about=afspraak.about, priority=1, state=state, attempts=1,
                cause="bad_number" if state == "failed" else None,
                not_before=NOON - timedelta(days=2), expires_at=NOON,
                created_at=NOON - timedelta(days=2), changed_at=NOON,
            )  # fmt: skip
            session.add(message)
            session.flush()
            late = timedelta(minutes=20) if number < 15 else timedelta(seconds=3)
            session.add(
                Attempt(
                    message_id=message.id, number=1, epoch=1, form="text",
                    started_at=message.not_before + late,
                )
            )  # fmt: skip


def test_a_quarter_is_counted_the_same_on_either_database(house: House):
    fill(house)
    with house.database.reading() as session:
        made = reports.make(session, house, FIRST)
        before = reports.make(session, house, date(2026, 7, 1))

    assert [[["Noord", "Zuid"], [58, 12]]] == made["wijken"]
    assert [[["ar"], [30, 0]], [["ti"], [28, 12]]] == sorted(made["talen"])
    assert [[["sms"], [58]], [["niet"], [12]]] == made["kanalen"]
    assert [["confirmed"], ["reschedule"], ["declined"], ["none"]] == made["answers"]["columns"]
    assert [[["ar"], [15, 0, 0, 15]], [["ti"], [20, 0, 0, 20]]] == sorted(made["answers"]["rows"])
    assert [[["op tijd"], [55]], [["tot een uur te laat"], [15]]] == made["late"]
    assert [[["gelezen"], [58]], [["mislukt"], [12]]] == made["ended"]
    assert [[["bad_number"], [12]]] == made["causes"]
    assert {"sms": [60]} == {k: [v[-1]] for k, v in made["weeks"]["people"].items()}
    assert (100, True) == (made["cost"]["parts"], made["cost"]["known"])
    assert ["none", "silent", "yes"] == [row[0] for row in made["came"]]
    assert [] == before["ended"]
    assert None is before["cost"]["parts"]


def test_a_report_holds_for_an_hour_unless_it_is_made_in_no_time(house: House, monkeypatch):
    with house.database.session() as session:
        reports.keep(session, FIRST, {}, 3.0)
        assert reports.current(session, FIRST) is not None
        reports.keep(session, FIRST, {"anew": 1}, 0.01)
        assert reports.current(session, FIRST) is None
        reports.keep(session, FIRST, {"anew": 2}, 3.0)
        monkeypatch.setattr(moments, "now", lambda: NOON + timedelta(hours=2))
        assert reports.current(session, FIRST) is None


def test_a_quarter_that_is_long_over_is_made_once(house: House):
    with house.database.session() as session:
        kept = reports.keep(session, date(2026, 1, 1), {"x": 1}, 0.01)
        assert kept is reports.current(session, date(2026, 1, 1))


def test_the_worker_makes_this_quarter_and_the_last(house: House):
    work.report(house, 1)

    with house.database.reading() as session:
        found = session.scalars(reports.select(reports.Report)).all()
        assert {FIRST, date(2026, 7, 1)} == {each.quarter for each in found}


def test_a_quarter_tells_the_same_after_its_rows_are_erased(house: House, monkeypatch):
    """After a year all rows are gone; the report was made before they went, and stays."""
    fill(house)
    with house.database.reading() as session:
        whole = reports.make(session, house, FIRST)
    monkeypatch.setattr(moments, "now", lambda: NOON + timedelta(days=400))
    assert reports.lasts(house, FIRST)

    work.erase(house)

    with house.database.reading() as session:
        assert (
            [] == session.scalars(select(Message)).all() == session.scalars(select(Afspraak)).all()
        )
        kept = reports.current(session, FIRST)
        assert kept is not None
        assert {**whole, "weeks": None} == {**kept.figures, "weeks": None}
        assert whole["weeks"]["people"]["sms"] == kept.figures["weeks"]["people"]["sms"][:8]


def test_what_is_erased_while_the_quarter_runs_is_still_counted(house: House, monkeypatch):
    """A gemeente may keep messages for a week: the figures that are left tell how they ended."""
    kept = Retention(messages=7, afspraken=7)
    short = replace(house, gemeente=replace(house.gemeente, retention=kept))
    fill(short)
    with short.database.reading() as session:
        whole = reports.make(session, short, FIRST)
    monkeypatch.setattr(moments, "now", lambda: NOON + timedelta(days=10))
    assert reports.fades(short, FIRST)
    assert not reports.lasts(short, FIRST)

    work.erase(short)

    with short.database.reading() as session:
        assert (
            [] == session.scalars(select(Message)).all() == session.scalars(select(Afspraak)).all()
        )
        made = reports.make(session, short, FIRST)
        assert whole["ended"] == made["ended"]
        assert whole["causes"] == made["causes"]
        assert [[[reports.UNKNOWN], [35, 0, 0, 35]]] == made["answers"]["rows"]


def test_figures_that_are_left_are_shown_of_ten_people_and_not_of_ten_messages(house: House):
    """Nine people who are forgotten got twenty messages: of them nothing is said."""
    with house.database.session() as session:
        for people in (9, 8):
            session.add(
                Figure(
                    kind="message", month=date(2026, 10 + people % 2, 1), channel="sms", key="k",
                    state="delivered", cause="", about="", count=20, people=people,
                )
            )  # fmt: skip
    with house.database.reading() as session:
        assert [] == reports.make(session, house, FIRST)["ended"]
    with house.database.session() as session:
        session.execute(update(Figure).where(Figure.people == 9).values(people=10))
    with house.database.reading() as session:
        assert [[["afgeleverd"], [40]]] == reports.make(session, house, FIRST)["ended"]
