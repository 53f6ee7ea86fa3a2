"""Two rows that are one person: found with care, put together, and taken apart on the same day.

The same number is not the same person: a phone is shared. Only who is also called the same is
offered. What is stricter wins, and a STOP always does; nothing is sent because of it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, func, insert, or_, select, update
from sqlalchemy.orm import Session

from bot import moments
from bot.db import UTCDateTime
from bot.models.afspraken import Afspraak
from bot.models.ambassadeurs import Aanmelding
from bot.models.broadcasts import Recipient
from bot.models.messages import Message, Reply
from bot.models.people import Address, Consent, Inburgeraar, Merged, Note, PersonAddress
from bot.models.tasks import Task
from bot.models.voortrajecten import Deelname, Voortraject
from bot.outreach import tasks
from bot.privacy import consent
from bot.told import Told, tell

FILLED = ("short_name", "wijk", "groep", "klantmanager", "interest", "household")
"""What is taken over from the other where it is not known."""

MOVED: tuple[Any, ...] = (Afspraak, Message, Reply, Task, Consent, Note)
"""Tables whose rows go along as they are."""

ONE_EACH: tuple[tuple[Any, str], ...] = (
    # Of which a person has one at most, for each of these.
    (Recipient, "broadcast_id"),
    (Deelname, "voortraject_id"),
    (Aanmelding, ""),
)

MOST = 50
PLACE = ("accepted", "offered")


class NotNow(Exception):
    """It cannot be done; the message says why, in Dutch."""


@dataclass(frozen=True, slots=True)
class Double:
    """Somebody who may be the same person, and why we think so."""

    person: Inburgeraar
    why: Told


# ------------------------------------------------------------------ who may be the same


def doubles(session: Session, person: Inburgeraar) -> list[Double]:
    """Return who may be the same as *person*: called the same, and reached or living the same."""
    phones = _phones([link.address for link in person.addresses])
    at = (
        select(PersonAddress.person_id)
        .join(Address, Address.id == PersonAddress.address_id)
        .where(or_(Address.phone.in_(phones), Address.address.in_(phones)))
    )
    same_number = set(session.scalars(at)) if phones else set()
    alike: list[ColumnElement[bool]] = [Inburgeraar.id.in_(same_number)]
    if person.household:
        alike.append(Inburgeraar.household == person.household)
    alike.append(func.lower(Inburgeraar.first_name) == person.first_name.lower())
    found = session.scalars(
        select(Inburgeraar)
        .where(Inburgeraar.id != person.id, or_(*alike))
        .order_by(Inburgeraar.id)
        .limit(MOST)
    )
    told = []
    for other in found:
        if _name(other) != _name(person):
            continue  # two people on one phone, or in one house
        if other.id in same_number:
            told.append(Double(other, tell("zelfde nummer en zelfde voornaam")))
        elif person.household and other.household == person.household:
            told.append(Double(other, tell("zelfde huishouden en zelfde voornaam")))
        elif (other.language, other.wijk) == (person.language, person.wijk) and person.wijk:
            told.append(Double(other, tell("zelfde voornaam, taal en wijk, ander nummer")))
    return told


def _name(person: Inburgeraar) -> str:
    plain = unicodedata.normalize("NFKD", person.first_name.casefold())
    return "".join(sign for sign in plain if sign.isalnum())


def _phones(addresses: Collection[Address]) -> set[str]:
    return {
        phone
        for each in addresses
        for phone in (each.phone, each.address if each.address.startswith("+") else None)
        if phone
    }


def called(session: Session, kenmerken: Collection[str]) -> dict[str, int]:
    """Return who those of *kenmerken* are that were merged, by number."""
    rows = session.execute(
        select(Merged.kenmerk, Merged.person_id).where(Merged.kenmerk.in_(kenmerken))
    )
    return {row.kenmerk: row.person_id for row in rows}


# ------------------------------------------------------------------ putting together


def merge(session: Session, keep: Inburgeraar, gone: Inburgeraar, by: str) -> list[Told]:
    """Let all of *gone* be *keep*'s, and let *gone* go; return what staff should know of it.

    Raises NotNow if they are the same row.
    """
    if keep.id == gone.id:
        raise NotNow(tell("Dit is dezelfde persoon. Kies een ander."))
    _lock(session, keep, gone)
    notes: list[Told] = []
    before: dict[str, Any] = {"person": _packed(gone), "rows": {}, "deleted": {}, "filled": {}}
    no = _noes(session, keep, gone)
    before["links"] = [[link.address_id, link.rank] for link in gone.addresses]
    stopped = _stopped(keep) or _stopped(gone)
    _fill(keep, gone, before, notes)
    before["added"] = _addresses(session, keep, gone)
    for table, one_of in ONE_EACH:
        _one_each(session, table, one_of, (keep, gone), before, notes)
    for table in MOVED:
        before["rows"][table.__tablename__] = _move(session, table, gone, keep)
    _subjects(session, gone.id, keep.id)
    _stricter(session, keep, no, by, notes)
    if stopped:
        _stop_all(session, keep, by, notes)
    _same_moment(session, keep, notes)
    session.execute(update(Merged).where(Merged.person_id == gone.id).values(person_id=keep.id))
    kenmerk, number = gone.kenmerk, gone.id
    session.expunge(gone)
    session.execute(delete(Inburgeraar).where(Inburgeraar.id == number))
    session.add(Merged(kenmerk=kenmerk, person_id=keep.id, by=by, at=moments.now(), before=before))
    session.flush()
    session.refresh(keep)
    return notes


def _lock(session: Session, *people: Inburgeraar) -> None:
    """Take the addresses first, as a send does, then the people."""
    places = [link.address_id for person in people for link in person.addresses]
    numbers = [person.id for person in people]
    for table, which in ((Address, places), (Inburgeraar, numbers)):
        locked = select(table.id).where(table.id.in_(which)).order_by(table.id)
        session.execute(locked.with_for_update()).all()


def _stopped(person: Inburgeraar) -> bool:
    return any(link.address.stopped_at is not None for link in person.addresses)


def _fill(keep: Inburgeraar, gone: Inburgeraar, before: dict[str, Any], notes: list[Told]) -> None:
    for name in FILLED:
        if getattr(keep, name) is None and getattr(gone, name) is not None:
            setattr(keep, name, getattr(gone, name))
            before["filled"][name] = None
    chose = any(link.address.language == gone.language for link in gone.addresses)
    own = any(link.address.language == keep.language for link in keep.addresses)
    if gone.language != keep.language and chose and not own:
        before["filled"]["language"] = keep.language
        keep.language = gone.language
        notes.append(tell("De taal wordt die welke de persoon zelf koos."))
    if gone.listens and not keep.listens:
        before["filled"]["listens"] = False
        keep.listens = True


def _addresses(session: Session, keep: Inburgeraar, gone: Inburgeraar) -> list[int]:
    """Let *keep* be reached where *gone* was too, after their own; return what is new."""
    there = {link.address_id for link in keep.addresses}
    last = max((link.rank for link in keep.addresses), default=-1)
    new = [link.address_id for link in gone.addresses if link.address_id not in there]
    session.execute(delete(PersonAddress).where(PersonAddress.person_id == gone.id))
    for rank, address in enumerate(new, last + 1):
        session.add(PersonAddress(person_id=keep.id, address_id=address, rank=rank))
    session.flush()
    session.expire(keep, ["addresses"])
    session.expire(gone, ["addresses"])
    return new


def _one_each(
    session: Session,
    table: Any,
    one_of: str,
    people: tuple[Inburgeraar, Inburgeraar],
    before: dict[str, Any],
    notes: list[Told],
) -> None:
    """Move what only one of them has; of two of the same the newest counts, the other goes."""
    keep, gone = people
    theirs: dict[int, dict[Any, Any]] = {}
    for each in session.scalars(
        select(table).where(table.person_id.in_([keep.id, gone.id])).order_by(table.id)
    ):
        theirs.setdefault(each.person_id, {})[getattr(each, one_of) if one_of else 0] = each
    moved, deleted = [], []
    for what, other in theirs.get(gone.id, {}).items():
        own = theirs.get(keep.id, {}).get(what)
        if own is None:
            moved.append(other.id)
            continue
        drop = _less(own, other)
        deleted.append({**_packed(drop), "was": drop.person_id})
        if drop is own:
            moved.append(other.id)
        if isinstance(drop, Deelname):
            _void(session, drop.about)
            if drop.state in PLACE:
                _place(session, drop.voortraject_id, -1)
        if isinstance(drop, Recipient):
            _void_broadcast(session, drop.broadcast_id, keep.id, gone.id)
        session.expunge(drop)
        session.execute(delete(table).where(table.id == drop.id))
    session.execute(update(table).where(table.id.in_(moved)).values(person_id=keep.id))
    before["rows"][table.__tablename__] = moved
    before["deleted"][table.__tablename__] = deleted
    if deleted:
        notes.append(_WHY_ONE[table.__tablename__])


_WHY_ONE: Mapping[str, Told] = {
    "broadcast_recipient": tell(
        "Beiden stonden op de lijst van een groepsbericht. Het gaat één keer."
    ),
    "deelname": tell(
        "Beiden waren voor hetzelfde voortraject gevraagd. Het laatste antwoord telt."
    ),
    "aanmelding": tell("Beiden kwamen via een ambassadeur binnen. De eerste telt."),
}


def _less(own: Any, other: Any) -> Any:
    """Return which of two of the same goes."""
    if isinstance(own, Recipient):
        return other
    if isinstance(own, Aanmelding):  # the first link wins
        return other if own.at <= other.at else own
    return other if own.at >= other.at else own


def _place(session: Session, number: int, by: int) -> bool:
    free = Voortraject.taken > 0 if by < 0 else Voortraject.taken < Voortraject.seats
    changed = session.scalars(
        update(Voortraject)
        .where(Voortraject.id == number, free)
        .values(taken=Voortraject.taken + by)
        .returning(Voortraject.id)
    )
    return changed.one_or_none() is not None


def _void(session: Session, about: str) -> None:
    session.execute(
        update(Message)
        .where(Message.about == about, Message.state == "planned")
        .values(state="cancelled", cause="already_asked", changed_at=moments.now())
    )


def _void_broadcast(session: Session, broadcast: int, keep: int, gone: int) -> None:
    """Let one of their two messages of a mass message be: the one that is furthest."""
    both = session.scalars(
        select(Message)
        .where(Message.broadcast_id == broadcast, Message.person_id.in_([keep, gone]))
        .order_by((Message.state == "planned"), Message.person_id != keep, Message.id)
    ).all()
    for spare in both[1:]:
        if spare.state == "planned":
            spare.become("cancelled", moments.now())
            spare.cause = "already_asked"
    if both and all(each.person_id == gone for each in both):
        # It went to the other address: who is still to be written to has had it.
        session.execute(
            delete(Recipient).where(
                Recipient.broadcast_id == broadcast, Recipient.person_id == keep
            )
        )
    session.flush()


def _move(session: Session, table: Any, gone: Inburgeraar, keep: Inburgeraar) -> list[int]:
    numbers = list(session.scalars(select(table.id).where(table.person_id == gone.id)))
    session.execute(update(table).where(table.id.in_(numbers)).values(person_id=keep.id))
    return numbers


def _subjects(session: Session, before: int, after: int) -> None:
    """Let open tasks that name a person by number name the other; the same is asked once."""
    for task in session.scalars(
        select(Task).where(Task.subject.endswith(f":person:{before}"), Task.done_at.is_(None))
    ).all():
        subject = f"{task.subject.removesuffix(str(before))}{after}"
        if tasks.still_open(session, [subject]):
            task.done_at = moments.now()
        else:
            task.subject = subject
    session.flush()


def _noes(session: Session, keep: Inburgeraar, gone: Inburgeraar) -> list[str | None]:
    """Return the channels on which the last word of either was no."""
    channels = {link.address.channel for one in (keep, gone) for link in one.addresses}
    return [
        channel
        for channel in (None, *sorted(channels))
        if any(consent.last_word(session, one, channel) is False for one in (keep, gone))
    ]


def _stricter(
    session: Session, keep: Inburgeraar, no: Sequence[str | None], by: str, notes: list[Told]
) -> None:
    for channel in no:
        evidence = f"staff {by}: samengevoegd, het strengste telt"
        consent.record(session, keep, given=False, channel=channel, evidence=evidence)
    if no:
        notes.append(tell("Een van beiden zei nee tegen uitnodigingen. Dat nee blijft."))


def _stop_all(session: Session, keep: Inburgeraar, by: str, notes: list[Told]) -> None:
    """Let a STOP of one address hold for all that are theirs alone; others they have no more."""
    notes.append(
        tell("Er is STOP gestuurd. Dat geldt nu voor alle nummers; wij sturen niets meer.")
    )
    for link in list(keep.addresses):
        if len(link.address.people) > 1 and link.address.stopped_at is None:
            session.delete(link)
            notes.append(
                tell("Het nummer dat ook van een ander is, hoort niet meer bij deze persoon.")
            )
        else:
            consent.stop(session, link.address, f"samengevoegd door {by}: elders gestopt")
    session.flush()


def _same_moment(session: Session, keep: Inburgeraar, notes: list[Told]) -> None:
    twice = session.execute(
        select(Afspraak.begins)
        .where(Afspraak.person_id == keep.id, Afspraak.status == "gepland")
        .where(Afspraak.begins > moments.now())
        .group_by(Afspraak.begins)
        .having(func.count() > 1)
    ).all()
    for (begins,) in twice:
        notes.append(
            tell(
                "Twee afspraken op %(at)s. Zeg er een af, anders komen er twee herinneringen.",
                at=f"{moments.local(begins):%d-%m-%Y %H:%M}",
            )
        )


# ------------------------------------------------------------------ taking apart


def today(session: Session, person: Inburgeraar) -> Merged | None:
    """Return what was put together with *person* today and can be taken apart; None if nothing."""
    found = session.scalars(
        select(Merged)
        .where(Merged.person_id == person.id, Merged.before.is_not(None))
        .order_by(Merged.id.desc())
        .limit(1)
    ).first()
    return found if found is not None and found.before and _is_today(found.at) else None


def undo(session: Session, merged: Merged) -> Inburgeraar:
    """Take apart what was put together today. Raises NotNow.

    A STOP or a no that counted for both stays so, and what was withdrawn is not sent after all.
    What came since stays where it is.
    """
    if merged.before is None or not _is_today(merged.at):
        raise NotNow(tell("Terugdraaien kan alleen op dezelfde dag. Schrijf de ander opnieuw in."))
    before, keep = merged.before, session.get_one(Inburgeraar, merged.person_id)
    _lock(session, keep)
    session.execute(insert(Inburgeraar).values(_unpacked(Inburgeraar, before["person"])))
    gone = session.get_one(Inburgeraar, before["person"]["id"])
    session.execute(
        delete(PersonAddress).where(
            PersonAddress.person_id == keep.id, PersonAddress.address_id.in_(before["added"])
        )
    )
    for address, rank in before["links"]:
        if session.get(Address, address) is not None:
            session.add(PersonAddress(person_id=gone.id, address_id=address, rank=rank))
    for table in (*MOVED, *(table for table, _ in ONE_EACH)):
        # A table may be newer than the merge that is undone.
        numbers = before["rows"].get(table.__tablename__, ())
        session.execute(
            update(table)
            .where(table.id.in_(numbers), table.person_id == keep.id)
            .values(person_id=gone.id)
        )
    for table, _ in ONE_EACH:
        for row in before["deleted"][table.__tablename__]:
            held = table is Deelname and row["state"] in PLACE
            if held and not _place(session, row["voortraject_id"], 1):
                raise NotNow(tell("De plek in het voortraject is al aan een ander gegeven."))
            session.execute(insert(table).values(_unpacked(table, row)))
    for name, value in before["filled"].items():
        setattr(keep, name, value)
    session.delete(merged)
    session.flush()
    session.expire_all()
    return gone


def sweep(session: Session) -> None:
    """Keep nothing of what undoing needs once it cannot be undone: it holds a person."""
    for each in session.scalars(select(Merged).where(Merged.before.is_not(None))):
        if not _is_today(each.at):
            each.before = None


def _is_today(at: datetime) -> bool:
    return moments.local(at).date() == moments.local(moments.now()).date()


def _packed(row: Any) -> dict[str, Any]:
    values = {column.key: getattr(row, column.key) for column in row.__table__.columns}
    return {
        name: value.isoformat() if isinstance(value, date) else value
        for name, value in values.items()
    }


def _unpacked(table: Any, row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        column.key: datetime.fromisoformat(row[column.key])
        if isinstance(column.type, UTCDateTime) and row[column.key]
        else row[column.key]
        for column in table.__table__.columns
    }
