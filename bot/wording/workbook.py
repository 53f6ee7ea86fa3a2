"""One sheet as .xlsx, written so that nothing in it is ever a formula.

Every cell is an inline string; one that begins as a formula would is marked as text besides, so
that it stays text when somebody edits it. Only for files that we make: reading what comes back
from outside is for the cage of bot/outreach/intake.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from xml.sax.saxutils import escape

_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_BEGINS_A_FORMULA = tuple("=+-@\t\r＝＋－＠")

_PLAIN, _HEAD, _TEXT = 0, 1, 2
"""Styles: wrapped, bold on grey, wrapped and marked as text."""

_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_SPREADSHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'

_PARTS = {
    "[Content_Types].xml": (
        f'<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_SPREADSHEET}.sheet.main+xml"/>'
        '<Override PartName="/xl/worksheets/sheet1.xml" '
        f'ContentType="{_SPREADSHEET}.worksheet+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{_SPREADSHEET}.styles+xml"/></Types>'
    ),
    "_rels/.rels": (
        f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
        f'Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
    ),
    "xl/_rels/workbook.xml.rels": (
        f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="rId2" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>'
    ),
    "xl/styles.xml": (
        f'<styleSheet xmlns="{_SHEET}">'
        '<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
        '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
        '<fills count="3"><fill><patternFill patternType="none"/></fill>'
        '<fill><patternFill patternType="gray125"/></fill>'
        '<fill><patternFill patternType="solid"><fgColor rgb="FFE7E6E6"/></patternFill></fill>'
        '</fills><borders count="1"><border/></borders>'
        '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/>'
        '</cellStyleXfs><cellXfs count="3">'
        '<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyAlignment="1" '
        'applyNumberFormat="1"><alignment vertical="top" wrapText="1"/></xf>'
        '<xf numFmtId="49" fontId="1" fillId="2" borderId="0" xfId="0" applyFont="1" '
        'applyFill="1" applyAlignment="1"><alignment vertical="top" wrapText="1"/></xf>'
        '<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" quotePrefix="1" '
        'applyAlignment="1" applyNumberFormat="1"><alignment vertical="top" wrapText="1"/></xf>'
        "</cellXfs></styleSheet>"
    ),
}


def workbook(
    title: str, header: Sequence[str], rows: Iterable[Sequence[str]], widths: Sequence[int]
) -> bytes:
    """Return a workbook of one sheet: a frozen *header*, and *rows* of text below it.

    *widths* are those of the columns, in characters. The same rows give the same bytes.
    """
    lines = [_row(1, header, _HEAD)]
    lines += [_row(number, cells, _PLAIN) for number, cells in enumerate(rows, start=2)]
    columns = "".join(
        f'<col min="{n}" max="{n}" width="{width}" customWidth="1"/>'
        for n, width in enumerate(widths, start=1)
    )
    parts = {
        **_PARTS,
        "xl/workbook.xml": (
            f'<workbook xmlns="{_SHEET}" xmlns:r="{_OFFICE}"><sheets>'
            f'<sheet name="{escape(title, {chr(34): "&quot;"})}" sheetId="1" r:id="rId1"/>'
            "</sheets></workbook>"
        ),
        "xl/worksheets/sheet1.xml": (
            f'<worksheet xmlns="{_SHEET}"><sheetViews><sheetView workbookViewId="0">'
            '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'
            f"</sheetView></sheetViews><cols>{columns}</cols>"
            f"<sheetData>{''.join(lines)}</sheetData>"
            f'<autoFilter ref="A1:{_column(len(header))}{len(lines)}"/></worksheet>'
        ),
    }
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), _XML + part)
    return written.getvalue()


def _row(number: int, cells: Sequence[str], style: int) -> str:
    written = "".join(_cell(at, number, text, style) for at, text in enumerate(cells, start=1))
    return f'<row r="{number}">{written}</row>'


def _cell(column: int, row: int, text: str, style: int) -> str:
    plain = _UNWRITABLE.sub("", text)
    if style == _PLAIN and plain.startswith(_BEGINS_A_FORMULA):
        style = _TEXT
    return (
        f'<c r="{_column(column)}{row}" s="{style}" t="inlineStr">'
        f'<is><t xml:space="preserve">{escape(plain)}</t></is></c>'
    )


def _column(number: int) -> str:
    """Return the letter of a column, of which there are at most 26."""
    return chr(ord("A") + number - 1)
