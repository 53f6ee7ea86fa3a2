"""What became of a file, so that a clerk can act on it."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from bot.outreach.intake.columns import REFUSED_COLUMNS, fold
from bot.outreach.intake.sheet import Row
from bot.told import tell

UNITS = {"rij": "rijen", "afspraak": "afspraken"}
"""What a file is made of: of one, and of many."""

SHOWN = 100
"""Refusals and warnings that are printed; the file of refused rows has them all."""

Outcome = Literal["new", "changed", "unchanged", "cancelled"]

_SCRAMBLED_FROM = 10
"""Moved numbers below which nobody can tell a shuffled column from a busy week."""

_PHONE = re.compile(r"[+(]?\d(?:[\s().-]*\d){6,}")
_NUMBERS = ("telefoon", "telegram")
_TIMES = ("begin", "datum", "tijd", "start", "eind", "duur")
_DANGEROUS = tuple("=+-@\t\r＝＋－＠")
_IS_PHONE = re.compile(r"\+[\d\s().-]*")


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing that is wrong or odd: in which row and column, with what value, and why."""

    row: str
    """As staff find it: ``rij 12``."""
    column: str
    value: str
    """Shortened: never a whole telephone number."""
    said: str

    def __str__(self) -> str:
        place = f"{self.row}, {self.column}" if self.column else self.row
        return f'{place} "{self.value}": {self.said}' if self.value else f"{place}: {self.said}"


@dataclass
class Report:
    """Counts, refusals and warnings of one file, or of a batch of it."""

    unit: str = "rij"
    header: tuple[str, ...] = ()
    counts: Counter[Outcome] = field(default_factory=Counter)
    refused: list[tuple[Row, list[Remark]]] = field(default_factory=list)
    warnings: list[Remark] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    had_number: int = 0
    """People who were known with a telephone number."""
    moved_number: int = 0
    """How many of those have another one in this file."""

    def __iadd__(self, other: Report) -> Report:
        """Add the report of a next batch."""
        self.counts.update(other.counts)
        self.refused += other.refused
        self.warnings += other.warnings
        self.notes += other.notes
        self.had_number += other.had_number
        self.moved_number += other.moved_number
        return self

    @property
    def read(self) -> int:
        """How many rows there were."""
        return self.counts.total() + len(self.refused)

    def lines(self) -> Iterator[str]:
        """Give the report line by line, in Dutch."""
        yield self.summary()
        yield from self.notes
        if alarm := self.alarm():
            yield alarm
        yield from _some("Geweigerd:", [each for _, remarks in self.refused for each in remarks])
        yield from _some("Let op:", self.warnings)

    def alarm(self) -> str:
        """Warn where it seems that one column was sorted apart from the others; empty if not."""
        if self.moved_number < _SCRAMBLED_FROM or self.moved_number * 2 <= self.had_number:
            return ""
        return tell(
            "LET OP: van %(moved)s van de %(all)s bekende mensen is het nummer veranderd. Is een "
            "kolom apart gesorteerd? Controleer het, voordat er berichten uitgaan.",
            moved=self.moved_number,
            all=self.had_number,
        )

    def summary(self) -> str:
        """Say in one sentence what was done."""
        counts: dict[str, object] = {
            **{name: self.counts[name] for name in ("new", "changed", "unchanged", "cancelled")},
            "refused": len(self.refused),
            "read": self.read,
            "rows": tell(self.unit if self.read == 1 else UNITS[self.unit]),
        }
        if self.counts["cancelled"]:
            return tell(
                "%(read)s %(rows)s gelezen: %(new)s nieuw, %(changed)s gewijzigd, "
                "%(cancelled)s afgezegd, %(unchanged)s ongewijzigd, %(refused)s geweigerd.",
                **counts,
            )
        return tell(
            "%(read)s %(rows)s gelezen: %(new)s nieuw, %(changed)s gewijzigd, "
            "%(unchanged)s ongewijzigd, %(refused)s geweigerd.",
            **counts,
        )

    def write_refused(self, path: Path) -> None:
        """Write the refused rows as CSV for Dutch Excel: all their columns, number and reason.

        What a spreadsheet would take for a formula becomes text; telephone numbers keep
        their + and can be brought again.
        """
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            csv.writer(file, delimiter=";").writerows(map(_inert, self.refused_rows()))

    def refused_rows(self, say: Callable[[str], str] = str) -> Iterator[list[str]]:
        """Give the refused rows as they were brought, each with its number and the reasons.

        The names of the columns come first. *say* says a reason in the language of its reader.
        """
        kept = [at for at, name in enumerate(self.header) if fold(name) not in REFUSED_COLUMNS]
        yield [*(self.header[at] for at in kept), *REFUSED_COLUMNS]
        for row, remarks in self.refused:
            cells = [row.raw[at] if at < len(row.raw) else "" for at in kept]
            reasons = "; ".join(
                f"{each.column}: {say(each.said)}" if each.column else say(each.said)
                for each in remarks
            )
            yield [*cells, str(row.number), reasons]


def shortened(column: str, value: str) -> str:
    """Return *value* fit for a screen and a log: short, and never a whole number to call."""
    if column in _TIMES:
        return value[:30]
    if column in _NUMBERS and len(value) > 6:
        return f"{value[:4]}…{value[-2:]}"
    hidden = _PHONE.sub(lambda found: f"{found[0][:4]}…{found[0][-2:]}", value)
    return hidden if len(hidden) <= 30 else hidden[:29] + "…"


def _some(title: str, remarks: Sequence[Remark]) -> Iterator[str]:
    if remarks:
        yield title
    for remark in remarks[:SHOWN]:
        yield f"  {remark}"
    if len(remarks) > SHOWN:
        yield f"  … en nog {len(remarks) - SHOWN}."


def _inert(cells: Sequence[str]) -> list[str]:
    return [
        f"'{cell}" if cell.startswith(_DANGEROUS) and not _IS_PHONE.fullmatch(cell) else cell
        for cell in cells
    ]
