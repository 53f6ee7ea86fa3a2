"""The rounds: each does one kind of harm for a while, heals, and compares with the truth.

A round returns what it counted, by name; it raises Broken if a law does not hold.
"""

from __future__ import annotations

import http.client
import itertools
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from bot import moments
from bot.channels.base import Certainty
from bot.engine import work
from bot.engine.embedded import Engine
from proof.campaign import jobs, points, standin
from proof.campaign.ground import CHANNELS, Ground, Stuck, until
from proof.campaign.houses import PROVIDERS
from proof.play import Broken

Round = Callable[[Ground, str, random.Random, Counter[str]], Counter[str]]
"""Given the ground, the database, its chances, and what was counted there before."""


def fewest(names: Any, prefix: str, before: Counter[str], count: int) -> list[str]:
    """Return the *count* of *names* that were done least so far."""
    return sorted(names, key=lambda name: before[prefix + name])[:count]


# ------------------------------------------------------------------ killed on the way out


def kills(
    ground: Ground, database: str, chance: random.Random, before: Counter[str]
) -> Counter[str]:
    """kill -9 at every point between claim and record."""
    done: Counter[str] = Counter()
    provider = chance.choice(PROVIDERS)
    ground.fresh(database)
    planned = 0
    for point in fewest(points.POINTS, "kill: ", before, 8):
        people = ground.somebody(chance, provider, chance.choice((1, 2, 3)))
        planned += len(people)
        ground.kill(database, provider, point, people)
        done[f"kill: {point}"] += 1
        if chance.random() < 0.3:
            ground.tables[database].leases_run_out()  # the next one finds what this one left
    ground.recover(database, provider)
    ground.check(database, planned)
    return done


def stops(
    ground: Ground, database: str, chance: random.Random, before: Counter[str]
) -> Counter[str]:
    """SIGSTOP at a point, ten minutes in which others do its work, SIGCONT."""
    done: Counter[str] = Counter()
    provider = chance.choice(PROVIDERS)
    ground.fresh(database)
    planned = 0
    frozen: list[int] = []
    for point in fewest(points.STOPPABLE, "SIGSTOP: ", before, 3):
        people = ground.somebody(chance, provider, 1)
        planned += 1
        frozen.append(ground.freeze(database, provider, point, people))
        ground.tables[database].leases_run_out(of_messages=False)
        done[f"SIGSTOP: {point}"] += 1
    ground.later(database, minutes=10)
    ground.recover(database, provider)
    calls = ground.standin.calls
    for pid in frozen:
        os.kill(pid, signal.SIGCONT)
        if ended := ground.zygote.wait(pid):
            raise Stuck(f"a process that went on ended with {ended}")
    if ground.standin.calls != calls:
        raise Broken("I4", "a process that had stood still for ten minutes made a call")
    ground.check(database, planned)
    return done


def jumps(
    ground: Ground, database: str, chance: random.Random, before: Counter[str]
) -> Counter[str]:
    """The clock of one machine is set an hour or a day wrong, in the middle of the work."""
    done: Counter[str] = Counter()
    provider = chance.choice(PROVIDERS)
    ground.fresh(database)
    wrong = {"an hour ahead": 1, "an hour behind": -1, "a day behind": -24}
    planned = 0
    for name in wrong:
        point = chance.choice(points.STOPPABLE)
        people = ground.somebody(chance, provider, 2)
        planned += 2
        pid = ground.zygote.fork(
            jobs.send_with_wrong_clock, database, provider, point, people, wrong[name]
        )
        if ended := ground.zygote.wait(pid):
            raise Stuck(f"the clock jumped at {point}, and it ended with {ended}")
        ground.tables[database].leases_run_out(of_messages=False)
        done[f"clock: {name}"] += 1
    ground.recover(database, provider)
    ground.check(database, planned)
    return done


# ------------------------------------------------------------------ several at once


def rivals(
    ground: Ground, database: str, chance: random.Random, before: Counter[str]
) -> Counter[str]:
    """Two or eight workers with one database; now and then one of them is killed."""
    done: Counter[str] = Counter()
    provider = chance.choice(PROVIDERS)
    count = 2 if before["workers: two"] <= before["workers: eight"] else 8
    ground.fresh(database)
    people = ground.somebody(chance, provider, 24)
    for number, channel in people.items():
        jobs.plan(ground.houses[database, provider], number, channel)
    pids = [ground.zygote.fork(jobs.send_all, database, provider) for _ in range(count)]
    victim = chance.choice([None, *pids])
    if victim is not None:
        turn = chance.randint(1, 20)

        def kill(_taken: Any) -> None:
            if len(ground.standin.taken) == turn:
                os.kill(victim, signal.SIGKILL)
                ground.tables[database].leases_run_out(of_messages=False)

        ground.standin.on_taken = kill
    ended = {pid: ground.zygote.wait(pid) for pid in pids}
    if wrong := {p: e for p, e in ended.items() if e and not (p == victim and e == -9)}:
        raise Stuck(f"workers ended with {wrong}")
    ground.recover(database, provider)
    ground.check(database, len(people))
    done["workers: two" if count == 2 else "workers: eight"] += 1
    if victim is not None and ended[victim] == -9:
        done["kill: one of several workers"] += 1
    return done


def clocks(
    ground: Ground, database: str, chance: random.Random, before: Counter[str]
) -> Counter[str]:
    """Two schedulers tick at the same time: everybody is reminded once."""
    provider = chance.choice(PROVIDERS)
    house = ground.houses[database, provider]
    ground.fresh(database)
    people = ground.somebody(chance, provider, 12)
    for number, channel in people.items():
        jobs.remember(house, number, channel, moments.now() + timedelta(days=6))
    ground.later(database, days=3, minutes=chance.randint(0, 300))
    pids = [ground.zygote.fork(jobs.tick, database, provider) for _ in range(2)]
    if wrong := [ended for pid in pids if (ended := ground.zygote.wait(pid))]:
        raise Stuck(f"schedulers ended with {wrong}")
    ground.recover(database, provider)
    ground.check(database, len(people))
    return Counter({"two schedulers": 1})


# ------------------------------------------------------------------ the database is away


def away(
    ground: Ground, database: str, chance: random.Random, before: Counter[str]
) -> Counter[str]:
    """The database goes away between the call and the record; now and then its worker dies too."""
    done: Counter[str] = Counter()
    provider = chance.choice(PROVIDERS)
    ground.fresh(database)
    planned = 0
    for harm in fewest(HARM[database], "database: ", before, 2):
        people = ground.somebody(chance, provider, 2)
        planned += 2
        killed = chance.random() < 0.5
        with HARM[database][harm](ground, database) as begin:
            pid = 0

            def on_taken(_taken: Any, begin: Callable[[], None] = begin) -> None:
                begin()

            ground.standin.on_taken = on_taken
            pid = ground.zygote.fork(jobs.send_badly, database, provider, harm, people)
            until(lambda count=planned: ground.standin.calls >= 1, "nobody called")
            time.sleep(chance.uniform(0.0, 0.6))
            if killed:
                os.kill(pid, signal.SIGKILL)
        ground.standin.on_taken = lambda taken: None
        ground.file("healed").touch()
        ended = ground.zygote.wait(pid)
        ground.file("healed").unlink()
        if ended and not (killed and ended == -9):
            raise Stuck(f"{harm} on {database}: it ended with {ended}")
        ground.tables[database].leases_run_out(of_messages=False)
        done[f"database: {harm}"] += 1
        if killed and ended == -9:
            done["kill: while the database is away"] += 1
        ground.recover(database, provider)
        ground.standin.calls = 0
    ground.check(database, planned)
    return done


@contextmanager
def _locked(ground: Ground, database: str) -> Iterator[Callable[[], None]]:
    lock = ground.tables[database].lock()
    try:
        yield lock.take
    finally:
        lock.release()


@contextmanager
def _by_the_process(ground: Ground, database: str) -> Iterator[Callable[[], None]]:
    """The process does it to itself as soon as this file is there: see `jobs.send_badly`."""
    harm = ground.file("harm")
    try:
        yield harm.touch
    finally:
        harm.unlink(missing_ok=True)


@contextmanager
def _terminated(ground: Ground, database: str) -> Iterator[Callable[[], None]]:
    yield ground.tables[database].terminate


@contextmanager
def _read_only(ground: Ground, database: str) -> Iterator[Callable[[], None]]:
    tables = ground.tables[database]
    try:
        yield lambda: tables.read_only(True)
    finally:
        tables.read_only(False)


HARM: dict[str, dict[str, Any]] = {
    "sqlite": {"locked": _locked, "read-only": _by_the_process, "full": _by_the_process},
    "postgres": {"locked": _locked, "read-only": _read_only, "connections cut": _terminated},
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


def modes(
    ground: Ground, database: str, chance: random.Random, before: Counter[str]
) -> Counter[str]:
    """Every way in which a provider may answer, on every channel."""
    done: Counter[str] = Counter()
    cells = [
        f"{mode}, {channel}"
        for mode in (*NEVER_REACHED, *standin.MODES)
        for channels in CHANNELS.values()
        for channel in channels
    ]
    for cell in fewest(cells, "provider: ", before, 4):
        mode, channel = cell.rsplit(", ", 1)
        provider = "telegram" if channel == "telegram" else "twilio"
        ground.fresh(database)
        people = dict.fromkeys(ground.somebody(chance, provider, 1), channel)
        url = ground.standin.url
        if mode in NEVER_REACHED:
            url = {
                "refused": "http://127.0.0.1:9",
                "no such name": "http://nobody.invalid",
                "no TLS": url.replace("http://", "https://"),
                "connect timeout": ground.full_backlog(),
            }[mode]
        else:
            takes = chance.random() < 0.5
            ground.standin.answer = lambda _, mode=mode, takes=takes: standin.MODES[mode](takes)
        pid = ground.zygote.fork(jobs.try_once, database, provider, url, people)
        if ended := ground.zygote.wait(pid):
            raise Stuck(f"{cell} on {database}: it ended with {ended}")
        ground.standin.answer = lambda _: standin.ok()
        [row] = ground.messages(database).values()
        expected = EXPECTED.get(mode, Certainty.UNKNOWN)
        if row.outcomes[:1] != [expected.value]:
            raise Broken("I2", f"{cell}: {row.outcomes}, and it is {expected.value}")
        ground.tables[database].leases_run_out(of_messages=False)
        ground.recover(database, provider)
        ground.check(database, 1)
        done[f"provider: {cell}"] += 1
    return done


# ------------------------------------------------------------------ time


def outage(
    ground: Ground, database: str, chance: random.Random, before: Counter[str]
) -> Counter[str]:
    """Nothing ran for six hours, or three days: no late reminder, and no burst."""
    name, hours = min(
        (("scheduler off for 6 hours", 6), ("scheduler off for 3 days", 72)),
        key=lambda each: before[each[0]],
    )
    provider = chance.choice(PROVIDERS)
    house = ground.slow[database, provider]
    ground.fresh(database)
    begins: dict[str, datetime] = {}
    for number, channel in ground.somebody(chance, provider, 40).items():
        at = moments.now() + timedelta(hours=chance.uniform(1, 120))
        jobs.remember(house, number, channel, at)
        begins[jobs.address(number, channel)] = at
    ground.later(database, hours=hours, minutes=chance.randint(0, 59))
    engine = Engine(house)
    engine.start()
    try:
        for _ in range(3):
            work.remind(house, 1000)
            ground.idle(house, database, engine)
            ground.later(database, hours=1)
    finally:
        engine.stop()
    _in_time(ground, begins)
    _at_pace(ground, 20)
    return Counter({name: 1})


def nights(
    ground: Ground, database: str, chance: random.Random, before: Counter[str]
) -> Counter[str]:
    """The two nights in which the clock changes: whatever falls due, people are up."""
    name, evening = min(
        (
            ("night to winter time", datetime(2026, 10, 24, 16, tzinfo=UTC)),
            ("night to summer time", datetime(2027, 3, 27, 16, tzinfo=UTC)),
        ),
        key=lambda each: before[each[0]],
    )
    provider = chance.choice(PROVIDERS)
    house = ground.houses[database, provider]
    ground.fresh(database, evening)
    planned = 0
    for quarter in range(4 * 40):
        for number, channel in ground.somebody(chance, provider, 1).items():
            jobs.plan(house, number, channel, not_before=evening + quarter * timedelta(minutes=15))
            planned += 1
    engine = Engine(house)
    engine.start()
    try:
        for quarter in range(4 * 41):
            ground.be(database, evening + quarter * timedelta(minutes=15))
            ground.idle(house, database, engine)
    finally:
        engine.stop()
    for taken in ground.standin.taken:
        if jobs.rests(house, taken.wall) and jobs.rests(house, taken.wall - timedelta(seconds=2)):
            raise Broken("I5", f"somebody was woken at {taken.wall}")
    if len(ground.standin.taken) < planned / 2:
        raise Broken("I19", f"of {planned} only {len(ground.standin.taken)} went out")
    return Counter({name: 1})


def _in_time(ground: Ground, begins: dict[str, datetime]) -> None:
    for taken in ground.standin.taken:
        if taken.wall >= begins[taken.to]:
            raise Broken("I6", f"reminded at {taken.wall} of what began at {begins[taken.to]}")
        useful = timedelta(seconds=(taken.useful_for or 0) - 1)
        if taken.wall + useful > begins[taken.to]:
            raise Broken("I6", f"may arrive at {taken.wall + useful}, after {begins[taken.to]}")
    if not ground.standin.taken:
        raise Broken("I19", "nobody was reminded of anything")


def _at_pace(ground: Ground, cap: int) -> None:
    for sender in {taken.sender for taken in ground.standin.taken}:
        at = [taken.at for taken in ground.standin.taken if taken.sender == sender]
        for first, last in zip(at, at[cap:], strict=False):
            if last - first < 0.99:
                raise Broken("I11", f"{cap + 1} within {last - first:.3f} s, at {cap} a second")


# ------------------------------------------------------------------ at the doors


def doors(
    ground: Ground, database: str, chance: random.Random, before: Counter[str]
) -> Counter[str]:
    """kill -9 between a webhook's arrival and its answer, and during the work on it."""
    done: Counter[str] = Counter()
    ground.fresh(database)
    said: dict[str, str] = {}
    thanked: set[str] = set()
    for point in fewest(points.DOORS, "webhook: ", before, len(points.DOORS)):
        sid = f"SM{len(said):032x}"
        said[sid] = jobs.address(len(said), "sms")
        pid = ground.zygote.fork(jobs.listen, database, point)
        if _knock(ground.port_of(pid), sid, said[sid]):
            thanked.add(sid)
        ended = ground.zygote.wait(pid)
        if ended != -signal.SIGKILL:
            raise Stuck(f"{point} on {database} was not reached: it ended {ended}")
        done[f"webhook: {point}"] += 1
    if missing := ground.not_kept(database, thanked):
        raise Broken("I13", f"answered 2xx and lost: {missing}")
    ground.hear(database, said, thanked)
    return done


def _knock(port: int, sid: str, sender: str) -> bool:
    """Write "help" from *sender*, as Twilio tells it; return whether it was thanked for."""
    with _Twilio(port) as twilio:
        return twilio.tells(sid, sender)


class _Twilio:
    """One connection to the doors, kept for as long as it lasts."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def __enter__(self) -> _Twilio:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def tells(self, sid: str, sender: str) -> bool:
        form = jobs.webhook(sid, sender)
        try:
            self._connection.request(
                "POST",
                jobs.REPLY,
                urlencode(form),
                {
                    "Content-Type": "application/x-www-form-urlencoded",
                    "X-Twilio-Signature": jobs.signed(form),
                },
            )
            answer = self._connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            return False
        return answer.status == 204


def flood(
    ground: Ground, database: str, chance: random.Random, before: Counter[str]
) -> Counter[str]:
    """Many write at once, and the process is killed in the middle of it."""
    ground.fresh(database)
    pid = ground.zygote.fork(jobs.listen, database, "")
    port = ground.port_of(pid)
    thanked: list[str] = []
    end = time.monotonic() + chance.uniform(1.0, 6.0)

    def write(first: int) -> None:
        with _Twilio(port) as twilio:
            for number in itertools.count(first, KNOCKING):
                sid = f"SM{number:032x}"
                if not twilio.tells(sid, jobs.address(number, "sms")):
                    return
                thanked.append(sid)

    writing = [threading.Thread(target=write, args=(number,)) for number in range(KNOCKING)]
    for thread in writing:
        thread.start()
    time.sleep(max(0.0, end - time.monotonic()))
    os.kill(pid, signal.SIGKILL)
    for thread in writing:
        thread.join()
    if (ended := ground.zygote.wait(pid)) != -signal.SIGKILL:
        raise Stuck(f"the doors ended with {ended}")
    if missing := ground.not_kept(database, thanked):
        raise Broken("I13", f"of {len(thanked)} answered 2xx were lost: {missing}")
    return Counter({"webhooks answered 2xx": len(thanked), "kill: under a flood of webhooks": 1})


KNOCKING = 8
"""Connections that write at once."""


def fuzz(
    ground: Ground, database: str, chance: random.Random, before: Counter[str]
) -> Counter[str]:
    """Webhooks as bad as can be, to a house of its own: see scripts/fuzz_doors.py."""
    if database != "sqlite":
        return Counter()
    script = Path(__file__).parents[3] / "scripts" / "fuzz_doors.py"
    seed = chance.randrange(1_000_000)
    given = ["--count", str(BAD), "--seed", str(seed), "--threads", "2"]
    told = subprocess.run(
        [sys.executable, str(script), *given],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(script.parents[1])},
    )
    if told.returncode:
        raise Broken("I13", f"seed {seed}: {told.stdout[-2000:]}{told.stderr[-2000:]}")
    return Counter({"bad requests": BAD})


BAD = 5_000


ROUNDS: dict[str, tuple[Round, float]] = {
    # What is done, and which part of the time it may take.
    "kills": (kills, 0.4),
    "doors": (doors, 0.17),
    "flood": (flood, 0.07),
    "fuzz": (fuzz, 0.06),
    "stops": (stops, 0.05),
    "jumps": (jumps, 0.04),
    "rivals": (rivals, 0.05),
    "clocks": (clocks, 0.02),
    "away": (away, 0.05),
    "modes": (modes, 0.05),
    "outage": (outage, 0.02),
    "nights": (nights, 0.02),
}
