"""What a question is about, in one line that its reader can choose by."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from bot.models.afspraken import Afspraak
from bot.models.messages import Message
from bot.models.voortrajecten import Deelname
from bot.wording.render import spoken_date, spoken_day, spoken_time


def in_one_line(session: Session, message: Message, language: str) -> str:
    """Return the day and time of an afspraak, or the theme of a voortraject."""
    noun, _, number = (message.about or "").partition(":")
    if noun == "afspraak":
        return moment(session.get_one(Afspraak, int(number)).begins, language)
    return session.get_one(Deelname, int(number)).voortraject.theme


def in_one_line_each(session: Session, messages: Sequence[Message], language: str) -> list[str]:
    """Return a line for each of *messages*; with whom or where, if else two would be the same."""
    lines = [in_one_line(session, message, language) for message in messages]
    if len(set(lines)) == len(lines):
        return lines
    more: list[str] = []
    for line, message in zip(lines, messages, strict=True):
        noun, _, number = (message.about or "").partition(":")
        afspraak = session.get(Afspraak, int(number)) if noun == "afspraak" else None
        place = [afspraak.staff, afspraak.place] if afspraak is not None else []
        more.append(", ".join([line, *(part for part in place if part)]))
    return more


def moment(at: datetime, language: str) -> str:
    """Return day, date and time of *at* in one line, for a reader of *language*."""
    return f"{spoken_day(at, language)} ({spoken_date(at)}) {spoken_time(at)}"
