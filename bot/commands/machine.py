"""What `stap doctor` says of the machine: its database, its clock and its disk."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from bot import moments
from bot.channels import dates
from bot.db import clock
from bot.house import House
from bot.models.ticks import DISTRUST, STILL, Tick

OLDEST_POSTGRESQL = 14
"""The oldest that its makers still mend. Source: postgresql.org/support/versioning (2026)."""

LARGEST_OFFSET = timedelta(seconds=30)
"""How far a clock may be wrong; a worker stops sending at two minutes."""

NOTHING_DONE = timedelta(minutes=3)

LEAST_FREE = 1024**3
"""Bytes: half a day of webhooks at their busiest."""


def database(session: Session, told: list[str]) -> Iterator[str]:
    """Say what is wrong with how the database keeps things; put what it is in *told*."""
    if session.get_bind().dialect.name == "sqlite":
        yield from _sqlite(session, told)
    else:
        yield from _postgresql(session, told)


def _sqlite(session: Session, told: list[str]) -> Iterator[str]:
    version = session.execute(text("SELECT sqlite_version()")).scalar_one()
    journal = str(session.execute(text("PRAGMA journal_mode")).scalar_one()).upper()
    full = int(session.execute(text("PRAGMA synchronous")).scalar_one()) >= 2
    told.append(f"Database: SQLite {version}, {journal}, {'FULL' if full else 'niet FULL'}.")
    if journal != "WAL" or not full:
        yield (
            "De database schrijft niet met WAL en FULL: bij stroomuitval kan verdwijnen wat al "
            "bevestigd was. Staat zij op een netwerkschijf? Zet haar op een eigen schijf."
        )


def _postgresql(session: Session, told: list[str]) -> Iterator[str]:
    def shown(name: str) -> str:
        return str(session.execute(text(f"SHOW {name}")).scalar_one())

    number = int(shown("server_version_num")) // 10_000
    told.append(f"Database: PostgreSQL {shown('server_version').split()[0]}.")
    if number < OLDEST_POSTGRESQL:
        yield (
            f"PostgreSQL {number} krijgt geen verbeteringen meer. Ga naar {OLDEST_POSTGRESQL} of "
            "nieuwer."
        )
    for name in ("fsync", "full_page_writes", "synchronous_commit"):
        if shown(name) == "off":
            yield (
                f"In PostgreSQL staat {name} uit: bij stroomuitval kan verdwijnen wat al bevestigd "
                "was. Zet het aan."
            )


def works(session: Session) -> Iterator[str]:
    """Say that nobody works any more, or that a worker does not believe its clock."""
    now, done = clock(session), {row.name: row.at for row in session.scalars(select(Tick))}
    distrust = done.pop(DISTRUST, None)
    if distrust is not None and now - distrust < STILL:
        yield (
            "Een werker of klok gelooft de tijd van zijn machine niet: die versprong. Niets gaat "
            "uit tot een provider dezelfde tijd noemt. Herstel de tijd (NTP) en herstart hem dan."
        )
    last = max(done.values(), default=None)
    if last is not None and now - last > NOTHING_DONE:
        yield (
            f"Er is niet gewerkt sinds {moments.local(last):%d-%m-%Y %H:%M}. Start de werker en de "
            "klok: stap work en stap clock, of stap run."
        )


def clocks(house: House, session: Session | None, told: list[str]) -> Iterator[str]:
    """Compare this machine's clock with the database's and with the providers'."""
    others: list[tuple[str, datetime | None]] = []
    if session is not None and session.get_bind().dialect.name != "sqlite":
        others.append(("de database", clock(session)))
    for origin in dates.origins(house.settings):
        there = dates.told_by(origin)
        others.append((urlsplit(origin).hostname or origin, there))
    for name, moment in others:
        if moment is None:
            told.append(f"Klok: {name} zegt niet hoe laat het is.")
            continue
        ahead = moments.machine_now() - moment
        if abs(ahead) > LARGEST_OFFSET:
            way = "voor" if ahead > timedelta() else "achter"
            yield (
                f"De klok van deze machine loopt {abs(ahead).total_seconds():.0f} seconden {way} "
                f"op die van {name}. Zet de tijd goed (NTP): boven twee minuten wordt er niets "
                "verstuurd."
            )
        else:
            told.append(f"Klok: gelijk met {name}.")


def disk(house: House, told: list[str]) -> Iterator[str]:
    """Say where the disk is almost full."""
    places = [house.settings.spool]
    file = house.database.url.database
    if house.database.url.get_backend_name() == "sqlite" and file:
        places.append(Path(file).parent)
    seen: set[int] = set()
    for place in places:
        there = next(each for each in (place, *place.absolute().parents) if each.exists())
        if (device := there.stat().st_dev) in seen:
            continue
        seen.add(device)
        usage = shutil.disk_usage(there)
        free = f"{usage.free / 1024**3:.1f} GB".replace(".", ",")
        told.append(f"Schijf: {free} vrij bij {place}.")
        if usage.free < LEAST_FREE:
            yield (
                f"De schijf bij {place} is bijna vol: {free} vrij. Maak ruimte: als zij vol is, "
                "gaat er niets meer uit, en daarna komt er niets meer binnen."
            )
