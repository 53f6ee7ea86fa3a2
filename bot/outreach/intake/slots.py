"""Free times of a file: whose, from when to when, where; and those that are gone."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import moments
from bot.gemeente import Gemeente
from bot.house import House
from bot.models.afspraken import Slot
from bot.outreach import afspraken
from bot.outreach.intake import when
from bot.outreach.intake.fields import Fields
from bot.outreach.intake.report import Report
from bot.outreach.intake.sheet import Sheet
from bot.told import tell

_LONGEST_HOURS = 12
_STATUS = {
    **dict.fromkeys(("vrij", "open", "beschikbaar", "free"), "vrij"),
    **dict.fromkeys(("vervallen", "bezet", "dicht", "gesloten", "geannuleerd"), "vervallen"),
}


def store(session: Session, house: House, sheet: Sheet, report: Report) -> None:
    """Store the free times of *sheet*; count them in *report*.

    One that somebody has taken stays as it is: moving it is moving their afspraak.
    """
    afspraken.turn(session)
    kenmerken = [row.cells["kenmerk"] for row in sheet.rows]
    wanted = select(Slot).where(Slot.kenmerk.in_(kenmerken))
    known = {
        each.kenmerk: each
        for each in session.scalars(wanted.execution_options(populate_existing=True))
    }
    for row in sheet.rows:
        fields = Fields(row, sheet.unit)
        kenmerk = fields.kenmerk()
        slot = known.get(kenmerk)
        values = _values(fields, house.gemeente, slot)
        changed = slot is not None and any(getattr(slot, n) != v for n, v in values.items())
        if changed and slot is not None and slot.afspraak_id is not None:
            fields.wrong("kenmerk", "deze tijd is al gekozen; verzet de afspraak of zeg hem af")
        if fields.faults:
            report.refused.append((row, fields.faults))
            continue
        report.warnings += fields.doubts
        if slot is None:
            session.add(Slot(kenmerk=kenmerk, **values))
            report.counts["new"] += 1
        elif changed:
            for name, value in values.items():
                setattr(slot, name, value)
            report.counts["changed"] += 1
        else:
            report.counts["unchanged"] += 1
    session.flush()


def _values(fields: Fields, gemeente: Gemeente, known: Slot | None) -> dict[str, Any]:
    """Return the columns of `Slot`; where the row is silent, what is known stays."""
    begins = _begins(fields, known)
    ends = _ends(fields, begins, known)
    status = fields.value("status", _status) or (known.status if known else "vrij")
    if begins and ends and not 0 < (ends - begins).total_seconds() <= _LONGEST_HOURS * 3600:
        fields.wrong(
            "einde",
            tell(
                "dit ligt niet na het begin, of meer dan %(most)s uur later",
                most=_LONGEST_HOURS,
            ),
        )
    if begins and begins <= moments.now() and status == "vrij":
        fields.doubt("begin", "deze tijd is al voorbij")
    told = fields.optional("plek", known.place if known else None)
    place = gemeente.place(told) if told else None
    stays = known.address if known and known.place == told else None
    return {
        "begins": begins,
        "ends": ends,
        "staff": fields.optional("wie", known.staff if known else None),
        "place": place.name if place else told,
        "address": fields.optional("adres", place.address if place else stays),
        "status": status,
    }


def _begins(fields: Fields, known: Slot | None) -> datetime | None:
    """Read the start from begin, or from datum and tijd."""
    on = re.sub(r"[ T]0?0:00(:00)?$", "", fields.text("datum"))
    begin, at = fields.text("begin"), fields.text("tijd")
    if not (begin or on or at):
        fields.require("begin", known)
        return known.begins if known else None
    column = "begin" if begin or not on else "datum"
    try:
        read, warning = when.moment(" ".join(part for part in (on, begin, at) if part))
    except ValueError as error:
        fields.wrong(column, error.args[0])
        return None
    if warning:
        fields.doubt(column, warning)
    return read


def _ends(fields: Fields, begins: datetime | None, known: Slot | None) -> datetime | None:
    """Read the end: a time on the day of *begins*, or a day and a time."""
    text = fields.text("einde")
    if not text:
        fields.require("einde", known)
        return known.ends if known else None
    try:
        at = when.clock(text)
    except ValueError:
        read = fields.value("einde", when.moment)
        return read[0] if read else None
    if begins is None:
        return None
    return moments.from_local(datetime.combine(moments.local(begins).date(), at))


def _status(text: str) -> str:
    status = _STATUS.get(text.casefold())
    if status is None:
        raise ValueError("deze status is onbekend; kies vrij of vervallen")
    return status
