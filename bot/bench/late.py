"""How late what is due goes while a mass message of 10,000 drains: reminders, and answers.

One process, as `stap run`. A reminder is late from the moment that it is due, an answer from the
moment that somebody wrote; both until the provider has it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import select

from bot import moments
from bot.bench import readers
from bot.bench.drain import wait, wait_until_idle
from bot.bench.figures import Measured, at, at_least, at_most, figure
from bot.bench.place import Place
from bot.bench.provider import Provider, provider
from bot.bench.sender import WHATSAPP_FROM, serving, write
from bot.house import House
from bot.models.messages import Message
from bot.models.people import Address

MASS = 10_000
CAP = 80
PART = 50
"""One of so many people is reminded, and as many write."""

LATEST = 10.0
"""Seconds that 99 of 100 stay within."""

AFTER = 5.0
"""Seconds of the mass message before anything else is due."""

STOP = "uitschrijven"
"""Which is always answered, and at once."""


def measure(place: Place, size: int | None = None) -> Iterator[Measured]:
    """Let a mass message to *size* people drain."""
    count = size or MASS
    few, seconds = max(1, count // PART), count / CAP
    pace = {"PACE_WHATSAPP": str(CAP)}
    with (
        place.fresh() as url,
        provider(0.1) as other,
        serving(url, other, **pace) as house,
    ):
        readers.gather(house, count)
        readers.announce(house)
        wait(lambda: other.count() > 1)
        begins, zero = time.monotonic() + AFTER, moments.now() - _since_start()
        readers.remind(house, few, moments.now() + timedelta(seconds=AFTER), seconds * 0.8)
        wrote = {}
        for number in range(count - few, count):
            time.sleep(max(0.0, begins - time.monotonic()))
            begins += seconds * 0.8 / few
            address = readers.address(number)
            wrote[address] = time.monotonic()
            own, ours = f"whatsapp:{address}", f"whatsapp:{WHATSAPP_FROM}"
            write(house.settings.public_url, number, own, ours, STOP)
        _drained(house, other)
        reminders, answers = _lateness(house, other, zero, wrote)
        taken = [moment for moment, _, _ in other.taken()]
    for name, lateness, all_of in (("reminders", reminders, few), ("answers", answers, few)):
        yield at_least(f"late.{name}", len(lateness), "went", all_of, place)
        yield at_most(f"late.{name}, p99", at(99, lateness), "s", LATEST, place)
    yield figure("late.pace", len(taken) / (taken[-1] - taken[0]) / CAP, "of the cap", place)


def _drained(house: House, other: Provider) -> None:
    """Wait until all has gone. Raises TimeoutError if nothing goes for a minute."""
    while True:
        before = other.count()
        try:
            return wait_until_idle(house, other)
        except TimeoutError:
            if other.count() == before:
                raise


def _since_start() -> timedelta:
    return timedelta(seconds=time.monotonic())


def _lateness(
    house: House, other: Provider, zero: datetime, wrote: dict[str, float]
) -> tuple[list[float], list[float]]:
    """Return of each reminder and of each answer how many seconds it was late; *zero* is when the
    clock of the provider's notes stood at nothing.
    """
    arrived = {int(message): moment for moment, _, message in other.taken()}
    with house.database.reading() as session:
        found = session.execute(
            select(Message.id, Message.in_reply_to, Message.not_before, Address.address)
            .join(Address, Address.id == Message.address_id)
            .where(Message.broadcast_id.is_(None), Message.id.in_(arrived))
        ).all()
    reminders, answers = [], []
    for number, asked, due, address in found:
        if asked is None:
            reminders.append(arrived[number] - (due - zero).total_seconds())
        elif address in wrote:
            answers.append(arrived[number] - wrote[address])
    return reminders, answers
