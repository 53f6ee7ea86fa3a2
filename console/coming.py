"""What goes out by itself: messages that wait, and reminders that the clock has yet to write."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from bot.house import House
from bot.messaging import route
from bot.models.afspraken import Afspraak
from bot.models.messages import Message
from bot.models.people import Inburgeraar
from bot.outreach import reminders
from bot.told import Told, tell
from console import words


@dataclass(frozen=True, slots=True)
class Coming:
    """Something that goes out at a moment, if nothing changes before."""

    at: datetime
    person: Inburgeraar
    what: str
    """In Dutch, as staff call it."""
    channel: str | None
    """None: there is no address that it could go to."""
    cause: str | None = None
    """Why it waits until then, where there is a reason."""


def coming(
    house: House, messages: Iterable[Message], afspraken: Iterable[Afspraak]
) -> list[Coming]:
    """Return what goes out of *messages* that are planned and about *afspraken*, soonest first."""
    found = [*_written(messages), *_reminders(house, afspraken)]
    return sorted(found, key=lambda each: each.at)


def _written(messages: Iterable[Message]) -> Iterator[Coming]:
    for each in messages:
        if each.person is not None:
            kind = words.kind(each.key)
            yield Coming(each.not_before, each.person, kind, each.channel, each.cause)


def _reminders(house: House, afspraken: Iterable[Afspraak]) -> Iterator[Coming]:
    for each in afspraken:
        place = route.usable((link.address for link in each.person.addresses), None)
        channel = place.channel if place is not None else None
        for step in reminders.ahead(house, each):
            yield Coming(step.at, each.person, _before(step.label), channel)


def _before(label: str) -> Told:
    """Say how long before the afspraak a reminder goes, by the *label* of its step: ``2h``."""
    number, unit = int(label[:-1]), label[-1]
    if unit == "h":
        return tell("Herinnering, %(n)s uur vooraf", n=number)
    if number == 1:
        return tell("Herinnering, 1 dag vooraf")
    return tell("Herinnering, %(n)s dagen vooraf", n=number)
