"""What a person should look at in the texts: simple Dutch, and what an SMS of them costs.

Nothing here is refused (`catalogue.faults` does that); it is measured and said. Level A2 is
measured by what can be counted: words in a sentence, letters in a word, the passive, and words
that have a simpler one beside them (content/simpler.yaml).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time
from functools import cache
from typing import NamedTuple

import yaml

from bot import moments
from bot.wording.catalogue import MESSAGES, SAMPLES, WITHIN, Catalogue, Text
from bot.wording.entries import PLACEHOLDER, Entry, Fault
from bot.wording.languages import CONTENT, bare, languages
from bot.wording.render import buttons, spoken_date, spoken_day, spoken_weekday, with_numbers
from bot.wording.segments import coding, fold, segments, thrifty

SENTENCE_LENGTH = 12
"""Words of a Dutch sentence at level A2."""
WORD_LENGTH = 16
"""Letters of a Dutch word at level A2."""

_EXAMPLE = moments.from_local(datetime.combine(date(2026, 12, 14), time(9)))
"""A Monday in a month with a long name in most languages."""
_PASSIVE = re.compile(
    r"\b(?:wordt|worden|werd|werden)\b(?:\W+\w+){0,5}?\W+\w*ge\w+(?:d|t|en)\b", re.IGNORECASE
)
_RANGE = "09:00-11:30"


class Thrift(NamedTuple):
    """What a text costs as SMS, with its accents and without."""

    key: str
    language: str
    accented: int
    """The number of SMS with all accents."""
    plain: int
    """The number without them; the same where that is no cheaper."""
    chosen: bool
    """True if it is sent without them."""


def warnings(catalogue: Catalogue, codes: Iterable[str], max_segments: int = 6) -> list[Fault]:
    """Return what a person should look at, for the texts in these languages.

    *max_segments* is the number of SMS above which a message is called dear.
    """
    return [warning for code in codes for warning in _warnings(catalogue, code, max_segments)]


def thrift(catalogue: Catalogue, codes: Iterable[str]) -> list[Thrift]:
    """Return the messages that are cheaper as SMS without accents, sent so or not.

    Counted with the buttons below them and `example` values in them.
    """
    return [
        Thrift(entry.key, code, accented, plain, text.ascii)
        for code in codes
        for entry, text in _usable(catalogue, code)
        if entry.purpose in MESSAGES
        for accented, plain in [cost(catalogue, entry, text)]
        if plain < accented
    ]


def cost(catalogue: Catalogue, entry: Entry, text: Text) -> tuple[int, int]:
    """Return how many SMS *text* takes with its accents, and without them."""
    body = _filled(catalogue, entry, text)
    return segments(body), segments(thrifty(body))


def example(catalogue: Catalogue, language: str) -> dict[str, str]:
    """Return a value for every placeholder, as long as real ones are in *language*."""
    day, figures = spoken_day(_EXAMPLE, language), spoken_date(_EXAMPLE)
    days = f"{spoken_weekday(0, language)}, {spoken_weekday(2, language)}"
    values = {
        **SAMPLES,
        "day": day,
        "starts": f"{day}, {figures}",
        "until": f"{day}, {figures} 14:30",
        "days": f"{days} {_RANGE}",
    }
    for name, key in WITHIN.items():
        if key in catalogue.entries:
            values[name] = catalogue.text(key, language).body
    if languages()[language].rtl:
        # Two marks keep what is written from left to right in its place; they are counted too.
        values |= {name: f"\u200e{values[name]}\u200e" for name in SAMPLES if name not in WITHIN}
    return values


def _filled(catalogue: Catalogue, entry: Entry, text: Text) -> str:
    values = example(catalogue, text.language)
    filled = PLACEHOLDER.sub(lambda name: values.get(name[1], name[1]), text.body)
    titles = [
        title
        for _, title in buttons(
            [name for name in entry.buttons if f"button.{name}" in catalogue.entries],
            text.language,
            catalogue=catalogue,
        )
    ]
    return with_numbers(filled, titles)


def _warnings(catalogue: Catalogue, code: str, max_segments: int) -> Iterator[Fault]:
    language = languages()[code]
    if unread := catalogue.counts(code)["unreviewed"]:
        file = catalogue.file_of(code)
        yield Fault(file, "", f"{unread} teksten zijn nog door niemand nagelezen")
    for entry, text in catalogue.texts(code):
        where = catalogue.where(entry, code)
        if text.state == "stale":
            yield Fault(where, entry.key, "is verouderd: het Nederlands is veranderd")
        if text.state in {"stale", "missing"}:
            continue
        found: list[str] = []
        if code == "nl":
            found += _not_simple(text.body)
        if entry.purpose in MESSAGES:
            accented, plain = cost(catalogue, entry, text)
            if (count := plain if text.ascii else accented) > max_segments:
                found.append(f"kost {count} sms'en, meer dan {max_segments}")
            found += _jumps(_filled(catalogue, entry, text), text.ascii)
        if entry.template and (entry.only or language.meta):
            found += _too_bare(text.body)
        elif entry.template and language.shipped and not entry.opener:
            found.append("heeft geen opener, en WhatsApp kent deze taal niet")
        yield from (Fault(where, entry.key, problem) for problem in found)


def _usable(catalogue: Catalogue, code: str) -> Iterator[tuple[Entry, Text]]:
    for entry, text in catalogue.texts(code):
        if text.state not in {"stale", "missing"}:
            yield entry, text


def _not_simple(body: str) -> Iterator[str]:
    """Yield what is harder than level A2, as far as it can be counted."""
    plain = PLACEHOLDER.sub("x", body)
    for sentence in re.split(r"[.!?:;]\s|\n", plain):
        if (count := len(sentence.split())) > SENTENCE_LENGTH:
            yield f"heeft een zin van {count} woorden: '{sentence.strip()[:40]}...'"
        if found := _PASSIVE.search(sentence):
            yield f"zegt niet wie het doet: '{found.group()[:40]}'"
    for word in dict.fromkeys(re.findall(r"[^\W\d_]+", plain)):
        if len(word) > WORD_LENGTH:
            yield f"heeft een woord van {len(word)} letters: '{word}'"
    said = _bare_words(plain)
    for hard, simple in _simpler().items():
        if f" {hard} " in f" {said} ":
            yield f"zegt '{hard}'; eenvoudiger is '{simple}'"


def _jumps(body: str, ascii_: bool) -> Iterator[str]:
    """Yield signs, no letters, for which alone every part of an SMS holds half as much."""
    if ascii_ or coding(body) == "GSM-7":
        return
    alien = [sign for sign in dict.fromkeys(body) if coding(sign) != "GSM-7"]
    if any(map(str.isalpha, alien)):
        return
    plain = segments(fold(body))
    if plain < (now := segments(body)):
        signs = " ".join(alien)
        yield f"kost {now} sms'en in plaats van {plain} door alleen dit teken: {signs}"


def _too_bare(body: str) -> Iterator[str]:
    """Yield Meta's word on a body that is mostly placeholders: 2x + 1 words for x of them."""
    count = len(PLACEHOLDER.findall(body))
    words = len(re.findall(r"\w+", PLACEHOLDER.sub(" ", body)))
    if count and words < 2 * count + 1:
        yield f"heeft {count} invulvelden op {words} woorden; WhatsApp wil er {2 * count + 1}"


@cache
def _simpler() -> dict[str, str]:
    """Return hard Dutch words, bare, each with a simpler one."""
    told: dict[str, str] = yaml.safe_load((CONTENT / "simpler.yaml").read_text(encoding="utf-8"))
    return {_bare_words(hard): easy for hard, easy in told.items()}


def _bare_words(text: str) -> str:
    return " ".join(re.findall(r"[^\W_]+", bare(text)))
