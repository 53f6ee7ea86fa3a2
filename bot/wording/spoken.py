"""Which pieces a text is read aloud from: its own sentences, and the words for day, hour, place.

The pieces follow from the text as it stands in that language, line by line. A sentence is known by
its words: once they change it wants another recording. What no recording can hold, such as a name
or a number of a house, is left to be read.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from babel.dates import format_date

from bot.gemeente import Gemeente
from bot.moments import local
from bot.wording.catalogue import Catalogue
from bot.wording.entries import PLACEHOLDER, placeholders
from bot.wording.languages import languages
from bot.wording.render import spoken_weekday

MACHINE = "voice.machine"
"""The key of the sentence that says that a computer speaks."""

PAGE = ("page.title", "page.lead")
"""What is read aloud on the page of a link, as one piece."""

QUARTERS = range(5, 60, 5)
"""The minutes of which there is a recording. At others nothing is said aloud."""

SILENT = frozenset({"date", "address", "staff", "theme", "weeks", "yields"})
"""Values that are only read; a line that holds nothing else is not said."""

WEEK = ("mo", "tu", "we", "th", "fr", "sa", "su")
"""How the days of a group are told, Monday first."""

NAMES = frozenset({"first_name"})
"""Values that are left out where they stand."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Something that is recorded once in a language."""

    key: str
    says: str
    """The words to read."""


def pieces(
    key: str, language: str, values: Mapping[str, Any], texts: Catalogue, gemeente: Gemeente
) -> tuple[Piece, ...] | None:
    """Return what the text *key* is joined from, in order; None if it cannot be said aloud.

    Without a usable text in *language* there is nothing to say: Dutch is no help to listen to.
    """
    text = texts.text(key, language)
    if text.language != language or not texts.entries[key].spoken:
        return None
    found: list[Piece] = []
    for line in text.body.split("\n"):
        said = _line(line, language, values, gemeente)
        if said is None:
            return None
        found += said
    return tuple(found)


def _line(
    line: str, language: str, values: Mapping[str, Any], gemeente: Gemeente
) -> list[Piece] | None:
    names = placeholders(line)
    if names and set(names) <= SILENT:
        return []
    if not names:
        return list(_sentence(line))
    found: list[Piece] = []
    said = False
    for at, part in enumerate(PLACEHOLDER.split(line)):
        if at % 2 == 0:
            found += _sentence(part)
        elif part in NAMES:
            said = True
        elif part not in SILENT:
            value = _value(part, language, values, gemeente)
            if value is None:
                return None
            said = said or bool(value)
            found += value
    return found if said else []


def _sentence(words: str) -> Iterator[Piece]:
    """Give the piece of fixed *words*; none for marks between two values."""
    words = words.strip(" :;,()-–\u1361\u1366")
    if any(sign.isalnum() for sign in words):
        yield Piece(f"zin:{hashlib.sha256(words.encode()).hexdigest()[:12]}", words)


def _value(
    name: str, language: str, values: Mapping[str, Any], gemeente: Gemeente
) -> list[Piece] | None:
    """Return how a value is said; nothing if it is empty, None if nobody can have recorded it."""
    if name == "gemeente":
        return [Piece("gemeente", gemeente.name)]
    if name == "place":
        place = gemeente.place(str(values.get("place") or ""))
        return [_place(place.name)] if place else []
    begins = values.get("begins")
    if not isinstance(begins, datetime) or name not in ("day", "time", "days", "starts"):
        return None
    moment = local(begins)
    if name in ("day", "starts"):
        return list(_day(moment.date(), language))
    weekdays = []
    if name == "days":
        told = str(values.get("weekdays") or "").split(",")
        weekdays = [_weekday(WEEK.index(day), language) for day in told if day in WEEK]
    if moment.minute and moment.minute not in QUARTERS:
        return None
    minutes = [_minute(moment.minute)] if moment.minute else []
    return [*weekdays, _hour(moment.hour), *minutes]


def _place(name: str) -> Piece:
    return Piece(f"plaats:{hashlib.sha256(name.encode()).hexdigest()[:12]}", name)


def _hour(hour: int) -> Piece:
    return Piece(f"uur:{hour}", f"{hour:02}:00")


def _minute(minute: int) -> Piece:
    return Piece(f"minuut:{minute}", f"{minute:02}")


def _day(day: date, language: str) -> Iterator[Piece]:
    """Give weekday, day and month in the order of the language."""
    for part in re.findall("E{4}|d|M{4}|L{4}", re.sub("'[^']*'", "", languages()[language].day)):
        if part == "EEEE":
            yield _weekday(day.weekday(), language)
        elif part == "d":
            yield Piece(f"dag:{day.day}", str(day.day))
        else:
            yield _month(day.month, language)


def _weekday(number: int, language: str) -> Piece:
    return Piece(f"weekdag:{number}", spoken_weekday(number, language))


def _month(month: int, language: str) -> Piece:
    """Return a month as it stands behind the number of a day: in its case, with its preposition."""
    known = languages()[language]
    shape = re.sub(r"E{4}|\bd\b(?:'[^' ]*')?|,", "", known.day).strip()
    said = (format_date(date(2026, month, 3), shape, locale=locale) for locale in known.months)
    return Piece(
        f"maand:{month}", " / ".join(dict.fromkeys(" ".join(each.split()) for each in said))
    )


def page(language: str, texts: Catalogue) -> Piece | None:
    """Return what the page of a link says aloud; None without a text in *language*."""
    found = [texts.text(key, language) for key in PAGE]
    if any(text.language != language for text in found):
        return None
    return next(_sentence("\n".join(text.body for text in found)))


def machine(language: str, texts: Catalogue) -> Piece | None:
    """Return the sentence that says that a computer speaks; None without it in *language*."""
    text = texts.text(MACHINE, language)
    return next(_sentence(text.body)) if text.language == language else None


def sentences(key: str, language: str, texts: Catalogue) -> tuple[Piece, ...]:
    """Return the fixed words of the text *key*: what is recorded for it alone."""
    text = texts.text(key, language)
    if text.language != language:
        return ()
    found = [
        piece
        for line in text.body.split("\n")
        if not (names := placeholders(line)) or not set(names) <= SILENT
        for part in PLACEHOLDER.split(line)[::2]
        for piece in _sentence(part)
    ]
    return tuple(dict.fromkeys(found))


def needs(key: str, language: str, texts: Catalogue, gemeente: Gemeente) -> frozenset[str]:
    """Return the keys of all pieces that the text *key* may ever want."""
    kinds = {
        "day": ("weekdag", "dag", "maand"),
        "time": ("uur", "minuut"),
        "days": ("weekdag", "uur", "minuut"),
        "starts": ("weekdag", "dag", "maand"),
        "place": ("plaats",),
        "gemeente": ("gemeente",),
    }
    names = placeholders(texts.text(key, language).body)
    wanted = {kind for name in names for kind in kinds.get(name, ())}
    return frozenset(
        piece.key
        for piece in (*sentences(key, language, texts), *values(language, gemeente))
        if piece.key.startswith("zin:") or piece.key.partition(":")[0] in wanted
    )


def texts_aloud(texts: Catalogue) -> list[str]:
    """Return the keys of the texts that are said aloud."""
    return [key for key, entry in texts.entries.items() if entry.spoken]


def values(language: str, gemeente: Gemeente) -> tuple[Piece, ...]:
    """Return the words for days, hours and places, which serve all texts."""
    return (
        Piece("gemeente", gemeente.name),
        *(_weekday(number, language) for number in range(7)),
        *(Piece(f"dag:{number}", str(number)) for number in range(1, 32)),
        *(_month(number, language) for number in range(1, 13)),
        *(_hour(number) for number in range(24)),
        *(_minute(number) for number in QUARTERS),
        *(_place(place.name) for place in gemeente.places),
    )


def wanted(language: str, texts: Catalogue, gemeente: Gemeente) -> tuple[Piece, ...]:
    """Return all that should be recorded in *language*: what is used most first."""
    own = (piece for key in texts_aloud(texts) for piece in sentences(key, language, texts))
    return _once([*own, *filter(None, [page(language, texts)]), *values(language, gemeente)])


def _once(found: Iterable[Piece]) -> tuple[Piece, ...]:
    return tuple({piece.key: piece for piece in found}.values())
