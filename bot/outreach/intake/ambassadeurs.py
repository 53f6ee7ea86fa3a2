"""Ambassadeurs of a file: who shares a link, and in which languages they can be spoken to."""

from __future__ import annotations

import re

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import moments
from bot.house import House
from bot.models.ambassadeurs import Ambassadeur
from bot.outreach.intake.fields import Fields
from bot.outreach.intake.people import wijk
from bot.outreach.intake.report import Report
from bot.outreach.intake.sheet import Sheet


def store(session: Session, house: House, sheet: Sheet, report: Report) -> None:
    """Store the ambassadeurs of *sheet*; count them in *report*."""
    kenmerken = [row.cells["kenmerk"] for row in sheet.rows]
    known = {
        each.kenmerk: each
        for each in session.scalars(select(Ambassadeur).where(Ambassadeur.kenmerk.in_(kenmerken)))
    }
    for row in sheet.rows:
        fields = Fields(row, sheet.unit)
        kenmerk = fields.kenmerk()
        before = known.get(kenmerk)
        values = {
            "first_name": fields.first_name() or (before.first_name if before else None),
            "phone": fields.phone() or (before.phone if before else None),
            "languages": _languages(fields) or (before.languages if before else None),
            "wijk": wijk(fields, house.gemeente, before.wijk if before else None),
            "household": fields.optional("huishouden", before.household if before else None),
        }
        fields.require("voornaam", values["first_name"])
        fields.require("talen", values["languages"])
        if fields.faults:
            report.refused.append((row, fields.faults))
            continue
        report.warnings += fields.doubts
        if before is None:
            session.add(Ambassadeur(kenmerk=kenmerk, created_at=moments.now(), **values))
            report.counts["new"] += 1
        elif any(getattr(before, name) != value for name, value in values.items()):
            for name, value in values.items():
                setattr(before, name, value)
            report.counts["changed"] += 1
        else:
            report.counts["unchanged"] += 1
    session.flush()


def _languages(fields: Fields) -> list[str]:
    """Return the codes of a list such as ``Arabisch, Tigrinya en Nederlands``, each once."""
    told = re.split(r"\s*[,;/+&|]\s*|\s+en\s+", fields.text("talen"))
    found = [fields.language("talen", each) for each in told if each]
    return list(dict.fromkeys(language.code for language in found if language))
