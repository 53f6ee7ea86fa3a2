"""Voortrajecten of a file: theme, place, days, hours and how many can take part."""

from __future__ import annotations

from datetime import time
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.gemeente import Gemeente
from bot.house import House
from bot.models.voortrajecten import Voortraject
from bot.outreach.intake import when
from bot.outreach.intake.fields import Fields
from bot.outreach.intake.report import Report
from bot.outreach.intake.sheet import Sheet
from bot.told import tell

_USUAL_HOURS = 48
_REQUIRED = {
    "thema": "theme",
    "plaats": "place",
    "dagen": "days",
    "begin": "begins",
    "eind": "ends",
    "start": "starts",
    "weken": "weeks",
    "plekken": "seats",
}


def store(session: Session, house: House, sheet: Sheet, report: Report) -> None:
    """Store the voortrajecten of *sheet*; count them in *report*. A change is a new version."""
    kenmerken = [row.cells["kenmerk"] for row in sheet.rows]
    # Locked: a place that is given meanwhile counts before the number of places goes down.
    known = {
        each.kenmerk: each
        for each in session.scalars(
            select(Voortraject).where(Voortraject.kenmerk.in_(kenmerken)).with_for_update()
        )
    }
    for row in sheet.rows:
        fields = Fields(row, sheet.unit)
        kenmerk = fields.kenmerk()
        voortraject = known.get(kenmerk)
        values = _values(fields, house.gemeente, voortraject)
        if fields.faults:
            report.refused.append((row, fields.faults))
            continue
        report.warnings += fields.doubts
        if voortraject is None:
            session.add(Voortraject(kenmerk=kenmerk, **values))
            report.counts["new"] += 1
        elif any(getattr(voortraject, name) != value for name, value in values.items()):
            for name, value in values.items():
                setattr(voortraject, name, value)
            voortraject.version += 1
            report.counts["changed"] += 1
        else:
            report.counts["unchanged"] += 1
    session.flush()


def _values(fields: Fields, gemeente: Gemeente, known: Voortraject | None) -> dict[str, Any]:
    """Return the columns of `Voortraject`; where the row is silent, what is known stays."""
    place = gemeente.place(fields.text("plaats"))
    told: dict[str, Any] = {
        "theme": _theme(fields, gemeente),
        "place": place.name if place else fields.text("plaats"),
        "days": fields.value("dagen", when.weekdays),
        "begins": _clock(fields.value("begin", when.clock)),
        "ends": _clock(fields.value("eind", when.clock)),
        "starts": fields.value("start", when.day),
        "weeks": fields.number("weken", 1, 104),
        "seats": fields.number("plekken", 1, 1000),
        "offer_hours": fields.number("wachttijd", 1, 14 * 24),
    }
    usual: dict[str, Any] = {"offer_hours": _USUAL_HOURS}
    values = {
        name: value or (getattr(known, name) if known else usual.get(name))
        for name, value in told.items()
    }
    stays = known.address if known and known.place == values["place"] else None
    values["address"] = fields.optional("adres", place.address if place else stays)
    for column, name in _REQUIRED.items():
        fields.require(column, values[name])
    if values["begins"] and values["ends"] and values["begins"] >= values["ends"]:
        fields.wrong("eind", "de les eindigt voordat hij begint")
    if known and values["seats"] and values["seats"] < known.taken:
        fields.wrong("plekken", tell("er zijn al %(taken)s plekken vergeven", taken=known.taken))
    if values["starts"] and values["days"]:
        first = when.CODES[values["starts"].weekday()]
        if first not in values["days"].split(","):
            fields.doubt("start", "de eerste dag is geen van de lesdagen")
    return values


def _theme(fields: Fields, gemeente: Gemeente) -> str:
    """Return the name of a theme; one that the gemeente does not list is taken as it is."""
    told = fields.text("thema")
    known = {each.code.casefold(): each.name for each in gemeente.themes}
    return known.get(told.casefold(), told)


def _clock(read: time | None) -> str | None:
    return read.strftime("%H:%M") if read else None
