"""A provider that keeps the truth: it writes down what it takes, and then answers, or badly.

It speaks as much of Twilio's and Telegram's HTTP as a worker needs, from threads of its own.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

ACCOUNT = "AC" + "0f" * 16
SMS_FROM, WHATSAPP_FROM = "+3197000000000", "+3197000000001"


@dataclass(frozen=True)
class Taken:
    """One message that the provider took."""

    ref: str
    sender: str
    """Each has a pace of its own."""
    to: str
    body: str
    message: int | None
    """As the status callback of Twilio names it; Telegram has none."""
    attempt: int | None
    useful_for: int | None
    at: float
    """Seconds on a clock that nobody sets back."""
    wall: datetime
    """Practice time."""


@dataclass
class Answer:
    """What is done with one request to send: whether it is taken, and what is written back."""

    takes: bool
    write: Callable[[socket.socket, Taken | None], None]


@dataclass
class Standin:
    """The server. `taken` is the truth; `answer` says what to do with the next message."""

    taken: list[Taken] = field(default_factory=list)
    calls: int = 0
    """Requests to send, taken or not."""
    heard: list[dict[str, str]] = field(default_factory=list)
    """What people wrote, newest first, as Twilio's list tells it."""
    ahead: timedelta = timedelta()
    """How far practice time runs ahead."""
    answer: Callable[[str], Answer] = field(default=lambda channel: ok())
    on_taken: Callable[[Taken], None] = field(default=lambda taken: None)
    """Called once a message is written down, before the answer."""

    def __post_init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._lock = threading.Lock()
        self._number = 0

    def start(self) -> None:
        """Begin to serve."""
        threading.Thread(target=self._accept, name="provider", daemon=True).start()

    def close(self) -> None:
        """Serve nobody any more."""
        self._socket.close()

    def clear(self) -> None:
        """Forget everything, and behave."""
        with self._lock:
            self.taken, self.heard, self.calls = [], [], 0
            self.answer, self.on_taken = lambda channel: ok(), lambda taken: None

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for method, path, body in _requests(connection):
                self._handle(connection, method, path, body)

    def _handle(self, connection: socket.socket, method: str, path: str, body: bytes) -> None:
        parts = urlsplit(path)
        if parts.path.endswith("/Messages.json") and method == "POST":
            self._send(connection, "twilio", _first(body.decode()))
        elif parts.path.endswith("/Messages.json"):
            connection.sendall(_http(200, self._list(_first(parts.query))))
        elif parts.path.endswith(("/sendMessage", "/sendPhoto")):
            self._send(connection, "telegram", _fields(body))
        elif parts.path.endswith("/getUpdates"):
            time.sleep(0.2)
            connection.sendall(_http(200, {"ok": True, "result": []}))
        elif "/bot" in parts.path:
            # Hung up, so that what is sent needs a connection of its own.
            connection.sendall(_http(200, {"ok": True, "result": True}, "Connection: close"))
            connection.close()
        else:
            connection.sendall(_http(404, {}))

    def _send(self, connection: socket.socket, provider: str, form: dict[str, str]) -> None:
        answer = self.answer(provider)
        taken = None
        with self._lock:
            self.calls += 1
            if answer.takes:
                self._number += 1
                taken = self._taken(provider, form)
                self.taken.append(taken)
        if taken is not None:
            self.on_taken(taken)
        answer.write(connection, taken)

    def _taken(self, provider: str, form: dict[str, str]) -> Taken:
        ids = _first(urlsplit(form.get("StatusCallback", "")).query)
        return Taken(
            ref=f"SM{self._number:032x}" if provider == "twilio" else str(self._number),
            sender=form.get("From", "telegram"),
            to=form.get("To", form.get("chat_id", "")).removeprefix("whatsapp:"),
            body=form.get("Body") or form.get("text") or form.get("caption", ""),
            message=int(ids["m"]) if "m" in ids else None,
            attempt=int(ids["a"]) if "a" in ids else None,
            useful_for=int(form["ValidityPeriod"]) if "ValidityPeriod" in form else None,
            at=time.monotonic(),
            wall=datetime.now(UTC) + self.ahead,
        )

    def _list(self, asked: dict[str, str]) -> dict[str, Any]:
        """Return one page of Twilio's list: what went to ``To``, or was written to us."""
        to = asked.get("To", "")
        if to in (SMS_FROM, f"whatsapp:{WHATSAPP_FROM}"):
            return {"messages": self.heard, "next_page_uri": None, "page": 0}
        with self._lock:
            found = [each for each in reversed(self.taken) if each.ref.startswith("SM")]
        prefix = "whatsapp:" if to.startswith("whatsapp:") else ""
        rows = [
            {
                "sid": each.ref,
                "direction": "outbound-api",
                "to": to,
                "from": prefix + (WHATSAPP_FROM if prefix else SMS_FROM),
                "body": each.body,
                "status": "queued",
                "date_created": format_datetime(each.wall),
                "num_segments": "1",
                "num_media": "0",
            }
            for each in found
            if each.to == to.removeprefix(prefix)
        ]
        return {"messages": rows, "next_page_uri": None, "page": 0}


def _requests(connection: socket.socket) -> Iterator[tuple[str, str, bytes]]:
    """Give one request after the other, until the other side is gone."""
    got = b""
    while True:
        while b"\r\n\r\n" not in got:
            more = connection.recv(65536)
            if not more:
                return
            got += more
        head, _, got = got.partition(b"\r\n\r\n")
        line, *headers = head.decode("latin-1").split("\r\n")
        length = next(
            (int(h.partition(":")[2]) for h in headers if h.lower().startswith("content-length:")),
            0,
        )
        while len(got) < length:
            more = connection.recv(65536)
            if not more:
                return
            got += more
        method, path, _ = line.split(" ", 2)
        yield method, path, got[:length]
        got = got[length:]


def _first(query: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(query, keep_blank_values=True).items()}


def _fields(body: bytes) -> dict[str, str]:
    return _first(body.decode()) if not body.startswith(b"{") else json.loads(body)


def _http(status: int, content: Any, *headers: str) -> bytes:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    lines = [
        f"HTTP/1.1 {status} Said",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *headers,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


# ------------------------------------------------------------------ how it may answer


def ok() -> Answer:
    """It is taken, and says so."""

    def write(connection: socket.socket, taken: Taken | None) -> None:
        assert taken is not None
        if taken.ref.startswith("SM"):
            connection.sendall(_http(201, {"sid": taken.ref, "status": "queued"}))
            return
        message = {
            "message_id": int(taken.ref),
            "date": int(taken.wall.timestamp()),
            "chat": {"id": int(taken.to), "type": "private"},
        }
        connection.sendall(_http(200, {"ok": True, "result": message}))

    return Answer(True, write)


def says(status: int, *headers: str, takes: bool = False) -> Answer:
    """It answers *status*, with an error in the shape of both providers."""
    wait = {"retry_after": 1} if headers else {}
    error = {
        "code": status * 100,
        "message": "no",
        "ok": False,
        "error_code": status,
        "description": HTTPStatus(status).phrase,  # as Telegram says it, with more after it
        "parameters": wait,
    }
    return Answer(takes, lambda connection, _: connection.sendall(_http(status, error, *headers)))


def writes(raw: bytes, *, takes: bool) -> Answer:
    """It writes *raw* and hangs up."""

    def write(connection: socket.socket, _taken: Taken | None) -> None:
        connection.sendall(raw)
        connection.close()

    return Answer(takes, write)


def resets(*, takes: bool) -> Answer:
    """The connection is torn down."""

    def write(connection: socket.socket, _taken: Taken | None) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    return Answer(takes, write)


def drips(seconds: float, *, takes: bool, first: bytes = b"") -> Answer:
    """It begins to answer, or does not, and is never done."""

    def write(connection: socket.socket, _taken: Taken | None) -> None:
        end = time.monotonic() + seconds
        for byte in first or b"":
            connection.sendall(bytes([byte]))
            time.sleep(seconds / max(len(first), 1))
        time.sleep(max(0.0, end - time.monotonic()))

    return Answer(takes, write)


HTML = b"<html><body>We are back soon.</body></html>"

MODES: dict[str, Callable[[bool], Answer]] = {
    # What the server does; the names of case 72. The four that never reach it are in `rounds`.
    "read timeout": lambda takes: drips(4, takes=takes),
    "reset": lambda takes: resets(takes=takes),
    "cut off": lambda takes: writes(_http(201, b'{"sid": "SM1"}')[:-5], takes=takes),
    "a page of HTML": lambda takes: writes(_http(200, HTML), takes=takes),
    "4xx": lambda takes: says(400),
    "429": lambda takes: says(429),
    "429 with Retry-After": lambda takes: says(429, "Retry-After: 1"),
    "5xx": lambda takes: says(503, takes=takes),
    "30 seconds of single bytes": lambda takes: drips(4, takes=takes, first=b"HTTP/1.1 201 Ok"),
}
