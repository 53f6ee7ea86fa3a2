"""The doors under load: nothing that was answered 2xx is lost, and who is slow holds up nobody."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

from bot.bench.crowd import postgresql_at, sqlite_at
from bot.bench.figures import Measured, at_least, at_most, figure
from bot.bench.knocking import Answers, knock, letters
from bot.bench.place import Place
from bot.bench.served import REPLY, served

MANY = 100_000
RATE = {"sqlite": 100, "postgresql": 500}
"""Webhooks a second that must be taken in steadily."""

SECONDS = 15
SLOW = 300
"""Clients that say half a request and then hardly anything."""

P99 = 250.0
PATIENCE = 60.0


def measure(place: Place, size: int | None = None) -> Iterator[Measured]:
    """Bring *size* webhooks as fast as they are taken; then steadily, also among slow clients."""
    many, rate = size or MANY, RATE[place.database]
    steady = rate * SECONDS
    with place.fresh() as url, served("ours", url) as port:
        rush = knock(port, letters(0, many))
        even = knock(port, letters(many, steady), per_second=rate)
        with _slow(port):
            among = knock(port, letters(many + steady, steady), per_second=rate)
        answered = sum(each.statuses.get(204, 0) for each in (rush, even, among))
        lost = answered - _stored(url, answered)
    yield at_most(f"doors.lost of {answered}", lost, "webhooks", 0, place)
    yield at_most("doors.not taken in", many + 2 * steady - answered, "webhooks", 0, place)
    yield at_least("doors.rate", rush.rate, "1/s", rate, place)
    yield figure("doors.p99 in the rush", rush.p99, "ms", place)
    yield from _steady(f"doors.at {rate} a second", even, place)
    yield from _steady(f"doors.among {SLOW} slow clients", among, place)


def _steady(name: str, answers: Answers, place: Place) -> Iterator[Measured]:
    yield at_most(f"{name}, p99", answers.p99, "ms", P99, place)


@contextmanager
def _slow(port: int) -> Iterator[None]:
    """Let clients hold their connection with half a request while the block runs."""
    half = b"POST %s HTTP/1.1\r\nHost: stap.example\r\nContent-Length: 400\r\nX-Slow: " % (
        REPLY.encode()
    )
    lines = []
    try:
        for number in range(SLOW):
            line = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
            lines.append(line)
            # Some stop within the headers, the others within the body.
            line.sendall(half if number % 2 else half + b"1\r\n\r\nBody=")
        yield
    finally:
        for line in lines:
            line.close()


def _stored(url: str, answered: int) -> int:
    """Return how many are in the inbox, once those that waited on the disk are there too."""
    until = time.monotonic() + PATIENCE
    while True:
        with closing(sqlite_at(url) if url.startswith("sqlite") else postgresql_at(url)) as there:
            [count] = there.execute("SELECT count(*) FROM inbox_event").fetchone() or (0,)
        if count >= answered or time.monotonic() > until:
            return int(count)
        time.sleep(0.5)
