"""The rows of a sheet, stored: each kind in its own way, all in the caller's transaction."""

from __future__ import annotations

from sqlalchemy.orm import Session

from bot.house import House
from bot.outreach.intake import afspraken, ambassadeurs, people, slots, voortrajecten
from bot.outreach.intake.report import Report
from bot.outreach.intake.sheet import Sheet

_STORE = {
    "people": people.store,
    "afspraken": afspraken.store,
    "slots": slots.store,
    "voortrajecten": voortrajecten.store,
    "ambassadeurs": ambassadeurs.store,
}


def store(session: Session, house: House, sheet: Sheet) -> Report:
    """Store the good rows of *sheet*, refuse the bad ones; return what became of each.

    For a large file give its `Sheet.batches` one by one, each in a transaction of its own, and
    add the reports.
    """
    report = Report(unit=sheet.unit, header=sheet.header, notes=list(sheet.notes))
    _STORE[sheet.kind](session, house, sheet, report)
    return report
