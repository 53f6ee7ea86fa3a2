"""A conversation as staff read it: what was said, in order, with the Dutch under what was not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from bot.house import House
from bot.messaging import route
from bot.models.messages import Attempt, Message, Reply
from bot.outreach.replies import SAID_BY_COLLEAGUE
from bot.wording.render import render

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


def thread(
    database: Session, house: House, messages: ColumnElement[bool], replies: ColumnElement[bool]
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
        Said(began.get(each.id, each.changed_at), message=each, dutch=in_dutch(house, each))
        for each in ours
        if each.attempts > 0
        or each.state in ("failed", "undelivered")
        or each.key in SAID_BY_COLLEAGUE
    ]
    told += [Said(each.at, reply=each) for each in theirs]
    told.sort(key=lambda said: said.at)
    return told[-SHOWN:], max(0, len(told) - SHOWN)


def _first_calls(database: Session, messages: Sequence[Message]) -> dict[int, datetime]:
    """Return when each message was first handed over."""
    calls = database.execute(
        select(Attempt.message_id, func.min(Attempt.started_at))
        .where(Attempt.message_id.in_([each.id for each in messages]))
        .group_by(Attempt.message_id)
    )
    return {row.message_id: row[1] for row in calls}


def in_dutch(house: House, message: Message) -> str | None:
    """Say *message* in Dutch, from the catalogue as it is now; None if that cannot be."""
    if message.language == "nl":
        return None
    try:
        told = render(
            message.key,
            "nl",
            route.unpack(message.values),
            buttons_as_numbers=False,
            plain=True,
            catalogue=house.catalogue,
        )
    except (KeyError, ValueError):
        return None
    return told.body
