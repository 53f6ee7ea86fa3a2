"""The engine of many machines, on a real RabbitMQ and a real Redis."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from brokers import Line, Queue, broker, until
from sqlalchemy import func, select, text

from app import create_app
from bot import house as houses
from bot import moments
from bot.engine import distributed, work
from bot.engine.distributed import Bell, Post, Ticker, Understudy, Worker
from bot.house import House
from bot.messaging import inbox
from bot.models.messages import InboxEvent, Message
from bot.models.people import Address, Inburgeraar, PersonAddress
from bot.outreach import afspraken
from bot.settings import SettingsError, load

ROOT = Path(__file__).resolve().parents[3]
FIXTURES = ROOT / "tests" / "fixtures"
LONG = timedelta(minutes=1)

pytestmark = pytest.mark.postgres


@pytest.fixture(params=["rabbitmq", "redis"])
def broker_url(request) -> str:
    return broker(request.param)


@pytest.fixture
def line(broker_url) -> Iterator[Line]:
    between = Line(broker_url)
    yield between
    between.cut()


@pytest.fixture
def house(postgres_url, broker_url) -> Iterator[House]:
    yield from built(postgres_url, broker_url)


@pytest.fixture
def far_house(postgres_url, broker_url, line) -> Iterator[House]:
    """A house whose broker is at the other end of a line."""
    yield from built(postgres_url, broker_url, line.url)


def built(database_url: str, broker_url: str, reached_at: str | None = None) -> Iterator[House]:
    house = houses.build(
        load(
            None,
            engine="celery",
            database_url=database_url,
            broker_url=reached_at or broker_url,
            broker_patience=60,
            telegram_bot_token="1234:a-token-of-nobody",
            telegram_api_url="http://127.0.0.1:1",
            quiet_hours="",
        )
    )
    yield house
    house.database.close()
    Queue(
        distributed.application(house.settings.model_copy(update={"broker_url": broker_url}))
    ).delete()


@pytest.fixture
def consumer() -> Iterator[Callable[[House], None]]:
    """Starts a worker that does only what Celery brings: it does not look at the tables."""
    made: list[Worker] = []

    def start(house: House) -> None:
        made.append(Worker(house))
        made[-1].pulse.beat()
        made[-1].consumer_thread.start()

    yield start
    for worker in made:
        distributed.consumer_state.should_stop = 0
        worker.stopping.set()
        worker.consumer_thread.join(20)
        assert not worker.consumer_thread.is_alive()


def queue_of(house: House) -> Queue:
    return Queue(distributed.application(house.settings))


def appointment(house: House) -> None:
    """Let somebody have an afspraak of which a reminder is due."""
    at = moments.now()
    with house.database.session() as session:
        person = Inburgeraar(kenmerk="P-1", first_name="Priya", language="en", created_at=at)
        place = Address(channel="telegram", address="1006", state="open", created_at=at)
        session.add(PersonAddress(person=person, address=place, rank=0))
        session.flush()
        afspraken.record(
            session, house, kenmerk="A-1", person=person, begins=at + timedelta(hours=22),
            minutes=60, soort=None, place="Wijkcentrum", address=None, staff=None,
            status="gepland",
        )  # fmt: skip


def reminders(house: House) -> int:
    with house.database.reading() as session:
        return session.scalar(
            select(func.count()).where(Message.key == "afspraak.reminder").select_from(Message)
        )


def said(house: House, later: int = 0) -> None:
    update = json.loads((FIXTURES / "telegram" / "text.json").read_text(encoding="utf-8"))
    update["update_id"] += later
    with house.database.session() as session:
        inbox.store(session, inbox.from_update(update, house.settings.telegram_bot_token))


def states(house: House) -> list[str]:
    with house.database.reading() as session:
        return list(session.scalars(select(InboxEvent.state)))


# ---------------------------------------------------------------------- what travels


def test_a_task_is_a_name_and_nothing_else(house):
    """A broker that somebody reads tells nothing, and one that is lost takes nothing with it."""
    for name in work.TICKS:
        Ticker(house).tick(name)
    names = []
    while (task := queue_of(house).take()) is not None:
        names.append(task.headers["task"])
        assert [[], {}] == json.loads(task.body)[:2]
        assert task.headers["eta"] is None
        assert task.headers["expires"] is not None

    assert list(work.TICKS) == names


def test_a_door_rings_over_the_broker(house):
    create_app(house).extensions["wake"]()
    until(lambda: queue_of(house).waiting() == 1)

    assert distributed.INBOX == queue_of(house).take().headers["task"]


def test_who_rings_waits_for_nobody(far_house, line):
    """A provider waits at the door; a broker that swallows everything may not keep it there."""
    line.swallows = True
    bell = Bell(far_house.settings)
    for _ in range(1000):
        bell.ring()
    until(lambda: line.calls)

    line.cut()
    bell.ring()
    line.mend()
    bell.ring()
    until(lambda: queue_of(far_house).waiting())


def test_a_clock_whose_broker_is_away_ticks_on(far_house, line):
    """Its ticks are lost, and it is none the worse for it."""
    clock = Ticker(far_house)
    line.cut()
    clock.tick("remind")
    assert clock.post.away

    line.mend()
    clock.tick("remind")
    assert not clock.post.away
    assert 1 == queue_of(far_house).waiting()


# ---------------------------------------------------------------------- what is done


def test_what_the_broker_brings_is_done_once_and_not_when_it_is_old(house, consumer):
    """After a night without workers there is one look at the tables to do, not ten thousand."""
    appointment(house)
    said(house)
    post = Post(house.settings)
    post.put("remind", timedelta(milliseconds=1))
    Bell(house.settings).ring()
    consumer(house)
    until(lambda: states(house) == ["done"])
    assert 0 == reminders(house)

    # A broker may bring a task twice: the occasion of the row knows.
    for name in ("remind", "remind"):
        post.put(name, LONG)
    said(house, 1)
    post.put("inbox", LONG)
    until(lambda: states(house) == ["done", "done"])
    assert 1 == reminders(house)


def test_a_worker_finds_its_broker_again(far_house, line):
    appointment(far_house)
    worker = Worker(far_house)
    worker.start()
    try:
        Ticker(far_house).tick("reap")
        until(lambda: queue_of(far_house).waiting() == 0)
        line.cut()
        line.mend()
        clock = Ticker(far_house)

        def ticked() -> bool:
            # One tick may go down with the old line; the clock ticks on.
            clock.tick("remind")
            return reminders(far_house) == 1

        until(ticked, seconds=45)  # sooner than it would tick by itself
    finally:
        worker.stop()

    assert not worker.consumer_thread.is_alive()
    assert not worker.inbox_thread.is_alive()


def test_a_worker_whose_line_breaks_while_it_acknowledges_asks_for_more(
    far_house, line, broker_url, consumer, monkeypatch
):
    """What it says of the tick never arrives, and nothing else tells it of the line."""
    appointment(far_house)
    real, said_before = work.TICKS["reap"], []

    def swallowed(*given):
        if not said_before:
            line.swallows = True
            said_before.append(len(line.carried))
        return real[0](*given)

    monkeypatch.setitem(work.TICKS, "reap", (swallowed, *real[1:]))
    consumer(far_house)
    # Not by the line: who publishes on one that swallows waits for an answer.
    Post(far_house.settings.model_copy(update={"broker_url": broker_url})).put("reap", LONG)
    until(lambda: said_before and len(line.carried) > said_before[0])
    line.cut()
    line.mend()
    clock = Ticker(far_house)

    def ticked() -> bool:
        clock.tick("remind")
        return reminders(far_house) == 1

    until(ticked, seconds=45)


def test_a_worker_ticks_by_itself_only_while_no_tick_comes(house):
    appointment(house)
    understudy = Understudy(house)
    assert not understudy.alone()
    understudy.tick("remind")
    assert 0 == reminders(house)

    understudy.told_at -= house.settings.broker_patience
    understudy.tick("remind")
    assert 1 == reminders(house)

    understudy.told("reap")
    assert not understudy.alone()


@pytest.mark.parametrize("broker_url", ["rabbitmq"], indirect=True)
def test_what_a_killed_worker_held_is_given_to_another(house, postgres_url, broker_url):
    """It says that it is done only when it is: what it was doing is back on the queue."""
    queue = queue_of(house)
    environment = {
        **os.environ,
        "ENGINE": "celery",
        "DATABASE_URL": postgres_url,
        "BROKER_URL": broker_url,
    }
    with house.database.session() as session:
        # Whoever looks for reminders now waits.
        session.execute(text("LOCK TABLE afspraak IN ACCESS EXCLUSIVE MODE"))
        worker = subprocess.Popen(
            [sys.executable, "-m", "bot", "work"], cwd=ROOT, env=environment,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            until(lambda: queue.workers() == 1)
            Post(house.settings).put("remind", LONG)
            until(lambda: queue.waiting() == 0)
        finally:
            worker.kill()
            worker.wait()
        until(lambda: queue.waiting() == 1)

    assert "remind" == queue.take().headers["task"]


# ---------------------------------------------------------------------- what is told


def test_the_doctor_knows_whether_the_broker_answers(far_house, line):
    assert distributed.unreachable(far_house.settings) is None
    line.cut()
    assert "Connection" in (distributed.unreachable(far_house.settings) or "")
    line.mend()


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"database_url": "sqlite:///var/stap.db"}, "DATABASE_URL"),
        ({"broker_url": "http://127.0.0.1"}, "BROKER_URL"),
        ({"broker_patience": 61}, "BROKER_PATIENCE"),
    ],
)
def test_what_cannot_work_is_refused_at_the_start(given, named):
    """A file of SQLite is no place for several machines to meet."""
    right = {"engine": "celery", "database_url": "postgresql+psycopg://stap@127.0.0.1/stap"}
    with pytest.raises(SettingsError, match=named):
        load(None, **{**right, **given})


def test_one_machine_loads_no_celery():
    """It would cost half the time that starting takes."""
    told = subprocess.run(
        [sys.executable, "-c", "import sys, app, bot.__main__, bot.commands.serving, "
         "bot.commands.doctor; print({'celery', 'kombu'} & set(sys.modules))"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert "set()" == told.stdout.strip()
