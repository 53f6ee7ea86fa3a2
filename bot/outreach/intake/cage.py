"""Opens workbooks and calendars in a process of its own, with little memory and little time.

A file of 10 kB can ask for 10 GB, or for all days until the year 9999. Whatever it asks, the
process that reads it may have 256 MB and 1.5 seconds of work; it never sees our settings.
Run as a module, this is that process: the file comes in on standard input, lines of JSON go
out: first what is known of the whole, then a line a row; a refusal comes last.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bot.outreach.intake.sheet import Unreadable
from bot.told import tell

MEMORY = 256 * 1024 * 1024
WORK_SECONDS = 1.5
"""Processor time, so that a busy machine refuses no honest file."""
PATIENCE_SECONDS = 30
"""Time on the clock, for a process that does not work and does not end either."""

_TOO_MUCH = {
    "xlsx": tell(
        "Het Excel-bestand is beschadigd, of er is te veel tijd of geheugen voor nodig. Kopieer "
        "alleen de rijen met gegevens naar een nieuw, leeg bestand en probeer het opnieuw."
    ),
    "ics": tell(
        "De agenda is beschadigd, of er is te veel tijd voor nodig, bijvoorbeeld door een "
        "herhaling die nooit voorkomt. Neem een kortere periode en probeer het opnieuw."
    ),
}


def opened(form: str, data: bytes, now: str) -> list[Any]:
    """Return what *data* holds: a mapping about the whole, then a list per row.

    *form* is ``xlsx`` or ``ics``; *now* is this moment in ISO 8601. Raises Unreadable.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-m", "bot.outreach.intake.cage", form, now],
            input=data,
            capture_output=True,
            cwd=Path(__file__).parents[3],
            env={"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
            timeout=PATIENCE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Unreadable(_TOO_MUCH[form]) from None
    if done.returncode:
        raise Unreadable(_TOO_MUCH[form])
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    if isinstance(lines[-1], dict) and (why := lines[-1].get("unreadable")):
        raise Unreadable(why)
    return lines


def _lock() -> None:
    """Take away what reading a file does not need, before any of it is read."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    signal.setitimer(signal.ITIMER_PROF, WORK_SECONDS)  # ends the process when it rings


def _lines(form: str, data: bytes, now: str) -> Iterator[Any]:
    if form == "xlsx":
        from bot.outreach.intake import caged_xlsx

        return caged_xlsx.lines(data)
    from bot.outreach.intake import caged_ics

    return caged_ics.lines(data, now)


def main() -> None:
    """Read standard input, write lines of JSON; exit 0 also when the file is refused."""
    _lock()
    form, now = sys.argv[1:]
    try:
        for line in _lines(form, sys.stdin.buffer.read(), now):
            _write(line)
    except Unreadable as error:
        _write({"unreadable": str(error)})


def _write(line: Any) -> None:
    sys.stdout.buffer.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")


if __name__ == "__main__":
    main()
