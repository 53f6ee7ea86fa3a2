"""A conversation as staff read it: what was said, in order, with the Dutch under what was not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from flask import Response, abort
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from bot import moments
from bot.house import House
from bot.messaging import route, voices
from bot.models.messages import Attempt, Message, Reply
from bot.models.voices import VoiceNote
from bot.outreach import replies as answers
from bot.outreach.preview import OWN
from bot.wording.render import render
from console.desk import desk, house, looked

SHOWN = 40
"""Lines of a thread on one page."""

MOST = 200
"""Rows of either kind that are looked at for it."""


@dataclass(frozen=True, slots=True)
class Said:
    """One line of a thread: ours or theirs."""

    at: datetime
    message: Message | None = None
    reply: Reply | None = None
    dutch: str | None = None
    """What our own line says in Dutch, from the catalogue; None if it is Dutch already."""
    voice: VoiceNote | None = None
    """What they said aloud."""

    @property
    def waits(self) -> bool:
        """True of a colleague's answer that goes once its reader opens the chat."""
        return self.message is not None and answers.waits(self.message)

    @property
    def by_colleague(self) -> bool:
        """True of what a colleague said."""
        return self.message is not None and self.message.key in answers.SAID_BY_COLLEAGUE

    @property
    def plays(self) -> bool:
        """True where a browser can play it."""
        return self.voice is not None and Path(self.voice.file or "").suffix in voices.PLAYABLE


def thread(
    database: Session, here: House, messages: ColumnElement[bool], replies: ColumnElement[bool]
) -> tuple[list[Said], int]:
    """Return the newest of what was said, oldest first, and how much lies before that.

    *messages* and *replies* say whose, as conditions on `Message` and `Reply`.
    """
    ours = database.scalars(
        select(Message).where(messages).order_by(Message.id.desc()).limit(MOST)
    ).all()
    theirs = database.scalars(
        select(Reply).where(replies).order_by(Reply.id.desc()).limit(MOST)
    ).all()
    began = _first_calls(database, ours)
    told = [
        Said(began.get(each.id, each.changed_at), message=each)
        for each in ours
        if each.attempts > 0
        or each.state in ("failed", "undelivered")
        or each.key in (*answers.SAID_BY_COLLEAGUE, answers.ANNOUNCEMENT)
    ]
    notes = _voice_notes(database, theirs)
    told += [Said(each.at, reply=each, voice=notes.get(each.id)) for each in theirs]
    told.sort(key=lambda said: said.at)
    shown = [
        each if each.message is None else replace(each, dutch=in_dutch(here, each.message))
        for each in told[-SHOWN:]
    ]
    return shown, max(0, len(told) - SHOWN)


@desk.get("/geluid/<int:note_id>")
def voice_note(note_id: int) -> Response:
    """Let a voice note be heard, and write down by whom: a voice says more than its words."""
    with house().database.session() as database:
        note = database.get(VoiceNote, note_id)
        found = voices.heard(house().settings, note) if note is not None else None
        if note is None or found is None:
            abort(404)
        reply = database.get_one(Reply, note.reply_id)
        whose = f"person:{reply.person_id}" if reply.person_id else f"address:{reply.address_id}"
        looked(database, "voice.heard", whose, note=note.id)
    content, kind = found
    ending = Path(note.file or "").suffix
    shown = "inline" if ending in voices.PLAYABLE else "attachment"
    name = f"spraakbericht-{moments.local(note.said_at):%Y-%m-%d-%H%M}{ending}"
    return Response(
        content,
        content_type=kind,
        headers={
            "Content-Disposition": f'{shown}; filename="{name}"',
            "Accept-Ranges": "none",
        },
    )


def _voice_notes(database: Session, replies: Sequence[Reply]) -> dict[int, VoiceNote]:
    """Return what was said aloud in *replies*, by their number."""
    spoken = [each.id for each in replies if each.media]
    found = select(VoiceNote).where(VoiceNote.reply_id.in_(spoken))
    return {note.reply_id: note for note in database.scalars(found)} if spoken else {}


def _first_calls(database: Session, messages: Sequence[Message]) -> dict[int, datetime]:
    """Return when each message was first handed over."""
    calls = database.execute(
        select(Attempt.message_id, func.min(Attempt.started_at))
        .where(Attempt.message_id.in_([each.id for each in messages]))
        .group_by(Attempt.message_id)
    )
    return {row.message_id: row[1] for row in calls}


def in_dutch(here: House, message: Message) -> str | None:
    """Say *message* in Dutch, from the catalogue as it is now; None if that cannot be.

    An own text of a group message is not in it: it is said in Dutch if its author wrote that too.
    """
    values = route.in_dutch(route.unpack(message.values))
    if message.language == "nl" or (message.key == OWN and not values.get("own")):
        return None
    try:
        told = render(
            message.key,
            "nl",
            values,
            buttons_as_numbers=False,
            plain=True,
            catalogue=here.catalogue,
        )
    except (KeyError, ValueError):
        return None
    return told.body
