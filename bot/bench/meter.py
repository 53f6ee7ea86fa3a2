"""How long this machine itself stood still: a process that does nothing but look at the clock.

A second in which more arrived than was sent may be the machine's doing and not the pace's: what is
measured while it stood still for long counts for nothing.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

STEP = 0.001
LONG = 0.010
"""Seconds. A measurement that met a longer pause is void, and is taken again."""


class Meter:
    """The longest pause, in seconds, once the block is over."""

    worst = 0.0


@contextmanager
def meter() -> Iterator[Meter]:
    """Watch the machine while the block runs."""
    found = Meter()
    process = subprocess.Popen(
        [sys.executable, "-m", "bot.bench.meter"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield found
    finally:
        told, _ = process.communicate("\n", timeout=10)
        found.worst = float(told)


def main() -> None:
    """Look at the clock until something is said; print the longest pause."""
    import select

    with suppress(PermissionError, AttributeError):
        # Before all others: then it is the machine that is late, and not its turn.
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
    worst, last = 0.0, time.monotonic()
    while not select.select([sys.stdin], [], [], STEP)[0]:
        now = time.monotonic()
        worst = max(worst, now - last - STEP)
        last = now
    sys.stdout.write(f"{worst}\n")


if __name__ == "__main__":
    main()
