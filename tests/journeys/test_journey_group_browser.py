"""S21 at the size of a city: 8,500 people, the processes of the Procfile, a provider, a browser.

Written, shown, tried on one's own phone, approved by another with the number typed over, first to
twenty, stopped in the middle, gone on with, stopped again, put right for exactly who has it.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import requests
from argon2 import PasswordHasher
from playwright.sync_api import Browser, Page
from twilio.request_validator import RequestValidator
from windows import log_in, windows

from bot.bench.crowd import bulk, moment, postgresql_at
from bot.bench.provider import ACCOUNT, TOKEN, Provider, provider
from bot.bench.sender import SMS_FROM, environment
from bot.db import Database
from bot.messaging.pace import Pace
from bot.moments import machine_now
from bot.privacy import staff

pytestmark = [pytest.mark.browser, pytest.mark.postgres, pytest.mark.timeout(400)]

ROOT = Path(__file__).resolve().parents[2]
PEOPLE = 8_500
PACE = 200
"""A second: as much as a machine of two cores sends beside a browser."""

MINE = "+31697999999"
PASSWORD = "a long and fictional sentence"
PATIENCE = 90_000
"""Milliseconds that something may take on a machine that does other work besides."""


def until(true: Callable[[], object], seconds: float = PATIENCE / 1000) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come to be"
        time.sleep(0.1)


class City:
    """8,500 people in two languages, two colleagues, and the processes that serve them."""

    def __init__(self, url: str, port: int, at: Provider) -> None:
        self.url, self.at, self.web = url, at, f"http://127.0.0.1:{port}"
        self.given = environment(
            url, at, PUBLIC_URL=self.web, PORT=str(port), PACE_SMS=str(PACE),
            TWILIO_SMS_FROM=SMS_FROM, TWILIO_WHATSAPP_FROM="", ENVIRONMENT="practice",
            PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        )  # fmt: skip

    def fill(self) -> None:
        numbers, now = range(1, PEOPLE + 1), moment(self.url, machine_now())
        bulk(
            self.url, "inburgeraar",
            ("id", "kenmerk", "first_name", "language", "wijk", "created_at"),
            ((n, f"P{n:05}", "Sam", ("nl", "en")[n % 2], f"0{n % 5 + 1}", now) for n in numbers),
        )  # fmt: skip
        bulk(
            self.url, "address", ("id", "channel", "address", "state", "created_at"),
            ((n, "sms", f"+31697{n:06}", "open", now) for n in numbers),
        )  # fmt: skip
        bulk(
            self.url, "person_address", ("person_id", "address_id", "rank"),
            ((n, n, 0) for n in numbers),
        )  # fmt: skip
        bulk(
            self.url, "consent", ("person_id", "purpose", "given", "evidence", "at"),
            ((n, "invitation", True, "test", now) for n in numbers),
        )  # fmt: skip
        with closing(Database(self.url)) as database, database.session() as session:
            for name, role in (("An", "communicatie"), ("Bo", "goedkeurder")):
                member = staff.put(session, f"{name}@voorbeeldstad.example", name, [role])
                member.password = PasswordHasher().hash(PASSWORD)

    def says(self, told: str) -> None:
        """Let An's own phone send *told*."""
        url = f"{self.web}/webhooks/twilio/reply"
        form = {
            "MessageSid": f"SM{time.monotonic_ns():032x}", "AccountSid": ACCOUNT, "From": MINE,
            "To": SMS_FROM, "Body": told, "NumMedia": "0",
        }  # fmt: skip
        signed = RequestValidator(TOKEN).compute_signature(url, form)
        answer = requests.post(url, form, headers={"X-Twilio-Signature": signed}, timeout=30)
        assert 204 == answer.status_code

    def calls(self) -> Counter[str]:
        """Return how often the provider was asked to send to each number."""
        return Counter(to for _, to, _ in self.at.taken())

    def residents(self) -> Counter[str]:
        return Counter({to: n for to, n in self.calls().items() if to != MINE})


@pytest.fixture
def city(postgres_url) -> Iterator[City]:
    with provider(0.05, reports=PACE) as at:
        city = City(postgres_url, free_port(), at)
        started = subprocess.Popen(
            [sys.executable, "-m", "honcho", "start"], cwd=ROOT, env=city.given,
            start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            city.fill()
            until(lambda: is_ready(city.web))
            yield city
        finally:
            os.killpg(started.pid, signal.SIGTERM)
            started.wait(timeout=40)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_ready(url: str) -> bool:
    try:
        return requests.get(f"{url}/readyz", timeout=5).status_code == 200
    except requests.RequestException:
        return False


@pytest.fixture
def open_as(chromium: Browser, city: City) -> Iterator[Callable[[str], Page]]:
    with windows(chromium, base_url=city.web) as opened:

        def open_(name: str) -> Page:
            page = opened.open()
            page.set_default_timeout(PATIENCE)
            log_in(page, "/console", name, PASSWORD)
            page.wait_for_url(re.compile(r"/console/$"))
            return page

        yield open_


# ------------------------------------------------------------------ what one does at the pages


def write(page: Page) -> int:
    page.goto("/console/groepsberichten/nieuw")
    page.fill("#name", "Buurtfeest")
    page.check("#soort-e")
    page.fill("#tekst-nl", "Buurtfeest op zaterdag in De Burg.")
    page.locator("details:has(#tekst-en) > summary").click()
    page.fill("#tekst-en", "Street party on Saturday in De Burg.")
    later = time.strftime("%d-%m-%Y", time.localtime(time.time() + 5 * 86_400))
    page.fill("#until-dag", later)
    page.fill("#until-tijd", "17:00")
    page.locator("details:has(#hold_minutes) > summary").click()
    page.fill("#hold_minutes", "0")
    page.click("form:has(#name) button:has-text('Bewaar en bekijk'):not(.vh)")
    page.wait_for_url(re.compile("/voorbeeld"))
    return int(re.findall(r"groepsberichten/(\d+)", page.url)[0])


def try_out(page: Page, city: City) -> None:
    """Tie An's own phone and send both languages to it."""
    page.click("text=Geef mij een code")
    code = page.locator("b:has-text('TEST ')").inner_text()
    city.says(code)
    until(lambda: city.calls()[MINE] == 1)
    page.goto(page.url.partition("#")[0])
    page.click("text=Stuur de test naar mij")
    page.wait_for_selector("text=tests gaan nu naar uw eigen telefoon")
    until(lambda: city.calls()[MINE] == 3)


def approve(page: Page, number: int, start: str) -> int:
    """Say yes in both languages to as many as the page says; return how many."""
    page.goto(f"/console/groepsberichten/{number}/akkoord")
    page.wait_for_selector("#geteld .big")
    page.check("#taal-en")
    page.click("button:has-text('Tel opnieuw')")
    page.wait_for_url(re.compile("taal=en"))
    page.wait_for_selector("#aantal")
    said = (page.text_content("#aantal-d") or "").split(":")[1].strip()
    page.fill("#aantal", said)
    page.click(f"text={start}")
    page.wait_for_url(re.compile(r"/groepsberichten/\d+$"))
    return int(said.replace(".", ""))


def stop(page: Page) -> float:
    """Press Stop on the page of one that runs; return from when on no call may begin."""
    page.click("text=Stop verzenden")
    page.wait_for_selector("text=Er gaat niets meer weg.")
    end = Pace.clock() + 1
    until(lambda: Pace.clock() > end)
    return end


def summed(page: Page) -> tuple[list[int], int]:
    """Return the figures that the page writes out, and their sum as it says it."""
    page.reload()
    parts, total = (page.text_content(".sumline") or "").replace(".", "").split("=")
    return [int(each) for each in parts.split("+")], int(total)


def test_s21_8500_people_from_writing_to_correction_in_a_browser(city, open_as):
    writer, approver = open_as("An"), open_as("Bo")
    number = write(writer)
    writer.wait_for_selector("#geteld .big")
    assert "8.500" == writer.text_content("#geteld .big")
    try_out(writer, city)
    assert 0 == city.residents().total()

    assert PEOPLE == approve(approver, number, "Keur goed en begin met 20")
    until(lambda: city.residents().total() >= 20)
    until(lambda: city.residents().total() > 300)

    stopped = stop(approver)
    assert {1} == set(city.residents().values())

    figures, total = summed(approver)
    assert PEOPLE == total == sum(figures)
    left = approver.text_content("button:has-text('Ga verder met')") or ""
    approver.fill("#verder", re.findall(r"[\d.]+", left)[-1])
    went, resumed = city.residents().total(), Pace.clock()
    approver.click("button:has-text('Ga verder met')")
    until(lambda: city.residents().total() > went + 200)
    assert not any(stopped < at < resumed for at, _, _ in city.at.taken())
    stop(approver)
    first = city.residents()
    assert {1} == set(first.values()), "gone on with, and nobody twice"

    writer.goto(f"/console/groepsberichten/{number}")
    writer.click("text=Schrijf correctie")
    writer.fill("#tekst-nl", "Sorry. Het buurtfeest is in De Brug.")
    writer.locator("details:has(#tekst-en) > summary").click()
    writer.fill("#tekst-en", "Sorry. The street party is in De Brug.")
    writer.click("form:has(#name) button:has-text('Bewaar en bekijk'):not(.vh)")
    writer.wait_for_url(re.compile("/voorbeeld"))
    put_right = int(re.findall(r"groepsberichten/(\d+)", writer.url)[0])
    assert first.total() == approve(approver, put_right, "Keur goed en begin met")
    until(lambda: city.residents().total() == 2 * first.total())

    for each in (number, put_right):
        approver.goto(f"/console/groepsberichten/{each}")
        figures, total = summed(approver)
        assert total == sum(figures) == (PEOPLE if each == number else first.total())
    assert Counter(dict.fromkeys(first, 2)) == city.residents()
    with postgresql_at(city.url) as connection:
        broken = connection.execute(
            "SELECT count(*) FROM message WHERE state IN ('unknown', 'failed', 'blocked')"
        ).fetchone()
    assert (0,) == broken
