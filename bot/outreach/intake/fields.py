"""One row, read column by column: all that is wrong with it is said at once."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from typing import TypeVar

from bot.channels import numbers
from bot.outreach.intake import when
from bot.outreach.intake.report import Remark, shortened
from bot.outreach.intake.sheet import Row
from bot.told import Told, tell
from bot.wording.languages import Language, find, languages

Read = TypeVar("Read")

CLEAR = "-"
"""Empties an optional field; an empty cell leaves it as it was."""

_LONGEST = 200
_ROUNDED = re.compile(r"\d[.,]?\d*[eE]\+?\d+")
_EXCEL_FAULT = re.compile(r"#[A-ZËÉ/0!?]+[!?]?|#N/[AB]")
_YES = frozenset({"ja", "j", "yes", "y", "true", "waar", "1", "x", "akkoord"})
_NO = frozenset({"nee", "n", "neen", "no", "false", "onwaar", "0", "geen"})
_GARBLED = re.compile(r"\?\?|\ufffd|[ÃÂØÙ][\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹Œ‘’“”•–—˜™š›œ]")


def _masked(why: str) -> str:
    """Return *why* with no whole number in it."""
    if not isinstance(why, Told):
        return why
    hidden = {name: shortened("telefoon", str(value)) for name, value in why.values.items()}
    return tell(why.sentence, **hidden)


class Fields:
    """Reads the cells of one row, and notes every fault and doubt."""

    def __init__(self, row: Row, unit: str) -> None:
        self.row = row
        self.unit = unit
        self.faults: list[Remark] = []
        self.doubts: list[Remark] = []
        for column, reason in row.wrong:
            self.wrong(column, reason)
        for column, reason in row.doubts:
            self.doubt(column, reason)

    def wrong(self, column: str, reason: str) -> None:
        """Refuse the row: *reason* says in Dutch what is wrong in *column*."""
        self.faults.append(self._remark(column, reason))

    def doubt(self, column: str, reason: str) -> None:
        """Take the row, but tell staff to look at *column*."""
        self.doubts.append(self._remark(column, reason))

    def text(self, column: str, longest: int = _LONGEST) -> str:
        """Return the cell; empty if it is, or if it cannot be used."""
        value = self.row.cells.get(column, "")
        if _EXCEL_FAULT.fullmatch(value):
            self.wrong(column, "dit is een foutmelding van Excel")
        elif len(value) > longest:
            self.wrong(column, tell("dit is langer dan %(longest)s tekens", longest=longest))
        else:
            return value
        return ""

    def kenmerk(self, column: str = "kenmerk") -> str:
        """Return a key of the gemeente: required, and not one that a spreadsheet has changed."""
        value = self.text(column, 100)
        if not value and not any(fault.column == column for fault in self.faults):
            self.wrong(column, "het kenmerk ontbreekt")
        elif _ROUNDED.fullmatch(value):
            self.wrong(column, "Excel heeft dit afgerond; maak de kolom op als tekst")
        elif re.fullmatch(r"\d\d-\d\d-\d{4}( \d\d:\d\d)?", value):
            self.wrong(column, "Excel heeft hier een datum van gemaakt; maak de kolom op als tekst")
        return value

    def require(self, column: str, value: object) -> None:
        """Refuse the row if nothing is known for *column*, unless that was said already."""
        if not value and not any(fault.column == column for fault in self.faults):
            self.wrong(column, "dit is nog niet bekend; vul het in")

    def optional(self, column: str, known: str | None) -> str | None:
        """Return a text that may be missing: what was *known* stays, ``-`` empties it."""
        value = self.text(column)
        return None if value == CLEAR else value or known

    def value(self, column: str, reads: Callable[[str], Read]) -> Read | None:
        """Return what *reads* makes of the cell; None if it is empty or refused (ValueError)."""
        text = self.text(column)
        if not text:
            return None
        try:
            return reads(text)
        except ValueError as error:
            self.wrong(column, str(error))
            return None

    def first_name(self) -> str:
        """Return a name one can say hello with; empty if there is none."""
        name = self.text("voornaam", 80)
        if when.looks_like_date(name):
            self.wrong("voornaam", "dit lijkt een datum; heeft Excel de naam veranderd?")
        elif _GARBLED.search(name):
            self.wrong("voornaam", "de letters zijn beschadigd; sla het bestand op als CSV (UTF-8)")
        elif re.search(r"://|www\.|@|\d{4}", name) or (name and not any(map(str.isalpha, name))):
            self.wrong("voornaam", "dit is geen naam; hij komt zo in het bericht te staan")
        return name

    def phone(self) -> str | None:
        """Return the number as E.164; None if there is none or it cannot be one."""
        text = self.text("telefoon")
        if not text:
            return None
        try:
            number, warnings = numbers.parse(text)
        except numbers.BadNumber as error:
            self.wrong("telefoon", _masked(error.args[0]))
            return None
        for warning in warnings:
            self.doubt("telefoon", warning)
        return number

    def yes_or_no(self, column: str) -> bool | None:
        """Return True for ja, False for nee, None for an empty cell."""
        text = self.text(column).casefold()
        if text and text not in _YES | _NO:
            self.wrong(column, "vul ja of nee in")
        return None if text not in _YES | _NO else text in _YES

    def number(self, column: str, least: int, most: int) -> int | None:
        """Return a whole number from *least* to *most*."""

        def whole(text: str) -> int:
            found = re.fullmatch(r"(\d{1,9})(?:[.,]0+)?", text)
            if not found or not least <= int(found[1]) <= most:
                raise ValueError(
                    tell(
                        "vul een heel getal in van %(least)s tot en met %(most)s",
                        least=least,
                        most=most,
                    )
                )
            return int(found[1])

        return self.value(column, whole)

    def language(self, column: str, text: str) -> Language | None:
        """Return the language called *text*; warns where it has no texts yet."""
        language = find(text)
        if language is None:
            names = [known.dutch for known in languages().values()]
            close = difflib.get_close_matches(text.capitalize(), names, n=1)
            which, meant = ", ".join(names), "".join(close)
            self.wrong(
                column,
                tell(
                    "deze taal is onbekend. Bedoelt u %(meant)s? Bekend zijn: %(which)s",
                    meant=meant,
                    which=which,
                )
                if close
                else tell("deze taal is onbekend. Bekend zijn: %(which)s", which=which),
            )
        elif not language.shipped:
            self.doubt(
                column,
                tell(
                    "in het %(dutch)s zijn nog geen teksten; het wordt Nederlands",
                    dutch=language.dutch,
                ),
            )
        return language

    def _remark(self, column: str, reason: str) -> Remark:
        value = shortened(column, self.row.cells.get(column, ""))
        return Remark(f"{self.unit} {self.row.number}", column, value, reason)
