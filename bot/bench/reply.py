"""From a person's message at the door to our answer at the provider, on an idle system."""

from __future__ import annotations

import json
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from subprocess import Popen

from app import create_app
from bot import house as houses
from bot import moments
from bot.bench.figures import Measured, at, at_most, figure
from bot.bench.place import Place
from bot.bench.provider import ACCOUNT, TOKEN
from bot.bench.sender import SMS_FROM, free_port, write
from bot.engine.embedded import Engine
from bot.models.people import Address, Inburgeraar, PersonAddress
from bot.settings import load
from bot.web import WebServer

TIMES = 60
WARM_UP = 5
"""First answers that are not counted: clients and texts are loaded then."""

REST = 0.3
"""Seconds between two messages: the system is idle when one arrives."""

PATIENCE = 20.0
ROOT = Path(__file__).resolve().parents[2]


def measure(place: Place, size: int | None = None) -> Iterator[Measured]:
    """Send messages through the door of a house of its own and time the answers."""
    with place.fresh() as url, practice_ground() as provider:
        taken = _against(provider, url, size or TIMES)
    yield figure("reply.p50", at(50, taken), "ms", place)
    yield at_most("reply.p95", at(95, taken), "ms", 300, place)


@contextmanager
def practice_ground(delay: float = 0) -> Iterator[str]:
    """Give the address of a stand-in provider, which answers after *delay* seconds."""
    port = free_port()
    provider = f"http://127.0.0.1:{port}"
    command = ["-m", "phones", "--port", str(port), "--delay", str(delay)]
    accounts = ["--twilio-sid", ACCOUNT, "--twilio-token", TOKEN, "--sms-from", SMS_FROM]
    phones = Popen([sys.executable, *command, *accounts], cwd=ROOT)
    try:
        _wait_for(provider)
        yield provider
    finally:
        phones.terminate()
        phones.wait(timeout=10)


def _against(provider: str, database_url: str, times: int) -> list[float]:
    door = free_port()
    house = houses.build(
        load(
            None,
            database_url=database_url,
            public_url=f"http://127.0.0.1:{door}",
            twilio_account_sid=ACCOUNT,
            twilio_auth_token=TOKEN,
            twilio_api_url=provider,
            twilio_content_url=provider,
            telegram_api_url=provider,
            twilio_sms_from=SMS_FROM,
            allowed_recipients="*",
        )
    )
    with house.database.session() as session:
        at = moments.now()
        for n in range(times + WARM_UP):  # one person gets only so many answers in an hour
            person = Inburgeraar(kenmerk=f"B-{n}", first_name="Priya", language="en", created_at=at)
            address = Address(channel="sms", address=_number(n), state="open", created_at=at)
            session.add(PersonAddress(person=person, address=address, rank=0))
    engine = Engine(house)
    server = WebServer(create_app(house, engine.wake), "127.0.0.1", door)
    server.start()
    engine.start()
    try:
        taken = [_one(house.settings.public_url, provider, n) for n in range(times + WARM_UP)]
    finally:
        engine.stop()
        server.close()
        house.database.close()
    return taken[WARM_UP:]


def _one(door: str, provider: str, number: int) -> float:
    """Send one STOP, which is always answered; return the milliseconds it took."""
    started = datetime.now(moments.AMSTERDAM)
    write(door, number, _number(number), SMS_FROM, "uitschrijven")
    arrived = _arrival(provider, number + 1)
    time.sleep(REST)
    return (arrived - started) / timedelta(milliseconds=1)


def _number(n: int) -> str:
    return f"+3169700{n:04}"


def _arrival(provider: str, count: int) -> datetime:
    """Return when the provider got the *count*-th message, by its own record."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        log_of = provider + "/log.json"
        with urllib.request.urlopen(log_of, timeout=PATIENCE) as answer:  # noqa: S310 - our stand-in
            log = json.load(answer)
        sends = [x for x in log if x["direction"] == "in" and x["path"].endswith("/Messages.json")]
        if len(sends) >= count:
            return max(datetime.fromisoformat(x["at"]) for x in sends)
        time.sleep(0.02)
    raise TimeoutError("no answer came")


def _wait_for(provider: str) -> None:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            with urllib.request.urlopen(provider + "/log.json", timeout=1):  # noqa: S310 - ours
                return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
