"""The send protocol: claim, hand over, settle; and what the provider says afterwards.

    planned ─claim→ claimed ─prepare, COMMIT→ sending ─one HTTP call→ settle

A message that provably did not go is planned again; one that may have gone is *unknown* and
is never repeated by itself. Leases run on the database's clock; what is due, quiet or expired
runs on `moments.now()`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Table,
    and_,
    bindparam,
    exists,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session, aliased

from bot import moments
from bot.channels.base import SMS, Cause, Outgoing, SendError, StatusChange
from bot.channels.twilio import callback_url
from bot.db import clock
from bot.house import House
from bot.inserts import insert_once
from bot.messaging import approval, caps, media, route, steps
from bot.messaging.pace import Pace
from bot.messaging.rows import Rows
from bot.models.afspraken import Afspraak
from bot.models.broadcasts import RUNNING, Broadcast
from bot.models.messages import PRIORITIES, TEST, Attempt, Message, Sender
from bot.models.people import Address, PersonAddress
from bot.models.tasks import EMERGENCY, UPSET, Task
from bot.privacy import consent
from bot.wording.segments import segments

LEASE = timedelta(seconds=30)
"""Of a message. Longer than any call may take."""

HOLD = timedelta(seconds=5)
"""Of a sender: how long the death of its owner keeps it still."""

APART = timedelta(seconds=1.05)
"""Between the last call of one owner and the first of the next: in no second do both send."""

GAP = timedelta(seconds=1)
"""A call starts at most this long after its gates were checked."""

LONGEST_VALIDITY = timedelta(hours=10)
"""Twilio keeps a message no longer than this; ours is of no use after `expires_at` anyway."""

LEAST_VALIDITY = timedelta(seconds=10)

TEMPLATE_PATIENCE = timedelta(minutes=10)
"""How often a message that waits for a template is looked at again: as often as WhatsApp is
asked for its decision."""

WHY_NOT: Mapping[str, str] = {
    # The gates' own causes in Dutch; those of providers are in channels.base.ADVICE.
    "stopped": "Deze persoon heeft STOP gestuurd.",
    "closed": "Dit nummer is van iemand anders.",
    "blocked": "Deze persoon heeft ons geblokkeerd.",
    "bad": "Het nummer klopt niet.",
    "no_address": "Er is geen adres dat wij mogen gebruiken.",
    "no_consent": "Deze persoon heeft geen ja gezegd op uitnodigingen.",
    "not_allowed": "Buiten productie mag dit adres geen berichten krijgen (ALLOWED_RECIPIENTS).",
    "no_form": "WhatsApp staat nu alleen een goedgekeurd sjabloon toe, en dat is er niet.",
    "awaits_template": (
        "WhatsApp wil eerst een goedgekeurd sjabloon, en dat is er nog niet. "
        "Het bericht gaat uit zodra het mag; bel als dat niet kan wachten."
    ),
    "awaits_reader": (
        "WhatsApp neemt nu geen eigen tekst aan. Het bericht gaat uit zodra deze persoon de "
        "melding opent of iets schrijft."
    ),
    "not_opened": "Deze persoon opende de melding niet. Het bericht is niet verstuurd. Bel.",
    "not_announced": (
        "De melding kwam niet aan, dus het bericht is niet verstuurd. Bel, of geef deze persoon "
        "een ander nummer en schrijf daar."
    ),
    "withdrawn": "Een collega trok dit in.",
    "no_need": "Deze persoon schreef al; de melding was niet meer nodig.",
    "no_window": "Geluid kan hier nu niet heen; dezelfde tekst is apart verstuurd.",
    "quiet": "Het zijn stille uren; het bericht gaat daarna uit.",
    "quiet_too_long": "Het zijn stille uren, en daarna is het te laat. Bel over dit bericht.",
    "no_channel": "Dit kanaal is niet ingesteld.",
    "superseded": "De afspraak is veranderd; er is een nieuw bericht.",
    "upset": "Deze persoon was boos of verdrietig. Een collega kijkt eerst; sluit die taak.",
    "danger": "Hier is gevaar gemeld. Tot die taak dicht is sturen wij niets vanzelf. Bel zelf.",
    "other_day": "Deze persoon wil een andere dag. Bel over een nieuwe tijd.",
    "later_step": "Een latere herinnering kwam in de plaats van deze.",
    "declined": "Deze persoon komt niet; herinneren heeft geen zin.",
    "expired": "Het bericht had geen zin meer.",
    "channel_down": "Het kanaal lag stil tot het te laat was. Bel over dit bericht.",
    "bulk_locked": "Voor dit nummer staan groepsberichten uit.",
    "broadcast_stopped": "Dit groepsbericht is gestopt.",
    "not_approved": "Dit groepsbericht is veranderd sinds de goedkeuring.",
    "already_asked": "Deze persoon is hier al voor gevraagd.",
    "repeated": "Er is al een herhaling van gestuurd.",
    "person_gone": "Deze persoon heeft dit adres niet meer. Bel over dit bericht.",
    "resident": "Dit nummer is nu van een inwoner; daar gaat geen test heen.",
    **caps.WHY_NOT,
}


AWAITS_READER = "awaits_reader"
"""The cause of what waits until its reader has opened the window; see `Entry.announced_by`."""

IN_VAIN = {"danger": "danger", AWAITS_READER: "not_opened"}
"""What became of a message that waited until it was too late, by what it waited for, where staff
are to know: whoever it is for has not been told."""

UNTIL_SEEN_TO = timedelta(minutes=30)
"""How often a message is looked at again that waits until a colleague has seen to somebody."""

BEFORE_ANOTHER_DAY = ("afspraak.reminder", "afspraak.reminder_confirmed")
"""Reminders that say nothing of a wish for another day: pointless to who has it by now."""


@dataclass(frozen=True, slots=True)
class Held:
    """A gate that is shut. *state* is what the message becomes; `planned` means: later."""

    state: str
    cause: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """What to hand over, under which claim, and when its gates were checked."""

    outgoing: Outgoing
    epoch: int
    checked: float
    """Seconds on a clock that nobody sets back."""
    priority: int
    turns: int
    """How many turns of the sender's pace it takes: as many as it is billed for."""

    @property
    def in_time(self) -> bool:
        """False once too much may have changed: then the call is not made."""
        return Pace.clock() - self.checked <= GAP.total_seconds()


Outcome = str | SendError | None
"""What a call came to: the provider's id, how it failed, or None where it was never made."""


STEP = (
    "state",
    "changed_at",
    "cause",
    "code",
    "not_before",
    "epoch",
    "lease_until",
    "attempts",
    "provider_ref",
)
"""What a step of the protocol may change."""

MESSAGES = Rows(Message, written=STEP, without=("occasion", "created_at", "asks", "repeats_id"))
UNDER_WAY = Rows(
    Message,
    written=STEP,
    without=(
        *("occasion", "created_at", "asks", "repeats_id", "values", "body", "buttons", "about"),
        *("purpose", "key", "language", "version", "in_reply_to", "expires_at"),
    ),
)
"""The same for what was called: its text has been read."""
ATTEMPTS = Rows(
    Attempt,
    written=("outcome", "provider_ref", "code", "detail", "ended_at"),
    without=("form", "digest", "started_at", "looked_at", "missed_at", "followed_at"),
)
ADDRESSES = Rows(Address, without=("phone", "language", "created_at"))

IDS: BindParameter[int] = bindparam("ids", expanding=True)

LOCK_ADDRESSES = (
    select(Address.id)
    .where(Address.id.in_(select(Message.address_id).where(Message.id.in_(IDS))))
    .order_by(Address.id)
    .with_for_update(key_share=True)
)
LOCK_MESSAGES, LOCK_UNDER_WAY = (
    rows.select.where(Message.id.in_(IDS)).order_by(Message.id).with_for_update(key_share=True)
    for rows in (MESSAGES, UNDER_WAY)
)
"""Always the addresses first, as STOP does, and each kind in the order of its ids, so that two
transactions never wait for each other. NO KEY UPDATE, because a row that only refers to one of
them need not wait.

Statements of every send are put together once: that takes longer than the database takes."""


def lock(session: Session, message_id: int) -> tuple[Message | None, Address | None]:
    """Lock a message and the address it goes to, as they are now."""
    where = session.scalars(LOCK_ADDRESSES, {"ids": [message_id]}).one_or_none()
    message = session.get(
        Message, message_id, with_for_update={"key_share": True}, populate_existing=True
    )
    address = session.get(Address, where, populate_existing=True) if where is not None else None
    return message, address


# ------------------------------------------------------------------ the sender's lease


def hold(session: Session, channel: str, owner: str) -> bool:
    """Take or renew the lease on the sender of *channel*; False if another worker has it or had
    it a second ago, or if the sender rests.

    Whoever checks gates after this, in the same transaction, makes the call well within it.
    """
    return held(session, channel, owner) is not None


def held(session: Session, channel: str, owner: str) -> Sender | None:
    """Return the sender of *channel* if `hold` may."""
    now = clock(session)
    sender = sender_of(session, channel)
    until = sender.lease_until
    if sender.owner != owner and until is not None and until + APART > now:
        return None
    if sender.owner != owner or until is None or until - now < HOLD * 2 / 3:
        sender.owner, sender.lease_until = owner, now + HOLD
    return sender if sender.paused_until is None or sender.paused_until <= now else None


def may_hold(session: Session, channel: str, owner: str) -> bool:
    """Say whether `hold` is worth trying: an idle worker need not lock for it."""
    now = clock(session)
    sender = session.scalars(select(Sender).where(Sender.channel == channel)).one_or_none()
    if sender is None:
        return True
    taken = sender.lease_until is not None and sender.lease_until + APART > now
    rests = sender.paused_until is not None and sender.paused_until > now
    return not rests and (sender.owner == owner or not taken)


def sender_of(session: Session, channel: str) -> Sender:
    """Lock and return the sender of *channel*; it is made when it is first asked for."""
    wanted = select(Sender).where(Sender.channel == channel).with_for_update()
    sender = session.scalars(wanted).one_or_none()
    if sender is None:
        insert_once(session, Sender, {"channel": channel})
        sender = session.scalars(wanted).one()
    return sender


def release(session: Session, channel: str, owner: str) -> None:
    """Let go of the lease, so that another worker need not wait until it runs out."""
    now = clock(session)
    session.execute(
        update(Sender)
        .where(Sender.channel == channel, Sender.owner == owner, Sender.lease_until > now)
        .values(lease_until=now)
    )
    session.execute(
        update(Sender).where(Sender.channel == channel, Sender.owner == owner).values(owner=None)
    )


def pause(session: Session, channel: str, seconds: float, cause: str) -> None:
    """Leave the sender of *channel* alone for *seconds*: the provider asked for it."""
    until = clock(session) + timedelta(seconds=seconds)
    session.execute(
        update(Sender)
        .where(
            Sender.channel == channel,
            or_(Sender.paused_until.is_(None), Sender.paused_until < until),
        )
        .values(paused_until=until, pause_cause=cause)
    )


# ------------------------------------------------------------------ claim

PLANNED: ColumnElement[str] = literal_column("'planned'")
CLAIMED: ColumnElement[str] = literal_column("'claimed'")
SENDING: ColumnElement[str] = literal_column("'sending'")

OTHER = aliased(Message)
"""A message beside the one that is looked at; dear to make, and the same for every look."""


def _due(priority: ColumnElement[int]) -> ColumnElement[bool]:
    """Return what makes a message of *priority* due, for a ``channel`` and a ``now``.

    States stand in the statement as they are, not as parameters: the indexes are of them.
    """
    under_way = exists().where(
        OTHER.address_id == Message.address_id, OTHER.state.in_((CLAIMED, SENDING))
    )
    comes_back = exists().where(
        OTHER.address_id == Message.address_id,
        OTHER.state == PLANNED,
        OTHER.attempts > literal_column("0"),
        OTHER.priority <= Message.priority,
        OTHER.id < Message.id,
    )
    return and_(
        Message.state == PLANNED,
        Message.channel == bindparam("channel"),
        Message.priority == priority,
        Message.not_before <= bindparam("now", type_=Message.not_before.type),
        ~under_way,
        ~comes_back,
    )


DUE = (
    MESSAGES.select.where(_due(bindparam("priority")))
    .order_by(Message.not_before, Message.id)
    .limit(bindparam("limit"))
    .with_for_update(skip_locked=True, key_share=True)
)
ANYTHING_DUE = select(
    or_(*(exists().where(_due(literal_column(str(priority)))) for priority in PRIORITIES))
)


def anything_due(session: Session, channel: str) -> bool:
    """Say whether there is anything to claim: an idle worker need not lock for it."""
    return bool(session.scalar(ANYTHING_DUE, {"channel": channel, "now": moments.now()}))


def waiting(session: Session, channel: str) -> int:
    """Return how many messages are planned for *channel* and would go now."""
    counted = (
        select(func.count())
        .select_from(Message)
        .where(
            Message.state == PLANNED,
            Message.channel == channel,
            Message.not_before <= moments.now(),
        )
    )
    return session.scalars(counted).one()


def claim(session: Session, channel: str, limit: int) -> list[tuple[int, int]]:
    """Claim up to *limit* due messages of *channel*; return (id, epoch) of each.

    Answers before reminders before mass messages; one message per address at a time, and none
    before one that comes back for another attempt: what was said first arrives first.
    """
    found = _next(session, channel, limit)
    _claim(session, found)
    MESSAGES.write(session, found)
    return [(message.id, message.epoch) for message in found]


def _next(session: Session, channel: str, limit: int, turns: int | None = None) -> list[Message]:
    """Lock and return what is due, one message an address.

    Together they take at most *turns*, if the first does not take more by itself.
    """
    found: dict[int | None, Message] = {}
    for priority in PRIORITIES:
        if len(found) >= limit:
            break
        asked = {
            "channel": channel,
            "priority": priority,
            "now": moments.now(),
            "limit": limit - len(found),
        }
        for message in MESSAGES.read(session, DUE, asked):
            if message.address_id in found:
                continue
            if turns is not None:
                turns -= _turns(message)
                if found and turns < 0:
                    return list(found.values())
            found[message.address_id] = message
    return list(found.values())


def _turns(message: Message) -> int:
    """Return how many turns *message* takes: an SMS those that it is billed as."""
    return max(1, segments(message.body)) if message.channel == SMS else 1


def _claim(session: Session, found: Sequence[Message]) -> None:
    now, until = moments.now(), clock(session) + LEASE
    for message in found:
        steps.take(message, until, now)


FREE_ADDRESSES = ADDRESSES.select.where(Address.id.in_(IDS)).with_for_update(
    skip_locked=True, key_share=True
)


@dataclass(frozen=True, slots=True)
class Taken:
    """What one look at the due messages came to."""

    prepared: list[Prepared]
    news: list[Message]
    """Those that a gate held back, if that is news to staff."""
    any: bool
    """False if nothing was due."""


def take(session: Session, house: House, channel: str, limit: int, turns: int) -> Taken:
    """Claim and prepare, for up to *limit* messages of up to *turns* together.

    It waits for no row: somebody who is being written down at this moment may be saying STOP,
    and their message is left for the next time.
    """
    found = _next(session, channel, limit, turns)
    wanted = {"ids": [message.address_id for message in found]}
    free = {address.id: address for address in ADDRESSES.read(session, FREE_ADDRESSES, wanted)}
    taken = [
        (message, free.get(message.address_id or 0))
        for message in found
        if message.address_id is None or message.address_id in free
    ]
    _claim(session, [message for message, _ in taken])
    return Taken(*_prepare(session, house, taken), any=bool(found))


# ------------------------------------------------------------------ prepare


def prepare(
    session: Session, house: House, message_id: int, epoch: int
) -> tuple[Prepared | None, Message | None]:
    """Check every gate and write the attempt, in one transaction: the point of no return.

    Returns what to hand over; or the message that a gate held back, if that is news to staff;
    or neither. The address's row is locked: a STOP that commits first is seen, and one that
    commits later comes later than the call, or less than GAP before it.
    """
    asked = {"ids": [message_id]}
    where = {"ids": session.scalars(LOCK_ADDRESSES, asked).all()}
    found = MESSAGES.read(session, LOCK_MESSAGES, asked)
    addresses = ADDRESSES.read(session, FREE_ADDRESSES, where)
    held = [each for each in found if steps.is_held(each, epoch)]
    prepared, news = _prepare(session, house, [(m, next(iter(addresses), None)) for m in held])
    return next(iter(prepared), None), next(iter(news), None)


@dataclass(frozen=True, slots=True)
class _Known:
    """What the gates of some messages ask of the tables, read in one go."""

    now: datetime
    opens: datetime | None
    """When the hours of rest end, if it is one now or as good as."""
    rest: datetime | None
    """When the next ones begin, if ever."""
    people: frozenset[tuple[int, int]]
    """Who has which address, by id."""
    may_invite: Callable[[int, str], bool]
    afspraken: Mapping[int, tuple[int, str]]
    """Their version now, and what was answered to it."""
    broadcasts: Mapping[int, str | None]
    """Why those of a mass message wait; None if they may go."""
    templates: route.Templates
    room: caps.Room
    """How many of them still fit under the caps."""
    unseen: Mapping[str, frozenset[int]]
    """Addresses where a colleague has yet to see to somebody, by the kind of task that asks it."""


PEOPLE = select(PersonAddress.person_id, PersonAddress.address_id).where(
    PersonAddress.address_id.in_(IDS)
)
AFSPRAKEN = select(Afspraak.id, Afspraak.version, Afspraak.answer).where(Afspraak.id.in_(IDS))
BROADCASTS_OF = (
    # Locked for sharing: a stop that commits first is seen.
    select(Broadcast)
    .where(Broadcast.id.in_(IDS))
    .order_by(Broadcast.id)
    .with_for_update(read=True)
    .execution_options(populate_existing=True)
)


def _look_up(
    session: Session, house: House, found: Sequence[tuple[Message, Address | None]], now: datetime
) -> _Known:
    """Read what the gates of *found* ask. Their addresses are locked: whoever changes what is
    read here, because of what a person says, has that lock.
    """
    addresses = [address.id for _, address in found if address is not None]
    invited = [m.person_id for m, _ in found if m.purpose == "invitation" and m.person_id]
    mass = {message.broadcast_id for message, _ in found if message.broadcast_id is not None}
    spoken_of = {number for message, _ in found if (number := _afspraak_of(message)) is not None}
    soon, quiet = now + LEAST_VALIDITY, house.quiet
    people = session.execute(PEOPLE, {"ids": addresses}).all()
    afspraken = session.execute(AFSPRAKEN, {"ids": list(spoken_of)}).all() if spoken_of else []
    broadcasts = session.scalars(BROADCASTS_OF, {"ids": list(mass)}).all() if mass else []
    return _Known(
        now=now,
        opens=next((quiet.next_open(at) for at in (soon, now) if quiet.is_quiet(at)), None),
        rest=quiet.next_rest(now),
        people=frozenset((person, address) for person, address in people),
        may_invite=consent.said_yes(session, invited),
        afspraken={number: (version, answer) for number, version, answer in afspraken},
        broadcasts={each.id: _why_not(session, house, each) for each in broadcasts},
        templates=route.Templates(session, house),
        unseen=_unseen(session, [m.address_id for m, _ in found if m.in_reply_to is None]),
        room=caps.Room(
            session,
            house,
            [message for message, _ in found],
            now,
            corrections={each.id for each in broadcasts if each.corrects is not None},
        ),
    )


def _can_wait(message: Message) -> bool:
    """Say whether nobody misses *message* today: an invitation, or one to many."""
    return message.purpose == "invitation" or message.broadcast_id is not None


UNSEEN = select(Task.kind, Task.address_id).where(
    Task.kind.in_((EMERGENCY, UPSET)), Task.done_at.is_(None), Task.address_id.in_(IDS)
)


def _unseen(session: Session, addresses: Sequence[int | None]) -> Mapping[str, frozenset[int]]:
    found = session.execute(UNSEEN, {"ids": addresses}).all() if addresses else []
    return {
        kind: frozenset(at for asked, at in found if asked == kind and at is not None)
        for kind in (EMERGENCY, UPSET)
    }


def _why_not(session: Session, house: House, broadcast: Broadcast) -> str | None:
    """Say why what is part of *broadcast* may not go now, or None."""
    if broadcast.state not in RUNNING:
        return "broadcast_stopped"
    return None if approval.holds(session, house, broadcast) else "not_approved"


def _afspraak_of(message: Message) -> int | None:
    """Return the id of the afspraak of which *message* speaks in a certain version."""
    noun, _, number = (message.about or "").partition(":")
    return int(number) if noun == "afspraak" and message.version is not None else None


NEW_ATTEMPT = insert(cast(Table, Attempt.__table__))


def _prepare(
    session: Session, house: House, found: Sequence[tuple[Message, Address | None]]
) -> tuple[list[Prepared], list[Message]]:
    """Check the gates of messages that are claimed and locked, and write their attempts."""
    if not found:
        return [], []
    checked, now = Pace.clock(), moments.now()
    known = _look_up(session, house, found, now)
    until = clock(session) + LEASE
    prepared: list[Prepared] = []
    news: list[int] = []
    attempts: list[dict[str, object]] = []
    for message, address in found:
        held = _gate(known, house, message, address)
        form = None
        if held is None and address is not None:
            form = route.form(known.templates, message, address)
            held = _without_form(house, message, now) if form is None else None
        if held is not None or form is None or address is None:
            held = held or Held("blocked", "no_address")
            if message.cause != held.cause:
                news.append(message.id)
            _hold_back(message, held, now)
            continue
        steps.begin(message, until, now)
        attempts.append(
            {
                "message_id": message.id,
                "number": message.attempts,
                "epoch": message.epoch,
                "form": form.name,
                "digest": route.body_digest(form.body),
                "started_at": now,
            }
        )
        outgoing = Outgoing(
            message=message.id,
            attempt=message.attempts,
            address=address.address,
            body=form.body,
            language=message.language,
            useful_for=_useful_for(known, message),
            callback_url=callback_url(
                house.settings.public_url,
                house.settings.signing_key,
                message.id,
                message.attempts,
            ),
            buttons=form.buttons,
            content_sid=form.content_sid,
            variables=form.variables,
            voice_url=media.address(house.settings, form.voice) if form.voice else "",
            picture_url=media.address(house.settings, form.picture) if form.picture else "",
        )
        turns = _turns(message)
        prepared.append(Prepared(outgoing, message.epoch, checked, message.priority, turns))
    if attempts:
        session.connection().execute(NEW_ATTEMPT, attempts)
    known.room.write()
    MESSAGES.write(session, [message for message, _ in found])
    return prepared, [session.get_one(Message, number) for number in news]


def _useful_for(known: _Known, message: Message) -> int:
    """Return for how many seconds from the call a provider may still deliver *message*: not
    past its use, and not into the hours of rest of somebody who did not write first.
    """
    until = message.expires_at
    if message.in_reply_to is None and known.rest is not None:
        until = min(until, known.rest)
    # The call may come that much after this.
    return int(min(until - known.now - GAP, LONGEST_VALIDITY).total_seconds())


def set_aside(session: Session, message_id: int, epoch: int) -> Message | None:
    """Hold back for good a message that cannot even be prepared, so that the others go on.

    Returns it for staff to be told, or None if the claim is no longer ours.
    """
    message, _ = lock(session, message_id)
    if message is None or not steps.is_held(message, epoch):
        return None
    _hold_back(message, Held("blocked", Cause.OUR_FAULT.value), moments.now())
    return message


def _hold_back(message: Message, held: Held, now: datetime) -> None:
    message.become(held.state, now)
    message.lease_until, message.cause = None, held.cause
    if held.until is not None:
        message.not_before = held.until


def _without_form(house: House, message: Message, now: datetime) -> Held:
    """Say what becomes of a message that WhatsApp takes in no form now.

    A template may be approved any moment. An answer waits for none: by the time that its
    reader has opened the window again, they have said something else. What a colleague said
    waits for that very moment.
    """
    if message.voice is not None:
        return Held("cancelled", "no_window")  # the text says the same
    until = now + TEMPLATE_PATIENCE
    entry = house.catalogue.entries[message.key]
    if entry.announced_by is not None:
        if message.attempts:  # it would hold up what announces it: `as_template` plans it anew
            return Held("blocked", Cause.WINDOW_CLOSED.value)
        return Held("planned", AWAITS_READER, message.expires_at)
    late = until + LEAST_VALIDITY >= message.expires_at
    if entry.only_free or message.in_reply_to is not None or late:
        return Held("blocked", "no_form")
    return Held("planned", "awaits_template", until)


def _gate(known: _Known, house: House, message: Message, address: Address | None) -> Held | None:
    """Return the first gate that is shut for *message*, or None."""
    if known.now + LEAST_VALIDITY >= message.expires_at:
        return Held("expired", IN_VAIN.get(message.cause or "", "expired"))
    overtaken = _overtaken(known, message)
    if overtaken is not None:
        return Held("cancelled", overtaken)
    if address is None:
        return Held("blocked", "no_address")
    if address.channel not in house.channels:
        return Held("blocked", "no_channel")
    if not house.settings.may_reach(address.address):
        return Held("blocked", "not_allowed")
    if address.state != "open" and not _last_word(message):
        return Held("blocked", address.state)
    if address.stopped_at is not None and not _last_word(message):
        return Held("blocked", "stopped")
    mass = message.purpose == "invitation" or message.broadcast_id is not None
    if mass and address.bulk_locked_at is not None:
        return Held("blocked", "bulk_locked")
    if message.purpose == "invitation":
        person = message.person_id
        if person is None or not known.may_invite(person, address.channel):
            return Held("blocked", "no_consent")
    theirs = (message.person_id, address.id) in known.people
    # An answer goes to who wrote, known or not; but what speaks to somebody goes to them alone.
    to_anybody = message.in_reply_to is not None and message.person_id is None
    if not (theirs or to_anybody or _last_word(message)):
        return Held("blocked", "person_gone")
    if message.purpose == TEST and address.id in {place for _, place in known.people}:
        return Held("blocked", "resident")
    if message.in_reply_to is None and known.opens is not None:
        if known.opens + LEAST_VALIDITY >= message.expires_at:
            return Held("expired", "quiet_too_long")
        return Held("planned", "quiet", known.opens)
    if message.broadcast_id is not None:
        # It stays planned, so that it can go on without doubling.
        why_not = known.broadcasts[message.broadcast_id]
        if why_not is not None:
            return Held("planned", why_not, message.expires_at)
    if message.in_reply_to is None:
        later = min(known.now + UNTIL_SEEN_TO, message.expires_at)
        if address.id in known.unseen[EMERGENCY]:
            return Held("planned", "danger", later)
        if address.id in known.unseen[UPSET] and _can_wait(message):
            return Held("planned", "upset", later)
    full = known.room.take(message)  # the last question: whoever goes now has taken a place
    return Held(*full) if full is not None else None


def _last_word(message: Message) -> bool:
    """Say whether *message* only confirms that nothing more will be sent."""
    return message.key in ("consent.stopped", "answer.wrong_number")


def _overtaken(known: _Known, message: Message) -> str | None:
    """Say what happened to the afspraak that *message* speaks of, if that made it pointless."""
    number = _afspraak_of(message)
    if number is None:
        return None
    version, answer = known.afspraken.get(number, (None, None))
    if version != message.version:
        return "superseded"
    if message.in_reply_to is not None:
        return None
    if answer == "declined":
        return "declined"
    return "other_day" if answer == "reschedule" and message.key in BEFORE_ANOTHER_DAY else None


# ------------------------------------------------------------------ settle


def settle(session: Session, house: House, prepared: Prepared, outcome: Outcome) -> Message | None:
    """Record what the one call came to. Returns the message if it failed for good, else None."""
    return next(iter(settle_all(session, house, [(prepared, outcome)])), None)


def settle_all(
    session: Session, house: House, outcomes: Sequence[tuple[Prepared, Outcome]]
) -> list[Message]:
    """Record what each call came to; return the messages that failed for good.

    Fenced by message, attempt and epoch: evidence that came meanwhile, such as a status
    callback, is not overwritten.
    """
    known = list(_under_way(session, outcomes))
    failed: list[tuple[int, SendError | None]] = []
    for message, attempt, outcome in known:
        now = moments.now()
        if outcome is None:
            steps.not_called(message, attempt, now)
            continue
        rejected = outcome if isinstance(outcome, SendError) else None
        if rejected is not None and rejected.retry_after is not None:
            pause(session, message.channel or "", rejected.retry_after, rejected.cause.value)
        channel = house.channels.get(message.channel or "")
        receipts = channel is None or channel.capabilities.receipts
        if steps.record(message, attempt, outcome, now, receipts=receipts):
            failed.append((message.id, rejected))
    _write(session, known)
    for number, why in failed:
        if why is not None:
            _learn(session, session.get_one(Message, number), why.cause, why.code)
    return [session.get_one(Message, number) for number, _ in failed]


def not_called(session: Session, prepared: Prepared) -> None:
    """Record that the call was never made: too long passed since the gates were checked."""
    known = list(_under_way(session, [(prepared, None)]))
    for message, attempt, _ in known:
        steps.not_called(message, attempt, moments.now())
    _write(session, known)


THEIR_ATTEMPTS = ATTEMPTS.select.where(Attempt.message_id.in_(IDS))


def _under_way(
    session: Session, outcomes: Sequence[tuple[Prepared, Outcome]]
) -> Iterator[tuple[Message, Attempt, Outcome]]:
    """Lock the messages and give those of which it is not known yet what became of them."""
    if not outcomes:
        return
    found, attempts = _calls(session, {prepared.outgoing.message for prepared, _ in outcomes})
    for prepared, outcome in outcomes:
        outgoing = prepared.outgoing
        message = found.get(outgoing.message)
        attempt = attempts.get((outgoing.message, outgoing.attempt))
        if message is not None and attempt is not None and steps.is_open(attempt, prepared.epoch):
            yield message, attempt, outcome


def _calls(
    session: Session, message_ids: Collection[int]
) -> tuple[dict[int, Message], dict[tuple[int, int], Attempt]]:
    """Lock messages that were called; return them by id, and their attempts by id and number."""
    ids = {"ids": list(message_ids)}
    session.execute(LOCK_ADDRESSES, ids).all()
    messages = {message.id: message for message in UNDER_WAY.read(session, LOCK_UNDER_WAY, ids)}
    attempts = {
        (each.message_id, each.number): each for each in ATTEMPTS.read(session, THEIR_ATTEMPTS, ids)
    }
    return messages, attempts


def expire(session: Session, limit: int) -> list[Message]:
    """Expire what waits for a sender that rests until it is of no use; return those messages.

    All others come to their gates in time, and expire there.
    """
    now = clock(session)
    resting = {
        sender.channel: "expired" if sender.broken_since is None else "channel_down"
        for sender in session.scalars(select(Sender).where(Sender.paused_until > now))
    }
    if not resting:
        return []
    late = session.scalars(
        select(Message)
        .where(
            Message.state == PLANNED,
            Message.channel.in_(resting),
            Message.expires_at <= moments.now() + LEAST_VALIDITY,
        )
        .limit(limit)
        .with_for_update(skip_locked=True, key_share=True)
    ).all()
    for message in late:
        _hold_back(message, Held("expired", resting[message.channel or ""]), moments.now())
    return list(late)


def _write(session: Session, known: Sequence[tuple[Message, Attempt, Outcome]]) -> None:
    ATTEMPTS.write(session, [attempt for _, attempt, _ in known])
    UNDER_WAY.write(session, [message for message, _, _ in known])


def reap(session: Session) -> int:
    """Free what a dead worker left: claimed is planned again, sending is *unknown*.

    Returns how many. Never the other way round: what was handed over may have arrived.
    """
    now = clock(session)
    left = session.scalars(
        select(Message)
        .where(Message.state.in_((CLAIMED, SENDING)), Message.lease_until < now)
        .with_for_update(skip_locked=True, key_share=True)
    ).all()
    for message in left:
        steps.free(message, attempt_of(session, message.id, message.attempts), moments.now())
    return len(left)


# ------------------------------------------------------------------ what is told later


def apply(session: Session, message_id: int, number: int, change: StatusChange) -> Message | None:
    """Let a status callback move its message up, never down; return it if it failed by this.

    The callback carries our own id, so it also proves a send whose answer we never got.
    """
    message, _ = lock(session, message_id)
    attempt = attempt_of(session, message_id, number)
    if message is None or attempt is None:
        return None
    if not steps.report(message, attempt, change, moments.now()):
        return None
    _learn(session, message, change.cause or Cause.UNKNOWN, change.code)
    return message


def apply_all(session: Session, reports: Sequence[tuple[int, int, StatusChange]]) -> list[Message]:
    """Do what `apply` does for all of *reports* (message, attempt, change), in their order."""
    if not reports:
        return []
    messages, attempts = _calls(session, {number for number, _, _ in reports})
    told: set[tuple[int, int]] = set()
    failed: list[tuple[int, StatusChange]] = []
    for number, at, change in reports:
        message, attempt = messages.get(number), attempts.get((number, at))
        if message is None or attempt is None:
            continue
        told.add((number, at))
        if steps.report(message, attempt, change, moments.now()):
            failed.append((number, change))
    ATTEMPTS.write(session, [attempts[each] for each in told])
    UNDER_WAY.write(session, [messages[number] for number in {number for number, _ in told}])
    for number, change in failed:
        message = session.get_one(Message, number)
        _learn(session, message, change.cause or Cause.UNKNOWN, change.code)
    return [session.get_one(Message, number) for number, _ in failed]


def _learn(session: Session, message: Message, cause: Cause, code: str) -> None:
    """Let a refusal teach us about the address, so that the same is not tried again."""
    address = session.get(Address, message.address_id) if message.address_id else None
    if address is None:
        return
    if cause is Cause.STOPPED:
        if address.channel == "telegram":
            address.state = "blocked"
        else:
            consent.stop(session, address, f"provider {code}")
    elif cause in (Cause.BAD_NUMBER, Cause.NOT_ON_WHATSAPP):
        address.state = "bad"
    elif cause is Cause.WINDOW_CLOSED:
        attempt = attempt_of(session, message.id, message.attempts)
        shut = moments.now() - route.WINDOW
        wrote = address.last_inbound_at
        if attempt is not None and wrote is not None and shut < wrote < attempt.started_at:
            address.last_inbound_at = shut  # the provider's clock is the one that counts


def attempt_of(session: Session, message_id: int, number: int) -> Attempt | None:
    """Return attempt *number* of a message, 1 for the first; None if there is none."""
    return session.scalars(
        select(Attempt).where(Attempt.message_id == message_id, Attempt.number == number)
    ).one_or_none()
