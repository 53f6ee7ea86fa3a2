"""How a provider tells the house something: in order per lane, a little later, from a thread.

A lane is whatever must stay in order: the callbacks of one message, the messages of one chat.
Lanes do not wait for each other. The house's clock is read and moved here too.
"""

from __future__ import annotations

import heapq
import http.client
import json
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from queue import SimpleQueue
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from phones.state import Exchange, Ground

WORKERS: Final = 8
PATIENCE: Final = 2.0
"""Seconds that closing waits for requests under way."""
CLOCK_EVERY: Final = 2.0
"""Seconds between two looks at the house's clock."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answer:
    """What came back; ``status`` None means the connection failed."""

    status: int | None
    body: bytes = b""
    content_type: str = ""
    error: str = ""
    connected: bool = True
    """False: the request never left."""

    @property
    def ok(self) -> bool:
        """Whether it is a 2xx."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def short(self) -> str:
        """Say it in a few words, for the log."""
        if self.status is None:
            return self.error
        text = self.body[:200].decode("utf-8", "replace").strip()
        return f"{self.status} {text}".strip()


def fetch(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    timeout: float = 15.0,
) -> Answer:
    """Make one HTTP request, following nothing and retrying nothing. Never raises.

    Like Twilio it waits *timeout* seconds, and at most 5 to connect.
    """
    parts = urlsplit(url)
    make = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = make(parts.hostname or "", parts.port, timeout=min(timeout, 5.0))
    try:
        try:
            connection.connect()
        except (OSError, http.client.HTTPException) as error:
            return Answer(None, error=f"geen verbinding: {error}", connected=False)
        connection.sock.settimeout(timeout)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        try:
            connection.request(method, path, body=body, headers=dict(headers or {}))
            response = connection.getresponse()
            return Answer(
                response.status, response.read(), response.headers.get("Content-Type", "")
            )
        except (OSError, http.client.HTTPException) as error:
            return Answer(None, error=f"geen antwoord: {error or type(error).__name__}")
    finally:
        connection.close()


def path_of(url: str) -> str:
    """Return path and query of a URL, as the log shows it."""
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


@dataclass
class Parcel:
    """One thing to do on a lane. ``carry`` returns seconds until a retry, or None when done."""

    carry: Callable[[], float | None]
    wait: float = 0.0
    """Seconds after it reaches the head of its lane."""
    held: bool = False
    """Its wait ends when the practice clock is moved."""


@dataclass(order=True)
class _Due:
    at: float
    turn: int
    lane: str = field(compare=False)


class Courier:
    """Carries parcels in order per lane, with a handful of threads. Close it when done."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self._lanes: dict[str, deque[Parcel]] = {}
        self._due: list[_Due] = []
        self._turns = count()
        self._changed = threading.Condition()
        self._closed = False
        self._ready: SimpleQueue[str | None] = SimpleQueue()
        self._threads = [threading.Thread(target=self._run, name="courier", daemon=True)]
        self._threads += [
            threading.Thread(target=self._work, name=f"courier-{number}", daemon=True)
            for number in range(WORKERS)
        ]
        for thread in self._threads:
            thread.start()

    def send(self, lane: str, *parcels: Parcel) -> None:
        """Put parcels at the end of a lane."""
        with self._changed:
            if self._closed or not parcels:
                return
            waiting = self._lanes.get(lane)
            if waiting is None:
                self._lanes[lane] = deque(parcels)
                self._plan(lane, parcels[0].wait)
            else:
                waiting.extend(parcels)

    def hurry(self) -> None:
        """The practice clock was moved: what was held back may go now."""
        with self._changed:
            for parcels in self._lanes.values():
                for parcel in parcels:
                    if parcel.held:
                        parcel.wait = 0.0
            for due in self._due:
                if self._lanes[due.lane][0].held:
                    due.at = 0.0
            heapq.heapify(self._due)
            self._changed.notify_all()

    def settle(self, timeout: float = 10.0) -> bool:
        """Wait until nothing is on its way; return whether that came to be. For tests."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._lanes, timeout)

    def close(self) -> None:
        """Drop what is waiting; a request that a house keeps hanging is left behind."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for _ in range(WORKERS):
            self._ready.put(None)
        until = time.monotonic() + PATIENCE
        for thread in self._threads:
            thread.join(max(until - time.monotonic(), 0))

    def _plan(self, lane: str, wait: float) -> None:
        heapq.heappush(self._due, _Due(time.monotonic() + wait, next(self._turns), lane))
        self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._closed and (not self._due or self._due[0].at > time.monotonic()):
                    self._changed.wait(self._due[0].at - time.monotonic() if self._due else None)
                if self._closed:
                    return
                lane = heapq.heappop(self._due).lane
            self._ready.put(lane)

    def _work(self) -> None:
        while (lane := self._ready.get()) is not None and not self._closed:
            self._carry(lane)

    def _carry(self, lane: str) -> None:
        with self._changed:
            parcel = self._lanes[lane][0]
        try:
            again = parcel.carry()
        except Exception:  # one broken parcel must not stop its lane
            log.exception("Could not carry a parcel on lane %s", lane)
            again = None
        with self._changed:
            if self._closed:
                return
            if again is not None:
                self._plan(lane, again)
                return
            waiting = self._lanes[lane]
            waiting.popleft()
            if waiting:
                self._plan(lane, waiting[0].wait)
            else:
                del self._lanes[lane]
                self._changed.notify_all()


def tell(
    ground: Ground,
    url: str,
    params: dict[str, Any],
    *,
    headers: Mapping[str, str],
    body: bytes,
    phone: str | None,
    complain: Callable[[Answer], str] = lambda answer: "",
) -> Answer:
    """POST to the house and write it in the log."""
    exchange = ground.note(Exchange(ground.now(), "out", "POST", path_of(url), params, phone=phone))
    answer = fetch("POST", url, headers=headers, body=body)
    with ground.changing():
        exchange.status, exchange.response = answer.status, answer.short
        exchange.complaint = complain(answer)
        exchange.valid = answer.ok and not exchange.complaint
    return answer


class HouseClock:
    """The house owns practice time. This reads it now and then, and moves it when asked.

    *jumped* is called when it was moved, *passed* each time it was looked at.
    """

    def __init__(
        self, ground: Ground, jumped: Callable[[], None], passed: Callable[[], None]
    ) -> None:
        self.ground = ground
        self._jumped, self._passed = jumped, passed
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="house-clock", daemon=True)
        self._thread.start()

    def read(self) -> bool:
        """Take over the house's time; return False (and keep the last) if it cannot be had."""
        return self._take(fetch("GET", f"{self.ground.accounts.house}/practice/clock", timeout=5))

    def move(self, form: Mapping[str, str]) -> bool:
        """Ask the house to move: ``minutes=60`` or ``to=next``. Return whether it did.

        Without a house the practice ground moves its own time.
        """
        if not self.ground.accounts.house:
            return self._move_alone(form)
        return self._take(
            fetch(
                "POST",
                f"{self.ground.accounts.house}/practice/clock",
                headers={
                    "Content-Type": "application/x-www-form-urlencoded",
                    "Accept": "application/json",
                },
                body=urlencode(form).encode(),
            )
        )

    def close(self) -> None:
        """Stop reading."""
        self._stop.set()
        self._thread.join(PATIENCE)

    def _move_alone(self, form: Mapping[str, str]) -> bool:
        ground = self.ground
        if form.get("to") == "next":
            if ground.next_moment is None:
                return False
            moment = ground.next_moment
        else:
            moment = ground.now() + timedelta(minutes=float(form["minutes"]))
        if ground.set_clock(moment, None):
            self._after_jump()
        return True

    def _take(self, answer: Answer) -> bool:
        if not answer.ok:
            return False
        try:
            told = json.loads(answer.body)
            now = datetime.fromisoformat(told["now"])
            planned = datetime.fromisoformat(told["next"]) if told.get("next") else None
        except (ValueError, KeyError, TypeError):
            return False
        if now.tzinfo is None:
            return False
        if self.ground.set_clock(now, planned):
            self._after_jump()
        return True

    def _after_jump(self) -> None:
        self._jumped()
        self._passed()

    def _run(self) -> None:
        while True:
            if self.ground.accounts.house:
                self.read()
            self._passed()
            if self._stop.wait(CLOCK_EVERY):
                return
