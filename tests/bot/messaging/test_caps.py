"""How much may go out at most: to one person, for one day's money, whoever else is sending."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from threading import Barrier

import pytest
from post_office import AFSPRAAK, NOT_SENT, REFUSED, TUESDAY
from sqlalchemy import func, select, update
from test_delivery_claim import INVITATION

from bot import moments
from bot.gemeente import Caps
from bot.messaging import caps
from bot.models.broadcasts import Broadcast
from bot.models.messages import Attempt, Message
from bot.models.people import Address, PersonAddress
from bot.wording.segments import segments

INVITED = {"key": "voortraject.invitation", "values": INVITATION}
LATER = {"expires_at": TUESDAY + timedelta(days=12)}
TOMORROW = moments.from_local(moments.datetime(2026, 12, 2, 9, 0))
MANY = 50


def with_caps(office, **given):
    gemeente = replace(office.house.gemeente, caps=Caps(**given), sms_price=Decimal("0.10"))
    office.house = replace(office.house, gemeente=gemeente)
    return office


def invited(office, count, **more):
    """Let somebody say yes and be invited *count* times, at an address each; return who."""
    person = office.person(**more)
    office.allow(person)
    office.queue(person, "invited 0", **INVITED, **LATER)
    for number in range(1, count):
        with office.database.session() as session:
            place = Address(
                channel="sms",
                address=f"+316970001{number:02}",
                state="open",
                created_at=moments.now(),
            )
            session.add(place)
            session.flush()
            session.add(PersonAddress(person_id=person, address_id=place.id, rank=number))
            session.flush()
            office_queue = {"address": place, **INVITED, **LATER}
        office.queue(person, f"invited {number}", **office_queue)
    return person


def send(office, outcome="SM1"):
    """Let all that is due go as far as its gates, and be taken by the provider; return how many."""
    went = 0
    for claimed in office.claim(limit=100):
        prepared = office.prepare(*claimed)
        if prepared is not None:
            office.settle(prepared, f"{outcome}{claimed[0]}" if outcome == "SM1" else outcome)
            went += 1
    return went


def causes(office):
    return office.read(
        lambda s: list(
            s.scalars(select(Message.cause).where(Message.state == "planned").order_by(Message.id))
        )
    )


# ------------------------------------------------------------------ one person


def test_a_person_gets_so_many_mass_messages_a_day_and_the_next_day_the_rest(office):
    with_caps(office, mass_per_day=2)
    invited(office, 5)

    assert 2 == send(office)
    assert ["cap_mass"] * 3 == causes(office)
    assert 0 == send(office)
    office.at(TOMORROW)
    assert 2 == send(office)


def test_the_week_counts_too_and_rolls_on(office):
    """Seven times 24 hours: not all over again because it is Monday."""
    with_caps(office, mass_per_day=2, mass_per_week=3)
    invited(office, 6)

    went = []
    for _ in range(9):
        went.append(send(office))
        office.pass_(days=1)
    assert [2, 1, 0, 0, 0, 0, 0, 2, 1] == went


def test_a_day_begins_at_midnight_here_and_not_in_greenwich(office):
    office.at(moments.from_local(moments.datetime(2026, 12, 1, 19, 30)))
    with_caps(office, mass_per_day=1)
    invited(office, 2)

    assert 1 == send(office)
    waits = select(Message.not_before).where(Message.cause == "cap_mass")
    assert TOMORROW == office.read(lambda s: s.scalars(waits).one())


def test_what_is_of_no_use_tomorrow_is_held_for_good_and_says_why(office):
    with_caps(office, mass_per_day=1)
    person = office.person()
    office.allow(person)
    office.queue(person, "a", **INVITED, expires_at=TUESDAY + timedelta(hours=5))
    assert 1 == send(office)
    late = office.queue(person, "b", **INVITED, expires_at=TUESDAY + timedelta(hours=5))

    assert 0 == send(office)
    assert ("blocked", "cap_mass") == (office.state(late), office.cause(late))


def test_reminders_and_answers_always_go_and_count(office):
    """Who got a lot already gets no mass message besides; who has an afspraak must know."""
    with_caps(office, all_per_day=3, mass_per_day=9)
    person = office.person()
    office.allow(person)
    office.queue(person, "first")
    assert 1 == send(office)
    office.answered(person, "reply")
    assert 1 == send(office)
    office.queue(person, "invited", **INVITED, **LATER)
    assert 1 == send(office)
    second = office.queue(person, "invited again", **INVITED, **LATER)
    assert 0 == send(office)
    assert "cap_all" == office.cause(second)

    office.queue(person, "second")
    office.answered(person, "another reply")
    assert 1 == send(office)
    assert 1 == send(office)


def test_what_was_not_sent_or_refused_takes_no_place(office):
    """Nobody read it."""
    with_caps(office, mass_per_day=1)
    invited(office, 3)

    first, second, third = office.claim()
    office.settle(office.prepare(*first), REFUSED)
    office.settle(office.prepare(*second), NOT_SENT)
    assert office.prepare(*third) is not None


def test_what_may_have_arrived_takes_a_place(office):
    with_caps(office, mass_per_day=1)
    invited(office, 2)

    first, second = office.claim()
    assert office.prepare(*first) is not None
    assert office.prepare(*second) is None
    assert "cap_mass" == office.cause(second[0])


def test_a_correction_always_goes(office):
    """Who has something wrong must hear what is right, however much they got."""
    with_caps(office, mass_per_day=1)
    invited(office, 2)
    with office.database.session() as session:
        window = {"window_from": TUESDAY, "window_until": TUESDAY + timedelta(days=2)}
        rest = {
            "key": "voortraject.correction", "audience": "", "values": {}, "first": 20,
            "hold_minutes": 0, "most_failed": 10.0, "most_stopped": 3.0, "most_unknown": 1.0,
            "written_by": "An", "languages": [], "unreviewed": [], "expanded_to": {},
            "history": [], "created_at": TUESDAY, "state": "draft",
        }  # fmt: skip
        wrong = Broadcast(name="wrong", **window, **rest)
        session.add(wrong)
        session.flush()
        right = Broadcast(name="right", corrects=wrong.id, **window, **rest)
        session.add(right)
        session.flush()
        messages = session.scalars(select(Message).order_by(Message.id)).all()
        for message, broadcast in zip(messages, (wrong, right), strict=True):
            message.broadcast_id = broadcast.id
        session.flush()

        room = caps.Room(session, office.house, messages, moments.now(), {right.id})
        assert [None, None] == [room.take(message) for message in messages]
        assert room.take(messages[0]) is not None
        assert room.take(messages[1]) is None


def test_a_batch_is_counted_as_it_goes(office):
    """Several of one transaction see each other, though none is written yet."""
    with_caps(office, mass_per_day=2)
    invited(office, 4)

    with office.database.session() as session:
        messages = session.scalars(select(Message).order_by(Message.id)).all()
        room = caps.Room(session, office.house, messages, moments.now())
        taken = [room.take(message) for message in messages]

    assert [True, True, False, False] == [each is None for each in taken]


def at_once(*work):
    """Do all of *work* at the same moment, each in a thread; return what each came to."""
    gate = Barrier(len(work))

    def run(one):
        gate.wait()
        return one()

    with ThreadPoolExecutor(len(work)) as threads:
        return [each.result(timeout=100) for each in [threads.submit(run, one) for one in work]]


def test_fifty_workers_do_not_exceed_the_cap_of_a_person_by_one(office):
    """The count is taken in the transaction that writes the attempt, in the person's turn."""
    with_caps(office, mass_per_day=3)
    invited(office, MANY)
    claimed = office.claim(limit=MANY)
    assert MANY == len(claimed)

    came = at_once(*(lambda each=each: office.prepare(*each) for each in claimed))

    assert 3 == sum(each is not None for each in came)
    assert 3 == office.read(lambda s: s.scalar(select(func.count()).select_from(Attempt)))
    assert MANY - 3 == causes(office).count("cap_mass")


# ------------------------------------------------------------------ a day's money


def test_fifty_workers_do_not_spend_a_cent_too_much(office):
    with_caps(office, mass_per_day=9, sms_euros_per_day=Decimal("5.05"))
    for number in range(MANY):
        person = office.person(f"P{number}", address=f"+316970001{number:02}")
        office.allow(person)
        office.queue(person, f"invited {number}", **INVITED, **LATER)
    parts = segments(office.read(lambda s: s.scalars(select(Message.body)).first()))
    fits = int(Decimal("5.05") / (parts * Decimal("0.10")))
    assert 0 < fits < MANY
    claimed = office.claim(limit=MANY)

    came = at_once(*(lambda each=each: office.prepare(*each) for each in claimed))

    assert fits == sum(each is not None for each in came)
    assert MANY - fits == causes(office).count("cap_cost")
    spent, euros = office.read(
        lambda s: caps.spent_on(s, office.house, moments.local(moments.now()).date())
    )
    assert (fits * parts, fits * parts * Decimal("0.10")) == (spent, euros)


def test_reminders_go_whatever_they_cost_and_count(office):
    with_caps(office, sms_euros_per_day=Decimal("0.01"))
    person = office.person()
    office.allow(person)
    office.queue(person, "a")
    assert 1 == send(office)
    office.queue(person, "b", **INVITED, **LATER)
    assert 0 == send(office)
    assert ["cap_cost"] == causes(office)
    office.at(TOMORROW)
    assert 0 == send(office), "one message alone is above this cap"


def test_a_stranger_is_not_answered_beyond_it(office):
    """Whoever earns on SMS writes from numbers that nobody knows; who is known is answered."""
    with_caps(office, sms_euros_per_day=Decimal("0.01"))
    known = office.answered(office.person(), "known")
    stranger = office.answered(office.person("S", address="+31697000005"), "strange")
    with office.database.session() as session:
        session.execute(update(Message).where(Message.id == stranger).values(person_id=None))

    assert 1 == send(office)
    assert "accepted" == office.state(known)
    assert ("blocked", "cap_cost") == (office.state(stranger), office.cause(stranger)) or (
        "planned",
        "cap_cost",
    ) == (office.state(stranger), office.cause(stranger))


def test_another_attempt_costs_nothing_more(office):
    """It is made only where the one before it was proven not sent: that is not billed."""
    with_caps(office)
    office.queue(office.person(), expires_at=AFSPRAAK["begins"])
    prepared = office.hand_over()
    office.settle(prepared, NOT_SENT)
    office.pass_(minutes=1)
    office.settle(office.hand_over(), "SM1")

    spent, _ = office.read(
        lambda s: caps.spent_on(s, office.house, moments.local(moments.now()).date())
    )
    assert segments(prepared.outgoing.body) == spent


def test_without_a_price_nobody_is_held_for_it(office):
    with_caps(office, sms_euros_per_day=Decimal("0.01"))
    office.house = replace(office.house, gemeente=replace(office.house.gemeente, sms_price=None))
    invited(office, 1)

    assert 1 == send(office)


@pytest.mark.parametrize("cause", caps.WHY_NOT)
def test_what_a_cap_holds_back_says_so_in_dutch(cause):
    assert caps.WHY_NOT[cause].endswith(".")
