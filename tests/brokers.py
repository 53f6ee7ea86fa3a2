"""A broker that is really there, and a line to it that a test can cut."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import pytest
from celery import Celery
from kombu import Connection

BROKERS = {
    "rabbitmq": os.environ.get("TEST_AMQP_URL", "amqp://guest:guest@127.0.0.1:5672//"),
    "redis": os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/0"),
}


def until(true: Callable[[], object], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come to be"
        time.sleep(0.05)


def broker(name: str) -> str:
    """Return the URL of a broker that answers; a skip says loudly that none did."""
    try:
        with Connection(BROKERS[name], connect_timeout=3) as connection:
            connection.ensure_connection(max_retries=0)
    except Exception as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"NO {name.upper()}, ITS TESTS ARE SKIPPED: {error}")
    return BROKERS[name]


class Queue:
    """The queue of one application, seen from outside."""

    def __init__(self, app: Celery) -> None:
        self.app = app
        self.name = app.conf.task_default_queue

    def look(self) -> tuple[int, int]:
        """Return how many tasks wait, and how many workers wait for them (RabbitMQ only)."""
        with self.app.connection_for_write() as connection:
            channel = connection.default_channel
            try:
                told = channel.queue_declare(queue=self.name, passive=True)
            except channel.connection.client.channel_errors:
                return 0, 0
        return told.message_count, told.consumer_count

    def waiting(self) -> int:
        return self.look()[0]

    def workers(self) -> int:
        return self.look()[1]

    def take(self) -> Any:
        """Take the first task off the queue, as it travels; None if there is none."""
        with self.app.connection_for_write() as connection:
            return connection.default_channel.basic_get(self.name, no_ack=True)

    def purge(self) -> None:
        with self.app.connection_for_write() as connection:
            connection.default_channel.queue_purge(self.name)

    def delete(self) -> None:
        with self.app.connection_for_write() as connection:
            queue = self.app.amqp.queues[self.name](connection.default_channel)
            queue.declare()  # Redis takes away only what this connection knows of
            queue.delete()
            queue.exchange.delete()


class Line:
    """A line to a broker. It can be cut, and so that nobody notices at once: then it swallows.

    What went over it is kept.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._there = (parts.hostname, parts.port)
        self._listener = self._listen(0)
        self.port: int = self._listener.getsockname()[1]
        self.url = url.replace(f":{parts.port}", f":{self.port}")
        self.calls = 0
        self.carried = b""
        self.swallows = False
        self._open: list[socket.socket] = []
        self._accept_on(self._listener)

    def cut(self) -> None:
        """Break every connection and refuse new ones."""
        # A thread that waits in accept() keeps the port: it is woken first.
        _hang_up(self._listener)
        for end in self._open:
            _hang_up(end)
        self._open.clear()

    def mend(self) -> None:
        """Take calls again, on the same port."""
        self.swallows = False
        self._listener = self._listen(self.port)
        self._accept_on(self._listener)

    def _listen(self, port: int) -> socket.socket:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen()
        return listener

    def _accept_on(self, listener: socket.socket) -> None:
        threading.Thread(target=self._accept, args=[listener], daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            self.calls += 1
            far = socket.create_connection(self._there)
            self._open += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=[source, sink], daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while some := source.recv(65536):
                self.carried += some
                if not self.swallows:
                    sink.sendall(some)
        _hang_up(source)
        _hang_up(sink)


def _hang_up(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
