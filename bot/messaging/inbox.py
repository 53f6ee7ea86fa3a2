"""One genuine event, one row. Acting on it comes later.

A door has no path to sending. That an event is genuine is known without the database, so that it
can be kept elsewhere while that is away. One that cannot be read today is kept, and is there to be
read after the fix.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NoReturn, cast

from sqlalchemy import CursorResult, and_, exists, select, true, update
from sqlalchemy.orm import Session, aliased

from bot import logs, moments
from bot.channels.base import (
    Channel,
    Envelope,
    Forged,
    Heard,
    Ignored,
    NotUnderstood,
    StatusChange,
)
from bot.channels.registry import channel_of
from bot.channels.telegram import LARGEST_ID
from bot.channels.twilio import check_callback
from bot.house import House
from bot.inserts import insert_once
from bot.models.messages import InboxEvent, Message, Reply
from bot.models.people import Address, PersonAddress

TRIES = 5
"""After this many failures an event is kept aside; the queue moves on."""

_REPORT = "status:"

DEEPEST = 64
"""Brackets within brackets in an Update. Telegram's own go to about ten; what can barely be
parsed at the door may be too deep for the worker, and then nothing behind it is ever handled."""


@dataclass(frozen=True, slots=True)
class Report:
    """A status callback, and which attempt of ours it speaks of."""

    message: int
    attempt: int
    change: StatusChange


# ------------------------------------------------------------------ the doors' side


@dataclass(frozen=True, slots=True)
class Arrival:
    """One genuine event, ready to be stored: finding that out took no database."""

    key: str
    source: str
    lane: str
    payload: Mapping[str, Any]
    fingerprint: str
    signature: str | None
    at: datetime


def from_twilio(house: House, envelope: Envelope) -> Arrival:
    """Return what Twilio sent: something that a person wrote. Raises Forged."""
    form = dict(envelope.form)
    _twilio(house, form).verify(envelope)
    return _arrival("twilio", _twilio_key(form), _twilio_lane(form), form, envelope)


def from_twilio_status(house: House, envelope: Envelope, m: str, a: str, k: str) -> Arrival:
    """Return a status callback for message *m*, attempt *a*.

    Raises Forged unless both Twilio's signature and our own *k* are right.
    """
    form = dict(envelope.form)
    _twilio(house, form).verify(envelope)
    if not check_callback(house.settings.signing_key, m, a, k):
        raise Forged("the callback's own signature")
    key = f"status:{m}:{a}:{form.get('MessageSid', '')}:{form.get('MessageStatus', '')}"
    payload = {**form, "_message": int(m), "_attempt": int(a)}
    return _arrival("twilio", key, f"{_REPORT}{m}", payload, envelope)


def from_telegram(house: House, envelope: Envelope) -> Arrival:
    """Return one Telegram Update.

    Raises Forged without the right secret, NotUnderstood if it is no Update at all.
    """
    channel = house.channels.get("telegram")
    if channel is None:
        raise Forged("telegram is off")
    channel.verify(envelope)
    return from_update(_json(envelope.body), house.settings.telegram_bot_token, envelope)


def from_update(update: Any, token: str, envelope: Envelope | None = None) -> Arrival:
    """Return one Telegram Update, from the door or from polling. Raises NotUnderstood.

    Every bot counts its own updates, so the id of the one with *token* is part of the key.
    """
    number = update.get("update_id") if isinstance(update, dict) else None
    if not isinstance(number, int) or isinstance(number, bool) or abs(number) >= LARGEST_ID:
        raise NotUnderstood("no update_id")
    if _too_deep(update):
        raise NotUnderstood("too deep")
    bot = _bot_id(token)
    key = f"telegram:{bot}:{number}" if bot else f"telegram:{number}"
    return _arrival("telegram", key, _telegram_lane(update), update, envelope)


def _bot_id(token: str) -> str:
    """Return the public part of a bot's token, its id; nothing where there is none."""
    bot, colon, _ = token.partition(":")
    return bot if colon and bot.isdigit() else ""


def store_missed(session: Session, form: Mapping[str, str], at: datetime) -> bool:
    """Store what Twilio's list says a person wrote at *at*; False if the webhook came after all.

    Nobody signed it: we asked Twilio ourselves.
    """
    payload = {**form, "_gap": True}
    arrival = _arrival("twilio", _twilio_key(form), _twilio_lane(form), payload, None)
    return store(session, replace(arrival, at=at))


def known(session: Session, refs: Collection[str]) -> set[str]:
    """Return those of *refs*, message SIDs of Twilio, that are in the inbox already."""
    keys = {f"twilio:{ref}": ref for ref in refs}
    found = session.scalars(select(InboxEvent.key).where(InboxEvent.key.in_(keys)))
    return {keys[key] for key in found}


def _json(body: bytes) -> Any:
    """Read *body* as strict JSON: Python takes NaN and infinity too, PostgreSQL does not."""
    try:
        return json.loads(body, parse_constant=_no_number, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise NotUnderstood("no JSON") from error


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError("a number that no database holds")
    return number


def _too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(DEEPEST):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return False
    return True


def _twilio(house: House, form: Mapping[str, str]) -> Channel:
    name = channel_of(form.get("From", "") if "Body" in form else form.get("To", ""))
    channel = (
        house.channels.get(name) or house.channels.get("sms") or house.channels.get("whatsapp")
    )
    if channel is None:
        raise Forged("twilio is off")
    return channel


def _twilio_key(form: Mapping[str, str]) -> str:
    return "twilio:" + form.get("MessageSid", "")


def _twilio_lane(form: Mapping[str, str]) -> str:
    sender = form.get("From", "")
    return sender if sender.startswith("whatsapp:") else f"sms:{sender}"


def _telegram_lane(update: Mapping[str, Any]) -> str:
    """Return the chat, wherever this kind of update keeps it; taps and texts share a lane."""
    for kind in ("message", "edited_message", "my_chat_member", "callback_query"):
        inner = _dict(update.get(kind))
        for place in (
            inner.get("chat"),
            _dict(inner.get("message")).get("chat"),
            inner.get("from"),
        ):
            number = _dict(place).get("id")
            if isinstance(number, int) and abs(number) < LARGEST_ID:
                return f"telegram:{number}"
    return "telegram:"


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _arrival(
    source: str, key: str, lane: str, payload: Mapping[str, Any], envelope: Envelope | None
) -> Arrival:
    signature = envelope.headers.get("x-twilio-signature") if envelope else None
    return Arrival(
        key=key,
        source=source,
        lane=lane,
        payload=dict(payload),
        fingerprint=_fingerprint(payload, envelope),
        signature=hashlib.sha256(signature.encode()).hexdigest() if signature else None,
        at=moments.now(),
    )


def store(session: Session, arrival: Arrival) -> bool:
    """Store one event; False if we had it already.

    Raises Forged if its signature was used before, for something else.
    """
    if not stands_alone(arrival) and _had_before_bots_counted(session, arrival):
        return False
    if insert_once(session, InboxEvent, row_of(arrival)) is not None:
        return True
    must_be_genuine(session, arrival)
    return False


def stands_alone(arrival: Arrival) -> bool:
    """Say whether inserting *arrival* is all it takes to know whether we had it."""
    return arrival.source != "telegram" or arrival.key.count(":") < 2


def _had_before_bots_counted(session: Session, arrival: Arrival) -> bool:
    """Say whether this very update was stored under the key of a release without the bot's id."""
    former = f"telegram:{arrival.key.rpartition(':')[2]}"
    return bool(
        session.scalar(
            select(
                exists().where(
                    InboxEvent.key == former, InboxEvent.fingerprint == arrival.fingerprint
                )
            )
        )
    )


def row_of(arrival: Arrival) -> dict[str, Any]:
    """Return the columns of the `InboxEvent` for *arrival*."""
    return {
        "key": arrival.key,
        "source": arrival.source,
        "lane": arrival.lane,
        "signature": arrival.signature,
        "fingerprint": arrival.fingerprint,
        "payload": dict(arrival.payload),
        "not_before": moments.now(),
        "received_at": arrival.at,
    }


def must_be_genuine(session: Session, arrival: Arrival) -> None:
    """Raise Forged if the signature of *arrival*, which we had already, was on something else.

    Twilio's signature joins names and values without a mark between them and holds no time:
    one captured signature fits other parameters. So each counts for what it first signed.
    """
    if arrival.signature is None:
        return
    first = session.scalar(
        select(InboxEvent.fingerprint).where(InboxEvent.signature == arrival.signature)
    )
    # Of one that was erased nobody knows any more what it first signed: it was had, that is all.
    if first and first != arrival.fingerprint:
        raise Forged("a signature used before, for something else")


def _fingerprint(payload: Mapping[str, Any], envelope: Envelope | None) -> str:
    signed = [envelope.url, sorted(envelope.form)] if envelope and envelope.form else payload
    return hashlib.sha256(json.dumps(signed, sort_keys=True).encode()).hexdigest()


# ------------------------------------------------------------------ the worker's side


EARLIER = aliased(InboxEvent)


def next_event(session: Session, *, reports: bool = True) -> InboxEvent | None:
    """Lock and return the oldest event to act on; None if there is none.

    Of each lane only the first: what a person said first is understood first. An event that
    another worker holds keeps its lane's later ones waiting. Without *reports* those that
    `next_reports` gives are left to it.
    """
    return session.scalars(
        select(InboxEvent)
        .where(
            InboxEvent.state == "new",
            InboxEvent.not_before <= moments.now(),
            true() if reports else ~_IS_REPORT,
            ~exists().where(
                EARLIER.lane == InboxEvent.lane,
                EARLIER.state == "new",
                EARLIER.id < InboxEvent.id,
            ),
        )
        .order_by(InboxEvent.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).one_or_none()


_IS_REPORT = and_(InboxEvent.lane.startswith(_REPORT), InboxEvent.tries == 0)


def next_reports(session: Session, limit: int) -> Sequence[InboxEvent]:
    """Lock and return the oldest status callbacks, up to *limit*, but those that failed before.

    A provider sends a few for each message, and their order changes nothing: they need not be
    acted on one by one, as what people say.
    """
    return session.scalars(
        select(InboxEvent)
        .where(InboxEvent.state == "new", InboxEvent.not_before <= moments.now(), _IS_REPORT)
        .order_by(InboxEvent.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()


def waiting(session: Session) -> tuple[bool, bool]:
    """Say whether events are to be acted on: what people did, and status callbacks."""
    now = moments.now()
    new = and_(InboxEvent.state == "new", InboxEvent.not_before <= now)
    people, reports = session.execute(
        select(exists().where(new, ~_IS_REPORT), exists().where(new, _IS_REPORT))
    ).one()
    return bool(people), bool(reports)


def read(house: House, event: InboxEvent) -> Heard | Report:
    """Read a stored event. Raises NotUnderstood, or Ignored if it is not for us."""
    if event.source == "telegram":
        channel = house.channels.get("telegram")
    else:
        channel = _twilio(house, event.payload)
    if channel is None:
        raise NotUnderstood(f"{event.source} is off")
    heard = channel.hear(event.payload)
    if isinstance(heard, StatusChange) != event.key.startswith("status:"):
        # Only the status door has asked for our own proof.
        raise NotUnderstood("a status at the door for replies, or the other way round")
    if isinstance(heard, StatusChange):
        return Report(int(event.payload["_message"]), int(event.payload["_attempt"]), heard)
    return heard


def address_of(session: Session, heard: Heard, at: datetime) -> Address:
    """Return the address that was heard from; make it if we never heard of it."""
    insert_once(
        session,
        Address,
        {"channel": heard.channel, "address": heard.address, "state": "open", "created_at": at},
    )
    address = session.scalars(
        select(Address)
        .where(Address.channel == heard.channel, Address.address == heard.address)
        .with_for_update(key_share=True)
    ).one()
    if heard.phone:
        address.phone = heard.phone
    return address


def write_down(session: Session, event: InboxEvent, heard: Heard, address: Address) -> Reply:
    """Keep what a person said, exactly as received."""
    people = session.scalars(
        select(PersonAddress.person_id).where(PersonAddress.address_id == address.id)
    ).all()
    reply = Reply(
        event_id=event.id,
        # Of a closed number, whoever writes is somebody else.
        person_id=people[0] if len(people) == 1 and address.state != "closed" else None,
        address_id=address.id,
        channel=heard.channel,
        text=heard.text,
        button=heard.button or None,
        media=[{"kind": m.kind, "ref": m.ref, "content_type": m.content_type} for m in heard.media],
        quoted=heard.quoted or None,
        at=event.received_at,
    )
    address.last_inbound_at = max(address.last_inbound_at or event.received_at, event.received_at)
    session.add(reply)
    session.flush()
    return reply


def quoted_message(session: Session, reply: Reply) -> Message | None:
    """Return our message that was tapped or quoted: one to this very address, or None."""
    if reply.quoted is None:
        return None
    return session.scalars(
        select(Message)
        .where(Message.provider_ref == reply.quoted, Message.address_id == reply.address_id)
        .order_by(Message.id.desc())
        .limit(1)
    ).one_or_none()


def done(event: InboxEvent) -> None:
    """Mark an event as acted on."""
    event.state, event.error = "done", None


def all_done(session: Session, numbers: Collection[int]) -> None:
    """Mark the events of these ids as acted on."""
    session.execute(
        update(InboxEvent).where(InboxEvent.id.in_(numbers)).values(state="done", error=None)
    )


def forget_strays(session: Session, events: Collection[int], messages: Collection[int]) -> None:
    """Empty those of *events*, status callbacks, of whose *messages* there is none any more.

    They name the number of somebody who was erased.
    """
    there = set(session.scalars(select(Message.id).where(Message.id.in_(messages))))
    lanes = [f"{_REPORT}{number}" for number in messages if number not in there]
    if lanes:
        session.execute(
            update(InboxEvent)
            .where(InboxEvent.id.in_(events), InboxEvent.lane.in_(lanes))
            .values(payload={}, lane="", fingerprint="")
        )


def put_off(event: InboxEvent, error: Exception) -> None:
    """Mark an event that could not be acted on: ignored, kept, or to be tried again later.

    What is written beside it holds nothing that a person said: `stap doctor` shows it.
    """
    event.tries += 1
    event.error = str(error) if isinstance(error, NotUnderstood) else logs.fault(error)
    if isinstance(error, Ignored):
        event.state = "ignored"
    elif isinstance(error, NotUnderstood) or event.tries >= TRIES:
        event.state = "kept"
    else:
        event.not_before = moments.now() + timedelta(seconds=2**event.tries)


def retry(session: Session, numbers: Collection[int] = ()) -> int:
    """Let events that were kept be tried anew, all or those of *numbers*; return how many."""
    kept = update(InboxEvent).where(InboxEvent.state == "kept")
    if numbers:
        kept = kept.where(InboxEvent.id.in_(numbers))
    told = session.execute(kept.values(state="new", tries=0, not_before=moments.now()))
    return cast(CursorResult[Any], told).rowcount
