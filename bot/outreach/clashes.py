"""Bad moments for a mass message and for what it invites to: said to staff, who keep it or move it.

Nothing here knows who anybody is: the days are the same for every audience.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from bot import kalender, moments
from bot.kalender import Day
from bot.models.voortrajecten import Voortraject
from bot.outreach.intake.when import CODES

SENDING, LESSON = "sending", "lesson"


@dataclass(frozen=True, slots=True)
class Clash:
    """Something of the kalender that it meets."""

    what: str
    """SENDING or LESSON."""
    day: Day
    at: datetime
    """When it meets it first."""


def clashes(group: Voortraject | None, begins: datetime, ends: datetime) -> tuple[Clash, ...]:
    """Return what a message that goes out between these moments meets, and the lessons of *group*.

    Of each day once: the first time.
    """
    found = {(SENDING, day): begins for day in kalender.meeting(begins, ends)}
    for start, end in lessons(group) if group is not None else ():
        for day in kalender.meeting(start, end):
            found.setdefault((LESSON, day), start)
    return tuple(Clash(what, day, at) for (what, day), at in found.items())


def lessons(group: Voortraject) -> Iterator[tuple[datetime, datetime]]:
    """Yield the lessons of *group*, from its first day for as many weeks as it lasts."""
    begin, end = time.fromisoformat(group.begins), time.fromisoformat(group.ends)
    weekdays = {CODES.index(code) for code in group.days.split(",")}
    for number in range(group.weeks * 7):
        on = group.starts + timedelta(days=number)
        if on.weekday() in weekdays:
            yield (
                moments.from_local(datetime.combine(on, begin)),
                moments.from_local(datetime.combine(on, end)),
            )
