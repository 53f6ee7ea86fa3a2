"""What somebody may ask of us about themselves (AVG, art. 17): to be forgotten.

One transaction takes all of a person that is theirs alone. What is left is figures, a receipt
without a name, and keyed hashes: of the kenmerk, so that an older file or a backup does not bring
them back, and of the number, so that their STOP goes on holding.
"""

from __future__ import annotations

import hmac
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, exists, func, or_, select, update
from sqlalchemy.orm import Session

from bot import moments
from bot.inserts import insert_once
from bot.models.afspraken import Afspraak, Slot
from bot.models.ambassadeurs import Aanmelding, Ambassadeur, Link
from bot.models.broadcasts import Recipient
from bot.models.dialogues import Dialogue
from bot.models.erasures import Erasure, ForgottenAddress
from bot.models.messages import InboxEvent, Message, Reply
from bot.models.people import Address, Consent, Inburgeraar, Merged, Note, PersonAddress
from bot.models.staff import AuditEntry
from bot.models.tasks import Task
from bot.models.voices import Recording, VoiceNote
from bot.models.voortrajecten import Deelname, Voortraject
from bot.privacy import consent, retention
from bot.told import Told, tell

BACKUPS = timedelta(days=30)
"""How long backups may be kept (docs/operations.md): so long they hold who was erased."""

RESTORED = "restored"
"""How it was known who asked, where a restore brought back somebody who had."""

MERGED = "merged"
"""How, for another kenmerk of somebody who was erased: it has no receipt of its own."""

GONE = "gewist"
"""What an ambassadeur is called whose name was erased: what was paid is kept by law."""

ALWAYS = (
    tell("Aantallen per maand zonder persoon, voor de rapporten."),
    tell(
        "In het logboek van medewerkers: dat iemand een nummer bekeek of veranderde, zonder naam."
    ),
    tell(
        "Een versleuteld kenmerk, zodat een ouder bestand of een back-up de persoon niet "
        "terugbrengt."
    ),
    tell(
        "Wat Twilio, WhatsApp of Telegram zelf bewaren, en het dossier en de agenda van de "
        "gemeente: die vallen buiten dit systeem."
    ),
)


class NotNow(Exception):
    """Somebody cannot be erased at this moment; the message says why, in Dutch."""


@dataclass(frozen=True, slots=True)
class Theirs:
    """All rows about one person, by number."""

    person: Inburgeraar
    own: list[Address]
    """Addresses at which nobody else is or was reached."""
    shared: list[Address]
    messages: list[int]
    replies: list[int]
    events: list[int]
    """Raw arrivals: what they said, and what providers reported of messages to them."""
    afspraken: list[int]
    tasks: list[int]
    ambassadeurs: list[Ambassadeur]
    """Themselves, if they have that number too."""

    @property
    def places(self) -> list[int]:
        """The numbers of all their addresses."""
        return [each.id for each in (*self.own, *self.shared)]


@dataclass(frozen=True, slots=True)
class Plan:
    """What erasing somebody would come to, in Dutch: shown before it is done."""

    goes: dict[Told, int]
    stays: list[Told]
    first: list[Told]
    """What is under way, and what becomes of it."""
    afspraken: list[Afspraak]
    """That are still to come: the agenda of the gemeente has them too."""


@dataclass(frozen=True, slots=True)
class Done:
    """Somebody was erased. What follows once it is committed, and nothing of it is kept."""

    erasure: Erasure
    forgotten: list[ForgottenAddress]
    files: list[str] = field(default_factory=list)
    """Names of sounds below VOICE_DIR."""
    sure: list[str] = field(default_factory=list)
    """Numbers, chats and the kenmerk: to be found nowhere any more."""
    names: list[str] = field(default_factory=list)
    """What they were called, as others may be."""
    others: list[Erasure] = field(default_factory=list)
    """The same for each other kenmerk of theirs: those of doubles that were merged."""


# ------------------------------------------------------------------ what there is


def look(session: Session, person: Inburgeraar) -> Theirs:
    """Find all rows about *person*."""
    addresses = [link.address for link in person.addresses]
    others = {each.id for each in addresses if _is_others(session, person, each)}
    own = [each for each in addresses if each.id not in others]
    places = [each.id for each in own]
    messages = _numbers(session, Message.id, _about(Message, person, places))
    replies = _numbers(session, Reply.id, _about(Reply, person, places))
    lanes = {f"{each.channel}:{each.address}" for each in own}
    lanes |= {f"status:{number}" for number in messages}
    said = select(Reply.event_id).where(Reply.id.in_(replies))
    events = _numbers(
        session, InboxEvent.id, or_(InboxEvent.lane.in_(lanes), InboxEvent.id.in_(said))
    )
    return Theirs(
        person,
        own,
        [each for each in addresses if each.id in others],
        messages,
        replies,
        events,
        _numbers(session, Afspraak.id, Afspraak.person_id == person.id),
        _numbers(
            session,
            Task.id,
            or_(
                _about(Task, person, places),
                and_(Task.person_id.is_(None), Task.reply_id.in_(replies)),
            ),
        ),
        list(session.scalars(select(Ambassadeur).where(Ambassadeur.phone.in_(_phones(own))))),
    )


def _is_others(session: Session, person: Inburgeraar, address: Address) -> bool:
    """Say whether somebody else is reached at *address*, or was."""
    return any(
        session.scalar(
            select(exists().where(table.address_id == address.id, table.person_id != person.id))
        )
        for table in (PersonAddress, Message, Reply, Task, Recipient)
    )


def _about(table: Any, person: Inburgeraar, places: Collection[int]) -> ColumnElement[bool]:
    return or_(
        table.person_id == person.id,
        and_(table.person_id.is_(None), table.address_id.in_(places)),
    )


def _numbers(session: Session, column: Any, which: ColumnElement[bool]) -> list[int]:
    return list(session.scalars(select(column).where(which).order_by(column)))


def _phones(addresses: Iterable[Address]) -> set[str]:
    return {
        phone
        for each in addresses
        for phone in (each.phone, each.address if each.address.startswith("+") else None)
        if phone
    }


def plan(session: Session, person: Inburgeraar) -> Plan:
    """Say what erasing *person* would come to."""
    theirs, now = look(session, person), moments.now()
    coming = session.scalars(
        select(Afspraak)
        .where(Afspraak.id.in_(theirs.afspraken), Afspraak.begins > now)
        .where(Afspraak.status == "gepland")
        .order_by(Afspraak.begins)
    ).all()
    return Plan(
        {
            tell("persoon"): 1,
            tell("nummers en adressen"): len(theirs.own),
            tell("berichten van ons"): len(theirs.messages),
            tell("antwoorden en ingesproken berichten"): len(theirs.replies),
            tell("meldingen zoals ze binnenkwamen"): len(theirs.events),
            tell("afspraken"): len(theirs.afspraken),
            tell("taken"): len(theirs.tasks),
            tell("notities"): session.scalar(
                select(func.count()).where(Note.person_id == person.id)
            )
            or 0,
        },
        list(_stays(session, theirs)),
        list(_first(session, theirs)),
        list(coming),
    )


def _first(session: Session, theirs: Theirs) -> Iterator[Told]:
    states = Counter(session.scalars(select(Message.state).where(Message.id.in_(theirs.messages))))
    if planned := states["planned"]:
        yield tell(
            "Wat nog klaarstaat (%(n)s), wordt eerst ingetrokken en gaat niet meer uit.", n=planned
        )
    if unknown := states["unknown"]:
        yield tell(
            "Berichten waarvan onbekend is of ze aankwamen: %(n)s. Dat zoeken wij niet meer uit.",
            n=unknown,
        )
    tasks = select(func.count()).where(Task.id.in_(theirs.tasks), Task.done_at.is_(None))
    if waiting := session.scalar(tasks):
        yield tell("Open taken: %(n)s. Doe eerst wat nodig is; ze verdwijnen.", n=waiting)
    for group in session.scalars(
        select(Voortraject.kenmerk)
        .join(Deelname, Deelname.voortraject_id == Voortraject.id)
        .where(Deelname.person_id == theirs.person.id, Deelname.state.in_(("accepted", "offered")))
    ):
        yield tell("De plek in voortraject %(group)s komt vrij voor wie wacht.", group=group)
    for each in theirs.ambassadeurs:
        yield tell(
            "Dit is ook ambassadeur %(one)s: naam, nummer, opnamen en link gaan ook weg.",
            one=each.kenmerk,
        )


def _stays(session: Session, theirs: Theirs) -> Iterator[Told]:
    yield from ALWAYS
    if any(each.stopped_at for each in theirs.own):
        yield tell(
            "Dat dit nummer STOP stuurde, als versleuteld kenmerk waar niemand het nummer uit "
            "leest: wij schrijven er niet meer naartoe, tot de persoon zelf START stuurt."
        )
    if theirs.shared:
        unknown = select(func.count()).where(
            Reply.person_id.is_(None), Reply.address_id.in_([each.id for each in theirs.shared])
        )
        yield tell(
            "Een nummer dat ook van iemand anders is of was. Berichten daar waarvan niemand weet "
            "wie ze schreef: %(n)s.",
            n=session.scalar(unknown) or 0,
        )
    if session.scalar(select(exists().where(Aanmelding.person_id == theirs.person.id))):
        yield tell(
            "Dat iemand via een ambassadeur binnenkwam, als aantal; en het nummer als versleuteld "
            "kenmerk, zodat een nieuwe aanmelding geen tweede premie geeft."
        )
    if theirs.ambassadeurs:
        yield tell("Premies die zijn opgesteld of goedgekeurd: zeven jaar (art. 52 AWR).")


# ------------------------------------------------------------------ forgetting


def erase(session: Session, key: bytes, person: Inburgeraar, *, by: int | None, how: str) -> Done:
    """Erase *person*, and write a receipt. Raises NotNow while something is in the air.

    What is planned goes with the rest, under the lock that a send takes too: nothing of it can
    begin any more. *key* makes the hashes.
    """
    places = [link.address_id for link in person.addresses]
    session.execute(
        select(Address.id).where(Address.id.in_(places)).order_by(Address.id).with_for_update()
    ).all()
    theirs, now = look(session, person), moments.now()
    _nothing_in_the_air(session, theirs)
    stayed = list(_stays(session, theirs))
    marks = [_remember(session, key, each, theirs.own, now) for each in _places(theirs.own)]
    sure = sorted({*_phones(theirs.own), *(each.address for each in theirs.own), person.kenmerk})
    names = sorted({name for name in (person.first_name, person.short_name) if name})
    aliases = sorted(session.scalars(select(Merged.kenmerk).where(Merged.person_id == person.id)))
    sure += aliases
    erased, files = _erase(session, theirs)
    erasure = Erasure(
        mark=mark(key, "kenmerk", person.kenmerk), at=now, by=by, how=how, erased=erased,
        stayed=[[each.sentence, each.values] for each in stayed], found={},
    )  # fmt: skip
    others = [
        Erasure(
            mark=mark(key, "kenmerk", each), at=now, by=by, how=MERGED, erased={}, stayed=[],
            found={},
        )
        for each in aliases
    ]  # fmt: skip
    session.add_all([erasure, *others])
    session.flush()
    return Done(erasure, marks, files, sure, names, others)


def _nothing_in_the_air(session: Session, theirs: Theirs) -> None:
    gone_out = exists().where(
        Message.id.in_(theirs.messages), Message.state.in_(("claimed", "sending"))
    )
    come_in = exists().where(InboxEvent.id.in_(theirs.events), InboxEvent.state == "new")
    if session.scalar(select(gone_out)):
        raise NotNow("Er gaat nu net een bericht uit. Probeer het over een minuut nog eens.")
    if session.scalar(select(come_in)):
        raise NotNow("Er komt nu net iets binnen. Kijk over een minuut nog eens.")


def _erase(session: Session, theirs: Theirs) -> tuple[dict[str, int], list[str]]:
    """Erase all of *theirs*; return how much of what, and which files follow."""
    person, places = theirs.person, [each.id for each in theirs.own]
    notes = select(VoiceNote.file).where(VoiceNote.reply_id.in_(theirs.replies))
    files = [name for name in session.scalars(notes) if name]
    files += [name for each in theirs.ambassadeurs for name in _ambassadeur(session, each)]
    counts = {
        tell("toestemmingen en stops"): _delete(
            session, Consent, or_(Consent.person_id == person.id, Consent.address_id.in_(places))
        ),
        tell("taken"): _delete(session, Task, Task.id.in_(theirs.tasks)),
        tell("notities"): _delete(session, Note, Note.person_id == person.id),
        tell("gesprekken die nog liepen"): _delete(
            session, Dialogue, Dialogue.address_id.in_(theirs.places)
        ),
        tell("lijsten van groepsberichten"): _delete(
            session, Recipient, Recipient.person_id == person.id
        ),
        tell("antwoorden"): len(theirs.replies),
        tell("berichten van ons"): len(theirs.messages),
        tell("meldingen zoals ze binnenkwamen"): len(theirs.events),
        tell("afspraken"): len(theirs.afspraken),
        tell("deelnames aan een voortraject"): _give_back_places(session, person),
        tell("berichten op een gedeeld nummer die de naam noemden"): _unname(session, theirs),
        tell("geluiden"): len(files),
        tell("nummers en adressen"): len(theirs.own),
        tell("persoon"): 1,
    }
    for table in (Task, Recording):
        session.execute(
            update(table).where(table.reply_id.in_(theirs.replies)).values(reply_id=None)
        )
    retention.delete_replies(session, theirs.replies)
    retention.delete_messages(session, theirs.messages)
    _empty_events(session, theirs.events)
    session.execute(
        update(Slot)
        .where(or_(Slot.afspraak_id.in_(theirs.afspraken), Slot.held_for.in_(theirs.afspraken)))
        .values(afspraak_id=None, instead_of=None, held_for=None, held_until=None)
    )
    retention.delete_afspraken(session, theirs.afspraken)
    session.expunge_all()  # nothing of them is to be written back
    retention.delete_people(session, [person.id])
    _delete(session, Address, Address.id.in_(places))
    return {what: number for what, number in counts.items() if number}, files


def _empty_events(session: Session, numbers: Collection[int]) -> None:
    """Leave of an event its key alone, so that it counts once; also not what was signed.

    Told again by the provider it is known by key and signature, whatever it holds.
    """
    retention.empty_events(session, list(numbers))
    emptied = update(InboxEvent).where(InboxEvent.id.in_(numbers))
    session.execute(emptied.values(fingerprint="", error=None))
    session.execute(emptied.where(InboxEvent.state == "kept").values(state="ignored"))


def _give_back_places(session: Session, person: Inburgeraar) -> int:
    """Let the places that *person* has be free again; return in how many groups they were."""
    rows = session.execute(
        select(Deelname.voortraject_id, Deelname.state).where(Deelname.person_id == person.id)
    ).all()
    held = [group for group, state in rows if state in ("accepted", "offered")]
    session.execute(
        update(Voortraject)
        .where(Voortraject.id.in_(held), Voortraject.taken > 0)
        .values(taken=Voortraject.taken - 1)
    )
    return len(rows)


def _unname(session: Session, theirs: Theirs) -> int:
    """Empty what was written on a phone that others use too, if it says their name."""
    called = {
        name.casefold() for name in (theirs.person.first_name, theirs.person.short_name or "")
    }
    there = select(Message.id, Message.body).where(
        Message.address_id.in_([each.id for each in theirs.shared]),
        Message.id.not_in(theirs.messages),
        Message.state.not_in(("planned", "claimed", "sending")),
    )
    naming = [
        number
        for number, body in session.execute(there)
        if any(name and name in body.casefold() for name in called)
    ]
    session.execute(
        update(Message).where(Message.id.in_(naming)).values(body="", values={}, buttons=[])
    )
    return len(naming)


def _ambassadeur(session: Session, one: Ambassadeur) -> list[str]:
    """Take the name and number from an ambassadeur, and end their link; return their sounds."""
    spoken = list(session.scalars(select(Recording).where(Recording.ambassadeur_id == one.id)))
    session.execute(
        update(Link)
        .where(Link.ambassadeur_id == one.id, Link.ended_at.is_(None))
        .values(ended_at=moments.now())
    )
    one.first_name, one.state = GONE, "gestopt"
    one.phone = one.wijk = one.household = None
    one.languages = []
    for each in spoken:
        session.delete(each)
    session.flush()
    return [each.file for each in spoken if each.file]


def _delete(session: Session, table: Any, which: ColumnElement[bool]) -> int:
    numbers = _numbers(session, table.id, which)
    session.execute(delete(table).where(table.id.in_(numbers)))
    return len(numbers)


# ------------------------------------------------------------------ what is remembered of them


def mark(key: bytes, kind: str, what: str) -> str:
    """Return the keyed hash by which *what* is known again and cannot be read."""
    return hmac.new(key, f"forgotten {kind} {what}".encode(), "sha256").hexdigest()


def _places(addresses: Collection[Address]) -> list[tuple[str, str]]:
    """Return what is remembered of *addresses*: each of them, and their phones."""
    told = {("address", f"{each.channel}:{each.address}") for each in addresses}
    return sorted(told | {("phone", phone) for phone in _phones(addresses)})


def _remember(
    session: Session, key: bytes, place: tuple[str, str], own: Iterable[Address], at: datetime
) -> ForgottenAddress:
    there = [each for each in own if place in _places([each])]
    return keep(
        session,
        mark(key, *place),
        at,
        stopped=any(each.stopped_at is not None for each in there),
        locked=any(each.bulk_locked_at is not None for each in there),
    )


def keep(
    session: Session, hashed: str, at: datetime, *, stopped: bool, locked: bool
) -> ForgottenAddress:
    """Remember one address by its hash; what held there before goes on holding."""
    insert_once(session, ForgottenAddress, {"mark": hashed, "at": at})
    kept = session.scalars(
        select(ForgottenAddress).where(ForgottenAddress.mark == hashed).with_for_update()
    ).one()
    kept.at, kept.stopped, kept.locked = (
        max(kept.at, at),
        kept.stopped or stopped,
        kept.locked or locked,
    )
    session.flush()
    return kept


def hold_again(
    session: Session, key: bytes, addresses: Collection[Address], *, by_phone: bool
) -> None:
    """Let what held at *addresses*, which are new to us, hold again: STOP, and no mass messages.

    *by_phone* also what held elsewhere on the same number: a file is no way round a STOP.
    """
    there: dict[str, list[Address]] = defaultdict(list)
    for each in addresses:
        for kind, what in _places([each]):
            if by_phone or kind == "address":
                there[mark(key, kind, what)].append(each)
    if not there:
        return
    for kept in session.scalars(
        select(ForgottenAddress)
        .where(ForgottenAddress.mark.in_(there))
        .order_by(ForgottenAddress.id)
    ):
        for address in there[kept.mark]:
            if kept.stopped:
                consent.stop(session, address, "eerder gestopt, en daarna gewist")
            if kept.locked and address.bulk_locked_at is None:
                address.bulk_locked_at = kept.at


def meet(session: Session, key: bytes, address: Address, said_at: datetime) -> bool:
    """Meet *address*, from which nobody wrote yet: what held there holds again.

    Returns False for words of before it was forgotten. Those come late: from a disk, or from the
    provider's list after a restore.
    """
    hold_again(session, key, [address], by_phone=False)
    forgotten = session.scalar(
        select(ForgottenAddress.at).where(ForgottenAddress.mark == _mark_of(key, address))
    )
    return forgotten is None or said_at > forgotten


def too_late(
    session: Session, key: bytes, address: Address, event: InboxEvent, *, stop: bool
) -> None:
    """Keep nothing of words of before *address* was forgotten, but that they were STOP."""
    if stop:
        keep(session, _mark_of(key, address), event.received_at, stopped=True, locked=False)
    _empty_events(session, [event.id])
    if not session.scalar(select(exists().where(PersonAddress.address_id == address.id))):
        session.execute(delete(Consent).where(Consent.address_id == address.id))
        session.delete(address)


def _mark_of(key: bytes, address: Address) -> str:
    return mark(key, "address", f"{address.channel}:{address.address}")


def known(session: Session, key: bytes, kenmerken: Iterable[str]) -> dict[str, Erasure]:
    """Return those of *kenmerken* that were erased, and may not come back by a file."""
    marks = {mark(key, "kenmerk", each): each for each in kenmerken}
    found = session.scalars(
        select(Erasure)
        .where(Erasure.mark.in_(marks), Erasure.again_at.is_(None))
        .order_by(Erasure.id)
    )
    return {marks[each.mark]: each for each in found}


def searched(session: Session, number: int, found: Mapping[str, int]) -> None:
    """Write on a receipt that all was looked through, and what of the person was found."""
    erasure = session.get_one(Erasure, number)
    erasure.searched_at, erasure.found = moments.now(), dict(found)


def receipts(session: Session, limit: int) -> list[Erasure]:
    """Return the last receipts, newest first."""
    shown = select(Erasure).where(Erasure.how != MERGED)
    return list(session.scalars(shown.order_by(Erasure.id.desc()).limit(limit)))


def entry_of(session: Session, erasure: Erasure) -> AuditEntry | None:
    """Return the line of the log about *erasure*."""
    return session.scalars(
        select(AuditEntry).where(AuditEntry.subject == f"erasure:{erasure.id}").limit(1)
    ).first()
