"""The embedded engine against providers that answer over HTTP: it stalls, dies, meets another."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime

import pytest
from sqlalchemy import event, select, update
from world import World

from bot import house as houses
from bot import moments
from bot.engine.embedded import Engine
from bot.messaging import delivery, outbox
from bot.models.messages import Attempt, Message, Sender
from bot.models.people import Inburgeraar

AFSPRAAK = {
    "begins": moments.from_local(datetime(2026, 12, 3, 14, 30)),
    "place": "Wijkcentrum",
    "address": "Voorbeeldstraat 12",
    "staff": "Jansen",
}


@pytest.fixture
def make_world(database_url) -> Iterator[Callable[..., World]]:
    made: list[World] = []

    def make(**given: object) -> World:
        made.append(World(database_url, **given))
        return made[-1]

    yield make
    for world in made:
        world.close()


@pytest.fixture
def world(make_world) -> World:
    return make_world()


def remind(world: World, kenmerk: str, occasion: str = "one") -> int:
    """Queue a reminder to this person, as the clock would."""
    with world.house.database.session() as session:
        person = session.scalars(select(Inburgeraar).where(Inburgeraar.kenmerk == kenmerk)).one()
        message = outbox.queue(
            session,
            world.house,
            occasion=f"{kenmerk}:{occasion}",
            key="afspraak.reminder",
            person=person,
            values=AFSPRAAK,
            expires_at=AFSPRAAK["begins"],
        )
        assert message is not None
        return message.id


def send(world: World) -> None:
    world.engine.wake_senders()
    world.settle()


def outcomes(world: World, message: int) -> list[str]:
    return world.read(
        lambda s: list(
            s.scalars(
                select(Attempt.outcome)
                .where(Attempt.message_id == message)
                .order_by(Attempt.number)
            )
        )
    )


def test_a_worker_that_stood_still_after_the_gates_does_not_call(world):
    """Its gates were open a while ago; what closed since, it has not seen.

    The machine stalls between the look at the gates and the commit, as it may anywhere.
    """
    message = remind(world, world.person("Priya", "en", "sms", "+31697000004"))
    stalled: list[str] = []

    def stall(_connection, _cursor, statement, *_rest):
        if statement.startswith("INSERT INTO attempt") and not stalled:
            stalled.append(statement)
            time.sleep(delivery.GAP.total_seconds() + 0.1)

    event.listen(world.house.database.engine, "after_cursor_execute", stall)
    send(world)

    assert ["not_sent", "accepted"] == outcomes(world, message)
    assert 1 == len(world.phone("Priya").received)
    calls = [x for x in world.ground.log if x.path.endswith("/Messages.json")]
    assert 1 == len(calls), "the first time no call was made at all"


def test_a_message_that_cannot_be_prepared_does_not_hold_up_the_next(world):
    """Its text was taken out of the catalogue after it was queued; the others go out."""
    world.templates()
    poison = remind(world, world.person("Selam", "nl", "whatsapp", "+31697000001"))
    with world.house.database.session() as session:
        session.execute(update(Message).where(Message.id == poison).values(key="text.of.old"))
    remind(world, world.person("Maryam", "nl", "whatsapp", "+31697000003"))
    send(world)

    assert [("text.of.old", "blocked"), ("afspraak.reminder", "read")] == world.messages()
    assert ["bel of brief"] == world.tasks()
    assert 1 == len(world.phone("Maryam").received)


def test_a_channel_that_fails_in_a_way_nobody_foresaw_leaves_an_unknown(world, monkeypatch):
    """Not knowing why it failed is not knowing that it did not go."""
    message = remind(world, world.person("Priya", "en", "sms", "+31697000004"))

    def no_url(*_given):
        raise RuntimeError("out of luck")

    monkeypatch.setattr(type(world.house.channels["sms"]), "_fields", no_url)
    send(world)

    assert [("afspraak.reminder", "unknown")] == world.messages()
    assert ["unknown"] == outcomes(world, message)


def test_two_engines_on_one_database_send_everything_once(world):
    """A second process, by mistake or to be sure: the sender has one owner."""
    names = [f"P{n}" for n in range(12)]
    people = [
        world.person(name, "en", "sms", f"+31697000{n:03}") for n, name in enumerate(names, 100)
    ]
    for kenmerk in people:
        remind(world, kenmerk, "one")
        remind(world, kenmerk, "two")
    beside = houses.build(world.house.settings)
    second = Engine(beside)
    second.start()
    try:
        second.wake_senders()
        send(world)
    finally:
        second.stop()
        beside.database.close()

    assert [2] * len(names) == [len(world.phone(name).received) for name in names]
    assert {"delivered"} == {state for _, state in world.messages()}
    assert {1} == set(world.read(lambda s: s.scalars(select(Attempt.number)).all()))


def test_an_engine_that_stops_lets_its_sender_go(world):
    """The next process need not wait until the lease runs out."""
    remind(world, world.person("Priya", "en", "sms", "+31697000004"))
    send(world)
    owner = select(Sender.owner).where(Sender.channel == "sms")
    assert world.engine.owner == world.read(lambda s: s.scalars(owner).one())

    world.engine.stop()
    assert world.read(lambda s: s.scalars(owner).one()) is None
