"""The verbs of a voortraject: invite, accept, decline, wait, pass a free place on, remind.

A place is given by one conditional UPDATE. Every verb first locks the voortraject's row, so
that the answers of two people are taken one after the other and the waiting list is a queue.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, time, timedelta
from typing import Any, Literal

from babel.lists import format_list
from sqlalchemy import ColumnElement, String, and_, cast, exists, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from bot import moments
from bot.gemeente import PlanStep
from bot.house import House
from bot.inserts import insert_new, insert_once
from bot.messaging import outbox, route
from bot.models.messages import Message, Reply
from bot.models.people import Inburgeraar
from bot.models.voortrajecten import Deelname, Voortraject
from bot.outreach import audience, tasks
from bot.outreach.audience import Reach, Rule
from bot.outreach.intake.when import CODES
from bot.told import tell
from bot.wording.catalogue import catalogue
from bot.wording.languages import languages
from bot.wording.render import spoken_date, spoken_day, spoken_time, spoken_weekday

INVITATION = "voortraject.invitation"

DAY_BEFORE = PlanStep("1d", days=1)
"""When those who take part are reminded of the first meeting."""

Given = Literal["accepted", "waiting"]


# ------------------------------------------------------------------ what is said


def first_meeting(voortraject: Voortraject) -> datetime:
    """Return the moment of the first lesson, in UTC."""
    begins = time.fromisoformat(voortraject.begins)
    return moments.from_local(datetime.combine(voortraject.starts, begins))


def values_of(voortraject: Voortraject, language: str) -> dict[str, Any]:
    """Return what texts say of *voortraject* to readers of *language*.

    What it yields is the same for all: nobody tells us more of one.
    """
    dated = route.beside(_said(voortraject, language), _said(voortraject, "nl"))
    return {
        "theme": voortraject.theme,
        "place": voortraject.place,
        "address": voortraject.address or "",
        "weeks": voortraject.weeks,
        "begins": first_meeting(voortraject),
        "weekdays": voortraject.days,
        **dated,
    }


def _said(voortraject: Voortraject, language: str) -> dict[str, Any]:
    """Return what is said of *voortraject* in words of its reader's language."""
    hours = f"{voortraject.begins}-{voortraject.ends}"
    return {
        "days": _beside(_weekdays(voortraject, language), hours, language),
        "starts": _dated(first_meeting(voortraject), language),
        "yields": catalogue().text("voortraject.yields", language).body,
    }


def _weekdays(voortraject: Voortraject, language: str) -> str:
    names = [spoken_weekday(CODES.index(day), language) for day in voortraject.days.split(",")]
    return format_list(names, locale=languages()[language].locale)


def _beside(words: str, figures: str, language: str) -> str | Sequence[str]:
    """Put figures next to words; from right to left they get a line of their own.

    After Arabic letters ``09:00-11:30`` and ``07-12-2026`` would be shown back to front.
    """
    return [words, figures] if languages()[language].rtl else f"{words}, {figures}"


def _dated(moment: datetime, language: str, *, hour: bool = False) -> str | Sequence[str]:
    figures = spoken_date(moment)
    if hour:
        figures += f" {spoken_time(moment)}"
    return _beside(spoken_day(moment, language), figures, language)


def spoken(house: House, key: str, deelname: Deelname) -> dict[str, Any]:
    """Return the values for *key* in the language that the person will get it in."""
    language = house.catalogue.text(key, deelname.person.language).language
    values = values_of(deelname.voortraject, language)
    if deelname.offered_until is not None:
        until = deelname.offered_until
        values |= route.beside(
            {"until": _dated(until, language, hour=True)},
            {"until": _dated(until, "nl", hour=True)},
        )
    return values


# ------------------------------------------------------------------ invite


def candidates(
    session: Session,
    house: House,
    voortraject: Voortraject,
    rule: Rule,
    unreviewed: Collection[str] = (),
) -> Reach:
    """Count whom `invite` would write to, and who is left out and why. Changes nothing.

    Who has a Deelname, whatever its state, is not asked again: inviting twice adds newcomers.
    """
    invited = set(
        session.scalars(select(Deelname.person_id).where(Deelname.voortraject_id == voortraject.id))
    )
    return audience.reach(
        session, house, rule, key=INVITATION, already=invited, unreviewed=unreviewed
    )


def invite(session: Session, house: House, voortraject: Voortraject, people: Iterable[int]) -> int:
    """Invite these of the `candidates`; return how many messages were queued.

    Each is looked at once more: who took back their yes meanwhile is passed over. Give some
    hundreds at a time, so that no transaction is long.
    """
    queued = 0
    for number in people:
        person = session.get_one(Inburgeraar, number)
        address = route.address_for(session, person, invitation=True)
        if address is None:
            continue
        made = insert_once(
            session,
            Deelname,
            {
                "voortraject_id": voortraject.id,
                "person_id": person.id,
                "state": "invited",
                "needs_childcare": False,
                "at": moments.now(),
            },
        )
        if made is None:
            continue
        deelname = session.get_one(Deelname, made)
        outbox.queue(
            session,
            house,
            occasion=f"voortraject:{voortraject.id}:invite:person:{person.id}",
            key=INVITATION,
            person=person,
            address=address,
            values=spoken(house, INVITATION, deelname),
            about=deelname.about,
            version=voortraject.version,
            expires_at=first_meeting(voortraject),
        )
        queued += 1
    return queued


def ask(
    session: Session, voortraject: Voortraject, people: Sequence[int], *, again: bool
) -> dict[int, str]:
    """Write down that these people are asked, for a mass message; return what to call each of them.

    That is `Deelname.about`, by person. Who was asked before is not in it, unless *again*.
    """
    made = insert_new(
        session,
        Deelname,
        [{"person_id": person} for person in people],
        "person_id",
        "id",
        same={
            "voortraject_id": voortraject.id,
            "state": "invited",
            "needs_childcare": False,
            "at": moments.now(),
        },
    )
    asked: dict[int, int] = dict(made)
    if again:
        known = select(Deelname.person_id, Deelname.id).where(
            Deelname.voortraject_id == voortraject.id, Deelname.person_id.in_(people)
        )
        asked |= {row.person_id: row.id for row in session.execute(known)}
    return {person: f"deelname:{number}" for person, number in asked.items()}


# ------------------------------------------------------------------ answers


def accept(session: Session, deelname: Deelname, *, childcare: bool = False) -> Given:
    """Give *deelname* a place, or one on the waiting list if all are taken.

    *childcare* is kept as a need: they take part if it can be met, which is for staff to do.
    """
    voortraject = _lock(session, deelname)
    deelname.needs_childcare = deelname.needs_childcare or childcare
    if deelname.state == "accepted":
        return "accepted"
    if deelname.state == "offered" or _take(session, voortraject, deelname):
        _become(deelname, "accepted")
        return "accepted"
    if deelname.state != "waiting":
        _become(deelname, "waiting")
        deelname.waiting_since = deelname.at
        session.flush()
    return "waiting"


def decline(session: Session, house: House, deelname: Deelname) -> None:
    """They do not take part; a place that they had goes to the next who waits."""
    _leave(session, house, deelname, "declined")


def later(session: Session, house: House, deelname: Deelname) -> None:
    """Not now. Who passes an offered place on stays on the waiting list, behind the others."""
    if deelname.state == "offered":
        _leave(session, house, deelname, "waiting")
    else:
        _leave(session, house, deelname, "later")


def number(session: Session, deelname: Deelname) -> int:
    """Return which one *deelname* is on the waiting list; the first is 1."""
    ahead = session.scalar(
        select(func.count())
        .select_from(Deelname)
        .where(
            Deelname.voortraject_id == deelname.voortraject_id,
            Deelname.state == "waiting",
            _before(Deelname, deelname),
        )
    )
    return (ahead or 0) + 1


def ask_childcare(
    session: Session, deelname: Deelname, reply: Reply, children: int | None = None
) -> None:
    """Ask staff to look for childcare with this person, once.

    A number of *children* takes the place of what was asked before; it is all that is kept.
    """
    voortraject = deelname.voortraject
    hours = f"{_weekdays(voortraject, 'nl')}, {voortraject.begins}-{voortraject.ends}"
    group = {"theme": voortraject.theme, "hours": hours}
    note = tell("Doet mee als er opvang is. Groep: %(theme)s, %(hours)s.", **group)
    if children is not None:
        tasks.withdraw(session, tasks.CHILDCARE, deelname.about)
        note = tell(
            "Doet mee als er opvang is. Groep: %(theme)s, %(hours)s. Aantal kinderen: "
            "%(children)s.",
            children=children,
            **group,
        )
    tasks.raise_task(
        session,
        tasks.CHILDCARE,
        about=deelname.about,
        person=deelname.person,
        note=note,
        reply=reply,
    )


def _leave(session: Session, house: House, deelname: Deelname, state: str) -> None:
    voortraject = _lock(session, deelname)
    had_place = deelname.state in ("accepted", "offered")
    until = deelname.offered_until if state == "waiting" else None
    _become(deelname, state)
    if state == "waiting":
        # Not asked again before the offer that they pass on would have ended.
        deelname.waiting_since, deelname.offered_until = deelname.at, until
    session.flush()
    if had_place:
        _give_back(session, voortraject)
        _pass_on(session, house, voortraject)


def _become(deelname: Deelname, state: str) -> None:
    deelname.state, deelname.at = state, moments.now()
    deelname.waiting_since = deelname.offered_until = None


# ------------------------------------------------------------------ places


def _lock(session: Session, deelname: Deelname) -> Voortraject:
    """Lock the voortraject, then read *deelname* anew: it may have changed while we waited."""
    voortraject = session.scalars(
        select(Voortraject)
        .where(Voortraject.id == deelname.voortraject_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    session.refresh(deelname)
    return voortraject


def _in_line(row: type[Deelname], now: datetime) -> ColumnElement[bool]:
    """Return what makes *row* wait for a place, and not just have passed one on."""
    return and_(row.state == "waiting", or_(row.offered_until.is_(None), row.offered_until <= now))


def _before(row: type[Deelname], deelname: Deelname) -> ColumnElement[bool]:
    """Return what puts *row* before *deelname* on the waiting list; who is not on it is last."""
    if deelname.waiting_since is None:
        return row.id != deelname.id
    return or_(
        row.waiting_since < deelname.waiting_since,
        and_(row.waiting_since == deelname.waiting_since, row.id < deelname.id),
    )


def has_place(session: Session, deelname: Deelname) -> bool:
    """Say whether a yes would give *deelname* a place, as things stand."""
    voortraject = _lock(session, deelname)
    return deelname.state in ("accepted", "offered") or (
        session.scalar(
            select(Voortraject.id).where(
                Voortraject.id == voortraject.id, *_free_for(voortraject, deelname)
            )
        )
        is not None
    )


def _free_for(
    voortraject: Voortraject, deelname: Deelname
) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Return what makes a place free for *deelname*: not all taken, nobody waits before them."""
    other = aliased(Deelname)
    waits_before = exists().where(
        other.voortraject_id == voortraject.id,
        _in_line(other, moments.now()),
        _before(other, deelname),
    )
    return Voortraject.taken < Voortraject.seats, ~waits_before


def _take(session: Session, voortraject: Voortraject, deelname: Deelname) -> bool:
    """Take one place for *deelname*, if one is free for them."""
    taken = session.execute(
        update(Voortraject)
        .where(Voortraject.id == voortraject.id, *_free_for(voortraject, deelname))
        .values(taken=Voortraject.taken + 1)
        .returning(Voortraject.id)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    session.expire(voortraject, ["taken"])
    return taken is not None


def _give_back(session: Session, voortraject: Voortraject) -> None:
    session.execute(
        update(Voortraject)
        .where(Voortraject.id == voortraject.id, Voortraject.taken > 0)
        .values(taken=Voortraject.taken - 1)
        .execution_options(synchronize_session=False)
    )
    session.expire(voortraject, ["taken"])


def _pass_on(session: Session, house: House, voortraject: Voortraject, limit: int = 1) -> int:
    """Offer free places, up to *limit*, to those who wait longest; return how many."""
    now = moments.now()
    if first_meeting(voortraject) <= now:
        return 0
    waiting = session.scalars(
        select(Deelname)
        .where(Deelname.voortraject_id == voortraject.id, _in_line(Deelname, now))
        .order_by(Deelname.waiting_since, Deelname.id)
        .limit(limit)
    ).all()
    offered = 0
    for deelname in waiting:
        if not _take(session, voortraject, deelname):
            break
        _offer(session, house, deelname)
        offered += 1
    return offered


def _offer(session: Session, house: House, deelname: Deelname) -> None:
    """Hold a place for *deelname* and say until when, counted from when it may be sent."""
    voortraject = deelname.voortraject
    sent = house.quiet.next_open(moments.now())
    _become(deelname, "offered")
    deelname.offered_until = min(
        sent + timedelta(hours=voortraject.offer_hours), first_meeting(voortraject)
    )
    session.flush()
    _write(
        session,
        house,
        deelname,
        "voortraject.place_free",
        occasion=f"{deelname.about}:place_free:{deelname.at:%Y%m%dT%H%M%S%f}",
        values=spoken(house, "voortraject.place_free", deelname),
        expires_at=deelname.offered_until,
    )


def _write(
    session: Session,
    house: House,
    deelname: Deelname,
    key: str,
    *,
    occasion: str,
    values: dict[str, Any],
    expires_at: datetime,
) -> None:
    """Queue one message to who takes part or waits; staff hear if it cannot go."""
    message = outbox.queue(
        session,
        house,
        occasion=occasion,
        key=key,
        person=deelname.person,
        values=values,
        about=deelname.about,
        version=deelname.voortraject.version,
        expires_at=expires_at,
    )
    if message is not None:
        tasks.not_delivered(session, message)


# ------------------------------------------------------------------ the clock


def tick(session: Session, house: House, limit: int) -> int:
    """Take back offers that ran out, pass free places on, remind of first meetings.

    Returns how much was done, at most *limit*. A voortraject that somebody answers to at this
    moment is left for the next tick.
    """
    done = _take_back(session, limit)
    done += _pass_all_on(session, house, limit - done)
    return done + _remind(session, house, limit - done)


def _take_back(session: Session, limit: int) -> int:
    now = moments.now()
    over = and_(Deelname.state == "offered", Deelname.offered_until <= now)
    done = 0
    held = select(Deelname.voortraject_id).where(over).distinct()
    for voortraject in _locked(session, Voortraject.id.in_(held), limit):
        ended = session.scalars(
            select(Deelname)
            .where(Deelname.voortraject_id == voortraject.id, over)
            .order_by(Deelname.offered_until)
            .limit(limit - done)
            .execution_options(populate_existing=True)
        ).all()
        for deelname in ended:
            _become(deelname, "lapsed")
            session.flush()
            _give_back(session, voortraject)
        done += len(ended)
    return done


def _pass_all_on(session: Session, house: House, limit: int) -> int:
    now = moments.now()
    waited_for = select(Deelname.voortraject_id).where(_in_line(Deelname, now)).distinct()
    free = and_(
        Voortraject.id.in_(waited_for),
        Voortraject.taken < Voortraject.seats,
        Voortraject.starts >= moments.local(now).date(),
    )
    done = 0
    for voortraject in _locked(session, free, limit):
        done += _pass_on(session, house, voortraject, limit - done)
    return done


def _locked(session: Session, which: ColumnElement[bool], limit: int) -> Sequence[Voortraject]:
    if limit <= 0:
        return []
    return session.scalars(
        select(Voortraject)
        .where(which)
        .order_by(Voortraject.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()


def _remind(session: Session, house: House, limit: int) -> int:
    """Write to who takes part, a day before the first meeting; a moved start is told anew.

    Who said yes after that moment has just read when it begins.
    """
    now = moments.now()
    coming = session.scalars(
        select(Voortraject)
        .where(Voortraject.starts >= moments.local(now).date())
        .order_by(Voortraject.starts, Voortraject.id)
    ).all()
    done = 0
    for voortraject in coming:
        begins = first_meeting(voortraject)
        due = house.quiet.last_open(DAY_BEFORE.due(begins))
        if not due <= now < begins or done >= limit:
            continue
        told = f":first_meeting:{voortraject.starts.isoformat()}"
        occasion = "deelname:" + cast(Deelname.id, String) + told
        found = session.scalars(
            select(Deelname)
            .where(
                Deelname.voortraject_id == voortraject.id,
                Deelname.state == "accepted",
                Deelname.at < due,
                ~exists().where(Message.occasion == occasion),
            )
            .order_by(Deelname.id)
            .limit(limit - done)
        ).all()
        for deelname in found:
            _write(
                session,
                house,
                deelname,
                "voortraject.first_meeting",
                occasion=deelname.about + told,
                values={
                    "theme": voortraject.theme,
                    "place": voortraject.place,
                    "address": voortraject.address or "",
                    "begins": begins,
                },
                expires_at=begins,
            )
        done += len(found)
    return done
