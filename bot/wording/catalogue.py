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
from bot.wording.segments import segments, thrifty

__all__ = [
    "Catalogue",
    "ContentError",
    "Entry",
    "Fault",
    "Text",
    "Thrift",
    "catalogue",
    "faults",
    "thrift",
    "warnings",
]

State = Literal["source", "reviewed", "unreviewed", "stale", "missing"]

MESSAGES: frozenset[str] = frozenset({"public task", "invitation", "answer"})
"""The purposes of what is sent; the rest is on pages and buttons."""
TEMPLATE_LENGTH = 1024
"""Characters of a template's body with buttons; WhatsApp's limit."""
SENTENCE_LENGTH = 15
"""Words of a Dutch sentence at level A2."""
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

    def counts(self, language: str) -> Counter[State]:
        """Return how many texts stand in which state, of those that *language* should have."""
        return Counter(
            self.text(key, language).state for key, entry in self.entries.items() if not entry.only
        )

    def po_file(self, language: str) -> Path:
        """Return where the translations into *language* are kept."""
        return self.directory.parent / "locales" / language / "LC_MESSAGES" / "bot.po"

    def _translated(self, language: str) -> dict[str, _Translation]:
        if language not in self._translations:
            self._translations[language] = _translations(
                self.po_file(language), _file(self, language)
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


def warnings(catalogue: Catalogue, languages: Iterable[str], max_segments: int = 6) -> list[Fault]:
    """Return what a person should look at, for the texts in *languages* (codes).

    *max_segments* is the number of SMS above which a message is called dear.
    """
    return [warning for code in languages for warning in _warnings(catalogue, code, max_segments)]


def thrift(catalogue: Catalogue, languages: Iterable[str]) -> list[Thrift]:
    """Return the messages that are cheaper as SMS without accents, sent so or not.

    Counted with the buttons below them and `SAMPLES` in them; *languages* are codes.
    """
    return [
        Thrift(entry.key, code, accented, plain, text.ascii)
        for code in languages
        for entry, text in _texts(catalogue, code)
        if text.state not in {"stale", "missing"} and entry.purpose in MESSAGES
        for accented, plain in [_cost(catalogue, entry, text)]
        if plain < accented
    ]


def _faults(catalogue: Catalogue, code: str) -> Iterator[Fault]:
    for entry, text in _texts(catalogue, code):
        where = _where(catalogue, entry, code)
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


def _warnings(catalogue: Catalogue, code: str, max_segments: int) -> Iterator[Fault]:
    language = languages()[code]
    if unread := catalogue.counts(code)["unreviewed"]:
        file = _file(catalogue, code)
        yield Fault(file, "", f"{unread} teksten zijn nog door niemand nagelezen")
    for entry, text in _texts(catalogue, code):
        where = _where(catalogue, entry, code)
        if text.state == "stale":
            yield Fault(where, entry.key, "is verouderd: het Nederlands is veranderd")
        if text.state in {"stale", "missing"}:
            continue
        problems: list[str] = []
        if code == "nl":
            problems += _long_sentences(text.body)
        if entry.purpose in MESSAGES:
            accented, plain = _cost(catalogue, entry, text)
            if (count := plain if text.ascii else accented) > max_segments:
                problems.append(f"kost {count} sms'en, meer dan {max_segments}")
        if entry.template and (entry.only or language.meta):
            problems += _too_bare(text.body)
        elif entry.template and language.shipped and not entry.opener:
            problems.append("heeft geen opener, en WhatsApp kent deze taal niet")
        yield from (Fault(where, entry.key, problem) for problem in problems)


def _long_sentences(body: str) -> Iterator[str]:
    for sentence in re.split(r"[.!?:;]\s|\n", body):
        if (count := len(sentence.split())) > SENTENCE_LENGTH:
            yield f"heeft een zin van {count} woorden: '{sentence.strip()[:40]}...'"


def _too_bare(body: str) -> Iterator[str]:
    """Yield Meta's word on a body that is mostly placeholders: 2x + 1 words for x of them."""
    count = len(PLACEHOLDER.findall(body))
    words = len(re.findall(r"\w+", PLACEHOLDER.sub(" ", body)))
    if count and words < 2 * count + 1:
        yield f"heeft {count} invulvelden op {words} woorden; WhatsApp wil er {2 * count + 1}"


def _cost(catalogue: Catalogue, entry: Entry, text: Text) -> tuple[int, int]:
    """Return how many SMS *text* takes with its accents, and without them."""
    filled = PLACEHOLDER.sub(lambda name: SAMPLES.get(name[1], name[1]), text.body)
    titles = (catalogue.text(f"button.{button}", text.language).body for button in entry.buttons)
    body = "\n".join([filled, *(f"{n} = {title}" for n, title in enumerate(titles, 1))])
    return segments(body), segments(thrifty(body))


def _texts(catalogue: Catalogue, code: str) -> Iterator[tuple[Entry, Text]]:
    for key, entry in catalogue.entries.items():
        if entry.only in {None, code}:
            yield entry, catalogue.text(key, code)


def _where(catalogue: Catalogue, entry: Entry, code: str) -> str:
    return f"content/{entry.file}" if code == "nl" else _file(catalogue, code)


def _file(catalogue: Catalogue, code: str) -> str:
    return catalogue.po_file(code).relative_to(catalogue.directory.parent).as_posix()


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
