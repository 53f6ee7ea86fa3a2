"""Inlezen: a file is shown row by row with what is wrong, put right in place, and only then kept.

Between the pages the file travels with the form, so that nothing of it is stored before the yes.
"""

from __future__ import annotations

import base64
import binascii
import csv
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

from flask import Response, abort, current_app, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from bot.outreach.intake.columns import names
from bot.outreach.intake.mending import Mended, mend
from bot.outreach.intake.reading import parse
from bot.outreach.intake.report import Remark, Report
from bot.outreach.intake.sheet import KINDS, LARGEST, Row, Sheet, Unreadable
from bot.outreach.intake.storing import store
from bot.told import tell
from bot.wording.languages import CONTENT
from console import exports
from console.desk import desk, house, looked, page, page_by_parts
from console.texts import said

MOST_ROWS = 20_000
"""Rows that a page takes; a longer file is split, or read in with ``stap intake``."""
SHOWN = 100
"""Refused rows on one page."""
GOOD_SHOWN = 20

LABELS = {
    "people": "Mensen",
    "afspraken": "Afspraken",
    "slots": "Vrije tijden",
    "voortrajecten": "Voortrajecten",
    "ambassadeurs": "Ambassadeurs",
}


@dataclass(frozen=True, slots=True)
class Brought:
    """A file that somebody brought, as it is read, and the cells they put right."""

    kind: str
    name: str
    packed: str
    """The file itself, for the next page."""
    sheet: Sheet
    mended: Mended


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row that is not stored as it is: its cells, and what is wrong with which."""

    row: Row
    remarks: list[Remark]

    def said_of(self, column: str) -> str:
        """Return what is wrong in *column*; empty where nothing is."""
        return "; ".join(said(each.said) for each in self.remarks if each.column == column)

    @property
    def elsewhere(self) -> list[str]:
        """What is wrong with the row as a whole."""
        return [said(each.said) for each in self.remarks if not each.column]


class Reading:
    """A file that goes through, part by part: to be walked over once, and then to be shown.

    Each part is a transaction of its own, taken back where nothing is to be kept.
    """

    def __init__(self, brought: Brought, *, keep: bool) -> None:
        self.brought, self.keep = brought, keep
        self.report = Report(unit=brought.sheet.unit, header=brought.sheet.header)

    def __iter__(self) -> Iterator[int]:
        """Read the file; say after each part how many rows were read."""
        for batch in self.brought.sheet.batches():
            with house().database.session() as database:
                self.report += store(database, house(), batch)
                if not self.keep:
                    database.rollback()
            yield self.report.read
        if self.keep:
            self._note()

    def _note(self) -> None:
        with house().database.session() as database:
            looked(
                database,
                "intake.stored",
                f"intake:{self.brought.kind}",
                stored=self.report.counts.total(),
                refused=len(self.report.refused),
            )
        current_app.extensions["wake"]()

    @cached_property
    def refused(self) -> list[Refusal]:
        """The rows that are not stored as they are."""
        return [Refusal(row, remarks) for row, remarks in self.report.refused]

    @property
    def columns(self) -> list[str]:
        """The columns that say anything, or in which something is wrong."""
        return [
            column
            for column in names(self.brought.kind)
            if any(row.cells.get(column) for row in self.brought.sheet.rows)
            or any(each.said_of(column) for each in self.refused)
        ]

    @property
    def good(self) -> list[Row]:
        """The first rows that are right."""
        bad = {each.row.number for each in self.refused}
        rows = (row for row in self.brought.sheet.rows if row.number not in bad)
        return list(islice(rows, GOOD_SHOWN))

    @property
    def mended(self) -> list[tuple[tuple[int, str], str]]:
        """The cells that were put right on an earlier page."""
        return sorted(self.brought.mended.items())


@desk.get("/inlezen")
def intake() -> str:
    """Ask for a file."""
    return page("intake.html", **_form())


@desk.post("/inlezen")
def check_intake() -> ResponseReturnValue:
    """Show what the file would do; nothing is stored."""
    return _through(keep=False)


@desk.post("/inlezen/opslaan")
def store_intake() -> ResponseReturnValue:
    """Store the good rows of what was shown; the refused ones stay on the page."""
    return _through(keep=True)


@desk.post("/inlezen/geweigerd.xlsx")
def refused_intake() -> ResponseReturnValue:
    """Give the rows that are refused as a workbook, each with the reason; nothing is stored."""
    try:
        reading = Reading(_brought(), keep=False)
    except Unreadable as error:
        return _refused(error)
    for _ in reading:
        pass
    with house().database.session() as database:
        about = f"intake:{reading.brought.kind}"
        looked(database, "intake.refused_taken", about, rows=len(reading.refused))
    head, *rows = reading.report.refused_rows(said)
    return exports.as_xlsx("geweigerd", [(gettext("Geweigerd"), [head, *rows])], as_text=True)


@desk.get("/inlezen/voorbeeld/<what>")
def intake_template(what: str) -> Response:
    """Give an example of a file, to fill in: a workbook whose cells Excel leaves as they are."""
    if what not in KINDS:
        abort(404)
    text = (CONTENT / "voorbeelden" / f"{what}.csv").read_text(encoding="utf-8-sig")
    if request.args.get("als") == "xlsx":
        rows = list(csv.reader(io.StringIO(text), delimiter=";"))
        return exports.as_xlsx(what, [(gettext(LABELS[what]), rows)], as_text=True)
    return Response(
        text.encode("utf-8-sig"),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{what}.csv"'},
    )


def _brought() -> Brought:
    """Read the file and the cells of this form. Raises Unreadable, in Dutch."""
    kind = request.form.get("soort", "")
    if kind not in KINDS:
        raise Unreadable(tell("Zeg wat er in het bestand staat."))
    file = request.files.get("bestand")
    if file is not None and file.filename:
        data, name = file.stream.read(LARGEST + 1), file.filename[:100]
    else:
        data, name = _unpacked(request.form.get("inhoud", "")), request.form.get("naam", "")[:100]
    if not data:
        raise Unreadable(tell("Kies eerst een bestand."))
    sheet = parse(data, kind, name)
    if len(sheet.rows) > MOST_ROWS:
        raise Unreadable(
            tell(
                "Het bestand heeft %(n)s rijen; hier mogen het er %(most)s zijn. "
                "Splits het, of laat de beheerder het inlezen met stap intake.",
                n=len(sheet.rows),
                most=MOST_ROWS,
            )
        )
    mended = _mended(kind)
    return Brought(kind, name, _packed(data), mend(sheet, mended), mended)


def _mended(kind: str) -> dict[tuple[int, str], str]:
    found = {}
    for field, text in request.form.items():
        lead, _, rest = field.partition("-")
        number, _, column = rest.partition("-")
        if lead == "cel" and number.isascii() and number.isdecimal() and column in names(kind):
            found[int(number), column] = text
    return found


def _packed(data: bytes) -> str:
    return base64.urlsafe_b64encode(zlib.compress(data)).decode()


def _unpacked(text: str) -> bytes:
    try:
        return zlib.decompressobj().decompress(base64.urlsafe_b64decode(text), LARGEST + 1)
    except (binascii.Error, ValueError, zlib.error):
        raise Unreadable(tell("Kies het bestand nog een keer.")) from None


def _through(*, keep: bool) -> ResponseReturnValue:
    """Let the file of this form go through, on a page that is sent while it does."""
    try:
        reading = Reading(_brought(), keep=keep)
    except Unreadable as error:
        return _refused(error)
    return page_by_parts("intake.html", **_form(reading.brought.kind), reading=reading)


def _refused(error: Unreadable) -> ResponseReturnValue:
    return page("intake.html", **_form(request.form.get("soort", "people")), why=said(error)), 422


def _form(kind: str = "people") -> dict[str, Any]:
    return {
        "labels": {each: gettext(label) for each, label in LABELS.items()},
        "soort": kind,
        "shown": SHOWN,
    }
