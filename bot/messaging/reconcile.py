"""What becomes of a message of which nobody knows whether it went: decided on rows, no network.

    unknown ─ in the provider's list, once ──────────────→ what the list says of it
            ─ in it at neither of two looks ─────────────→ planned again, if it is still of use
            ─ neither, half an hour on ──────────────────→ one marked repeat, or staff
            ─ a day on ──────────────────────────────────→ unknown for good; evidence still counts

Also here, because they rest on the same knowledge: what goes to another address after a failure
that is certain, and what never got a receipt.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    and_,
    case,
    exists,
    func,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session

from bot import moments
from bot.channels.base import (
    TELEGRAM,
    WHATSAPP,
    Cause,
    Certainty,
    Heard,
    NotUnderstood,
    StatusChange,
)
from bot.channels.twilio import Listed, TwilioChannel
from bot.house import House
from bot.messaging import delivery, outbox, route, steps
from bot.messaging.steps import AFTER, APART, AROUND, BEFORE, Verdict
from bot.models.messages import TEST, Attempt, InboxEvent, Message, Reply
from bot.models.people import Address

SETTLED = timedelta(minutes=2)
"""How long after an attempt the list is first looked at."""

GIVE_IN = timedelta(minutes=30)
"""After this an unknown message gets a repeat, or staff are asked."""

NEAR = timedelta(hours=3)
"""A message of use for no longer than this is not repeated: a call is surer."""

GIVE_UP = timedelta(hours=24)
"""After this an unknown message is unknown for good."""

NO_RECEIPT = timedelta(hours=72)
"""After this no receipt is waited for: operators try that long."""

_unknown_since = case((Attempt.form == steps.RESTORED, Attempt.ended_at), else_=Attempt.started_at)
"""When nobody knew any more what became of an attempt."""

AS_TEMPLATE = ":template"
"""How the occasion ends of what goes once more because WhatsApp took no free text."""

POSSIBLE = ("unknown", "unknown_final", "sending")
"""States in which a message may have arrived without our knowing its id."""


@dataclass(frozen=True, slots=True)
class Question:
    """An attempt that the provider's list may know of."""

    message: int
    attempt: int
    channel: str
    address: str
    at: datetime

    @property
    def since(self) -> datetime:
        """From when on the list matters."""
        return self.at - AROUND


@dataclass(frozen=True, slots=True)
class Finding:
    """A verdict, and the message if it failed by it or staff must look at it."""

    verdict: Verdict
    message: Message | None = None


# ------------------------------------------------------------------ in the provider's list


def questions(session: Session, channels: Collection[str], limit: int) -> list[Question]:
    """Return the unknown attempts on *channels* whose turn it is to be looked for."""
    now = moments.now()
    found = session.execute(
        select(Message.id, Attempt.number, Address.channel, Address.address, Attempt.started_at)
        .join(Attempt, _last_attempt())
        .join(Address, Address.id == Message.address_id)
        .where(
            Message.state == "unknown",
            Message.channel.in_(channels),
            _unknown_since <= now - SETTLED,
            or_(Attempt.looked_at.is_(None), Attempt.looked_at <= now - APART),
        )
        .order_by(func.coalesce(Attempt.looked_at, Attempt.started_at), Message.id)
        .limit(limit)
    )
    return [Question(*row) for row in found]


def put_off(session: Session, question: Question) -> None:
    """Look for *question* later: the provider will not tell us of this address."""
    session.execute(
        update(Attempt)
        .where(Attempt.message_id == question.message, Attempt.number == question.attempt)
        .values(looked_at=moments.now())
    )


def decide(
    session: Session, channel: TwilioChannel, question: Question, listed: Sequence[Listed]
) -> Finding:
    """Say what *listed*, all that went to this address since, makes of an unknown attempt.

    One message that is it and nothing else's: it was taken. None at all, at two looks: it was
    not. Anything between stays open.
    """
    message, address = delivery.lock(session, question.message)
    attempt = delivery.attempt_of(session, question.message, question.attempt)
    if (
        message is None
        or address is None
        or attempt is None
        or message.state != "unknown"
        or attempt.number != message.attempts
    ):
        return Finding(Verdict.OPEN)  # known by now
    now = moments.now()
    ours = [row for row in listed if channel.sent_it(row)]
    placed = _adopted(session, [row.ref for row in ours])
    found = steps.search(attempt, ours, placed)
    rivals = 0
    if found.fitting and attempt.form != steps.RESTORED:
        rivals = _rivals(session, attempt, address)
    verdict = steps.look(attempt, found, now, rivals)
    if verdict is Verdict.ADOPTED:
        failed = delivery.apply(session, message.id, attempt.number, _change(found.fitting[0]))
        return Finding(verdict, failed)
    if verdict is Verdict.SEVERAL:
        told, attempt.followed_at = attempt.followed_at, attempt.followed_at or now
        return Finding(verdict, None if told else message)
    if verdict is Verdict.NOT_SENT:
        _was_not_sent(session, message, attempt, now)
    return Finding(verdict)


def _last_attempt() -> ColumnElement[bool]:
    return and_(Attempt.message_id == Message.id, Attempt.number == Message.attempts)


def _adopted(session: Session, refs: Collection[str]) -> set[str | None]:
    return set(session.scalars(select(Message.provider_ref).where(Message.provider_ref.in_(refs))))


def _rivals(session: Session, attempt: Attempt, address: Address) -> int:
    """Count the other attempts here, of the same text, that may be what the list holds."""
    apart = 2 * AROUND  # what is in the list, and what it may be, are each that far off at most
    return (
        session.scalar(
            select(func.count())
            .select_from(Attempt)
            .join(Message, Message.id == Attempt.message_id)
            .where(
                Message.address_id == address.id,
                Attempt.id != attempt.id,
                Attempt.digest.contains(attempt.digest or ""),
                or_(Attempt.outcome.is_(None), Attempt.outcome == Certainty.UNKNOWN.value),
                Attempt.started_at <= attempt.started_at + apart,
                or_(
                    Attempt.started_at >= attempt.started_at - apart,
                    Attempt.form == steps.RESTORED,
                ),
            )
        )
        or 0
    )


def _change(row: Listed) -> StatusChange:
    try:
        return row.change()
    except NotUnderstood:
        return StatusChange(ref=row.ref, status="accepted")  # it is there; that is certain


def _was_not_sent(session: Session, message: Message, attempt: Attempt, now: datetime) -> None:
    steps.was_not_sent(message, attempt, now)
    if session.scalar(select(exists().where(Message.repeats_id == message.id))):
        message.become("cancelled", now)
        message.cause = "repeated"


# ------------------------------------------------------------------ shown by its reader


def proven(session: Session, address: Address, heard: Heard) -> Message | None:
    """Let who taps or quotes a message prove that it arrived; return that message.

    Telegram tells the text and the moment of what was tapped, and no id of ours: they must fit
    one message here of which nobody knew.
    """
    if heard.channel != TELEGRAM or not heard.quoted or not heard.quoted_text:
        return None
    found = session.scalars(
        select(Attempt)
        .join(Message, _last_attempt())
        .where(
            Message.address_id == address.id,
            Message.state.in_(POSSIBLE),
            Attempt.provider_ref.is_(None),
            Attempt.digest == route.body_digest(heard.quoted_text),
        )
    ).all()
    fitting = [
        (attempt.message_id, attempt.number)
        for attempt in found
        if heard.quoted_at is None
        or steps.made(attempt)[0] - BEFORE <= heard.quoted_at <= steps.made(attempt)[1] + AFTER
    ]
    if len(fitting) != 1 or _adopted(session, [heard.quoted]):
        return None
    [(number, attempt)] = fitting
    delivery.apply(session, number, attempt, StatusChange(ref=heard.quoted, status="sent"))
    return session.get(Message, number)


# ------------------------------------------------------------------ what nobody can tell


def to_follow(session: Session, limit: int) -> list[int]:
    """Return the unknown messages about which something must be done now.

    Answers are no part of it, their reader will ask again; nor are invitations and mass messages,
    which are never repeated. Who is about to be looked for once more is waited for.
    """
    now = moments.now()
    return list(
        session.scalars(
            select(Message.id)
            .join(Attempt, _last_attempt())
            .where(
                Message.state == "unknown",
                Message.purpose == "public task",
                Message.broadcast_id.is_(None),
                _unknown_since <= now - GIVE_IN,
                Attempt.followed_at.is_(None),
                or_(Attempt.missed_at.is_(None), Attempt.missed_at <= now - GIVE_IN),
            )
            .order_by(Message.id)
            .limit(limit)
        )
    )


def follow_up(session: Session, house: House, message_id: int) -> Message | None:
    """Repeat an unknown message once, marked; return it if staff must be told instead.

    Who has answered it has it. What may have gone before a backup was put back is not repeated.
    """
    message, address = delivery.lock(session, message_id)
    if message is None or address is None or message.state != "unknown":
        return None
    attempt = delivery.attempt_of(session, message.id, message.attempts)
    if attempt is None or attempt.followed_at is not None:
        return None
    attempt.followed_at = moments.now()
    if session.scalar(select(exists().where(Reply.message_id == message.id))):
        return None
    if message.voice is not None or message.purpose == TEST:
        return None  # a sound comes once or not at all; who tests looks at their own phone
    if attempt.form == steps.RESTORED:
        # Most of them arrived: not all who had one before the backup may get it once more.
        return message if message.expires_at > moments.now() else None
    return None if _repeat(session, house, message, address) else message


def _repeat(session: Session, house: House, message: Message, address: Address) -> bool:
    if (
        message.repeats_id is not None
        or message.expires_at - moments.now() <= NEAR
        or address.state != "open"
        or address.stopped_at is not None
        # A template cannot say that it is a repeat.
        or (address.channel == WHATSAPP and not route.window_open(address))
    ):
        return False
    event = session.get(InboxEvent, message.in_reply_to) if message.in_reply_to else None
    again = outbox.queue(
        session,
        house,
        occasion=f"{message.occasion}:repeat",
        key=message.key,
        person=message.person,
        address=address,
        values=route.unpack(message.values),
        language=message.language,
        about=message.about,
        version=message.version,
        expires_at=message.expires_at,
        in_reply_to=event,
        repeats=message,
    )
    return again is not None


def to_give_up(session: Session, limit: int) -> list[int]:
    """Return the messages that have been unknown for a day."""
    return list(
        session.scalars(
            select(Message.id)
            .join(Attempt, _last_attempt())
            .where(Message.state == "unknown", _unknown_since <= moments.now() - GIVE_UP)
            .order_by(Message.id)
            .limit(limit)
        )
    )


def give_up(session: Session, message_id: int) -> Message | None:
    """Let a message be unknown for good; return it if nothing was done about it before."""
    message, _ = delivery.lock(session, message_id)
    if message is None or message.state != "unknown":
        return None
    message.become("unknown_final", moments.now())
    attempt = delivery.attempt_of(session, message.id, message.attempts)
    followed = attempt is not None and attempt.followed_at is not None
    silent = message.purpose in ("answer", TEST) or message.broadcast_id is not None
    return None if followed or silent else message


def no_receipts(session: Session, house: House, limit: int) -> int:
    """Stop waiting for receipts that did not come; return how many. They may still come.

    On a channel that gives none, `sent` is all there will ever be to know, and stays.
    """
    channels = [name for name, each in house.channels.items() if each.capabilities.receipts]
    now = moments.now()
    found = session.scalars(
        select(Message)
        .where(
            Message.channel.in_(channels),
            # As they are, not as parameters: the index is of them.
            Message.state.in_((literal_column("'accepted'"), literal_column("'sent'"))),
            Message.changed_at <= now - NO_RECEIPT,
        )
        .limit(limit)
        .with_for_update(skip_locked=True, key_share=True)
    ).all()
    for message in found:
        message.become("no_receipt", now)
    return len(found)


# ------------------------------------------------------------------ after a certain failure


def elsewhere(session: Session, house: House, message: Message) -> Message | None:
    """Plan the same for the next address of its reader, once for each; None if there is none.

    Only after a failure that is certain, only what rests on the public task, and only to an
    address that the person or staff put there for them. Never after STOP: who stops means us.
    Blocking the bot on Telegram, which has no other way to say no, is about Telegram alone.
    """
    person = message.person
    if (
        not house.gemeente.fallback
        or person is None
        or message.purpose != "public task"
        or message.broadcast_id is not None
        or message.in_reply_to is not None
        or message.repeats_id is not None  # what it repeats may have arrived
        or not _failed_for_certain(message)
        or message.expires_at <= moments.now() + delivery.LEAST_VALIDITY
    ):
        return None
    first = message.occasion.partition(":fallback:")[0]
    occasions = {f"{first}:fallback:{link.address_id}": link.address for link in person.addresses}
    used = set(
        session.scalars(select(Message.address_id).where(Message.occasion.in_([first, *occasions])))
    )
    for occasion, address in occasions.items():
        if (
            address.id in used
            or address.state != "open"
            or address.stopped_at is not None
            or address.channel not in house.channels
        ):
            continue
        return outbox.queue(
            session,
            house,
            occasion=occasion,
            key=message.key,
            person=person,
            address=address,
            values=route.unpack(message.values),
            language=message.language,
            about=message.about,
            version=message.version,
            expires_at=message.expires_at,
        )
    return None


def as_template(session: Session, house: House, message: Message) -> Message | None:
    """Plan the same once more where WhatsApp took no free text; None where that is no use.

    By now the address's window counts as shut, so that it goes as a template or an opener, or
    waits for its reader. Nothing of it arrived: that is certain.
    """
    entry = house.catalogue.entries.get(message.key)
    if (
        message.cause != Cause.WINDOW_CLOSED.value
        or message.state not in ("failed", "undelivered", "blocked")
        or message.occasion.endswith(AS_TEMPLATE)
        or entry is None
        or entry.only_free
        or message.broadcast_id is not None
        or message.address is None
        or route.window_open(message.address)
        or message.expires_at <= moments.now() + delivery.LEAST_VALIDITY
    ):
        return None
    return outbox.queue(
        session,
        house,
        occasion=message.occasion + AS_TEMPLATE,
        key=message.key,
        person=message.person,
        address=message.address,
        values=route.unpack(message.values),
        language=message.language,
        about=message.about,
        version=message.version,
        expires_at=message.expires_at,
    )


def _failed_for_certain(message: Message) -> bool:
    if message.state == "blocked":
        return message.cause in ("bad", "blocked")
    stopped = message.cause == Cause.STOPPED.value and message.channel != TELEGRAM
    return message.state in ("failed", "undelivered") and not stopped
