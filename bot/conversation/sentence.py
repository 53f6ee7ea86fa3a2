"""Short sentences, understood from the kinds of their words: "morgen kan ik niet, kind ziek".

A yes is found only where every word is known; what else is found needs several kinds together, so
no single likeness decides. Words and kinds are data: ``words`` in content/lexicon.yaml.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache

from bot.conversation.lexicon import Message, source, spell

LONGEST = 16
"""Words in the longest text that is read as one sentence."""

Kinds = frozenset[str]


@dataclass
class Words:
    """The words of one language and its kin."""

    whole: dict[str, set[str]] = field(default_factory=dict)
    begins: dict[str, set[str]] = field(default_factory=dict)
    reach: int = 1

    def add(self, kind: str, phrase: str) -> None:
        """Hold *phrase*; a star at its end stands for whatever follows."""
        spelled = spell(phrase.rstrip("*"))
        table = self.begins if phrase.endswith("*") else self.whole
        for words in (spelled.exact, spelled.bare):
            table.setdefault(" ".join(words), set()).add(kind)
            self.reach = max(self.reach, len(words))

    def kinds(self, exact: str, bare: str) -> set[str]:
        """Return the kinds of these words; empty if they are unknown."""
        if found := self.whole.get(exact) or self.whole.get(bare):
            return found
        for word in (exact, bare):
            for end in range(len(word), max(1, word.rfind(" ") + 1), -1):
                if found := self.begins.get(word[:end]):
                    return found
        return set()


@cache
def words_of(language: str) -> Words:
    """Return the words that somebody who prefers *language* may use; none for an unknown one."""
    told = source()
    held = Words()
    for code in (language, *told["kin"].get(language, ())):
        for kind, phrases in told["words"].get(code, {}).items():
            for phrase in phrases.split(","):
                held.add(kind, phrase.strip())
        for group, entries in told["languages"].get(code, {}).items():
            if kind := _FROM_LISTS.get(group):
                for entry in entries:
                    held.add(kind, entry)
    return held


_FROM_LISTS = {
    "polite": "fill",
    "greeting": "fill",
    "closing": "close",
    "not": "not",
    "doubt": "if",
    "but": "but",
    "question": "asks",
}
"""Groups of the languages that are kinds as well."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A sentence, seen in one language."""

    kinds: Kinds
    unknown: tuple[str, ...]
    """Words that this language does not have; what follows a closing is a name."""
    denials: int
    """Words of *not* beside each other turn a meaning twice."""
    count: int


@dataclass(frozen=True, slots=True)
class Rule:
    """Kinds that mean *intent* together."""

    intent: str
    all: Kinds
    none: Kinds
    why: str


def see(said: Message, language: str) -> Seen:
    """Return *said* by the longest words of *language* at each place."""
    words = words_of(language)
    kinds: set[str] = set()
    unknown: list[str] = []
    denials = at = 0
    count = len(said.exact)
    while at < count:
        for end in range(min(count, at + words.reach), at, -1):
            found = words.kinds(" ".join(said.exact[at:end]), " ".join(said.bare[at:end]))
            if not found and end == at + 1:
                found = _less_held(words, said.bare[at])
            if found:
                break
        if "close" in found and count - end <= 3:
            break
        if not found:
            unknown.append(said.exact[at])
        kinds |= found
        denials += "not" in found and not found & {"no", "cannot"}
        at = end
    return Seen(frozenset(kinds), tuple(unknown), denials, count)


def _less_held(words: Words, word: str) -> set[str]:
    """The kinds of a word of which letters are doubled: yess, таак."""
    for at in range(1, len(word)):
        if word[at] == word[at - 1] and (found := words.whole.get(word[:at] + word[at + 1 :])):
            return found
    return set()


def _rules(lines: Iterable[str]) -> tuple[Rule, ...]:
    rules = []
    for line in lines:
        intent, kinds, why = (part.strip() for part in line.split("|"))
        wanted = [kind for kind in kinds.split() if not kind.startswith("-")]
        barred = [kind[1:] for kind in kinds.split() if kind.startswith("-")]
        rules.append(Rule(intent, frozenset(wanted), frozenset(barred), why))
    return tuple(rules)


GRAVE = _rules(
    (
        "emergency | not live | does not want to live",
        "emergency | cannot live | does not want to live",
        "emergency | kill -msg -cancel -appt | somebody is hurt or threatened",
        "stop | off -again | wants to be taken off the list",
        "stop | halt msg -not | ends the messages",
        "stop | halt send -not -appt -asks | ends the messages",
        "stop | not want msg -can -come -grasp | wants no messages",
        "stop | not send msg -can -grasp | wants no messages",
        "stop | cannot send msg -can -grasp | wants no messages",
    )
)
"""Read in every language, also inside a question, in this order."""

NEEDS = _rules(
    (
        "start | again msg -not -halt -yes | wants messages again",
        "start | again send -not -halt -yes | wants messages again",
        "wrong_number | person not | does not know the person",
        "wrong_number | iam mine number | is somebody else",
        "wrong_number | iam mine -appt | is somebody else",
        "wrong_number | iam number -appt | is somebody else",
        "childcare | nursery -ill | asks about childcare",
        "childcare | child care -ill | nobody to mind the children",
        "childcare | child nobody -ill | nobody to mind the children",
        "help | grasp not | does not understand",
        "help | what | asks who or what this is",
    )
)

ANSWERS = _rules(
    (
        "human | late -not -cannot | comes late: the klantmanager should know",
        "reschedule | change -msg -grasp | asks to move it",
        "reschedule | when better | names another time",
        "reschedule | day better cannot | names another time",
        "reschedule | day better not | names another time",
        "reschedule | when -come -yes | names another time",
        "reschedule | when can | names another time",
        "reschedule | when cannot | cannot, and names another time",
        "reschedule | not now later | not now, but later",
        "reschedule | no now later | not now, but later",
        "reschedule | later can -come | asks for another time",
        "reschedule | later better | asks for another time",
        "reschedule | day better -come -yes | names another time",
        "unclear | if | in doubt: neither yes nor no",
        "decline | cancel appt -not -msg | cancels the afspraak",
        "decline | cannot -later | cannot come",
        "decline | ill -not | is ill",
        "decline | ill not | is ill",
        "decline | ill come not | is ill",
        "decline | not come -yes | does not come",
        "decline | not can -msg -send | cannot come",
        "decline | not come no | does not come",
        "thanks | thanks -yes -come -not -no -cannot -msg -day -want | thanks, and nothing else",
    )
)

_SPOILS_A_YES = frozenset(
    {
        *("no", "not", "cannot", "ill", "cancel", "change", "when", "later", "msg", "send", "halt"),
        *("off", "again", "kill", "late", "if", "but", "asks", "care", "child", "nobody", "number"),
        *("iam", "what", "grasp", "live"),
    }
)


def grave(said: Message, languages: Iterable[str]) -> tuple[str, str] | None:
    """Return danger or a wish to stop, and why, in whichever language it is said."""
    if len(said.exact) > LONGEST:
        return None
    for code, seen in _seen(said, languages):
        if found := _first(GRAVE, seen, code):
            return found
    return None


def need(said: Message, languages: Iterable[str]) -> tuple[str, str] | None:
    """Return what a person asks for, and why, in the nearest language that has it."""
    if len(said.exact) > LONGEST:
        return None
    for code, seen in _seen(said, languages):
        if found := _first(NEEDS, seen, code) or _a_name(said, seen, code):
            return found
    return None


def answer(said: Message, languages: Iterable[str]) -> tuple[str, str] | None:
    """Return the answer a sentence gives, and why; of a question only another time is taken."""
    if len(said.exact) > LONGEST:
        return None
    for place, (code, seen) in enumerate(_seen(said, languages)):
        if (4 if place else 2) * len(seen.unknown) > seen.count:
            continue
        if seen.denials > 1 or (seen.denials and "cannot" in seen.kinds):
            continue
        found = _yes(said, seen, code) or _first(ANSWERS, seen, code)
        if found and said.question and found[0] != "reschedule":
            return None
        if found:
            return None if found[0] == "unclear" else found
    return None


def chooses(said: Message, languages: Iterable[str]) -> bool:
    """Return whether nothing but words that go before a number, and politeness, is said."""
    for code in languages:
        words = words_of(code)
        kinds = [words.kinds(*pair) for pair in zip(said.exact, said.bare, strict=True)]
        if all(
            "pick" in found or words.whole.get(word) == {"fill"}
            for found, word in zip(kinds, said.exact, strict=True)
        ) and any("pick" in found for found in kinds):
            return True
    return False


def fused_no(said: Message, languages: Iterable[str]) -> tuple[str, str] | None:
    """Return a no that stands in its verb, beside a yes that only greets: evet, gelemem."""
    for code in languages:
        kinds = see(said, code).kinds
        if "cannot" in kinds and not said.question and not kinds & {"if", "but"}:
            return "decline", f"a sentence in {code}: cannot come"
    return None


def asks_for(said: Message, languages: Iterable[str]) -> bool:
    """Return whether the words beside the name of a language ask for it: is it possible in ..."""
    return any(
        not seen.unknown and seen.kinds <= {"fill", "can", "want", "asks", "better", "msg"}
        for seen in (see(said, code) for code in languages)
    )


def _seen(said: Message, languages: Iterable[str]) -> Iterator[tuple[str, Seen]]:
    for code in languages:
        seen = see(said, code)
        if seen.kinds:
            yield code, seen


def _first(rules: tuple[Rule, ...], seen: Seen, code: str) -> tuple[str, str] | None:
    fits: Callable[[Rule], bool] = lambda rule: (  # noqa: E731 - one line of logic
        rule.all <= seen.kinds and not rule.none & seen.kinds
    )
    rule = next(filter(fits, rules), None)
    return (rule.intent, f"a sentence in {code}: {rule.why}") if rule else None


def _a_name(said: Message, seen: Seen, code: str) -> tuple[str, str] | None:
    """I am not Ahmed: a denial of oneself, and one word that is no word."""
    short = seen.count <= 6 and len(seen.unknown) == 1 and not said.question
    if not short or "iam" not in seen.kinds:
        return None
    if seen.kinds & {"ill", "come", "if", "cannot", "can", "care", "want", "day", "when"}:
        return None
    return "wrong_number", f"a sentence in {code}: is not who we write to"


def _yes(said: Message, seen: Seen, code: str) -> tuple[str, str] | None:
    if seen.unknown or said.question or seen.kinds & _SPOILS_A_YES:
        return None
    if seen.kinds & {"yes", "come"}:
        return "confirm", f"a sentence in {code}: every word is known and it says yes"
    return None
