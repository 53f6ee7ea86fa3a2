"""What a question is about, in one line that its reader can choose by."""

from __future__ import annotations

from sqlalchemy.orm import Session

from bot.models.afspraken import Afspraak
from bot.models.messages import Message
from bot.models.voortrajecten import Deelname
from bot.wording.render import spoken_date, spoken_day, spoken_time


def in_one_line(session: Session, message: Message, language: str) -> str:
    """Return the day and time of an afspraak, or the theme of a voortraject."""
    noun, _, number = (message.about or "").partition(":")
    if noun == "afspraak":
        begins = session.get_one(Afspraak, int(number)).begins
        day = spoken_day(begins, language)
        return f"{day} ({spoken_date(begins)}) {spoken_time(begins)}"
    return session.get_one(Deelname, int(number)).voortraject.theme
