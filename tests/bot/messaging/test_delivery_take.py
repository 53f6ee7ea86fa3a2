"""Claim and gates for a small batch in one transaction: what it takes, and what it leaves alone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from post_office import TUESDAY
from sqlalchemy import text, update

from bot import moments
from bot.channels.base import Heard
from bot.messaging import delivery, inbox
from bot.models.messages import Message


def take(office, limit=10, turns=1000, channel="sms"):
    with office.database.session() as session:
        return delivery.take(session, office.house, channel, limit, turns)


def taken(office, **given):
    return [prepared.outgoing.message for prepared in take(office, **given).prepared]


def people(office, count):
    return [office.person(f"N{n}", address=f"+316970001{n:02}") for n in range(count)]


def test_it_claims_and_prepares_at_once(office):
    messages = [office.queue(person, f"{person}") for person in people(office, 3)]
    found = take(office)
    assert all(prepared.in_time for prepared in found.prepared)

    assert messages == [prepared.outgoing.message for prepared in found.prepared]
    assert ["sending"] * 3 == office.states()
    assert [[None]] * 3 == [office.outcomes(message) for message in messages]
    assert (True, []) == (found.any, found.news)
    assert not take(office).any


def test_what_a_gate_holds_is_news_once(office):
    """Staff hear of a shut gate; the rest of the batch goes."""
    first, second = people(office, 2)
    gone, goes = office.queue(first, "a"), office.queue(second, "b")
    office.stop("+31697000100")
    with office.database.session() as session:
        session.execute(
            update(Message).where(Message.id == gone).values(state="planned", cause=None)
        )
    found = take(office)

    assert [goes] == [prepared.outgoing.message for prepared in found.prepared]
    assert [(gone, "blocked", "stopped")] == [(m.id, m.state, m.cause) for m in found.news]


def test_answers_come_before_what_waits_longer(office):
    waiting, writer = people(office, 2)
    reminder = office.queue(waiting, "reminder")
    office.pass_(minutes=1)
    answer = office.answered(writer, "answer")

    assert [answer] == taken(office, limit=1)
    assert [reminder] == taken(office, limit=1)


# ------------------------------------------------------------------ the turns it takes


def long(parts):
    return "x" * (153 * parts)


@pytest.fixture
def texts(office):
    """Three messages of one, three and one part; returns their ids."""
    found = [office.queue(person, f"{person}") for person in people(office, 3)]
    with office.database.session() as session:
        for message, body in zip(found, ("short", long(3), "short"), strict=True):
            session.execute(update(Message).where(Message.id == message).values(body=body))
    return found


def test_an_sms_takes_as_many_turns_as_it_has_parts(office, texts):
    assert [1, 3, 1] == [prepared.turns for prepared in take(office).prepared]


@pytest.mark.parametrize(("turns", "count"), [(1, 1), (3, 1), (4, 2), (5, 3)])
def test_no_more_is_prepared_than_there_are_turns_for(office, texts, turns, count):
    """What is prepared too early would have to be looked at again."""
    assert texts[:count] == taken(office, turns=turns)
    assert ["planned"] * (3 - count) == office.states()[count:]


def test_a_text_that_needs_more_turns_than_there_are_goes_alone(office):
    message = office.queue(office.person(), "long")
    with office.database.session() as session:
        session.execute(update(Message).values(body=long(7)))

    assert [message] == taken(office, turns=2)


def test_on_other_channels_a_text_takes_one_turn(office):
    office.queue(office.person(channel="telegram", address="1004"), "long")
    with office.database.session() as session:
        session.execute(update(Message).values(body=long(7)))

    assert [1] == [prepared.turns for prepared in take(office, channel="telegram").prepared]


# ------------------------------------------------------------------ and what it leaves alone


@pytest.mark.postgres
def test_it_does_not_wait_for_somebody_who_is_being_written_down(postgres_office):
    """They may be saying STOP. The others go now; theirs is looked at the next time."""
    office = postgres_office
    first, second = people(office, 2)
    theirs, other = office.queue(first, "a"), office.queue(second, "b")

    with office.database.session() as session:
        heard = Heard(channel="sms", address="+31697000100", ref="SM2", text="hoi")
        inbox.address_of(session, heard, moments.now())
        found = ThreadPoolExecutor(1).submit(taken, office).result(timeout=60)
        assert [other] == found

    assert ("planned", 0) == office.read(
        lambda s: (lambda m: (m.state, m.attempts))(s.get_one(Message, theirs))
    )
    assert [theirs] == taken(office)


def test_two_messages_for_one_phone_are_not_taken_together(office):
    person = office.person()
    first, _ = office.queue(person, "first"), office.queue(person, "second")

    assert [first] == taken(office)
    assert [] == taken(office)


# ------------------------------------------------------------------ what it costs

BOTH = pytest.mark.parametrize("statement", ["DUE", "ANYTHING_DUE"])


def explained(office, statement, explain):
    """What the database says of the *statement*, looking for SMS five minutes from now."""
    given = {"channel": "sms", "now": TUESDAY + timedelta(minutes=5), "priority": 1, "limit": 10}
    query = getattr(delivery, statement)
    with office.database.session() as session:
        compiled = query.compile(session.connection(), compile_kwargs={"render_postcompile": True})
        values = {**compiled.params, **{k: v for k, v in given.items() if k in compiled.params}}
        return (
            session.connection()
            .exec_driver_sql(f"{explain} {compiled}", bound(compiled, values))
            .all()
        )


@BOTH
def test_what_is_due_is_found_by_an_index(sqlite_office, statement):
    """A city's reminders of next week, and all that was ever sent, cost nothing."""
    plan = "\n".join(str(row) for row in explained(sqlite_office, statement, "EXPLAIN QUERY PLAN"))

    assert "ix_message_next" in plan
    assert "ix_message_open" in plan
    assert "ix_message_comes_back" in plan
    assert "SCAN message" not in plan


@BOTH
@pytest.mark.postgres
def test_what_is_due_is_found_without_reading_what_is_not(postgres_office, statement):
    """Which index PostgreSQL takes depends on what it last counted; what it reads should not."""
    office = postgres_office
    for person in people(office, 20):
        office.queue(person, f"{person}")
    with office.database.session() as session:
        columns = [c.name for c in Message.__table__.columns if not c.primary_key]
        held = ("occasion", "address_id", "state", "not_before")
        same = ", ".join(name for name in columns if name not in held)
        for state, later, count in (("delivered", 0, 5000), ("planned", 7, 2000)):
            session.execute(
                text(
                    f"INSERT INTO message ({same}, {', '.join(held)})"
                    f" SELECT {same}, '{state}' || n,"
                    " (SELECT min(id) FROM address) + n % (SELECT count(*) FROM address),"
                    f" '{state}', not_before + interval '{later} days'"
                    f" FROM generate_series(1, {count}) AS n,"
                    " (SELECT * FROM message ORDER BY id LIMIT 1) AS one"
                )
            )
        session.execute(text("ANALYZE message"))
    [(plans,)] = explained(office, statement, "EXPLAIN (ANALYZE, FORMAT JSON)")

    assert 1 <= rows_read(plans[0]["Plan"]) <= 10


def rows_read(plan):
    """How many rows of the messages a *plan* read: those it gave and those it threw away."""
    own = 0
    if plan.get("Relation Name") == "message":
        gone = plan.get("Rows Removed by Filter", 0) + plan.get("Rows Removed by Index Recheck", 0)
        own = (plan["Actual Rows"] + gone) * plan["Actual Loops"]
    return own + sum(rows_read(each) for each in plan.get("Plans", ()))


def bound(compiled, values):
    ready = {
        name: compiled._bind_processors[name](value) if name in compiled._bind_processors else value
        for name, value in values.items()
    }
    order = compiled.positiontup
    return tuple(ready[name] for name in order) if order else ready


def test_however_many_wait_for_later_the_next_ones_are_as_near(office):
    """They stand in the same index, behind the moment up to which it is read."""
    later = office.queue(office.person("Later", address="+31697000199"), "later")
    with office.database.session() as session:
        session.execute(
            update(Message)
            .where(Message.id == later)
            .values(not_before=TUESDAY + timedelta(hours=1))
        )
    now = office.queue(office.person(), "now")

    assert [now] == taken(office)
