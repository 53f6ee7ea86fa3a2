"""A clock that jumps: nothing goes early, nothing is let go of, and it settles by itself."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import given
from hypothesis import strategies as st
from post_office import AFSPRAAK, Office
from sqlalchemy import select

from bot import moments
from bot.channels import dates
from bot.db import clock as database_clock
from bot.engine import steady, work
from bot.engine.clock import Clock
from bot.engine.pulse import Pulse
from bot.engine.steady import Watch
from bot.models.messages import Sender
from bot.models.ticks import DISTRUST, Tick

real = moments.machine_now


class Wall:
    """The clock of this machine, which anybody may set."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return real() + self.ahead


@pytest.fixture
def wall(monkeypatch) -> Wall:
    made = Wall()
    monkeypatch.setattr(moments, "machine_now", made)
    monkeypatch.setattr(steady, "AGAIN", 0.0)
    return made


class There(ThreadingHTTPServer):
    """A provider that only tells the time; it refuses everything else, as real ones do."""

    ahead: timedelta | None = timedelta()
    asked = 0
    daemon_threads = True


class Tells(BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:
        self.server.asked += 1  # type: ignore[attr-defined]
        ahead = self.server.ahead  # type: ignore[attr-defined]
        self.send_response_only(401)
        if ahead is not None:
            self.send_header("Date", format_datetime(real() + ahead, usegmt=True))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def there() -> Iterator[There]:
    server = There(("127.0.0.1", 0), Tells)
    thread = threading.Thread(target=server.serve_forever, args=[0.02])
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def office(database_url, there, tmp_path) -> Iterator[Office]:
    url = f"http://127.0.0.1:{there.server_port}"
    made = Office(
        database_url, twilio_api_url=url, telegram_bot_token="", quiet_hours="",
        spool_dir=str(tmp_path / "spool"),
    )  # fmt: skip
    yield made
    made.close()


@pytest.mark.parametrize("jump", [timedelta(hours=1), timedelta(hours=-1), timedelta(days=-1)])
def test_after_a_jump_the_clock_is_not_believed_until_it_jumps_back(office, wall, there, jump):
    watch = Watch(office.house)
    assert watch.trusted()
    wall.ahead = jump
    assert not watch.trusted()
    watch.settle()
    assert not watch.trusted(), "the provider shows another time"

    wall.ahead = timedelta(seconds=-5)
    assert watch.trusted()
    assert 1 == there.asked


def test_a_machine_that_slept_is_believed_once_a_provider_shows_the_same_time(office, wall, there):
    """While it sleeps the clock that nobody sets stands still: that looks like a jump."""
    watch = Watch(office.house)
    wall.ahead = there.ahead = timedelta(hours=8)
    assert not watch.trusted()
    watch.settle()

    assert watch.trusted()


@pytest.mark.parametrize("tells", ["nothing", "nobody"])
def test_as_long_as_nobody_tells_the_time_the_clock_is_not_believed(office, wall, there, tells):
    """Where no provider answers nothing can be sent anyway."""
    there.ahead = None
    watch = Watch(office.house, dates.told_by if tells == "nothing" else lambda _origin: None)
    wall.ahead = timedelta(hours=3)
    assert not watch.trusted()
    watch.settle()
    assert not watch.trusted()


def test_a_second_jump_is_measured_from_before_the_first(office, wall):
    watch = Watch(office.house)
    wall.ahead = timedelta(hours=1)
    assert not watch.trusted()
    wall.ahead = timedelta(hours=2)
    assert not watch.trusted()
    wall.ahead = timedelta()
    assert watch.trusted()


@given(st.lists(st.integers(-60, 60), max_size=30))
def test_a_clock_that_is_kept_right_by_small_steps_is_believed(steps):
    """NTP moves a clock a little at a time."""
    moment = [real()]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(moments, "machine_now", lambda: moment[0])
        patch.setattr(steady.time, "monotonic", lambda: 1000.0)
        watch = Watch(None)  # type: ignore[arg-type]
        for step in steps:
            moment[0] += timedelta(seconds=step)
            assert watch.trusted()


def test_a_clock_that_is_not_the_databases_is_not_believed(office, wall):
    """Leases run on the database's; what is due must not run on another."""
    wall.ahead = timedelta(minutes=10)
    watch = Watch(office.house)
    with office.database.session() as session:
        watch.compare(database_clock(session))
    assert not watch.trusted()

    wall.ahead = timedelta()
    with office.database.session() as session:
        watch.compare(database_clock(session))
    assert not watch.trusted(), "that was a jump as well"
    watch.settle()
    assert watch.trusted()


def test_a_jump_sends_nothing_early_and_says_so(office, wall, there):
    """Without this a clock that is an hour ahead for a minute reminds everybody an hour early."""
    soon = moments.now() + timedelta(minutes=30)
    office.queue(office.person(), "soon", not_before=soon)
    pulse = Pulse(office.house, threading.Event(), lambda: None)
    ahead = moments.practice_offset()
    pulse.beat()
    moments.set_practice_offset(ahead)
    assert office.read(pulse.may_send)

    wall.ahead = timedelta(hours=1)
    assert not office.read(pulse.may_send), "before the next beat too"
    pulse.beat()
    moments.set_practice_offset(ahead)
    assert not office.read(pulse.may_send)
    assert 1 == len(office.read(lambda s: s.scalars(select(Tick).filter_by(name=DISTRUST)).all()))

    wall.ahead = timedelta()
    pulse.beat()
    moments.set_practice_offset(ahead)
    assert office.read(pulse.may_send)
    assert [] == office.claim()
    assert ["planned"] == office.states()


def test_a_jump_ticks_nothing_that_cannot_be_taken_back(office, wall, there, monkeypatch):
    """An hour too late is no use: a tick would let go of it, and nothing brings it back."""
    message = office.queue(office.person(), "now", expires_at=moments.now() + timedelta(hours=2))
    with office.database.session() as session:
        rests = database_clock(session) + timedelta(hours=9)
        session.add(
            Sender(channel="sms", paused_until=rests, pause_cause="ill", broken_since=rests)
        )
    clock = Clock(office.house)
    ahead = moments.practice_offset()
    monkeypatch.setattr(work, "follow_practice_clock", lambda _house: None)
    wall.ahead = timedelta(hours=3)
    for name in work.TICKS:
        if name not in ("approvals", "hear_missed", "reconcile"):
            clock.tick(name)
    assert moments.practice_offset() == ahead
    assert "planned" == office.state(message)
    assert AFSPRAAK["begins"] > moments.now()

    wall.ahead = timedelta()
    clock.tick("reap")
    assert "planned" == office.state(message)
