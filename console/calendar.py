"""Afspraken: a day and its week, by klantmanager, with the answers at a glance."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_security import current_user
from sqlalchemy import ColumnElement, case, func, select, true
from sqlalchemy.orm import Session, joinedload

from bot import moments
from bot.models.afspraken import Afspraak
from bot.models.people import Inburgeraar
from bot.outreach import afspraken
from console import words
from console.desk import desk, house, looked, mine, page
from console.today import lines_of

A_PAGE = 50

EVERYBODY = "iedereen"
NOBODY = "niemand"


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the week that is shown."""

    day: date
    answers: Counter[str]

    @property
    def total(self) -> int:
        """Return how many afspraken there are."""
        return self.answers.total()


@desk.get("/afspraken")
def calendar() -> str:
    """Show the afspraken of a day. Looking at somebody else's is written down."""
    now = moments.now()
    day = _day(request.args.get("dag", ""), moments.local(now).date())
    who = request.args.get("wie", "")[:100]
    after = max(0, request.args.get("na", 0, type=int))
    whose = _whose(who)
    if who and who != current_user.name:
        with house().database.session() as database:
            looked(database, "calendar.looked", "calendar", day=day.isoformat())
    begin, end = _at(day), _at(day + timedelta(days=1))
    with house().database.reading() as database:
        week = _week(database, day, whose)
        found = database.scalars(
            select(Afspraak)
            .join(Inburgeraar)
            .options(joinedload(Afspraak.person))
            .where(Afspraak.begins >= begin, Afspraak.begins < end, whose)
            .order_by(Afspraak.begins, Afspraak.id)
            .offset(after).limit(A_PAGE + 1)
        ).all()  # fmt: skip
        today = next(each for each in week if each.day == day)
        return page(
            "calendar.html",
            day=day,
            today=moments.local(now).date(),
            week=week,
            shown=today,
            lines=lines_of(database, found[:A_PAGE]),
            more=len(found) > A_PAGE,
            after=after,
            a_page=A_PAGE,
            who=who,
            colleagues=_colleagues(database),
            everybody=EVERYBODY,
            nobody=NOBODY,
            me=current_user.name,
            now=now,
            one=timedelta(days=1),
            words=words,
        )


@desk.post("/afspraken/<int:afspraak_id>/aanwezig")
def presence(afspraak_id: int) -> ResponseReturnValue:
    """Write down whether somebody was there; it can be taken back."""
    said: dict[str, bool | None] = {"ja": True, "nee": False, "terug": None}
    came = request.form.get("kwam", "")
    if came not in said:
        abort(400)
    with house().database.session() as database:
        found = database.get(Afspraak, afspraak_id)
        if found is None:
            abort(404)
        done = afspraken.note_presence(database, found, said[came])
        if done:
            looked(database, "afspraak.presence", found.about, came=said[came])
        day = moments.local(found.begins).date()
        whose = None if mine(found.person) else request.form.get("wie") or EVERYBODY
    if not done:
        flash(gettext("Deze afspraak is nog niet geweest, of ging niet door."), "error")
    return redirect(
        url_for("console.calendar", dag=day.isoformat(), wie=whose, _anchor=f"a{afspraak_id}"), 303
    )


def _day(told: str, today: date) -> date:
    if not told:
        return today
    try:
        day = date.fromisoformat(told)
    except ValueError:
        abort(404)
    if abs((day - today).days) > 3660:  # a calendar has an end
        abort(404)
    return day


def _at(day: date) -> datetime:
    return moments.from_local(datetime.combine(day, time()))


def _whose(who: str) -> ColumnElement[bool]:
    if who == EVERYBODY:
        return true()
    if who == NOBODY:
        return Inburgeraar.klantmanager.is_(None)
    return Inburgeraar.klantmanager == (who or current_user.name)


def _week(database: Session, day: date, whose: Any) -> list[Day]:
    """Count the answers of every day of the week of *day*."""
    monday = day - timedelta(days=day.weekday())
    days = [monday + timedelta(days=at) for at in range(7)]
    ends = [_at(each + timedelta(days=1)) for each in days]
    which = case(*((Afspraak.begins < end, at) for at, end in enumerate(ends)), else_=6)
    counted = database.execute(
        select(which, Afspraak.answer, func.count())
        .join(Inburgeraar)
        .where(Afspraak.begins >= _at(monday), Afspraak.begins < ends[-1], whose)
        .where(Afspraak.status == "gepland")
        .group_by(which, Afspraak.answer)
    )
    answers: list[Counter[str]] = [Counter() for _ in days]
    for at, answer, count in counted:
        answers[at][answer] = count
    return [Day(each, answers[at]) for at, each in enumerate(days)]


def _colleagues(database: Session) -> list[str]:
    return list(
        database.scalars(
            select(Inburgeraar.klantmanager)
            .where(Inburgeraar.klantmanager.is_not(None))
            .distinct()
            .order_by(Inburgeraar.klantmanager)
        )
    )
