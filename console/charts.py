"""Where the lines and bars of a chart go: drawn on the server, so that no script is needed.

Each is laid out twice, wide and narrow: a wide one made small cannot be read on a phone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDE, NARROW = 960, 350
"""Units across; a unit is about a pixel."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: what it stands for, how long it is, and what is written at its end."""

    label: str
    value: float
    shown: str
    fill: str = "teal"
    """The end of a class ``f-…``."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A bar with its place in the drawing."""

    bar: Bar
    x: float
    y: float
    length: float
    label_y: float


@dataclass(frozen=True, slots=True)
class Layout:
    """One drawing, wide or narrow."""

    kind: str
    """``w`` or ``n``: the end of a class ``chart--…``."""
    width: int
    height: int
    bars: tuple[Placed, ...] = ()
    lines: tuple[Line, ...] = ()
    ticks: tuple[tuple[float, str], ...] = ()
    """Where a grid line is and what it says: across for bars, down for lines."""
    marks: tuple[tuple[float, str], ...] = ()
    """What stands under a line chart, from left to right."""
    left: float = 0
    right: float = 0
    top: float = 0
    bottom: float = 0


@dataclass(frozen=True, slots=True)
class Series:
    """One line: a value for every mark, None where nothing may be shown."""

    name: str
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A series with its place: runs of points, broken where a value is missing."""

    name: str
    number: int
    """1, 2, 3: the dash, the marker and the colour."""
    runs: tuple[tuple[tuple[float, float], ...], ...]
    label: tuple[float, float]

    @property
    def points(self) -> tuple[tuple[float, float], ...]:
        """Every point, for its marker."""
        return tuple(point for run in self.runs for point in run)


def bars(rows: Sequence[Bar], *, most: float) -> tuple[Layout, Layout]:
    """Lay out horizontal bars, the longest of which would be *most*."""
    return _bars(rows, most, "w"), _bars(rows, most, "n")


def _bars(rows: Sequence[Bar], most: float, kind: str) -> Layout:
    wide = kind == "w"
    left, right = (270.0, 860.0) if wide else (0.0, 290.0)
    step, above = (48.0, 8.0) if wide else (64.0, 26.0)
    placed = tuple(
        Placed(
            bar,
            left,
            at * step + above,
            round((right - left) * min(bar.value / most, 1.0), 1) if most else 0.0,
            at * step + above + 21 if wide else at * step + 18,
        )
        for at, bar in enumerate(rows)
    )
    height = int(len(rows) * step + above)
    return Layout(kind, WIDE if wide else NARROW, height, bars=placed, left=left, right=right)


def lines(series: Sequence[Series], marks: Sequence[str]) -> tuple[Layout, Layout]:
    """Lay out lines over the same *marks*."""
    return _lines(series, marks, "w"), _lines(series, marks, "n")


def _lines(series: Sequence[Series], marks: Sequence[str], kind: str) -> Layout:
    wide = kind == "w"
    width, height = (WIDE, 300) if wide else (NARROW, 260)
    left, right, top, bottom = (60.0, 830.0, 20.0, 250.0) if wide else (40.0, 258.0, 16.0, 216.0)
    known = [value for each in series for value in each.values if value is not None]
    most = nice(max(known, default=0))
    across = (right - left) / max(1, len(marks) - 1)

    def at(number: int, value: float) -> tuple[float, float]:
        return (
            round(left + number * across, 1),
            round(bottom - (bottom - top) * value / most, 1),
        )

    placed: list[Line] = []
    for number, each in enumerate(series, 1):
        runs: list[list[tuple[float, float]]] = [[]]
        for position, value in enumerate(each.values):
            if value is None:
                runs.append([])
            else:
                runs[-1].append(at(position, value))
        kept = tuple(tuple(run) for run in runs if run)
        last = kept[-1][-1] if kept else (left, bottom)
        placed.append(Line(each.name, number, kept, (last[0] + 10, last[1] + 5)))
    every = 1 if len(marks) <= (14 if wide else 4) else -(-len(marks) // (14 if wide else 4))
    return Layout(
        kind,
        width,
        height,
        lines=tuple(_apart([each for each in placed if each.runs])),
        ticks=tuple(
            (round(bottom - (bottom - top) * part / 3, 1), f"{most * part / 3:.0f}")
            for part in range(4)
        ),
        marks=tuple(
            (round(left + number * across, 1), told)
            for number, told in enumerate(marks)
            if number % every == 0
        ),
        left=left,
        right=right,
        top=top,
        bottom=bottom,
    )


def _apart(placed: Sequence[Line], least: float = 20.0) -> list[Line]:
    """Move the names at the ends of lines apart, so that none is written over another."""
    moved: list[Line] = []
    below: float | None = None
    for each in sorted(placed, key=lambda line: line.label[1]):
        x, y = each.label
        y = y if below is None else max(y, below + least)
        moved.append(Line(each.name, each.number, each.runs, (x, y)))
        below = y
    return sorted(moved, key=lambda line: line.number)


def nice(value: float) -> int:
    """Return the top of a scale for *value*: the next number that a third of is round."""
    size = 1
    while True:
        for part in (3, 6, 15, 30):
            if part * size >= value:
                return part * size
        size *= 10
