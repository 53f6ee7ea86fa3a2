"""How much may go out: counted and held in the transaction that writes the attempt.

Of what a person gets, what was handed over is counted itself, with their turn taken first: so the
count is never behind, whoever else is sending. Only mass messages and invitations are ever held by
it. SMS parts are counted by the day, in one row.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from sqlalchemy import ColumnElement, Integer, and_, cast, exists, func, or_, select, true, update
from sqlalchemy.orm import Session

from bot import moments
from bot.channels.base import SMS
from bot.db import take_turns
from bot.gemeente import Caps
from bot.house import House
from bot.inserts import insert_once
from bot.models.broadcasts import Broadcast
from bot.models.messages import Attempt, Message, Spending
from bot.models.people import Address, PersonAddress
from bot.wording.segments import segments

WEEK = timedelta(days=7)

OF_A_PERSON, OF_STAFF = 0x57A1, 0x57A2
"""Kinds of turns; see `db.take_turns`."""

RANGE_DIGITS = 3
"""The last digits of a number, which differ within a range."""

HOME = "+31"

LOOK_BACK = 5_000
"""Addresses before one that are looked at for others like it."""

LEAST_USE = timedelta(seconds=10)
"""What waits for tomorrow must be of use by then for at least this long."""

INVITATION = "voortraject.invitation"
"""Counts as a mass message also on its own. A place that became free does not: who hears of that
waits for it."""

WHY_NOT = {
    # Dutch, for staff; beside those of `delivery`.
    "cap_mass": "Deze persoon kreeg al genoeg groepsberichten en uitnodigingen.",
    "cap_all": "Deze persoon kreeg de laatste tijd al veel berichten.",
    "cap_cost": "De sms-berichten van vandaag kosten samen genoeg; dit wacht tot morgen.",
}


@dataclass(slots=True)
class _Got:
    """What somebody got today and in the last week: mass messages, and of any kind."""

    mass_today: int = 0
    mass: int = 0
    all_today: int = 0
    all: int = 0

    def full(self, caps: Caps) -> str | None:
        """Say why another mass message has to wait, or None."""
        if self.mass_today >= caps.mass_per_day or self.mass >= caps.mass_per_week:
            return "cap_mass"
        if self.all_today >= caps.all_per_day or self.all >= caps.all_per_week:
            return "cap_all"
        return None


class Room:
    """What still fits, for messages that are about to be handed over in this transaction."""

    def __init__(
        self,
        session: Session,
        house: House,
        messages: Iterable[Message],
        now: datetime,
        corrections: Collection[int] = (),
    ) -> None:
        """Take the turn of everybody who gets a mass message among *messages*, and count.

        *corrections* are the broadcasts that put right what somebody has: these always go.
        """
        self._session, self._house, self._now = session, house, now
        self._corrections = frozenset(corrections)
        mass = [each for each in messages if self._is_capped(each)]
        people = {each.person_id for each in mass if each.person_id is not None}
        take_turns(session, OF_A_PERSON, people)
        self._got = _got(session, now, people)
        self._tomorrow = house.quiet.next_open(_midnight(now, days=1))
        self._spent: int | None = None
        self._taken = 0

    def take(self, message: Message) -> tuple[str, str, datetime | None] | None:
        """Give *message* its place; or say what it becomes, why, and until when it waits.

        To be asked last: what it gives is counted as handed over.
        """
        cause = self._full_for_person(message) or self._full_of_cost(message)
        if cause is None:
            return None
        if self._tomorrow + LEAST_USE >= message.expires_at:
            return "blocked", cause, None
        return "planned", cause, self._tomorrow

    def _is_capped(self, message: Message) -> bool:
        if message.in_reply_to is not None or message.broadcast_id in self._corrections:
            return False
        if message.voice is not None:
            return False
        return message.broadcast_id is not None or message.key == INVITATION

    def _full_for_person(self, message: Message) -> str | None:
        if message.person_id is None or not self._is_capped(message):
            return None
        got = self._got.setdefault(message.person_id, _Got())
        if (cause := got.full(self._house.gemeente.caps)) is not None:
            return cause
        for name in _Got.__slots__:
            setattr(got, name, getattr(got, name) + 1)
        return None

    def _full_of_cost(self, message: Message) -> str | None:
        if message.channel != SMS or message.attempts:
            return None
        parts, price = segments(message.body), self._house.gemeente.sms_price
        most = self._house.gemeente.caps.sms_euros_per_day
        stranger = message.person_id is None and message.in_reply_to is not None
        if (
            price
            and (stranger or self._is_capped(message))
            and (self._parts_today() + parts) * price > most
        ):
            return "cap_cost"
        self._taken += parts
        return None

    def _parts_today(self) -> int:
        """Return what was handed over today, with what is taken here; nobody else counts now."""
        if self._spent is None:
            day = _day(self._now)
            insert_once(self._session, Spending, {"day": day, "parts": 0})
            self._spent = self._session.scalars(
                select(Spending.parts).where(Spending.day == day).with_for_update()
            ).one()
        return self._spent + self._taken

    def write(self) -> None:
        """Write down what was taken, in the transaction that writes the attempts."""
        if not self._taken:
            return
        total = self._parts_today()
        self._session.execute(
            update(Spending)
            .where(Spending.day == _day(self._now))
            .values(parts=total)
            .execution_options(synchronize_session=False)
        )
        self._spent, self._taken = total, 0


def _got(session: Session, now: datetime, people: Collection[int] | None) -> dict[int, _Got]:
    """Return what each of *people* got, None for everybody; nobody is in it who got nothing."""
    if people is not None and not people:
        return {}
    today, since = _midnight(now), now - WEEK
    mass = and_(
        or_(Message.broadcast_id.is_not(None), Message.key == INVITATION),
        Message.in_reply_to.is_(None),
        Message.voice.is_(None),  # the sound of a text that counts already
    )
    is_today = Attempt.started_at >= today
    rows = session.execute(
        select(
            Message.person_id,
            *(
                func.sum(cast(which, Integer))
                for which in (and_(mass, is_today), mass, is_today, Attempt.id > 0)
            ),
        )
        .join(Attempt, Attempt.message_id == Message.id)
        .where(
            # Of everybody, found by the attempts of these days: most people got nothing.
            true() if people is None else _to(people),
            Message.changed_at >= since,
            Attempt.started_at >= since,
            # Not yet known counts: it may have arrived.
            or_(Attempt.outcome.is_(None), Attempt.outcome.in_(("accepted", "unknown"))),
        )
        .group_by(Message.person_id)
    )
    return {person: _Got(*counts) for person, *counts in rows if person is not None}


def _to(people: Collection[int]) -> ColumnElement[bool]:
    """Return what makes a message one to *people*, found by their addresses."""
    theirs = select(PersonAddress.address_id).where(PersonAddress.person_id.in_(people))
    return and_(Message.address_id.in_(theirs), Message.person_id.in_(people))


def _midnight(now: datetime, days: int = 0) -> datetime:
    """Return when the day of *now* began, or a later one begins, on the clocks here."""
    return moments.from_local(datetime.combine(_day(now) + timedelta(days), time()))


def _day(now: datetime) -> date:
    return moments.local(now).date()


# ------------------------------------------------------------------ what staff may begin


def full_now(session: Session, house: House, people: Collection[int]) -> int:
    """Count those of *people* who get no mass message today: they had enough."""
    got = _got(session, moments.now(), None)
    full = {person for person, each in got.items() if each.full(house.gemeente.caps) is not None}
    return sum(person in full for person in people)


def left_for(session: Session, house: House, by: str) -> int:
    """Return how many more people *by* may reach today; takes the turn of *by* until the end.

    Counted are the people of what *by* wrote and that began today.
    """
    take_turns(session, OF_STAFF, [zlib.crc32(by.casefold().encode()) >> 1])
    begun = session.execute(
        select(Broadcast.written_by, Broadcast.approved_count).where(
            Broadcast.started_at >= _midnight(moments.now())
        )
    )
    reached = sum(count or 0 for name, count in begun if name.casefold() == by.casefold())
    return max(0, house.gemeente.caps.per_staff_per_day - reached)


def spent_on(session: Session, house: House, day: date) -> tuple[int, Decimal | None]:
    """Return the SMS parts of *day*, and their price in euros if the gemeente said one."""
    parts = session.scalar(select(Spending.parts).where(Spending.day == day)) or 0
    price = house.gemeente.sms_price
    return parts, None if price is None else price * parts


# ------------------------------------------------------------------ what is answered

SAME = 3
"""How often the same is said about the same to one address in an hour."""


def answers(
    session: Session, house: House, address: Address, key: str, about: str | None
) -> str | None:
    """Say why *address* is not answered with *key* about this now, or None if it is.

    ``same``: it was told so. ``much``: it got a great many answers this hour. ``stranger``: too
    many numbers like it, that nobody knows, wrote today.
    """
    now = moments.now()
    said = session.execute(
        select(Message.key, Message.about).where(
            Message.address_id == address.id,
            Message.in_reply_to.is_not(None),
            Message.created_at > now - timedelta(hours=1),
        )
    ).all()
    if sum((each.key, each.about) == (key, about) for each in said) >= SAME:
        return "same"
    if len(said) >= house.gemeente.caps.answers_per_hour:
        return "much"
    return "stranger" if _one_too_many(session, house, address, now) else None


def _one_too_many(session: Session, house: House, address: Address, now: datetime) -> bool:
    """Say whether *address* is a new SMS number after too many others like it today.

    Whoever earns on the SMS that we send has whole ranges of numbers write to us. The first of a
    day are served to the end of their conversation.
    """
    today, caps = _midnight(now), house.gemeente.caps
    if address.channel != SMS or address.created_at < today or address.people:
        return False
    before = (
        select(func.count())
        .select_from(Address)
        .where(
            # Looked at are the newest alone: those of today are among them.
            Address.id.between(address.id - LOOK_BACK, address.id - 1),
            Address.channel == SMS,
            Address.created_at >= today,
            ~exists().where(PersonAddress.address_id == Address.id),
        )
    )
    alike = Address.address.startswith(address.address[:-RANGE_DIGITS], autoescape=True)
    if (session.scalar(before.where(alike)) or 0) >= caps.signups_per_range_per_day:
        return True
    if address.address.startswith(HOME):
        return False
    foreign = ~Address.address.startswith(HOME, autoescape=True)
    return (session.scalar(before.where(foreign)) or 0) >= caps.foreign_signups_per_day
