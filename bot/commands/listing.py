"""`stap list`: what the database holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import click
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot import moments
from bot.commands.shared import print_json, print_table, the_house
from bot.models.afspraken import Afspraak, Slot
from bot.models.ambassadeurs import Aanmelding
from bot.models.messages import Message, Reply
from bot.models.people import Inburgeraar
from bot.models.tasks import Task
from bot.models.voortrajecten import Deelname, Voortraject
from bot.outreach import tasks
from bot.privacy import consent

Row = dict[str, Any]

DEELNAME_COUNTS = (
    "invited",
    "accepted",
    "waiting",
    "offered",
    "declined",
    "later",
    "lapsed",
    "childcare",
)
"""How many people stand where; `childcare` counts those of them who need it to take part."""


def _at(moment: datetime | None) -> str | None:
    return moments.local(moment).isoformat(timespec="seconds") if moment else None


def _person(session: Session, number: int | None) -> str | None:
    person = session.get(Inburgeraar, number) if number is not None else None
    return person.kenmerk if person else None


def _people(session: Session) -> list[Row]:
    return [
        {
            "kenmerk": p.kenmerk,
            "first_name": p.first_name,
            "short_name": p.short_name,
            "language": p.language,
            "wijk": p.wijk,
            "groep": p.groep,
            "klantmanager": p.klantmanager,
            "consent": consent.last_word(session, p, None),
            "addresses": [
                {
                    "channel": link.address.channel,
                    "address": link.address.address,
                    "state": link.address.state,
                    "stopped": _at(link.address.stopped_at),
                }
                for link in p.addresses
            ],
        }
        for p in session.scalars(select(Inburgeraar).order_by(Inburgeraar.id))
    ]


def _afspraken(session: Session) -> list[Row]:
    return [
        {
            "kenmerk": a.kenmerk,
            "person": a.person.kenmerk,
            "begins": _at(a.begins),
            "place": a.place,
            "version": a.version,
            "status": a.status,
            "answer": a.answer,
            "answered_at": _at(a.answered_at),
        }
        for a in session.scalars(select(Afspraak).order_by(Afspraak.begins, Afspraak.id))
    ]


def _slots(session: Session) -> list[Row]:
    kenmerken = dict(session.execute(select(Afspraak.id, Afspraak.kenmerk)).tuples())
    return [
        {
            "kenmerk": slot.kenmerk,
            "staff": slot.staff,
            "begins": _at(slot.begins),
            "ends": _at(slot.ends),
            "place": slot.place,
            "status": slot.status,
            "afspraak": kenmerken.get(slot.afspraak_id or 0),
            "held_until": _at(slot.held_until),
        }
        for slot in session.scalars(select(Slot).order_by(Slot.begins, Slot.id))
    ]


def _deelnames(session: Session) -> list[Row]:
    return [
        {
            "voortraject": d.voortraject.kenmerk,
            "person": d.person.kenmerk,
            "state": d.state,
            "childcare": d.needs_childcare,
            "offered_until": _at(d.offered_until),
            "seats": d.voortraject.seats,
            "taken": d.voortraject.taken,
            "at": _at(d.at),
        }
        for d in session.scalars(select(Deelname).order_by(Deelname.voortraject_id, Deelname.id))
    ]


def _voortrajecten(session: Session) -> list[Row]:
    counts: dict[int, Counter[str]] = {}
    for number, state, childcare, count in session.execute(
        select(
            Deelname.voortraject_id, Deelname.state, Deelname.needs_childcare, func.count()
        ).group_by(Deelname.voortraject_id, Deelname.state, Deelname.needs_childcare)
    ):
        counts.setdefault(number, Counter())[state] += count
        if childcare and state in ("accepted", "offered", "waiting"):
            counts[number]["childcare"] += count
    return [
        {
            "voortraject": v.kenmerk,
            "theme": v.theme,
            "starts": v.starts.isoformat(),
            "seats": v.seats,
            "taken": v.taken,
            **{state: counts.get(v.id, Counter())[state] for state in DEELNAME_COUNTS},
        }
        for v in session.scalars(select(Voortraject).order_by(Voortraject.starts, Voortraject.id))
    ]


def _messages(session: Session) -> list[Row]:
    return [
        {
            "id": m.id,
            "occasion": m.occasion,
            "person": _person(session, m.person_id),
            "channel": m.channel,
            "to": m.address.address if m.address else None,
            "language": m.language,
            "state": m.state,
            "body": m.body,
            "provider_ref": m.provider_ref,
            "cause": m.cause,
            "reason": tasks.reason(m) or None,
            "code": m.code,
            "not_before": _at(m.not_before),
            "changed_at": _at(m.changed_at),
        }
        for m in session.scalars(select(Message).order_by(Message.id))
    ]


def _replies(session: Session) -> list[Row]:
    return [
        {
            "person": _person(session, r.person_id),
            "channel": r.channel,
            "text": r.text,
            "button": r.button,
            "intent": r.intent,
            "why": r.why,
            "at": _at(r.at),
        }
        for r in session.scalars(select(Reply).order_by(Reply.id))
    ]


def _tasks(session: Session) -> list[Row]:
    return [
        {
            "kind": t.kind,
            "person": _person(session, t.person_id),
            "address": t.address.address if t.address else None,
            "note": t.note,
            "since": _at(t.since),
            "taken_by": t.taken_by,
        }
        for t in session.scalars(select(Task).where(Task.done_at.is_(None)).order_by(Task.id))
    ]


def _aanmeldingen(session: Session) -> list[Row]:
    return [
        {
            "link": a.link.code,
            "ambassadeur": a.link.ambassadeur.kenmerk,
            "person": a.person.kenmerk,
            "counted": a.counted,
            "flags": a.flags,
            "at": _at(a.at),
        }
        for a in session.scalars(select(Aanmelding).order_by(Aanmelding.id))
    ]


LISTS: Mapping[str, tuple[Callable[[Session], list[Row]], list[str]]] = {
    "people": (_people, ["kenmerk", "first_name", "language", "wijk", "groep", "consent"]),
    "afspraken": (_afspraken, ["kenmerk", "person", "begins", "version", "status", "answer"]),
    "slots": (_slots, ["kenmerk", "staff", "begins", "place", "status", "afspraak"]),
    "deelnames": (
        _deelnames,
        ["voortraject", "person", "state", "childcare", "taken", "seats", "offered_until"],
    ),
    "voortrajecten": (_voortrajecten, ["voortraject", "seats", "taken", *DEELNAME_COUNTS]),
    "messages": (_messages, ["id", "person", "channel", "state", "body", "reason"]),
    "replies": (_replies, ["person", "channel", "text", "intent", "at"]),
    "tasks": (_tasks, ["kind", "person", "note", "since", "taken_by"]),
    "aanmeldingen": (_aanmeldingen, ["link", "person", "counted", "flags"]),
}


@click.command("list")
@click.argument("what", type=click.Choice(sorted(LISTS)))
@click.option("--json", "as_json", is_flag=True, help="A JSON list, for other programs.")
def list_(what: str, as_json: bool) -> None:
    """Toon wat er in de database staat."""
    rows_of, columns = LISTS[what]
    with the_house() as house, house.database.reading() as session:
        rows = rows_of(session)
    if as_json:
        print_json(rows)
    elif rows:
        print_table(rows, columns)
    else:
        click.echo("Niets.")
