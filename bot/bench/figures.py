"""One figure beside its goal, and how two things are compared on a machine that is not quiet."""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from bot.bench.place import Place

One = TypeVar("One")
Other = TypeVar("Other")


@dataclass(frozen=True, slots=True)
class Measured:
    """One figure, its goal, and where it was taken."""

    name: str
    value: float
    unit: str
    goal: float | None
    """None for a figure that only stands there to be compared with."""
    met: bool
    """True as well for a figure without a goal: it misses none."""
    database: str
    cores: int

    def row(self) -> dict[str, Any]:
        """Return it as the command prints it."""
        return asdict(self)


def at_most(name: str, value: float, unit: str, goal: float, place: Place) -> Measured:
    """Return a figure that should be *goal* or less."""
    return _measured(name, value, unit, goal, value <= goal, place)


def at_least(name: str, value: float, unit: str, goal: float, place: Place) -> Measured:
    """Return a figure that should be *goal* or more."""
    return _measured(name, value, unit, goal, value >= goal, place)


def figure(name: str, value: float, unit: str, place: Place) -> Measured:
    """Return a figure without a goal: what a ratio was taken of."""
    return _measured(name, value, unit, None, True, place)


def not_measured(name: str, error: Exception, place: Place) -> Measured:
    """Return the row of a measurement that failed: it says so, and misses its goals."""
    why = f"not measured: {type(error).__name__}"
    return Measured(name, 0.0, why, None, False, place.database, os.cpu_count() or 1)


def _measured(
    name: str, value: float, unit: str, goal: float | None, met: bool, place: Place
) -> Measured:
    shown = float(f"{value:.4g}")
    return Measured(name, shown, unit, goal, met, place.database, os.cpu_count() or 1)


def by_turns(
    rounds: int, one: Callable[[], One], other: Callable[[], Other]
) -> list[tuple[One, Other]]:
    """Take *one* and *other* by turns, *rounds* times; return what they gave, side by side.

    Who goes first changes: a machine that grows slower or faster favours neither.
    """
    taken = []
    for number in range(rounds):
        if number % 2:
            second, first = other(), one()
        else:
            first, second = one(), other()
        taken.append((first, second))
    return taken


def median(values: Sequence[float]) -> float:
    """Return the middle one: what a passing burden of the machine hardly moves."""
    return statistics.median(values)


def at(percent: float, values: Sequence[float]) -> float:
    """Return the value that *percent* of all *values* stay at or under."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]
