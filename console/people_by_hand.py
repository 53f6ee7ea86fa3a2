"""Somebody, or an afspraak of theirs, written down or changed by hand.

It goes the way of a file of one row: the same reasons, and what people said for themselves stays.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from flask import abort, current_app, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_security import current_user
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot import moments
from bot.models.afspraken import Afspraak
from bot.models.messages import Message
from bot.models.people import Inburgeraar
from bot.outreach import merging
from bot.outreach import people as theirs
from bot.outreach.intake.fields import CLEAR
from bot.outreach.intake.mending import by_hand
from bot.outreach.intake.report import Report
from bot.outreach.intake.storing import store
from bot.privacy import consent
from bot.wording.languages import languages
from console import words
from console.desk import desk, house, looked, mine, page
from console.people import somebody as find
from console.texts import said
from console.thread import in_dutch

PERSON = (
    "voornaam", "korte naam", "taal", "telefoon", "kanaal", "telegram", "wijk", "groep",
    "klantmanager", "huishouden",
)  # fmt: skip
OPTIONAL = ("korte naam", "wijk", "groep", "klantmanager", "huishouden")
AFSPRAAK = ("datum", "tijd", "duur", "soort", "plaats", "adres", "medewerker")
NEW = 0
"""In an address: the afspraak that is not there yet."""


@dataclass(frozen=True, slots=True)
class Going:
    """A message that would go out because of a change."""

    message_channel: str
    language: str
    body: str
    dutch: str | None
    """What it says in Dutch, for the colleague who cannot read it; None if it is Dutch."""
    cause: str | None


@dataclass(frozen=True, slots=True)
class Tried:
    """What a change of an afspraak came to."""

    why: dict[str, str]
    """Why it cannot be, by column; empty if it can."""
    going: list[Going]
    doubts: list[str]
    number: str
    """The kenmerk of the afspraak."""


# ------------------------------------------------------------------ people


@desk.get("/mensen/nieuw")
def new_person() -> str:
    """Ask who it is."""
    return _person_form(None, {})


@desk.post("/mensen/nieuw")
def add_person() -> ResponseReturnValue:
    """Write somebody down who is new."""
    cells = _told(PERSON)
    cells["kenmerk"] = (
        request.form.get("kenmerk", "").strip() or f"C-{secrets.token_hex(4).upper()}"
    )
    cells["toestemming"] = request.form.get("toestemming", "")
    why: dict[str, str] = {}
    with house().database.session() as database:
        there = select(Inburgeraar.id).where(Inburgeraar.kenmerk == cells["kenmerk"])
        if database.scalar(there) is not None or merging.called(database, [cells["kenmerk"]]):
            why = {"kenmerk": gettext("Dit kenmerk is al van iemand. Zoek die persoon op.")}
        else:
            report = _kept(database, "people", cells)
            why = _faults(report)
        if why:
            database.rollback()
        else:
            person = find(database, cells["kenmerk"])
            looked(database, "person.added", f"person:{person.id}")
    if why:
        return _person_form(None, cells, why), 422
    _say_doubts(report)
    return redirect(url_for("console.person", kenmerk=cells["kenmerk"]), 303)


@desk.get("/mensen/<kenmerk>/wijzig")
def edit_person(kenmerk: str) -> str:
    """Show what is known, to change it; the number is not shown."""
    with house().database.session() as database:
        person = find(database, kenmerk)
        if not mine(person):
            looked(database, "person.looked", f"person:{person.id}")
        return _person_form(person, _cells_of(person))


@desk.post("/mensen/<kenmerk>/wijzig")
def change_person(kenmerk: str) -> ResponseReturnValue:
    """Change what is known of somebody."""
    cells = _told(PERSON)
    with house().database.session() as database:
        person = find(database, kenmerk)
        before = _cells_of(person)
        for column in OPTIONAL:
            cells[column] = cells[column] or CLEAR
        listens = request.form.get("luistert")
        fields = []
        if listens and theirs.prefer_listening(person, listens == "ja"):
            fields.append("luistert")
        report = _kept(database, "people", {**cells, "kenmerk": kenmerk})
        if report.counts["changed"]:
            fields += _changed_fields(before, cells)
        if report.refused:
            database.rollback()
        elif fields:
            looked(database, "person.changed", f"person:{person.id}", fields=fields)
    if report.refused:
        with house().database.reading() as database:
            return _person_form(find(database, kenmerk), cells, _faults(report)), 422
    _say_doubts(report)
    return redirect(url_for("console.person", kenmerk=kenmerk), 303)


@desk.post("/mensen/<kenmerk>/toestemming")
def say_consent(kenmerk: str) -> ResponseReturnValue:
    """Write down what somebody told a colleague about invitations."""
    given = request.form.get("zei") == "ja"
    with house().database.session() as database:
        person = find(database, kenmerk)
        evidence = f"staff {current_user.id}: gezegd tegen {current_user.name}"
        if consent.record(database, person, given=given, channel=None, evidence=evidence):
            looked(database, "consent.written", f"person:{person.id}", given=given)
    return redirect(url_for("console.person", kenmerk=kenmerk), 303)


@desk.post("/mensen/<kenmerk>/pauze")
def pause_person(kenmerk: str) -> ResponseReturnValue:
    """Send somebody nothing for now, or go on; a STOP of their own is never lifted here."""
    go_on = request.form.get("doe") == "verder"
    with house().database.session() as database:
        person = find(database, kenmerk)
        if go_on:
            left = theirs.go_on(database, person, str(current_user.id))
        else:
            left = theirs.pause(database, person, str(current_user.id))
        action = "person.unpaused" if go_on else "person.paused"
        looked(database, action, f"person:{person.id}")
        channels = ", ".join(sorted({words.CHANNELS[each.channel] for each in left}))
    if left and go_on:
        flash(
            gettext("Op %(where)s stuurde deze persoon zelf STOP. Dat blijft zo.", where=channels),
            "error",
        )
    elif left:
        told = gettext(
            "Op %(where)s leest ook iemand anders mee. Daar verandert niets.", where=channels
        )
        flash(told, "error")
    return redirect(url_for("console.person", kenmerk=kenmerk), 303)


@desk.post("/mensen/<kenmerk>/uitnodigingen/<int:address_id>")
def invite_again(kenmerk: str, address_id: int) -> ResponseReturnValue:
    """Let invitations go again to a phone from which danger was told; not while it is being met."""
    with house().database.session() as database:
        person = find(database, kenmerk)
        address = next((a.address for a in person.addresses if a.address_id == address_id), None)
        if address is None:
            abort(404)
        if theirs.invite_again(database, address):
            looked(database, "address.unlocked", f"person:{person.id}", address=address_id)
        else:
            flash(
                gettext("Er is nog een taak over gevaar. Sluit die eerst in het Postvak."), "error"
            )
    return redirect(url_for("console.person", kenmerk=kenmerk), 303)


def _changed_fields(before: Mapping[str, str], cells: Mapping[str, str]) -> list[str]:
    """Return which fields of somebody changed, by name: what they held is not written down."""
    reached = any(cells[column] for column in ("telefoon", "telegram", "kanaal"))
    changed = [
        column
        for column in PERSON
        if column in before and (cells[column] or CLEAR) != (before[column] or CLEAR)
    ]
    return changed + ["bereikbaar"] * reached


def _cells_of(person: Inburgeraar) -> dict[str, str]:
    return {
        "voornaam": person.first_name,
        "korte naam": person.short_name or "",
        "taal": person.language,
        "wijk": person.wijk or "",
        "groep": person.groep or "",
        "klantmanager": person.klantmanager or "",
        "huishouden": person.household or "",
    }


def _person_form(
    person: Inburgeraar | None, cells: Mapping[str, str], why: Mapping[str, str] | None = None
) -> str:
    return page(
        "person_form.html",
        person=person,
        cells={
            "luistert": "ja" if person is not None and person.listens else "nee",
            **{name: "" if text == CLEAR else text for name, text in cells.items()},
        },
        why=why or {},
        languages=languages(),
        wijken=house().gemeente.wijken,
        words=words,
    )


# ------------------------------------------------------------------ afspraken


@desk.get("/mensen/<kenmerk>/afspraak/<int:afspraak_id>")
def edit_afspraak(kenmerk: str, afspraak_id: int) -> str:
    """Show an afspraak, to move or cancel it; 0 is a new one."""
    with house().database.reading() as database:
        person = find(database, kenmerk)
        afspraak = _afspraak(database, person, afspraak_id)
        return _afspraak_form(person, afspraak, _afspraak_cells(afspraak))


@desk.post("/mensen/<kenmerk>/afspraak/<int:afspraak_id>")
def change_afspraak(kenmerk: str, afspraak_id: int) -> ResponseReturnValue:
    """Show what a change would send, and do exactly that on the second press."""
    sure = request.form.get("doe") == "doen"
    cells = _told(AFSPRAAK)
    cells["status"] = "afgezegd" if request.form.get("status") == "afgezegd" else "gepland"
    tried = _try(kenmerk, afspraak_id, cells, keep=sure)
    if tried.why or not sure:
        with house().database.reading() as database:
            person = find(database, kenmerk)
            form = _afspraak_form(
                person,
                _afspraak(database, person, afspraak_id),
                cells,
                why=tried.why,
                going=None if tried.why else tried.going,
                doubts=tried.doubts,
                number=tried.number,
            )
        return form, 422 if tried.why else 200
    current_app.extensions["wake"]()
    return redirect(url_for("console.person", kenmerk=kenmerk), 303)


def _try(kenmerk: str, afspraak_id: int, cells: Mapping[str, str], *, keep: bool) -> Tried:
    """Change the afspraak, or with *keep* false see what that would do and take it back."""
    with house().database.session() as database:
        person = find(database, kenmerk)
        afspraak = _afspraak(database, person, afspraak_id)
        number = afspraak.kenmerk if afspraak else request.form.get("nummer") or _number()
        version = str(afspraak.version) if afspraak else "0"
        if request.form.get("versie", version) != version:
            told = gettext("Een collega veranderde deze afspraak intussen. Kijk opnieuw.")
            return Tried({"": told}, [], [], number)
        last = database.scalar(select(func.max(Message.id))) or 0
        report = _kept(database, "afspraken", {**cells, "kenmerk": number, "persoon": kenmerk})
        tried = Tried(
            _faults(report),
            _going(database, last),
            [said(each.said) for each in report.warnings],
            number,
        )
        if tried.why or not keep:
            database.rollback()
            return tried
        about = {"afspraak": number, "status": cells["status"]}
        looked(database, "afspraak.changed", f"person:{person.id}", **about)
    return tried


def _number() -> str:
    return f"C-{secrets.token_hex(4).upper()}"


def _afspraak(database: Session, person: Inburgeraar, number: int) -> Afspraak | None:
    if number == NEW:
        return None
    afspraak = database.get(Afspraak, number)
    if afspraak is None or afspraak.person_id != person.id:
        abort(404)
    return afspraak


def _afspraak_cells(afspraak: Afspraak | None) -> dict[str, str]:
    if afspraak is None:
        return {"duur": "60", "medewerker": current_user.name}
    local = moments.local(afspraak.begins)
    # The address of a place that we know comes with it: another place brings another.
    usual = house().gemeente.place(afspraak.place)
    return {
        "datum": local.strftime("%d-%m-%Y"),
        "tijd": local.strftime("%H:%M"),
        "duur": str(afspraak.minutes),
        "soort": afspraak.soort or "",
        "plaats": afspraak.place,
        "adres": "" if usual is not None else afspraak.address or "",
        "medewerker": afspraak.staff or "",
        "status": afspraak.status,
    }


def _going(database: Session, after: int) -> list[Going]:
    """Return what was queued since: it is shown, and taken back with the rest."""
    database.flush()
    new = database.scalars(select(Message).where(Message.id > after).order_by(Message.id))
    return [Going(m.channel or "", m.language, m.body, in_dutch(house(), m), m.cause) for m in new]


def _afspraak_form(
    person: Inburgeraar,
    afspraak: Afspraak | None,
    cells: Mapping[str, str],
    *,
    why: Mapping[str, str] | None = None,
    going: list[Going] | None = None,
    doubts: list[str] | None = None,
    number: str = "",
) -> str:
    return page(
        "afspraak_form.html",
        person=person,
        afspraak=afspraak,
        cells=cells,
        why=why or {},
        going=going,
        doubts=doubts or [],
        number=number,
        places=house().gemeente.places,
        words=words,
    )


# ------------------------------------------------------------------ small things


def _told(columns: tuple[str, ...]) -> dict[str, str]:
    return {column: request.form.get(column, "").strip()[:1000] for column in columns}


def _kept(database: Session, kind: str, cells: Mapping[str, str]) -> Report:
    report = store(database, house(), by_hand(kind, cells, f"console, {current_user.name}"))
    database.flush()
    return report


def _faults(report: Report) -> dict[str, str]:
    """Return what is wrong, by column."""
    found: dict[str, str] = {}
    for _, remarks in report.refused:
        for each in remarks:
            found[each.column] = "; ".join(filter(None, (found.get(each.column), said(each.said))))
    return found


def _say_doubts(report: Report) -> None:
    for each in report.warnings:
        flash(f"{each.column}: {said(each.said)}" if each.column else said(each.said), "error")
