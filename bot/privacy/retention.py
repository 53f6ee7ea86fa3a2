"""How long what is kept about people is kept, and what is left of it: bare figures.

Never erased by age: a STOP with its evidence, a number whose owner said it was not theirs, the
words that a yes or a no rests on, what a person refused for themselves, and whatever somebody
still has to do something about.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    String,
    and_,
    case,
    cast,
    delete,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.orm import InstrumentedAttribute, Session

from bot import moments
from bot.db import Base
from bot.gemeente import Retention
from bot.inserts import insert_once
from bot.models.afspraken import Afspraak
from bot.models.ambassadeurs import Aanmelding
from bot.models.broadcasts import Broadcast, Recipient
from bot.models.dialogues import Dialogue
from bot.models.figures import Figure
from bot.models.messages import TEST, InboxEvent, Message, Reply
from bot.models.people import Address, Consent, Inburgeraar, PersonAddress
from bot.models.tasks import Task
from bot.models.voices import VoiceNote
from bot.models.voortrajecten import Deelname, Voortraject
from bot.privacy.consent import FEWER

ENDED = (
    "delivered", "read", "undelivered", "failed", "unknown_final", "no_receipt", "blocked",
    "expired", "cancelled",
)  # fmt: skip
"""States after which nothing more is done about a message."""

NOTHING: ColumnElement[str] = literal_column("''")
"""Written out, as an index that holds a part of the rows can only be used where that is told."""

Which = Callable[[Session, datetime], Sequence[ColumnElement[bool]]]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of data: what it is, how long it is kept, and how it is erased."""

    name: str
    """The field of `Retention` that says how long."""
    dutch: str
    table: type[Base]
    which: Which
    """What makes a row of it too old, given the moment before which it must be."""
    erase: Callable[[Session, Sequence[int]], None]


def before(kept: Retention, kind: Kind, now: datetime) -> datetime:
    """Return the moment before which *kind* is erased at *now*."""
    days: int = getattr(kept, kind.name)
    return now - timedelta(days=days)


def due(session: Session, kind: Kind, moment: datetime, limit: int) -> list[int]:
    """Return up to *limit* numbers of rows of *kind* that are from before *moment*, in order.

    Any of them: for the first ones SQLite would read all there is in their order.
    """
    found = select(_id(kind)).where(*kind.which(session, moment)).limit(limit)
    return sorted(session.scalars(found))


def count(session: Session, kind: Kind, moment: datetime) -> int:
    """Return how many rows of *kind* are from before *moment* and not needed any more."""
    found = select(func.count()).select_from(kind.table).where(*kind.which(session, moment))
    return session.scalar(found) or 0


def purge(session: Session, kind: Kind, moment: datetime, numbers: Collection[int]) -> int:
    """Erase those of *numbers* that are still too old; return how many.

    Looked at again and locked: what somebody needs since then stays.
    """
    number = _id(kind)
    found = (
        select(number)
        .where(number.in_(numbers), *kind.which(session, moment))
        .with_for_update(skip_locked=True)
    )
    still = list(session.scalars(found))
    if still:
        kind.erase(session, still)
    return len(still)


def gone(session: Session, kind: str, about: str) -> list[Figure]:
    """Return what is left of *kind* that *about* once counted."""
    found = select(Figure).where(Figure.kind == kind, Figure.about == about)
    return list(session.scalars(found))


def _id(kind: Kind) -> InstrumentedAttribute[int]:
    return kind.table.id  # type: ignore[attr-defined, no-any-return]  # every table has one


# ------------------------------------------------------------------ what is too old


def _voice_notes(_session: Session, moment: datetime) -> Sequence[ColumnElement[bool]]:
    return (Reply.at < moment, cast(Reply.media, String) != "[]", ~_open_task(Reply.id))


def _webhooks(_session: Session, moment: datetime) -> Sequence[ColumnElement[bool]]:
    acted_on = InboxEvent.state.in_(("done", "ignored"))
    return (InboxEvent.received_at < moment, acted_on, InboxEvent.lane != "")


def _dialogues(_session: Session, moment: datetime) -> Sequence[ColumnElement[bool]]:
    return (Dialogue.changed_at < moment,)


def _over(moment: datetime) -> ColumnElement[bool]:
    """Say that a message is of no use any more since before *moment*."""
    return and_(Message.state.in_(ENDED), Message.changed_at < moment, Message.expires_at < moment)


def _told(moment: datetime) -> ColumnElement[bool]:
    """Say that a message was written before *moment* and has its text still."""
    return and_(Message.created_at < moment, Message.body != NOTHING)


def _emptied(moment: datetime) -> ColumnElement[bool]:
    """Say that a message was written before *moment* and has no text any more."""
    return and_(Message.created_at < moment, Message.body == NOTHING)


def _texts(_session: Session, moment: datetime) -> Sequence[ColumnElement[bool]]:
    return (_over(moment), _told(moment))


def _words(_session: Session, moment: datetime) -> Sequence[ColumnElement[bool]]:
    said = or_(Reply.text != "", Reply.button.is_not(None), Reply.why.is_not(None))
    return (Reply.at < moment, said, ~_evidence(), ~_open_task(Reply.id))


def _tasks(_session: Session, moment: datetime) -> Sequence[ColumnElement[bool]]:
    return (Task.done_at < moment,)


def _replies(_session: Session, moment: datetime) -> Sequence[ColumnElement[bool]]:
    asked = Reply.id.not_in(select(Task.reply_id).where(Task.reply_id.is_not(None)))
    return (Reply.at < moment, asked, ~_evidence())


def _recipients(_session: Session, moment: datetime) -> Sequence[ColumnElement[bool]]:
    over = select(Broadcast.id).where(
        Broadcast.window_until < moment, Broadcast.created_at < moment
    )
    return (Recipient.broadcast_id.in_(over),)


def _messages(_session: Session, moment: datetime) -> Sequence[ColumnElement[bool]]:
    return (_over(moment), or_(_told(moment), _emptied(moment)))


def _afspraken(_session: Session, moment: datetime) -> Sequence[ColumnElement[bool]]:
    return (
        Afspraak.begins < moment,
        Afspraak.known_at < moment,
        Afspraak.next_step_at.is_(None),
    )


def _people(session: Session, moment: datetime) -> Sequence[ColumnElement[bool]]:
    person = Inburgeraar.id
    taking_part = Deelname.voortraject_id.not_in(_over_groups(session, moment))
    refused = and_(
        or_(Consent.given.is_(False), Consent.purpose == FEWER),
        Consent.evidence.not_like(f"{BY_FILE}%"),
    )
    return (
        Inburgeraar.created_at < moment,
        ~exists().where(Afspraak.person_id == person),
        ~exists().where(Deelname.person_id == person, taking_part),
        ~exists().where(Aanmelding.person_id == person, Aanmelding.at >= moment),
        ~exists().where(Consent.person_id == person, or_(refused, Consent.at >= moment)),
        *(
            person.not_in(select(table.person_id).where(table.person_id.is_not(None)))
            for table in (Message, Reply, Task, Recipient)
        ),
    )


BY_FILE = "import "
"""How the evidence begins of what a file of staff said."""


def _addresses(_session: Session, moment: datetime) -> Sequence[ColumnElement[bool]]:
    address = Address.id
    return (
        Address.created_at < moment,
        or_(Address.last_inbound_at.is_(None), Address.last_inbound_at < moment),
        Address.stopped_at.is_(None),
        Address.bulk_locked_at.is_(None),
        Address.state.in_(("open", "bad")),
        ~exists().where(PersonAddress.address_id == address),
        *(
            address.not_in(select(table.address_id).where(table.address_id.is_not(None)))
            for table in (Message, Reply, Task, Consent, Dialogue, Recipient)
        ),
    )


def _evidence() -> ColumnElement[bool]:
    """Say that a yes, a no, a STOP or a START rests on this reply."""
    number = cast(Reply.id, String)
    forms = ("reply ", "provider keyword, reply ")
    return or_(
        *(
            (literal(form) + number).in_(
                select(Consent.evidence).where(Consent.evidence.like(f"{form}%"))
            )
            for form in forms
        )
    )


def _open_task(reply: InstrumentedAttribute[int]) -> ColumnElement[bool]:
    """Say that staff still have to do something about this reply."""
    return reply.in_(
        select(Task.reply_id).where(Task.reply_id.is_not(None), Task.done_at.is_(None))
    )


def _over_groups(session: Session, moment: datetime) -> list[int]:
    """Return the groups whose last week was over before *moment*."""
    day = moments.local(moment).date()
    groups = session.execute(select(Voortraject.id, Voortraject.starts, Voortraject.weeks))
    return [number for number, starts, weeks in groups if starts + timedelta(weeks=weeks) < day]


# ------------------------------------------------------------------ what is erased


def _forget_media(session: Session, numbers: Sequence[int]) -> None:
    session.execute(delete(VoiceNote).where(VoiceNote.reply_id.in_(numbers)))  # its file follows
    session.execute(update(Reply).where(Reply.id.in_(numbers)).values(media=[]))


def empty_events(session: Session, numbers: Sequence[int]) -> None:
    """Leave of an event that it came, so that its repetition or replay still changes nothing."""
    session.execute(
        update(InboxEvent).where(InboxEvent.id.in_(numbers)).values(payload={}, lane="")
    )


def _empty_messages(session: Session, numbers: Sequence[int]) -> None:
    session.execute(
        update(Message).where(Message.id.in_(numbers)).values(body="", values={}, buttons=[])
    )


def _empty_replies(session: Session, numbers: Sequence[int]) -> None:
    session.execute(
        update(Reply).where(Reply.id.in_(numbers)).values(text="", button=None, why=None)
    )


def _delete(table: type[Any]) -> Callable[[Session, Sequence[int]], None]:
    def erase(session: Session, numbers: Sequence[int]) -> None:
        session.execute(delete(table).where(table.id.in_(numbers)))

    return erase


def delete_replies(session: Session, numbers: Sequence[int]) -> None:
    """Delete replies; what they meant is counted."""
    rows = session.execute(
        select(Reply.at, Reply.channel, Reply.intent, Reply.person_id).where(Reply.id.in_(numbers))
    )
    _count(
        session,
        ((_figure("reply", at, channel, intent), person) for at, channel, intent, person in rows),
    )
    _delete(Reply)(session, numbers)


def delete_messages(session: Session, numbers: Sequence[int]) -> None:
    """Delete messages; how they ended is counted, but for tests."""
    rows = session.execute(
        select(
            Message.not_before, Message.channel, Message.key, Message.state, Message.cause,
            case((Message.voice.is_(None), Message.broadcast_id)), Message.person_id,
        ).where(Message.id.in_(numbers), Message.purpose != TEST)
    )  # fmt: skip
    _count(
        session,
        (
            (_figure("message", at, channel, key, state, cause, _about("broadcast", about)), person)
            for at, channel, key, state, cause, about, person in rows
        ),
    )
    for column in (Message.repeats_id, Reply.message_id):
        session.execute(update(column.class_).where(column.in_(numbers)).values({column.key: None}))
    _delete(Message)(session, numbers)


def delete_afspraken(session: Session, numbers: Sequence[int]) -> None:
    """Delete afspraken; what was answered is counted."""
    rows = session.execute(
        select(
            Afspraak.begins, Afspraak.soort, Afspraak.answer, Afspraak.status, Afspraak.person_id
        ).where(Afspraak.id.in_(numbers))
    )
    _count(
        session,
        (
            (_figure("afspraak", begins, "", soort, answer, status), person)
            for begins, soort, answer, status, person in rows
        ),
    )
    _delete(Afspraak)(session, numbers)


def delete_people(session: Session, numbers: Sequence[int]) -> None:
    """Let people go, with their part in groups and sign-ups. Their address is another matter."""
    made = session.execute(
        select(Inburgeraar.created_at, Inburgeraar.id).where(Inburgeraar.id.in_(numbers))
    )
    counted = [(_figure("person", at), person) for at, person in made]
    for at, group, state, person in session.execute(
        select(Deelname.at, Deelname.voortraject_id, Deelname.state, Deelname.person_id).where(
            Deelname.person_id.in_(numbers)
        )
    ):
        about = _about("voortraject", group)
        counted.append((_figure("deelname", at, state=state, about=about), person))
    for at, link, counts, person in session.execute(
        select(Aanmelding.at, Aanmelding.link_id, Aanmelding.counted, Aanmelding.person_id).where(
            Aanmelding.person_id.in_(numbers)
        )
    ):
        state = "counted" if counts else "not counted"
        about = _about("link", link)
        counted.append((_figure("aanmelding", at, state=state, about=about), person))
    _count(session, counted)
    _delete(Inburgeraar)(session, numbers)


Named = tuple[str, date, str, str, str, str, str]
"""What a figure is of: the columns of its unique constraint, in their order."""


def _figure(
    kind: str,
    at: datetime,
    channel: str | None = "",
    key: str | None = "",
    state: str = "",
    cause: str | None = "",
    about: str = "",
) -> Named:
    month = moments.local(at).date().replace(day=1)
    return (kind, month, channel or "", key or "", state, cause or "", about)


def _about(what: str, number: int | None) -> str:
    return f"{what}:{number}" if number is not None else ""


def _count(session: Session, gone: Iterable[tuple[Named, int | None]]) -> None:
    """Add to the figures what goes, each with whose it is."""
    whose: defaultdict[Named, list[int | None]] = defaultdict(list)
    for named, person in gone:
        whose[named].append(person)
    names = ("kind", "month", "channel", "key", "state", "cause", "about")
    for named, each in sorted(whose.items()):
        one, count = dict(zip(names, named, strict=True)), len(each)
        people = len({person for person in each if person is not None})
        if insert_once(session, Figure, {**one, "count": count, "people": people}) is None:
            more = case((Figure.people < people, people), else_=Figure.people)
            session.execute(
                update(Figure).filter_by(**one).values(count=Figure.count + count, people=more)
            )


KINDS: tuple[Kind, ...] = (
    # In this order: a message goes before whom it was for.
    Kind("voice_notes", "ingesproken berichten en foto's", Reply, _voice_notes, _forget_media),
    Kind("webhooks", "wat providers meldden", InboxEvent, _webhooks, empty_events),
    Kind("dialogues", "aanmeldingen die bleven liggen", Dialogue, _dialogues, _delete(Dialogue)),
    Kind("texts", "wat wij schreven", Message, _texts, _empty_messages),
    Kind("texts", "wat mensen schreven", Reply, _words, _empty_replies),
    Kind("tasks", "taken die klaar zijn", Task, _tasks, _delete(Task)),
    Kind("messages", "antwoorden van mensen", Reply, _replies, delete_replies),
    Kind("messages", "lijsten van groepsberichten", Recipient, _recipients, _delete(Recipient)),
    Kind("messages", "berichten", Message, _messages, delete_messages),
    Kind("afspraken", "afspraken", Afspraak, _afspraken, delete_afspraken),
    Kind("people", "mensen", Inburgeraar, _people, delete_people),
    Kind("people", "nummers van niemand", Address, _addresses, _delete(Address)),
)

LEFT: Mapping[str, str] = {
    # What is left, by field of `Retention`, as staff read it.
    "voice_notes": "het antwoord zelf",
    "webhooks": "dat het er was, zodat een herhaling niets doet",
    "dialogues": "niets",
    "texts": "aan wie, wanneer en hoe het afliep",
    "tasks": "niets",
    "messages": "aantallen per maand, kanaal, tekst en afloop",
    "afspraken": "aantallen per maand, soort en antwoord",
    "people": "aantallen per maand; een STOP blijft bij het nummer",
}
