"""What a tick costs follows what is due, and not what there is: a city keeps years of messages."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import event

from bot import house as houses
from bot import moments
from bot.bench.served import settings
from bot.bench.tick import EMPTY, count, fill, multiply
from bot.engine import reconciling, work
from bot.messaging import delivery, inbox
from bot.models.messages import InboxEvent, Message
from bot.privacy import retention

MANY = 3000
FEW = 20
"""Rows that a tick may look at for which nothing is due."""

LARGE = ("message", "afspraak", "inbox_event", "inburgeraar", "address", "person_address")


@pytest.fixture
def city(database_url):
    house = houses.build(settings(database_url, quiet_hours=""))
    fill(house, database_url, MANY)
    now = moments.now()
    with house.database.session() as session:
        session.add(
            InboxEvent(
                key="k",
                source="twilio",
                lane="sms:+31697000004",
                signature="s",
                fingerprint="f",
                payload={},
                state="done",
                not_before=now,
                received_at=now,
            )
        )
    multiply(database_url, "inbox_event", MANY, lambda n: {"key": f"k{n}", "signature": f"s{n}"})
    count(house)
    yield house
    house.database.close()


def nothing_arrived(house):
    with house.database.reading() as session:
        assert (False, False) == inbox.waiting(session)
    with house.database.session() as session:
        assert inbox.next_event(session) is None
        assert [] == inbox.next_reports(session, 100)


def nothing_due(house):
    with house.database.session() as session:
        assert not delivery.anything_due(session, "sms")
        assert [] == delivery.take(session, house, "sms", 50, 50).prepared


def nothing_expires(house):
    """Of what waits for senders that rest, which is all there is."""
    with house.database.session() as session:
        for channel in ("sms", "telegram", "whatsapp"):
            delivery.sender_of(session, channel)
            delivery.pause(session, channel, 600, "too_fast")
    with house.database.session() as session:
        assert [] == delivery.expire(session, 50)


def nothing_too_old(house):
    """Of messages, of which there are most; with their texts or without."""
    long_ago = moments.now() - timedelta(days=9999)
    with house.database.reading() as session:
        for kind in retention.KINDS:
            assert kind.table is not Message or [] == retention.due(session, kind, long_ago, 50)


def statements(house, act):
    """What *act* asks the database, with what was bound."""
    seen = []

    def hear(_connection, _cursor, statement, bound, _context, _many):
        if statement.lstrip().upper().startswith(("SELECT", "UPDATE", "DELETE", "WITH")):
            seen.append((statement, bound))

    event.listen(house.database.engine, "before_cursor_execute", hear)
    act()
    event.remove(house.database.engine, "before_cursor_execute", hear)
    return seen


def explained(house, how, statement, bound):
    connection = house.database.engine.raw_connection()
    try:
        cursor = connection.cursor()
        cursor.execute(f"{how} {statement}", bound)
        return cursor.fetchall()
    finally:
        connection.rollback()
        connection.close()


def read(plan):
    """How many rows of the large tables *plan* read: those it gave and those it threw away."""
    own = 0
    if plan.get("Relation Name") in LARGE:
        gone = plan.get("Rows Removed by Filter", 0) + plan.get("Rows Removed by Index Recheck", 0)
        own = (plan["Actual Rows"] + gone) * plan["Actual Loops"]
    return own + sum(read(each) for each in plan.get("Plans", ()))


def reads_too_much(house, statement, bound):
    if house.database.engine.dialect.name == "sqlite":
        steps = [row[3] for row in explained(house, "EXPLAIN QUERY PLAN", statement, bound)]
        # All of an index is all of what is due where the index holds nothing else.
        return [step for step in steps if step in {f"SCAN {name}" for name in LARGE}]
    [(plans,)] = explained(house, "EXPLAIN (ANALYZE, FORMAT JSON)", statement, bound)
    plans = json.loads(plans) if isinstance(plans, str) else plans
    return [plans[0]["Plan"]] if read(plans[0]["Plan"]) > FEW else []


def test_a_tick_for_which_nothing_is_due_reads_next_to_nothing(city):
    acts = {name: lambda name=name: work.TICKS[name][0](city, 500) for name in EMPTY}
    acts |= {
        "conclude": lambda: reconciling.conclude(city, 50),
        "inbox": lambda: nothing_arrived(city),
        "senders": lambda: nothing_due(city),
        "expire": lambda: nothing_expires(city),
        "erase": lambda: nothing_too_old(city),
    }
    asked = {name: statements(city, act) for name, act in acts.items()}

    assert all(asked[name] for name in acts)
    assert [] == [
        (name, statement)
        for name, each in asked.items()
        for statement, bound in each
        if reads_too_much(city, statement, bound)
    ]
