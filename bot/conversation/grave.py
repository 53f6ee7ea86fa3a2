"""Danger, and wishes to hear no more: families of sayings, put together from kinds of words.

To miss one of these is worse than to ask once too often, so words count wherever they stand and
however many others stand around them; what only looks like one is barred by name. Words are data:
content/grave.yaml. Whoever reads a reply asks `grave` first, then the rules of `sentence`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from bot.conversation import sentence
from bot.conversation.lexicon import Message, and_kind, forms, source, told_in, words_in
from bot.conversation.sentence import Kinds, Rule

SOURCE = Path(__file__).parents[2] / "content" / "grave.yaml"

LONGEST = 40
"""Words in the longest text that is read so; in a longer one too much stands together by chance."""

Spans = dict[str, set[tuple[int, int]]]
"""Kind -> the places, first word and the one behind the last, where such words stand."""


@dataclass
class Words:
    """The words of one language and its kin, by how they are spelled."""

    whole: dict[str, frozenset[str]] = field(default_factory=dict)
    begins: dict[str, frozenset[str]] = field(default_factory=dict)
    """What words begin with that may end in any way."""
    reach: dict[str, int] = field(default_factory=dict)
    """The first word of a phrase -> words in the longest that begins so."""

    def add(self, kind: str, phrase: str) -> None:
        """Hold *phrase*; a star at its end is whatever follows."""
        spelled = words_in(phrase.rstrip("*"))
        table = self.begins if phrase.endswith("*") else self.whole
        for words in set(spelled):
            held = " ".join(words)
            table[held] = and_kind(table.get(held), kind)
            if len(words) > 1:
                self.reach[words[0]] = max(self.reach.get(words[0], 0), len(words))

    def spans(self, said: Message) -> Spans:
        """Return where each kind stands in *said*, also where words and phrases overlap."""
        found: Spans = {}
        for words in (said.exact,) if said.exact == said.bare else (said.exact, said.bare):
            for start, word in enumerate(words):
                reach = min(len(words) - start, self.reach.get(word, 1))
                for end in range(start + 1, start + reach + 1):
                    phrase = " ".join(words[start:end])
                    for kind in self._kinds(phrase, len(words[end - 1])):
                        found.setdefault(kind, set()).add((start, end))
        return found

    def _kinds(self, phrase: str, last: int) -> Iterator[str]:
        """Yield the kinds of *phrase*; of its last word, *last* letters long, any beginning."""
        yield from self.whole.get(phrase, ())
        for end in range(len(phrase) - last + 1, len(phrase) + 1):
            yield from self.begins.get(phrase[:end], ())


def words_of(language: str) -> Words:
    """Return the grave words that somebody who prefers *language* may use."""
    return _words_of(sentence.with_kin(language))


@cache
def _words_of(codes: tuple[str, ...]) -> Words:
    told, held = _told(), Words()
    for code in codes:
        for kind, phrases in told["words"].get(code, {}).items():
            for phrase in forms(phrases):
                held.add(kind, phrase)
        for phrase in forms(source()["words"].get(code, {}).get("appt", "")):
            held.add("appt", phrase)
    return held


@cache
def _told() -> dict[str, Any]:
    return told_in(SOURCE)


@cache
def rules() -> tuple[Rule, ...]:
    """Return the families of content/grave.yaml, in their order."""
    return sentence.rules_of(_told()["families"])


@cache
def pairs() -> tuple[str, ...]:
    """Return the kinds that some family wants or bars side by side, as ``first>second``."""
    named = {kind for rule in rules() for kind in rule.all | rule.none}
    return tuple(sorted(kind for kind in named if ">" in kind))


def kinds_of(said: Message, language: str) -> Kinds:
    """Return the grave kinds of *said* in one language, and the pairs of them side by side."""
    spans = words_of(language).spans(said)
    beside = {pair for pair in pairs() if _side_by_side(spans, *pair.split(">"))}
    return frozenset(spans.keys() | beside)


def _side_by_side(spans: Spans, first: str, second: str) -> bool:
    """Whether nothing but words of the kind ``by`` stands between the two."""
    if first not in spans or second not in spans:
        return False
    passed = {at for start, end in spans.get("by", ()) for at in range(start, end)}
    return any(
        passed.issuperset(range(end, start))
        for _, end in spans[first]
        for start, _ in spans[second]
        if end <= start
    )


def grave(said: Message, languages: Iterable[str]) -> tuple[str, str] | None:
    """Return ``emergency``, ``stop`` or ``start``, and why; danger in any language goes first.

    The first of *languages* is what the person prefers; the others are read where most words are
    theirs: French has *mes* and *me* too, which are a knife and me in Dutch. What bars in the
    nearest of them bars in all.
    """
    if len(said.exact) > LONGEST:
        return None
    languages = tuple(languages)
    seen = _seen(said, languages)
    nearest = seen[0][1] if seen else frozenset()
    believed = set(sentence.believed_to_end(said, languages))
    for rule in rules():
        for code, kinds in seen:
            if rule.intent != "emergency" and code not in believed:
                continue
            if rule.all <= kinds and not rule.none & (kinds | nearest):
                return rule.intent, f"a sentence in {code}: {rule.why}"
    return None


def _seen(said: Message, languages: Iterable[str]) -> list[tuple[str, Kinds]]:
    return [
        (code, kinds)
        for place, code in enumerate(languages)
        if (kinds := kinds_of(said, code)) and (place == 0 or _is_of(said, code))
    ]


def _is_of(said: Message, language: str) -> bool:
    """Whether more than half of the words are words of *language*."""
    spans = words_of(language).spans(said).values()
    known = {at for places in spans for start, end in places for at in range(start, end)}
    strange = set(sentence.see(said, language).unknown)
    count = len(said.exact)
    left = [at for at in range(count) if at not in known and said.exact[at] in strange]
    return 2 * len(left) < count


def bars(said: Message, languages: Iterable[str], intent: str) -> bool:
    """Return whether something is said that makes a danger a joke or thanks, a stop one of less."""
    turning = {"joke", "saved"} if intent == "emergency" else {"keep", "limits", "instead"}
    return any(turning & kinds for _, kinds in _seen(said, languages))


def grave_faults(told: dict[str, Any] | None = None) -> list[str]:
    """Return what is wrong with content/grave.yaml, a sentence each; empty if all is well."""
    told = _told() if told is None else told
    named = set(told["kinds"])
    families = sentence.rules_of(told["families"])
    used = {
        kind for rule in families for part in rule.all | rule.none for kind in part.split(">")
    } | {"by"}
    faults = [f"families: no kind is called {kind}." for kind in sorted(used - named)]
    faults += [f"kinds: no family uses {kind}." for kind in sorted(named - used)]
    for code, words in told["words"].items():
        faults += [f"{code}: no kind is called {kind}." for kind in words if kind not in named]
        faults += [
            f"{code}.{kind}: nothing is left of {phrase!r} once it is spelled."
            for kind, phrases in words.items()
            for phrase in forms(str(phrases))
            if not words_in(phrase.rstrip("* "))[0]
        ]
    return faults
