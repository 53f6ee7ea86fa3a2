"""The pulse of a worker: it looks after the disk and the database while the others work.

Every few seconds it puts in what waits on the disk, counts the database up and finds out whether
that is the one it was. Until it has done so once, nothing is read and nothing is sent.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog
from sqlalchemy.orm import Session

from bot import logs
from bot.db import AWAY, clock
from bot.engine import spooled, work
from bot.engine.clock import AT_ONCE
from bot.engine.steady import Watch
from bot.house import House
from bot.messaging import installation
from bot.messaging.installation import Evidence
from bot.messaging.spool import ARRIVAL, OUTCOME, Spool
from bot.models.ticks import DISTRUST

log = structlog.get_logger()

BEAT = 10.0
"""Seconds between two times that the database is counted up. What happens between the last and a
restored backup is not noticed; what is noticed, is looked up from the one before."""

LOOK = 1.0
"""Seconds between two looks at the disk, and between two tries while the database is away."""


class Pulse:
    """One for every worker; *arrived* is called when something was put in the inbox."""

    def __init__(
        self, house: House, stopping: threading.Event, arrived: Callable[[], None]
    ) -> None:
        self.house, self.stopping, self.arrived = house, stopping, arrived
        self.spool = Spool(house.settings.spool)
        self.seen = Evidence.found(self.spool)
        self.ready = threading.Event()
        self.thread = threading.Thread(target=self._run, name="pulse", daemon=True)
        self.copy = False
        self.watch = Watch(house)
        self._next = 0.0
        self._kept = True

    def wait(self) -> None:
        """Wait for the first beat, or the end of the process."""
        while not self.stopping.is_set() and not self.ready.wait(0.05):
            pass

    def may_send(self, session: Session) -> bool:
        """Say, in the transaction of a claim, whether anything may be sent from this database."""
        return (
            self.ready.is_set()
            and self.watch.trusted()
            and not self.spool.waits(OUTCOME)
            and installation.may_send(session, self.house, self.seen)
        )

    def beat(self) -> None:
        """Put in what waits, count the database up, and hold it if it is not what it was."""
        work.follow_practice_clock(self.house)
        if spooled.put_in(self.house):
            self.arrived()
        with self.house.database.session() as session:
            seen, held = installation.check_in(session, self.house, self.seen)
            found = installation.found(session)
            why = found.held_why if found is not None else None
            self.copy = installation.is_copy(session, self.house.settings.environment)
            self.watch.compare(clock(session))
        self.seen = seen
        self._keep_evidence()
        if held:
            log.error("nothing is sent: the database is on hold", why=why)
        believed = self.watch.trusted()
        if why == installation.RESTORED and believed:
            # First, so that what people answered since finds the question.
            for do in (work.remind, work.doubt):
                while do(self.house, AT_ONCE) >= AT_ONCE and not self.stopping.is_set():
                    pass
        self.ready.set()
        if not believed:
            self.watch.settle()
            work.note(self.house, [DISTRUST])

    def _keep_evidence(self) -> None:
        try:
            self.seen.keep(self.spool)
            self._kept = True
        except OSError as error:
            if self._kept:
                log.error("the disk takes nothing", fault=logs.fault(error))
            self._kept = False

    def _run(self) -> None:
        while not self.stopping.is_set():
            waits = self.spool.waits(OUTCOME) or self.spool.waits(ARRIVAL)
            if waits or time.monotonic() >= self._next:
                try:
                    self.beat()
                    self._next = time.monotonic() + BEAT
                except AWAY:
                    pass  # said by the database itself
                except Exception as error:
                    log.error("the pulse stumbles", fault=logs.fault(error))
            self.stopping.wait(LOOK)
