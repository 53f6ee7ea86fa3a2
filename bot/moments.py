"""Time: the only place that asks the clock, the one time zone, and the hours of rest.

A moment is an aware datetime. Storage and arithmetic are in UTC; people are spoken to in
Europe/Amsterdam. Asking the clock anywhere else would take practice time out of step.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Self
from zoneinfo import ZoneInfo

AMSTERDAM = ZoneInfo("Europe/Amsterdam")

_practice_offset = timedelta()


def now() -> datetime:
    """Return this moment in UTC: the real clock, moved by the practice offset."""
    return machine_now() + _practice_offset


def machine_now() -> datetime:
    """Return what the clock of this machine shows, in UTC, practice or not."""
    return datetime.now(UTC)


def set_practice_offset(offset: timedelta) -> None:
    """Let `now` run *offset* ahead of the real clock (behind if negative), in this process."""
    global _practice_offset
    _practice_offset = offset


def practice_offset() -> timedelta:
    """Return how far `now` runs ahead of the real clock; zero outside practice."""
    return _practice_offset


def local(moment: datetime) -> datetime:
    """Return *moment* as the clocks of Amsterdam show it; ValueError if it has no time zone."""
    if moment.tzinfo is None:
        raise ValueError(f"a moment needs a time zone: {moment.isoformat()}")
    return moment.astimezone(AMSTERDAM)


def from_local(naive: datetime) -> datetime:
    """Return the UTC moment at which the clocks of Amsterdam show *naive*.

    A time that the spring change skips moves forward by the hour skipped: 02:30 becomes
    03:30. A time that the autumn change repeats is its first occurrence, in summer time,
    whatever its ``fold``. ValueError if *naive* already has a time zone.
    """
    if naive.tzinfo is not None:
        raise ValueError(f"local time must have no time zone: {naive.isoformat()}")
    return naive.replace(tzinfo=AMSTERDAM, fold=0).astimezone(UTC)


def first_tuesday_ten(after: datetime) -> datetime:
    """Return the first Tuesday 10:00 in Amsterdam later than *after*: practice starts there."""
    today = local(after).date()
    days = (1 - today.weekday()) % 7
    start = from_local(datetime.combine(today + timedelta(days), time(10)))
    if start <= after:
        start = from_local(datetime.combine(today + timedelta(days + 7), time(10)))
    return start


MARGIN = timedelta(minutes=15)
"""How long before the hours of rest the last message leaves, so that it arrives before them."""

_WEEKDAYS = {
    name: number
    for number, names in enumerate(
        (
            "maandag ma monday mon",
            "dinsdag di tuesday tue",
            "woensdag wo wednesday wed",
            "donderdag do thursday thu",
            "vrijdag vr friday fri",
            "zaterdag za saturday sat",
            "zondag zo sunday sun",
        )
    )
    for name in names.split()
}

_PERIOD = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})")

_CLOCKS_CHANGE = time(1)
"""All of Europe changes its clocks at 01:00 UTC. Source: Directive 2000/84/EC, articles 2, 3."""

_FARTHEST = 15
"""Days to look around for an open moment: a week, and one more if that week's was skipped."""


@dataclass(frozen=True)
class QuietHours:
    """The hours and weekdays on which nobody is written to first; answers are exempt.

    Told by the clock on the wall in Amsterdam: a period holds from its first minute up to,
    not including, its last, and may pass midnight. Some moment of the week is always open.
    """

    periods: tuple[tuple[time, time], ...] = ()
    weekdays: frozenset[int] = frozenset()
    """Whole days of rest, Monday is 0."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read *text* like ``20:00-09:00,sunday``; nothing is quiet if it is empty.

        Parts are parted by ``,`` or ``+``: periods of 24-hour times, and days by their Dutch
        or English name. ValueError (in Dutch, for staff) on a part that is neither, and on
        rest without end.
        """
        periods: list[tuple[time, time]] = []
        weekdays: set[int] = set()
        for part in re.split(r"[,+]", text) if text.strip() else ():
            word = part.strip().casefold()
            if word in _WEEKDAYS:
                weekdays.add(_WEEKDAYS[word])
            else:
                periods.append(_period(word))
        quiet = cls(tuple(periods), frozenset(weekdays))
        minutes = (time(hour, minute) for hour in range(24) for minute in range(60))
        if len(weekdays) == 7 or all(quiet._rests_at(minute) for minute in minutes):
            raise ValueError(
                f"stille uren {text!r}: zo is het altijd stil en gaat er nooit iets uit"
            )
        return quiet

    def is_quiet(self, moment: datetime) -> bool:
        """Tell whether *moment* falls in the hours of rest."""
        wall = local(moment)
        return wall.weekday() in self.weekdays or self._rests_at(wall.time())

    def next_open(self, moment: datetime) -> datetime:
        """Return the first moment that is not quiet, from *moment* on; itself if it is open."""
        if not self.is_quiet(moment):
            return moment
        return next(
            turn for turn in self._turns(moment, 1) if turn > moment and not self.is_quiet(turn)
        )

    def next_rest(self, moment: datetime) -> datetime | None:
        """Return the first quiet moment, from *moment* on; None if no hour is ever quiet."""
        if self.is_quiet(moment):
            return moment
        if not self.periods and not self.weekdays:
            return None
        return next(
            turn for turn in self._turns(moment, 1) if turn > moment and self.is_quiet(turn)
        )

    def last_open(self, moment: datetime) -> datetime:
        """Return the last moment to send, up to *moment*; itself if it is open.

        That is 15 minutes before the rest around *moment* begins, or the beginning of the
        open hours before it if those are shorter than that.
        """
        if not self.is_quiet(moment):
            return moment
        instant = timedelta.resolution
        rest_begins = next(
            turn
            for turn in self._turns(moment, -1)
            if turn <= moment and self.is_quiet(turn) and not self.is_quiet(turn - instant)
        )
        opened = next(
            turn
            for turn in self._turns(rest_begins, -1)
            if turn < rest_begins and not self.is_quiet(turn) and self.is_quiet(turn - instant)
        )
        return max(opened, rest_begins - MARGIN)

    def _rests_at(self, wall: time) -> bool:
        return any(
            start <= wall < end if start < end else wall >= start or wall < end
            for start, end in self.periods
        )

    def _turns(self, around: datetime, direction: int) -> Iterator[datetime]:
        """Give every moment at which rest can begin or end, from the day of *around* onwards.

        A wall-clock time that exists twice gives both moments; a change of the clocks can
        begin or end rest by itself.
        """
        walls = {time(0), *(wall for period in self.periods for wall in period)}
        today = local(around).date()
        for days in range(_FARTHEST):
            day: date = today + timedelta(days * direction)
            turns = {
                datetime.combine(day, wall, AMSTERDAM).replace(fold=fold).astimezone(UTC)
                for wall in walls
                for fold in (0, 1)
            }
            turns.add(datetime.combine(day, _CLOCKS_CHANGE, UTC))
            yield from sorted(turns, reverse=direction < 0)


def _period(text: str) -> tuple[time, time]:
    """Read ``20:00-09:00``; 24:00 is midnight. ValueError, in Dutch, on anything else."""
    found = _PERIOD.fullmatch(text)
    if not found:
        raise ValueError(
            f"stille uren: {text!r} is geen periode (20:00-09:00) en geen dag van de week (zondag)"
        )
    hours = [int(number) for number in found.groups()]
    try:
        start = time(hours[0], hours[1])
        end = time(0) if hours[2:] == [24, 0] else time(hours[2], hours[3])
    except ValueError:
        raise ValueError(f"stille uren: {text!r} is geen tijd van de dag") from None
    if start == end:
        raise ValueError(f"stille uren: {text!r} begint en eindigt op hetzelfde moment")
    return start, end
