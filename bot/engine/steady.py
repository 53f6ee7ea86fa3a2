"""Whether this machine's clock can be believed.

What is due is read from the clock, so one that jumps would send reminders a day early, or let go of
what it takes to be too late. A jump is seen against a clock that nobody sets. After one, nothing is
sent and nothing is ticked here until the clock jumps back, or a provider shows the same time: so it
is after a machine slept. A clock that is not the database's is not believed either.

Leases never depend on it: they run on the database's clock.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from bot import moments
from bot.channels import dates
from bot.house import House

log = structlog.get_logger()

JUMP = timedelta(minutes=2)
"""By how much a clock may be wrong."""

AGAIN = 5.0
"""Seconds between two times that the providers are asked."""


class Watch:
    """Looks at the clock whenever somebody relies on it. For any thread."""

    def __init__(self, house: House, ask: Callable[[str], datetime | None] = dates.told_by) -> None:
        self._house, self._ask = house, ask
        self._looking, self._asking = threading.Lock(), threading.Lock()
        self._wall, self._steady = moments.machine_now(), time.monotonic()
        self._jumped = self._apart = False
        self._asked_at = -math.inf

    def trusted(self) -> bool:
        """Say whether the clock can be believed now."""
        with self._looking:
            wall, steady = moments.machine_now(), time.monotonic()
            jump = (wall - self._wall) - timedelta(seconds=steady - self._steady)
            if abs(jump) <= JUMP:
                self._wall, self._steady = wall, steady
                if self._jumped:
                    self._jumped = False
                    log.warning("the clock jumped back")
            elif not self._jumped:
                self._jumped = True
                log.error("the clock jumped", seconds=round(jump.total_seconds()))
            return not (self._jumped or self._apart)

    def compare(self, told: datetime) -> None:
        """Take in what the database's clock shows."""
        apart = moments.machine_now() - told
        was, self._apart = self._apart, abs(apart) > JUMP
        if self._apart and not was:
            log.error("the clock is not the database's", seconds=round(apart.total_seconds()))
        elif was and not self._apart:
            log.warning("the clock is the database's again")

    def settle(self) -> None:
        """After a jump: ask the providers what time it is, and believe a clock that shows that."""
        with self._asking:
            if not self._jumped or time.monotonic() - self._asked_at < AGAIN:
                return
            self._asked_at = time.monotonic()
            origins = list(dates.origins(self._house.settings))
            told = [time_there for each in origins if (time_there := self._ask(each)) is not None]
            with self._looking:
                wall, steady = moments.machine_now(), time.monotonic()
                wrong = [round((wall - each).total_seconds()) for each in told]
                if origins and not any(abs(each) <= JUMP.total_seconds() for each in wrong):
                    log.error("the clock is not believed", seconds_ahead=wrong or "nobody told")
                    return
                self._jumped, self._wall, self._steady = False, wall, steady
                log.warning("the clock is believed again")
