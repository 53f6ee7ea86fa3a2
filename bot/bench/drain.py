"""A queue that is drained to a provider which takes 100 ms: how near to the cap, and never above.

The receiver's own notes are the truth. With one and with four workers, and while the one that
sends is killed.
"""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
from sqlalchemy import func, select

from bot.bench import meter, readers
from bot.bench.figures import Measured, at_least, at_most, figure
from bot.bench.place import Place
from bot.bench.provider import Provider, provider
from bot.bench.sender import Worker, environment, house_of, workers
from bot.engine.pump import AHEAD, BATCH, RECORD
from bot.house import House
from bot.models.messages import Message, Sender

CAPS = (30, 80, 400)
SECONDS = 10
LATENCY = 0.1
COMMIT = 0.05
TRIES = 3
"""How often a measurement is taken before a pause of the machine is put up with."""

PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Run:
    """What one run came to."""

    arrived: list[float]
    written: list[float]
    twice: int
    open: int
    """Messages that were handed over and of which nobody wrote down what became."""
    left: int
    """Messages that are still to go."""
    pause: float


def measure(place: Place, size: int | None = None) -> Iterator[Measured]:
    """Drain at each cap for *size* seconds."""
    for cap in CAPS:
        for number, killed in ((1, False), (4, False), (2, True)):
            name = f"drain.{cap}." + ("killed" if killed else f"{number}w")
            run = _sound(place, cap, number, size or SECONDS, killed=killed)
            yield from _rows(place, name, cap, run, killed=killed)


def _rows(place: Place, name: str, cap: int, run: Run, *, killed: bool) -> Iterator[Measured]:
    gap = max(b - a for a, b in zip(run.arrived, run.arrived[1:], strict=False))
    spent = run.arrived[-1] - run.arrived[0] - (gap if killed else 0)
    count = len(run.arrived) - (2 if killed else 1)
    yield at_least(f"{name}.pace", count / spent / cap, "of the cap", 0.98, place)
    yield at_most(f"{name}.most in a second", busiest(run.arrived), "received", cap, place)
    yield at_most(f"{name}.most written", busiest(run.written), "in a second", cap, place)
    yield at_most(f"{name}.doubled", run.twice, "messages", 0, place)
    yield at_most(f"{name}.lost", run.left, "messages", 0, place)
    if killed:
        most = cap * (BATCH + AHEAD + LATENCY + RECORD + COMMIT)
        yield at_most(f"{name}.unknown", run.open, "messages", most, place)
        yield figure(f"{name}.taken over after", gap, "s", place)
    else:
        yield at_most(f"{name}.unknown", run.open, "messages", 0, place)
    yield figure(f"{name}.pause of the machine", 1000 * run.pause, "ms", place)


def busiest(moments: Sequence[float]) -> int:
    """Return the most of *moments* that lie within any one second."""
    ordered = sorted(moments)
    most = first = 0
    for last, moment in enumerate(ordered):
        while moment - ordered[first] >= 1:
            first += 1
        most = max(most, last - first + 1)
    return most


def _sound(place: Place, cap: int, number: int, seconds: int, *, killed: bool) -> Run:
    """Take a run in which the machine did not stand still, if there is one."""
    for left in reversed(range(TRIES)):
        with place.fresh() as url, provider(LATENCY) as at:
            run = _run(url, at, cap, number, seconds, killed=killed)
        if run.pause <= meter.LONG or not left:
            break
        click.echo(f"void: the machine stood still for {1000 * run.pause:.0f} ms", err=True)
    return run


def _run(url: str, at: Provider, cap: int, number: int, seconds: int, *, killed: bool) -> Run:
    given = environment(url, at, PACE_WHATSAPP=str(cap))
    house = house_of(given)
    try:
        readers.gather(house, cap * seconds)
        with tempfile.TemporaryDirectory() as folder, meter.meter() as pauses:
            with workers(number, given, Path(folder)) as running:
                time.sleep(2)  # everybody has looked at the list of what was missed
                readers.remind(house)
                if killed:
                    _kill_owner(house, at, running, cap * seconds // 2)
                wait_until_idle(house, at)
            written = [call.at for worker in running for call in worker.calls()]
        taken = at.taken()
        times = Counter(message for _, _, message in taken)
        return Run(
            [moment for moment, _, _ in taken],
            written,
            sum(count - 1 for count in times.values()),
            _count(house, "sending", "unknown"),
            _count(house, "planned", "claimed"),
            pauses.worst,
        )
    finally:
        house.database.close()


def _kill_owner(house: House, at: Provider, running: list[Worker], after: int) -> None:
    """Kill the worker that sends, in the middle of it."""
    wait(lambda: at.count() >= after)
    with house.database.reading() as session:
        owner = session.scalars(select(Sender.owner)).one()
    pid = int(str(owner).partition("-")[0])
    next(worker for worker in running if worker.process.pid == pid).kill()


def wait_until_idle(house: House, at: Provider) -> None:
    """Wait until nothing is planned, and nothing came in for a second."""
    seen = -1

    def idle() -> bool:
        nonlocal seen
        before, seen = seen, at.count()
        return before == seen and not _count(house, "planned", "claimed")

    wait(idle, every=1.0)


def wait(true: Callable[[], bool], every: float = 0.25) -> None:
    """Wait until something is true. Raises TimeoutError if it does not come to be."""
    until = time.monotonic() + PATIENCE
    while not true():
        if time.monotonic() > until:
            raise TimeoutError("nothing more was sent")
        time.sleep(every)


def _count(house: House, *states: str) -> int:
    with house.database.reading() as session:
        asked = select(func.count()).select_from(Message).where(Message.state.in_(states))
        return session.scalars(asked).one()
