"""How long it takes to put a backup back, from the file to a house that serves and is on hold.

As docs/operations.md has it. What only people do, such as bringing in again what staff brought
in since, is not in it.
"""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from sqlalchemy import make_url

from bot import moments
from bot.bench.crowd import seed
from bot.bench.expansion import expanded
from bot.bench.figures import Measured, at_most, figure
from bot.bench.place import Place
from bot.bench.sender import environment
from bot.bench.start import NOWHERE, start

PEOPLE = 20_000
"""Each with a message that waits: as many as one mass message may reach."""

GOAL = 3600.0


def measure(place: Place, size: int | None = None) -> Iterator[Measured]:
    """Back up a database of *size* people, and put it back into an empty one."""
    people = size or PEOPLE
    with tempfile.TemporaryDirectory(prefix="restore-") as folder, place.empty() as back:
        backup = Path(folder) / "backup"
        with place.fresh() as url:
            seed(url, people)
            expanded(url, "approve")
            expanded(url, "queue")
            start(url)  # a worker has been at work with it
            began = time.monotonic()
            _copy(url, backup)
            saved = time.monotonic() - began
        began = time.monotonic()
        _put_back(backup, back)
        given = environment(back, NOWHERE, SPOOL_DIR=folder)
        since = f"{moments.local(moments.now()):%Y-%m-%d %H:%M}"
        held = [sys.executable, "-m", "bot", "hold", "start", "--restored", "--since", since]
        subprocess.run(held, env=given, stdout=subprocess.DEVNULL, check=True)
        on_hold = time.monotonic() - began
        serves, _ = start(back)
        megabytes = backup.stat().st_size / 1e6
    yield figure("restore.people", people, "", place)
    yield figure("restore.backup", megabytes, "MB", place)
    yield figure("restore.backup made in", saved, "s", place)
    yield at_most("restore.time", on_hold + serves, "s", GOAL, place)


def _copy(url: str, backup: Path) -> None:
    if url.startswith("sqlite"):
        _sqlite(make_url(url).database or "", str(backup))
        return
    _run("pg_dump", "-Fc", "-f", str(backup), "-d", _libpq(url))


def _put_back(backup: Path, url: str) -> None:
    if url.startswith("sqlite"):
        _sqlite(str(backup), make_url(url).database or "")
        return
    _run("pg_restore", "-d", _libpq(url), str(backup))


def _sqlite(source: str, target: str) -> None:
    with closing(sqlite3.connect(source)) as one, closing(sqlite3.connect(target)) as copy:
        one.backup(copy)


def _libpq(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def _run(program: str, *given: str) -> None:
    found = shutil.which(program)
    if found is None:
        raise FileNotFoundError(program)
    subprocess.run([found, *given], check=True)
