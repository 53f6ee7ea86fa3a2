"""Reads a workbook; only ever runs inside the cage."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from bot.outreach.intake.sheet import (
    LONGEST_CELL,
    MOST_COLUMNS,
    MOST_ROWS,
    MOST_TEXT,
    Unreadable,
)
from bot.told import tell

MOST_UNPACKED = 128 * 1024 * 1024
MOST_MEMBERS = 2_000

_BROKEN = tell(
    "Het Excel-bestand is beschadigd. Open het in Excel en sla het opnieuw op als .xlsx."
)


def lines(data: bytes) -> Iterator[Any]:
    """Give ``{"notes": [...]}`` and then ``[number, [text, ...]]`` for every row with content.

    Reads the first sheet that is visible and not empty. Raises Unreadable.
    """
    _check(data)
    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(data))
        visible = [
            sheet.name
            for sheet in workbook.sheets_metadata
            if sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == SheetVisibleEnum.Visible
        ]
        sheets = (workbook.get_sheet_by_name(name) for name in visible)
        sheet = next((sheet for sheet in sheets if sheet.height), None)
        if sheet is None:
            raise Unreadable("Het Excel-bestand is leeg.")
        rest = [name for name in visible if name != sheet.name]
    except (CalamineError, ValueError, KeyError) as error:
        raise Unreadable(_BROKEN) from error
    notes = [f"Alleen het blad {sheet.name} is gelezen."] if rest else []
    yield {"notes": notes}
    kept = size = 0
    for number, cells in enumerate(sheet.iter_rows(), start=1):
        texts = [_text(cell) for cell in cells[: MOST_COLUMNS + 1]]
        if not any(texts):
            continue
        kept += 1
        size += sum(map(len, texts))
        if kept > MOST_ROWS + 1:
            raise Unreadable(f"Het bestand heeft meer dan {MOST_ROWS:,} rijen.".replace(",", "."))
        if size > MOST_TEXT:
            raise Unreadable("Er staat te veel tekst in het bestand. Splits het in delen.")
        while texts and not texts[-1]:
            texts.pop()
        yield [number, texts]


def _check(data: bytes) -> None:
    """Look at what the archive says of itself before anything is unpacked."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise Unreadable(_BROKEN) from error
    names = {member.filename.casefold() for member in members}
    if "xl/workbook.xml" not in names:
        raise Unreadable("Dit is geen Excel-bestand. Sla het op als .xlsx of als CSV.")
    if any(name.endswith("vbaproject.bin") for name in names):
        raise Unreadable("Er staan macro's in het bestand. Sla het op als gewoon .xlsx.")
    unpacked = sum(member.file_size for member in members)
    if len(members) > MOST_MEMBERS or unpacked > MOST_UNPACKED:
        raise Unreadable(
            "Uitgepakt is het Excel-bestand te groot. Zet alleen de rijen met gegevens in een "
            "nieuw bestand en probeer het opnieuw."
        )


def _text(cell: Any) -> str:
    """Write a cell as a person would type it; a longer one than allowed is cut one above it."""
    if isinstance(cell, str):
        return cell[: LONGEST_CELL + 1]
    if isinstance(cell, bool):
        return "ja" if cell else "nee"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime):
        return cell.strftime("%d-%m-%Y %H:%M")
    if isinstance(cell, date):
        return cell.strftime("%d-%m-%Y")
    if isinstance(cell, time):
        return cell.strftime("%H:%M")
    if isinstance(cell, timedelta):
        minutes = int(cell.total_seconds()) // 60
        return f"{minutes // 60}:{minutes % 60:02}"
    return str(cell)
