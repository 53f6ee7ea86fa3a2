"""APScheduler ticks the names of work. It holds no state and no job store.

A tick that is missed costs nothing but time: what is due stands in the tables.
"""

from __future__ import annotations

import threading
import time

import structlog
from apscheduler.schedulers.background import BackgroundScheduler

from bot.db import AWAY
from bot.engine import work
from bot.engine.steady import Watch
from bot.house import House
from bot.models.ticks import DISTRUST

log = structlog.get_logger()

AT_ONCE = 200
"""How much one tick does before it commits; a full tick is followed by another at once."""

NOTE = 15.0
"""Seconds between two times that is written down what was done: a commit each time."""


class Clock:
    """Calls every tick of `work.TICKS` at its interval until stopped."""

    def __init__(self, house: House) -> None:
        self.house = house
        self._done: set[str] = set()
        self._noted = -NOTE
        self.watch = Watch(house)
        self._noting = threading.Lock()
        self.scheduler = BackgroundScheduler(timezone="UTC")
        for name, (_, every) in work.TICKS.items():
            self.scheduler.add_job(
                self.tick,
                "interval",
                args=[name],
                seconds=every.total_seconds(),
                id=name,
                max_instances=1,
                coalesce=True,
                misfire_grace_time=None,
            )

    def tick(self, name: str) -> None:
        """Do one kind of work until nothing is left. A failure is logged; the next tick comes.

        Nothing while the clock cannot be believed: what is due, and what is too late, it decides.
        """
        do, _ = work.TICKS[name]
        try:
            if not self.watch.trusted():
                self.watch.settle()
                self._note(DISTRUST)
                return
            work.follow_practice_clock(self.house)
            while do(self.house, AT_ONCE) >= AT_ONCE:
                pass
            self._note(name)
        except AWAY:
            pass  # said by the database itself; what is due stays so
        except Exception:
            log.exception("tick failed", tick=name)

    def _note(self, name: str) -> None:
        with self._noting:
            self._done.add(name)
            if time.monotonic() - self._noted < NOTE:
                return
            self._noted, done, self._done = time.monotonic(), self._done, set()
        self.watch.compare(work.note(self.house, done))

    def start(self) -> None:
        """Begin to tick."""
        self.scheduler.start()

    def stop(self) -> None:
        """Stop ticking; a tick under way ends first."""
        self.scheduler.shutdown(wait=True)
