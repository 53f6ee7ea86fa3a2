"""How long after Stop was committed the last call of a mass message begins; several workers."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bot.bench import readers
from bot.bench.drain import wait
from bot.bench.figures import Measured, at_least, at_most, figure, median
from bot.bench.place import Place
from bot.bench.provider import Provider, provider
from bot.bench.sender import Worker, environment, house_of, workers
from bot.house import House
from bot.models.broadcasts import Broadcast
from bot.outreach import broadcasts

CAP = 80
WORKERS = 4
REPEATS = 12
BEFORE = 60
"""Messages that go before each stop."""

SILENCE = 1.5
"""Seconds after a stop that are watched."""


def measure(place: Place, size: int | None = None) -> Iterator[Measured]:
    """Start and stop one mass message *size* times."""
    repeats = size or REPEATS
    with place.fresh() as url, provider(0.1) as at:
        given = environment(url, at, PACE_WHATSAPP=str(CAP))
        house = house_of(given)
        try:
            readers.gather(house, (BEFORE + CAP) * repeats)
            number = readers.announce(house)
            with (
                tempfile.TemporaryDirectory() as folder,
                workers(WORKERS, given, Path(folder)) as running,
            ):
                taken = [_stop(house, at, running, number) for _ in range(repeats)]
        finally:
            house.database.close()
    late = [seconds for seconds, _ in taken]
    yield at_most("stop.last call after it", max(late), "s", 1, place)
    yield figure("stop.median", median(late), "s", place)
    yield at_least("stop.sent before each", min(sent for _, sent in taken), "messages", 1, place)


def _stop(house: House, at: Provider, running: list[Worker], number: int) -> tuple[float, int]:
    """Stop in the midst of it; return by how many seconds the last call came after that, and how
    many had gone. Then let it go on.
    """
    before = at.count()
    wait(lambda: _tick(house) >= 0 and at.count() >= before + BEFORE, every=0.1)
    with house.database.session() as session:
        broadcasts.stop(session, session.get_one(Broadcast, number), by="An")
    stopped, sent = time.monotonic(), at.count() - before
    time.sleep(SILENCE)
    last = max(worker.calls()[-1].at for worker in running if worker.calls())
    arrived = max(moment for moment, _, _ in at.taken())
    with house.database.session() as session:
        broadcasts.resume(session, house, session.get_one(Broadcast, number), by="An")
    return max(last - stopped, arrived - stopped, 0.0), sent


def _tick(house: House) -> int:
    """Queue what has its turn, as the clock does."""
    with house.database.session() as session:
        return broadcasts.tick(session, house, 200)
