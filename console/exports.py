"""Files that staff take away: what stands in a cell is never a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

import xlsxwriter
from flask import Response

Cell = str | int | float | None

_WIDE = 18
_TEXT = 49
"""The format of Excel that leaves what is typed as it is (ECMA-376, 18.8.30)."""

BEGIN_A_FORMULA = tuple("=+-@\t\r\n＝＋－＠")


def inert(cell: Cell) -> Cell:
    """Return *cell* so that no spreadsheet takes it for a formula; a number stays a number."""
    if isinstance(cell, str) and cell.lstrip(" \u00a0\ufeff").startswith(BEGIN_A_FORMULA):
        return f"'{cell}"
    return cell


def as_csv(name: str, sheets: Iterable[tuple[str, Sequence[Sequence[Cell]]]]) -> Response:
    """Return sheets under each other, with semicolons as a Dutch Excel reads them, in UTF-8."""
    told = io.StringIO()
    writer = csv.writer(told, delimiter=";", lineterminator="\r\n")
    for number, (title, rows) in enumerate(sheets):
        if number:
            writer.writerow([])
        writer.writerow([inert(title)])
        writer.writerows([inert(cell) for cell in row] for row in rows)
    return _file(told.getvalue().encode("utf-8-sig"), "text/csv; charset=utf-8", f"{name}.csv")


def as_xlsx(
    name: str, sheets: Iterable[tuple[str, Sequence[Sequence[Cell]]]], *, as_text: bool = False
) -> Response:
    """Return a workbook with a sheet each; text is written as text, whatever it begins with.

    *as_text*: what is typed or pasted in it later stays text too, with its zeros and its +.
    """
    told = io.BytesIO()
    book = xlsxwriter.Workbook(told, {"in_memory": True})
    head = book.add_format({"bold": True})
    for title, rows in sheets:
        sheet = book.add_worksheet(_title(title))
        for down, row in enumerate(rows):
            for across, cell in enumerate(row):
                look = head if down == 0 else None
                if isinstance(cell, str):
                    sheet.write_string(down, across, cell, look)
                elif cell is not None:
                    sheet.write_number(down, across, cell, look)
        if as_text:  # fitting the columns would take this from them
            sheet.set_column(0, len(rows[0]) - 1, _WIDE, book.add_format({"num_format": _TEXT}))
        else:
            sheet.autofit()
    book.close()
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return _file(told.getvalue(), kind, f"{name}.xlsx")


def _title(title: str) -> str:
    """Return *title* as Excel takes one: 31 signs, none of ``[]:*?/\\``."""
    return "".join(" " if sign in "[]:*?/\\" else sign for sign in title)[:31]


def _file(content: bytes, kind: str, name: str) -> Response:
    return Response(
        content,
        content_type=kind,
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "X-Content-Type-Options": "nosniff",
        },
    )
