"""A provider that is as fast as it can be, in a process of its own: it answers and remembers.

``python -m bot.bench.provider`` prints its port. What it notes of every message is the ground
truth of the measurements: when it came in, by the clock that all processes of a machine share,
and for whom. It speaks just enough of Twilio's HTTP, and reports what became of each message if it
is told to.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import os
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import click

HEAD = b"HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
PATIENCE = 20.0
ACCOUNT, TOKEN = "AC" + "0b" * 16, "a-token-for-measuring"
CONNECTIONS = 16
"""Over which is reported."""


@dataclass(frozen=True, slots=True)
class Report:
    """One status callback: when it was answered, how long that took, and how."""

    at: float
    took: float
    status: int


class _Reporter:
    """Calls back at a steady rate, whether the last call was answered or not."""

    def __init__(self, per_second: float) -> None:
        self.gap = 1 / per_second
        self.due: asyncio.Queue[tuple[str, dict[str, str]]] = asyncio.Queue()
        self.made: list[tuple[float, float, int]] = []
        self._free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter] | None] = (
            asyncio.Queue()
        )
        for _ in range(CONNECTIONS):
            self._free.put_nowait(None)

    def taken(self, callback: str, sid: str, to: str, from_: str) -> None:
        """A message was taken: it is sent, and delivered, a moment later."""
        url = callback.partition("#")[0]
        for status in ("sent", "delivered"):
            form = {
                "AccountSid": ACCOUNT,
                "From": from_,
                "MessageSid": sid,
                "MessageStatus": status,
                "To": to,
            }
            self.due.put_nowait((url, form))

    async def run(self) -> None:
        """Report for ever."""
        next_at = 0.0
        calls = set()
        while True:
            url, form = await self.due.get()
            now = time.monotonic()
            next_at = max(next_at, now)
            await asyncio.sleep(next_at - now)
            next_at += self.gap
            call = asyncio.create_task(self._call(url, form))
            calls.add(call)
            call.add_done_callback(calls.discard)

    async def _call(self, url: str, form: dict[str, str]) -> None:
        began = time.monotonic()
        line = await self._free.get()
        try:
            parts = urlsplit(url)
            if line is None:
                line = await asyncio.open_connection(parts.hostname, parts.port)
            reader, writer = line
            said = url + "".join(name + form[name] for name in sorted(form))
            signature = base64.b64encode(
                hmac.new(TOKEN.encode(), said.encode(), hashlib.sha1).digest()
            ).decode()
            body = urlencode(form)
            writer.write(
                f"POST {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
                f"X-Twilio-Signature: {signature}\r\n"
                "Content-Type: application/x-www-form-urlencoded\r\n"
                f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
            )
            head = await reader.readuntil(b"\r\n\r\n")
            at = head.lower().find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            await reader.readexactly(length)
            status = int(head.split(b" ", 2)[1])
            if b"connection: close" in head.lower():
                writer.close()
                line = None
        except (OSError, EOFError, ValueError):
            line, status = None, 0
        self._free.put_nowait(line)
        ended = time.monotonic()
        self.made.append((ended, ended - began, status))


class _Wire(asyncio.Protocol):
    """One connection: requests in order, each answered after the delay."""

    def __init__(
        self, delay: float, taken: list[tuple[float, str, str]], reporter: _Reporter | None
    ) -> None:
        self.delay, self.taken, self.reporter = delay, taken, reporter
        self.came = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        self.came += data
        while (end := self.came.find(b"\r\n\r\n")) >= 0:
            head = bytes(self.came[:end])
            at = head.lower().find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self.came) < end + 4 + length:
                return
            body = bytes(self.came[end + 4 : end + 4 + length])
            del self.came[: end + 4 + length]
            self._asked(head.split(b" ", 2), body, now)

    def _asked(self, line: list[bytes], body: bytes, now: float) -> None:
        method, path = line[0], line[1].decode()
        if path == "/taken":
            self._answer(200, self.taken, 0)
        elif path == "/reports":
            self._answer(200, self.reporter.made if self.reporter else [], 0)
        elif path == "/count":
            self._answer(200, len(self.taken), 0)
        elif method == b"POST" and path.endswith("/Messages.json"):
            form = parse_qs(body.decode())
            to = form["To"][0]
            callback = parse_qs(form["StatusCallback"][0].partition("?")[2].partition("#")[0])
            self.taken.append((now, to, callback["m"][0]))
            sid = f"SM{len(self.taken):032x}"
            if self.reporter is not None:
                self.reporter.taken(form["StatusCallback"][0], sid, to, form["From"][0])
            told = {
                "sid": sid,
                "status": "queued",
                "to": to,
                "from": form.get("From", [""])[0],
                "body": form.get("Body", [""])[0],
                "account_sid": path.split("/")[3],
                "api_version": "2010-04-01",
                "date_created": "Tue, 01 Dec 2026 09:00:00 +0000",
                "date_updated": "Tue, 01 Dec 2026 09:00:00 +0000",
                "date_sent": None,
                "direction": "outbound-api",
                "error_code": None,
                "error_message": None,
                "messaging_service_sid": None,
                "num_media": "0",
                "num_segments": "1",
                "price": None,
                "price_unit": "USD",
                "subresource_uris": {"media": f"/2010-04-01/Messages/{sid}/Media.json"},
                "uri": f"/2010-04-01/Messages/{sid}.json",
            }
            self._answer(201, told, self.delay)
        elif path.partition("?")[0].endswith("/Messages.json"):
            nothing: list[str] = []
            self._answer(200, {"messages": nothing, "next_page_uri": None, "page": 0}, 0)
        else:
            self._answer(200, {"status": "active"}, 0)

    def _answer(self, status: int, told: Any, delay: float) -> None:
        body = json.dumps(told).encode()
        answer = HEAD % (status, len(body)) + body
        if delay:
            asyncio.get_running_loop().call_later(delay, self.transport.write, answer)
        else:
            self.transport.write(answer)


@dataclass(frozen=True, slots=True)
class Provider:
    """Where it answers."""

    url: str
    plain: str
    """The same without TLS, for whoever measures."""
    ca: str | None
    """The certificate to trust, a file."""

    def taken(self) -> list[tuple[float, str, int]]:
        """Return what it took, in order: seconds of the monotonic clock, address, our id."""
        return [(at, to, int(message)) for at, to, message in self._ask("/taken")]

    def count(self) -> int:
        """Return how much it took: it hardly notices that it is asked."""
        return int(self._ask("/count"))

    def reports(self) -> list[Report]:
        """Return how its status callbacks were answered, in order."""
        return [Report(*each) for each in self._ask("/reports")]

    def _ask(self, path: str) -> Any:
        with urllib.request.urlopen(self.plain + path, timeout=PATIENCE) as answer:  # noqa: S310 - our own
            return json.load(answer)


@contextmanager
def provider(delay: float = 0.1, *, tls: bool = False, reports: float = 0) -> Iterator[Provider]:
    """Run one that answers after *delay* seconds, and calls back at *reports* a second."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "bot.bench.provider", "--delay", str(delay)]
        command += ["--reports", str(reports)]
        if tls:
            command += ["--folder", folder]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None  # noqa: S101 - it is a pipe
            plain, port = process.stdout.readline().split()
            ca = str(Path(folder) / "cert.pem") if tls else None
            url = f"https://localhost:{port}" if tls else f"http://127.0.0.1:{plain}"
            yield Provider(url, f"http://127.0.0.1:{plain}", ca)
        finally:
            process.terminate()
            process.communicate(timeout=10)


@click.command()
@click.option("--delay", type=float, required=True)
@click.option("--reports", type=float, required=True)
@click.option("--folder", type=click.Path(path_type=Path))
def main(delay: float, reports: float, folder: Path | None) -> None:
    """Answer until told to end."""
    with suppress(PermissionError, AttributeError):
        # In truth it has a machine of its own: what it notes must not wait for those it notes.
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(5))
    asyncio.run(_serve(delay, reports, folder))


async def _serve(delay: float, reports: float, folder: Path | None) -> None:
    taken: list[tuple[float, str, str]] = []
    loop = asyncio.get_running_loop()
    reporter = _Reporter(reports) if reports else None

    def wire() -> _Wire:
        return _Wire(delay, taken, reporter)

    plain = await loop.create_server(wire, "127.0.0.1", 0)
    ports = [plain.sockets[0].getsockname()[1]]
    if folder is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate(folder))
        secret = await loop.create_server(wire, "127.0.0.1", 0, ssl=context)
        ports.append(secret.sockets[0].getsockname()[1])
    click.echo(f"{ports[0]} {ports[-1]}")
    sys.stdout.flush()
    await (reporter.run() if reporter else asyncio.Event().wait())


def certificate(folder: Path) -> tuple[Path, Path]:
    """Make a certificate for localhost that signs itself; return its file and its key's."""
    paths = folder / "cert.pem", folder / "key.pem"
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    files = ["-out", str(paths[0]), "-keyout", str(paths[1])]
    subprocess.run(
        ["openssl", "req", "-x509", *kind, *names, *files],  # noqa: S607 - wherever it is
        check=True,
        stderr=subprocess.DEVNULL,
    )
    return paths


if __name__ == "__main__":
    main()
