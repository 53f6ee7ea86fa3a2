"""Texts to a translator and back: what stands in the sheet, and what of it may be stored.

A row comes back whole or not at all: what breaks a value, a button or a rule is refused with its
row and the reason, in Dutch, and the rows beside it are taken all the same. A translation made
from Dutch that has changed since is refused too: nobody would see that it is stale.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from bot.wording.catalogue import REVIEWED, SAMPLES, Catalogue, problems
from bot.wording.entries import PLACEHOLDER, Entry
from bot.wording.extract import Change
from bot.wording.languages import find, languages

HEADER = (
    *("Taal", "Sleutel", "Waar staat het", "Nederlands", "Zo ziet het eruit", "Uitleg"),
    *("Hoogstens", "Vertaling", "Staat", "Nagelezen door", "Nagelezen op"),
)
WIDTHS = (12, 26, 24, 44, 44, 44, 10, 44, 14, 20, 14)
"""Characters of each column."""

STATES = {
    "missing": "ontbreekt",
    "stale": "verouderd",
    "unreviewed": "niet nagelezen",
    "reviewed": "nagelezen",
}
WHERE = {
    "public task": "Bericht van ons",
    "invitation": "Uitnodiging",
    "answer": "Antwoord van ons",
    "page": "Webpagina",
    "button": "Knop",
}
LONGEST = 1000
"""Characters of a translation; what reads a sheet cuts a cell above that."""

NAME_LENGTH = 60
"""Characters of the name of who read a text."""

_DATE = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})(?: .*)?")
_ISO_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[ T].*)?")


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that was not stored."""

    row: int
    """As Excel counts: the header is row 1."""
    key: str
    reason: str
    """In Dutch."""

    def __str__(self) -> str:
        return f"rij {self.row}{self.key and f' ({self.key})'}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Returned:
    """What a sheet that came back holds."""

    changes: Mapping[str, Mapping[str, Change]]
    """Language -> key -> what is new."""
    refused: Sequence[Refused]
    same: int
    """Rows in which nothing is new."""


def rows(catalogue: Catalogue, codes: Iterable[str]) -> Iterator[tuple[str, ...]]:
    """Yield a row of `HEADER` for every text that each of these languages should have."""
    for code in codes:
        for key, entry in catalogue.entries.items():
            if entry.only is not None or code == "nl":
                continue
            made = catalogue.made(key, code)
            who, when = _reader(made.review)
            yield (
                code,
                key,
                _where(catalogue, entry),
                entry.text,
                _bubble(catalogue, entry),
                entry.note,
                str(entry.max) if entry.max else "",
                made.text,
                STATES[catalogue.text(key, code).state],
                who,
                when,
            )


def returned(catalogue: Catalogue, sheet: Iterable[tuple[int, Sequence[str]]]) -> Returned:
    """Read the numbered rows of a *sheet*, its header first; ValueError without the columns.

    Columns may stand in any order, and others beside them.
    """
    lines = iter(sheet)
    _, header = next(lines, (1, ()))
    at = {name.strip().casefold(): place for place, name in enumerate(header)}
    needed = ("Taal", "Sleutel", "Nederlands", "Vertaling")
    if lacking := [name for name in needed if name.casefold() not in at]:
        raise ValueError(f"de kolommen {', '.join(lacking)} staan er niet in")

    def cell(cells: Sequence[str], name: str) -> str:
        place = at.get(name.casefold(), len(cells))
        return _tidied(cells[place]) if place < len(cells) else ""

    changes: dict[str, dict[str, Change]] = {}
    refused: list[Refused] = []
    seen: dict[tuple[str, str], int] = {}
    same = 0
    for number, cells in lines:
        told = {name: cell(cells, name) for name in HEADER}
        key = told["Sleutel"]
        try:
            code, change = _change(catalogue, told)
        except _Wrong as wrong:
            refused.append(Refused(number, key, str(wrong)))
            continue
        if change is None:
            same += 1
        elif (code, key) in seen:
            refused.append(Refused(number, key, f"staat ook in rij {seen[code, key]}"))
        else:
            seen[code, key] = number
            changes.setdefault(code, {})[key] = change
    return Returned(changes, refused, same)


class _Wrong(Exception):
    """A row that cannot be stored; its message says why."""


def _change(catalogue: Catalogue, told: Mapping[str, str]) -> tuple[str, Change | None]:
    language = find(told["Taal"])
    if language is None or language.code == "nl":
        raise _Wrong(f"de taal '{told['Taal']}' kennen wij niet")
    code, key, text = language.code, told["Sleutel"], told["Vertaling"]
    entry = catalogue.entries.get(key)
    if entry is None or entry.only is not None:
        raise _Wrong("deze sleutel is er niet (meer)")
    if _tidied(told["Nederlands"]) != _tidied(entry.text):
        raise _Wrong("het Nederlands is intussen veranderd; vraag een nieuw bestand")
    made = catalogue.made(key, code)
    review = _review(told["Nagelezen door"], told["Nagelezen op"])
    if not text:
        if review and review != made.review:
            raise _Wrong("er is geen vertaling om na te lezen")
        return code, None
    if len(text) > LONGEST:
        raise _Wrong(f"is langer dan {LONGEST} tekens")
    if wrong := problems(entry, text, code):
        raise _Wrong("; ".join(wrong))
    new = text != _tidied(made.text)
    if not new and (review is None or review == made.review):
        return code, None
    # Who read the old text has not read the new one.
    return code, Change(text, None if new and review == made.review else review)


def _review(who: str, when: str) -> str | None:
    """Return the remark that says who read a text, and when; None if nobody did."""
    who = " ".join(who.split())
    if not who and not when:
        return None
    if not who or not when:
        raise _Wrong("vul allebei in: nagelezen door en nagelezen op")
    if len(who) > NAME_LENGTH or not any(map(str.isalpha, who)):
        raise _Wrong("'nagelezen door' is geen naam")
    return f"reviewed: {who}, {_day(when).isoformat()}"


def _day(when: str) -> date:
    found = _DATE.fullmatch(when)
    iso = _ISO_DATE.fullmatch(when)
    parts = (found[3], found[2], found[1]) if found else iso.groups() if iso else None
    try:
        year, month, day = map(int, parts or ())
        return date(year, month, day)
    except ValueError:
        raise _Wrong(f"'nagelezen op' is geen datum: {when[:20]}") from None


def _reader(review: str | None) -> tuple[str, str]:
    if review is None or REVIEWED.fullmatch(review) is None:
        return "", ""
    who, _, when = review.removeprefix("reviewed: ").rpartition(", ")
    return who, date.fromisoformat(when).strftime("%d-%m-%Y")


def _tidied(text: str) -> str:
    """Return *text* as a text is kept: plain line ends, no space at the end of a line."""
    lines = text.replace("\r\n", "\n").replace("_x000D_", "").replace("\r", "\n").split("\n")
    return "\n".join(line.rstrip(" \t\u00a0") for line in lines).strip()


def _where(catalogue: Catalogue, entry: Entry) -> str:
    """Say where a reader meets a text."""
    place = WHERE[entry.purpose]
    if entry.purpose != "button":
        return f"{place}, groep {entry.key.partition('.')[0]}"
    name = entry.key.removeprefix("button.")
    below = [key for key, other in catalogue.entries.items() if name in other.buttons]
    return f"{place} onder {', '.join(below[:3])}" if below else place


def _bubble(catalogue: Catalogue, entry: Entry) -> str:
    """Show the Dutch as a reader sees it: filled in, with the buttons below it."""
    filled = PLACEHOLDER.sub(lambda name: SAMPLES.get(name[1], name[1]), entry.text)
    titles = [catalogue.text(f"button.{button}", "nl").body for button in entry.buttons]
    return "\n".join([filled, *(f"[ {title} ]" for title in titles)])


def codes(wanted: Iterable[str]) -> list[str]:
    """Return the codes of these languages, by code or name; ValueError for one we do not have."""
    found = []
    for name in wanted:
        language = find(name)
        if language is None or language.code == "nl":
            raise ValueError(name)
        found.append(language.code)
    return found or [code for code, each in languages().items() if each.shipped and code != "nl"]
