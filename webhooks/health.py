"""Alive, ready, and the figures."""

from __future__ import annotations

import hmac
import ipaddress
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from flask import Blueprint, Response, current_app, jsonify, request
from flask.blueprints import BlueprintSetupState
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy import func, select

from bot import logs, migrate, moments
from bot.db import clock
from bot.house import House
from bot.messaging import installation
from bot.messaging.spool import ARRIVAL, DAMAGED, OUTCOME, Spool
from bot.models.messages import Sender
from bot.models.ticks import DISTRUST, STILL, Tick
from bot.settings import Settings
from webhooks.figures import Figures

door = Blueprint("health", __name__)

FORWARDED = ("X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Forwarded", "Via")
"""What a proxy adds; one of them at least."""

LARGEST_OFFSET = timedelta(minutes=2)
"""How far this machine's clock may be from the database's."""

NOTHING_DONE = timedelta(minutes=3)
"""So long after the last work of any kind nobody looks after it."""

BROKER_IS_ASKED = 15.0
"""Seconds for which the broker's answer counts: asking may take two."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is not as it should be."""

    what: str
    """``database migrations hold channel spool clock work broker``."""
    says: str
    """In Dutch, with what to do."""
    blocks: bool = False
    """Whether the doors and pages cannot do their work because of it."""


class Broker:
    """Whether the broker can be reached; asked seldom."""

    def __init__(self, ask: Callable[[], str | None]) -> None:
        self._ask = ask
        self._told: str | None = None
        self._until = 0.0
        self._asking = threading.Lock()

    def unreachable(self) -> str | None:
        """Name what keeps the broker from being reached; None if it can be."""
        with self._asking:
            if time.monotonic() >= self._until:
                self._told = self._ask()
                self._until = time.monotonic() + BROKER_IS_ASKED
            return self._told


@door.record_once
def _begin(setup: BlueprintSetupState) -> None:
    setup.app.extensions["figures"] = Figures(setup.app.extensions["house"])


@door.get("/healthz")
def alive() -> Response:
    """The process answers."""
    return Response("ok\n", mimetype="text/plain")


@door.get("/readyz")
def ready() -> tuple[Response, int]:
    """Say whether doors and pages can do their work; no provider need be up.

    On hold they can: what people write must still come in. What is wrong besides, and in words,
    is for who may see figures.
    """
    house: House = current_app.extensions["house"]
    problems = list(_problems(house))
    is_ready = not any(problem.blocks for problem in problems)
    told: dict[str, object] = {"ready": is_ready}
    if _may_see(house.settings):
        told["problems"] = [{"what": each.what, "says": each.says} for each in problems]
    return jsonify(told), 200 if is_ready else 503


@door.get("/metrics")
def figures() -> Response:
    """What Prometheus asks for; see `webhooks.figures`."""
    house: House = current_app.extensions["house"]
    if not _may_see(house.settings):
        return Response(status=404)
    told: Figures = current_app.extensions["figures"]
    return Response(told.text(), content_type=CONTENT_TYPE_LATEST)


def _problems(house: House) -> Iterator[Problem]:
    yield from _spool(house)
    broker: Broker | None = current_app.extensions.get("broker")
    why = broker.unreachable() if broker is not None else None
    if why is not None:
        yield Problem(
            "broker",
            f"De broker antwoordt niet ({why}). Alles gaat door, hooguit een minuut later. "
            "Kijk naar BROKER_URL.",
        )
    try:
        if not migrate.is_current(house.database):
            yield Problem("migrations", "De database is niet bij. Doe: stap migrate", blocks=True)
            return
        yield from _database(house)
    except Exception as error:
        yield Problem(
            "database",
            f"De database antwoordt niet ({logs.fault(error)}). Kijk naar DATABASE_URL.",
            blocks=True,
        )


def _database(house: House) -> Iterator[Problem]:
    with house.database.reading() as session:
        now = clock(session)
        last = session.scalar(select(func.max(Tick.at)).where(Tick.name != DISTRUST))
        distrust = session.scalar(select(Tick.at).where(Tick.name == DISTRUST))
        held = installation.told(installation.found(session), house.settings.environment)
        down = session.execute(
            select(Sender.channel, Sender.pause_cause).where(Sender.broken_since.is_not(None))
        ).all()
    if held is not None:
        yield Problem("hold", f"{held} Wat nu: stap hold status")
    for channel, cause in down:
        yield Problem(
            "channel",
            f"Kanaal {channel} ligt stil ({cause}). Het gaat vanzelf verder "
            "zodra de provider weer werkt; zie stap doctor.",
        )
    offset = moments.machine_now() - now
    if abs(offset) > LARGEST_OFFSET:
        yield Problem(
            "clock",
            f"De klok van deze machine loopt {abs(offset).total_seconds():.0f} seconden "
            f"{'voor' if offset > timedelta() else 'achter'} op die van de database. Deze machine "
            "verstuurt niets tot dat is hersteld (NTP).",
        )
    if distrust is not None and now - distrust < STILL:
        yield Problem(
            "clock",
            "Een werker of klok gelooft de tijd van zijn machine niet: die versprong. Niets gaat "
            "uit tot een provider dezelfde tijd noemt. Herstel de tijd (NTP) en herstart hem dan.",
        )
    if last is None or now - last > NOTHING_DONE:
        since = "nog niet" if last is None else f"niet sinds {moments.local(last):%d-%m %H:%M}"
        yield Problem("work", f"Er is {since} gewerkt. Draaien werker en klok (stap work)?")


def _spool(house: House) -> Iterator[Problem]:
    spool = Spool(house.settings.spool)
    try:
        waiting, damaged = spool.count(ARRIVAL) + spool.count(OUTCOME), spool.count(DAMAGED)
    except OSError as error:
        yield Problem("spool", f"De map {spool.folder} is niet te lezen ({error.strerror}).")
        return
    if waiting:
        yield Problem("spool", f"Op de schijf wachten {waiting} gebeurtenissen op de database.")
    if damaged:
        yield Problem("spool", f"Op de schijf liggen {damaged} bestanden die niet te lezen zijn.")


def _may_see(settings: Settings) -> bool:
    """Say whether who asks may see figures: with the token, or from where we said, directly.

    What a proxy hands on comes from anywhere, whatever address the proxy itself has.
    """
    given = request.headers.get("Authorization", "")
    if settings.metrics_token:
        wanted = f"Bearer {settings.metrics_token}"
        if hmac.compare_digest(given.encode(), wanted.encode()):
            return True
    if any(name in request.headers for name in FORWARDED):
        return False
    try:
        asks = ipaddress.ip_address(request.remote_addr or "")
    except ValueError:
        return False
    allowed = (ipaddress.ip_network(each) for each in settings.metrics_from)
    return asks.is_loopback or any(asks in network for network in allowed)
