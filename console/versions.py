"""What an afspraak was before: each version as its person was told it, and what they answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.messaging import route
from bot.models.afspraken import Afspraak
from bot.models.messages import Message, Reply


@dataclass(slots=True)
class Version:
    """A time and place of an afspraak. One that nobody was told is not kept."""

    number: int
    begins: datetime
    place: str
    answers: list[Reply] = field(default_factory=list)


def versions(database: Session, afspraken: Sequence[Afspraak]) -> dict[int, list[Version]]:
    """Return by afspraak the versions that its person was told, the newest first."""
    found: dict[int, dict[int, Version]] = {each.id: {} for each in afspraken}
    numbers = {each.about: each.id for each in afspraken}
    told = select(Message.id, Message.about, Message.version, Message.values).where(
        Message.about.in_(numbers),
        Message.version.is_not(None),
        # An afspraak may have been somebody else's before.
        Message.person_id.in_({each.person_id for each in afspraken}),
    )
    meant: dict[int, Version] = {}
    for message, about, number, values in database.execute(told.order_by(Message.id)):
        said = route.unpack(values)
        if not isinstance(said.get("begins"), datetime):
            continue  # it was emptied, for its time was over
        kept = Version(number, said["begins"], said.get("place", ""))
        meant[message] = found[numbers[about]].setdefault(number, kept)
    answers = select(Reply).where(Reply.message_id.in_(meant), Reply.intent.is_not(None))
    for reply in database.scalars(answers.order_by(Reply.id)):
        meant[reply.message_id or 0].answers.append(reply)
    return {
        afspraak: sorted(each.values(), key=lambda one: -one.number)
        for afspraak, each in found.items()
    }
