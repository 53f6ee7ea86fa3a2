"""What a colleague says in a conversation they have taken: fixed sentences, or Dutch, openly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, or_, select, update
from sqlalchemy.orm import Session

from bot import moments
from bot.channels.base import SMS, WHATSAPP
from bot.house import House
from bot.messaging import delivery, outbox, route
from bot.models.messages import InboxEvent, Message, Reply
from bot.models.people import Address, Inburgeraar
from bot.models.tasks import EMERGENCY, Task
from bot.outreach import tasks
from bot.told import tell
from bot.wording import forbidden, render
from bot.wording.languages import shipped
from bot.wording.render import LONGEST_VALUE
from bot.wording.segments import segments

SENTENCES = (
    "colleague.call_today",
    "colleague.call_next",
    "colleague.when_call",
    "colleague.interpreter",
    "colleague.tell_more",
    "colleague.finding_out",
    "colleague.settled",
    "colleague.come_by",
)
WORDS = "colleague.words"
"""The text that says that what follows is Dutch."""
ANSWERS = "colleague.answers"
"""The text that says who will answer."""
SAID_BY_COLLEAGUE = (*SENTENCES, WORDS)
OF_THAT_DAY = ("colleague.call_today", "colleague.call_next")
"""Sentences that are true no longer when somebody reads them days later."""
ANNOUNCEMENT = "colleague.has_message"
"""The text that says that something which a colleague said waits."""
NEVER_ASKED = ("failed", "undelivered", "blocked", "expired", "cancelled", "unknown_final")
"""States of an announcement that nobody will tap on."""

LONGEST_WORDS = 600
"""Characters of an own text."""

IS_USEFUL = timedelta(days=3)
"""An answer that waits for the end of the quiet hours may wait over a Sunday."""

IS_KEPT = timedelta(days=7)
"""An answer that its reader must open the chat for."""


class Refused(Exception):
    """This cannot be said here now. The message says in Dutch why, and what to do instead."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an answer would go, and what that means."""

    address: Address
    language: str
    """The code of the reader's language."""
    open_until: datetime | None
    """Until when WhatsApp takes free text; None where there is no such window, or it is shut."""
    waits: bool
    """That window is shut: an answer waits until they open the chat, which they are asked to."""
    why_not: str | None
    """Why nothing can be said there now, in Dutch."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """One thing to say: as its reader gets it, and what it says in Dutch."""

    key: str
    body: str
    dutch: str
    language: str
    """The code of the language *body* is in: Dutch where the reader's has no usable text."""
    state: str
    """How the text in the reader's language stands."""
    parts: int
    """SMS parts; 0 on another channel."""


def place_of(session: Session, house: House, task: Task) -> Place | None:
    """Return where an answer about *task* would go: whence they wrote last, else the task's."""
    last = _last_reply(session, task)
    address = task.address
    if last is not None:
        address = session.get_one(Address, last.address_id)
    elif address is None and task.person is not None:
        address = route.address_for(session, task.person, invitation=False)
    if address is None:
        return None
    language = (task.person.language if task.person else None) or address.language or "nl"
    language = language if language in shipped() else "nl"
    until = None
    if address.channel == WHATSAPP and route.window_open(address) and address.last_inbound_at:
        until = address.last_inbound_at + route.WINDOW - route.WINDOW_MARGIN
    waits = address.channel == WHATSAPP and until is None
    why_not = _why_not(address)
    if waits and why_not is None:
        why_not = _why_not_announced(session, house, task.person, language)
    return Place(address, language, until, waits, why_not)


def _why_not(address: Address) -> str | None:
    if address.stopped_at is not None:
        return "Deze persoon stuurde STOP. Bel of schrijf een brief."
    if address.state != "open":
        return "Dit adres kan niet gebruikt worden. Bel of schrijf een brief."
    return None


def _why_not_announced(
    session: Session, house: House, person: Inburgeraar | None, language: str
) -> str | None:
    """Say why nobody can be asked to open the chat there, or None."""
    if person is None:
        return tell(
            "Dit nummer schreef de laatste 24 uur niet, en wij weten niet van wie het is. WhatsApp "
            "laat dan geen antwoord toe. Bel, of wacht tot iemand weer schrijft."
        )
    if not route.can_open(route.Templates(session, house), ANNOUNCEMENT, language):
        return tell(
            "Deze persoon schreef de laatste 24 uur niet. WhatsApp laat dan geen eigen tekst toe, "
            "en keurde onze melding in deze taal nog niet goed. Bel, of wacht tot de persoon "
            "schrijft."
        )
    return None


def sentences(house: House, task: Task, place: Place, by: str) -> list[Sentence]:
    """Return the fixed sentences as the reader of *place* would get them from *by*."""
    found = []
    for key in _to_choose_from(place):
        body = _said(house, key, place.address.channel, place.language, task.person, by)
        found.append(
            Sentence(
                key,
                body,
                _said(house, key, place.address.channel, "nl", task.person, by),
                house.catalogue.text(key, place.language).language,
                house.catalogue.text(key, place.language).state,
                segments(body) if place.address.channel == SMS else 0,
            )
        )
    return found


def announced(house: House, person: Inburgeraar | None) -> str:
    """Return in Dutch what says that an answer waits."""
    return _said(house, ANNOUNCEMENT, WHATSAPP, "nl", person, "")


def _to_choose_from(place: Place) -> list[str]:
    return [key for key in SENTENCES if not (place.waits and key in OF_THAT_DAY)]


def cost(house: House, parts: int) -> Decimal | None:
    """Return the euros that so many SMS parts cost; None if the gemeente did not say."""
    return None if house.gemeente.sms_price is None else house.gemeente.sms_price * parts


def say(
    session: Session, house: House, task: Task, *, by: str, key: str, words: str, once: str
) -> Message | None:
    """Plan an answer of *by* to whoever *task* is about; None if the same press planned it before.

    *key* is one of `SENTENCES`, or `WORDS` with what is said in Dutch. *once* names the press of
    the button. Raises Refused.
    """
    if task.done_at is not None or task.taken_by != by:
        raise Refused("Neem het gesprek eerst op u. Dan zwijgt de automaat.")
    place = place_of(session, house, task)
    if place is None:
        raise Refused("Er is geen nummer of adres. Bel of schrijf een brief.")
    if place.why_not is not None:
        raise Refused(place.why_not)
    if key not in (*_to_choose_from(place), WORDS):
        raise Refused("Kies een zin, of schrijf zelf.")
    values: dict[str, Any] = {"colleague": by}
    if key == WORDS:
        values["words"] = _own_words(house, place, task, by, words)
    last = _last_reply(session, task)
    recent = last is not None and last.at > moments.now() - route.WINDOW
    event = session.get_one(InboxEvent, last.event_id) if last is not None and recent else None
    return outbox.queue(
        session,
        house,
        occasion=f"task:{task.id}:said:{once}",
        key=key,
        person=task.person,
        address=place.address,
        language=place.language,
        values=values,
        expires_at=moments.now() + (IS_KEPT if place.waits else IS_USEFUL),
        in_reply_to=event,
    )


def _own_words(house: House, place: Place, task: Task, by: str, words: str) -> list[str]:
    """Return *words* as lines that may be said. Raises Refused."""
    lines = [" ".join(line.split()) for line in words.splitlines() if line.strip()]
    if not lines:
        raise Refused("Schrijf eerst iets.")
    if sum(map(len, lines)) > LONGEST_WORDS or any(len(line) > LONGEST_VALUE for line in lines):
        raise Refused(
            tell(
                "Schrijf hoogstens %(most)s tekens, en %(line)s op een "
                "regel. Korte zinnen lezen makkelijker.",
                most=LONGEST_WORDS,
                line=LONGEST_VALUE,
            )
        )
    for word in forbidden.found("\n".join(lines), "nl").values():
        raise Refused(
            tell(
                "Schrijf %(word)s niet in een chat: een ander kan het scherm zien. Bel hierover.",
                word=repr(word),
            )
        )
    if place.address.channel == SMS:
        body = _said(house, WORDS, SMS, place.language, task.person, by, {"words": lines})
        if segments(body) > house.gemeente.max_segments:
            raise Refused("Dit is te lang voor een sms. Maak het korter.")
    return lines


def _said(
    house: House,
    key: str,
    channel: str,
    language: str,
    person: Inburgeraar | None,
    by: str,
    more: Mapping[str, Any] | None = None,
) -> str:
    values = {
        **outbox.known(house),
        "first_name": person.first_name if person else "",
        "colleague": by,
        **(more or {}),
    }
    return render.render(
        key,
        language,
        values,
        buttons_as_numbers=False,
        plain=channel == SMS,
        catalogue=house.catalogue,
    ).body


def _last_reply(session: Session, task: Task) -> Reply | None:
    """Return what they wrote last: the person, or a number that nobody is known by."""
    if task.person_id is not None:
        whose = Reply.person_id == task.person_id
    elif task.address_id is not None:
        whose = (Reply.address_id == task.address_id) & Reply.person_id.is_(None)
    else:
        return None
    return session.scalars(select(Reply).where(whose).order_by(Reply.id.desc()).limit(1)).first()


# ------------------------------------------------------------------ while the window is shut


def announce(session: Session, house: House, message: Message) -> None:
    """Ask the reader of *message*, which waits for that, to open the chat; all that waits at one
    address is announced once.

    It says nothing of what waits, nor for whom: others may see the screen.
    """
    message.in_reply_to = None  # by now it answers nothing that was just said
    address = message.address
    if address is None:
        return
    silent_since = address.last_inbound_at or address.created_at
    if _announced(session, address, silent_since):
        return
    outbox.queue(
        session,
        house,
        occasion=f"{message.occasion}:announced:{silent_since:%Y%m%d%H%M%S}",
        key=ANNOUNCEMENT,
        person=message.person,
        address=address,
        language=message.language,
        expires_at=message.expires_at,
    )


def _announced(session: Session, address: Address, since: datetime) -> bool:
    """Say whether those at *address* were asked *since* then, and may still answer."""
    asked = exists().where(
        Message.address_id == address.id,
        Message.key == ANNOUNCEMENT,
        Message.state.not_in(NEVER_ASKED),
        Message.expires_at > moments.now(),
        Message.created_at > since,
    )
    return bool(session.scalar(select(asked)))


def waits(message: Message) -> bool:
    """Say whether *message* is a colleague's and waits until its reader opens the chat."""
    return (
        message.key in SAID_BY_COLLEAGUE
        and message.state in ("planned", "claimed")
        and message.channel == WHATSAPP
        and message.address is not None
        and not route.window_open(message.address)
    )


def waiting(session: Session, address: Address) -> Sequence[Message]:
    """Return what colleagues said at *address* and has not gone, first said first."""
    if address.channel != WHATSAPP:
        return ()
    return session.scalars(select(Message).where(*_waiting(address.id)).order_by(Message.id)).all()


def _waiting(address_id: int | None) -> tuple[ColumnElement[bool], ...]:
    return (
        Message.address_id == address_id,
        Message.key.in_(SAID_BY_COLLEAGUE),
        Message.state == "planned",
        Message.attempts == 0,
    )


def let_go(
    session: Session, address: Address, waited: Sequence[Message], event: InboxEvent
) -> None:
    """Let what *waited* at *address* go: with *event* its reader has opened the chat.

    Where danger was told and nobody has seen to it, it meets the gates as what nobody asked for.
    """
    in_danger = exists().where(
        Task.kind == EMERGENCY, Task.address_id == address.id, Task.done_at.is_(None)
    )
    outbox.go_now(session, waited, event, asked=not session.scalar(select(in_danger)))
    _call_off(session, address.id, "no_need")


def withdraw(session: Session, task: Task, number: int, *, by: str) -> None:
    """Take back message *number*, which waits in the conversation of *task*. Raises Refused.

    So may who has the conversation, and who said it.
    """
    message, address = delivery.lock(session, number)
    if (
        message is None
        or address is None
        or task.person_id is None
        or message.person_id != task.person_id
        or message.key not in SAID_BY_COLLEAGUE
        or by not in (task.taken_by, message.values.get("colleague"))
    ):
        raise Refused("Neem het gesprek eerst op u. Dan kunt u dit bericht intrekken.")
    if message.state != "planned":
        raise Refused("Dit bericht is al weg. Intrekken kan niet meer.")
    message.become("cancelled", moments.now())
    message.cause = "withdrawn"
    session.flush()
    if not waiting(session, address):
        _call_off(session, address.id, "withdrawn")


def not_announced(session: Session, announcement: Message) -> None:
    """Drop what nobody will be asked to open the chat for, and tell staff what to do instead.

    An *announcement* that may still go keeps all waiting; of danger, and of a template that is
    not approved, staff are told.
    """
    cause, about = announcement.cause, f"message:{announcement.id}"
    if announcement.state != "planned":
        cause, about = "not_announced", f"address:{announcement.address_id}"
        session.execute(
            update(Message)
            .where(*_waiting(announcement.address_id))
            .values(state="cancelled", cause=cause, changed_at=moments.now())
        )
    elif cause not in ("danger", "awaits_template"):
        return
    tasks.raise_task(
        session,
        tasks.CALL_OR_WRITE,
        about=about,
        person=announcement.person,
        address=announcement.address,
        note=tasks.explain(cause),
    )


def _call_off(session: Session, address_id: int, cause: str) -> None:
    """Take back the announcement at an address, if it has not gone."""
    session.execute(
        update(Message)
        .where(
            Message.address_id == address_id,
            Message.key == ANNOUNCEMENT,
            Message.state == "planned",
        )
        .values(state="cancelled", cause=cause, changed_at=moments.now())
    )


# ------------------------------------------------------------------ the automaton beside it


def taken(session: Session, address: Address, person: Inburgeraar | None) -> Task | None:
    """Return the open task of a colleague who has this conversation, if somebody has.

    On a shared phone that of one person is not that of another: where nobody knows who of them
    wrote, *person* is None, and it is only about conversations with that number itself.
    """
    whose: ColumnElement[bool] = and_(Task.address_id == address.id, Task.person_id.is_(None))
    if person is not None:
        whose = or_(Task.person_id == person.id, whose)
    return session.scalars(
        select(Task)
        .where(Task.done_at.is_(None), Task.taken_by.is_not(None), whose)
        .order_by(Task.id.desc())
        .limit(1)
    ).first()


def spoke_last(session: Session, address: Address) -> bool:
    """Say whether the last thing that we said at *address* was said by a colleague."""
    last = session.scalars(
        select(Message.key)
        .where(Message.address_id == address.id)
        .order_by(Message.id.desc())
        .limit(1)
    ).first()
    return last in (*SAID_BY_COLLEAGUE, ANNOUNCEMENT)


def say_who_answers(
    session: Session,
    house: House,
    task: Task,
    *,
    address: Address,
    language: str,
    event: InboxEvent,
    reply: Reply,
) -> None:
    """Leave what they wrote to the colleague who has *task*; say once who that is."""
    task.reply_id, task.snoozed_until = reply.id, None
    if spoke_last(session, address):
        return
    outbox.queue(
        session,
        house,
        occasion=f"task:{task.id}:answers:{task.taken_by}",
        key=ANSWERS,
        person=task.person,
        address=address,
        language=language,
        values={"colleague": task.taken_by},
        expires_at=moments.now() + route.WINDOW,
        in_reply_to=event,
    )
