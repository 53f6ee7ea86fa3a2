"""Vandaag: what a klantmanager's morning begins with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from flask_security import current_user
from sqlalchemy import case, func, select
from sqlalchemy.orm import Session, joinedload, selectinload

from bot import moments
from bot.models.afspraken import Afspraak
from bot.models.messages import Message
from bot.models.people import Inburgeraar, PersonAddress
from bot.models.tasks import Task
from bot.outreach import tasks
from console import words
from console.coming import coming
from console.desk import desk, house, page
from console.words import Status

MOST_TASKS = 6
MOST_COMING = 8

NOT_THERE = frozenset({"failed", "undelivered", "blocked"})
IN_DOUBT = frozenset({"unknown", "unknown_final"})


@dataclass(frozen=True, slots=True)
class Line:
    """An afspraak of today, its answer, and what became of the last message about it."""

    afspraak: Afspraak
    answer: Status
    message: Message | None

    @property
    def undelivered(self) -> bool:
        """True when nobody answered and the last message did not arrive."""
        return (
            self.afspraak.answer == "none"
            and self.message is not None
            and self.message.state in NOT_THERE
        )

    @property
    def why(self) -> str | None:
        """Why the last message did not arrive and what to do, in Dutch; None if nobody knows."""
        return None if self.message is None else tasks.reason(self.message)

    @property
    def in_doubt(self) -> bool:
        """True when nobody knows whether the last message arrived."""
        return self.message is not None and self.message.state in IN_DOUBT


@desk.get("/")
def today() -> str:
    """Show today's afspraken with their answers, what needs a person, and what goes out."""
    now = moments.now()
    begin, end = _today(now)
    with house().database.reading() as database:
        lines = _lines(database, begin, end)
        emergencies = _tasks(database, now, emergency=True)
        asked = _tasks(database, now, emergency=False)
        goes_out = [
            each
            for each in coming(house(), _planned(database, end), _reminded_of(database, end))
            if each.at < end
        ]
        counts = Counter("bad" if line.undelivered else line.afspraak.answer for line in lines)
        return page(
            "today.html",
            now=now,
            lines=lines,
            tomorrow=moments.local(end).date().isoformat(),
            lines_tomorrow=_count(database, end),
            counts=counts,
            emergencies=emergencies,
            asked=asked[:MOST_TASKS],
            asked_in_all=len(asked),
            coming=goes_out[:MOST_COMING],
            coming_in_all=len(goes_out),
            words=words,
            quiet=house().quiet,
        )


def _today(now: datetime) -> tuple[datetime, datetime]:
    """Return the moments at which the day of *now* begins and ends in Amsterdam."""
    day = moments.local(now).date()
    return (
        moments.from_local(datetime.combine(day, time())),
        moments.from_local(datetime.combine(day + timedelta(days=1), time())),
    )


def _lines(database: Session, begin: datetime, end: datetime) -> list[Line]:
    found = database.scalars(
        select(Afspraak)
        .join(Inburgeraar)
        .options(joinedload(Afspraak.person))
        .where(Afspraak.begins >= begin, Afspraak.begins < end, Afspraak.status == "gepland")
        .where(Inburgeraar.klantmanager == current_user.name)
        .order_by(Afspraak.begins, Afspraak.id)
    ).all()
    return lines_of(database, found)


def _count(database: Session, begin: datetime) -> int:
    """Count the afspraken of one's own people on the day that begins then."""
    _, end = _today(begin)
    return (
        database.scalar(
            select(func.count())
            .select_from(Afspraak)
            .join(Inburgeraar)
            .where(Afspraak.begins >= begin, Afspraak.begins < end, Afspraak.status == "gepland")
            .where(Inburgeraar.klantmanager == current_user.name)
        )
        or 0
    )


def lines_of(database: Session, found: Sequence[Afspraak]) -> list[Line]:
    """Return the afspraken with their answers and the last message about each."""
    newest = (
        select(func.max(Message.id))
        .where(Message.about.in_([each.about for each in found]))
        .where(Message.purpose == "public task")
        .group_by(Message.about)
    )
    messages = database.scalars(select(Message).where(Message.id.in_(newest)))
    last = {message.about: message for message in messages}
    return [Line(each, words.ANSWERS[each.answer], last.get(each.about)) for each in found]


def _tasks(database: Session, now: datetime, *, emergency: bool) -> list[Task]:
    """Return what waits for a person: who is upset first, then one's own people."""
    is_one = Task.kind == tasks.EMERGENCY
    own = case((Inburgeraar.klantmanager == current_user.name, 0), else_=1)
    return list(
        database.scalars(
            select(Task)
            .outerjoin(Inburgeraar, Inburgeraar.id == Task.person_id)
            .options(joinedload(Task.person), joinedload(Task.address))
            .where(tasks.waits(now), is_one if emergency else ~is_one)
            .order_by(*(Task.kind != kind for kind in tasks.FIRST), own, Task.since)
        )
    )


def _planned(database: Session, end: datetime) -> list[Message]:
    return list(
        database.scalars(
            select(Message)
            .join(Inburgeraar, Message.person_id == Inburgeraar.id)
            .options(joinedload(Message.person))
            .where(Message.state == "planned", Message.not_before < end)
            .where(Message.broadcast_id.is_(None))
            # Not what waits for its reader: whether that goes today, nobody knows.
            .where(Message.not_before < Message.expires_at)
            .where(Inburgeraar.klantmanager == current_user.name)
            .order_by(Message.not_before, Message.id)
        )
    )


def _reminded_of(database: Session, end: datetime) -> Sequence[Afspraak]:
    """Return the afspraken of one's own people of which a reminder is due before *end*."""
    addresses = selectinload(Inburgeraar.addresses).joinedload(PersonAddress.address)
    return database.scalars(
        select(Afspraak)
        .join(Inburgeraar)
        .options(joinedload(Afspraak.person).options(addresses))
        .where(Afspraak.next_step_at < end, Afspraak.status == "gepland")
        .where(Inburgeraar.klantmanager == current_user.name)
    ).all()
