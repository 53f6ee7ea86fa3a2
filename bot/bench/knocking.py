"""Who knocks at a door: many connections at once, from one process that does little else."""

from __future__ import annotations

import base64
import hashlib
import hmac
import selectors
import socket
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from bot.bench.figures import at
from bot.bench.served import ACCOUNT, OURS, PUBLIC, REPLY, TOKEN, settings
from bot.channels.twilio import callback_url

CONNECTIONS = 32

PATIENCE = 60.0
"""Seconds without any answer after which who knocks gives up."""


@dataclass(slots=True)
class Answers:
    """What came back, and after how long."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    """Milliseconds, from when a request was due."""
    statuses: dict[int, int] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Return how many were answered in a second."""
        return len(self.latencies) / self.seconds

    @property
    def p99(self) -> float:
        """Return the milliseconds that 99 of 100 answers stayed within."""
        return at(99, self.latencies)


def letters(first: int, count: int) -> Iterator[bytes]:
    """Yield *count* webhooks about as many different messages, signed as Twilio signs."""
    for number in range(first, first + count):
        form = {
            "ToCountry": "NL",
            "SmsMessageSid": f"SM{number:032x}",
            "NumMedia": "0",
            "SmsSid": f"SM{number:032x}",
            "SmsStatus": "received",
            "Body": "Ja, ik kom. Tot morgen!",
            "FromCountry": "NL",
            "To": OURS,
            "NumSegments": "1",
            "MessageSid": f"SM{number:032x}",
            "AccountSid": ACCOUNT,
            "From": f"+3169700{number % 10_000:04}",
            "ApiVersion": "2010-04-01",
        }
        yield _letter(PUBLIC + REPLY, form)


def receipts(database_url: str, first: int, count: int) -> Iterator[bytes]:
    """Yield *count* status callbacks, about as many messages, for the door over *database_url*."""
    key = settings(database_url).signing_key
    for number in range(first, first + count):
        form = {
            "AccountSid": ACCOUNT,
            "From": OURS,
            "MessageSid": f"SM{number:032x}",
            "MessageStatus": "delivered",
            "To": f"+3169700{number % 10_000:04}",
        }
        yield _letter(callback_url(PUBLIC, key, number + 1, 1).partition("#")[0], form)


def _letter(url: str, form: Mapping[str, str]) -> bytes:
    signed = url + "".join(name + form[name] for name in sorted(form))
    mac = base64.b64encode(hmac.digest(TOKEN.encode(), signed.encode(), hashlib.sha1))
    body = urlencode(form).encode()
    return (
        b"POST %s HTTP/1.1\r\nHost: stap.example\r\nContent-Length: %d\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\nUser-Agent: TwilioProxy/1.1\r\n"
        b"Accept: */*\r\nX-Twilio-Signature: %s\r\n\r\n"
        % (url.removeprefix(PUBLIC).encode(), len(body), mac)
    ) + body


def knock(
    port: int,
    requests: Iterable[bytes],
    *,
    connections: int = CONNECTIONS,
    per_second: float | None = None,
) -> Answers:
    """Send *requests* over so many connections; return what came back.

    As fast as they are answered; or *per_second*, where an answer that is late counts from when
    its request was due, also if that waited for a connection.
    """
    with selectors.DefaultSelector() as ready:
        free: list[socket.socket] = []
        for _ in range(connections):
            line = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            ready.register(line, selectors.EVENT_READ)
            free.append(line)
        try:
            return _knock(ready, free, iter(requests), per_second)
        finally:
            for key in list(ready.get_map().values()):
                line = key.fileobj  # type: ignore[assignment]  # we registered sockets only
                line.close()


def _knock(
    ready: selectors.BaseSelector,
    free: list[socket.socket],
    requests: Iterator[bytes],
    per_second: float | None,
) -> Answers:
    answers = Answers()
    due: dict[socket.socket, float] = {}
    half: dict[socket.socket, bytes] = {}
    began = time.perf_counter()
    sent = 0
    request = next(requests, None)
    while request is not None or due:
        now = time.perf_counter()
        while request is not None and free:
            at = began + sent / per_second if per_second else now
            if at > now:
                break
            line = free.pop()
            line.sendall(request)
            due[line] = at
            sent += 1
            request = next(requests, None)
        wait = PATIENCE
        if per_second and request is not None and free:
            wait = max(0.0, began + sent / per_second - time.perf_counter())
        events = ready.select(wait)
        if not events and wait >= PATIENCE:
            raise TimeoutError("nobody answers")
        for key, _ in events:
            line = key.fileobj  # type: ignore[assignment]  # we registered sockets only
            got = half.pop(line, b"") + line.recv(65536)
            if not got:
                raise ConnectionError("the door was shut before it answered")
            if not got.endswith(b"\r\n\r\n"):
                half[line] = got
                continue
            status = int(got[9:12])
            answers.statuses[status] = answers.statuses.get(status, 0) + 1
            answers.latencies.append((time.perf_counter() - due.pop(line)) * 1000)
            free.append(line)
    answers.seconds = time.perf_counter() - began
    return answers
