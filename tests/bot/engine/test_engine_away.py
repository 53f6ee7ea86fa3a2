"""The database is away while the engine runs: it waits, says so once, and loses nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
import structlog
from channel_server import running
from faults import FAULTS
from post_office import Office
from sqlalchemy import event, select
from test_pump import OK, Script, pumping, until
from world import World

from bot.engine import pulse, pump, spooled
from bot.messaging.spool import OUTCOME, Spool
from bot.models.messages import Attempt, Message
from bot.models.people import Address

PATIENCE = 60


@pytest.fixture
def impatient(monkeypatch) -> None:
    monkeypatch.setattr(pump, "WAIT", 0.2)
    monkeypatch.setattr("webhooks.keeper.WAIT", 0.2)
    monkeypatch.setattr("bot.db.WAIT", 0.5)


def wait_for(true: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "it did not come to be"
        time.sleep(0.05)


@pytest.mark.parametrize(("kind", "fault"), [each for each in FAULTS if each.id != "sqlite full"])
def test_what_a_call_came_to_when_the_database_went_is_known_to_the_next_process(
    request, impatient, kind, fault
):
    """The provider took it, and at that very moment nothing could be recorded. Then we died."""
    away, provider = ExitStack(), Script()

    async def play() -> Office:
        async with running(provider):
            office = Office(
                request.getfixturevalue(f"{kind}_url"),
                quiet_hours="",
                twilio_api_url=provider.url,
                twilio_content_url=provider.url,
            )
            office.queue(office.person())

            def takes_it(message: int) -> bytes:
                away.enter_context(fault(office.database))
                return OK

            provider.says = takes_it
            async with pumping(office):
                await until(lambda: Spool(office.house.settings.spool).waits(OUTCOME))
        return office

    office = asyncio.run(play())
    states = select(Message.state, Attempt.outcome, Attempt.provider_ref).join(
        Attempt, Attempt.message_id == Message.id
    )
    away.close()
    assert ("sending", None, None) == office.read(lambda s: tuple(s.execute(states).one()))

    office.leases_run_out()
    spooled.put_in(office.house)
    office.reap()

    assert ("accepted", "accepted", "SM1") == office.read(lambda s: tuple(s.execute(states).one()))
    assert 1 == len(provider.sent)
    assert not Spool(office.house.settings.spool).waits(OUTCOME)
    office.close()


@pytest.fixture
def make_world(request) -> Iterator[Callable[[str], World]]:
    made: list[World] = []

    def make(kind: str) -> World:
        made.append(World(request.getfixturevalue(f"{kind}_url")))
        return made[-1]

    yield make
    for world in made:
        world.close()


@pytest.mark.parametrize(
    ("kind", "fault"), [each for each in FAULTS if each.id in ("sqlite locked", "postgres gone")]
)
def test_an_engine_without_a_database_waits_says_so_once_and_goes_on(
    make_world, impatient, monkeypatch, kind, fault
):
    """For minutes, if need be: no traceback a second, no busy loop, and afterwards all goes."""
    monkeypatch.setattr(pulse, "BEAT", 0.1)
    world = make_world(kind)
    database = world.house.database
    person = world.person("Priya", "en", "sms", "+31697000004")
    tried: list[float] = []

    def note(*_given: object) -> None:
        tried.append(time.monotonic())

    with structlog.testing.capture_logs() as logs:
        with fault(database):
            if kind == "sqlite":
                event.listen(database.engine, "begin", note)
            else:
                event.listen(database.engine, "do_connect", note)
            began = time.monotonic()
            wait_for(lambda: len(tried) > 20 and any("away" in line["event"] for line in logs))
            took = time.monotonic() - began
            world.server.providers.twilio.says(world.phone("Priya").phone, "unsubscribe me")
            assert world.server.settle(PATIENCE)
            meanwhile = [line["event"] for line in logs]
        wait_for(lambda: world.read(lambda s: s.scalars(select(Address.stopped_at)).one()))
        world.settle()

    assert 1 == meanwhile.count("the database is away")
    assert 0 == meanwhile.count("the database is back")
    said = [line["event"] for line in logs]
    assert said.count("the database is away") == said.count("the database is back")
    assert [] == [line for line in logs if line.get("exc_info")]
    assert len(tried) < 40 * (took + 1), "it spins"
    assert "START" in world.phone("Priya").last.text
    assert person
