"""The report of a quarter: reach, answers, who did not come, lateness, failures, cost.

Made by the database in sets, however many messages there are, and kept as it was made: looking at
it costs nothing. No figure in it is about fewer than FEWEST people, also not by subtraction: what
is too small is put together with its neighbours until it is not, so that all that is shown adds
up to the totals. Periods do not overlap and nothing can be narrowed down further, for the same
reason; what is counted in another way beside it, is rounded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from time import perf_counter
from typing import Any

from sqlalchemy import ColumnElement, Float, String, and_, case, cast, exists, func, or_, select
from sqlalchemy.orm import Session

from bot import moments
from bot.channels.base import SMS, TELEGRAM, WHATSAPP
from bot.house import House
from bot.inserts import insert_once
from bot.models.afspraken import Afspraak
from bot.models.figures import Figure
from bot.models.messages import TEST, Attempt, Message, Spending
from bot.models.people import Inburgeraar
from bot.models.reports import Report
from bot.outreach.figures import DUTCH, KINDS

FEWEST = 10
"""People that a figure must be about, at least."""

GOOD_FOR = timedelta(hours=1)
"""How long a report of the quarter that runs is shown before it is made anew."""

QUARTERS = 8
"""To choose from, with the one that runs."""

QUICK = 0.1
"""Seconds. A report that is made this quickly is made anew at every look."""

CHANNELS = (WHATSAPP, TELEGRAM, SMS)

ARRIVED = ("delivered", "read")
TAKEN = ("accepted", "sent", "no_receipt")
"""All that a channel without receipts tells of a message that arrived."""

LATE = (("op tijd", 300), ("tot een uur te laat", 3600), ("meer dan een uur te laat", None))
"""How late a message went, and up to how many seconds after it was due."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure, and how many people it is about."""

    value: int
    people: int

    @property
    def small(self) -> bool:
        """True for a figure that must not be shown alone."""
        return 0 < self.people < FEWEST


Row = tuple[tuple[str, ...], tuple[Cell, ...]]
"""What a row is about, several names where several were put together; and its figures."""


# ------------------------------------------------------------------ what may be shown


def fold(rows: Mapping[str, Sequence[Cell]], *, apart: bool = True) -> list[Row]:
    """Put rows together until no figure is about fewer than FEWEST people, yet about somebody.

    Biggest first, what was put together last. Nothing comes back if all together is still too
    few. *apart* says that nobody is in two rows; else as many people are counted as in the
    biggest of them, which is never too many.
    """
    named = {name: tuple(cells) for name, cells in rows.items() if any(c.value for c in cells)}
    kept = sorted(named.items(), key=lambda row: (-_size(row[1]), row[0]))
    small = [row for row in kept if any(cell.small for cell in row[1])]
    kept = [row for row in kept if row not in small]
    shown: list[Row] = [((name,), cells) for name, cells in kept]
    if not small:
        return shown
    names = [name for name, _ in small]
    others = _together([cells for _, cells in small], apart=apart)
    while any(cell.small for cell in others):
        if not shown:
            return []
        (name,), cells = shown.pop()
        names.insert(0, name)
        others = _together([cells, others], apart=apart)
    return [*shown, (tuple(names), others)]


def _together(rows: Sequence[Sequence[Cell]], *, apart: bool) -> tuple[Cell, ...]:
    people = sum if apart else max
    return tuple(
        Cell(sum(cell.value for cell in column), people(cell.people for cell in column))
        for column in zip(*rows, strict=True)
    )


def _size(cells: Sequence[Cell]) -> int:
    return sum(cell.value for cell in cells)


def tens(count: int, people: int | None = None) -> int | None:
    """Return *count* to the nearest ten; None if it is about too few people."""
    about = count if people is None else people
    if 0 < about < FEWEST:
        return None
    return (count + 5) // 10 * 10


# ------------------------------------------------------------------ quarters


def quarter_of(day: date) -> date:
    """Return the first day of the quarter of *day*."""
    return date(day.year, (day.month - 1) // 3 * 3 + 1, 1)


def next_quarter(first: date) -> date:
    """Return the first day of the quarter after the one that begins on *first*."""
    return date(first.year + (first.month == 10), (first.month + 2) % 12 + 1, 1)


def quarters() -> list[date]:
    """Return the first days of the quarters that there are reports of, the one that runs first."""
    found = [quarter_of(moments.local(moments.now()).date())]
    while len(found) < QUARTERS:
        found.append(quarter_of(found[-1] - timedelta(days=1)))
    return found


def spelled(first: date) -> str:
    """Return a quarter as addresses name it, e.g. ``2026-4``."""
    return f"{first.year}-{(first.month + 2) // 3}"


def weeks_of(first: date, until: date) -> list[date]:
    """Return the days on which the weeks of a quarter begin, up to *until*.

    Mondays; but for the first, which is the quarter's first day.
    """
    monday = first - timedelta(days=first.weekday()) + timedelta(weeks=1)
    found = [first]
    while monday < until:
        found.append(monday)
        monday += timedelta(weeks=1)
    return found


def _at(day: date) -> datetime:
    return moments.from_local(datetime.combine(day, time()))


# ------------------------------------------------------------------ kept as made


def current(session: Session, first: date, *, looked_at: bool = True) -> Report | None:
    """Return the report of the quarter that begins on *first*, if it still holds.

    For whoever looks at it, one that is quickly made does not.
    """
    found = session.scalars(select(Report).where(Report.quarter == first)).one_or_none()
    if found is None:
        return None
    if found.made_at >= _settled(first):
        return found
    if moments.now() - found.made_at > GOOD_FOR or (looked_at and found.seconds <= QUICK):
        return None
    return found


def _settled(first: date) -> datetime:
    """Return when nothing more is told of the messages of a quarter."""
    return _at(next_quarter(first)) + timedelta(days=7)


def fades(house: House, first: date) -> bool:
    """Say whether rows of the quarter may be erased already, because of their age."""
    kept = house.gemeente.retention
    return _at(first) < moments.now() - timedelta(days=min(kept.messages, kept.afspraken))


def lasts(house: House, first: date) -> bool:
    """Say whether a report of this quarter is all that is left, and so must stay as it is."""
    return fades(house, first) and moments.now() >= _settled(first)


def keep(session: Session, first: date, figures: dict[str, Any], seconds: float) -> Report:
    """Keep what was made of a quarter, in the place of what was kept before."""
    now = moments.now()
    insert_once(
        session,
        Report,
        {"quarter": first, "figures": figures, "made_at": now, "seconds": seconds},
    )
    found = session.scalars(select(Report).where(Report.quarter == first).with_for_update()).one()
    found.figures, found.made_at, found.seconds = figures, now, seconds
    session.flush()
    return found


def timed(session: Session, house: House, first: date) -> tuple[dict[str, Any], float]:
    """Count the quarter that begins on *first*; return its figures and how many seconds it took."""
    began = perf_counter()
    return make(session, house, first), perf_counter() - began


# ------------------------------------------------------------------ counted


def make(session: Session, house: House, first: date) -> dict[str, Any]:
    """Count the quarter that begins on *first*, up to now."""
    end = min(_at(next_quarter(first)), moments.now())
    begin = _at(first)
    known, wijken, talen, kanalen = _reach(session, begin, end)
    return {
        "known": known,
        "wijken": _shown(fold(wijken)),
        "talen": _shown(fold(talen)),
        "kanalen": _shown(fold(kanalen)),
        "weeks": _weeks(session, first, end),
        "answers": _answers(session, begin, end),
        "came": _came(session, begin, end),
        "late": _shown(fold(_late(session, begin, end), apart=False)),
        **_ended(session, begin, end),
        "cost": _cost(session, house, first, begin, end),
    }


def _shown(rows: Sequence[Row]) -> list[list[Any]]:
    return [[list(names), [cell.value for cell in cells]] for names, cells in rows]


def _within(begin: datetime, end: datetime) -> ColumnElement[bool]:
    return and_(Message.not_before >= begin, Message.not_before < end, Message.purpose != TEST)


def _arrived() -> ColumnElement[bool]:
    """Return what says that a message reached its reader, as far as its channel can tell."""
    return or_(
        Message.state.in_(ARRIVED),
        and_(Message.channel == TELEGRAM, Message.state.in_(TAKEN)),
    )


def _reach(
    session: Session, begin: datetime, end: datetime
) -> tuple[int, dict[str, list[Cell]], dict[str, list[Cell]], dict[str, list[Cell]]]:
    """Count who is known, and of these who was reached, by wijk, language and channel."""
    ways = {name: 1 << at for at, name in enumerate(CHANNELS)}
    on = [func.max(case((Message.channel == name, bit), else_=0)) for name, bit in ways.items()]
    reached = (
        select(Message.person_id, (on[0] + on[1] + on[2]).label("ways"))
        .where(_within(begin, end), _arrived(), Message.person_id.is_not(None))
        .group_by(Message.person_id)
        .subquery()
    )
    rows = session.execute(
        select(
            Inburgeraar.wijk, Inburgeraar.language, reached.c.ways, func.count(),
        )
        .outerjoin(reached, reached.c.person_id == Inburgeraar.id)
        .group_by(Inburgeraar.wijk, Inburgeraar.language, reached.c.ways)
    ).all()  # fmt: skip
    wijken: dict[str, list[int]] = {}
    talen: dict[str, list[int]] = {}
    kanalen: dict[str, int] = {}
    names = {bit: name for name, bit in ways.items()}
    for wijk, language, mask, count in rows:
        for table, name in ((wijken, wijk or ""), (talen, language)):
            table.setdefault(name, [0, 0])[0 if mask else 1] += count
        way = names.get(mask, "meer" if mask else "niet")
        kanalen[way] = kanalen.get(way, 0) + count
    return (
        sum(count for *_, count in rows),
        {name: [Cell(n, n) for n in counts] for name, counts in wijken.items()},
        {name: [Cell(n, n) for n in counts] for name, counts in talen.items()},
        {name: [Cell(n, n)] for name, n in kanalen.items()},
    )


def _weeks(session: Session, first: date, end: datetime) -> dict[str, Any]:
    """Count who was reached in each week on each channel, to the nearest ten."""
    until = min(next_quarter(first), moments.local(end).date() + timedelta(days=1))
    starts = weeks_of(first, until)
    bounds = [*map(_at, starts[1:]), end]
    which = case(
        *((Message.not_before < bound, at) for at, bound in enumerate(bounds)),
        else_=len(bounds) - 1,
    )
    found = session.execute(
        select(Message.channel, which, func.count(Message.person_id.distinct()))
        .where(_within(_at(first), end), _arrived())
        .group_by(Message.channel, which)
    )
    counts = {(channel, week): count for channel, week, count in found}
    return {
        "starts": [start.isoformat() for start in starts],
        "people": {
            name: [tens(counts.get((name, week), 0)) for week in range(len(starts))]
            for name in CHANNELS
            if any(counts.get((name, week), 0) for week in range(len(starts)))
        },
    }


ANSWERS = ("confirmed", "reschedule", "declined", "none")

COARSER = (
    (("confirmed",), ("reschedule",), ("declined",), ("none",)),
    (("confirmed",), ("reschedule", "declined"), ("none",)),
    (("confirmed", "reschedule", "declined"), ("none",)),
)
"""Answers, put together more and more where too few people gave one of them."""


UNKNOWN = ""
"""The language of whoever is forgotten."""


def _gone(session: Session, kind: str, begin: datetime, end: datetime) -> Sequence[Figure]:
    """Return what is left of *kind* in the months of a quarter: it happened all the same."""
    months = (moments.local(begin).date(), moments.local(end).date())
    found = select(Figure).where(Figure.kind == kind, Figure.month >= months[0])
    return session.scalars(found.where(Figure.month < months[1])).all()


def _held(begin: datetime, end: datetime) -> ColumnElement[bool]:
    return and_(Afspraak.begins >= begin, Afspraak.begins < end, Afspraak.status == "gepland")


def _answers(session: Session, begin: datetime, end: datetime) -> dict[str, Any]:
    """Count the answers to afspraken that have begun, by language."""
    found = session.execute(
        select(
            Inburgeraar.language, Afspraak.answer, func.count(),
            func.count(Afspraak.person_id.distinct()),
        )
        .join(Inburgeraar, Inburgeraar.id == Afspraak.person_id)
        .where(_held(begin, end))
        .group_by(Inburgeraar.language, Afspraak.answer)
    ).all()  # fmt: skip
    cells = {(row[0], row[1]): Cell(row[2], row[3]) for row in found}
    for gone in _gone(session, "afspraak", begin, end):
        if gone.cause == "gepland":
            before = cells.get((UNKNOWN, gone.state), Cell(0, 0))
            now = [[before], [Cell(gone.count, gone.people)]]
            cells[UNKNOWN, gone.state] = _together(now, apart=False)[0]
    languages = sorted({language for language, _ in cells})
    best: tuple[int, tuple[tuple[str, ...], ...], list[Row]] = (0, (), [])
    for columns in COARSER:
        rows = {
            language: [
                _together(
                    [[cells.get((language, answer), Cell(0, 0))] for answer in column],
                    apart=False,
                )[0]
                for column in columns
            ]
            for language in languages
        }
        shown = fold(rows)
        alone = sum(len(names) == 1 for names, _ in shown)
        if shown and (not best[2] or alone > best[0]):
            best = (alone, columns, shown)
        if 2 * alone >= len(languages):
            break
    return {"columns": [list(column) for column in best[1]], "rows": _shown(best[2])}


REMINDERS = "afspraak.reminder"


def _came(session: Session, begin: datetime, end: datetime) -> list[list[Any]]:
    """Count who did not come, by whether a reminder arrived and was answered.

    Only of afspraken of which staff wrote down whether the person came. To the nearest ten, for
    the same afspraken are counted by their answer elsewhere.
    """
    reminded = exists().where(
        Message.about == "afspraak:" + cast(Afspraak.id, String),
        Message.key.startswith(REMINDERS, autoescape=True),
        _arrived(),
    )
    group = case((~reminded, "none"), (Afspraak.answer == "confirmed", "yes"), else_="silent")
    # Once for each afspraak; the group is asked of what is found, not worked out once more.
    each = (
        select(group.label("which"), Afspraak.came, Afspraak.person_id)
        .where(_held(begin, end), Afspraak.came.is_not(None))
        .subquery()
    )
    found = session.execute(
        select(
            each.c.which, each.c.came, func.count(), func.count(each.c.person_id.distinct())
        ).group_by(each.c.which, each.c.came)
    ).all()
    shown: list[list[Any]] = []
    for name in ("none", "silent", "yes"):
        cells = {row[1]: Cell(row[2], row[3]) for row in found if row[0] == name}
        came, missed = cells.get(True, Cell(0, 0)), cells.get(False, Cell(0, 0))
        total = came.value + missed.value
        if total == 0 or max(came.people, missed.people) < FEWEST:
            shown.append([name, None, None])
        elif came.small or missed.small:
            shown.append([name, tens(total), None])
        else:
            shown.append([name, tens(total), round(100 * missed.value / total)])
    return shown


def _late(session: Session, begin: datetime, end: datetime) -> dict[str, list[Cell]]:
    """Count how long after it was due each message was first handed over."""
    seconds = _seconds(session, Message.not_before, Attempt.started_at)
    bucket = case(
        *((seconds <= most, at) for at, (_, most) in enumerate(LATE) if most is not None),
        else_=len(LATE) - 1,
    )
    found = session.execute(
        select(bucket, func.count(), func.count(Message.person_id.distinct()))
        .join(Attempt, and_(Attempt.message_id == Message.id, Attempt.number == 1))
        .where(_within(begin, end))
        .group_by(bucket)
    )
    return {LATE[at][0]: [Cell(count, people)] for at, count, people in found}


def _seconds(session: Session, one: Any, other: Any) -> ColumnElement[float]:
    if session.get_bind().dialect.name == "sqlite":
        days = func.julianday(other) - func.julianday(one)
        return cast(days * 86400, Float)
    return cast(func.extract("epoch", other - one), Float)


def _ended(session: Session, begin: datetime, end: datetime) -> dict[str, Any]:
    """Count how messages ended, in the words of delivery, and why those failed that did."""
    found = session.execute(
        select(Message.state, Message.cause, func.count(), func.count(Message.person_id.distinct()))
        .where(_within(begin, end))
        .group_by(Message.state, Message.cause)
    ).all()
    gone = [
        (each.state, each.cause, each.count, each.people)
        for each in _gone(session, "message", begin, end)
    ]
    ended: dict[str, list[Cell]] = {}
    causes: dict[str, list[Cell]] = {}
    for state, cause, count, people in [*found, *gone]:
        kind, cell = KINDS[state], Cell(count, people)
        told = [(ended, DUTCH[kind])]
        if kind == "failed":
            told.append((causes, cause or ""))
        for table, name in told:
            before = table.get(name, [Cell(0, 0)])
            table[name] = list(_together([before, [cell]], apart=False))
    return {
        "ended": _shown(fold(ended, apart=False)),
        "causes": _shown(fold(causes, apart=False)),
    }


def _cost(
    session: Session, house: House, first: date, begin: datetime, end: datetime
) -> dict[str, Any]:
    """Add up what SMS cost, as an estimate; of the other channels no price is known here."""
    price = house.gemeente.sms_price
    parts = session.scalar(
        select(func.sum(Spending.parts)).where(
            Spending.day >= first, Spending.day < next_quarter(first)
        )
    )
    people = session.scalar(
        select(func.count(Message.person_id.distinct())).where(
            _within(begin, end), Message.channel == SMS, Message.attempts > 0
        )
    )
    if not parts or (people or 0) < FEWEST or price is None:
        return {"parts": None, "euros": None, "known": price is not None}
    return {"parts": parts, "euros": str(parts * price), "known": True}
