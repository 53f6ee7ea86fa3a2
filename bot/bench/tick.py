"""What a tick of the clock costs: it should follow what is due, and not what there is.

The same 500 reminders are found among ten thousand afspraken and among a million, and as many
messages that went long ago; and then nothing is due at all.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select, text, update

from bot import house as houses
from bot import moments
from bot.bench.crowd import bulk, moment, seed
from bot.bench.expansion import stored
from bot.bench.figures import Measured, at_most, by_turns, figure, median
from bot.bench.place import Place
from bot.bench.served import settings
from bot.engine import work
from bot.house import House
from bot.models.afspraken import Afspraak
from bot.models.messages import Message
from bot.models.people import Inburgeraar
from bot.outreach import reminders

SMALL, LARGE = 10_000, 1_000_000
PEOPLE = 5_000
DUE = 500
ROUNDS = 3
EMPTY_ROUNDS = 25

EMPTY = ("remind", "broadcasts", "offer_places", "doubt", "reap", "end_sessions")
"""Ticks that ask nobody but the database."""


@dataclass(slots=True)
class City:
    """A house with many afspraken, of which so many have been made due."""

    house: House
    size: int
    used: int = 0

    def find(self) -> float:
        """Make the next DUE afspraken due; return the seconds in which a tick queued them all."""
        now = moments.now()
        first, self.used = self.used + 2, self.used + DUE
        with self.house.database.session() as session:
            session.execute(
                update(Afspraak)
                .where(Afspraak.id.between(first, first + DUE - 1))
                .values(begins=now + timedelta(hours=20), next_step_at=now)
            )
        before = self._queued()
        began = time.perf_counter()
        work.remind(self.house, DUE)
        seconds = time.perf_counter() - began
        if self._queued() - before != DUE:
            raise RuntimeError(f"{self._queued() - before} of {DUE} reminders were queued")
        with self.house.database.session() as session:
            session.execute(
                update(Message).where(Message.state == "planned").values(state="delivered")
            )
        return seconds

    def rest(self) -> float:
        """Return the seconds of one round of ticks for which nothing is due."""
        began = time.perf_counter()
        for name in EMPTY:
            work.TICKS[name][0](self.house, DUE)
        return time.perf_counter() - began

    def _queued(self) -> int:
        with self.house.database.reading() as session:
            return len(session.scalars(select(Message.id).where(Message.state == "planned")).all())


def measure(place: Place, size: int | None = None) -> Iterator[Measured]:
    """Compare a city of *size* afspraken with a small one."""
    large = size or LARGE
    with _city(place, SMALL) as little, _city(place, large) as big:
        little.find(), big.find()  # texts are loaded, plans are made
        found = by_turns(ROUNDS, little.find, big.find)
        little.rest(), big.rest()
        empty = by_turns(EMPTY_ROUNDS, little.rest, big.rest)
    ratio = median([one / other for other, one in found])
    yield at_most(f"tick.{DUE} due among {large}", ratio, f"x among {SMALL}", 2.5, place)
    ratio = median([one / other for other, one in empty])
    yield at_most(f"tick.empty among {large}", ratio, f"x among {SMALL}", 3, place)
    for what, rounds in ((f"{DUE} due", found), ("empty", empty)):
        for at, many in enumerate((SMALL, large)):
            milliseconds = 1000 * median([each[at] for each in rounds])
            yield figure(f"tick.{what}, {many}", milliseconds, "ms", place)


@contextmanager
def _city(place: Place, size: int) -> Iterator[City]:
    with place.fresh() as url:
        house = houses.build(settings(url, quiet_hours=""))
        try:
            fill(house, url, size)
            yield City(house, size)
        finally:
            house.database.close()


def fill(house: House, url: str, size: int) -> None:
    """Let there be *size* afspraken next year, and as many reminders that went long ago."""
    seed(url, PEOPLE)
    now = moments.now()
    with house.database.session() as session:
        session.add(
            Afspraak(
                kenmerk="A1",
                person=session.scalars(select(Inburgeraar).limit(1)).one(),
                begins=now + timedelta(hours=20),
                place="Wijkcentrum",
                known_at=now - timedelta(days=30),
                next_step_at=now,
            )
        )
    with house.database.session() as session:
        if reminders.tick(session, house, 1) != 1:
            raise RuntimeError("the first reminder was not due")
        session.execute(update(Message).values(state="delivered"))
    later = moment(url, now + timedelta(days=300))
    multiply(
        url,
        "afspraak",
        size,
        lambda n: {
            "kenmerk": f"A{n}",
            "person_id": n % PEOPLE + 1,
            "begins": later,
            "next_step_at": later,
        },
    )
    multiply(
        url,
        "message",
        size,
        lambda n: {
            "occasion": f"afspraak:{n}:v0:1d",
            "about": f"afspraak:{n}",
            "person_id": n % PEOPLE + 1,
            "address_id": n % PEOPLE + 1,
        },
    )
    count(house)


def multiply(url: str, table: str, size: int, differs: Callable[[int], dict[str, Any]]) -> None:
    """Fill *table* with *size* rows like the one that is in it."""
    columns, [row] = stored(url, table)
    like = dict(zip(columns, row, strict=True))
    bulk(
        url,
        table,
        columns,
        (tuple({**like, **differs(n)}.values()) for n in range(2, size + 2)),
    )


def count(house: House) -> None:
    """Let the database count its rows, as it does by itself in the long run."""
    with house.database.engine.connect().execution_options(
        isolation_level="AUTOCOMMIT"
    ) as connection:
        connection.execute(text("ANALYZE"))
