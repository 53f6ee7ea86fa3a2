"""Processor time of one message at 400 a second, over TLS: all that sending asks of a worker.

Beside it stands what Twilio's own client takes alone on the same machine, to tell a slow machine
from a slow house.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import click

from bot.bench import readers
from bot.bench.drain import wait_until_idle
from bot.bench.figures import Measured, at_most, figure
from bot.bench.place import Place
from bot.bench.provider import ACCOUNT, TOKEN, Provider, provider
from bot.bench.sender import environment, house_of, workers
from bot.settings import load

CAP = 400
SECONDS = 15
LATENCY = 0.1
ALONE = 2000
AT_ONCE = 40


def measure(place: Place, size: int | None = None) -> Iterator[Measured]:
    """Drain for *size* seconds; the first and the last fifth do not count."""
    tls = shutil.which("openssl") is not None
    name = "cpu.per message" if tls else "cpu.per message without tls"
    with place.fresh() as url, provider(LATENCY, tls=tls) as at:
        before = _alone(at)
        value = _per_message(url, at, CAP * (size or SECONDS))
        after = _alone(at)
    yield at_most(name, value, "ms", 1.2, place)
    yield figure("cpu.the client alone", (before + after) / 2, "ms", place)


def _per_message(url: str, at: Provider, count: int) -> float:
    given = environment(url, at, PACE_WHATSAPP=str(CAP))
    house = house_of(given)
    try:
        readers.gather(house, count)
        with tempfile.TemporaryDirectory() as folder, workers(1, given, Path(folder)) as running:
            time.sleep(2)
            readers.remind(house)
            wait_until_idle(house, at)
            calls = running[0].calls()
    finally:
        house.database.close()
    middle = calls[len(calls) // 5 : -len(calls) // 5]
    return 1000 * (middle[-1].cpu - middle[0].cpu) / (len(middle) - 1)


def _alone(at: Provider) -> float:
    """Return the milliseconds that Twilio's client takes for a message, in a process of its own."""
    env = {"PATH": os.environ.get("PATH", ""), **({"SSL_CERT_FILE": at.ca} if at.ca else {})}
    command = [sys.executable, "-m", "bot.bench.cpu", at.url]
    return float(subprocess.check_output(command, env=env, text=True))


@click.command()
@click.argument("url")
def main(url: str) -> None:
    """Send with the client alone; print the milliseconds of processor time of each message."""
    click.echo(1000 * asyncio.run(_client_alone(url)) / ALONE)


async def _client_alone(url: str) -> float:
    from bot.channels.twilio_client import TwilioClient

    own = {"twilio_account_sid": ACCOUNT, "twilio_auth_token": TOKEN}
    client = TwilioClient(load(None, **own, twilio_api_url=url, twilio_content_url=url))
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> None:
        async with gate:
            await client.create_message(
                to="whatsapp:+31697000004",
                from_="whatsapp:+3197000000001",
                body="Beste Priya, je hebt een afspraak.",
                status_callback=f"http://127.0.0.1:8000/webhooks/twilio/status?m={number}&a=1",
            )

    await asyncio.gather(*(one(number) for number in range(AT_ONCE)))
    began = time.process_time()
    await asyncio.gather(*(one(number) for number in range(ALONE)))
    spent = time.process_time() - began
    await client.close()
    return spent


if __name__ == "__main__":
    main()
