"""What a file holds once it is read: rows with the columns we know, nothing judged yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

KINDS = ("people", "afspraken", "slots", "voortrajecten", "ambassadeurs")

LARGEST = 10 * 1024 * 1024
"""Bytes a file may have."""
MOST_ROWS = 50_000
MOST_EVENTS = 2_000
MOST_COLUMNS = 100
LONGEST_CELL = 1_000
"""Characters one cell may have; a longer one costs its row only."""
MOST_TEXT = 20_000_000
"""Characters all cells together may have."""


class Unreadable(Exception):
    """Nothing of the file can be used; the message says why, and what to do, in Dutch."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row, or one event of a calendar."""

    number: int
    """As the file shows it: the header is row 1, the first event of a calendar is 1."""
    cells: Mapping[str, str]
    """By our name of the column; tidied, empty where the file says nothing."""
    raw: tuple[str, ...]
    """All cells as they stand in the file, in its own order."""
    wrong: tuple[tuple[str, str], ...] = ()
    """Column and reason, in Dutch, of what is already known to be wrong."""
    doubts: tuple[tuple[str, str], ...] = ()
    """Column and warning, in Dutch."""
    attendees: tuple[str, ...] = ()
    """Names of those invited to a calendar event; one of them may be a kenmerk."""


@dataclass(frozen=True, slots=True)
class Series:
    """What a calendar still has of one UID."""

    sequence: int
    kenmerken: frozenset[str]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A whole file, or a batch of it."""

    kind: str
    source: str
    """The name of the file, for evidence."""
    header: tuple[str, ...]
    """The names of the columns as the file writes them."""
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    """What a clerk should know about the file as a whole, in Dutch."""
    unit: str = "rij"
    """What a row is called: ``rij`` or, in a calendar, ``afspraak``."""
    series: Mapping[str, Series] = field(default_factory=dict)
    """For a calendar: by UID what remains of it. Its other times have gone."""
    typed: bool = False
    """A colleague filled it in on a page, about somebody they speak to now."""

    def batches(self, size: int = 500) -> Iterator[Sheet]:
        """Give the sheet in parts, so that no transaction holds the database for long.

        Notes and series are in the first part: what has gone must go before what is new comes.
        """
        for start in range(0, max(len(self.rows), 1), size):
            part = replace(self, rows=self.rows[start : start + size])
            yield part if start == 0 else replace(part, notes=(), series={})
