"""content/lexicon.yaml as an index: which words, in which language, mean what.

A text and a phrase of the lexicon pass through the same `spell`, so both are spelled alike: one
alphabet per script, no invisible marks, no capitals. Accents stay in ``exact`` and go in
``bare``: Turkish *beş* is five and must not be taken for Kurdish *bes*, enough.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import groupby, product
from pathlib import Path
from typing import Any, Generic, TypeVar

import yaml
from babel import Locale

from bot.wording.languages import languages

SOURCE = Path(__file__).parents[2] / "content" / "lexicon.yaml"

LONGEST = 4096
"""Characters read of one text: what Telegram lets a person send."""

INTENTS = frozenset(
    {
        "confirm",
        "decline",
        "reschedule",
        "help",
        "stop",
        "start",
        "language",
        "thanks",
        "childcare",
        "emergency",
        "wrong_number",
        "human",
    }
)
"""The groups of a language whose phrases mean something by themselves."""

ROLES = frozenset(
    {
        "polite",
        "greeting",
        "closing",
        "asking",
        "but",
        "because",
        "doubt",
        "not",
        "question",
        "option",
    }
)
"""The groups of words that mean nothing alone but colour the words beside them."""

DESCRIPTION = frozenset({"name", "script", "numbers"})
"""What else is told of a language."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Message:
    """A text as words. ``exact`` and ``bare`` have the same length and order."""

    exact: tuple[str, ...]
    bare: tuple[str, ...]
    """The same words without accents and apostrophes."""
    signs: tuple[str, ...] = ()
    """Emoji and other pictures, without skin tone."""
    question: bool = False
    """A question mark of any script stands in it."""
    signed: int = 0
    """How many last words stand behind the last full stop or line, if at most two: a name?"""
    pauses: frozenset[int] = frozenset()
    """The places of words before which somebody paused: a comma, a full stop, a line, a picture."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One phrase of one language."""

    language: str
    intent: str
    phrase: str
    confidence: str
    """``high``, ``med`` or ``low``: how sure the drafter was."""
    inside: bool
    """Also read where it stands inside a longer sentence."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Words that mean different things to different people, and what to make of them."""

    name: str
    when: dict[str, str]
    """Preferred language -> intent; ``lists`` leaves it to the phrases of the languages."""
    otherwise: str
    """For every other preferred language; mostly ``unclear``."""
    tells: str
    """What is ambiguous, for a person to read."""
    asked: dict[str, str]
    """Open question -> intent, where the question settles what is meant."""

    def intent(self, language: str, asks: str | None) -> str:
        """Return what the words mean to somebody who prefers *language* and is asked *asks*."""
        return self.asked.get(asks or "") or self.when.get(language, self.otherwise)


@dataclass(frozen=True, slots=True)
class Role:
    """A word that only colours others, e.g. *please*, in one language."""

    language: str
    role: str


@dataclass(frozen=True, slots=True)
class NumberWord:
    """A number in letters, in one language."""

    language: str
    number: int


@dataclass
class Index(Generic[T]):
    """Meanings by spelling: with accents first, without them where that finds nothing."""

    exact: dict[str, list[T]] = field(default_factory=dict)
    bare: dict[str, list[T]] = field(default_factory=dict)

    def add(self, phrase: str, meaning: T) -> None:
        """Hold *meaning* under both spellings of *phrase*."""
        spelled = spell(phrase)
        for table, words in ((self.exact, spelled.exact), (self.bare, spelled.bare)):
            held = table.setdefault(" ".join(words), [])
            if meaning not in held:
                held.append(meaning)

    def find(self, exact: str, bare: str) -> list[T]:
        """Return what was held; empty if nothing."""
        return self.exact.get(exact) or self.bare.get(bare, [])


@dataclass
class Lexicon:
    """All that content/lexicon.yaml tells, ready to be looked up."""

    entries: Index[Entry] = field(default_factory=Index)
    rules: Index[Rule] = field(default_factory=Index)
    roles: Index[Role] = field(default_factory=Index)
    numbers: Index[NumberWord] = field(default_factory=Index)
    names: Index[str] = field(default_factory=Index)
    """Names of languages -> our code of a language we know how to write."""
    signs: dict[str, str] = field(default_factory=dict)
    """Picture -> intent, or ``distress``."""
    stop_words: Index[bool] = field(default_factory=Index)
    """Read as stop at the edge of a short message."""
    no_stop_beside: Index[bool] = field(default_factory=Index)
    """Words in whose company those are not: a bus stop."""
    no_stop_after: Index[bool] = field(default_factory=Index)
    """Words right after which those are not: the stop."""
    first_names: Index[bool] = field(default_factory=Index)
    """Names of languages that people also have."""
    acknowledges: Index[bool] = field(default_factory=Index)
    """Words that with thanks are a yes only while a question is open."""
    ordinals: frozenset[str] = frozenset()
    """What is written behind a figure: 2e, 2nd, 2-й."""
    stands_in: dict[str, str] = field(default_factory=dict)
    """A language without a list of its own -> the language whose list serves it."""
    vocabulary: set[str] = field(default_factory=set)
    """Every single word that stands anywhere in the lexicon, in both spellings."""
    begins: dict[str, int] = field(default_factory=dict)
    """First word of whatever is held -> words in the longest that begins so."""

    def read(self, text: str) -> Message:
        """Return *text* as words; a letter held down (*jaaaa*) is let go where that gives a word.

        At most `LONGEST` characters are read.
        """
        spelled = spell(text)
        exact = tuple(self._let_go(word) for word in spelled.exact)
        if exact == spelled.exact:
            return spelled
        bare = tuple(_bare(word) for word in exact)
        return replace(spelled, exact=exact, bare=bare)

    def reach(self, exact: str, bare: str) -> int:
        """Return how many words the longest thing has that begins with this word; 0 if none."""
        return max(self.begins.get(exact, 0), self.begins.get(bare, 0))

    def knows(self, word: str) -> bool:
        """Return whether *word* (exact or bare) stands anywhere in the lexicon."""
        return word in self.vocabulary or _bare(word) in self.vocabulary

    def entries_of(self, exact: str, bare: str) -> list[Entry]:
        """Return the phrases spelled so; a number in letters never loses its accents for it."""
        if exact in self.numbers.exact:
            return self.entries.exact.get(exact, [])
        return self.entries.find(exact, bare)

    def rule_of(self, exact: str, bare: str) -> Rule | None:
        """Return the rule for ambiguous words spelled so, unless an accent tells them apart."""
        if exact in self.numbers.exact or exact in self.entries.exact:
            found = self.rules.exact.get(exact, [])
        else:
            found = self.rules.find(exact, bare)
        return found[0] if found else None

    def add_words(self, phrase: str) -> None:
        """Make the words of *phrase* known."""
        spelled = spell(phrase)
        self.vocabulary.update(spelled.exact, spelled.bare)
        for words in (spelled.exact, spelled.bare):
            if words:
                self.begins[words[0]] = max(self.begins.get(words[0], 0), len(words))

    def _let_go(self, word: str) -> str:
        if not _HELD.search(word):
            return word
        runs = [(letter, len(list(run))) for letter, run in groupby(word)]
        if sum(length > 2 for _, length in runs) > 4:
            return word
        shorter = product(
            *((letter * 2, letter) if length > 2 else (letter * length,) for letter, length in runs)
        )
        return next((form for form in map("".join, shorter) if self.knows(form)), word)


@cache
def lexicon() -> Lexicon:
    """Return content/lexicon.yaml, read once per process."""
    return build(source())


@cache
def source() -> dict[str, Any]:
    """Return content/lexicon.yaml as it is written."""
    return told_in(SOURCE)


def told_in(path: Path) -> dict[str, Any]:
    """Return a file of words as it is written."""
    # The one in C reads it ten times faster; both are safe.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(path.read_text(encoding="utf-8"))
    told: dict[str, Any] = loader.get_single_data()
    return told


def build(told: dict[str, Any]) -> Lexicon:
    """Return the index of a lexicon as `source` gives it."""
    held = Lexicon()
    for code, group, entry in phrases(told):
        if group in INTENTS:
            phrase = entry["t"]
            held.entries.add(
                phrase, Entry(code, group, phrase, entry["c"], entry.get("inside", False))
            )
        else:
            phrase = entry
            held.roles.add(phrase, Role(code, group))
        held.add_words(phrase)
    for code, language in told["languages"].items():
        for number, words in enumerate(language.get("numbers", []), start=1):
            for word in words:
                held.numbers.add(word, NumberWord(code, number))
                held.add_words(word)
    for name, rule in told["ambiguous"].items():
        meaning = Rule(
            name,
            rule.get("when", {}),
            rule.get("otherwise", "unclear"),
            rule["tells"],
            rule.get("asked", {}),
        )
        for token in rule["tokens"]:
            held.rules.add(token, meaning)
            held.add_words(token)
    for kind, signs in told["emoji"].items():
        for sign in signs:
            held.signs.update(dict.fromkeys(spell(sign).signs, kind))
    stopping = told["stop_in_sentence"]
    for table, words in (
        (held.stop_words, stopping["words"]),
        (held.no_stop_beside, stopping["not_beside"]),
        (held.no_stop_after, stopping["not_after"]),
        (held.acknowledges, told["acknowledges"]),
        (held.first_names, told["also_first_names"]),
    ):
        for word in words:
            table.add(word, True)
            held.add_words(word)
    held.stands_in.update(told["stands_in"])
    held.ordinals = frozenset(spell(ending).exact[0] for ending in told["ordinals"])
    for code, names in _names(told["language_names"]):
        for name in names:
            held.names.add(name, code)
            held.add_words(name)
    return held


def phrases(told: dict[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Yield every phrase of every language: its language, its group and what is told of it."""
    for code, language in told["languages"].items():
        for group, held in language.items():
            if group not in DESCRIPTION:
                for entry in held:
                    yield code, group, entry


def lexicon_faults(told: dict[str, Any] | None = None) -> list[str]:
    """Return what is wrong with the lexicon, a sentence each; empty if all is well.

    The promise kept here: outside ``ambiguous`` no words mean one thing in one language and
    something else in another, so a person need not have told us what they speak.
    """
    told = source() if told is None else told
    faults = [
        f"{code}: no group is called {group}."
        for code, language in told["languages"].items()
        for group in language
        if group not in INTENTS | ROLES | DESCRIPTION
    ]
    if faults:
        return faults
    for code, group, entry in phrases(told):
        phrase = entry["t"] if group in INTENTS else entry
        if not spell(phrase).exact and not spell(phrase).question:
            faults.append(f"{code}.{group}: nothing is left of {phrase!r} once it is spelled.")
        if group in INTENTS and entry["c"] not in {"high", "med", "low"}:
            faults.append(f"{code}.{group}: {phrase!r} has no confidence high, med or low.")
    for name, rule in told["ambiguous"].items():
        settled = (*rule.get("when", {}).values(), *rule.get("asked", {}).values())
        meant = {rule.get("otherwise", "unclear"), *settled}
        if not meant <= INTENTS | {"unclear", "lists"}:
            faults.append(f"ambiguous.{name}: unknown intent in {sorted(meant)}.")
        if unknown := set(rule.get("when", {})) - set(told["languages"]):
            faults.append(f"ambiguous.{name}: unknown languages {sorted(unknown)}.")
    return faults + list(_collisions(build(told)))


def _collisions(held: Lexicon) -> Iterator[str]:
    for words, numbers in held.numbers.exact.items():
        spoken = {entry.language for entry in held.entries.exact.get(words, [])}
        for number in numbers:
            if number.language in spoken:
                yield f"{number.language}: {words!r} is a number and means something else."
    for words, entries in (held.entries.exact | held.entries.bare).items():
        if not words or words in held.rules.exact or words in held.rules.bare:
            continue
        meant = {(entry.language, entry.intent) for entry in entries}
        if len({intent for _, intent in meant}) > 1:
            yield f"{words!r} means different things: {sorted(meant)}."


def _names(extra: dict[str, list[str]]) -> Iterable[tuple[str, list[str]]]:
    for language in languages().values():
        names = [language.name, language.dutch, language.english, *language.also]
        yield language.code, [name.partition("(")[0] for name in names]
        yield language.code, list(_called(language.code))
    for code, names in extra.items():
        if code in languages():
            yield code, names


def _called(code: str) -> Iterator[str]:
    """Yield what CLDR calls a language in each of the languages that we write."""
    for reader in languages().values():
        held = Locale.parse(reader.locale).languages.get(code, "")
        if held and held != code and "(" not in held:
            yield held


# --- spelling ---------------------------------------------------------------------------------

_TONES = {chr(tone) for tone in range(0x1F3FB, 0x1F400)}
_FILLERS = {"\u115f", "\u1160", "\u3164", "\uffa0"}  # letters to Unicode, invisible to people
_QUESTION = frozenset("?؟፧¿⸮՞")
_HELD = re.compile(r"([^\W\d_])\1\1")
_ABBREVIATION = re.compile(r"\b[^\W\d_](?:\.[^\W\d_]\b)+")
_SMILEY = re.compile(r"(?<!\d)[:;=]-?[dpo](?!\w)")
_SIGNED = re.compile(r"[.,!;\n\u060c\u06d4\u1361-\u1364]\s*([^\W\d_]+(?: [^\W\d_]+)?)\s*\.?\s*$")
_ALTERNATIVES = re.compile(r"\(([^)]*)\)")
_NO_PAUSE = " '\"&+*_"
_WORD = re.compile(r"\d+(?:[.,:/]\d+)+|[^\W_]+(?:'[^\W_]+)*|[%£$¥\u20a0-\u20cf]")


def spell(text: str) -> Message:
    """Return *text* as words; never fails, whatever the text. At most `LONGEST` characters.

    Digits of every script become Latin ones; keycaps and circles around them go.
    """
    whole = plain(text[:LONGEST])
    whole = _SMILEY.sub(" ", _ABBREVIATION.sub(lambda found: found[0].replace(".", ""), whole))
    exact, bare = words_in(whole)
    return Message(
        exact=exact,
        bare=bare,
        signs=tuple(sign for sign in whole if unicodedata.category(sign) == "So"),
        question=any(sign in _QUESTION for sign in whole),
        signed=len(name[1].split()) if (name := _SIGNED.search(whole)) else 0,
        pauses=_pauses(whole),
    )


def plain(text: str) -> str:
    """Return *text* in one alphabet per script, without capitals and what nobody sees."""
    whole = unicodedata.normalize("NFKC", text).replace("İ", "i").casefold()
    whole = unicodedata.normalize("NFKC", whole)
    return "".join(_kept(letter) for letter in whole).translate(_FOLD)


def words_in(whole: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the words of what is `plain`, with and without accents."""
    words = _joined([_ethiopic(word) for word in _WORD.findall(whole)])
    return tuple(words), tuple(_bare(word) for word in words)


def forms(phrases: str) -> Iterator[str]:
    """Yield each of *phrases*, with every choice of its alternatives: ``send( me|)``."""
    for phrase in plain(phrases).split(","):
        pieces = [piece.split("|") for piece in _ALTERNATIVES.split(phrase.strip())]
        yield from map("".join, product(*pieces))


_SETS: dict[frozenset[str], frozenset[str]] = {}


def and_kind(kinds: frozenset[str] | None, kind: str) -> frozenset[str]:
    """Return *kinds* and *kind*. Words that are of the same kinds share them: there are many."""
    both = (kinds or frozenset()) | {kind}
    return _SETS.setdefault(both, both)


def _kept(letter: str) -> str:
    """One letter, or nothing for what nobody sees: joiners, tone marks, direction marks."""
    if letter.isascii():
        return letter
    if letter in _TONES or letter in _FILLERS:
        return ""
    if letter.isdecimal():
        return str(unicodedata.digit(letter))
    return "" if unicodedata.category(letter) in {"Cf", "Mn", "Me", "Cs"} else letter


def _joined(words: list[str]) -> list[str]:
    """Words that are one word: s t o p, and the Persian verb prefix written apart."""
    if len(words) > 1 and all(len(word) == 1 and word.isalpha() for word in words):
        return ["".join(words)]
    joined: list[str] = []
    for word in words:
        if joined and joined[-1] in _WRITTEN_APART:
            joined[-1] += word
        else:
            joined.append(word)
    return joined


_WRITTEN_APART = frozenset({"می", "نمی"})


def _pauses(whole: str) -> frozenset[int]:
    """The places of words of *whole* before which stands more than a space."""
    found: set[int] = set()
    at, end, before = -1, 0, ""
    for word in _WORD.finditer(whole):
        at += before not in _WRITTEN_APART
        if at and whole[end : word.start()].strip(_NO_PAUSE):
            found.add(at)
        end, before = word.end(), word[0]
    return frozenset(found)


def _ethiopic(word: str) -> str:
    """Ethiopic numerals are no decimal digits: ten and two are written side by side."""
    if not word.isascii() and all("\u1369" <= letter <= "\u137a" for letter in word):
        return str(int(sum(unicodedata.numeric(letter) for letter in word)))
    return word


@cache
def _bare_letter(letter: str) -> str:
    return unicodedata.normalize("NFD", letter)[0].translate(_STROKES)


def _bare(word: str) -> str:
    if (word.isascii() or min(word) >= "\u0250") and "'" not in word:
        return word
    return "".join(
        _bare_letter(letter) if letter < "\u0250" or "\u1e00" <= letter < "\u1f00" else letter
        for letter in word
        if letter != "'"
    )


_STROKES = str.maketrans("łøđħ", "lodh")


def _fold() -> dict[int, str]:
    """Letters that keyboards and spellers mix up, each to one of them."""
    alike, one = "ıآأإٱىيكةهەۀؤئёґ’ʼ‘`´‐‑–—-፡", "iااااییکههههویег'''''      "
    fold = dict(zip(map(ord, alike), one, strict=True))
    fold[0x0640] = ""  # tatweel only stretches
    # Ethiopic letters typed for each other, in all seven vowels; first base, then its twins.
    alike_in_ethiopic = (
        (0x1200, (0x1210, 0x1280)),
        (0x1230, (0x1220,)),
        (0x1240, (0x1250,)),
        (0x12A0, (0x12D0,)),
        (0x12A8, (0x12B8,)),
    )
    for base, twins in alike_in_ethiopic:
        for twin in twins:
            fold |= {twin + vowel: chr(base + vowel) for vowel in range(7)}
    fold |= {0x1340 + vowel: chr(0x1338 + vowel) for vowel in range(7)}
    # The fourth vowel of h and of the glottal stop sounds as the first.
    fold |= dict.fromkeys((0x1203, 0x1213, 0x1283), "\u1200")
    fold |= dict.fromkeys((0x12A3, 0x12D3), "\u12a0")
    return fold


_FOLD: dict[int, str] = _fold()
