"""Mass messages: approved by another, queued near their turn, held, stopped, resumed, put right."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from group_house import be, house_at, person, voortraject
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bot import moments
from bot.channels.registry import channels
from bot.gemeente import Caps
from bot.messaging import approval, delivery
from bot.models.broadcasts import Broadcast, Recipient
from bot.models.messages import TRANSITIONS, Attempt, Message
from bot.models.people import Consent, Inburgeraar
from bot.models.voortrajecten import Deelname, Voortraject
from bot.outreach import broadcasts
from bot.outreach import voortraject as groups
from bot.outreach.broadcasts import Refused
from bot.outreach.figures import KINDS, figures
from bot.outreach.preview import preview
from bot.settings import load
from bot.wording.catalogue import Catalogue

ALL = {"nl", "ar", "fa", "ti", "tr", "en"}
LANGUAGES = ("nl", "ar", "ti", "tr")
CHANNELS = ("sms", "telegram", "whatsapp")


@pytest.fixture
def house(database_url):
    house = house_at(database_url)
    able = load(
        None,
        database_url=database_url,
        environment="practice",
        telegram_bot_token="1000:practice",
        telegram_api_url="http://127.0.0.1:1",
        allowed_recipients="100*",
    )
    yield replace(house, settings=able, channels=channels(able))
    house.database.close()


@pytest.fixture
def session(house):
    with house.database.session() as session:
        yield session


def crowd(session, count: int, channels=CHANNELS, languages=LANGUAGES) -> list[Inburgeraar]:
    return [
        person(
            session,
            f"B{n:03}",
            languages[n % len(languages)],
            channel=channels[n % len(channels)],
        )
        for n in range(count)
    ]


def draft(session, house, **more) -> Broadcast:
    group = session.scalars(select(Voortraject)).one_or_none() or voortraject(session, seats=500)
    return broadcasts.draft(
        session, house, by="An",
        **{"name": "Kom erbij", "key": groups.INVITATION, "voortraject_id": group.id,
           "window_until": None, "hold_minutes": 0, **more},
    )  # fmt: skip


def approve(session, house, broadcast, by: str = "Bo") -> Broadcast:
    seen = preview(session, house, broadcast, ALL)
    broadcasts.approve(session, house, broadcast, seen, by=by, count=seen.count)
    return broadcast


def running(session, house, **more) -> Broadcast:
    made = approve(session, house, draft(session, house, **more))
    broadcasts.send(session, house, made, by="An")
    session.flush()
    return made


def queued(session, state: str = "planned") -> list[str]:
    found = session.scalars(select(Message).where(Message.state == state).order_by(Message.id))
    return [message.person.first_name for message in found]


def hand_over(session, state: str = "delivered") -> None:
    """Let all that is queued be sent and end as *state*."""
    session.flush()
    session.execute(
        update(Message)
        .where(Message.state == "planned", Message.not_before <= moments.now())
        .values(state=state)
    )
    session.expire_all()


def run_out(session, house) -> None:
    """Let it run until nothing is queued any more."""
    for _ in range(12):
        broadcasts.tick(session, house, 200)
        hand_over(session)


# ---------------------------------------------------------------- what an author may write


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"key": "afspraak.reminder"}, "geen tekst voor een groepsbericht"),
        ({"key": "voortraject.opener"}, "geen tekst voor een groepsbericht"),
        ({"key": "no.such"}, "geen tekst voor een groepsbericht"),
        ({"voortraject_id": None}, "Zeg welk"),
        ({"values": {"place": "x"}}, "neemt alles uit het voortraject"),
        ({"name": " "}, "een naam"),
        ({"audience": "wijk"}, "De regel klopt niet"),
        ({"first": 0}, "minstens 1"),
        ({"most_failed": 101.0}, "percentage"),
        ({"window_until": moments.from_local(datetime(2026, 11, 30, 9, 0))}, "voorbij"),
        ({"key": "afspraak.cancelled", "values": {"day": "31 november"}}, "31 november bestaat"),
        ({"key": "afspraak.cancelled", "values": {"day": "x"}}, "ontbreekt nog: datum, tijd"),
    ],
)
def test_what_cannot_be_sent_cannot_be_written(session, house, more, says):
    with pytest.raises(Refused) as refused:
        draft(session, house, **more)
    assert says in str(refused.value)


def test_it_has_no_point_after_the_group_began(session, house):
    made = draft(session, house, window_until=moments.now() + timedelta(days=100))

    assert groups.first_meeting(session.get_one(Voortraject, made.voortraject_id)) == (
        made.window_until
    )


def test_a_text_without_voortraject_is_filled_by_its_author(session, house):
    """A class that does not go on: no question, no places, and no consent needed."""
    for each in crowd(session, 2, ("telegram",), ("nl",)):
        session.add(Consent(person_id=each.id, purpose="invitation", given=False, evidence="t",
                            at=moments.now()))  # fmt: skip
    made = draft(
        session, house, key="afspraak.cancelled", voortraject_id=None,
        values={"day": "donderdag 3 december", "date": "03-12-2026", "time": "14:30",
                "place": "Wijkcentrum"},
        window_until=moments.now() + timedelta(days=1),
    )  # fmt: skip
    approve(session, house, made)
    broadcasts.send(session, house, made, by="An")

    assert 2 == broadcasts.tick(session, house, 200)

    message = session.scalars(select(Message)).first()
    assert "Tijd: 14:30" in message.body
    assert (made.about, None, 2) == (message.about, message.asks, message.priority)


# ---------------------------------------------------------------- the approval


def test_a_preview_counts_people_parts_and_cost(session, house, new_language):
    crowd(session, 12)
    person(session, "No", yes=False)
    person(session, "Zamenhof", new_language)

    seen = preview(session, house, draft(session, house), {"ar", "ti"})

    assert 9 == seen.count
    assert {("geen toestemming", "nl"): 1, ("geen tekst in deze taal", "eo"): 1,
            ("tekst in deze taal nog niet nagelezen", "tr"): 3} == seen.reach.left_out  # fmt: skip
    assert {"ar", "nl", "ti"} == set(seen.segments)
    assert seen.price * seen.segments.total() == seen.cost
    assert {"ar": 1, "nl": 1, "ti": 1} == seen.no_template
    assert ("ar", "ti") == seen.unreviewed
    assert {"nl": "source", "ar": "unreviewed", "eo": "missing"} == {
        code: seen.states[code] for code in ("nl", "ar", "eo")
    }


def test_the_end_is_estimated_from_the_pace_outside_quiet_hours(session, house):
    """Ten texts a second, and nothing between eight in the evening and nine."""
    crowd(session, 60, ("sms",), ("nl",))
    be(moments.from_local(datetime(2026, 12, 1, 20, 30)))

    seen = preview(session, house, draft(session, house, hold_minutes=10))

    morning = moments.from_local(datetime(2026, 12, 2, 9, 0))
    assert (morning, morning + timedelta(minutes=10, seconds=6)) == (seen.begins, seen.ends)


def test_who_gets_another_one_today_is_counted(session, house):
    crowd(session, 4, ("telegram",), ("nl",))
    running(session, house)
    other = draft(session, house, key="voortraject.correction")

    assert 4 == preview(session, house, other).clash


@pytest.mark.parametrize("by", ["An", "an", "  AN "])
def test_the_author_cannot_approve(session, house, by):
    crowd(session, 2)
    with pytest.raises(Refused, match="schreef dit groepsbericht zelf"):
        approve(session, house, draft(session, house), by=by)


def test_who_changed_it_last_cannot_approve(session, house):
    crowd(session, 2)
    made = draft(session, house)
    broadcasts.change(session, house, made, by="Bo", name="Anders")

    with pytest.raises(Refused, match="Bo schreef"):
        approve(session, house, made, by="Bo")
    approve(session, house, made, by="An")


def test_what_changed_since_the_preview_is_not_approved(session, house):
    crowd(session, 2)
    made = draft(session, house)
    seen = preview(session, house, made, ALL)
    session.scalars(select(Voortraject)).one().place = "Elders"

    with pytest.raises(Refused, match="intussen iets veranderd"):
        broadcasts.approve(session, house, made, seen, by="Bo", count=seen.count)


EDITS = {
    "name": ("Anders", True),
    "audience": ("taal=ar", True),
    "window_until": (moments.from_local(datetime(2026, 12, 3, 12, 0)), True),
    "window_from": (moments.from_local(datetime(2026, 12, 2, 12, 0)), True),
    "first": (3, True),
    "most_failed": (50.0, True),
}


@pytest.mark.parametrize("field", EDITS)
def test_any_edit_voids_the_approval(session, house, field):
    crowd(session, 4)
    made = approve(session, house, draft(session, house))

    broadcasts.change(session, house, made, by="An", **{field: EDITS[field][0]})

    assert ("draft", None) == (made.state, made.approved_hash)
    with pytest.raises(Refused):
        broadcasts.send(session, house, made, by="An")


@pytest.mark.parametrize(
    "column", ["key", "values", "window_until", "audience_hash", "unreviewed", "first"]
)
def test_an_edit_past_the_house_voids_it_too(session, house, column):
    """Whoever writes into the table itself changes what was approved."""
    crowd(session, 4)
    made = approve(session, house, draft(session, house))
    other = {
        "key": "voortraject.correction",
        "values": {"place": "x"},
        "audience_hash": "x",
        "window_until": moments.now() + timedelta(days=1),
        "unreviewed": [],
        "first": 2,
    }
    setattr(made, column, other[column])

    assert not approval.holds(session, house, made)


@pytest.mark.parametrize(
    "key", [groups.INVITATION, "voortraject.yields", "voortraject.opener", "button.yes"]
)
def test_a_changed_text_voids_it(session, house, key):
    """Also one that stands within the invitation, opens it or is on its buttons."""
    crowd(session, 4)
    made = approve(session, house, draft(session, house))
    entries = dict(house.catalogue.entries)
    entries[key] = replace(entries[key], text=entries[key].text + " Nieuw.")
    house = replace(house, catalogue=Catalogue(house.catalogue.directory, entries))

    with pytest.raises(Refused, match="veranderd sinds de goedkeuring"):
        broadcasts.send(session, house, made, by="An")


def test_the_first_ones_cover_every_language_and_channel(session, house):
    """Twenty Dutch texts that arrive say nothing about Tigrinya by WhatsApp."""
    crowd(session, 40, ("telegram",), ("nl",))
    crowd_of_twelve = [(language, channel) for language in LANGUAGES for channel in CHANNELS]
    for number, (language, channel) in enumerate(crowd_of_twelve):
        person(session, f"C{number}", language, channel=channel)
    made = approve(session, house, draft(session, house))

    first = session.execute(
        select(Recipient.language, Recipient.channel)
        .where(Recipient.broadcast_id == made.id)
        .order_by(Recipient.id)
        .limit(20)
    )

    assert set(crowd_of_twelve) == {tuple(row) for row in first}


# ---------------------------------------------------------------- queued


def test_an_approved_audience_is_what_is_sent_to(session, house):
    """Who comes in after the approval was not approved."""
    crowd(session, 3)
    made = running(session, house)
    person(session, "Late")

    run_out(session, house)

    assert 3 == len(queued(session, "delivered"))
    assert "done" == made.state


def test_queueing_twice_and_after_a_crash_doubles_nobody(house):
    with house.database.session() as session:
        crowd(session, 30)
        running(session, house, first=1000)

    class Crash(Exception):
        pass

    def crash() -> None:
        with house.database.session() as session:
            assert 30 == broadcasts.tick(session, house, 200)
            raise Crash

    for _ in range(3):
        with pytest.raises(Crash):
            crash()
    for limit in (7, 7, 200, 200):
        with house.database.session() as session:
            broadcasts.tick(session, house, limit)

    with house.database.reading() as session:
        assert {1} == set(Counter(queued(session)).values())
        assert 30 == len(queued(session)) == len(session.scalars(select(Deelname)).all())


def test_two_workers_queue_everyone_once(house):
    with house.database.session() as session:
        crowd(session, 60)
        running(session, house, first=1000)
    failed: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(12):
                with house.database.session() as session:
                    broadcasts.tick(session, house, 7)
        except BaseException as error:
            failed.append(error)

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert [] == failed
    with house.database.session() as session:
        broadcasts.tick(session, house, 200)  # what each left to the others
        assert 60 == len(queued(session)) == len(set(queued(session)))


def test_no_more_is_queued_than_goes_out_soon(session, house):
    """What waits in the queue is what a stop must hold: ten seconds of the pace, no more."""
    house = replace(house, settings=house.settings.model_copy(update={"pace_sms": 2.0}))
    crowd(session, 50, ("sms",), ("nl",))
    running(session, house, first=1000)

    assert 20 == broadcasts.tick(session, house, 200)
    assert 0 == broadcasts.tick(session, house, 200)
    hand_over(session)
    assert 20 == broadcasts.tick(session, house, 200)


def test_a_slow_channel_does_not_keep_the_others_waiting(session, house):
    house = replace(house, settings=house.settings.model_copy(update={"pace_sms": 0.1}))
    crowd(session, 40, ("sms", "telegram"), ("nl",))
    running(session, house, first=1000)

    broadcasts.tick(session, house, 200)

    assert {"sms": 1, "telegram": 20} == Counter(
        session.scalars(select(Message.channel).where(Message.state == "planned"))
    )


def test_who_was_asked_by_hand_meanwhile_gets_no_second_message(session, house):
    people = crowd(session, 3, ("telegram",), ("nl",))
    made = running(session, house)
    group = session.get_one(Voortraject, made.voortraject_id)
    groups.invite(session, house, group, [people[1].id])

    run_out(session, house)

    assert 3 == len(queued(session, "delivered"))
    assert ["B001"] == queued(session, "cancelled")
    told = figures(session, made)
    assert ({"delivered": 2, "held": 1}, {"already_asked": 1}) == (told.counts, told.causes)


def test_a_text_changed_on_the_way_pauses_it(session, house):
    crowd(session, 30, ("telegram",), ("nl",))
    made = running(session, house, first=5)
    broadcasts.tick(session, house, 200)

    session.scalars(select(Voortraject)).one().place = "Elders"
    broadcasts.tick(session, house, 200)

    assert ("paused", True) == (made.state, "veranderd sinds de goedkeuring" in made.why)
    assert {"held": 30} == figures(session, made).counts


# ---------------------------------------------------------------- the gate before the call


def claimed(session) -> tuple[int, int]:
    return delivery.claim(session, "telegram", 1)[0]


def test_the_gate_holds_what_was_stopped_after_it_was_claimed(session, house):
    crowd(session, 3, ("telegram",), ("nl",))
    made = running(session, house)
    broadcasts.tick(session, house, 200)
    held = claimed(session)

    broadcasts.stop(session, made, by="Bo")
    prepared, _ = delivery.prepare(session, house, *held)

    message = session.get_one(Message, held[0])
    assert (None, "planned", 0) == (prepared, message.state, message.attempts)
    assert [] == delivery.claim(session, "telegram", 10)
    assert {"held": 3} == figures(session, made).counts


def test_the_gate_holds_what_is_not_what_was_approved(session, house):
    crowd(session, 3, ("telegram",), ("nl",))
    running(session, house)
    broadcasts.tick(session, house, 200)
    held = claimed(session)

    session.scalars(select(Voortraject)).one().begins = "10:00"
    prepared, _ = delivery.prepare(session, house, *held)

    message = session.get_one(Message, held[0])
    assert (None, "planned", "not_approved") == (prepared, message.state, message.cause)


def test_the_gate_lets_through_what_may_go(session, house):
    crowd(session, 1, ("telegram",), ("nl",))
    running(session, house)
    broadcasts.tick(session, house, 200)

    prepared, _ = delivery.prepare(session, house, *claimed(session))

    assert prepared is not None
    assert "Beste" not in prepared.outgoing.body
    assert "Hallo B000." in prepared.outgoing.body


def test_going_on_waits_for_what_a_worker_still_holds(session, house):
    """A claimed message has the old text; it must pass the gate before the broadcast goes on."""
    crowd(session, 3, ("telegram",), ("nl",))
    made = running(session, house)
    broadcasts.tick(session, house, 200)
    held = claimed(session)
    broadcasts.stop(session, made, by="Bo")

    with pytest.raises(Refused, match="nog tegengehouden"):
        broadcasts.resume(session, house, made, by="Bo")
    delivery.prepare(session, house, *held)
    broadcasts.resume(session, house, made, by="Bo")

    assert 3 == len(delivery.claim(session, "telegram", 10))


def test_going_on_after_a_repair_sends_the_repaired_text(session, house):
    crowd(session, 3, ("telegram",), ("nl", "ar"))
    made = running(session, house)
    broadcasts.tick(session, house, 200)
    broadcasts.stop(session, made, by="Bo")
    session.scalars(select(Voortraject)).one().place = "Buurthuis De Goede"

    approve(session, house, made)
    broadcasts.resume(session, house, made, by="An")

    session.flush()
    found = session.scalars(select(Message)).all()
    assert 3 == len(found)
    assert all("Buurthuis De Goede" in message.body for message in found)
    assert all(message.values["place"] == "Buurthuis De Goede" for message in found)
    assert 3 == len(delivery.claim(session, "telegram", 10))


def test_stopping_twice_is_stopping_once(session, house):
    crowd(session, 3)
    made = running(session, house)
    broadcasts.stop(session, made, by="Bo")
    told = list(made.history)

    broadcasts.stop(session, made, by="Bo")

    assert told == made.history


# ---------------------------------------------------------------- the first


@pytest.mark.parametrize(
    ("state", "limits", "paused"),
    [
        ("failed", {"most_failed": 10.0}, False),
        ("failed", {"most_failed": 9.9}, True),
        ("undelivered", {"most_failed": 9.9}, True),
        ("unknown", {"most_unknown": 10.0}, False),
        ("unknown", {"most_unknown": 9.0}, True),
        ("unknown_final", {"most_unknown": 0.0}, True),
        ("no_receipt", {"most_failed": 0.0, "most_unknown": 0.0}, False),
    ],
)
def test_more_than_the_limit_pauses_and_the_limit_itself_does_not(
    session, house, state, limits, paused
):
    """One of ten."""
    crowd(session, 15, ("telegram",), ("nl",))
    made = running(session, house, first=10, **limits)
    broadcasts.tick(session, house, 200)
    first = session.scalars(select(Message).order_by(Message.id)).first()
    first.state = state
    hand_over(session)

    for _ in range(3):
        broadcasts.tick(session, house, 200)

    assert (["B010", "B011", "B012", "B013", "B014"] if not paused else []) == queued(session)
    assert ("paused" if paused else "sending") == made.state


def test_the_rest_waits_the_whole_time(session, house):
    crowd(session, 15, ("telegram",), ("nl",))
    made = running(session, house, first=10, hold_minutes=10)
    broadcasts.tick(session, house, 200)
    hand_over(session)
    broadcasts.tick(session, house, 200)

    be(moments.now() + timedelta(minutes=9, seconds=55))
    broadcasts.tick(session, house, 200)
    broadcasts.tick(session, house, 200)
    assert ("holding", []) == (made.state, queued(session))
    be(moments.now() + timedelta(seconds=10))
    broadcasts.tick(session, house, 200)

    assert 5 == broadcasts.tick(session, house, 200)


def test_who_stops_it_while_it_waits_goes_on_waiting_after(session, house):
    crowd(session, 15, ("telegram",), ("nl",))
    made = running(session, house, first=10, hold_minutes=10)
    broadcasts.tick(session, house, 200)
    hand_over(session)
    broadcasts.tick(session, house, 200)

    broadcasts.stop(session, made, by="Bo")
    broadcasts.resume(session, house, made, by="Bo")

    assert "holding" == made.state


# ---------------------------------------------------------------- put right


@pytest.mark.parametrize(
    ("state", "gets"),
    [
        ("planned", False),
        ("claimed", False),
        ("blocked", False),
        ("cancelled", False),
        ("failed", False),
        ("undelivered", False),
        ("sending", True),
        ("unknown", True),
        ("unknown_final", True),
        ("accepted", True),
        ("delivered", True),
        ("read", True),
        ("no_receipt", True),
    ],
)
def test_a_correction_is_for_who_has_it_or_may_have_it(session, house, state, gets):
    crowd(session, 2, ("telegram",), ("nl",))
    made = running(session, house)
    broadcasts.tick(session, house, 200)
    broadcasts.stop(session, made, by="Bo")
    session.scalars(select(Message).order_by(Message.id)).first().state = state
    session.flush()

    right = broadcasts.correct(session, house, made, by="An")

    assert int(gets) == preview(session, house, right, ALL).count


def test_a_correction_opens_the_same_question_again(session, house):
    crowd(session, 2, ("telegram",), ("nl",))
    made = running(session, house)
    run_out(session, house)
    right = approve(session, house, broadcasts.correct(session, house, made, by="An"))
    broadcasts.send(session, house, right, by="An")

    broadcasts.tick(session, house, 200)

    abouts = [message.about for message in session.scalars(select(Message).order_by(Message.id))]
    assert abouts[:2] == abouts[2:]
    assert 2 == len(session.scalars(select(Deelname)).all())


# ---------------------------------------------------------------- figures


def test_every_state_has_a_figure():
    assert set(TRANSITIONS) == set(KINDS)


@given(st.lists(st.sampled_from(sorted(TRANSITIONS)), max_size=12), st.integers(0, 3))
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_figures_add_up_whatever_happened(sqlite_url, states, more):
    """Conservation: everyone approved is in exactly one figure."""
    house = house_at(sqlite_url)
    with house.database.engine.connect() as connection, connection.begin() as rolled_back:
        session = Session(connection)
        crowd(session, len(states) + more + 1, ("telegram",), ("nl",))
        made = running(session, house, first=1000)
        broadcasts.tick(session, house, max(len(states), 1))
        for message, state in zip(session.scalars(select(Message)), states, strict=False):
            message.state = state
        session.flush()

        for made.state in ("sending", "stopped"):
            told = figures(session, made)
            assert len(states) + more + 1 == told.counts.total() == told.total
        session.close()
        rolled_back.rollback()
    house.database.close()


@given(
    st.lists(
        st.sampled_from(["tick", "tick 2", "crash", "send", "stop", "resume", "repair"]),
        min_size=5,
        max_size=30,
    )
)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_happens_nobody_gets_it_twice_and_in_the_end_everyone_has_it(sqlite_url, steps):
    """Stops, repairs and crashes in any order: who has it keeps it, who has not will get it."""
    house = house_at(sqlite_url)
    with house.database.engine.connect() as connection, connection.begin() as all_of_it:
        session = Session(connection, join_transaction_mode="create_savepoint")
        crowd(session, 9, ("telegram", "sms"), ("nl", "ar"))
        made = running(session, house, first=3)
        session.commit()
        handed_over: list[str] = []

        def send() -> None:
            if made.state not in ("sending", "holding", "done"):
                return
            due = select(Message).where(
                Message.state == "planned", Message.not_before <= moments.now()
            )
            for message in session.scalars(due).all():
                message.state = "sent"
                handed_over.append(message.person.first_name)

        for step in [*steps, "resume", *["tick", "send"] * 6]:
            if step.startswith("tick"):
                broadcasts.tick(session, house, 2 if step == "tick 2" else 200)
            elif step == "crash":
                session.commit()
                broadcasts.tick(session, house, 200)
                session.rollback()
            elif step == "send":
                send()
            elif step == "stop":
                broadcasts.stop(session, made, by="Bo")
            elif made.state in ("stopped", "paused"):
                if step == "repair" or not approval.holds(session, house, made):
                    group = session.scalars(select(Voortraject)).one()
                    group.weeks += step == "repair"
                    session.flush()
                    approve(session, house, made)
                broadcasts.resume(session, house, made, by="Bo")
            session.commit()

        assert 9 == len(handed_over) == len(set(handed_over))
        assert "done" == made.state
        session.close()
        all_of_it.rollback()
    house.database.close()


# ---------------------------------------------------------------- caps


def capped(house, **caps):
    return replace(house, gemeente=replace(house.gemeente, caps=Caps(**caps)))


def test_a_group_larger_than_a_broadcast_may_be_is_not_approved(session, house):
    crowd(session, 4)
    with pytest.raises(Refused, match="hoogstens 3 mensen, en dit gaat naar 4"):
        approve(session, capped(house, per_broadcast=3), draft(session, house))


def test_what_one_colleague_writes_in_a_day_has_an_end(session, house):
    """A log-in that was stolen reaches no more people than that; another day begins anew."""
    crowd(session, 4)
    small = capped(house, per_staff_per_day=7)
    running(session, small)
    second = approve(session, small, draft(session, small, key="voortraject.correction"))
    with pytest.raises(Refused, match="van An mogen vandaag nog naar 3 mensen, en dit gaat naar 4"):
        broadcasts.send(session, small, second, by="Cor")

    be(moments.now() + timedelta(days=1))
    broadcasts.send(session, small, second, by="An")


def test_a_correction_is_held_by_no_cap(session, house):
    """Whoever has something wrong must hear what is right."""
    crowd(session, 4)
    first = running(session, house)
    run_out(session, house)
    small = capped(house, per_staff_per_day=4, per_broadcast=3)
    correction = broadcasts.correct(session, small, first, by="An")
    broadcasts.send(session, small, approve(session, small, correction), by="An")


def test_a_correction_goes_to_who_had_enough_already(session, house):
    crowd(session, 1, ("telegram",), ("nl",))
    first = running(session, house)
    broadcasts.tick(session, house, 200)
    small = capped(house, mass_per_day=1)
    assert delivery.prepare(session, small, *claimed(session))[0] is not None
    session.execute(update(Message).values(state="delivered"))
    session.execute(update(Attempt).values(outcome="accepted"))
    session.expire_all()
    run_out(session, house)
    right = approve(session, small, broadcasts.correct(session, small, first, by="An"))
    broadcasts.send(session, small, right, by="An")
    broadcasts.tick(session, small, 200)

    prepared, _ = delivery.prepare(session, small, *claimed(session))

    assert prepared is not None


def test_a_preview_counts_who_had_enough(session, house):
    crowd(session, 4, ("telegram",), ("nl",))
    first = running(session, house)
    broadcasts.tick(session, house, 200)
    for message in session.scalars(select(Message).limit(3)):
        session.add(
            Attempt(
                message_id=message.id,
                number=1,
                epoch=1,
                form="text",
                outcome="accepted",
                started_at=moments.now(),
            )
        )
    hand_over(session)
    small = capped(house, mass_per_day=1)
    another = voortraject(session, kenmerk="V2")
    other = broadcasts.draft(
        session,
        house,
        by="An",
        name="Nog een",
        key=groups.INVITATION,
        voortraject_id=another.id,
        window_until=None,
    )

    assert (0, 3) == (preview(session, house, other).full, preview(session, small, other).full)
    broadcasts.stop(session, first, by="An")
    assert 0 == preview(session, small, broadcasts.correct(session, house, first, by="An")).full


def test_the_rest_does_not_wait_for_those_of_the_first_who_had_enough(session, house):
    """They get it tomorrow; the others hear how it goes today."""
    crowd(session, 4)
    made = running(session, house, first=2, hold_minutes=10)
    broadcasts.tick(session, house, 200)
    held, _ = session.scalars(select(Message).order_by(Message.id)).all()
    held.cause, held.not_before = "cap_mass", moments.now() + timedelta(hours=20)
    session.flush()
    hand_over(session)
    broadcasts.tick(session, house, 200)

    assert "holding" == made.state
