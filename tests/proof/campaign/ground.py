"""What all rounds stand on: databases, houses, the stand-in, and what forks processes."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from bot.engine import work
from bot.house import House
from proof.campaign import jobs
from proof.campaign.houses import PROVIDERS, Place, Tables, build
from proof.campaign.standin import Standin
from proof.campaign.zygote import Zygote
from proof.clocks import replace

PATIENCE = 120.0


class Stuck(AssertionError):
    """A process did not do what the round needs: the campaign itself is broken, or the house."""


class Ground:
    """Everything a round needs; made once."""

    def __init__(self, place: Place) -> None:
        self.place, self.standin = place, Standin()
        place.make()
        url = self.standin.url
        self.zygote = Zygote(lambda: jobs.prepare(place, url))
        # Only now: a process with threads must not fork.
        self.standin.start()
        self.zygote.ready()
        # Here the rounds say what time it is: who has just read it may not set it back.
        replace(work.follow_practice_clock, lambda _house: None)
        self.tables = {name: Tables(place, name) for name in place.databases}
        self.houses = self._build()
        self.slow = self._build(pace_sms=20, pace_whatsapp=20, pace_telegram=20)
        self._backlog: list[socket.socket] = []

    def _build(self, **given: float) -> dict[tuple[str, str], House]:
        return {
            (database, provider): build(self.place, database, provider, self.standin.url, **given)
            for database in self.place.databases
            for provider in PROVIDERS
        }

    def let_go(self, database: str) -> None:
        """Keep no connection of the parent to *database*."""
        for provider in PROVIDERS:
            self.houses[database, provider].database.close()
            self.slow[database, provider].database.close()

    def close(self) -> None:
        """Clear everything away."""
        self.zygote.close()
        self.standin.close()
        for database in self.place.databases:
            self.let_go(database)
        for each in self._backlog:
            each.close()
        for tables in self.tables.values():
            tables.close()
        self.place.remove()

    def full_backlog(self) -> str:
        """Return an address that never takes a connection."""
        if not self._backlog:
            deaf = socket.create_server(("127.0.0.1", 0), backlog=0)
            self._backlog.append(deaf)
            for _ in range(4):
                waiting = socket.socket()
                waiting.setblocking(False)
                with suppress(BlockingIOError):
                    waiting.connect(deaf.getsockname())
                self._backlog.append(waiting)
        return f"http://127.0.0.1:{self._backlog[0].getsockname()[1]}"

    def file(self, name: str) -> Path:
        """Return a file by which processes tell each other something."""
        return self.place.folder / name


def until(true: Callable[[], object], otherwise: str) -> None:
    """Wait until *true*; raise Stuck, saying *otherwise*, if that never comes."""
    end = time.monotonic() + PATIENCE
    while not true():
        if time.monotonic() > end:
            raise Stuck(otherwise)
        time.sleep(0.002)
