"""Processes that are told to end: within half a minute, and with nothing in the air."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
import requests
from channel_server import http, running
from post_office import NOWHERE, Office
from sqlalchemy import select
from test_pump import OK, Script

from bot import moments
from bot.channels.base import TELEGRAM
from bot.db import Database
from bot.models.messages import Attempt, InboxEvent, Sender

ROOT = Path(__file__).resolve().parents[3]
WITHIN = 30
PATIENCE = 60
SECRET = "s" * 32

NOBODY_WROTE = http(
    200,
    json.dumps({"messages": [], "page": 0, "page_size": 50, "first_page_uri": "/", "uri": "/"}),
)


@dataclass
class Slow(Script):
    """Takes long over each message, and never answers one of them."""

    silent: int = 0

    async def end(self, writer: asyncio.StreamWriter) -> None:
        if self.calls[-1].line.startswith("GET"):
            writer.write(NOBODY_WROTE)
            return
        await super().end(writer)

    def answer_to(self, message: int) -> bytes:
        return b"" if message == self.silent else OK


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ready(url: str) -> bool:
    try:
        return requests.get(f"{url}/readyz", timeout=5).status_code == 200
    except requests.RequestException:
        return False


def environment(database_url: str, spool: Path, **more: str) -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH",)}
    return {
        **plain,
        "DATABASE_URL": database_url,
        "SPOOL_DIR": str(spool),
        "ALLOWED_RECIPIENTS": "*",
        "TWILIO_API_URL": NOWHERE,
        "TWILIO_CONTENT_URL": NOWHERE,
        "TELEGRAM_API_URL": NOWHERE,
        "QUIET_HOURS": "",
        **more,
    }


def start(command: list[str], given: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as out:
        return subprocess.Popen(command, cwd=ROOT, env=given, stdout=out, stderr=out)


async def until(true: Callable[[], object], log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, log.read_text(errors="replace")
        await asyncio.sleep(0.05)


@pytest.fixture
def office(database_url, tmp_path) -> Iterator[Office]:
    made = Office(database_url, spool_dir=str(tmp_path / "spool"))
    moments.set_practice_offset(timedelta())
    yield made
    made.close()


@pytest.mark.parametrize("command", ["run", "work"])
def test_who_is_told_to_end_leaves_nothing_in_the_air(office, database_url, tmp_path, command):
    """Calls under way are let end and written down; one that nobody answers is unknown."""
    soon = moments.now() + timedelta(hours=6)
    messages = [
        office.queue(
            office.person(f"N{n}", address=f"+316970001{n:02}"), f"reminder {n}", expires_at=soon
        )
        for n in range(60)
    ]
    provider = Slow(takes=1.0, silent=messages[4])
    provider.says = provider.answer_to
    log = tmp_path / "log"

    async def play() -> float:
        async with running(provider):
            settings = office.house.settings
            given = environment(
                database_url, tmp_path / "spool", TWILIO_API_URL=provider.url,
                TWILIO_CONTENT_URL=provider.url, TWILIO_SMS_FROM=settings.twilio_sms_from,
                TWILIO_ACCOUNT_SID=settings.twilio_account_sid, TWILIO_AUTH_TOKEN="the-token",
                PACE_SMS="10",
            )  # fmt: skip
            more = ["--port", str(free_port())] if command == "run" else []
            process = start([sys.executable, "-m", "bot", command, *more], given, log)
            try:
                await until(
                    lambda: len(provider.sent) >= 8 and provider._open >= 3,
                    log,
                )
                told = time.monotonic()
                process.send_signal(signal.SIGTERM)
                code = await asyncio.to_thread(process.wait, PATIENCE)
                took = time.monotonic() - told
            finally:
                if process.poll() is None:
                    process.kill()
                    process.wait()
            assert 0 == code, log.read_text(errors="replace")
            return took

    took = asyncio.run(play())
    assert took < WITHIN

    def outcomes(session):
        return dict(session.execute(select(Attempt.message_id, Attempt.outcome)).all())

    found = office.read(outcomes)
    taken = {message for message, outcome in found.items() if outcome == "accepted"}
    assert set(provider.sent) - {provider.silent} == taken
    assert len(provider.sent) == len(set(provider.sent))
    assert "unknown" == found[provider.silent] == office.state(provider.silent)
    assert {"accepted", "unknown", "not_sent"} >= set(found.values())
    assert {"planned", "accepted", "unknown"} == set(office.states())
    assert "planned" == office.states()[-1], "it stopped before all was sent"
    assert {None} == office.read(lambda s: set(s.scalars(select(Sender.owner))))


def test_a_web_process_that_is_told_to_end_answers_what_it_was_asked(
    office, database_url, tmp_path
):
    """Every webhook that was answered 2xx is stored, whoever ended the process meanwhile."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    given = environment(
        database_url, tmp_path / "spool", PUBLIC_URL=url,
        TELEGRAM_BOT_TOKEN=office.house.settings.telegram_bot_token,
        TELEGRAM_WEBHOOK_SECRET=SECRET,
    )  # fmt: skip
    log = tmp_path / "log"
    gunicorn = str(Path(sys.executable).parent / "gunicorn")
    process = start([gunicorn, "app:create_app()", "--bind", f"127.0.0.1:{port}"], given, log)
    answered: list[int] = []

    def knock(number: int) -> None:
        update = {
            "update_id": 100_000 + number,
            "message": {
                "message_id": number, "date": 1764579600, "text": "hoi",
                "chat": {"id": 900 + number, "type": "private"},
                "from": {"id": 900 + number, "is_bot": False, "first_name": "P"},
            },
        }  # fmt: skip
        try:
            answer = requests.post(
                f"{url}/webhooks/telegram", json=update, timeout=PATIENCE,
                headers={"X-Telegram-Bot-Api-Secret-Token": SECRET},
            )  # fmt: skip
        except requests.RequestException:
            return  # it was not taken: Telegram asks again
        if answer.status_code == 200:
            answered.append(number)

    try:
        end = time.monotonic() + PATIENCE
        while not ready(url):
            assert time.monotonic() < end, log.read_text(errors="replace")
            time.sleep(0.1)
        with ThreadPoolExecutor(16) as crowd:
            asked = [crowd.submit(knock, number) for number in range(1, 600)]
            while len(answered) < 60:
                assert time.monotonic() < end, log.read_text(errors="replace")
                time.sleep(0.01)
            told = time.monotonic()
            process.send_signal(signal.SIGTERM)
            code = process.wait(PATIENCE)
            took = time.monotonic() - told
            for each in asked:
                each.result()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()

    assert (0, True) == (code, took < WITHIN), log.read_text(errors="replace")
    database = Database(database_url)
    with database.reading() as session:
        stored = set(
            session.scalars(select(InboxEvent.key).where(InboxEvent.source == TELEGRAM)).all()
        )
    database.close()
    kept = {key.rpartition(":")[2] for key in stored}
    lost = [number for number in answered if str(100_000 + number) not in kept]
    assert [] == lost
    assert 60 <= len(answered) <= len(stored)
