"""Places in a group: asked for, given, waited for, passed on; and never one too many."""

from __future__ import annotations

import threading
from datetime import date, datetime, timedelta

import pytest
from group_house import (
    MONDAY,
    TUESDAY,
    be,
    deelname,
    house_at,
    person,
    queued,
    states,
    voortraject,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from bot import moments
from bot.models.messages import Message
from bot.models.people import Consent
from bot.models.tasks import Task
from bot.models.voortrajecten import Deelname, Voortraject
from bot.outreach import tasks
from bot.outreach import voortraject as verbs
from bot.outreach.audience import EVERYONE
from bot.wording.languages import languages
from bot.wording.render import render

FIRST = moments.from_local(datetime(2026, 12, 14, 9, 0))


@pytest.fixture
def house(database_url):
    house = house_at(database_url)
    yield house
    house.database.close()


@pytest.fixture
def session(house):
    with house.database.session() as session:
        yield session


def place_free(session) -> list[str]:
    return [name for name, key in queued(session) if key == "voortraject.place_free"]


def reminded(session) -> list[str]:
    return [name for name, key in queued(session) if key == "voortraject.first_meeting"]


def kinds(session) -> list[str]:
    return list(session.scalars(select(Task.kind).where(Task.done_at.is_(None))))


# ---------------------------------------------------------------- what is said


def test_days_are_said_in_the_readers_language():
    group = Voortraject(
        theme="Actief", place="De Brug", days="mo,we,fr", begins="09:00", ends="11:30",
        starts=MONDAY, weeks=26,
    )  # fmt: skip

    dutch = verbs.values_of(group, "nl")

    assert "maandag, woensdag en vrijdag, 09:00-11:30" == dutch["days"]
    assert "maandag 14 december, 14-12-2026" == dutch["starts"]
    assert "ሰኑይ፣ ረቡዕን ዓርቢን, 09:00-11:30" == verbs.values_of(group, "ti")["days"]


def test_from_right_to_left_figures_stand_on_their_own():
    """After Arabic letters 14-12-2026 would be shown as 2026-12-14, and hours swapped."""
    group = Voortraject(
        theme="Actief", place="De Brug", days="mo,we", begins="09:00", ends="11:30",
        starts=MONDAY, weeks=26,
    )  # fmt: skip
    values = {"gemeente": "Leiden", "first_name": "Ahmad", **verbs.values_of(group, "ar")}

    text = render(verbs.INVITATION, "ar", values, buttons_as_numbers=False, plain=False).body
    sms = render(verbs.INVITATION, "ar", values, buttons_as_numbers=True, plain=True).body

    assert ["الاثنين والأربعاء", "09:00-11:30"] == values["days"]
    assert "\u206609:00-11:30\u2069" in text.splitlines()
    assert "\u206614-12-2026\u2069" in text.splitlines()
    assert "\u200e09:00-11:30\u200e" in sms.splitlines()


@pytest.mark.parametrize("language", languages())
def test_an_invitation_can_be_said_in_every_language(language):
    group = Voortraject(
        theme="Actief", place="De Brug", days="tu", begins="13:00", ends="15:00",
        starts=date(2026, 12, 15), weeks=10,
    )  # fmt: skip
    values = verbs.values_of(group, language)

    assert "13:00-15:00" in "".join(values["days"])
    assert "15-12-2026" in "".join(values["starts"])


# ---------------------------------------------------------------- invite


def invite(session, house, group) -> int:
    found = verbs.candidates(session, house, group, EVERYONE)
    return verbs.invite(session, house, group, found.people)


def test_inviting_twice_adds_only_who_is_new(session, house):
    """Staff press again when new people came in; nobody is asked twice."""
    group = voortraject(session)
    person(session, "Selam")

    assert 1 == invite(session, house, group)
    assert 0 == invite(session, house, group)
    person(session, "Ahmad")
    assert 1 == invite(session, house, group)

    assert {"Selam": "invited", "Ahmad": "invited"} == states(session)
    assert [("Selam", verbs.INVITATION), ("Ahmad", verbs.INVITATION)] == queued(session)


@pytest.mark.parametrize("state", ["declined", "later", "lapsed", "waiting", "accepted"])
def test_who_has_answered_is_not_asked_again(session, house, state):
    group = voortraject(session)
    deelname(session, group, "Selam", state)

    assert 0 == invite(session, house, group)
    assert [] == queued(session)


def test_an_invitation_carries_what_it_is_about(session, house):
    group = voortraject(session)
    selam = person(session, "Selam")

    invite(session, house, group)

    message = session.scalars(select(Message)).one()
    asked = session.scalars(select(Deelname)).one()
    assert f"voortraject:{group.id}:invite:person:{selam.id}" == message.occasion
    assert ("voortraject", f"deelname:{asked.id}") == (message.asks, message.about)
    assert ("invitation", FIRST) == (message.purpose, message.expires_at)
    assert "maandag en woensdag, 09:00-11:30" in message.body


def test_who_took_back_their_yes_meanwhile_is_passed_over(session, house):
    """Counting and asking are two transactions; a no in between holds."""
    group = voortraject(session)
    selam = person(session, "Selam")
    found = verbs.candidates(session, house, group, EVERYONE)
    session.add(
        Consent(
            person_id=selam.id, purpose="invitation", given=False, evidence="t", at=moments.now()
        )
    )
    session.flush()

    assert 0 == verbs.invite(session, house, group, found.people)
    assert ({}, []) == (states(session), queued(session))


# ---------------------------------------------------------------- places


def test_a_full_group_gives_a_number_on_the_waiting_list(session):
    group = voortraject(session, seats=1)
    asked = [deelname(session, group, name) for name in ("Selam", "Ahmad", "Leyla")]

    assert ["accepted", "waiting", "waiting"] == [verbs.accept(session, each) for each in asked]
    assert [1, 2] == [verbs.number(session, each) for each in asked[1:]]
    assert 1 == group.taken


def test_yes_twice_takes_one_place(session):
    group = voortraject(session)
    selam = deelname(session, group, "Selam")

    assert ["accepted", "accepted"] == [verbs.accept(session, selam) for _ in range(2)]
    assert 1 == group.taken


def test_yes_again_keeps_the_number_on_the_waiting_list(session):
    group = voortraject(session, seats=1)
    for name in ("Selam", "Ahmad"):
        verbs.accept(session, deelname(session, group, name))
    leyla = deelname(session, group, "Leyla")

    assert ["waiting", "waiting"] == [verbs.accept(session, leyla) for _ in range(2)]
    assert 2 == verbs.number(session, leyla)


def test_a_place_given_up_is_offered_to_who_waits_longest(session, house):
    group = voortraject(session, seats=1)
    selam, ahmad, leyla = (deelname(session, group, name) for name in ("Selam", "Ahmad", "Leyla"))
    for each in (selam, ahmad, leyla):
        verbs.accept(session, each)

    verbs.decline(session, house, selam)

    assert {"Selam": "declined", "Ahmad": "offered", "Leyla": "waiting"} == states(session)
    assert ["Ahmad"] == place_free(session)
    assert (1, TUESDAY.replace(microsecond=0)) == (
        group.taken,
        (ahmad.offered_until - timedelta(hours=48)).replace(microsecond=0, second=0),
    )
    assert "accepted" == verbs.accept(session, ahmad)
    assert 1 == group.taken


def test_time_to_answer_counts_from_when_the_offer_may_be_sent(session, house):
    """An offer made at night is read in the morning."""
    group = voortraject(session, seats=1, offer_hours=24)
    selam, ahmad = (deelname(session, group, name) for name in ("Selam", "Ahmad"))
    for each in (selam, ahmad):
        verbs.accept(session, each)
    be(moments.from_local(datetime(2026, 12, 2, 23, 40)))

    verbs.decline(session, house, selam)

    assert moments.from_local(datetime(2026, 12, 4, 9, 0)) == ahmad.offered_until


def test_an_offer_ends_when_the_group_begins(session, house):
    group = voortraject(session, seats=1)
    selam, ahmad = (deelname(session, group, name) for name in ("Selam", "Ahmad"))
    for each in (selam, ahmad):
        verbs.accept(session, each)
    be(FIRST - timedelta(days=1, hours=-4))

    verbs.decline(session, house, selam)

    assert FIRST == ahmad.offered_until


def test_an_offer_that_ran_out_goes_to_the_next(session, house):
    group = voortraject(session, seats=1)
    selam, ahmad, leyla = (deelname(session, group, name) for name in ("Selam", "Ahmad", "Leyla"))
    for each in (selam, ahmad, leyla):
        verbs.accept(session, each)
    verbs.decline(session, house, selam)
    be(ahmad.offered_until + timedelta(minutes=1))

    assert 2 == verbs.tick(session, house, 100)

    assert {"Selam": "declined", "Ahmad": "lapsed", "Leyla": "offered"} == states(session)
    assert ["Ahmad", "Leyla"] == place_free(session)
    assert (1, 0) == (group.taken, verbs.tick(session, house, 100))


def test_who_passes_an_offer_on_waits_behind_the_others(session, house):
    """Later means: keep me on the list. The same person is not asked again at once."""
    group = voortraject(session, seats=1)
    selam, ahmad, leyla = (deelname(session, group, name) for name in ("Selam", "Ahmad", "Leyla"))
    for each in (selam, ahmad, leyla):
        verbs.accept(session, each)
    verbs.decline(session, house, selam)

    verbs.later(session, house, ahmad)
    assert ("waiting", "offered") == (ahmad.state, leyla.state)
    verbs.later(session, house, leyla)
    verbs.tick(session, house, 100)

    assert (("waiting", "waiting"), 0) == ((ahmad.state, leyla.state), group.taken)
    be(leyla.offered_until + timedelta(minutes=1))
    verbs.tick(session, house, 100)
    assert ["Ahmad", "Leyla", "Ahmad"] == place_free(session)


def test_a_new_yes_does_not_pass_those_who_wait(session, house):
    group = voortraject(session, seats=1)
    selam, ahmad, leyla = (deelname(session, group, name) for name in ("Selam", "Ahmad", "Leyla"))
    for each in (selam, ahmad):
        verbs.accept(session, each)
    group.seats = 2
    session.flush()

    assert "waiting" == verbs.accept(session, leyla)
    verbs.tick(session, house, 100)

    assert {"Selam": "accepted", "Ahmad": "offered", "Leyla": "waiting"} == states(session)


def test_more_seats_are_offered_to_as_many(session, house):
    """Staff found a larger room and brought the list again."""
    group = voortraject(session, seats=1)
    for name in ("Selam", "Ahmad", "Leyla", "Sara"):
        verbs.accept(session, deelname(session, group, name))
    group.seats = 3
    session.flush()

    assert 2 == verbs.tick(session, house, 100)
    assert ["Ahmad", "Leyla"] == place_free(session)


def test_a_tick_does_no_more_than_it_is_asked_to(session, house):
    group = voortraject(session, seats=1)
    for name in ("Selam", "Ahmad", "Leyla", "Sara"):
        verbs.accept(session, deelname(session, group, name))
    group.seats = 4
    session.flush()

    assert [2, 1, 0] == [verbs.tick(session, house, 2) for _ in range(3)]


def test_staff_call_who_cannot_be_written_to(session, house):
    """Somebody waits, said STOP since, and is the next: the place is held while staff call."""
    group = voortraject(session, seats=1)
    selam, ahmad = (deelname(session, group, name) for name in ("Selam", "Ahmad"))
    for each in (selam, ahmad):
        verbs.accept(session, each)
    ahmad.person.addresses[0].address.stopped_at = moments.now()

    verbs.decline(session, house, selam)

    assert ("offered", [tasks.CALL_OR_WRITE]) == (ahmad.state, kinds(session))


def test_no_place_is_offered_in_a_group_that_has_begun(session, house):
    group = voortraject(session, seats=1)
    selam, ahmad = (deelname(session, group, name) for name in ("Selam", "Ahmad"))
    for each in (selam, ahmad):
        verbs.accept(session, each)
    be(FIRST + timedelta(hours=1))

    verbs.decline(session, house, selam)

    assert (0, "waiting", 0) == (verbs.tick(session, house, 100), ahmad.state, group.taken)


def test_childcare_is_a_need_and_not_a_no(session):
    group = voortraject(session, seats=1)
    selam, ahmad = (deelname(session, group, name) for name in ("Selam", "Ahmad"))

    assert "accepted" == verbs.accept(session, selam, childcare=True)
    assert "waiting" == verbs.accept(session, ahmad, childcare=True)
    assert (True, True) == (selam.needs_childcare, ahmad.needs_childcare)


# ---------------------------------------------------------------- the last place


@pytest.mark.parametrize("seats", [1, 3])
def test_the_last_place_is_given_once(house, seats):
    """Eight people tap yes in the same second, on as many workers."""
    with house.database.session() as session:
        group = voortraject(session, seats=seats)
        numbers = [deelname(session, group, f"P{n}").id for n in range(8)]
    together = threading.Barrier(len(numbers))
    given: list[str] = []

    def yes(number: int) -> None:
        together.wait()
        with house.database.session() as session:
            given.append(verbs.accept(session, session.get_one(Deelname, number)))

    threads = [threading.Thread(target=yes, args=(number,)) for number in numbers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with house.database.session() as session:
        waiting = session.scalars(select(Deelname).where(Deelname.state == "waiting")).all()
        assert ["accepted"] * seats + ["waiting"] * (8 - seats) == sorted(given)
        assert seats == session.get_one(Voortraject, group.id).taken
        assert list(range(1, 9 - seats)) == sorted(verbs.number(session, w) for w in waiting)


def test_a_freed_place_is_offered_once_however_many_clocks_tick(house):
    with house.database.session() as session:
        group = voortraject(session, seats=1)
        for n in range(4):
            verbs.accept(session, deelname(session, group, f"P{n}"))
        group.seats = 2
    together = threading.Barrier(4)

    def tick() -> None:
        together.wait()
        with house.database.session() as session:
            verbs.tick(session, house, 100)

    threads = [threading.Thread(target=tick) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with house.database.session() as session:
        assert ["P1"] == place_free(session)
        assert 2 == session.get_one(Voortraject, group.id).taken


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    seats=st.integers(1, 3),
    steps=st.lists(
        st.tuples(
            st.sampled_from(["accept", "decline", "later", "tick", "day"]), st.integers(0, 4)
        ),
        max_size=25,
    ),
)
def test_places_taken_are_those_of_who_has_one(sqlite_url, seats, steps):
    """Whatever people answer, in whatever order: no place is lost and none given twice."""
    house = house_at(sqlite_url)
    with house.database.session() as session:
        group = voortraject(session, seats=seats)
        five = [deelname(session, group, f"P{n}") for n in range(5)]
        for step, at in steps:
            match step:
                case "accept":
                    verbs.accept(session, five[at])
                case "decline":
                    verbs.decline(session, house, five[at])
                case "later":
                    verbs.later(session, house, five[at])
                case "tick":
                    verbs.tick(session, house, 100)
                case "day":
                    be(moments.now() + timedelta(days=1))
            held = [each for each in five if each.state in ("accepted", "offered")]
            assert len(held) == group.taken <= seats
            numbers = sorted(verbs.number(session, e) for e in five if e.state == "waiting")
            assert list(range(1, len(numbers) + 1)) == numbers
        session.rollback()
    house.database.close()


# ---------------------------------------------------------------- first meeting


def test_who_takes_part_is_reminded_the_day_before(session, house):
    """14 December is a Monday and Sunday is quiet: it is said on Saturday, before eight."""
    group = voortraject(session, seats=2)
    selam, ahmad, leyla = (deelname(session, group, name) for name in ("Selam", "Ahmad", "Leyla"))
    for each in (selam, ahmad, leyla):
        verbs.accept(session, each)
    due = moments.from_local(datetime(2026, 12, 12, 19, 45))

    be(due - timedelta(minutes=1))
    assert 0 == verbs.tick(session, house, 100)
    be(due + timedelta(minutes=1))
    assert [2, 0] == [verbs.tick(session, house, 100) for _ in range(2)]

    assert ["Selam", "Ahmad"] == reminded(session)
    message = session.scalars(select(Message).order_by(Message.id)).all()[-1]
    assert "Datum: 14-12-2026" in message.body
    assert ("invitation", FIRST) == (message.purpose, message.expires_at)


def test_a_first_meeting_that_moved_is_told_anew(session, house):
    group = voortraject(session, starts=date(2026, 12, 16))
    verbs.accept(session, deelname(session, group, "Selam"))
    be(moments.from_local(datetime(2026, 12, 15, 10, 0)))
    verbs.tick(session, house, 100)
    group.starts = date(2026, 12, 18)
    session.flush()

    assert 0 == verbs.tick(session, house, 100)
    be(moments.from_local(datetime(2026, 12, 17, 10, 0)))
    assert 1 == verbs.tick(session, house, 100)
    assert ["Selam", "Selam"] == reminded(session)


def test_who_said_yes_just_now_needs_no_reminder(session, house):
    """The answer to their yes said when it begins."""
    group = voortraject(session, starts=date(2026, 12, 16))
    be(moments.from_local(datetime(2026, 12, 15, 14, 0)))
    verbs.accept(session, deelname(session, group, "Selam"))

    assert 0 == verbs.tick(session, house, 100)


def test_who_gave_up_their_place_is_not_reminded(session, house):
    group = voortraject(session, starts=date(2026, 12, 16))
    selam = deelname(session, group, "Selam")
    verbs.accept(session, selam)
    verbs.decline(session, house, selam)
    be(moments.from_local(datetime(2026, 12, 15, 14, 0)))

    assert 0 == verbs.tick(session, house, 100)
