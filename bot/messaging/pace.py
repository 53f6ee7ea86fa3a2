"""The rate of one sender: evenly spaced, and never above its cap in any second."""

from __future__ import annotations

import math
import time
from collections import deque
from dataclasses import dataclass, field

GUARD = 0.0115
"""Seconds by which a sliding second is taken wider: the receiver's clock is not ours."""

EASE = 0.988
"""Part of the cap that the even spacing aims for."""

CREDIT = 0.25
"""Seconds. A pace that was held up for no longer than this makes up for it, as far as it may."""

HASTE = 0.75
"""Part of the even space between two turns while it does."""

SLACK = 0.01
"""Seconds that turns may come late without the next ones waiting for it: timers are coarse, and
what works through the tables shares the interpreter."""


@dataclass(slots=True)
class Place:
    """What somebody took of a pace, until what they send has left."""

    _pace: Pace
    _turns: int
    _kept: bool = field(default=True, init=False)

    def left(self) -> None:
        """It stands on its connection now, or never will. Said again it changes nothing."""
        if self._kept:
            self._kept = False
            self._pace.left(self._turns)


class Pace:
    """Gives out turns to send. For one asyncio loop: one sender has one owner.

    What counts as several, such as a text of three SMS, takes as many turns at once. The sliding
    log holds when what took them really left: a loop may stand still, and a call on a new
    connection waits for it to come about. Until then its turns count as if it left this moment.
    """

    def __init__(self, per_second: float) -> None:
        self.gap = 1 / (per_second * EASE)
        self.whole = max(1, math.floor(per_second))
        self.given: deque[float] = deque(maxlen=self.whole)
        self._kept = 0
        """Turns of what has not left yet."""
        self._even = self._soonest = -math.inf

    @staticmethod
    def clock() -> float:
        """Return seconds on a clock that nobody sets back."""
        return time.monotonic()

    def wait(self, turns: int = 1) -> float:
        """Return the seconds until *turns* may be taken; 0 if that is now."""
        at = max(self._even, self._soonest, self._under_cap(turns))
        return max(0.0, at - self.clock())

    def take(self, turns: int = 1) -> Place:
        """Take *turns* now; the place is to be told when what took them leaves."""
        now, space = self.clock(), turns * self.gap
        # What the cap held is made up for by no more than a timer is late, or the same hole would
        # come back every second.
        due = max(self._even, self._under_cap(turns) - SLACK)
        self._even = (due if now - due <= CREDIT else now) + space
        self._soonest = max(self._soonest, now - SLACK) + space * HASTE
        self._kept += min(turns, self.whole)
        return Place(self, min(turns, self.whole))

    def left(self, turns: int) -> None:
        """What took *turns* leaves now: that is when they count."""
        self._kept -= turns
        self.given.extend([self.clock()] * turns)

    def _under_cap(self, turns: int) -> float:
        """Return when *turns* more are not too many for the second that they end.

        What is more than a second's worth takes the whole of one, and its space afterwards.
        """
        before = self.whole - min(turns, self.whole) + 1 - self._kept
        if before <= 0:
            return self.clock() + 1 + GUARD
        return self.given[-before] + 1 + GUARD if len(self.given) >= before else -math.inf
