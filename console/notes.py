"""What colleagues write down about somebody for each other; the person may ask to read it."""

from __future__ import annotations

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_security import current_user

from bot import moments
from bot.models.people import Note
from console.desk import desk, house, looked
from console.people import somebody

LONGEST = 500
"""Characters of one note: what takes more belongs in the file of the gemeente."""


@desk.post("/mensen/<kenmerk>/notitie")
def write_note(kenmerk: str) -> ResponseReturnValue:
    """Write something down about somebody."""
    lines = [" ".join(line.split()) for line in request.form.get("notitie", "").splitlines()]
    text = "\n".join(line for line in lines if line)
    if not 0 < len(text) <= LONGEST:
        told = gettext("Schrijf een notitie van hoogstens %(n)s tekens.", n=LONGEST)
        flash(told, "error")
        return _back(kenmerk)
    with house().database.session() as database:
        person = somebody(database, kenmerk)
        note = Note(person_id=person.id, text=text, by=current_user.name, at=moments.now())
        database.add(note)
        looked(database, "note.written", f"person:{person.id}")
    return _back(kenmerk)


@desk.post("/mensen/<kenmerk>/notitie/<int:note_id>/weg")
def drop_note(kenmerk: str, note_id: int) -> ResponseReturnValue:
    """Take back a note of one's own."""
    with house().database.session() as database:
        person = somebody(database, kenmerk)
        note = database.get(Note, note_id)
        if note is None or note.person_id != person.id:
            abort(404)
        if note.by != current_user.name:
            abort(403)
        database.delete(note)
        looked(database, "note.dropped", f"person:{person.id}")
    flash(gettext("De notitie is weg."), "info")
    return _back(kenmerk)


def _back(kenmerk: str) -> ResponseReturnValue:
    return redirect(url_for("console.person", kenmerk=kenmerk, _anchor="nt"), 303)
