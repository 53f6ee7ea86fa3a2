"""Inlezen: a file is shown row by row with what is wrong, put right in place, and only then kept.

Between the pages the file travels with the form, so that nothing of it is stored before the yes.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from dataclasses import dataclass

from flask import Response, abort, current_app, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from bot.outreach.intake.columns import names
from bot.outreach.intake.mending import Mended, mend
from bot.outreach.intake.reading import parse
from bot.outreach.intake.report import Remark, Report
from bot.outreach.intake.sheet import KINDS, LARGEST, Row, Sheet, Unreadable
from bot.outreach.intake.storing import store
from bot.wording.languages import CONTENT
from console.desk import desk, house, looked, page

MOST_ROWS = 5_000
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
        return "; ".join(each.said for each in self.remarks if each.column == column)

    @property
    def elsewhere(self) -> list[str]:
        """What is wrong with the row as a whole."""
        return [each.said for each in self.remarks if not each.column]


@desk.get("/inlezen")
def intake() -> str:
    """Ask for a file."""
    return _page(None, None)


@desk.post("/inlezen")
def check_intake() -> ResponseReturnValue:
    """Show what the file would do; nothing is stored."""
    try:
        brought = _brought()
        report = _through(brought, keep=False)
    except Unreadable as error:
        return _page(None, None, why=str(error)), 422
    return _page(brought, report)


@desk.post("/inlezen/opslaan")
def store_intake() -> ResponseReturnValue:
    """Store the good rows of what was shown; the refused ones stay on the page."""
    try:
        brought = _brought()
        report = _through(brought, keep=True)
    except Unreadable as error:
        return _page(None, None, why=str(error)), 422
    current_app.extensions["wake"]()
    return _page(brought, report, stored=True)


@desk.get("/inlezen/voorbeeld/<what>")
def intake_template(what: str) -> Response:
    """Give an example of a file, to fill in."""
    if what not in KINDS:
        abort(404)
    text = (CONTENT / "voorbeelden" / f"{what}.csv").read_text(encoding="utf-8-sig")
    return Response(
        text.encode("utf-8-sig"),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{what}.csv"'},
    )


def _brought() -> Brought:
    """Read the file and the cells of this form. Raises Unreadable, in Dutch."""
    kind = request.form.get("soort", "")
    if kind not in KINDS:
        raise Unreadable("Zeg wat er in het bestand staat.")
    file = request.files.get("bestand")
    if file is not None and file.filename:
        data, name = file.stream.read(LARGEST + 1), file.filename[:100]
    else:
        data, name = _unpacked(request.form.get("inhoud", "")), request.form.get("naam", "")[:100]
    if not data:
        raise Unreadable("Kies eerst een bestand.")
    sheet = parse(data, kind, name)
    if len(sheet.rows) > MOST_ROWS:
        raise Unreadable(
            f"Het bestand heeft {len(sheet.rows)} rijen; hier mogen het er {MOST_ROWS} zijn. "
            "Splits het, of laat de beheerder het inlezen met stap intake."
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
        raise Unreadable("Kies het bestand nog een keer.") from None


def _through(brought: Brought, *, keep: bool) -> Report:
    """Store the good rows, or with *keep* false only say what that would do."""
    report = Report(unit=brought.sheet.unit, header=brought.sheet.header)
    for batch in brought.sheet.batches():
        with house().database.session() as database:
            report += store(database, house(), batch)
            if not keep:
                database.rollback()
    if keep:
        with house().database.session() as database:
            looked(
                database,
                "intake.stored",
                f"intake:{brought.kind}",
                stored=report.counts.total(),
                refused=len(report.refused),
            )
    return report


def _page(
    brought: Brought | None, report: Report | None, *, stored: bool = False, why: str | None = None
) -> str:
    refused = [Refusal(row, remarks) for row, remarks in report.refused] if report else []
    bad = {each.row.number for each in refused}
    columns: list[str] = []
    good: list[Row] = []
    if brought is not None:
        columns = [
            column
            for column in names(brought.kind)
            if any(row.cells.get(column) for row in brought.sheet.rows)
            or any(each.said_of(column) for each in refused)
        ]
        good = [row for row in brought.sheet.rows if row.number not in bad][:GOOD_SHOWN]
    return page(
        "intake.html",
        brought=brought,
        report=report,
        refused=refused[:SHOWN],
        more=max(0, len(refused) - SHOWN),
        mended=[] if brought is None else sorted(brought.mended.items()),
        on_page={(e.row.number, c) for e in refused[:SHOWN] for c in columns if e.said_of(c)},
        columns=columns,
        good=good,
        stored=stored,
        why=why,
        labels={kind: gettext(label) for kind, label in LABELS.items()},
        soort=brought.kind if brought else request.form.get("soort", "people"),
    )
