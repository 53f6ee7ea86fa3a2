"""A mass message becomes rows, beside the database's own bulk insert of the same rows.

The work of one size is done in a process of its own, so that what it holds in memory can be told:
``python -m bot.bench.expansion DATABASE_URL`` looks, approves, and queues a message for everyone.
"""

from __future__ import annotations

import gc
import json
import re
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, select, update

from bot import house as houses
from bot import moments
from bot.bench.crowd import bulk, postgresql_at, seed, sqlite_at
from bot.bench.figures import Measured, at_least, at_most, by_turns, figure, median
from bot.bench.place import Place
from bot.bench.served import ROOT, settings
from bot.house import House
from bot.models.broadcasts import Broadcast
from bot.models.messages import Message
from bot.models.voortrajecten import Voortraject
from bot.outreach import broadcasts
from bot.outreach import voortraject as groups
from bot.outreach.preview import preview
from bot.wording.languages import shipped

PEOPLE = 100_000
SMALL, LARGE = 10_000, 1_000_000
ROUNDS = 3

FIRST = 200
"""Messages queued before the clock runs: whoever is first reads the texts of all languages."""

BATCH = 2_000
"""Messages queued in one transaction."""

WRITTEN = ("deelname", "message")
"""The tables that an invitation for many fills."""


def measure(place: Place, size: int | None = None) -> Iterator[Measured]:
    """Expand one mass message for *size* people, and for others to see what memory it takes."""
    people = size or PEOPLE
    with place.fresh() as prepared:
        seed(prepared, people)
        first = expanded(prepared, "approve")
        with place.copy_of(prepared) as written:
            expanded(written, "queue")
            rows = {table: stored(written, table) for table in WRITTEN}

        def ours() -> dict[str, float]:
            with place.copy_of(prepared) as url:
                return expanded(url, "queue")

        def raw() -> float:
            with place.copy_of(prepared) as url:
                began = time.perf_counter()
                for table, (columns, brought) in rows.items():
                    bulk(url, table, columns, brought, whole=True)
                return time.perf_counter() - began

        rounds = by_turns(ROUNDS, ours, raw)
    ratio = median([seconds / one["seconds"] for one, seconds in rounds])
    goal = 0.50 if place.database == "sqlite" else 0.45
    yield at_least("expansion.rate_ratio", ratio, "x bulk", goal, place)
    rate = median([people / one["seconds"] for one, _ in rounds])
    yield figure("expansion.rate", rate, "people/s", place)
    bulk_rate = median([people / seconds for _, seconds in rounds])
    yield figure("expansion.rate_bulk", bulk_rate, "people/s", place)
    yield figure("expansion.languages", len(shipped()), "", place)
    again = median([one["again"] for one, _ in rounds])
    yield figure("expansion.again", people / again, "people/s", place)
    yield at_most("expansion.memory", max(one["mb"] for one, _ in rounds), "MB", 100, place)
    yield figure("expansion.preview", people / first["preview"], "people/s", place)
    yield figure("expansion.approve", people / first["approve"], "people/s", place)
    if size is None:
        small, large = (_memory(place, many) for many in (SMALL, LARGE))
        yield figure(f"expansion.memory, {SMALL} people", small, "MB", place)
        yield at_most(f"expansion.memory, {LARGE} people", large, "MB", 100, place)


def _memory(place: Place, people: int) -> float:
    """Return the megabytes that queuing a message for *people* takes, at its most."""
    with place.fresh() as url:
        seed(url, people)
        looked = expanded(url, "approve")["mb"]
        return max(looked, expanded(url, "once")["mb"])


def expanded(url: str, what: str) -> dict[str, float]:
    """Do one part of the work in a process of its own; return what it took."""
    command = [sys.executable, "-m", "bot.bench.expansion", url, what]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    told: dict[str, float] = json.loads(done.stdout)
    return told


def stored(url: str, table: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return the columns of *table* but its id, and all that it holds, ready for the driver."""
    query = f"SELECT * FROM {table} ORDER BY id"  # noqa: S608 - a table of ours
    with closing(sqlite_at(url) if url.startswith("sqlite") else postgresql_at(url)) as connection:
        cursor = connection.execute(query)
        columns = [column[0] for column in cursor.description or ()]
        at = columns.index("id")
        rows = [tuple(map(_ready, row[:at] + row[at + 1 :])) for row in cursor]
    return columns[:at] + columns[at + 1 :], rows


def _ready(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value


# ------------------------------------------------------------------ in a process of its own


def main(url: str, what: str) -> None:
    """Do one part of the work over the people who are there, and tell what it took."""
    built = houses.build(
        settings(url, quiet_hours="", pace_whatsapp=1000, pace_sms=1000, pace_telegram=1000)
    )
    # More people than any gemeente lets one message go to.
    caps = replace(built.gemeente.caps, per_broadcast=sys.maxsize, per_staff_per_day=sys.maxsize)
    house = replace(built, gemeente=replace(built.gemeente, caps=caps))
    took = {"approve": _approve, "queue": _queue, "once": _once}[what](house)
    house.database.close()
    print(json.dumps(took))  # noqa: T201 - whoever started us reads it


def _approve(house: House) -> dict[str, float]:
    """Draft a mass message for everyone, look at it, and let it go."""
    with house.database.session() as session:
        group = Voortraject(
            kenmerk="V1",
            theme="Actief in de wijk",
            place="Buurthuis De Brug",
            address="Brugstraat 4",
            days="mo,we",
            begins="09:00",
            ends="11:30",
            starts=(moments.local(moments.now()) + timedelta(days=30)).date(),
            weeks=26,
            seats=12,
        )
        session.add(group)
        session.flush()
        made = broadcasts.draft(
            session,
            house,
            by="An",
            name="Kom erbij",
            key=groups.INVITATION,
            voortraject_id=group.id,
            window_until=None,
            first=2**31 - 1,
        )
    before = _resident()
    began = time.perf_counter()
    with house.database.reading() as session:
        seen = preview(session, house, session.get_one(Broadcast, made.id), set(shipped()))
    looked = time.perf_counter()
    with house.database.session() as session:
        found = session.get_one(Broadcast, made.id)
        broadcasts.approve(session, house, found, seen, by="Bo", count=seen.count)
        broadcasts.send(session, house, found, by="An")
    return {
        "preview": looked - began,
        "approve": time.perf_counter() - looked,
        "mb": _most_resident() - before,
    }


def _queue(house: House) -> dict[str, float]:
    """Queue a message for everyone, and then once more, as after a crash that lost the mark."""
    before = _resident()
    first, _ = _tick(house, FIRST)
    seconds, queued = _run(house)
    queued += first
    with house.database.session() as session:
        found = session.scalars(select(Broadcast)).one()
        found.expanded_to, found.state = {}, "sending"
    again, _ = _run(house)
    most = _most_resident()
    with house.database.reading() as session:
        there = session.scalar(select(func.count()).select_from(Message))
    if there != queued:
        raise RuntimeError(f"{queued} were queued, and then there were {there}")
    return {"seconds": seconds, "again": again, "mb": most - before}


def _once(house: House) -> dict[str, float]:
    """Queue a message for everyone."""
    before = _resident()
    seconds, _ = _run(house)
    return {"seconds": seconds, "mb": _most_resident() - before}


def _run(house: House) -> tuple[float, int]:
    """Let it run until nothing is queued any more; what is queued goes out between two ticks."""
    seconds, queued = 0.0, 0
    while True:
        some, took = _tick(house, BATCH)
        seconds += took
        if not some:
            return seconds, queued
        queued += some


def _tick(house: House, most: int) -> tuple[int, float]:
    """Queue at most so many, and let them go out; return how many, and what queuing took."""
    began = time.perf_counter()
    with house.database.session() as session:
        some = broadcasts.tick(session, house, most)
    took = time.perf_counter() - began
    with house.database.session() as session:
        session.execute(
            update(Message)
            .where(Message.state == "planned")
            .values(state="delivered")
            .execution_options(synchronize_session=False)
        )
    return some, took


def _resident() -> float:
    """Return the megabytes that this process holds now."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def _most_resident() -> float:
    """Return the most megabytes that this process ever held.

    Not by getrusage(2): its ru_maxrss survives execve(2), so it is that of whoever started us.
    """
    told = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    if told is None:
        raise RuntimeError("the kernel does not tell how much memory was used")
    return int(told[1]) / 1024


if __name__ == "__main__":
    main(*sys.argv[1:])
