"""Samenvoegen: who may be the same person, side by side, what it comes to, and back again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_security import current_user
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.models.afspraken import Afspraak
from bot.models.messages import Message, Reply
from bot.models.people import Inburgeraar, Note
from bot.models.tasks import Task
from bot.outreach import merging
from bot.privacy import consent
from console import words
from console.desk import desk, house, looked, page
from console.people import somebody
from console.texts import said

ROWS: dict[str, Any] = {
    "Afspraken": Afspraak,
    "Berichten van ons": Message,
    "Antwoorden": Reply,
    "Taken": Task,
    "Notities": Note,
}


@dataclass(frozen=True, slots=True)
class Side:
    """One person as they stand beside the other, or as both would be."""

    person: Inburgeraar
    addresses: list[tuple[str, str, words.Status]]
    """Channel, address and how it stands."""
    invitations: bool | None
    counts: dict[str, int]


@desk.get("/mensen/<kenmerk>/samenvoegen")
def ask_merge(kenmerk: str) -> str:
    """Show who may be the same; with one chosen, both side by side and what it would come to."""
    other = request.args.get("met", "").strip()[:100]
    with house().database.session() as database:
        found = somebody(database, kenmerk)
        looked(database, "person.merge_looked", f"person:{found.id}")
    with house().database.reading() as database:
        found = somebody(database, kenmerk)
        told: dict[str, Any] = {"person": found, "doubles": merging.doubles(database, found)}
        if other:
            try:
                told |= _tried(kenmerk, other)
            except merging.NotNow as error:
                told["why"] = said(error)
        return page("merge.html", asked=other, words=words, **told)


@desk.post("/mensen/<kenmerk>/samenvoegen")
def merge(kenmerk: str) -> ResponseReturnValue:
    """Put the other together with this person, as it was shown."""
    other = request.form.get("met", "")
    try:
        with house().database.session() as database:
            keep, gone = somebody(database, kenmerk), somebody(database, other)
            number = gone.id
            merging.merge(database, keep, gone, current_user.name)
            looked(database, "person.merged", f"person:{keep.id}", other=number)
    except merging.NotNow as error:
        flash(said(error), "error")
    else:
        flash(gettext("Samengevoegd. Vandaag kunt u het nog terugdraaien."), "info")
    return redirect(url_for("console.person", kenmerk=kenmerk), 303)


@desk.post("/mensen/<kenmerk>/splitsen")
def unmerge(kenmerk: str) -> ResponseReturnValue:
    """Take apart what was put together today."""
    try:
        with house().database.session() as database:
            keep = somebody(database, kenmerk)
            merged = merging.today(database, keep)
            if merged is None:
                raise merging.NotNow(gettext("Er is vandaag niets samengevoegd."))
            number = keep.id
            merging.undo(database, merged)
            looked(database, "person.unmerged", f"person:{number}")
    except merging.NotNow as error:
        flash(said(error), "error")
    else:
        flash(gettext("Teruggedraaid. Het zijn weer twee mensen."), "info")
    return redirect(url_for("console.person", kenmerk=kenmerk), 303)


def _tried(kenmerk: str, other: str) -> dict[str, Any]:
    """Put them together, look, and take it back."""
    with house().database.session() as database:
        keep, gone = somebody(database, kenmerk), somebody(database, other)
        before = [_side(database, keep), _side(database, gone)]
        notes = merging.merge(database, keep, gone, current_user.name)
        after = _side(database, keep)
        database.rollback()
    return {"before": before, "after": after, "notes": notes, "other": other}


def _side(database: Session, person: Inburgeraar) -> Side:
    places = [link.address for link in person.addresses]
    return Side(
        _as_it_is(person),
        [
            (
                words.CHANNELS[each.channel],
                each.address,
                words.STOPPED if each.stopped_at else words.ADDRESSES[each.state],
            )
            for each in places
        ],
        consent.last_word(database, person, None),
        {
            what: database.scalar(
                select(func.count()).select_from(table).where(table.person_id == person.id)
            )
            or 0
            for what, table in ROWS.items()
        },
    )


def _as_it_is(person: Inburgeraar) -> Inburgeraar:
    """Return a copy that what follows does not change."""
    columns = (column.key for column in Inburgeraar.__table__.columns)
    return Inburgeraar(**{name: getattr(person, name) for name in columns})
