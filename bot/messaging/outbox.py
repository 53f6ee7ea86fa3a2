"""queue(): the only way anything is ever sent.

One row per occasion: a tick that runs twice, a broadcast that is expanded again, a reply
that is handled again all find the row that is there. It is rendered here, in the reader's
language: what staff preview is what is sent.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache, partial
from typing import Any, NamedTuple

import structlog
from sqlalchemy import inspect, select, update
from sqlalchemy.orm import Session

from bot import moments
from bot.channels.base import SMS, TELEGRAM, WHATSAPP, Button
from bot.house import House
from bot.inserts import Written, insert_new, insert_once
from bot.messaging import route, voices
from bot.models.messages import BROADCASTS, REMINDERS, REPLIES, TEST, InboxEvent, Message
from bot.models.people import Address, Inburgeraar
from bot.privacy import consent
from bot.wording import render
from bot.wording.segments import segments

log = structlog.get_logger()

REPEAT_NOTE = "repeat.note"
"""The key of the line that says that what follows may have come before."""

_QUEUED = "queued"

VOICED = (WHATSAPP, TELEGRAM)
"""The channels that voice notes go by."""

PRIORITY = {"answer": REPLIES, "public task": REMINDERS, "invitation": BROADCASTS}


def queue(
    session: Session,
    house: House,
    *,
    occasion: str,
    key: str,
    expires_at: datetime,
    person: Inburgeraar | None = None,
    address: Address | None = None,
    values: Mapping[str, Any] | None = None,
    language: str | None = None,
    about: str | None = None,
    version: int | None = None,
    not_before: datetime | None = None,
    in_reply_to: InboxEvent | None = None,
    repeats: Message | None = None,
    buttons: Sequence[Button] = (),
) -> Message | None:
    """Plan the catalogue text *key*, once for this *occasion*; None if it was planned before.

    *address* is chosen from the person's own unless given; without any that may be used the
    message is written down as ``blocked``, so that staff see what was not sent. *values* fill
    the text; first name, gemeente and phone are there already. *about* and *version* name what
    it speaks of: a newer version voids it. *repeats* is a message that may have arrived: this one
    says that it may be the same. *buttons* are answers that the catalogue cannot know; they come
    after its own.
    """
    entry = house.catalogue.entries[key]
    purpose = entry.purpose
    if address is None and person is not None:
        address = route.address_for(session, person, invitation=purpose == "invitation")
    language = language or (person.language if person else None)
    language = language or (address.language if address else None) or "nl"
    filled = {
        **known(house),
        **(values or {}),
        # Last: what is said again elsewhere brings the name that was said here.
        "first_name": consent.name_at(session, person, address) if person else "",
    }
    channel = address.channel if address else None
    text = render.render(
        key,
        language,
        filled,
        buttons_as_numbers=channel is not None and route.numbered(channel),
        plain=channel == SMS,
        above=REPEAT_NOTE if repeats is not None else None,
        more=[button.title for button in buttons],
        catalogue=house.catalogue,
    )
    answers = [*text.buttons]
    if channel is None or not route.numbered(channel):
        answers += [(button.id, button.title) for button in buttons]
    if channel == SMS and (cost := segments(text.body)) > house.gemeente.max_segments:
        log.warning("sms above the maximum", key=key, language=language, segments=cost)
    now = moments.now()
    made = insert_once(
        session,
        Message,
        {
            "occasion": occasion,
            "person_id": person.id if person else None,
            "address_id": address.id if address else None,
            "channel": channel,
            "purpose": purpose,
            "key": key,
            "language": language,
            "values": route.pack(filled),
            "body": text.body,
            "buttons": [list(pair) for pair in answers],
            "asks": entry.asks,
            "about": about,
            "version": version,
            "in_reply_to": in_reply_to.id if in_reply_to else None,
            "repeats_id": repeats.id if repeats else None,
            "priority": PRIORITY[purpose] if in_reply_to is None else REPLIES,
            "state": "planned" if address else "blocked",
            "cause": None if address else "no_address",
            "not_before": not_before or now,
            "expires_at": expires_at,
            "created_at": now,
            "changed_at": now,
        },
    )
    if made is None:
        return None
    if person is not None and person.listens and repeats is None and channel in VOICED:
        _say(session, house, made, filled)
    if channel is not None:
        session.info.setdefault(_QUEUED, set()).add(channel)
    return session.get_one(Message, made)


def _say(session: Session, house: House, number: int, filled: Mapping[str, Any]) -> None:
    """Plan the sound of message *number* right behind it, where all of it is recorded.

    A message of its own: the text must not wait for the sound, nor fail with it.
    """
    message = session.get_one(Message, number)
    voice = voices.of_text(session, house, message.key, message.language, filled)
    if voice is None:
        return
    same = {
        column.key: getattr(message, column.key)
        for column in inspect(Message).column_attrs
        if column.key not in ("id", "occasion", "asks", "buttons", "voice")
    }
    occasion = f"{message.occasion}:voice"
    insert_once(
        session,
        Message,
        {**same, "occasion": occasion, "voice": voice, "buttons": [], "asks": None},
    )


def queued(session: Session) -> Collection[str]:
    """Return the channels for which something was planned in this transaction."""
    channels: set[str] = session.info.get(_QUEUED, set())
    return channels


def known(house: House) -> dict[str, Any]:
    """Return the values that every text may use, beside the first name of its reader."""
    return {
        "gemeente": house.gemeente.name,
        "phone": house.gemeente.phone,
        "colleague_hours": house.gemeente.colleague_hours,
        "listen": "",  # how to hear it instead, where that can be
    }


# ------------------------------------------------------------------ one text for many


class Copy(NamedTuple):
    """One person's copy of a mass message: for whom, where, in which language."""

    person: int
    address: int
    channel: str
    language: str
    first_name: str
    about: str
    cause: str | None = None
    """Why it is not sent after all, in which case it is written down as ``cancelled``."""
    listens: bool = False
    """They would rather listen: where it is recorded its sound comes behind it."""


class Made:
    """One text for the readers of one language on one channel, but for their names."""

    def __init__(self, mould: render.Mould, values: Mapping[str, Any]) -> None:
        self.mould, self.values = mould, values
        self.buttons = [list(pair) for pair in mould.buttons]
        self._buttons = Written(json.dumps(self.buttons))
        self._values = json.dumps({**values, "first_name": ""}).removesuffix('""}')

    def columns(self, first_name: str) -> dict[str, Any]:
        """Return the columns of `Message` that hold the text for somebody called *first_name*."""
        return {
            "body": self.mould.pour({"first_name": first_name}),
            "buttons": self.buttons,
            "values": {**self.values, "first_name": first_name},
        }

    def written(self, first_name: str) -> dict[str, Any]:
        """Return the same as they are stored: for many people at once."""
        return {
            "body": self.mould.pour({"first_name": first_name}),
            "buttons": self._buttons,
            "values": Written(f"{self._values}{json.dumps(first_name)}}}"),
        }


class Press:
    """Writes one text for many people, each in their own language.

    What is the same for all readers of a language on a channel is done once.
    """

    def __init__(self, house: House, key: str, values: Callable[[str], Mapping[str, Any]]) -> None:
        """Get ready to write *key*; *values* fills it, given the code of the text's language."""
        self.house, self.key = house, key
        self._values = values
        self.made = cache(self._made)

    def body(self, channel: str, language: str, first_name: str) -> str:
        """Return what somebody called *first_name* reads."""
        return self.made(channel, language).mould.pour({"first_name": first_name})

    def columns(self, channel: str, language: str, first_name: str) -> dict[str, Any]:
        """Return the columns of `Message` that hold the text."""
        return self.made(channel, language).columns(first_name)

    def _made(self, channel: str, language: str) -> Made:
        catalogue = self.house.catalogue
        written_in = catalogue.text(self.key, language).language
        filled = {**known(self.house), **self._values(written_in)}
        mould = render.Mould(
            self.key,
            language,
            filled,
            ["first_name"],
            buttons_as_numbers=route.numbered(channel),
            plain=channel == SMS,
            catalogue=catalogue,
        )
        return Made(mould, route.pack(filled))

    def voice(self, session: Session, language: str) -> str | None:
        """Return what it sounds like in *language*, as `voices.of_text` does."""
        filled = {**known(self.house), **self._values(language)}
        return voices.of_text(session, self.house, self.key, language, filled)


def queue_many(
    session: Session,
    press: Press,
    copies: Iterable[Copy],
    *,
    broadcast: int,
    version: int | None,
    expires_at: datetime,
) -> None:
    """Plan a copy of the mass message *broadcast* for each, once for every person.

    Behind it goes its sound for who would rather listen, as in `queue`.
    """
    entry = press.house.catalogue.entries[press.key]
    now = moments.now()
    same = {
        "purpose": entry.purpose,
        "key": press.key,
        "version": version,
        "broadcast_id": broadcast,
        "priority": BROADCASTS,
        "not_before": now,
        "expires_at": expires_at,
        "created_at": now,
        "changed_at": now,
    }
    copies = list(copies)
    insert_new(
        session,
        Message,
        [
            {
                **_addressed(broadcast, copy),
                **press.made(copy.channel, copy.language).written(copy.first_name),
                "about": copy.about,
                "state": "cancelled" if copy.cause else "planned",
                "cause": copy.cause,
            }
            for copy in copies
        ],
        same={**same, "asks": entry.asks},
    )
    voice = cache(partial(press.voice, session))
    heard = [
        {
            **_addressed(broadcast, copy, ":voice"),
            **press.made(copy.channel, copy.language).written(copy.first_name),
            "about": copy.about,
            "buttons": Written("[]"),
            "voice": voice(copy.language),
        }
        for copy in copies
        if copy.listens and not copy.cause and copy.channel in VOICED and voice(copy.language)
    ]
    if heard:
        insert_new(session, Message, heard, same={**same, "state": "planned"})


def _addressed(broadcast: int, copy: Copy, more: str = "") -> dict[str, Any]:
    return {
        "occasion": f"broadcast:{broadcast}:person:{copy.person}{more}",
        "person_id": copy.person,
        "address_id": copy.address,
        "channel": copy.channel,
        "language": copy.language,
    }


def queue_test(
    session: Session,
    press: Press,
    *,
    occasion: str,
    about: str,
    above: str,
    first_name: str,
    language: str,
    address: Address,
    in_reply_to: InboxEvent,
    expires_at: datetime,
) -> None:
    """Plan what the readers of *language* get for a colleague, with *above* before all else."""
    columns = press.columns(address.channel, language, first_name)
    now = moments.now()
    insert_once(
        session,
        Message,
        {
            **columns,
            "body": f"{above}\n{columns['body']}",
            "occasion": occasion,
            "address_id": address.id,
            "channel": address.channel,
            "purpose": TEST,
            "key": press.key,
            "language": language,
            "about": about,
            "in_reply_to": in_reply_to.id,
            "priority": REPLIES,
            "state": "planned",
            "not_before": now,
            "expires_at": expires_at,
            "created_at": now,
            "changed_at": now,
        },
    )
    session.info.setdefault(_QUEUED, set()).add(address.channel)


def take_up(session: Session, press: Press, *, broadcast: int, expires_at: datetime) -> None:
    """Let what is planned of a mass message that stood still go now, written anew.

    The text may have been put right meanwhile. What a worker holds at this moment is left alone.
    """
    held: Sequence[Message] = session.scalars(
        select(Message)
        .where(Message.broadcast_id == broadcast, Message.state == "planned")
        .with_for_update(skip_locked=True, key_share=True)
    ).all()
    now = moments.now()
    for message in held:
        message.not_before, message.expires_at, message.cause = now, expires_at, None
        if message.voice is not None:
            message.voice = press.voice(session, message.language)
            if message.voice is None:  # the text is another one now
                message.become("cancelled", now)
            continue
        first_name = str(message.values["first_name"])
        for name, value in press.columns(
            message.channel or "", message.language, first_name
        ).items():
            setattr(message, name, value)


def go_now(session: Session, waiting: Sequence[Message], event: InboxEvent, *, asked: bool) -> None:
    """Let what waited for its reader go, before anything that we answer to *event* ourselves.

    It answers *event* if it is what they *asked* for. What was dropped meanwhile stays so.
    """
    answers = {"in_reply_to": event.id} if asked else {}
    session.execute(
        update(Message)
        .where(Message.id.in_([each.id for each in waiting]), Message.state == "planned")
        .values(not_before=event.received_at, cause=None, **answers)
    )
    session.info.setdefault(_QUEUED, set()).update(each.channel for each in waiting)


def put_aside(session: Session, broadcast: int) -> None:
    """Let what is planned of a mass message wait until it is taken up.

    The gate before the call would hold each of them; this saves the others that wait. What a
    worker holds at this moment meets that gate.
    """
    held = (
        select(Message.id)
        .where(Message.broadcast_id == broadcast, Message.state == "planned")
        .with_for_update(skip_locked=True, key_share=True)
    )
    session.execute(
        update(Message)
        .where(Message.id.in_(held))
        .values(not_before=Message.expires_at, cause="broadcast_stopped")
        .execution_options(synchronize_session=False)
    )
