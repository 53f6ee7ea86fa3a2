"""What people answer to a mass message, as it comes in: to its question, by wijk and by language.

As in the report of a quarter no figure is about fewer than FEWEST people, also not by subtraction:
answers and rows are put together until it is not, and until then nothing is shown.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.house import House
from bot.models.broadcasts import Broadcast
from bot.models.messages import Message, Reply
from bot.models.people import Inburgeraar
from bot.outreach.audience import REACHED
from bot.outreach.reports import FEWEST, Cell, Row, fold

YES, NO, ELSE, NOTHING = "yes", "no", "else", "nothing"

KINDS = {"confirm": YES, "decline": NO}
"""Of every other intent the answer is something else."""

COARSER = (
    ((YES,), (NO,), (ELSE,), (NOTHING,)),
    ((YES,), (NO, ELSE), (NOTHING,)),
    ((YES, NO, ELSE), (NOTHING,)),
)
"""Answers, put together more and more where too few people gave one of them."""

Column = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Responses:
    """Who answered what, as far as it may be shown."""

    question: str
    """As it stands in Dutch; nothing for a text that asks nothing."""
    reached: int
    """How many have it or may have it."""
    answered: int | None
    """How many of them answered; None for so few that it may not be said."""
    intents: list[Row]
    """How many people, by what they last said; nothing while they are too few."""
    columns: tuple[Column, ...]
    """What the cells of the two tables count."""
    wijken: list[Row]
    languages: list[Row]


def responses(session: Session, house: House, broadcast: Broadcast) -> Responses:
    """Count what those who have *broadcast* said last."""
    last = (
        select(Reply.message_id, func.max(Reply.id).label("id"))
        .join(Message, Message.id == Reply.message_id)
        .where(Message.broadcast_id == broadcast.id)
        .group_by(Reply.message_id)
        .subquery()
    )
    rows = session.execute(
        select(Inburgeraar.wijk, Message.language, Reply.id.is_(None), Reply.intent, func.count())
        .select_from(Message)
        .join(Inburgeraar, Inburgeraar.id == Message.person_id)
        .outerjoin(last, last.c.message_id == Message.id)
        .outerjoin(Reply, Reply.id == last.c.id)
        .where(Message.broadcast_id == broadcast.id, Message.voice.is_(None))
        .where(Message.state.in_(REACHED))
        .group_by(Inburgeraar.wijk, Message.language, Reply.id.is_(None), Reply.intent)
    ).all()
    told = [
        (wijk or "", language, NOTHING if silent else intent or "unclear", count)
        for wijk, language, silent, intent, count in rows
    ]
    reached = sum(count for *_, count in told)
    answered = sum(count for *_, said, count in told if said != NOTHING)
    intents: dict[str, int] = {}
    for _, _, said, count in told:
        if said != NOTHING:
            intents[said] = intents.get(said, 0) + count
    may_tell = not 0 < answered < FEWEST and not 0 < reached - answered < FEWEST
    columns, wijken, languages = _tables(
        [(wijk, said, count) for wijk, _, said, count in told],
        [(language, said, count) for _, language, said, count in told],
    )
    return Responses(
        question=_question(house, broadcast),
        reached=reached,
        answered=answered if may_tell else None,
        intents=fold({said: [Cell(n, n)] for said, n in intents.items()}) if may_tell else [],
        columns=columns,
        wijken=wijken,
        languages=languages,
    )


def _tables(
    by_wijk: Iterable[tuple[str, str, int]], by_language: Iterable[tuple[str, str, int]]
) -> tuple[tuple[Column, ...], list[Row], list[Row]]:
    """Return both tables with the same columns: the finest with which both can be shown.

    With others, one could be taken from the other.
    """
    both = [_counted(by_wijk), _counted(by_language)]
    for columns in COARSER:
        wijken, languages = (_folded(counts, columns) for counts in both)
        if wijken and languages:
            return columns, wijken, languages
    return COARSER[-1], [], []


def _counted(told: Iterable[tuple[str, str, int]]) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {}
    for name, said, count in told:
        kind = NOTHING if said == NOTHING else KINDS.get(said, ELSE)
        row = counts.setdefault(name, {})
        row[kind] = row.get(kind, 0) + count
    return counts


def _folded(counts: dict[str, dict[str, int]], columns: tuple[Column, ...]) -> list[Row]:
    sums = {
        name: [sum(row.get(kind, 0) for kind in column) for column in columns]
        for name, row in counts.items()
    }
    return fold({name: [Cell(n, n) for n in row] for name, row in sums.items()})


def _question(house: House, broadcast: Broadcast) -> str:
    entry = house.catalogue.entries.get(broadcast.key)
    if entry is None or entry.asks is None:
        return ""
    asked = [line for line in entry.text.splitlines() if line.rstrip().endswith("?")]
    return asked[-1].strip() if asked else ""
