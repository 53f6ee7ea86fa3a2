"""The engine of many machines: Celery carries the names of work to them, the tables carry the work.

A task is a name and nothing else: the tick of a clock, or that something came in. So a broker
holds nothing that is not in the tables; one that is wiped, doubles or delays loses nothing and
sends nothing twice. Every worker looks at the tables by itself as well, and one that has seen
no tick for a while ticks by itself until they come again: a lost broker costs that while, once.

Settings may say `ENGINE=celery`; only then is this module loaded.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta

import structlog
from celery import Celery
from celery.worker import state as consumer_state
from sqlalchemy import make_url

from bot import logs
from bot.db import AWAY
from bot.engine import work
from bot.engine.clock import AT_ONCE, Clock
from bot.engine.embedded import Engine
from bot.engine.pump import POLL
from bot.house import House
from bot.settings import Settings

log = structlog.get_logger()

INBOX = "inbox"
"""The name that says something came in; all others are those of `work.TICKS`."""

WAKE_COUNTS_FOR = timedelta(seconds=5)
"""By then every worker has looked at the tables unasked."""

CONNECT = 2.0
"""Seconds for one attempt to reach the broker."""

ENDING = 10.0
"""Seconds for a worker to let go of its broker; what it held is given to another."""


def application(settings: Settings) -> Celery:
    """Return the Celery application of this installation; nothing is contacted yet.

    Its queue is named after the database: whoever shares that shares the work, and nobody else.
    """
    app = Celery("stap", broker=settings.broker_url, set_as_current=False)
    app.conf.update(
        task_default_queue=f"stap-{make_url(settings.database_url).database}",
        task_default_delivery_mode="transient",
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        # A worker that dies had not said it was done: another does it over, and finds it done.
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        # With one alone a Redis that goes while a tick is acknowledged would never be missed: the
        # place stays taken, so nothing more is asked for, and nobody notices that the line is dead.
        worker_prefetch_multiplier=2,
        worker_concurrency=1,
        worker_pool="solo",
        # Workers have nothing to say to each other.
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        worker_cancel_long_running_tasks_on_connection_loss=True,
        # Who publishes tries twice, for the first may find a line that is dead, and goes on; who
        # consumes tries for ever.
        task_publish_retry=True,
        task_publish_retry_policy={"max_retries": 1, "interval_start": 0},
        broker_transport_options={
            "max_retries": 0,
            "socket_connect_timeout": CONNECT,
            "socket_timeout": ENDING,
            "socket_keepalive": True,
        }
        if settings.broker_url.startswith("redis")
        else {"max_retries": 0},
        broker_connection_timeout=CONNECT,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
    )
    return app


def unreachable(settings: Settings) -> str | None:
    """Name what keeps the broker from being reached; None if it can be."""
    with application(settings).connection_for_write() as connection:
        try:
            connection.ensure_connection(max_retries=0)
        except Exception as error:  # every transport has errors of its own
            return _kind(error)
    return None


def _kind(error: Exception) -> str:
    """Name the kind of *error*; the libraries wrap it in one that says little."""
    return type(error.__cause__ or error).__name__


class Post:
    """Puts names on the queue. A broker that is away is logged once, and then its return."""

    def __init__(self, settings: Settings) -> None:
        self.app = application(settings)
        self.away = False

    def put(self, name: str, counts_for: timedelta) -> bool:
        """Publish *name*, which nobody need act on after *counts_for*; say whether it went."""
        try:
            self.app.send_task(name, expires=counts_for.total_seconds())
        except Exception as error:  # every transport has errors of its own; none may stop us
            if not self.away:
                log.warning("the broker is away", error=_kind(error))
            self.away = True
            return False
        if self.away:
            log.warning("the broker is back")
        self.away = False
        return True


class Bell:
    """Tells the workers that something came in. Whoever rings does not wait for the broker."""

    def __init__(self, settings: Settings) -> None:
        self.post = Post(settings)
        self._rung = threading.Event()
        self._first = threading.Lock()
        self._thread: threading.Thread | None = None

    def ring(self) -> None:
        """Have a worker look at the inbox now; rings that come together are one."""
        self._rung.set()
        with self._first:
            # Not before: a web server may fork after the application was made.
            if self._thread is None:
                self._thread = threading.Thread(target=self._carry, name="bell", daemon=True)
                self._thread.start()

    def _carry(self) -> None:
        while True:
            self._rung.wait()
            self._rung.clear()
            if not self.post.put(INBOX, WAKE_COUNTS_FOR):
                time.sleep(POLL)


class Ticker(Clock):
    """The clock of many machines: it publishes each tick, and a worker does it."""

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self.post = Post(house.settings)

    def tick(self, name: str) -> None:
        """Publish one tick. Nobody acts on it once the next one is due."""
        _, every = work.TICKS[name]
        self.post.put(name, every)


class Understudy(Clock):
    """Ticks in a worker when it is told to, and by itself only where nobody has told it for long.

    Any name will do: of several workers each hears some, and they show that clock and broker live.
    """

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self.told_at = time.monotonic()

    def told(self, name: str) -> None:
        """Do one kind of work, for a tick that came from the broker."""
        self.told_at = time.monotonic()
        super().tick(name)

    def alone(self) -> bool:
        """Say whether nobody has told it anything for as long as it waits."""
        return time.monotonic() - self.told_at >= self.house.settings.broker_patience

    def tick(self, name: str) -> None:
        """Do one kind of work if ticks stay away."""
        if self.alone():
            super().tick(name)


class Worker(Engine):
    """The embedded engine, and a thread that does what Celery brings."""

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self.understudy = Understudy(house)
        self.app = application(house.settings)
        self.app.task(name=INBOX, shared=False)(self._look)
        for name in work.TICKS:
            self.app.task(name=name, shared=False)(self._tick(name))
        self.consumer_thread = threading.Thread(target=self._consume, name="celery", daemon=True)

    def start(self) -> None:
        """Begin to work."""
        super().start()
        self.understudy.start()
        self.consumer_thread.start()

    def stop(self) -> None:
        """Stop in order; a task under way ends first."""
        consumer_state.should_stop = 0  # type: ignore[assignment]  # the exit code to end with
        self.understudy.stop()
        super().stop()
        self.consumer_thread.join(ENDING)

    def _consume(self) -> None:
        # A task finds its application by thread.
        self.app.set_current()
        while not self.stopping.is_set():
            # It reconnects by itself and comes back only when told to end, or at a fault of its
            # own; meanwhile the tables are looked at.
            self.app.WorkController(
                # Without a hub it takes no place beside the threads that are here already.
                use_eventloop=False,
                without_gossip=True,
                without_mingle=True,
                without_heartbeat=True,
            ).start()
            self.stopping.wait(POLL)
        # Celery keeps this for the whole process: the next worker in it is not to end at once.
        consumer_state.should_stop = None

    def _look(self) -> None:
        try:
            work.follow_practice_clock(self.house)
            for _ in range(AT_ONCE):
                if not self.pulse.ready.is_set() or self.stopping.is_set():
                    break
                if not self._act():
                    break
        except AWAY:
            pass  # said by the database itself
        except Exception as error:
            # What is in the tables is looked at again; Celery would log the error's own words.
            log.error("inbox stalled", fault=logs.fault(error))

    def _tick(self, name: str) -> Callable[[], None]:
        def tick() -> None:
            self.understudy.told(name)

        return tick
