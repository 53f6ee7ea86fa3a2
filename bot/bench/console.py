"""How long the pages of the console take: 20,000 people, a million messages, one browser.

The report is made beforehand, as the worker does every half hour; what that takes stands beside it.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from functools import partial
from typing import Any

from argon2 import PasswordHasher
from flask.testing import FlaskClient
from sqlalchemy import text

import console
from bot import house as houses
from bot import moments
from bot.bench.crowd import bulk, moment, postgresql_at, seed, sqlite_at
from bot.bench.figures import Measured, at, at_most, figure, median
from bot.bench.place import Place
from bot.bench.served import settings
from bot.engine import work
from bot.house import House
from bot.models.staff import ROLES
from bot.privacy import staff

PEOPLE = 20_000
MESSAGES = 1_000_000
COLLEAGUES = 40
"""Klantmanagers, so that each has five hundred people."""

LOOKS = 20
"""Times that every page is opened, after a first one that warms up."""

GOAL = 300.0
"""Milliseconds that 95 of 100 looks stay under."""

EMAIL, NAME, PASSWORD = "bench@voorbeeldstad.example", "Colleague 1", "a sentence for measuring"

PAGES: dict[str, str] = {
    "today": "/",
    "inbox": "/postvak",
    "conversation": "/postvak/40",
    "people": "/mensen",
    "people_all": "/mensen?wie=alle",
    "people_found": "/mensen?q=ala",
    "person": "/mensen/P0000041",
    "person_form": "/mensen/P0000041/wijzig",
    "afspraak_form": "/mensen/P0000041/afspraak/0",
    "people_last": "/mensen?wie=alle&na=19950",
    "new_broadcast": "/groepsberichten/nieuw",
    "calendar": "/afspraken",
    "calendar_all": "/afspraken?wie=iedereen",
    "broadcasts": "/groepsberichten",
    "broadcast_live": "/groepsberichten/1",
    "broadcast_preview": "/groepsberichten/21/voorbeeld",
    "broadcast_agree": "/groepsberichten/21/akkoord",
    "voortrajecten": "/voortrajecten",
    "voortraject": "/voortrajecten/V-1",
    "ambassadeurs": "/ambassadeurs",
    "ambassadeur": "/ambassadeurs/M-7",
    "premie": "/premie",
    "report": "/rapporten",
}

GROUPS = 20
"""Group messages to everyone; the one after them is a draft."""

STATES = ("read", "delivered", "delivered", "sent", "failed", "blocked", "unknown_final", "read")
ANSWERS = ("confirmed", "none", "confirmed", "reschedule", "declined")
COURSE = ("accepted", "invited", "invited", "declined", "waiting", "later")


def measure(place: Place, size: int | None = None) -> Iterator[Measured]:
    """Open every page of PAGES over *size* messages."""
    with place.fresh() as url:
        fill(url, size or MESSAGES)
        house = houses.build(settings(url, environment="practice", public_url="http://localhost"))
        try:
            yield from _measured(house, place)
        finally:
            house.database.close()


def _measured(house: House, place: Place) -> Iterator[Measured]:
    hire(house)
    began = time.perf_counter()
    work.report(house, 1)
    made = time.perf_counter() - began
    browser = log_in(console.make(house).test_client())
    began = time.perf_counter()
    for name in ("broadcast_preview", "broadcast_agree"):
        browser.get(f"/console{PAGES[name]}?tel=1")
    counted = (time.perf_counter() - began) / 2
    for name, path in PAGES.items():
        taken = _looked(partial(browser.get, f"/console{path}"))
        yield figure(f"console.{name}.cpu", median([cpu for _, cpu in taken]), "ms", place)
        yield figure(f"console.{name}.p50", at(50, [wall for wall, _ in taken]), "ms", place)
        yield at_most(f"console.{name}.p95", at(95, [wall for wall, _ in taken]), "ms", GOAL, place)
    yield figure("console.report_made", made, "s", place)
    yield figure("console.broadcast_counted", counted, "s", place)


def _looked(look: Callable[[], Any]) -> list[tuple[float, float]]:
    """Return how many milliseconds each look took by the clock, and of the processor's time.

    On a machine that does other work besides, the first is mostly waiting for that.
    """
    taken = []
    for number in range(LOOKS + 1):
        began, cpu = time.perf_counter(), time.process_time()
        answer = look()
        took = (time.perf_counter() - began) * 1000, (time.process_time() - cpu) * 1000
        if answer.status_code != 200:
            raise RuntimeError(f"{answer.request.path}: {answer.status_code}")
        if number:
            taken.append(took)
    return taken


def hire(house: House) -> None:
    """Let one colleague work here, in every role."""
    with house.database.session() as session:
        member = staff.put(session, EMAIL, NAME, list(ROLES))
        member.password = PasswordHasher().hash(PASSWORD)


def log_in(browser: FlaskClient) -> FlaskClient:
    """Log in with the form, as anybody does."""
    page = browser.get("/console/inloggen").text
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    if token is None:
        raise RuntimeError("the form to log in has no token")
    given = {"csrf_token": token[1], "email": EMAIL, "password": PASSWORD}
    answer = browser.post("/console/inloggen", data=given)
    if answer.status_code != 302:
        raise RuntimeError(f"cannot log in: {answer.status_code}")
    return browser


def fill(url: str, messages: int, people: int = PEOPLE) -> None:
    """Let there be a gemeente that was written *messages*, and its work of every day."""
    seed(url, people)
    now = moments.now()
    when: list[Any] = [moment(url, now - timedelta(hours=hour)) for hour in range(24 * 300)]
    later = moment(url, now + timedelta(days=30))

    def hours(number: int) -> Any:
        return when[number % len(when)]

    bulk(
        url, "afspraak",
        ("id", "kenmerk", "person_id", "begins", "minutes", "place", "status", "version",
         "known_at", "answer", "came"),
        ((n, f"A{n:07}", 1 + n % people, moment(url, now + timedelta(hours=n % 2400 - 1900)), 30,
          "Wijkcentrum", "gepland", 1, when[-1], ANSWERS[n % 5], None if n % 3 == 0 else n % 7 > 0)
         for n in range(1, 3 * people + 1)),
    )  # fmt: skip
    bulk(
        url, "broadcast",
        ("id", "name", "key", "values", "audience", "window_from", "window_until", "first",
         "hold_minutes", "most_failed", "most_stopped", "most_unknown", "state", "written_by",
         "approved_by", "approved_count", "languages", "unreviewed", "expanded_to", "started_at",
         "history", "created_at"),
        ((n, f"Groepsbericht {n}", "broadcast.own",
          json.dumps({"own:nl": "Het buurthuis is dicht."}), "", when[-1], later, 20, 10, 10.0, 3.0,
          1.0, "draft" if n > GROUPS else "done", "An", "Bo", people, "[]", "[]", "{}",
          None if n > GROUPS else when[0], "[]", when[-1]) for n in range(1, GROUPS + 2)),
    )  # fmt: skip
    bulk(
        url, "broadcast_recipient",
        ("broadcast_id", "person_id", "address_id", "channel", "language"),
        ((group, n, n, ("telegram", "sms", "whatsapp")[n % 3], "nl")
         for group in range(1, GROUPS + 1) for n in range(1, people + 1)),
    )  # fmt: skip
    bulk(
        url, "message",
        ("id", "broadcast_id", "occasion", "person_id", "address_id", "channel", "purpose", "key",
         "language", "values", "body", "buttons", "about", "version", "priority", "state", "cause",
         "not_before", "expires_at", "epoch", "attempts", "created_at", "changed_at"),
        ((n, 1 + n // people if n < GROUPS * people else None, f"o:{n}", 1 + n % people,
          1 + n % people, ("telegram", "sms", "whatsapp")[n % 3],
          "public task", "afspraak.reminder", "nl", "{}", "Beste N, je hebt een afspraak. " * 6,
          "[]", f"afspraak:{1 + n % (3 * people)}", 1, 1, STATES[n % 8],
          "bad_number" if n % 8 == 4 else None, hours(n), later, 1, 1, hours(n), hours(n))
         for n in range(1, messages + 1)),
    )  # fmt: skip
    bulk(
        url, "attempt", ("id", "message_id", "number", "epoch", "form", "started_at"),
        ((n, n, 1, 1, "text", hours(n)) for n in range(1, messages + 1)),
    )  # fmt: skip
    bulk(
        url, "task", ("id", "kind", "subject", "person_id", "note", "since"),
        ((n, "vraag", f"vraag:{n}", 1 + n, "Bel terug.", hours(n)) for n in range(1, 301)),
    )  # fmt: skip
    bulk(
        url, "voortraject",
        ("id", "kenmerk", "theme", "place", "days", "begins", "ends", "starts", "weeks", "seats",
         "taken", "offer_hours", "version"),
        ((n, f"V-{n}", "Lezen", "Wijkcentrum", "mo,we", "09:00", "11:30",
          (now + timedelta(days=n)).date(), 26, 700, 650, 48, 1) for n in range(1, 21)),
    )  # fmt: skip
    bulk(
        url, "deelname",
        ("id", "voortraject_id", "person_id", "state", "waiting_since", "needs_childcare", "at"),
        ((n, 1, n, COURSE[n % 6], hours(n) if n % 6 == 4 else None, n % 4 == 0, hours(n))
         for n in range(1, 4001)),
    )  # fmt: skip
    bulk(
        url, "ambassadeur", ("id", "kenmerk", "first_name", "languages", "state", "created_at"),
        ((n, f"M-{n}", "Samira", "[\"ar\"]", "actief", when[-1]) for n in range(1, 51)),
    )  # fmt: skip
    bulk(
        url, "link", ("id", "ambassadeur_id", "code", "minors", "created_at"),
        ((n, n, f"K{n:09}", 0, when[-1]) for n in range(1, 51)),
    )  # fmt: skip
    bulk(
        url, "aanmelding", ("id", "link_id", "person_id", "counted", "flags", "at"),
        ((n, 1 + n % 50, n, True, "[]", hours(n)) for n in range(1, 2001)),
    )  # fmt: skip
    _settle(url)


def _settle(url: str) -> None:
    """Give everybody a klantmanager, and let PostgreSQL know what it holds, as it does by itself
    before long; SQLite is never told.
    """
    caseloads = ("UPDATE inburgeraar SET klantmanager = 'Colleague ' || (id % :many + 1)").replace(
        ":many", str(COLLEAGUES)
    )
    if url.startswith("sqlite"):
        with closing(sqlite_at(url)) as connection:
            connection.execute(caseloads)
    else:
        with postgresql_at(url) as connection:
            connection.execute(text(caseloads).text)
            connection.commit()
            connection.autocommit = True
            connection.execute("VACUUM (ANALYZE)")
