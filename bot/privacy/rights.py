"""What somebody may ask of us about themselves (AVG): everything that is kept about them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot import moments
from bot.models.afspraken import Afspraak
from bot.models.ambassadeurs import Aanmelding
from bot.models.broadcasts import Recipient
from bot.models.messages import Message, Reply
from bot.models.people import Consent, Inburgeraar, Merged, Note
from bot.models.staff import AuditEntry
from bot.models.tasks import Task
from bot.models.voices import VoiceNote
from bot.models.voortrajecten import Deelname

Section = list[dict[str, str]]
"""Rows, each a word of ours with what is kept; an empty value is left out."""


def told(session: Session, person: Inburgeraar) -> Mapping[str, Section]:
    """Return all that is kept about *person*, by Dutch title, in words that can be printed.

    On a shared phone that is theirs alone: what nobody knows who of them wrote is not in it. The
    log of who looked names nobody: it says when and what, not which colleague.
    """
    places = [link.address for link in person.addresses]
    return {
        "Persoon": [_row(person, _PERSON)],
        "Samengevoegd": _rows(session, Merged, person, _MERGED),
        "Nummers en adressen": [_row(each, _ADDRESS) for each in places],
        "Toestemming en STOP": [_row(each, _CONSENT) for each in consents(session, person)],
        "Afspraken": _rows(session, Afspraak, person, _AFSPRAAK),
        "Voortrajecten": [
            {"voortraject": each.voortraject.kenmerk, **_row(each, _DEELNAME)}
            for each in _of(session, Deelname, person)
        ],
        "Aanmelding via een ambassadeur": _rows(session, Aanmelding, person, _AANMELDING),
        "Wat wij stuurden": _rows(session, Message, person, _MESSAGE),
        "Wat u schreef": _rows(session, Reply, person, _REPLY),
        SPOKEN: [_row(each, _VOICE) for each in voice_notes(session, person)],
        "Groepsberichten waarvoor u gekozen bent": _rows(session, Recipient, person, _RECIPIENT),
        "Wat medewerkers opschreven": _rows(session, Note, person, _NOTE),
        "Taken voor een medewerker": _rows(session, Task, person, _TASK),
        "Wie iets bekeek of veranderde": _log(session, person),
    }


SPOKEN = "Wat u insprak"
"""The title of what was said aloud; the sounds themselves go beside it, in the same order."""


def voice_notes(session: Session, person: Inburgeraar) -> Sequence[VoiceNote]:
    """Return what *person* said aloud, oldest first."""
    return session.scalars(
        select(VoiceNote)
        .join(Reply, Reply.id == VoiceNote.reply_id)
        .where(Reply.person_id == person.id)
        .order_by(VoiceNote.id)
    ).all()


def consents(session: Session, person: Inburgeraar) -> Sequence[Consent]:
    """Return what they said, and the STOP of an address that nobody else reads."""
    alone = [link.address_id for link in person.addresses if len(link.address.people) == 1]
    whose = (Consent.person_id == person.id) | Consent.address_id.in_(alone)
    return session.scalars(select(Consent).where(whose).order_by(Consent.id)).all()


_PERSON = {
    "kenmerk": "kenmerk", "voornaam": "first_name", "taal": "language", "wijk": "wijk",
    "groep": "groep", "klantmanager": "klantmanager", "belangstelling": "interest",
    "huishouden": "household", "korte naam": "short_name", "luistert liever": "listens",
    "bekend sinds": "created_at",
}  # fmt: skip
_ADDRESS = {
    "kanaal": "channel", "adres": "address", "telefoon": "phone", "staat": "state",
    "STOP sinds": "stopped_at", "geen groepsberichten sinds": "bulk_locked_at",
    "schreef het laatst": "last_inbound_at", "taal": "language", "bekend sinds": "created_at",
}  # fmt: skip
_CONSENT = {
    "waarvoor": "purpose", "kanaal": "channel", "ja": "given", "hoe wij dat weten": "evidence",
    "wanneer": "at",
}  # fmt: skip
_AFSPRAAK = {
    "kenmerk": "kenmerk", "begin": "begins", "minuten": "minutes", "soort": "soort",
    "plaats": "place", "adres": "address", "met": "staff", "status": "status",
    "antwoord": "answer", "geantwoord": "answered_at",
}  # fmt: skip
_DEELNAME = {"stand": "state", "kinderopvang nodig": "needs_childcare", "wanneer": "at"}
_AANMELDING = {"telt mee": "counted", "kenmerken": "flags", "wanneer": "at"}
_MESSAGE = {
    "wanneer": "created_at", "kanaal": "channel", "tekst": "body", "afloop": "state",
    "oorzaak": "cause",
}  # fmt: skip
_REPLY = {
    "wanneer": "at", "kanaal": "channel", "tekst": "text", "begrepen als": "intent",
    "bestanden": "media",
}  # fmt: skip
_MERGED = {"ander kenmerk": "kenmerk", "door": "by", "wanneer": "at"}
_VOICE = {"wanneer": "said_at", "stand": "state", "bestand": "file"}
_RECIPIENT = {"groepsbericht": "broadcast_id", "kanaal": "channel", "taal": "language"}
_NOTE = {"wanneer": "at", "notitie": "text", "door": "by"}
_TASK = {
    "soort": "kind", "opmerking": "note", "sinds": "since", "opgepakt door": "taken_by",
    "klaar": "done_at",
}  # fmt: skip


_DONE = {
    "person.looked": "bekeken door iemand die niet uw klantmanager is",
    "person.added": "opgeschreven",
    "person.changed": "veranderd",
    "person.paused": "berichten stilgezet",
    "person.unpaused": "berichten weer aangezet",
    "address.unlocked": "uitnodigingen weer toegestaan na een bericht over gevaar",
    "person.told_all": "al deze gegevens getoond",
    "address.shown": "nummer getoond",
    "afspraak.changed": "afspraak gemaakt, verzet of afgezegd",
    "consent.written": "ja of nee opgeschreven",
    "note.written": "notitie opgeschreven",
    "note.dropped": "notitie weggehaald",
    "voice.heard": "ingesproken bericht beluisterd",
    "person.erase_looked": "bekeken wat er gewist zou worden",
    "person.merge_looked": "bekeken of het een dubbele is",
    "person.merged": "samengevoegd met een dubbele",
    "person.unmerged": "samenvoegen teruggedraaid",
}


def _of(session: Session, table: Any, person: Inburgeraar) -> Iterable[Any]:
    rows = select(table).where(table.person_id == person.id).order_by(table.id)
    return session.scalars(rows)


def _rows(session: Session, table: Any, person: Inburgeraar, names: Mapping[str, str]) -> Section:
    return [_row(each, names) for each in _of(session, table, person)]


def _row(thing: Any, names: Mapping[str, str]) -> dict[str, str]:
    said = {label: _said(getattr(thing, name)) for label, name in names.items()}
    return {label: value for label, value in said.items() if value}


def _said(value: Any) -> str:
    match value:
        case None | "" | []:
            return ""
        case bool():
            return "ja" if value else "nee"
        case datetime():
            return moments.local(value).strftime("%d-%m-%Y %H:%M")
        case list():
            return ", ".join(
                each.get("kind", "bestand") if isinstance(each, dict) else str(each)
                for each in value
            )
        case _:
            return str(value)


def _log(session: Session, person: Inburgeraar) -> Section:
    entries = session.execute(
        select(AuditEntry.action, func.count(), func.max(AuditEntry.at))
        .where(AuditEntry.subject == f"person:{person.id}")
        .group_by(AuditEntry.action)
        .order_by(AuditEntry.action)
    )
    return [
        {"wat": _DONE.get(action, action), "hoe vaak": str(count), "voor het laatst": _said(at)}
        for action, count, at in entries
    ]
