"""Days and hours that may be a bad moment for a message or a lesson: content/kalender.yaml.

They are said to staff before they send, and decide nothing: what anybody believes is not known.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from bot import moments
from bot.gemeente import CONTENT

ALL_DAY = (time(), time.max)


class KalenderError(Exception):
    """The list of days cannot be used; says in Dutch which line, and why."""


@dataclass(frozen=True, slots=True)
class Day:
    """A day, or several in a row, and which hours of them are meant."""

    name: str
    first: date
    last: date
    hours: tuple[time, time] = ALL_DAY
    moon: bool = False
    """Computed beforehand: it may be a day earlier or later, as the moon is seen."""

    def meets(self, begins: datetime, ends: datetime) -> bool:
        """Say whether any of it lies between these moments."""
        start, end = moments.local(begins), moments.local(ends)
        slack = timedelta(days=self.moon)
        on = max(self.first - slack, start.date())
        while on <= min(self.last + slack, end.date()):
            opens, shuts = (moments.from_local(datetime.combine(on, at)) for at in self.hours)
            if opens <= ends and begins < shuts:
                return True
            on += timedelta(days=1)
        return False


@cache
def days(path: Path = CONTENT / "kalender.yaml") -> tuple[Day, ...]:
    """Return all days of the list, read once. Raises KalenderError."""
    try:
        told = yaml.safe_load(path.read_text(encoding="utf-8")) or []
        return tuple(_day(number, each) for number, each in enumerate(told, 1))
    except (yaml.YAMLError, OSError) as error:
        raise KalenderError(f"{path.name} is niet te lezen: {error}") from error


def meeting(begins: datetime, ends: datetime) -> Iterator[Day]:
    """Yield the days that something between these moments would meet."""
    return (day for day in days() if day.meets(begins, ends))


def known_until() -> date:
    """Return the last day of the list: after it nothing is warned of."""
    return max(day.last for day in days())


def _day(number: int, told: Any) -> Day:
    try:
        hours = ALL_DAY
        if "hours" in told:
            begin, end = (time.fromisoformat(each) for each in told["hours"].split("-"))
            hours = (begin, end)
        day = Day(
            str(told["name"]),
            told["from"],
            told.get("until", told["from"]),
            hours,
            bool(told.get("moon", False)),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise KalenderError(f"kalender.yaml, dag {number}: klopt niet ({error})") from error
    strange = set(told) - {"name", "from", "until", "hours", "moon"}
    if (
        strange
        or not (type(day.first) is type(day.last) is date)
        or day.last < day.first
        or hours[1] <= hours[0]
    ):
        raise KalenderError(f"kalender.yaml, dag {number} ({day.name}): klopt niet")
    return day
