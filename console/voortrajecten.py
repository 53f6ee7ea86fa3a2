"""Voortrajecten: who was asked, who comes, who waits, and what they need to be able to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy import String, and_, case, cast, exists, func, select
from sqlalchemy.orm import Session, joinedload

from bot import moments
from bot.models.messages import Message
from bot.models.tasks import Task
from bot.models.voortrajecten import Deelname, Voortraject
from bot.outreach import tasks, voortraject
from console import words
from console.charts import Bar, bars
from console.desk import desk, house, looked, may, page
from console.texts import language, said
from console.words import Status

A_PAGE = 25

WAY = ("invited", "arrived", "answered", "willing", "accepted")
"""The steps from an invitation to a place; each is part of the one before."""

STEPS = {
    "invited": "Uitgenodigd",
    "arrived": "Aangekomen",
    "answered": "Geantwoord",
    "willing": "Wil komen",
    "accepted": "Plaats",
}

STANDS: dict[str, tuple[str, ...]] = {
    # What the list of deelnemers can be narrowed down to -> states of a Deelname.
    "plaats": ("accepted", "offered"),
    "wachtlijst": ("waiting",),
    "geen-antwoord": ("invited", "lapsed"),
    "nee": ("declined", "later"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """A voortraject in the list."""

    voortraject: Voortraject
    offered: int
    waiting: int
    childcare: int

    @property
    def free(self) -> int:
        """Places that nobody has or is offered."""
        return self.voortraject.seats - self.voortraject.taken


@desk.get("/voortrajecten")
def voortrajecten() -> str:
    """List the voortrajecten: those to come first, then those that began."""
    today = moments.local(moments.now()).date()
    counted = (
        select(
            Deelname.voortraject_id,
            _so_many(Deelname.state == "offered", "offered"),
            _so_many(Deelname.state == "waiting", "waiting"),
            _so_many(_cared_for(), "childcare"),
        )
        .group_by(Deelname.voortraject_id)
        .subquery()
    )
    with house().database.reading() as database:
        rows = database.execute(
            select(Voortraject, counted.c.offered, counted.c.waiting, counted.c.childcare)
            .outerjoin(counted, counted.c.voortraject_id == Voortraject.id)
            .order_by(Voortraject.starts < today, Voortraject.starts, Voortraject.id)
        ).all()
        lines = [Line(each, *(number or 0 for number in counts)) for each, *counts in rows]
        return page("voortrajecten.html", lines=lines, today=today, days=days_of)


@desk.get("/voortrajecten/<kenmerk>")
def one_voortraject(kenmerk: str) -> str:
    """Show one voortraject. It names people, so looking is written down."""
    with house().database.session() as database:
        looked(database, "voortraject.looked", f"voortraject:{_found(database, kenmerk).id}")
    with house().database.reading() as database:
        return page("voortraject.html", **_told(database, _found(database, kenmerk)))


@desk.post("/voortrajecten/<kenmerk>/<int:deelname_id>/antwoord")
def answer_for(kenmerk: str, deelname_id: int) -> ResponseReturnValue:
    """Write down what somebody said to a colleague: yes or no."""
    said = request.form.get("antwoord")
    if said not in ("ja", "nee"):
        abort(400)
    with house().database.session() as database:
        found = _found(database, kenmerk)
        deelname = database.get(Deelname, deelname_id)
        if deelname is None or deelname.voortraject_id != found.id:
            abort(404)
        if said == "nee":
            voortraject.decline(database, house(), deelname)
            told = gettext("Genoteerd: komt niet. Een vrije plaats gaat naar de wachtlijst.")
        elif voortraject.accept(database, deelname) == "accepted":
            told = gettext("Genoteerd: heeft een plaats.")
        else:
            told = gettext("Er is geen plaats vrij. Genoteerd: staat op de wachtlijst.")
        looked(database, "deelname.answered", deelname.about, said=said, state=deelname.state)
    flash(told, "info")
    return redirect(url_for("console.one_voortraject", kenmerk=kenmerk, _anchor="deel"), 303)


def _found(database: Session, kenmerk: str) -> Voortraject:
    found = database.scalars(
        select(Voortraject).where(Voortraject.kenmerk == kenmerk)
    ).one_or_none()
    if found is None:
        abort(404)
    return found


def _told(database: Session, found: Voortraject) -> dict[str, Any]:
    now = moments.now()
    by_state = (
        select(Deelname.state, func.count())
        .where(Deelname.voortraject_id == found.id)
        .group_by(Deelname.state)
    )
    counts: dict[str, int] = {row[0]: row[1] for row in database.execute(by_state)}
    stand = request.args.get("stand", "")
    after = max(0, request.args.get("na", 0, type=int))
    states = STANDS.get(stand, tuple(state for each in STANDS.values() for state in each))
    deelnames = database.scalars(
        _of(found)
        .where(Deelname.state.in_(states))
        .order_by(
            case({state: at for at, state in enumerate(states)}, value=Deelname.state),
            Deelname.waiting_since, Deelname.at, Deelname.id,
        )
        .offset(after).limit(A_PAGE)
    ).all()  # fmt: skip
    way = _way(database, found, counts)
    last_lesson = found.starts + timedelta(weeks=found.weeks) - timedelta(days=1)
    return {
        "voortraject": found,
        "days": days_of(found),
        "last_lesson": last_lesson,
        "first": voortraject.first_meeting(found),
        "counts": counts,
        "begun": voortraject.first_meeting(found) <= now,
        "ends_first": database.scalar(
            select(func.min(Deelname.offered_until)).where(
                Deelname.voortraject_id == found.id, Deelname.state == "offered"
            )
        ),
        "queue": database.scalars(
            _of(found)
            .where(Deelname.state == "waiting")
            .order_by(Deelname.waiting_since, Deelname.id)
            .limit(A_PAGE)
        ).all(),
        "needs": _needs(database, found, counts),
        "way": way,
        "summary": _summary(way),
        "chart": bars(
            [Bar(said(STEPS[each]), way[each], str(way[each])) for each in WAY], most=way["invited"]
        ),
        "deelnames": deelnames,
        "stand": stand if stand in STANDS else "",
        "total": sum(counts.get(state, 0) for state in states),
        "after": after,
        "a_page": A_PAGE,
        "steps": STEPS,
        "words": words,
        "stands": DEELNAMES,
        "may_answer": may("console.answer_for"),
    }


def _of(found: Voortraject) -> Any:
    return (
        select(Deelname)
        .where(Deelname.voortraject_id == found.id)
        .options(joinedload(Deelname.person))
    )


def _way(database: Session, found: Voortraject, counts: dict[str, int]) -> dict[str, int]:
    """Count the steps from invitation to place.

    Who answered has had the message, also where the channel cannot tell.
    """
    invited = sum(counts.values())
    arrived = exists().where(
        Message.about == "deelname:" + cast(Deelname.id, String),
        Message.state.in_(("delivered", "read")),
    )
    seen = database.scalar(
        select(func.count())
        .select_from(Deelname)
        .where(Deelname.voortraject_id == found.id, Deelname.state == "invited", arrived)
    )
    answered = invited - counts.get("invited", 0)
    willing = sum(counts.get(state, 0) for state in ("accepted", "offered", "waiting"))
    return {
        "invited": invited,
        "arrived": answered + (seen or 0),
        "answered": answered,
        "willing": willing,
        "accepted": counts.get("accepted", 0),
    }


def _summary(way: dict[str, int]) -> str:
    if not way["invited"]:
        return str(gettext("Er is nog niemand uitgenodigd."))
    told: str = gettext(
        "Van %(invited)s uitgenodigde mensen antwoordden er %(answered)s, en %(willing)s "
        "willen komen.", **way,
    )  # fmt: skip
    lost = {each: way[before] - way[each] for before, each in pairwise(WAY)}
    most = max(WAY[1:], key=lambda each: lost[each])
    if lost[most] == 0:
        return told
    where = {
        "arrived": gettext("De meeste haken af vóór het bericht aankomt."),
        "answered": gettext("De meeste haken af vóór het antwoord."),
        "willing": gettext("De meeste haken af bij het antwoord zelf."),
        "accepted": gettext("De meeste wachten op een plaats."),
    }
    return f"{told} {where[most]}"


def _needs(database: Session, found: Voortraject, counts: dict[str, int]) -> dict[str, int]:
    """Count who needs childcare, for how many of them nobody has seen to it yet, and who said
    that it does not suit them now."""
    asked = select(Task.id).where(
        Task.subject == f"{tasks.CHILDCARE}:deelname:" + cast(Deelname.id, String),
        Task.done_at.is_(None),
    )
    row = database.execute(
        select(
            func.count(),
            func.count(case((asked.exists(), 1))),
        ).where(Deelname.voortraject_id == found.id, _cared_for())
    ).one()
    return {"childcare": row[0], "open": row[1], "later": counts.get("later", 0)}


def _cared_for() -> Any:
    """Return what makes a Deelname one for whom childcare is needed: who comes, or waits."""
    return and_(Deelname.needs_childcare, Deelname.state.in_(("accepted", "offered", "waiting")))


def _so_many(which: Any, name: str) -> Any:
    return func.count(case((which, 1))).label(name)


def days_of(one: Voortraject) -> str:
    """Return the days of the lessons for this reader, e.g. ``maandag en woensdag``."""
    told = voortraject.values_of(one, language())["days"]
    return str(told).rpartition(", ")[0]


DEELNAMES: dict[str, Status] = {
    "accepted": Status("Plaats", "circle-check", "safe"),
    "offered": Status("Aangeboden", "hourglass", "neutral"),
    "waiting": Status("Wachtlijst", "clock", "inactive"),
    "invited": Status("Nog geen antwoord", "circle-dashed", "inactive"),
    "lapsed": Status("Aanbod verlopen", "hourglass", "warning"),
    "declined": Status("Komt niet", "circle-x", "danger"),
    "later": Status("Niet nu", "calendar-clock", "neutral"),
}
"""States of a Deelname, as staff read them."""
