"""What is around a sender and goes wrong: the database, the provider, and time."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from bot import moments
from bot.channels.base import Certainty
from bot.engine import work
from bot.engine.embedded import Engine
from proof.campaign import jobs, standin
from proof.campaign.ground import until
from proof.campaign.standin import Taken
from proof.campaign.turn import CHANNELS, Turn
from proof.play import Broken

# ------------------------------------------------------------------ the database is away


def away(turn: Turn) -> None:
    """The database goes away between the call and the record; now and then its worker dies too."""
    harms = HARM[turn.database]
    for harm in turn.least(harms, "database: ", 2):
        turn.plan(2)
        killed = turn.chance.random() < 0.5
        with harms[harm](turn) as begin:
            harmed = _Once(begin)
            turn.standin.on_taken = harmed
            pid = turn.fork(jobs.send_badly, harm)
            until(harmed.done.is_set, "nobody called")
            time.sleep(turn.chance.uniform(0.0, 0.6))
            if killed:
                os.kill(pid, signal.SIGKILL)
        healed = turn.ground.file("healed")
        healed.touch()
        ended = turn.ground.zygote.wait(pid)
        healed.unlink()
        turn.must_have_ended({ended}, {0, -signal.SIGKILL} if killed else {0}, harm)
        turn.tables.leases_run_out(of_messages=False)
        turn.done[f"database: {harm}"] += 1
        turn.done["kill: while the database is away"] += ended == -signal.SIGKILL
        turn.recover()
    turn.check()


class _Once:
    """Does harm at the first message that is taken, and at no later one."""

    def __init__(self, begin: Callable[[], None]) -> None:
        self._begin, self._first, self.done = begin, threading.Lock(), threading.Event()

    def __call__(self, _taken: Taken) -> None:
        if self._first.acquire(blocking=False):
            self._begin()
            self.done.set()


@contextmanager
def _locked(turn: Turn) -> Iterator[Callable[[], None]]:
    lock = turn.tables.lock()
    try:
        yield lock.take
    finally:
        lock.release()


@contextmanager
def _by_the_process(turn: Turn) -> Iterator[Callable[[], None]]:
    """The process does it to itself as soon as this file is there: see `jobs.send_badly`."""
    harm = turn.ground.file("harm")
    try:
        yield harm.touch
    finally:
        harm.unlink(missing_ok=True)


@contextmanager
def _terminated(turn: Turn) -> Iterator[Callable[[], None]]:
    yield turn.tables.terminate


@contextmanager
def _read_only(turn: Turn) -> Iterator[Callable[[], None]]:
    try:
        yield lambda: turn.tables.read_only(True)
    finally:
        turn.tables.read_only(False)


@contextmanager
def _full(turn: Turn) -> Iterator[Callable[[], None]]:
    try:
        yield lambda: turn.tables.full(True)
    finally:
        turn.tables.full(False)


HARM: dict[str, dict[str, Any]] = {
    "sqlite": {"locked": _locked, "read-only": _by_the_process, "full": _by_the_process},
    "postgres": {
        "locked": _locked,
        "read-only": _read_only,
        "full": _full,
        "connections cut": _terminated,
    },
}


# ------------------------------------------------------------------ how a provider answers

NEVER_REACHED = ("refused", "no such name", "no TLS", "connect timeout")
"""Of the thirteen, those in which no request comes to the provider."""

EXPECTED = {
    **dict.fromkeys(NEVER_REACHED, Certainty.NOT_SENT),
    "4xx": Certainty.REJECTED,
    "429": Certainty.NOT_SENT,
    "429 with Retry-After": Certainty.NOT_SENT,
}
"""What the house must know afterwards; of all others nobody knows."""

CELLS = [
    f"{mode}, {channel}"
    for mode in (*NEVER_REACHED, *standin.MODES)
    for channels in CHANNELS.values()
    for channel in channels
]


def answers(turn: Turn) -> None:
    """Every way in which a provider may answer, on every channel."""
    for cell in turn.least(CELLS, "provider: ", 4):
        mode, channel = cell.rsplit(", ", 1)
        turn.begin("telegram" if channel == "telegram" else "twilio")
        people = dict.fromkeys(turn.somebody(1), channel)
        turn.planned = 1
        url = turn.standin.url
        if mode in NEVER_REACHED:
            url = {
                "refused": "http://127.0.0.1:9",
                "no such name": "http://nobody.invalid",
                "no TLS": url.replace("http://", "https://"),
                "connect timeout": turn.ground.full_backlog(),
            }[mode]
        else:
            takes = turn.chance.random() < 0.5
            turn.standin.answer = lambda _, mode=mode, takes=takes: standin.MODES[mode](takes)
        turn.wait(turn.fork(jobs.try_once, url, people), cell)
        turn.standin.answer = lambda _: standin.ok()
        [row] = turn.messages().values()
        expected = EXPECTED.get(mode, Certainty.UNKNOWN)
        if row.outcomes[:1] != [expected.value]:
            raise Broken("I2", f"{cell}: {row.outcomes}, and it is {expected.value}")
        turn.tables.leases_run_out(of_messages=False)
        turn.heal()
        turn.done[f"provider: {cell}"] += 1


# ------------------------------------------------------------------ time


def outage(turn: Turn) -> None:
    """Nothing ran for six hours, or three days: no late reminder, and no burst."""
    hours = {"scheduler off for 6 hours": 6, "scheduler off for 3 days": 72}
    [name] = turn.least(hours)
    begins: dict[str, datetime] = {}
    for number, channel in turn.somebody(40).items():
        at = moments.now() + timedelta(hours=turn.chance.uniform(1, 120))
        jobs.remember(turn.slow, number, channel, at)
        begins[jobs.address(number, channel)] = at
    turn.later(hours=hours[name], minutes=turn.chance.randint(0, 59))
    engine = Engine(turn.slow)
    engine.start()
    try:
        for _ in range(3):
            work.remind(turn.slow, 1000)
            turn.idle(engine)
            turn.later(hours=1)
    finally:
        engine.stop()
    _in_time(turn, begins)
    _at_pace(turn, 20)
    turn.done[name] += 1


EVENINGS = {
    "night to winter time": datetime(2026, 10, 24, 16, tzinfo=UTC),
    "night to summer time": datetime(2027, 3, 27, 16, tzinfo=UTC),
}

QUARTER = timedelta(minutes=15)


def nights(turn: Turn) -> None:
    """The two nights in which the clock changes: whatever falls due, people are up."""
    [name] = turn.least(EVENINGS)
    evening = EVENINGS[name]
    turn.begin(turn.provider, evening)
    for quarter in range(4 * 40):
        turn.plan(1, not_before=evening + quarter * QUARTER)
    engine = Engine(turn.house)
    engine.start()
    try:
        for quarter in range(4 * 41):
            turn.be(evening + quarter * QUARTER)
            turn.idle(engine)
    finally:
        engine.stop()
    for taken in turn.standin.taken:
        just_before = taken.wall - timedelta(seconds=2)
        if jobs.rests(turn.house, taken.wall) and jobs.rests(turn.house, just_before):
            raise Broken("I5", f"somebody was woken at {taken.wall}")
    if len(turn.standin.taken) < turn.planned / 2:
        raise Broken("I19", f"of {turn.planned} only {len(turn.standin.taken)} went out")
    turn.done[name] += 1


def _in_time(turn: Turn, begins: dict[str, datetime]) -> None:
    for taken in turn.standin.taken:
        if taken.wall >= begins[taken.to]:
            raise Broken("I6", f"reminded at {taken.wall} of what began at {begins[taken.to]}")
        useful = timedelta(seconds=(taken.useful_for or 0) - 1)
        if taken.wall + useful > begins[taken.to]:
            raise Broken("I6", f"may arrive at {taken.wall + useful}, after {begins[taken.to]}")
    if not turn.standin.taken:
        raise Broken("I19", "nobody was reminded of anything")


def _at_pace(turn: Turn, cap: int) -> None:
    for sender in {taken.sender for taken in turn.standin.taken}:
        at = [taken.at for taken in turn.standin.taken if taken.sender == sender]
        for first, last in zip(at, at[cap:], strict=False):
            if last - first < 0.99:
                raise Broken("I11", f"{cap + 1} within {last - first:.3f} s, at {cap} a second")
