"""Where arrivals go: into the database, or onto the disk for as long as that is away.

A provider waits some fifteen seconds for its answer, and what it was told 2xx may never be lost.
While anything waits on the disk all that comes goes there too: so what a person said first is
stored first, and nobody waits for a database of which it is known that it is away.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from bot import logs
from bot.channels.base import Forged
from bot.db import AWAY
from bot.house import House
from bot.inserts import insert_alone
from bot.messaging import inbox, spool
from bot.messaging.inbox import Arrival
from bot.messaging.spool import ARRIVAL, Spool
from bot.models.messages import InboxEvent

log = structlog.get_logger()

WAIT = 4.0
"""Seconds that a door waits for the database: with a spool and an answer, well below 15."""

TRY_AGAIN = 1.0
"""Seconds between two tries to put in what waits on the disk."""


class Keeper:
    """Keeps every arrival of one application; *wake* is called when the inbox has more."""

    def __init__(self, house: House, wake: Callable[[], None]) -> None:
        self.database, self.wake = house.database, wake
        self.spool = Spool(house.settings.spool)
        self._one = threading.Lock()
        self._more, self._closed = threading.Event(), threading.Event()
        self._healer: threading.Thread | None = None
        if self.spool.waits(ARRIVAL):
            self._heal()

    def keep(self, arrival: Arrival) -> None:
        """Return once *arrival* outlives this process. Raises Forged, or OSError if nothing does.

        OSError means that the database is away and the disk does not take it either.
        """
        if not self.spool.waits(ARRIVAL) and self._stored(arrival):
            self._ring()
            return
        self.spool.keep(arrival)
        self._heal()

    def close(self) -> None:
        """Put nothing in any more."""
        self._closed.set()
        self._more.set()

    def _stored(self, arrival: Arrival) -> bool:
        try:
            if not inbox.stands_alone(arrival):
                with self.database.session(wait=WAIT) as session:
                    inbox.store(session, arrival)
            elif not insert_alone(self.database, InboxEvent, inbox.row_of(arrival), wait=WAIT):
                with self.database.reading() as session:
                    inbox.must_be_genuine(session, arrival)
        except Forged:
            raise
        except AWAY:
            return False
        except Exception as error:  # whatever it is: on the disk it is safe, and can be seen
            log.error("an arrival could not be stored", fault=logs.fault(error))
            return False
        return True

    def _ring(self) -> None:
        try:
            self.wake()
        except Exception:
            log.exception("nobody woke; the next look at the tables finds it")

    # ---------------------------------------------------------------- when it is back

    def _heal(self) -> None:
        self._more.set()
        with self._one:
            # Not before it is needed: a web server may fork after the application was made.
            if self._healer is None or not self._healer.is_alive():
                self._healer = threading.Thread(target=self._run, name="healer", daemon=True)
                self._healer.start()

    def _run(self) -> None:
        while not self._closed.is_set():
            self._more.wait()
            self._more.clear()
            while self.spool.waits(ARRIVAL) and not self._closed.is_set():
                try:
                    self._put_in()
                except AWAY:
                    self._closed.wait(TRY_AGAIN)
                except Exception as error:
                    log.error("what waits on the disk stays there", fault=logs.fault(error))
                    self._closed.wait(TRY_AGAIN)

    def _put_in(self) -> None:
        for some in self.spool.arrivals():
            with self.database.session() as session:
                stored = spool.put_in(session, self.spool, some)
            self.spool.forget(stored)
            self._ring()
        self.spool.sweep()
