"""What the forked processes do: work as shipped, until they are killed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import resource
import signal
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from flask import Flask
from sqlalchemy import event, exists, or_, select
from sqlalchemy.orm import Session

from app import create_app
from bot import moments
from bot.channels import telegram_client, twilio_client
from bot.engine import reconciling, work
from bot.engine.clock import Clock
from bot.engine.embedded import Engine
from bot.house import House
from bot.messaging import outbox
from bot.messaging.pace import Pace
from bot.messaging.spool import ARRIVAL, Spool
from bot.models.messages import Attempt, Message
from bot.models.people import Address, Inburgeraar, PersonAddress
from bot.outreach import afspraken
from bot.web import WebServer
from proof.campaign import points
from proof.campaign.houses import (
    PROVIDERS,
    PUBLIC,
    TOKEN,
    TUESDAY,
    Place,
    Tables,
    build,
)
from proof.campaign.standin import ACCOUNT, SMS_FROM
from proof.clocks import replace

AMSTERDAM = ZoneInfo("Europe/Amsterdam")

REPLY = "/webhooks/twilio/reply"
FORM = "application/x-www-form-urlencoded"

PATIENCE = 120.0
"""Seconds after which a process that should have been killed gives up: exit code 3."""

LONGEST_STOP = 3600.0
"""Seconds for which a process may have stood still, and not give up when it goes on."""

UNHARMED = 3

AFSPRAAK = {"place": "Wijkcentrum", "address": "Voorbeeldstraat 12", "staff": "Jansen"}


class Door:
    """The doors of one house; whom they wake is said later."""

    def __init__(self, house: House) -> None:
        self.wake: Callable[[], None] = lambda: None
        self.app = create_app(house, lambda: self.wake())


@dataclass
class Ready:
    """What every forked process finds made: houses that have worked before, and are warm."""

    place: Place
    url: str
    houses: dict[tuple[str, str], House]
    doors: dict[str, Door]


def prepare(place: Place, url: str) -> Ready:
    """Make the houses and let each of them work once, so that all is loaded and compiled."""
    ready = Ready(place, url, {}, {})
    numbers = count(900_000)
    for database in place.databases:
        tables = Tables(place, database)
        tables.be(TUESDAY)
        tables.close()
        for provider in PROVIDERS:
            house = ready.houses[database, provider] = build(place, database, provider, url)
            for channel in house.channels:
                plan(house, next(numbers), channel)
            if provider == "twilio":
                ready.doors[database] = Door(house)
                knock(ready.doors[database].app, f"SM{'f' * 32}", address(next(numbers), "sms"))
                work.handle_inbox(house, 1)
            engine = Engine(house)
            engine.start()
            _until(lambda house=house: _over(house))
            work.reap(house, 1)
            work.remind(house, 1)
            engine.stop()
            house.database.close()
    replace(work.follow_practice_clock, work.follow_practice_clock)  # it has looked around
    return ready


def address(number: int, channel: str) -> str:
    """Return where person *number* is reached on *channel*."""
    return f"{1_000_000 + number}" if channel == "telegram" else f"+31697{number:06}"


def plan(house: House, number: int, channel: str, **more: Any) -> int:
    """Let somebody new be known, and a reminder be planned for them; return its number."""
    work.follow_practice_clock(house)
    now = moments.now()
    with house.database.session() as session:
        person = somebody(session, number, channel, now)
        message = outbox.queue(
            session,
            house,
            occasion=f"campaign {number}",
            key="afspraak.reminder",
            person=person,
            values={**AFSPRAAK, "begins": now + timedelta(days=2)},
            expires_at=now + timedelta(days=2),
            **more,
        )
        assert message is not None
        return message.id


def remember(house: House, number: int, channel: str, begins: datetime) -> None:
    """Let somebody new have an afspraak, as an intake file would bring it."""
    work.follow_practice_clock(house)
    now = moments.now()
    with house.database.session() as session:
        person = somebody(session, number, channel, now)
        afspraken.record(
            session,
            house,
            kenmerk=f"A{number}",
            person=person,
            begins=begins,
            minutes=60,
            soort=None,
            status="gepland",
            **AFSPRAAK,
        )


def somebody(session: Session, number: int, channel: str, now: datetime) -> Inburgeraar:
    """Let person *number* be known, with one address."""
    name = f"N{number}"
    person = Inburgeraar(kenmerk=name, first_name=name, language="nl", created_at=now)
    place = Address(
        channel=channel,
        address=address(number, channel),
        state="open",
        last_inbound_at=now + timedelta(days=1000),  # WhatsApp takes free text
        created_at=now,
    )
    session.add(PersonAddress(person=person, address=place, rank=0))
    session.flush()
    return person


def rests(house: House, at: datetime) -> bool:
    """Say whether people rest at *at*; found out without the house's own arithmetic."""
    wall = at.astimezone(AMSTERDAM)
    return wall.weekday() in house.quiet.weekdays or any(
        start <= wall.time() < end if start < end else wall.time() >= start or wall.time() < end
        for start, end in house.quiet.periods
    )


def webhook(sid: str, sender: str) -> dict[str, str]:
    """Return the form by which Twilio tells that *sender* wrote "help"."""
    return {
        "MessageSid": sid,
        "AccountSid": ACCOUNT,
        "From": sender,
        "To": SMS_FROM,
        "Body": "help",
        "NumMedia": "0",
        "NumSegments": "1",
    }


def signed(form: Mapping[str, str], path: str = REPLY) -> str:
    """Return Twilio's signature of *form*, made without its library."""
    text = PUBLIC + path + "".join(name + value for name, value in sorted(form.items()))
    digest = hmac.new(TOKEN.encode(), text.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


def knock(app: Flask, sid: str, sender: str) -> int:
    """Tell the doors that *sender* wrote "help"; return the status that was answered."""
    form = webhook(sid, sender)
    told = app.test_client().post(
        REPLY,
        data=urlencode(form),
        content_type=FORM,
        headers={"X-Twilio-Signature": signed(form)},
    )
    return told.status_code


def quiet(log: Path) -> None:
    """Let what this process logs go to a file, for whoever has to find out why."""
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(descriptor, 2)
    os.dup2(descriptor, 1)


def _begin(ready: Ready, database: str, provider: str) -> House:
    quiet(ready.place.folder / "victims.log")
    house = ready.houses[database, provider]
    work.follow_practice_clock(house)
    return house


def _over(house: House, states: tuple[str, ...] = ("planned", "claimed", "sending")) -> bool:
    """Say whether no message in one of *states* is due or under way."""
    now = moments.now()
    due = or_(Message.state != "planned", Message.not_before <= now)
    with house.database.reading() as session:
        return not session.scalar(select(exists().where(Message.state.in_(states), due)))


def _until(true: Callable[[], bool], patience: float = PATIENCE) -> None:
    end = time.monotonic() + patience
    while not true():
        if time.monotonic() > end:
            os._exit(UNHARMED)
        time.sleep(0.01)


# ------------------------------------------------------------------ the jobs


def send(ready: Ready, database: str, provider: str, point: str) -> None:
    """Send until killed at *point*."""
    house = _begin(ready, database, provider)
    points.arm(point, house)
    _work(house)


def send_on(ready: Ready, database: str, provider: str) -> None:
    """Send, and tick as a clock does, until killed from outside."""
    house = _begin(ready, database, provider)
    Clock(house).start()
    _work(house)


def _work(house: House) -> NoReturn:
    Engine(house).start()
    time.sleep(PATIENCE)
    os._exit(UNHARMED)


def send_and_freeze(ready: Ready, database: str, provider: str, point: str, passed: float) -> None:
    """Stand still at *point* until told to go on; then stop in order.

    So many seconds more than the wall's clock shows have *passed* then.
    """
    house = _begin(ready, database, provider)
    ahead, went_on = [0.0], threading.Event()
    Pace.clock = staticmethod(lambda: time.monotonic() + ahead[0])  # type: ignore[method-assign]

    def freeze() -> None:
        if went_on.is_set():
            return
        os.kill(os.getpid(), signal.SIGSTOP)
        ahead[0] = passed
        work.follow_practice_clock(house)
        went_on.set()

    points.arm(point, house, freeze)
    engine = Engine(house)
    engine.start()
    _until(went_on.is_set, LONGEST_STOP)
    engine.stop()


def send_with_wrong_clock(
    ready: Ready,
    database: str,
    provider: str,
    point: str,
    hours: int,
) -> None:
    """Send, while at *point* somebody sets the clock of this machine wrong."""
    house = _begin(ready, database, provider)
    jumped = threading.Event()
    replace(work.follow_practice_clock, lambda _house: None)
    right = moments.practice_offset()

    def jump() -> None:
        if not jumped.is_set():
            moments.set_practice_offset(right + timedelta(hours=hours))
            jumped.set()

    points.arm(point, house, jump)
    engine = Engine(house)
    engine.start()
    _until(jumped.is_set)
    time.sleep(0.1)
    engine.stop()


def send_all(ready: Ready, database: str, provider: str) -> None:
    """Send together with others until nothing is due, then stop in order."""
    house = _begin(ready, database, provider)
    engine = Engine(house)
    engine.start()
    # What one that was killed had under way stays so until its lease is over.
    _until(lambda: _over(house, ("planned",)))
    engine.stop()


def tick(ready: Ready, database: str, provider: str) -> None:
    """Tick as a clock does, together with another."""
    house = _begin(ready, database, provider)
    clock = Clock(house)
    for _ in range(5):
        for name in ("remind", "broadcasts", "offer_places", "reap"):
            clock.tick(name)


def try_once(ready: Ready, database: str, provider: str, url: str, people: dict[int, str]) -> None:
    """Send to a provider at *url* until something is known of the first attempt."""
    quiet(ready.place.folder / "victims.log")
    for client in (twilio_client, telegram_client):
        client.TIMEOUT = 2.0
    twilio_client._CONNECT_TIMEOUT = 1.0
    telegram_client._CONNECT_TIMEOUT = telegram_client._POOL_TIMEOUT = 0.8
    # What people wrote cannot be read from such a provider either; that is not waited for here.
    reconciling.PATIENCE = 0.0
    # Of a provider that is not on this machine it must be said who may be reached.
    reached = ",".join(address(number, channel) for number, channel in people.items())
    house = build(ready.place, database, provider, url, allowed_recipients=reached)
    for number, channel in people.items():
        plan(house, number, channel)
    engine = Engine(house)
    engine.start()
    _until(lambda: _known(house))
    engine.stop()


def _known(house: House) -> bool:
    with house.database.reading() as session:
        return bool(session.scalar(select(exists().where(Attempt.outcome.is_not(None)))))


def send_badly(ready: Ready, database: str, provider: str, harm: str) -> None:
    """Send with a database that may go away any moment; once it is back, until all is out."""
    house = _begin(ready, database, provider)
    folder = ready.place.folder
    if database == "sqlite":

        def hurt(connection: Any) -> None:
            harmed = (folder / "harm").exists()
            raw = connection.connection.driver_connection
            if harm == "read-only":
                raw.execute(f"PRAGMA query_only={'ON' if harmed else 'OFF'}")
            if harm == "full" and harmed:
                resource.setrlimit(resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        event.listen(house.database.engine, "begin", hurt, insert=True)
        event.listen(
            house.database.engine,
            "connect",
            lambda connection, _record: connection.execute("PRAGMA busy_timeout=200"),
        )
    engine = Engine(house)
    engine.start()
    _until((folder / "healed").exists)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    engine.stop()


def listen(ready: Ready, database: str, provider: str, point: str) -> None:
    """Serve the doors and act on what comes, until killed: at *point*, if that is one."""
    house = _begin(ready, database, provider)
    if point:
        points.arm(point, house)
    engine = Engine(house)
    door = ready.doors[database]
    if point == points.BY_WAKE:
        # While anything waits on the disk what comes goes there too, and the engine may be the one
        # that puts it in: that wakes nobody here.
        engine.start()
        _until(lambda: not Spool(house.settings.spool).waits(ARRIVAL))
        door.wake = points.die
    else:
        door.wake = engine.wake
    web = WebServer(door.app, "127.0.0.1", 0)
    web.start()
    beside = ready.place.folder / f"port.{os.getpid()}"
    beside.with_suffix(".part").write_text(str(web.port))
    beside.with_suffix(".part").rename(ready.place.folder / f"port-{os.getpid()}")
    if point != points.BY_WAKE:
        engine.start()
    time.sleep(PATIENCE)
    os._exit(UNHARMED)
