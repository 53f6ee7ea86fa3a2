"""What somebody types on a page: cells of a sheet put right, or a sheet of one row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from bot.outreach.intake.columns import fold, match, names
from bot.outreach.intake.reading import seen_before, tidy
from bot.outreach.intake.sheet import LONGEST_CELL, Row, Sheet

Mended = Mapping[tuple[int, str], str]
"""By number of the row and our name of the column: what it should say."""


def mend(sheet: Sheet, mended: Mended) -> Sheet:
    """Return *sheet* with some cells put right; what was wrong with those is asked anew."""
    if not mended:
        return sheet
    where, _ = match(sheet.kind, sheet.header) if sheet.unit == "rij" else ({}, [])
    by_row: dict[int, dict[str, str]] = {}
    for (number, column), text in mended.items():
        by_row.setdefault(number, {})[column] = tidy(text[:LONGEST_CELL])
    seen: dict[str, int] = {}
    rows = []
    for row in sheet.rows:
        cells = by_row.get(row.number, {})
        new = _row(row, cells, where) if cells else row
        again = seen_before(new.cells.get("kenmerk", ""), new.number, sheet.unit, seen)
        wrong = tuple(w for w in new.wrong if not _doubled(w)) + tuple(again)
        rows.append(replace(new, wrong=wrong))
    return replace(sheet, rows=tuple(rows))


def _row(row: Row, cells: Mapping[str, str], where: Mapping[str, int]) -> Row:
    raw = list(row.raw)
    for column, text in cells.items():
        at = where.get(column)
        if at is not None:
            raw += [""] * (at + 1 - len(raw))
            raw[at] = text
    return replace(
        row,
        cells={**row.cells, **cells},
        raw=tuple(raw),
        wrong=tuple(w for w in row.wrong if w[0] not in cells),
        doubts=tuple(d for d in row.doubts if d[0] not in cells),
    )


def _doubled(wrong: tuple[str, str]) -> bool:
    column, reason = wrong
    return fold(column) == "kenmerk" and reason.startswith("staat ook in ")


def by_hand(kind: str, cells: Mapping[str, str], source: str) -> Sheet:
    """Return a sheet of one row, filled in on a page; *source* says where, for evidence."""
    header = names(kind)
    told = {column: tidy(cells.get(column, "")[:LONGEST_CELL]) for column in header}
    row = Row(1, told, tuple(told[column] for column in header))
    return Sheet(kind, source, header, (row,), typed=True)
