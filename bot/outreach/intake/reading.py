"""Bytes into rows: CSV as Excel writes it, workbooks, calendars. Nothing is stored here.

What a file is, its own bytes say; the end of its name is not believed.
"""

from __future__ import annotations

import csv
import io
import re
import stat
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from bot import moments
from bot.outreach.intake import cage, columns
from bot.outreach.intake.sheet import (
    KINDS,
    LARGEST,
    LONGEST_CELL,
    MOST_ROWS,
    Row,
    Series,
    Sheet,
    Unreadable,
)
from bot.told import tell

_LONGEST_LINE = 100_000
_MOST_RECORDS = 4 * MOST_ROWS
"""Rows to look through, empty ones included."""

_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_NOT_TEXT = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_KEPT_SIGNS = "\u200c\u200d"
"""Zero-width (non-)joiners: Persian names are spelled with them."""

Numbered = tuple[int, Sequence[str]]


def read(path: Path, kind: str) -> Sheet:
    """Read the file at *path* as one of KINDS. Raises Unreadable."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise Unreadable(tell("%(name)s is geen bestand.", name=path.name))
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise Unreadable(
            tell(
                "%(name)s is niet te openen: %(strerror)s.", name=path.name, strerror=error.strerror
            )
        ) from error
    return parse(data, kind, path.name)


def parse(data: bytes, kind: str, source: str) -> Sheet:
    """Read a file that is in memory, such as an upload. *source* is its name.

    Raises Unreadable where nothing of it can be used; a row that is wrong says so itself.
    """
    if kind not in KINDS:
        raise ValueError(f"no such kind of file: {kind}")
    if len(data) > LARGEST:
        raise Unreadable("Het bestand is groter dan 10 MB. Splits het in delen.")
    if data.startswith(_OLE):
        raise Unreadable(
            "Dit is een oud Excel-bestand of er zit een wachtwoord op. "
            "Sla het op als .xlsx, zonder wachtwoord."
        )
    if data.startswith(_ZIP):
        about, *rows = cage.opened("xlsx", data, moments.now().isoformat())
        return _sheet(kind, source, ((number, cells) for number, cells in rows), about["notes"])
    text = _decoded(data)
    if text.lstrip()[:15].upper() == "BEGIN:VCALENDAR":
        return _calendar(kind, source, text)
    return _sheet(kind, source, _records(text), [])


def _decoded(data: bytes) -> str:
    """Return the text of *data*: by its mark, or by what can be read without fault."""
    if not data.strip(b"\xef\xbb\xbf \t\r\n\x00"):
        raise Unreadable("Het bestand is leeg.")
    start = data[:400]
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ["utf-16"]
    elif start[1::2].count(0) > len(start) // 4:
        encodings = ["utf-16-le"]
    elif start[0::2].count(0) > len(start) // 4:
        encodings = ["utf-16-be"]
    else:
        encodings = ["utf-8-sig", "cp1252"]
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if _NOT_TEXT.search(text):
            break
        return text
    raise Unreadable("Dit is geen tekstbestand. Sla het in Excel op als .xlsx of als CSV (UTF-8).")


def _records(text: str) -> Iterator[Numbered]:
    """Give every row of a CSV with its number in Excel, where ``sep=`` is no row."""
    first, _, rest = text.partition("\n")
    if told := re.fullmatch(r'"?sep=([;,\t|])"?\s*', first, re.IGNORECASE):
        delimiter, text = told[1], rest
    else:
        bare = re.sub(r'"[^"]*"', "", text[:_LONGEST_LINE]).lstrip().partition("\n")[0]
        delimiter = max(";,\t", key=bare.count)
    reader = csv.reader(_lines(text), delimiter=delimiter, strict=True)
    number = 0
    try:
        for number, cells in enumerate(reader, start=1):
            if number > _MOST_RECORDS:
                raise Unreadable(_too_many())
            yield number, cells
    except csv.Error as error:
        raise Unreadable(
            tell(
                'Na rij %(number)s staat een aanhalingsteken (") verkeerd, of het wordt '
                "niet gesloten. Vanaf daar is niet te zien wat een rij is. Er is niets "
                "opgeslagen.",
                number=number,
            )
        ) from error


def _lines(text: str) -> Iterator[str]:
    for line in io.StringIO(text, newline=""):
        if len(line) > _LONGEST_LINE:
            raise Unreadable("Het bestand heeft een regel van meer dan 100.000 tekens.")
        yield line


def _too_many() -> str:
    most = f"{MOST_ROWS:,}".replace(",", ".")
    return tell("Het bestand heeft meer dan %(most)s rijen. Splits het in delen.", most=most)


def _sheet(kind: str, source: str, records: Iterable[Numbered], notes: Sequence[str]) -> Sheet:
    filled = ((number, cells) for number, cells in records if any(map(str.strip, cells)))
    top = next(filled, None)
    if top is None:
        raise Unreadable("Het bestand is leeg.")
    header = tuple(tidy(name) for name in top[1])
    found, more_notes = columns.match(kind, header)
    seen: dict[str, int] = {}
    rows: list[Row] = []
    for number, cells in filled:
        if len(rows) == MOST_ROWS:
            raise Unreadable(_too_many())
        rows.append(_row(number, cells, found, len(header), seen))
    return Sheet(kind, source, header, tuple(rows), (*notes, *more_notes))


def _row(
    number: int,
    raw: Sequence[str],
    found: Mapping[str, int],
    width: int,
    seen: dict[str, int],
) -> Row:
    cells: dict[str, str] = {}
    wrong: list[tuple[str, str]] = []
    for column, at in found.items():
        cell = raw[at] if at < len(raw) else ""
        if len(cell) > LONGEST_CELL:
            wrong.append((column, f"meer dan {LONGEST_CELL} tekens"))
            cell = ""
        cells[column] = tidy(cell)
    if any(map(str.strip, raw[width:])):
        wrong.append(("", "er staat meer in deze rij dan er kolommen zijn; is er iets verschoven?"))
    wrong += seen_before(cells["kenmerk"], number, "rij", seen)
    return Row(number, cells, tuple(raw), tuple(wrong))


def seen_before(
    kenmerk: str, number: int, unit: str, seen: dict[str, int]
) -> list[tuple[str, str]]:
    """Say what is wrong with a *kenmerk* that another row has already; *seen* is kept up.

    Returns column and reason, in Dutch.
    """
    first = seen.setdefault(kenmerk, number) if kenmerk else number
    return (
        []
        if first == number
        else [("kenmerk", tell("staat ook in %(unit)s %(n)s", unit=tell(unit), n=first))]
    )


def _calendar(kind: str, source: str, text: str) -> Sheet:
    if kind != "afspraken":
        raise Unreadable(
            tell("Dit is een agenda (ICS); daar staan afspraken in, geen %(kind)s.", kind=kind)
        )
    about, *events = cage.opened("ics", text.encode(), moments.now().isoformat())
    header = columns.names(kind)
    rows: list[Row] = []
    for event in events:
        cells = {column: tidy(cell) for column, cell in event["cells"].items()}
        wrong = [(column, reason) for column, reason in event["wrong"]]
        wrong += [
            (column, f"meer dan {LONGEST_CELL} tekens")
            for column, cell in cells.items()
            if len(cell) > LONGEST_CELL
        ]
        rows.append(
            Row(
                number=event["number"],
                cells=cells,
                raw=tuple(cells.get(column, "") for column in header),
                wrong=tuple(wrong),
                doubts=tuple((column, reason) for column, reason in event["doubts"]),
                attendees=tuple(tidy(name) for name in event["attendees"]),
            )
        )
    series = {
        tidy(uid): Series(sequence, frozenset(map(tidy, kenmerken)))
        for uid, (sequence, *kenmerken) in about["series"].items()
    }
    return Sheet(kind, source, header, tuple(rows), tuple(about["notes"]), "afspraak", series)


def tidy(text: str) -> str:
    """Return *text* on one line, without the marks that cannot be seen but come along.

    The ' that our own file of refused rows puts before a sign is taken off again.
    """
    if text.isascii() and text.isprintable() and "  " not in text:
        plain = text.strip()
    else:
        seen = (
            sign if sign in _KEPT_SIGNS or unicodedata.category(sign)[0] != "C" else _unseen(sign)
            for sign in unicodedata.normalize("NFC", text)
        )
        plain = " ".join("".join(seen).split())
    return plain[1:] if re.match(r"'[=+\-@＝＋－＠]", plain) else plain


def _unseen(sign: str) -> str:
    """A control sign parts words; a direction mark or byte order mark parts nothing."""
    return " " if unicodedata.category(sign) == "Cc" else ""
