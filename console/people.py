"""Mensen: find somebody, and all that is known and was said, on one page."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import Response, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_security import current_user
from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session, joinedload, selectinload

from bot import moments
from bot.channels import numbers
from bot.messaging import voices
from bot.models.afspraken import Afspraak
from bot.models.messages import Message, Reply
from bot.models.people import Address, Inburgeraar, Note, PersonAddress
from bot.models.staff import AuditEntry, StaffMember
from bot.models.tasks import Task
from bot.outreach import merging, tasks
from bot.privacy import audit, rights
from bot.wording.languages import languages
from console import words
from console.coming import coming
from console.desk import desk, house, looked, may, mine, page
from console.thread import MOST, thread
from console.versions import versions

A_PAGE = 50
NOT_SENT = ("blocked", "expired")
"""States of a message that a gate held until it had no point any more."""

SHORTEST = 9
"""Digits of a telephone number; fewer are part of a kenmerk."""

WINDOW = timedelta(hours=24)
"""How long after somebody wrote WhatsApp takes free text."""


@desk.get("/mensen")
def people() -> str:
    """List people: one's own caseload first, or who matches what is asked."""
    asked = request.args.get("q", "").strip()[:100]
    language = request.args.get("taal", "")
    wijk = request.args.get("wijk", "")
    everyone = request.args.get("wie") == "alle" or bool(asked)
    after = max(0, request.args.get("na", 0, type=int))
    by_name = (Inburgeraar.first_name, Inburgeraar.id)
    query = select(Inburgeraar.id)
    if asked:
        fits = [
            Inburgeraar.first_name.icontains(asked, autoescape=True),
            Inburgeraar.kenmerk.icontains(asked, autoescape=True),
        ]
        if number := _number(asked):
            with house().database.session() as database:
                looked(database, "number.searched", "people")
            fits.append(Inburgeraar.id.in_(_reached_at(number)))
        query = query.where(or_(*fits))
    if not everyone:
        query = query.where(Inburgeraar.klantmanager == current_user.name)
    if language in languages():
        query = query.where(Inburgeraar.language == language)
    if wijk:
        query = query.where(Inburgeraar.wijk == wijk)
    with house().database.reading() as database:
        total = database.scalar(query.with_only_columns(func.count(Inburgeraar.id)))
        found = database.scalars(
            select(Inburgeraar)
            .where(Inburgeraar.id.in_(query.order_by(*by_name).offset(after).limit(A_PAGE)))
            .order_by(*by_name)
            .options(selectinload(Inburgeraar.addresses).joinedload(PersonAddress.address))
        ).all()
        next_ = _next_afspraken(database, [person.id for person in found])
        return page(
            "people.html",
            people=found,
            total=total or 0,
            next=next_,
            asked=asked,
            language=language,
            wijk=wijk,
            everyone=everyone,
            after=after,
            a_page=A_PAGE,
            wijken=_wijken(database),
            languages=languages(),
            words=words,
            may_see_erased=may("console.erasures"),
        )


def _number(asked: str) -> str | None:
    """Return *asked* as a telephone number, if it is a whole one: who calls is to be found."""
    if sum(sign.isdigit() for sign in asked) < SHORTEST:
        return None
    try:
        return numbers.canonical(asked)
    except numbers.BadNumber:
        return None


def _reached_at(number: str) -> Select[int]:
    places = select(Address.id).where(or_(Address.phone == number, Address.address == number))
    return select(PersonAddress.person_id).where(PersonAddress.address_id.in_(places))


@desk.get("/mensen/<kenmerk>")
def person(kenmerk: str) -> str:
    """Show one person. Looking at somebody outside one's caseload is written down."""
    with house().database.session() as database:
        found = somebody(database, kenmerk)
        if not mine(found):
            looked(database, "person.looked", f"person:{found.id}")
    with house().database.reading() as database:
        found = somebody(database, kenmerk)
        return page("person.html", **_told(database, found))


@desk.post("/mensen/<kenmerk>/nummer/<int:address_id>")
def show_number(kenmerk: str, address_id: int) -> str:
    """Show a number in full, and write down who asked."""
    with house().database.session() as database:
        found = somebody(database, kenmerk)
        if address_id not in {link.address_id for link in found.addresses}:
            abort(404)
        looked(database, "address.shown", f"person:{found.id}", address=address_id)
    with house().database.reading() as database:
        found = somebody(database, kenmerk)
        return page("person.html", **_told(database, found, shown=address_id))


CHECKS = {
    "paspoort": "Een geldig paspoort, rijbewijs of verblijfsdocument gezien",
    "klantmanager": "Ik ken deze persoon en sprak die zelf",
}
"""How a colleague made sure that whoever asks is the person; never by a message alone."""


@desk.get("/mensen/<kenmerk>/gegevens")
def ask_rights(kenmerk: str) -> str:
    """Ask how it was made sure that whoever asks is this person."""
    with house().database.reading() as database:
        return page("rights.html", person=somebody(database, kenmerk), checks=CHECKS, told=None)


@desk.post("/mensen/<kenmerk>/gegevens")
def show_rights(kenmerk: str) -> ResponseReturnValue:
    """Show all that is kept about somebody, for themselves; it is written down who did, and how."""
    check = request.form.get("hoe", "")
    if check not in CHECKS:
        flash(gettext("Zeg eerst hoe u weet dat het deze persoon is."), "error")
        return redirect(url_for("console.ask_rights", kenmerk=kenmerk), 303)
    with house().database.session() as database:
        found = somebody(database, kenmerk)
        looked(database, "person.told_all", f"person:{found.id}", check=check)
        told = rights.told(database, found)
        spoken = rights.voice_notes(database, found)
        proof = audit.newest(database)
    if request.form.get("als") == "json":
        for row, note in zip(told[rights.SPOKEN], spoken, strict=True):
            sound = voices.heard(house().settings, note)
            if sound is not None:
                row["geluid"] = f"data:{sound[1]};base64,{b64encode(sound[0]).decode()}"
        body = json.dumps(told, ensure_ascii=False, indent=2)
        name = f'attachment; filename="gegevens-{moments.local(moments.now()):%Y-%m-%d}.json"'
        return Response(
            body, content_type="application/json", headers={"Content-Disposition": name}
        )
    with house().database.reading() as database:
        return page(
            "rights.html",
            person=somebody(database, kenmerk),
            checks=CHECKS,
            told=told,
            check=check,
            spoken=[note for note in spoken if note.state == "kept"],
            proof=proof,
            now=moments.now(),
        )


def somebody(database: Session, kenmerk: str) -> Inburgeraar:
    """Return the person with this kenmerk, with their addresses; 404 if there is none."""
    found = database.scalars(
        select(Inburgeraar)
        .where(Inburgeraar.kenmerk == kenmerk)
        .options(selectinload(Inburgeraar.addresses).joinedload(PersonAddress.address))
    ).one_or_none()
    if found is None:
        abort(404)
    return found


def _told(database: Session, found: Inburgeraar, shown: int | None = None) -> dict[str, Any]:
    now = moments.now()
    messages = database.scalars(
        select(Message).where(Message.person_id == found.id).order_by(Message.id.desc()).limit(MOST)
    ).all()
    afspraken = database.scalars(
        select(Afspraak).where(Afspraak.person_id == found.id).order_by(Afspraak.begins)
    ).all()
    ahead = [each for each in afspraken if each.begins >= now and each.status == "gepland"]
    asked = database.scalars(
        select(Task).where(Task.person_id == found.id, Task.done_at.is_(None)).order_by(Task.since)
    ).all()
    said, older = thread(
        database, house(), Message.person_id == found.id, Reply.person_id == found.id
    )
    return {
        "person": found,
        "now": now,
        "mine": mine(found),
        "shown": shown,
        "next": ahead[0] if ahead else None,
        "afspraken": list(reversed(afspraken)),
        "versions": versions(database, afspraken),
        "thread": said,
        "older": older,
        "coming": coming(house(), _waiting(messages), ahead),
        "not_sent": [each for each in messages if each.state in NOT_SENT][:5],
        "consents": rights.consents(database, found)[::-1],
        "notes": database.scalars(
            select(Note).where(Note.person_id == found.id).order_by(Note.id.desc())
        ).all(),
        "tasks": asked,
        "danger": any(each.kind == tasks.EMERGENCY for each in asked),
        "history": _history(database, found),
        "may_merge": may("console.merge"),
        "merged": merging.today(database, found),
        "until": {link.address_id: _window(link.address, now) for link in found.addresses},
        "explain": tasks.explain,
        "words": words,
    }


def _waiting(messages: Iterable[Message]) -> list[Message]:
    return [each for each in messages if each.state in ("planned", "claimed")]


CHANGES = {
    "person.added": "Opgeschreven",
    "person.changed": "Gewijzigd",
    "person.merged": "Samengevoegd met een dubbele",
    "person.unmerged": "Samenvoegen teruggedraaid",
    "note.written": "Notitie opgeschreven",
    "note.dropped": "Notitie weggehaald",
    "person.paused": "Berichten stilgezet",
    "person.unpaused": "Berichten weer aangezet",
    "consent.written": "Ja of nee over uitnodigingen opgeschreven",
    "address.unlocked": "Uitnodigingen weer toegestaan",
    "afspraak.changed": "Afspraak gemaakt, verzet of afgezegd",
}
"""What the log says of a person that is no mere look, as staff read it."""

MOST_CHANGES = 20


@dataclass(frozen=True, slots=True)
class Change:
    """A line of what colleagues did about somebody."""

    at: datetime
    by: str | None
    what: str
    fields: list[str]


def _history(database: Session, found: Inburgeraar) -> list[Change]:
    """Return what colleagues changed of somebody, newest first; not what was there before."""
    rows = database.execute(
        select(AuditEntry, StaffMember.name)
        .outerjoin(StaffMember, StaffMember.id == AuditEntry.staff_id)
        .where(AuditEntry.subject == f"person:{found.id}", AuditEntry.action.in_(CHANGES))
        .order_by(AuditEntry.id.desc())
        .limit(MOST_CHANGES)
    )
    return [
        Change(entry.at, name, CHANGES[entry.action], entry.detail.get("fields", []))
        for entry, name in rows
    ]


def _window(address: Address, now: datetime) -> datetime | None:
    """Return until when WhatsApp takes free text here; None when it does not now."""
    if address.channel != "whatsapp" or address.last_inbound_at is None:
        return None
    until = address.last_inbound_at + WINDOW
    return until if until > now else None


def _next_afspraken(database: Session, people: list[int]) -> dict[int, Afspraak]:
    """Return the first afspraak to come of each of *people*."""
    found: dict[int, Afspraak] = {}
    for each in database.scalars(
        select(Afspraak)
        .where(Afspraak.person_id.in_(people), Afspraak.status == "gepland")
        .where(Afspraak.begins >= moments.now())
        .order_by(Afspraak.begins.desc())
        .options(joinedload(Afspraak.person))
    ):
        found[each.person_id] = each
    return found


def _wijken(database: Session) -> list[str]:
    return list(
        database.scalars(
            select(Inburgeraar.wijk)
            .where(Inburgeraar.wijk.is_not(None))
            .distinct()
            .order_by(Inburgeraar.wijk)
        )
    )
