"""One sender against a provider on a wire: pace, order, what fails, and what it leaves behind."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from channel_server import Call, Provider, http, running
from post_office import Office
from sqlalchemy import select, update

from bot import moments
from bot.engine.pulse import Pulse
from bot.engine.pump import Pump
from bot.messaging import breaker
from bot.models.messages import Attempt, Message, Sender

OK = http(201, json.dumps({"sid": "SM1", "status": "queued", "num_segments": "1"}))
ACTIVE = http(200, json.dumps({"sid": "AC1", "status": "active"}))
BUSY = http(429, json.dumps({"code": 20429, "message": "slow"}), "Retry-After: 1")
ILL = http(503, "{}")
NO = http(400, json.dumps({"code": 21617, "message": "too long"}))

PATIENCE = 60.0


@dataclass
class Script(Provider):
    """Answers each message by *says*, and everything else as a provider that is well."""

    says: Callable[[int], bytes] = lambda message: OK
    takes: float = 0.0
    sent: list[int] = field(default_factory=list)
    """Our ids, in the order in which they came."""
    asked: int = 0
    """How often it was asked how it is."""
    busiest: int = 0
    at: list[float] = field(default_factory=list)
    """When each came, by the clock of the loop."""
    _open: int = 0

    async def end(self, writer: asyncio.StreamWriter) -> None:
        call = self.calls[-1]
        if call.line.startswith("GET"):
            self.asked += 1
            writer.write(ACTIVE)
            return
        message = message_of(call)
        self.sent.append(message)
        self.at.append(asyncio.get_running_loop().time())
        self._open += 1
        self.busiest = max(self.busiest, self._open)
        await asyncio.sleep(self.takes)
        self._open -= 1
        writer.write(self.says(message))
        await writer.drain()


def message_of(call: Call) -> int:
    """Return our id of the message that *call* hands over."""
    return int(parse_qs(urlsplit(call.form["StatusCallback"][0]).query)["m"][0])


@pytest.fixture
def make_office(database_url) -> Iterator[Callable[..., Office]]:
    made: list[Office] = []

    def make(**given: object) -> Office:
        made.append(Office(database_url, **{"quiet_hours": "", "pace_sms": 400, **given}))
        return made[-1]

    yield make
    for office in made:
        office.close()


@asynccontextmanager
async def pumping(office: Office, owner: str = "a"):
    """Let a worker drain SMS for as long as the block runs."""
    stopping = threading.Event()
    pulse = Pulse(office.house, stopping, lambda: None)
    ahead = moments.practice_offset()
    await asyncio.to_thread(pulse.beat)  # which takes the time from a row that is not there
    moments.set_practice_offset(ahead)
    pump = Pump(office.house, office.house.channels["sms"], owner, stopping, pulse)
    running = asyncio.create_task(pump.run())
    try:
        yield pump
    finally:
        stopping.set()
        pump.wake()
        await running


async def until(true: Callable[[], bool]) -> None:
    end = asyncio.get_running_loop().time() + PATIENCE
    while not await asyncio.to_thread(true):
        assert asyncio.get_running_loop().time() < end, "this did not come to be"
        await asyncio.sleep(0.02)


def drain(make_office, provider, queue, *, done=None, **settings):
    """Let *queue* fill the outbox of a new office and a pump empty it; return that office."""

    async def play():
        async with running(provider):
            office = make_office(
                twilio_api_url=provider.url, twilio_content_url=provider.url, **settings
            )
            messages = queue(office)
            async with pumping(office):
                await until(lambda: (done or at_rest)(office, messages))
            return office, messages

    return asyncio.run(play())


def at_rest(office, _messages):
    return not set(office.states()) & {"planned", "claimed", "sending"}


def reminders(count):
    """Return what queues a reminder for each of *count* people; it returns their ids."""

    def queue(office):
        return [
            office.queue(office.person(f"N{n}", address=f"+316970001{n:02}"), f"reminder {n}")
            for n in range(count)
        ]

    return queue


def test_every_message_goes_once_and_is_recorded(make_office):
    provider = Script()
    office, messages = drain(make_office, provider, reminders(30))

    assert sorted(messages) == sorted(provider.sent)
    assert ["accepted"] * 30 == office.states()
    assert [("accepted", 1)] * 30 == office.read(
        lambda s: [tuple(row) for row in s.execute(select(Attempt.outcome, Attempt.number))]
    )
    assert office.read(lambda s: s.scalars(select(Sender.owner)).one()) is None


def test_a_batch_goes_on_without_the_one_that_cannot_be_prepared(make_office):
    """What its afspraak is called makes no sense; the others are looked at one by one."""

    def queue(office):
        messages = reminders(12)(office)
        with office.database.session() as session:
            session.execute(
                update(Message)
                .where(Message.id == messages[5])
                .values(about="afspraak:many", version=1)
            )
        return messages

    provider = Script()
    office, messages = drain(make_office, provider, queue)

    assert sorted({*messages} - {messages[5]}) == sorted(provider.sent)
    assert ("blocked", "our_fault") == (office.state(messages[5]), office.cause(messages[5]))
    assert ["bel of brief"] == office.tasks()


def test_an_outcome_that_cannot_be_recorded_takes_no_other_down(make_office, monkeypatch):
    """It is unknown once its lease has run out; what the others came to is written down."""

    def cannot(_session, _message):
        raise RuntimeError("staff cannot be told")

    monkeypatch.setattr("bot.outreach.tasks.not_delivered", cannot)
    provider = Script(says=lambda message: NO if provider.sent.index(message) == 2 else OK)
    office, _ = drain(
        make_office,
        provider,
        reminders(6),
        done=lambda office, _: ["accepted"] * 5 + ["sending"] == sorted(office.states()),
    )
    office.leases_run_out()
    office.reap()

    assert "unknown" == office.state(provider.sent[2])


def test_a_provider_that_is_too_slow_is_given_no_more_than_it_can_take(make_office, monkeypatch):
    """Nothing is prepared that could not be called in time: no attempt is spent on waiting."""
    monkeypatch.setattr("bot.channels.sms.Sms.at_once", 3)
    provider = Script(takes=0.3)
    office, messages = drain(make_office, provider, reminders(9))

    assert 3 == provider.busiest
    assert sorted(messages) == sorted(provider.sent)
    assert {1} == set(office.read(lambda s: s.scalars(select(Attempt.number)).all()))


def test_a_provider_that_asks_to_wait_gets_each_message_all_the_same(make_office):
    """429 is about our pace: the sender rests, and no message is given up for it."""
    first: list[int] = []

    def says(message):
        first.append(message)
        return BUSY if first.count(message) <= 2 else OK

    provider = Script(says=says)
    office, messages = drain(make_office, provider, reminders(2))

    assert ["accepted"] * 2 == office.states()
    assert [["not_sent", "not_sent", "accepted"]] * 2 == [office.outcomes(m) for m in messages]
    assert [] == office.tasks()


def test_two_messages_to_one_phone_arrive_in_order(make_office):
    def queue(office):
        person = office.person()
        return [office.queue(person, f"message {n}") for n in range(8)]

    provider = Script()
    _, messages = drain(make_office, provider, queue)

    assert messages == provider.sent


def test_an_answer_does_not_wait_behind_a_mass_of_messages(make_office):
    """It is queued while hundreds wait at a slow pace, and goes before nearly all of them."""

    async def play():
        provider = Script()
        async with running(provider):
            office = make_office(twilio_api_url=provider.url, pace_sms=20)
            messages = reminders(60)(office)
            writer = office.person("Rania", address="+31697000006")
            async with pumping(office) as pump:
                await until(lambda: len(provider.sent) >= 5)
                answer = await asyncio.to_thread(office.answered, writer)
                before = len(provider.sent)
                pump.wake()
                await until(lambda: answer in provider.sent)
                place = provider.sent.index(answer)
            return place - before, len(messages) - before

    overtaken_by, waiting = asyncio.run(play())
    assert overtaken_by < waiting / 3


def test_calls_that_waited_for_their_connection_are_not_too_many_once_they_have_it(make_office):
    """The provider's name is not found until a second's worth has been begun; then all go out."""
    at_once, known = 4, asyncio.Event()

    async def play():
        provider, loop = Script(), asyncio.get_running_loop()
        cap = at_once * 2  # each is two SMS
        find = loop.getaddrinfo

        async def slowly(*asked, **more):
            await known.wait()
            return await find(*asked, **more)

        loop.getaddrinfo = slowly
        async with running(provider):
            office = make_office(
                twilio_api_url=provider.url.replace("127.0.0.1", "localhost"), pace_sms=cap
            )
            messages = reminders(2 * at_once + 1)(office)
            async with pumping(office) as pump:
                await until(lambda: len(pump.under_way) == at_once)
                assert [] == provider.at
                known.set()
                await until(lambda: len(provider.at) == len(messages))
        return provider.at

    came = asyncio.run(play())
    seconds = [last - first for first, last in zip(came, came[at_once:], strict=False)]
    assert min(seconds) >= 1, "that many more are not within a second"


def test_who_stops_leaves_nothing_in_the_air(make_office):
    """What was prepared and not called is planned again; what was called is recorded."""
    provider = Script(takes=0.2)
    office, messages = drain(
        make_office,
        provider,
        reminders(40),
        done=lambda *_: len(provider.sent) >= 3,
        pace_sms=100,
    )

    assert {"accepted", "planned"} >= set(office.states())
    assert sorted(provider.sent) == sorted(m for m in messages if office.state(m) == "accepted")


# ------------------------------------------------------------------ the breaker


def test_a_provider_that_fails_is_left_alone_until_it_answers(make_office, monkeypatch):
    """It is down for a while. Some are unknown by then; those behind them wait and then go."""
    monkeypatch.setattr(breaker, "REST", timedelta(seconds=0.5))
    monkeypatch.setattr("bot.channels.sms.Sms.at_once", 5)
    ill = [True]
    provider = Script(says=lambda message: ILL if ill[0] else OK)

    async def play():
        async with running(provider):
            office = make_office(twilio_api_url=provider.url)
            reminders(20)(office)
            async with pumping(office):
                await until(lambda: office.tasks() == ["kanaal ligt stil"])
                await until(lambda: provider.asked >= 1)
                spent = len(provider.sent)
                ill[0] = False
                await until(lambda: not set(office.states()) & {"planned", "sending"})
                await until(lambda: not office.tasks())
            return office, spent

    office, spent = asyncio.run(play())
    states = office.states()
    assert breaker.RUN <= states.count("unknown") <= spent <= 2 * breaker.RUN + 2
    assert 20 == states.count("unknown") + states.count("accepted")
    assert len(provider.sent) == len(set(provider.sent)), "nothing that may have gone goes again"


def test_a_provider_that_does_not_answer_costs_no_message_anything(make_office, monkeypatch):
    """It refuses the connection: it is asked how it is, and gets no message until it answers."""
    monkeypatch.setattr(breaker, "REST", timedelta(seconds=0.2))
    monkeypatch.setattr("bot.channels.twilio_client._PAUSE", 0.05)
    provider = Script()

    async def play():
        async with running(provider):
            at = provider.url
        office = make_office(twilio_api_url=at)
        messages = reminders(3)(office)
        async with pumping(office):
            await until(lambda: office.tasks() == ["kanaal ligt stil"])
            tries = office.read(lambda s: s.scalars(select(Attempt.outcome)).all())
            await asyncio.sleep(1)
            later = office.read(lambda s: s.scalars(select(Attempt.outcome)).all())
        return office, messages, tries, later

    office, messages, tries, later = asyncio.run(play())
    assert {"not_sent"} == set(later)
    assert len(tries) == len(later), "an open breaker tries no message at all"
    assert ["planned"] * 3 == [office.state(message) for message in messages]
