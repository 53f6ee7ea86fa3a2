"""Afspraken of a file or a calendar: who, when, where; moved and cancelled ones too."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, joinedload

from bot import moments
from bot.gemeente import Gemeente
from bot.house import House
from bot.models.afspraken import Afspraak
from bot.models.people import Inburgeraar
from bot.outreach import afspraken, merging
from bot.outreach.intake import when
from bot.outreach.intake.fields import Fields
from bot.outreach.intake.report import Report
from bot.outreach.intake.sheet import Row, Series, Sheet
from bot.told import tell

_USUAL_MINUTES = 60
_FAR = timedelta(days=2 * 365)
_STAMP = re.compile(r"/\d{8}T\d{4}Z")
"""How the kenmerk of one time of a repeated afspraak ends."""
_WHO = (
    "het kenmerk van de persoon ontbreekt. Zet het in X-STAP-PERSOON, als naam (CN) van een "
    "deelnemer (ATTENDEE), of als regel 'persoon: KENMERK' in de omschrijving"
)
_STATUS = {
    **dict.fromkeys(("gepland", "bevestigd", "ingepland", "actief", "confirmed"), "gepland"),
    **dict.fromkeys(
        ("afgezegd", "geannuleerd", "vervallen", "afgelast", "cancelled", "canceled"), "afgezegd"
    ),
}


@dataclass(frozen=True)
class _Known:
    """What the database has of the people and afspraken that a batch names."""

    people: Mapping[str, Inburgeraar]
    afspraken: Mapping[str, Afspraak]


def store(session: Session, house: House, sheet: Sheet, report: Report) -> None:
    """Store the afspraken of *sheet*; count them in *report*.

    What has gone from a repeated afspraak is cancelled before its other times are stored, so
    that nobody is reminded of both.
    """
    gone = _cancel_gone(session, house, sheet.series)
    if gone:
        report.notes.append(
            tell("%(n)s keer van een herhaalde afspraak is vervallen.", n=gone)
            if gone == 1
            else tell("%(n)s keer van een herhaalde afspraak zijn vervallen.", n=gone)
        )
    known = _known(session, sheet.rows)
    for row in sheet.rows:
        fields = Fields(row, sheet.unit)
        values = _values(fields, known, house.gemeente)
        if fields.faults:
            report.refused.append((row, fields.faults))
            continue
        sequence = row.cells.get("sequence")
        outcome = afspraken.record(
            session, house, **values, sequence=int(sequence) if sequence else None
        )
        if outcome == "kept":
            fields.doubt(
                "begin",
                "deze persoon koos zelf een andere tijd; die blijft. Zet hem in "
                "de agenda en sluit de taak",
            )
        report.counts["unchanged" if outcome == "kept" else outcome] += 1
        report.warnings += fields.doubts


def _known(session: Session, rows: Sequence[Row]) -> _Known:
    names = {name for row in rows for name in (row.cells.get("persoon", ""), *row.attendees)}
    people = session.scalars(select(Inburgeraar).where(Inburgeraar.kenmerk.in_(names)))
    known = session.scalars(
        select(Afspraak)
        .where(Afspraak.kenmerk.in_([row.cells.get("kenmerk", "") for row in rows]))
        .options(joinedload(Afspraak.person))
    )
    by_kenmerk = {each.kenmerk: each for each in people}
    merged = merging.called(session, names)
    they = select(Inburgeraar).where(Inburgeraar.id.in_(merged.values()))
    by_number = {each.id: each for each in session.scalars(they)} if merged else {}
    by_kenmerk |= {kenmerk: by_number[number] for kenmerk, number in merged.items()}
    return _Known(by_kenmerk, {each.kenmerk: each for each in known})


def _values(fields: Fields, known: _Known, gemeente: Gemeente) -> dict[str, Any]:
    """Return what `afspraken.record` wants; where the row is silent, what is known stays."""
    kenmerk = fields.kenmerk()
    afspraak = known.afspraken.get(kenmerk)
    begins = _begins(fields, afspraak)
    soort = fields.optional("soort", afspraak.soort if afspraak else None)
    place, address = _place(fields, gemeente, afspraak)
    status = fields.value("status", _status) or (afspraak.status if afspraak else "gepland")
    if not place and not (soort or "").casefold().startswith(("telefo", "video", "online")):
        fields.doubt("plaats", "zonder plaats; het bericht noemt dan geen plaats")
    return {
        "kenmerk": kenmerk,
        "person": _person(fields, known, afspraak),
        "begins": begins,
        "minutes": fields.value("duur", when.minutes)
        or (afspraak.minutes if afspraak else _USUAL_MINUTES),
        "soort": soort,
        "place": place,
        "address": address,
        "staff": fields.optional("medewerker", afspraak.staff if afspraak else None),
        "status": status,
    }


def _person(fields: Fields, known: _Known, afspraak: Afspraak | None) -> Inburgeraar | None:
    named = fields.text("persoon")
    invited = {name for name in fields.row.attendees if name in known.people}
    if not named and len(invited) == 1:
        named = invited.pop()
    if not named and afspraak is not None:
        return afspraak.person
    person = known.people.get(named)
    if len(invited) > 1 and not named:
        fields.wrong("persoon", "meer dan een deelnemer is bekend; zet er een in X-STAP-PERSOON")
    elif not named:
        in_calendar = fields.unit == "afspraak"
        fields.wrong("persoon", _WHO if in_calendar else "het kenmerk van de persoon ontbreekt")
    elif person is None:
        fields.wrong("persoon", "deze persoon is onbekend; breng eerst het bestand met mensen")
    elif afspraak is not None and afspraak.person_id != person.id:
        fields.wrong(
            "persoon",
            "deze afspraak staat op naam van iemand anders. Is een kolom apart gesorteerd? "
            "Zo niet: zeg hem af en geef de nieuwe een eigen kenmerk",
        )
    return person


def _begins(fields: Fields, afspraak: Afspraak | None) -> datetime | None:
    """Read the start from begin, or from datum and tijd."""
    begin = fields.text("begin")
    on = re.sub(r"[ T]0?0:00(:00)?$", "", fields.text("datum"))
    at = fields.text("tijd")
    column = "begin" if begin or not on else "datum"
    if not (begin or on or at):
        if afspraak is None:
            fields.require("begin", None)
        return afspraak.begins if afspraak else None
    try:
        begins, warning = _moment(begin, " ".join(part for part in (on, begin, at) if part))
    except ValueError as error:
        fields.wrong(column, error.args[0])
        return None
    if afspraak is None or afspraak.begins != begins:
        now = moments.now()
        if begins < now:
            warning = "deze afspraak is al geweest"
        elif begins > now + _FAR:
            warning = "dit is over meer dan twee jaar; klopt het jaartal?"
        if warning:
            fields.doubt(column, warning)
    return begins


def _moment(begin: str, together: str) -> tuple[datetime, str | None]:
    """Read *begin* if it says all by itself, or else all columns together."""
    try:
        return when.moment(begin)
    except ValueError:
        return when.moment(together)


def _place(fields: Fields, gemeente: Gemeente, afspraak: Afspraak | None) -> tuple[str, str | None]:
    """Return place and address; a place of the gemeente brings its own address."""
    told = fields.text("plaats")
    place = told or (afspraak.place if afspraak else "")
    usual = gemeente.place(place)
    if usual is None and fields.unit == "afspraak":  # "Wijkcentrum, Voorbeeldstraat 12"
        usual = gemeente.place(place.partition(",")[0])
    stays = afspraak.address if afspraak and afspraak.place == place else None
    address = fields.optional("adres", usual.address if usual else stays)
    if usual is not None:
        place = usual.name
    if not place and address:
        return address, None
    return place, address


def _status(text: str) -> str:
    status = _STATUS.get(text.casefold())
    if status is None:
        raise ValueError("deze status is onbekend; kies gepland of afgezegd")
    return status


def _cancel_gone(session: Session, house: House, series: Mapping[str, Series]) -> int:
    """Cancel what a calendar no longer has of its events; return how many that were."""
    gone = 0
    for uid, now_planned in series.items():
        planned = session.scalars(
            select(Afspraak)
            .where(
                or_(
                    Afspraak.kenmerk == uid, Afspraak.kenmerk.startswith(uid + "/", autoescape=True)
                ),
                Afspraak.kenmerk.not_in(now_planned.kenmerken),
                Afspraak.status == "gepland",
                Afspraak.begins > moments.now(),
            )
            .options(joinedload(Afspraak.person))
        ).all()
        for afspraak in planned:
            ours = afspraak.kenmerk == uid or _STAMP.fullmatch(afspraak.kenmerk[len(uid) :])
            if not ours or (afspraak.sequence or 0) > now_planned.sequence:
                continue
            afspraken.record(
                session,
                house,
                kenmerk=afspraak.kenmerk,
                person=afspraak.person,
                begins=afspraak.begins,
                minutes=afspraak.minutes,
                soort=afspraak.soort,
                place=afspraak.place,
                address=afspraak.address,
                staff=afspraak.staff,
                status="afgezegd",
            )
            gone += 1
    return gone
