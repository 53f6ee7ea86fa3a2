"""The texts: content/messages/*.yaml in Dutch, locales/<code>/LC_MESSAGES/bot.po in the rest.

A translation whose Dutch changed is stale and is never used; the Dutch takes its place, openly.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

from babel.messages.pofile import PoFileError, read_po

from bot.wording import entries, forbidden
from bot.wording.entries import PLACEHOLDER, ContentError, Entry, Fault, placeholders
from bot.wording.languages import CONTENT, languages

__all__ = [
    "Catalogue",
    "ContentError",
    "Entry",
    "Fault",
    "Text",
    "catalogue",
    "faults",
]

State = Literal["source", "reviewed", "unreviewed", "stale", "missing"]

MESSAGES: frozenset[str] = frozenset({"public task", "invitation", "answer"})
"""The purposes of what is sent; the rest is on pages and buttons."""
TEMPLATE_LENGTH = 1024
"""Characters of a template's body with buttons; WhatsApp's limit."""
REVIEWED = re.compile(r"reviewed: .+, \d{4}-\d{2}-\d{2}")
"""The translator's comment that says who read a text, and when."""
KEEPS_ACCENTS = re.compile(r"sms: met accenten\b")
"""The translator's comment on a text that says something else without its accents."""
WITHIN = {"yields": "voortraject.yields"}
"""Values that are texts of the catalogue themselves."""
WORST_FIRST: tuple[State, ...] = ("missing", "stale", "unreviewed", "reviewed", "source")
SAMPLES = {
    "first_name": "Selam",
    "day": "donderdag 3 december",
    "date": "03-12-2026",
    "time": "14:30",
    "place": "Buurthuis De Zwaluw",
    "address": "Voorbeeldstraat 12",
    "staff": "Marieke de Vries",
    "gemeente": "Leeuwarden",
    "phone": "14 058",
    "theme": "Koffie en praten",
    "days": "ma, wo 09:00-11:30",
    "starts": "maandag 7 december (07-12-2026)",
    "weeks": "26",
    "yields": "samen Nederlands praten",
    "until": "donderdag 3 december (03-12-2026) 14:30",
    "number": "3",
    "wijk": "Oud-Zuid",
    "interest": "Koffie en praten",
    "colleague_hours": "maandag tot en met vrijdag van 9 tot 17 uur",
    "own": "Het buurthuis is zaterdag 5 december open van 10:00 tot 12:00 uur.",
    "colleague": "Marieke de Vries",
    "words": "Je brief is binnen. Neem hem mee naar het gesprek.",
}
"""Values as long as real ones: to count SMS with, and as the samples that Meta asks for."""


@dataclass(frozen=True)
class Text:
    """What there is to say for a key to a reader of a language."""

    body: str
    language: str
    """The code of the language *body* is in: Dutch where the reader's text cannot be used."""
    state: State
    """How the text in the reader's language stands."""
    ascii: bool = False
    """May an SMS be spelled without accents? Chosen for the text, and by who translated it."""


class Made(NamedTuple):
    """What a translator made of a text, whether it may be used or not."""

    text: str
    """Empty if there is nothing yet."""
    review: str | None
    """``reviewed: NAME, 2026-11-21`` where somebody read it as it stands."""


class _Translation(NamedTuple):
    source: str
    text: str
    fuzzy: bool
    review: str | None
    """Who read it, and when, as the translators' file says it."""
    accents: bool


class Catalogue:
    """All texts of one content folder. Translations are read when first asked for."""

    def __init__(self, directory: Path, entries: Mapping[str, Entry]) -> None:
        self.directory = directory
        self.entries = entries
        self._translations: dict[str, dict[str, _Translation]] = {}

    def text(self, key: str, language: str) -> Text:
        """Return what to say for *key* to a reader of *language*; KeyError without such a key.

        A stale or missing translation gives the Dutch text, with the state that says why. A
        text that exists in Dutch only is a source for everyone.
        """
        entry = self.entries[key]
        if language == "nl" or entry.only:
            return Text(entry.text, "nl", "source", entry.ascii)
        translation = self._translated(language).get(key)
        if translation is None or not translation.text:
            return Text(entry.text, "nl", "missing", entry.ascii)
        if translation.fuzzy or translation.source != entry.text:
            return Text(entry.text, "nl", "stale", entry.ascii)
        state: State = "reviewed" if translation.review else "unreviewed"
        return Text(translation.text, language, state, entry.ascii and not translation.accents)

    def standing(self, key: str, language: str) -> State:
        """Return how all that a reader of *language* sees of *key* stands: the worst of it.

        That is the text, the buttons below it, and the texts that stand within it.
        """
        entry = self.entries[key]
        within = [WITHIN[name] for name in placeholders(entry.text) if name in WITHIN]
        said = [key, *within, *(f"button.{button}" for button in entry.buttons)]
        states = {self.text(part, language).state for part in said if part in self.entries}
        return next(state for state in WORST_FIRST if state in states)

    def made(self, key: str, language: str) -> Made:
        """Return what there is of *key* in *language*, stale or not; for translators."""
        held = self._translated(language).get(key)
        if held is None:
            return Made("", None)
        fresh = not held.fuzzy and held.source == self.entries[key].text
        return Made(held.text, held.review if fresh else None)

    def texts(self, language: str) -> Iterator[tuple[Entry, Text]]:
        """Yield every text that *language* should have, and how it stands there."""
        for key, entry in self.entries.items():
            if entry.only in {None, language}:
                yield entry, self.text(key, language)

    def where(self, entry: Entry, language: str) -> str:
        """Return the file in which a text of *language* is mended."""
        return f"content/{entry.file}" if language == "nl" else self.file_of(language)

    def counts(self, language: str) -> Counter[State]:
        """Return how many texts stand in which state, of those that *language* should have."""
        return Counter(
            self.text(key, language).state for key, entry in self.entries.items() if not entry.only
        )

    def po_file(self, language: str) -> Path:
        """Return where the translations into *language* are kept."""
        return self.directory.parent / "locales" / language / "LC_MESSAGES" / "bot.po"

    def file_of(self, language: str) -> str:
        """Return `po_file` as a path from the root of the installation."""
        return self.po_file(language).relative_to(self.directory.parent).as_posix()

    def _translated(self, language: str) -> dict[str, _Translation]:
        if language not in self._translations:
            self._translations[language] = _translations(
                self.po_file(language), self.file_of(language)
            )
        return self._translations[language]


@cache
def catalogue(directory: Path = CONTENT) -> Catalogue:
    """Return the texts of *directory*, read once; ContentError with all that is wrong."""
    return Catalogue(directory, entries.load(directory))


def faults(catalogue: Catalogue, languages: Iterable[str]) -> list[Fault]:
    """Return what may not be released, for the texts in *languages* (codes).

    ContentError if a file of translations cannot be read at all.
    """
    return [fault for code in languages for fault in _faults(catalogue, code)]


def problems(entry: Entry, body: str, code: str) -> list[str]:
    """Return in Dutch why *body* may not be said for *entry* in the language *code*."""
    found = [*_wrong(entry, body), *_leaks(entry, body, code)]
    if entry.template and (entry.only or languages()[code].meta):
        found += _not_approvable(body)
    return found


def _faults(catalogue: Catalogue, code: str) -> Iterator[Fault]:
    for entry, text in catalogue.texts(code):
        where = catalogue.where(entry, code)
        if text.state == "missing":
            if languages()[code].shipped:
                yield Fault(where, entry.key, "heeft nog geen vertaling")
        elif text.state != "stale":
            for problem in problems(entry, text.body, code):
                yield Fault(where, entry.key, problem)
        if code == "nl" and entry.picture and not (catalogue.directory / entry.picture).is_file():
            yield Fault(where, entry.key, f"het plaatje {entry.picture} is er niet")


def _wrong(entry: Entry, body: str) -> Iterator[str]:
    if problem := entries.loose_braces(body):
        yield problem
    wanted, used = set(placeholders(entry.text)), set(placeholders(body))
    if lacking := sorted(wanted - used):
        yield f"mist {', '.join(f'{{{name}}}' for name in lacking)}"
    if added := sorted(used - wanted):
        yield f"heeft {', '.join(f'{{{name}}}' for name in added)}, het Nederlands niet"
    if entry.max is not None and len(body) > entry.max:
        yield f"is {len(body)} tekens lang, hoogstens {entry.max}: '{body}'"


def _leaks(entry: Entry, body: str, code: str) -> Iterator[str]:
    if unknown := sorted(set(entry.allow) - forbidden.kinds()):
        yield f"'allow' noemt {', '.join(unknown)}; dat staat niet in forbidden.yaml"
    for kind, word in forbidden.found(body, code).items():
        if kind not in entry.allow:
            yield f"gebruikt '{word}': een verboden woord ({kind})"


def _not_approvable(body: str) -> Iterator[str]:
    """Yield what Meta refuses in the body of a template; its rules read past punctuation."""
    if re.match(rf"\W*?{PLACEHOLDER.pattern}", body):
        yield "begint met een invulveld; dat weigert WhatsApp in een template"
    if re.search(rf"{PLACEHOLDER.pattern}[^\w{{}}]*$", body):
        yield "eindigt met een invulveld; dat weigert WhatsApp in een template"
    for hit in re.finditer(rf"{PLACEHOLDER.pattern}\s*(?={PLACEHOLDER.pattern})", body):
        yield f"heeft een invulveld direct na {{{hit.group(1)}}}; dat weigert WhatsApp"
    if len(body) > TEMPLATE_LENGTH:
        yield f"is {len(body)} tekens lang; een template hoogstens {TEMPLATE_LENGTH}"
    if "\n\n\n" in body:
        yield "heeft twee lege regels na elkaar; dat weigert WhatsApp in een template"


def _translations(path: Path, name: str) -> dict[str, _Translation]:
    if not path.exists():
        return {}
    with path.open("rb") as stream:
        try:
            messages = list(read_po(stream, abort_invalid=True))
        except (PoFileError, UnicodeDecodeError) as error:
            raise ContentError([Fault(name, "", f"is niet te lezen: {error}")]) from error
    return {
        str(message.context): _Translation(
            source=str(message.id),
            text=str(message.string or "").strip(),
            fuzzy=message.fuzzy,
            review=next(filter(REVIEWED.match, message.user_comments), None),
            accents=any(map(KEEPS_ACCENTS.match, message.user_comments)),
        )
        for message in messages
        if message.id
    }
