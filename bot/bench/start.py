"""How long `stap run` takes to serve, and how much memory it holds, beside its libraries alone."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bot.bench.figures import Measured, at_most, by_turns, figure, median
from bot.bench.place import Place
from bot.bench.provider import Provider
from bot.bench.sender import ENDING, environment, free_port

ROUNDS = 3
SETTLED = 5.0
"""Seconds after which all that it ever loads by itself is loaded."""

NOWHERE = Provider("http://127.0.0.1:9", "http://127.0.0.1:9", None)

LIBRARIES = (
    "aiohttp alembic.command apscheduler.schedulers.background babel.dates click flask httpx "
    "phonenumbers prometheus_client psycopg pydantic_settings sqlalchemy.orm structlog telegram "
    "twilio.rest waitress yaml"
)


def measure(place: Place, size: int | None = None) -> Iterator[Measured]:
    """Start it *size* times, by turns with its libraries."""
    with place.fresh() as url:
        taken = by_turns(size or ROUNDS, lambda: start(url), _libraries)
    ready = median([seconds for (seconds, _), _ in taken])
    alone = median([seconds for _, seconds in taken])
    yield at_most("start.time", ready / alone, "of its libraries", 2, place)
    yield figure("start.ready", ready, "s", place)
    yield figure("start.libraries", alone, "s", place)
    yield at_most("start.memory", max(memory for (_, memory), _ in taken), "MB", 150, place)


def start(url: str) -> tuple[float, float]:
    """Return the seconds until it serves, and the megabytes it holds when it has settled."""
    port = free_port()
    given = environment(
        url,
        NOWHERE,
        PUBLIC_URL=f"http://127.0.0.1:{port}",
        TWILIO_SMS_FROM="+3197000000000",
        TELEGRAM_BOT_TOKEN="1000:fictional",  # noqa: S106 - nobody's
    )
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "bot", "run", "--port", str(port)],
        env=given,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None  # noqa: S101 - it is a pipe
        next(line for line in process.stderr if "draait op" in line)
        seconds = time.monotonic() - began
        time.sleep(SETTLED)
        return seconds, _memory(process.pid)
    finally:
        process.terminate()
        process.communicate(timeout=ENDING)


def _memory(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def _libraries() -> float:
    began = time.monotonic()
    imports = "; ".join(f"import {name}" for name in LIBRARIES.split())
    subprocess.run([sys.executable, "-c", imports], check=True)
    return time.monotonic() - began
