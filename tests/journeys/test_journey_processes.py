"""The same journey with the processes of the Procfile, on PostgreSQL."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from bot import moments
from bot.db import Database
from bot.models.people import Address, Inburgeraar, PersonAddress
from phones.app import serve
from phones.state import Accounts, Ground

ROOT = Path(__file__).resolve().parents[2]
SECRET = secrets.token_hex(16)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(true: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come to be"
        time.sleep(0.2)


@pytest.fixture
def processes(postgres_url) -> Iterator[tuple[Ground, str]]:
    """`honcho start` in this checkout, with nothing but a PostgreSQL and providers."""
    port = free_port()
    ground = Ground(Accounts(house=f"http://127.0.0.1:{port}", delay=0, telegram_secret=SECRET))
    server = serve(ground)
    own = ground.accounts
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PORT": str(port),
        "DATABASE_URL": postgres_url,
        "PUBLIC_URL": own.house,
        "TWILIO_ACCOUNT_SID": own.twilio_sid,
        "TWILIO_AUTH_TOKEN": own.twilio_token,
        "TWILIO_API_URL": server.url,
        "TWILIO_CONTENT_URL": server.url,
        "TWILIO_SMS_FROM": own.sms_from,
        "TELEGRAM_BOT_TOKEN": own.telegram_token,
        "TELEGRAM_API_URL": server.url,
        "TELEGRAM_WEBHOOK_SECRET": SECRET,
        "ALLOWED_RECIPIENTS": "*",
    }
    started = subprocess.Popen(
        [sys.executable, "-m", "honcho", "start"],
        cwd=ROOT,
        env=environment,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield ground, server.url
    finally:
        os.killpg(started.pid, signal.SIGTERM)
        started.wait(timeout=40)
        server.close()


def ready(url: str) -> bool:
    try:
        return requests.get(f"{url}/readyz", timeout=5).status_code == 200
    except requests.RequestException:
        return False


@pytest.mark.postgres
def test_the_processes_of_the_procfile_hear_and_answer(processes, postgres_url):
    """Web, worker and clock share only the database: it alone carries what came in."""
    ground, phones = processes
    until(lambda: ready(ground.accounts.house))
    phone = ground.add("Priya", "en", "sms", "+31697000004")
    database = Database(postgres_url)
    with database.session() as session:
        at = moments.now()
        person = Inburgeraar(kenmerk="P-1", first_name="Priya", language="en", created_at=at)
        place = Address(channel="sms", address=phone.address, state="open", created_at=at)
        session.add(PersonAddress(person=person, address=place, rank=0))
    database.close()

    requests.post(f"{phones}/phones/{phone.id}/say", json={"text": "unsubscribe me"}, timeout=10)
    requests.post(f"{phones}/phones/{phone.id}/say", json={"text": "opt out"}, timeout=10)

    until(lambda: any("START" in bubble.text for bubble in phone.bubbles if not bubble.mine))
