"""Three workers, on PostgreSQL and RabbitMQ, started as docs/operations.md says."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import requests
from brokers import Line, Queue, broker, until
from sqlalchemy import select
from test_journey_processes import free_port, ready

from bot import house as houses
from bot import moments
from bot.engine.distributed import application
from bot.house import House
from bot.models.afspraken import Afspraak
from bot.models.people import Address, Inburgeraar, PersonAddress
from bot.outreach import afspraken
from bot.settings import load
from phones.app import Server, serve
from phones.state import Accounts, Ground, Phone

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTED = ("start", "--concurrency", "web=1,worker=3,clock=1")

pytestmark = pytest.mark.postgres


class Town:
    """Everything that runs, and people in it."""

    def __init__(self, house: House, ground: Ground, server: Server, line: Line) -> None:
        self.house, self.ground, self.server, self.line = house, ground, server, line

    def appointment(self, name: str, number: str) -> Phone:
        """Let somebody have an afspraak of which a reminder is due; return their phone."""
        phone = self.ground.add(name, "en", "sms", number)
        at = moments.now()
        with self.house.database.session() as session:
            person = Inburgeraar(kenmerk=name, first_name=name, language="en", created_at=at)
            place = Address(
                channel="sms", address=number, phone=number, state="open", created_at=at
            )
            session.add(PersonAddress(person=person, address=place, rank=0))
            session.flush()
            afspraken.record(
                session, self.house, kenmerk=name, person=person, begins=at + timedelta(hours=22),
                minutes=60, soort=None, place="Wijkcentrum", address=None, staff=None,
                status="gepland",
            )  # fmt: skip
        return phone

    def say(self, phone: Phone, words: str) -> None:
        requests.post(
            f"{self.server.url}/phones/{phone.id}/say", json={"text": words}, timeout=10
        ).raise_for_status()

    def answers(self) -> dict[str, str | None]:
        with self.house.database.reading() as session:
            return {a.kenmerk: a.answer for a in session.scalars(select(Afspraak))}


@pytest.fixture
def town(postgres_url) -> Iterator[Town]:
    port = free_port()
    line = Line(broker("rabbitmq"))
    ground = Ground(Accounts(house=f"http://127.0.0.1:{port}", delay=0))
    server = serve(ground)
    own = ground.accounts
    given = {
        "ENGINE": "celery",
        "BROKER_URL": line.url,
        "BROKER_PATIENCE": "3",
        "DATABASE_URL": postgres_url,
        "PUBLIC_URL": own.house,
        "TWILIO_ACCOUNT_SID": own.twilio_sid,
        "TWILIO_AUTH_TOKEN": own.twilio_token,
        "TWILIO_API_URL": server.url,
        "TWILIO_CONTENT_URL": server.url,
        "TELEGRAM_API_URL": server.url,
        "TWILIO_SMS_FROM": own.sms_from,
        "ALLOWED_RECIPIENTS": "*",
        "QUIET_HOURS": "",
    }
    house = houses.build(load(None, **{name.lower(): value for name, value in given.items()}))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    started = subprocess.Popen(
        [sys.executable, "-m", "honcho", *DOCUMENTED],
        cwd=ROOT,
        env={**os.environ, **given, "PATH": path, "PORT": str(port)},
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield Town(house, ground, server, line)
    finally:
        os.killpg(started.pid, signal.SIGTERM)
        started.wait(timeout=40)
        line.cut()
        server.close()
        house.database.close()
        straight = house.settings.model_copy(update={"broker_url": broker("rabbitmq")})
        Queue(application(straight)).delete()


def heard(phone: Phone) -> list[str]:
    return [bubble.text for bubble in phone.bubbles if not bubble.mine]


def test_a_lost_broker_delays_and_neither_loses_nor_doubles(town):
    """It is wiped and then away in the middle of it: what has to be done stands in the tables."""
    queue = Queue(application(town.house.settings))
    until(lambda: ready(town.house.settings.public_url) and queue.workers() == 3, 60)

    priya = town.appointment("Priya", "+31697000004")
    until(lambda: len(heard(priya)) == 1)
    town.say(priya, "1")
    until(lambda: town.answers()["Priya"] == "confirmed")

    queue.purge()
    town.line.cut()
    omar = town.appointment("Omar", "+31697000005")
    until(lambda: len(heard(omar)) == 1)
    town.say(omar, "3")
    until(lambda: town.answers()["Omar"] == "declined")

    town.line.mend()
    until(lambda: queue.workers() == 3)
    selam = town.appointment("Selam", "+31697000006")
    until(lambda: len(heard(selam)) == 1)
    town.say(selam, "1")
    until(lambda: [2, 2, 2] == [len(heard(phone)) for phone in (priya, omar, selam)])
    assert {"Priya": "confirmed", "Omar": "declined", "Selam": "confirmed"} == town.answers()


def test_the_processes_are_started_as_the_page_for_operators_says():
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")

    assert " ".join(("honcho", *DOCUMENTED)) in page
