"""Workers to measure: `stap work` as it is, which also notes when it makes each call.

``python -m bot.bench.sender FILE`` is one. FILE gets a record per call: seconds of the monotonic
clock, seconds of processor time, our id. It is written at once, so that a worker may be killed.
"""

from __future__ import annotations

import os
import signal
import socket
import struct
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import click
from twilio.request_validator import RequestValidator

from bot import house as houses
from bot.bench.provider import ACCOUNT, TOKEN, Provider
from bot.house import House
from bot.settings import load

RECORD = struct.Struct("ddq")
ENDING = 30.0
SMS_FROM, WHATSAPP_FROM = "+3197000000000", "+3197000000001"


@dataclass(frozen=True, slots=True)
class Call:
    """One call, as its sender saw it."""

    at: float
    cpu: float
    message: int


@dataclass(frozen=True, slots=True)
class Worker:
    """One process that sends."""

    process: subprocess.Popen[bytes]
    file: Path

    def calls(self) -> list[Call]:
        """Return what it called so far, in order."""
        data = self.file.read_bytes()
        whole = len(data) // RECORD.size * RECORD.size
        return [Call(*each) for each in RECORD.iter_unpack(data[:whole])]

    def end(self) -> None:
        """Let it end in order."""
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(timeout=ENDING)

    def kill(self) -> None:
        """Kill it with nine."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(timeout=ENDING)


def environment(database_url: str, provider: Provider, **more: str) -> dict[str, str]:
    """Return the environment of a process of an installation on this machine alone."""
    theirs = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    trust = {"SSL_CERT_FILE": provider.ca} if provider.ca else {}
    return {
        **theirs,
        **trust,
        "DATABASE_URL": database_url,
        "PUBLIC_URL": "http://127.0.0.1:8000",
        "TWILIO_ACCOUNT_SID": ACCOUNT,
        "TWILIO_AUTH_TOKEN": TOKEN,
        "TWILIO_API_URL": provider.url,
        "TWILIO_CONTENT_URL": provider.url,
        "TELEGRAM_API_URL": provider.url,
        "TWILIO_WHATSAPP_FROM": WHATSAPP_FROM,
        "ALLOWED_RECIPIENTS": "*",
        "QUIET_HOURS": "",
        **more,
    }


def house_of(given: Mapping[str, str]) -> House:
    """Return the house of such a process, to fill and to look at."""
    return houses.build(load(None, **{name.lower(): value for name, value in given.items()}))


@contextmanager
def serving(database_url: str, provider: Provider, **more: str) -> Iterator[House]:
    """Run `stap run` until the block ends; give its house once it serves."""
    port = free_port()
    own = f"http://127.0.0.1:{port}"
    given = environment(database_url, provider, PUBLIC_URL=own, **more)
    house = house_of(given)
    process = subprocess.Popen([sys.executable, "-m", "bot", "run", "--port", str(port)], env=given)
    try:
        _wait_until_ready(process, own)
        yield house
    finally:
        process.terminate()
        process.wait(timeout=ENDING)
        house.database.close()


def write(door: str, number: int, sender: str, to: str, body: str) -> None:
    """Let *sender* write *body* at the *door* of a house, as the message with this *number*."""
    url = f"{door}/webhooks/twilio/reply"
    form = {
        "MessageSid": f"SM{number:032x}",
        "AccountSid": ACCOUNT,
        "From": sender,
        "To": to,
        "Body": body,
        "NumMedia": "0",
    }
    signature = RequestValidator(TOKEN).compute_signature(url, form)
    request = urllib.request.Request(  # noqa: S310 - our own door
        url, urlencode(form).encode(), {"X-Twilio-Signature": signature}
    )
    with urllib.request.urlopen(request, timeout=ENDING):  # noqa: S310 - our own door
        pass


def free_port() -> int:
    """Return a port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_ready(process: subprocess.Popen[bytes], address: str) -> None:
    until = time.monotonic() + ENDING
    while True:
        try:
            with urllib.request.urlopen(f"{address}/readyz", timeout=1):  # noqa: S310 - our own
                return
        except OSError:
            if time.monotonic() > until or process.poll() is not None:
                raise
            time.sleep(0.1)


@contextmanager
def workers(number: int, environment: dict[str, str], folder: Path) -> Iterator[list[Worker]]:
    """Run *number* workers; they end with the block."""
    running = []
    try:
        for n in range(number):
            file = folder / f"worker{n}"
            command = [sys.executable, "-m", "bot.bench.sender", str(file)]
            running.append(Worker(subprocess.Popen(command, env=environment), file))
        for worker in running:
            _wait_for(worker)
        yield running
    finally:
        for worker in running:
            worker.end()


def _wait_for(worker: Worker) -> None:
    until = time.monotonic() + ENDING
    while not worker.file.exists():
        if time.monotonic() > until or worker.process.poll() is not None:
            raise TimeoutError("a worker did not start")
        time.sleep(0.05)


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
def main(file: Path) -> None:
    """Work until told to end, and write every call down in FILE."""
    from bot.channels.base import Outgoing
    from bot.channels.whatsapp import WhatsApp
    from bot.commands.serving import _keep
    from bot.engine.embedded import Engine

    notes = os.open(file.with_suffix(".new"), os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    send = WhatsApp.send

    async def noted(self: WhatsApp, outgoing: Outgoing) -> str:
        os.write(notes, RECORD.pack(time.monotonic(), time.process_time(), outgoing.message))
        return await send(self, outgoing)

    setattr(WhatsApp, "send", noted)  # noqa: B010 - it is measured, not changed

    def engine(house: House) -> Engine:
        file.with_suffix(".new").rename(file)
        return Engine(house)

    _keep(engine)


if __name__ == "__main__":
    main()
