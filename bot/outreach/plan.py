"""When a person is reminded of an afspraak: arithmetic only, no database and no clock."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.gemeente import PlanStep
from bot.moments import QuietHours

TOGETHER = timedelta(hours=6)
"""Steps that quiet hours push this close together, or closer, are sent as one."""

TOO_CLOSE = timedelta(hours=3)
"""A step is made up for only if the start and the next step are further away than this."""


@dataclass(frozen=True)
class Step:
    """One reminder to send: the label of its step in the plan, and the UTC moment to send it."""

    label: str
    at: datetime


def steps(
    begins: datetime,
    known: datetime,
    plan: Iterable[PlanStep],
    quiet: QuietHours,
    *,
    told: bool = False,
) -> list[Step]:
    """Return the reminders of an afspraak, first one first; each later than the one before.

    *begins* is the start; *known* the moment this version of the afspraak came to us, as new
    or as moved. *told* says that a message of its own goes out then, such as that of a move.

    - A step that falls in quiet hours goes before them, never after.
    - Of the steps still ahead, two that are 6 hours apart or less because quiet hours moved
      either are sent as one: the step nearest the start stays, with its label and moment.
      A plan that by itself has steps that close keeps them.
    - Of the steps past at *known* only the latest is made up for: at *known*, or at the end of
      the quiet hours *known* falls in. Not if the start or the next step is then 3 hours away
      or less, and not if *told*: that message counts as it. The other ones are left out.

    The same arguments give the same reminders, so a tick may ask again. They lie at *known*
    or later and before *begins*; whether one is overdue by now is for the caller to say.
    """
    due = sorted(((step.due(begins), step.label) for step in plan), reverse=True)
    past: list[Step] = []
    ahead: list[Step] = []
    next_moved = False
    for planned, label in due:
        step = Step(label, quiet.last_open(planned).astimezone(UTC))
        moved = step.at != planned
        if step.at <= known:
            past.append(step)
        elif not ahead or _apart(step, ahead[0], moved=moved or next_moved):
            ahead.insert(0, step)
            next_moved = moved
    if past and not told:
        at = quiet.next_open(known).astimezone(UTC)
        if all(moment - at > TOO_CLOSE for moment in (begins, *(step.at for step in ahead[:1]))):
            ahead.insert(0, Step(past[0].label, at))
    return ahead


def _apart(step: Step, following: Step, *, moved: bool) -> bool:
    """Tell whether two steps are far enough apart to send both; *moved*: by quiet hours."""
    return following.at - step.at > (TOGETHER if moved else timedelta())
