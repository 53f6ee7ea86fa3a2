"""Which reminders go when: by the plan, after an outage, over the nights the clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from post_office import Office
from sqlalchemy import select, update

from bot import moments
from bot.engine import work
from bot.models.afspraken import Afspraak
from bot.models.messages import Message
from bot.models.people import Inburgeraar
from bot.outreach import afspraken, reminders, tasks


def at(*parts):
    """The moment at which the clocks of Amsterdam show this."""
    return moments.from_local(datetime(*parts))


@pytest.fixture
def office(sqlite_url):
    office = Office(sqlite_url)
    office.at(at(2026, 9, 1, 10, 0))
    yield office
    office.close()


@pytest.fixture
def priya(office) -> int:
    return office.person("Priya", address="+31697000004")


def plan(office, person, begins, kenmerk="A1", **more):
    given = {
        "minutes": 60,
        "soort": None,
        "place": "Wijkcentrum",
        "address": None,
        "staff": None,
        "status": "gepland",
        **more,
    }
    with office.database.session() as session:
        return afspraken.record(
            session,
            office.house,
            kenmerk=kenmerk,
            person=session.get_one(Inburgeraar, person),
            begins=begins,
            **given,
        )


def tick(office):
    """Let the clock tick; return what was queued by it, as staff would say it."""
    before = office.read(lambda s: s.scalars(select(Message.id)).all())
    work.remind(office.house, 200)
    return office.read(
        lambda s: [
            (occasion.rpartition(":")[2], key.removeprefix("afspraak."))
            for occasion, key in s.execute(
                select(Message.occasion, Message.key)
                .where(Message.id.not_in(before))
                .order_by(Message.id)
            )
        ]
    )


def play(office, until):
    """Tick now and whenever a step is due until *until*; return label and local moment of each."""
    seen = []
    while moments.now() < until:
        seen += [f"{label} {moments.local(moments.now()):%d-%m %H:%M}" for label, _ in tick(office)]
        office.at(next_step(office) or until)
    return seen


def next_step(office):
    return office.read(lambda s: s.scalars(select(Afspraak.next_step_at)).one())


def test_each_step_of_the_plan_is_queued_once_at_its_moment(office, priya):
    begins = at(2026, 12, 3, 14, 30)
    plan(office, priya, begins)
    office.at(at(2026, 11, 26, 10, 30))

    assert ["7d 26-11 14:30", "1d 02-12 14:30", "2h 03-12 12:30"] == (play(office, begins))
    assert next_step(office) is None


def test_a_tick_that_runs_twice_queues_nothing_twice(office, priya):
    """Two clocks by mistake, or one that died between its work and its commit."""
    plan(office, priya, at(2026, 12, 3, 14, 30))
    office.at(at(2026, 12, 2, 14, 30))
    assert [("1d", "reminder")] == tick(office)
    with office.database.session() as session:
        session.execute(update(Afspraak).values(next_step_at=moments.now()))

    assert [] == tick(office)


@pytest.mark.parametrize(
    ("begins", "expected"),
    [
        pytest.param(
            at(2026, 10, 26, 9, 30),
            ["7d 19-10 09:30", "2h 24-10 19:45"],
            id="the Monday after the clocks went back",
        ),
        pytest.param(
            at(2026, 10, 25, 14, 0),
            ["7d 17-10 19:45", "2h 24-10 19:45"],
            id="the Sunday of 25 hours",
        ),
        pytest.param(
            at(2027, 3, 28, 14, 0),
            ["7d 20-03 19:45", "2h 27-03 19:45"],
            id="the Sunday of 23 hours",
        ),
        pytest.param(
            at(2027, 3, 29, 9, 30),
            ["7d 22-03 09:30", "2h 27-03 19:45"],
            id="the Monday after the clocks went forward",
        ),
    ],
)
def test_the_nights_on_which_the_clocks_change(office, priya, begins, expected):
    """A day before half past nine is half past nine; nobody hears from us at night for it."""
    plan(office, priya, begins)
    office.at(begins - timedelta(days=10))

    assert expected == play(office, begins)


def test_an_afspraak_made_for_tomorrow_is_made_up_for_at_once(office, priya):
    office.at(at(2026, 12, 2, 16, 0))
    plan(office, priya, at(2026, 12, 3, 14, 30))

    assert [("1d", "reminder")] == tick(office)


def test_an_afspraak_made_for_this_afternoon_is_not(office, priya):
    """Whoever made it two hours ahead was on the phone with them."""
    office.at(at(2026, 12, 3, 12, 45))
    plan(office, priya, at(2026, 12, 3, 14, 30))

    assert [] == play(office, at(2026, 12, 3, 14, 30))


def test_an_afspraak_made_in_the_evening_is_made_up_for_in_the_morning(office, priya):
    office.at(at(2026, 12, 2, 21, 0))
    plan(office, priya, at(2026, 12, 3, 16, 0))

    assert ["1d 03-12 09:00", "2h 03-12 14:00"] == (play(office, at(2026, 12, 3, 16, 0)))


def test_a_moved_afspraak_is_told_once_and_then_reminded_of_by_its_new_time(office, priya):
    """The message of the move counts as the step that is past."""
    plan(office, priya, at(2026, 12, 10, 14, 30))
    office.at(at(2026, 12, 2, 10, 0))
    plan(office, priya, at(2026, 12, 3, 14, 30))

    assert ["changed"] == office.read(
        lambda s: [key.rpartition(".")[2] for key in s.scalars(select(Message.key))]
    )
    assert ["1d 02-12 14:30", "2h 03-12 12:30"] == play(office, at(2026, 12, 3, 14, 30))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("confirmed", [("1d", "reminder_confirmed")]),
        ("declined", []),
        ("reschedule", [("1d", "reminder_other_day")]),
        ("none", [("1d", "reminder")]),
    ],
)
def test_what_they_answered_decides_what_they_are_reminded_of(office, priya, said, expected):
    plan(office, priya, at(2026, 12, 3, 14, 30))
    with office.database.session() as session:
        session.execute(update(Afspraak).values(answer=said))
    office.at(at(2026, 12, 2, 14, 30))

    assert expected == tick(office)


def test_after_three_days_away_only_the_latest_word_is_said(office, priya):
    """The clock stood still over the step of a week and the step of a day."""
    plan(office, priya, at(2026, 12, 3, 14, 30))
    office.at(at(2026, 12, 2, 18, 0))

    assert [("1d", "reminder")] == tick(office)
    assert at(2026, 12, 3, 12, 30) == next_step(office)


def test_after_an_outage_nobody_hears_the_same_twice_within_the_hour(office, priya):
    """The step of a day is most of a day late, and the one of two hours is about to come."""
    plan(office, priya, at(2026, 12, 3, 14, 30))
    office.at(at(2026, 12, 3, 12, 0))

    assert ["2h 03-12 12:30"] == play(office, at(2026, 12, 3, 14, 30))


def test_a_last_step_that_is_late_is_late_and_not_lost(office, priya):
    plan(office, priya, at(2026, 12, 3, 14, 30))
    office.at(at(2026, 12, 3, 14, 0))

    assert [("2h", "reminder")] == tick(office)


def test_a_plan_that_by_itself_has_steps_close_together_keeps_them(office, priya, monkeypatch):
    """On time is on time: only what is late gives way to what is next."""
    from bot.gemeente import PlanStep

    close = (PlanStep("2h", hours=2), PlanStep("1h", hours=1))
    monkeypatch.setattr(type(office.house.gemeente), "plan", lambda _self, _soort: close)
    begins = at(2026, 12, 3, 14, 30)
    plan(office, priya, begins)
    office.at(at(2026, 12, 3, 9, 0))

    assert ["2h 03-12 12:30", "1h 03-12 13:30"] == play(office, begins)


def test_nothing_is_said_once_it_has_begun(office, priya):
    plan(office, priya, at(2026, 12, 3, 14, 30))
    office.at(at(2026, 12, 3, 14, 30))

    assert [] == tick(office)
    assert next_step(office) is None


def test_a_cancelled_afspraak_is_not_reminded_of(office, priya):
    begins = at(2026, 12, 3, 14, 30)
    plan(office, priya, begins)
    plan(office, priya, begins, status="afgezegd")
    office.at(at(2026, 12, 1, 10, 30))

    assert [] == play(office, begins)


def test_a_phone_call_has_its_own_plan(office, priya):
    begins = at(2026, 12, 3, 14, 30)
    plan(office, priya, begins, soort="telefonisch")
    office.at(at(2026, 11, 25, 10, 30))

    assert ["1d 02-12 14:30", "2h 03-12 12:30"] == play(office, begins)


def test_whoever_cannot_be_reached_is_a_task(office, priya):
    plan(office, priya, at(2026, 12, 3, 14, 30))
    office.stop()
    office.at(at(2026, 12, 2, 14, 30))
    tick(office)

    assert [tasks.CALL_OR_WRITE] == office.tasks()


def test_one_afspraak_that_cannot_be_told_of_holds_up_no_other(office, priya):
    """A date beyond all calendars is in the database; everybody else is reminded."""
    other = office.person("Mehmet", address="+31697000008")
    begins = at(2026, 12, 3, 14, 30)
    for person, kenmerk in ((priya, "A1"), (other, "A2")):
        plan(office, person, begins, kenmerk)
    beyond = datetime.max.replace(tzinfo=UTC)
    with office.database.session() as session:
        session.execute(update(Afspraak).where(Afspraak.kenmerk == "A1").values(begins=beyond))
    office.at(at(2026, 12, 2, 14, 30))

    assert [("1d", "reminder")] == tick(office)
    with office.database.session() as session:
        session.execute(update(Afspraak).values(begins=begins))
    assert [] == tick(office)
    office.pass_(seconds=reminders.TRY_AGAIN.total_seconds())
    assert [("1d", "reminder")] == tick(office), "and it comes back by itself"


def test_a_tick_takes_no_more_than_it_is_asked_to(office, priya):
    for number in range(5):
        plan(office, priya, at(2026, 12, 3, 14, number), f"A{number}")
    office.at(at(2026, 12, 2, 14, 30))

    assert [2, 2, 1, 0] == [work.remind(office.house, 2) for _ in range(4)]


def test_where_it_is_practice_time_the_tick_follows_it(office, priya):
    """A moved clock is a moved clock: what became due by it is queued by it."""
    plan(office, priya, at(2026, 12, 3, 14, 30))
    assert [] == tick(office)
    office.at(at(2026, 12, 2, 14, 30))

    assert [("1d", "reminder")] == tick(office)
