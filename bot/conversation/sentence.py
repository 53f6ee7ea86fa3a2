"""Short sentences, understood from the kinds of their words: "morgen kan ik niet, kind ziek".

A yes is found here only where every word is known (`vow` reads others); what else is found needs
several kinds together, so no single likeness decides. Words and kinds are data: ``words`` in
content/lexicon.yaml.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any

from bot.conversation.lexicon import Message, and_kind, forms, lexicon, plain, source, words_in

LONGEST = 18
"""Words in the longest text that is read as one sentence."""

Kinds = frozenset[str]


@dataclass
class Words:
    """The words of one language and its kin."""

    whole: dict[str, frozenset[str]] = field(default_factory=dict)
    begins: dict[str, frozenset[str]] = field(default_factory=dict)
    doubted: dict[str, frozenset[str]] = field(default_factory=dict)
    """Words whose meaning nobody is sure of, so that they never decide alone."""
    shorter: dict[int, tuple[str, ...]] = field(default_factory=dict)
    """The hash of a long word without one of its letters -> the words it may be; there are so
    many that the letters themselves would take a great part of all memory."""
    days: set[str] = field(default_factory=set)
    """Days and parts of a day, whole."""
    day_stems: tuple[str, ...] = ()
    """What such words begin with."""
    joins: list[str] = field(default_factory=list)
    """What is written on to a word, as its lexicon writes it: ``و+`` before, ``+ን`` behind."""
    denies: list[str] = field(default_factory=list)
    """What is written around a word that denies it: ``ما+ش``."""
    marks: dict[str, frozenset[str]] = field(default_factory=dict)
    """Words that bind a sentence to another: *when*, *that* and *so*. They say nothing alone."""
    twists: list[str] = field(default_factory=list)
    """What is written on to an unknown word that may make a condition of it: ``+se``."""
    fused: bool = False
    """A denial is always a part of its verb, never a word beside it."""
    reach: dict[str, int] = field(default_factory=dict)
    """The first word of a phrase -> words in the longest that begins so."""

    def add(self, kind: str, phrase: str) -> None:
        """Hold *phrase*; a star at its end is whatever follows, ``?`` before it is doubt."""
        if kind in {"joins", "denies"}:
            (self.joins if kind == "joins" else self.denies).append(phrase)
            return
        if kind in PROMISES:
            self.add("come", phrase)
        spelled = words_in(phrase.lstrip("?").rstrip("*"))
        whole = self.doubted if phrase.startswith("?") else self.whole
        table = self.begins if phrase.endswith("*") else whole
        for words in set(spelled):
            held = " ".join(words)
            table[held] = and_kind(table.get(held), kind)
            if len(words) > 1:
                self.reach[words[0]] = max(self.reach.get(words[0], 0), len(words))
            if kind == "day" and table is self.begins:
                self.day_stems += (" ".join(words),)
            elif kind == "day":
                self.days.add(" ".join(words))
            if len(words) == 1 and table is self.whole and len(words[0]) >= LONG:
                for lesser in _lesser(words[0]):
                    known = self.shorter.get(hash(lesser), ())
                    if words[0] not in known:
                        self.shorter[hash(lesser)] = (*known, words[0])

    def likely(self, word: str) -> Set[str]:
        """Return the kinds of the words that *word* is with one letter wrong; empty if none.

        The first letter is never the wrong one, for in many languages it is the denial; a letter
        too many is none either, for so is a denial in the middle of a Turkish verb.
        """
        if len(word) < LONG or not word.isalpha():
            return set()
        near = {
            known
            for lesser in _lesser(word)
            for known in self.shorter.get(hash(lesser), ())
            if known[0] == word[0] and one_letter_off(known, word)
        }
        kinds = {kind for known in near for kind in self.whole[known]}
        return set() if kinds & NEVER_LIKELY else kinds

    def longest(self, said: Message, at: int) -> int:
        """Return how many words the longest phrase has that begins as word *at* does."""
        return max(self.reach.get(said.exact[at], 1), self.reach.get(said.bare[at], 1))

    def is_day(self, exact: str, bare: str) -> bool:
        """Return whether these words are a day or a part of it, also where they may be filler."""
        days = self.days
        return exact in days or bare in days or bare.startswith(self.day_stems)

    def kinds(self, exact: str, bare: str) -> Set[str]:
        """Return the kinds of these words; empty if they are unknown."""
        if found := self.whole.get(exact) or self.whole.get(bare):
            return found
        for word in (exact, bare):
            for end in range(len(word), max(1, word.rfind(" ") + 1), -1):
                if found := self.begins.get(word[:end]):
                    return found
        return set()

    def denied(self, word: str) -> Set[str]:
        """Return the kinds of *word* without the denial written around it, and ``not``."""
        for around in self.denies:
            before, _, after = around.partition("+")
            stem = word.removeprefix(before).removesuffix(after)
            if len(stem) > 1 and word == before + stem + after:
                found = self.kinds(stem, stem)
                if "halt" in found:
                    return {"goon"}
                if found and not found & NEVER_LIKELY:
                    return {*found, "not"}
        return set()

    def twisted(self, word: str) -> bool:
        """Whether what is written on to *word* may make a condition of it."""
        return any(
            len(word) > len(part)
            and (word.startswith(part[:-1]) if part[-1] == "+" else word.endswith(part[1:]))
            for part in self.twists
        )

    def joined(self, word: str) -> Set[str]:
        """Return the kinds of *word* without what is written on to it: and, to, the."""
        for part in self.joins:
            stem = word.removeprefix(part[:-1]) if part[-1] == "+" else word.removesuffix(part[1:])
            if stem != word and len(stem) > 1:
                found = self.kinds(stem, stem) or self.denied(stem) or self.joined(stem)
                if found and not found & NEVER_LIKELY:
                    return found
        return set()


MARKS = frozenset({"once", "that", "so", "and"})
"""Kinds of words that bind a sentence to another, and are no kinds of `Words.kinds`."""

PROMISES = frozenset({"vow", "here", "they"})
"""Kinds of words by which somebody says of himself, or of who he types for, that he comes."""

LONG = 5
"""Letters of the shortest word that is also read with one letter wrong."""

NEVER_LIKELY = frozenset(
    {
        *("yes", "no", "halt", "off", "nosend", "kill", "live", "wrong", "iam", "drop", "leave"),
        *("breath", "wake", "goon"),
    }
)
"""Kinds that are never read with a letter wrong."""


def _lesser(word: str) -> Iterator[str]:
    """Yield *word*, and *word* without each of its letters but the first."""
    yield word
    for at in range(1, len(word)):
        yield word[:at] + word[at + 1 :]


def one_letter_off(known: str, typed: str) -> bool:
    """Whether *typed* is *known* with one letter missing, changed, or swapped with the next."""
    if len(typed) > len(known):
        return False
    at = next((n for n, sign in enumerate(typed) if sign != known[n]), len(typed))
    if len(typed) < len(known):
        return typed[at:] == known[at + 1 :]
    swapped = typed[at : at + 2] == known[at : at + 2][::-1] and typed[at + 2 :] == known[at + 2 :]
    return swapped or typed[at + 1 :] == known[at + 1 :]


def words_of(language: str) -> Words:
    """Return the words that somebody who prefers *language* may use; none for an unknown one."""
    return _words_of(with_kin(language))


def with_kin(language: str) -> tuple[str, ...]:
    """Return *language* and those read with it, in one order, so that kin share their words."""
    return tuple(sorted({language, *source()["kin"].get(language, ())}))


@cache
def _words_of(codes: tuple[str, ...]) -> Words:
    told = source()
    held = Words()
    for code in codes:
        low = _low(told["languages"].get(code, {}))
        for kind, phrases in told["words"].get(code, {}).items():
            for phrase in forms(phrases):
                doubt = "?" if kind in {"yes", "come", "cannot"} and phrase in low else ""
                held.add(kind, doubt + phrase)
        _vows(held, told["vows"].get(code, {}))
        for group, entries in told["languages"].get(code, {}).items():
            if kind := _FROM_LISTS.get(group):
                for entry in entries:
                    held.add(kind, plain(entry))
    return held


def _vows(held: Words, told: dict[str, str]) -> None:
    """Add what one language says in the first person of coming, and what turns it round."""
    held.fused = held.fused or "fused" in told
    for name, phrases in told.items():
        for phrase in forms(phrases):
            if name == "twists":
                held.twists.append(phrase)
            elif name in MARKS:
                for words in words_in(phrase):
                    held.marks[" ".join(words)] = and_kind(held.marks.get(" ".join(words)), name)
            elif name != "fused":
                held.add(name, phrase)


def _low(groups: dict[str, Any]) -> set[str]:
    """Return the phrases of a language that say of themselves that nobody is sure of them."""
    return {
        plain(entry["t"])
        for group in ("confirm", "decline")
        for entry in groups.get(group, ())
        if entry["c"] == "low"
    }


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
class Piece:
    """Neighbouring words that mean something together, or one that means nothing."""

    start: int
    end: int
    kinds: Kinds
    sure: bool
    """Whether it is spelled as we know it, and nobody doubts what it means."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A sentence, seen in one language."""

    kinds: Kinds
    unknown: tuple[str, ...]
    """Words that this language does not have; what follows a closing is a name."""
    denials: int
    """Words of *not* beside each other turn a meaning twice."""
    count: int
    sure: Kinds = frozenset()
    """The kinds of words that are spelled as we know them, and that we are sure of."""
    pieces: tuple[Piece, ...] = ()
    """All of it, from the first word to the last; of a name below it nothing."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Kinds that mean *intent* together, unless one of *none* stands there too."""

    intent: str
    all: Kinds
    none: Kinds
    why: str


@lru_cache(maxsize=8)  # one text is asked about by many rules
def see(said: Message, language: str) -> Seen:
    """Return *said* by the longest words of *language* at each place."""
    words = words_of(language)
    count = len(said.exact)
    fused = _fused(words, said)
    kinds: set[str] = {"cannot"} if fused else set()
    sure: set[str] = set(kinds)
    unknown: list[str] = []
    days: set[str] = set()
    pieces: list[Piece] = []
    denials = able = at = 0
    while at < count:
        known = False
        for end in range(min(count, at + words.longest(said, at)), at, -1):
            exact, bare = " ".join(said.exact[at:end]), " ".join(said.bare[at:end])
            found = words.kinds(exact, bare)
            if not found and end == at + 1:
                word = said.exact[at]
                found = _less_held(words, said.bare[at]) or words.denied(word) or words.joined(word)
            if found:
                known = True
                sure |= found
                break
            if found := words.doubted.get(exact) or words.doubted.get(bare) or set():
                break
        if not found:
            found = {"figure"} if said.exact[at][0].isdigit() else words.likely(said.bare[at])
        if not found and len(said.bare[at]) > 3:
            found = _dutch_filler(said.exact[at], said.bare[at])
        if "close" in found and count - end <= 3:
            break
        if not found and at not in fused and not _signs_off(said, at):
            unknown.append(said.exact[at])
        told = frozenset(found) | ({"cannot"} if at in fused else set())
        pieces.append(Piece(at, end, told, known or at in fused))
        kinds |= found
        able += "can" in found
        if words.is_day(exact, bare) or words.is_day(said.exact[end - 1], said.bare[end - 1]):
            days.add(said.bare[end - 1])
        denials += "not" in found and not found & {"no", "cannot"} and at not in fused
        at = end
    if "mayi" in sure:
        kinds, sure = kinds | {"can"}, sure | {"can"}
    counts = {
        "oneday": len(days) == 1,
        "days": len(days) > 1,
        "cans": able > 1,
        "asked": said.question,
    }
    counted = {kind for kind, true in counts.items() if true}
    if unknown:
        counted.add("strange")
    return Seen(
        frozenset(kinds | counted),
        tuple(unknown),
        denials,
        count,
        frozenset(sure | counted),
        tuple(pieces),
    )


def _dutch_filler(exact: str, bare: str) -> Set[str]:
    """The kinds of a Dutch or English word that says nothing but politeness or a day."""
    return set().union(*(words_of(code).kinds(exact, bare) for code in ("nl", "en"))) & _FILLS


_FILLS = {"fill", "day", "everyday"}


def _fused(words: Words, said: Message) -> set[int]:
    """The places of a *cannot* of several words, also where a greedy eye parts them."""
    found: set[int] = set()
    for at in range(len(said.exact) - 1):
        for end in range(at + 2, min(len(said.exact), at + words.longest(said, at)) + 1):
            exact, bare = " ".join(said.exact[at:end]), " ".join(said.bare[at:end])
            kinds = words.whole.get(exact) or words.whole.get(bare) or ()
            if "cannot" in kinds:
                found.update(range(at, end))
    return found


def _signs_off(said: Message, at: int) -> bool:
    """Whether word *at* is the name below a text: the last, behind a full stop, and no word."""
    word = said.exact[at]
    return at >= len(said.exact) - said.signed and len(word) > 3 and not lexicon().knows(word)


def _less_held(words: Words, word: str) -> Set[str]:
    """The kinds of a word of which letters are doubled: yess, таак."""
    for at in range(1, len(word)):
        if word[at] == word[at - 1] and (found := words.whole.get(word[:at] + word[at + 1 :])):
            return found
    return set()


def rules_of(lines: Iterable[str]) -> tuple[Rule, ...]:
    """Read rules: ``intent | kinds that stand there, -kinds that do not | why``."""
    rules = []
    for line in lines:
        intent, kinds, why = (part.strip() for part in line.split("|"))
        wanted = [kind for kind in kinds.split() if not kind.startswith("-")]
        barred = [kind[1:] for kind in kinds.split() if kind.startswith("-")]
        rules.append(Rule(intent, frozenset(wanted), frozenset(barred), why))
    return tuple(rules)


GRAVE = rules_of(
    (
        "emergency | not live | does not want to live",
        "emergency | cannot live | does not want to live",
        "emergency | notwant live | does not want to live",
        "emergency | kill -msg -cancel -appt | somebody is hurt or threatened",
        "emergency | breath not | does not breathe",
        "emergency | breath cannot | does not breathe",
        "emergency | wake not | does not wake",
        "emergency | wake cannot | does not wake",
        "stop | off -again -appt | wants to be taken off the list",
        "stop | drop number -again -appt -wrong -amiss -person -if | wants the number removed",
        "stop | drop list -again -appt -wrong -amiss -person -if | wants to be taken off the list",
        "stop | leave list -again -appt -if -asks | leaves the list",
        "stop | leave msg -again -appt -if -asks | leaves the messages",
        "stop | halt msg -not -why | ends the messages",
        "stop | cancel msg -strange -got -appt -not -come -cannot -thanks -send -asks -day -when "
        "-why | cancels the messages",
        "stop | halt list -not -appt -asks | ends the list",
        "stop | cancel list -not -appt -asks -come -cannot -day -when -again | ends the list",
        "stop | halt send -not -appt -asks | ends the messages",
        "stop | not want msg -can -come -grasp | wants no messages",
        "stop | not send msg -can -grasp -got -why | wants no messages",
        "stop | cannot send msg -can -grasp -got -why | wants no messages",
        "stop | notwant msg -come -can -grasp -got -why -again | wants no messages",
        "stop | not msg more -can -grasp -got -asks | wants no more messages",
        "stop | not send more -can -grasp -got -appt -asks | wants no more messages",
        "stop | nosend -again -why -got -appt | asks us to send no more",
    )
)
"""Read in every language, also inside a question, in this order."""

NEEDS = rules_of(
    (
        "start | again msg -not -halt -yes | wants messages again",
        "start | again send -not -halt -yes | wants messages again",
        "wrong_number | person not | does not know the person",
        "wrong_number | number not name -appt | somebody else's number",
        "wrong_number | wrong iam | is somebody else",
        "wrong_number | wrong person | does not know the person",
        "wrong_number | amiss number -appt | a wrong number",
        "wrong_number | amiss person | a wrong person",
        "wrong_number | wrong -not -no -asks -yes -come -appt -change -cannot | a wrong number",
        "wrong_number | iam mine number | is somebody else",
        "wrong_number | iam mine -appt | is somebody else",
        "wrong_number | iam number -appt | is somebody else",
        "childcare | nursery -ill -minded | asks about childcare",
        "childcare | child care -ill -minded | nobody to mind the children",
        "childcare | child care nobody | nobody to mind the children",
        "childcare | care nobody -ill | nobody to mind the children",
        "childcare | child nobody -ill | nobody to mind the children",
        "human | letter not -msg | has a letter that it does not understand",
        "human | letter cannot -msg | has a letter that it does not understand",
        "human | money | asks about money: a colleague answers",
        "human | ring | asks to be called",
        "help | grasp not | does not understand",
        "help | what | asks who or what this is",
    )
)

ANSWERS = rules_of(
    (
        "human | closed | came, and nobody was there: the klantmanager should know",
        "reschedule | not now after -cannot | not now, but later",
        "reschedule | now later -come -yes -cannot -asks | not now, but later",
        "reschedule | no now after | not now, but later",
        "reschedule | now no after | not now, but later",
        "reschedule | after event -yes -ill | not now, but later",
        "reschedule | rather oneday -asks -msg | another day",
        "reschedule | month -come -cannot -asks -figure -not | another month",
        "reschedule | month only -cannot -asks | another month",
        "reschedule | only day better | another day",
        "reschedule | only oneday cannot -come -yes | not that day, but another",
        "reschedule | event better -cannot -no -asks | after what is coming up",
        "reschedule | but oneday come -not -no -cannot -busy -asks -if -late -ill | another time",
        "reschedule | but oneday yes -not -no -cannot -busy -asks -if -late -ill | another time",
        "reschedule | asked oneday cannot -asks -child -ill -money -msg | asks for another day",
        "reschedule | mayi figure -child -money -ring | asks for another hour",
        "human | late -not -cannot | comes late: the klantmanager should know",
        "reschedule | change -msg -grasp | asks to move it",
        "reschedule | when better | names another time",
        "reschedule | mayi oneday come -child -care -money -ring -ill | asks for another day",
        "reschedule | mayi oneday -child -care -money -ring -strange | asks for another day",
        "reschedule | mayi when -child -care -money -ring -come -yes | asks for another day",
        "reschedule | asked day can -asks -child -money -msg -not | asks for another day",
        "reschedule | asked day better -asks -child -money -msg -not | asks for another day",
        "reschedule | days busy can | not that day, but another",
        "reschedule | days busy better | not that day, but another",
        "reschedule | days busy come -not -cannot | not that day, but another",
        "reschedule | days no can | not that day, but another",
        "reschedule | days no better | not that day, but another",
        "reschedule | now when come -yes -asks | not now, but later",
        "reschedule | now busy later -asks | not now, but later",
        "reschedule | cannot later -asks | not now, but later",
        "reschedule | days cannot can | not that day, but another",
        "reschedule | days cannot yes | not that day, but another",
        "reschedule | days not cans | not that day, but another",
        "reschedule | days not yes | not that day, but another",
        "reschedule | days no yes -come | not that day, but another",
        "reschedule | days not better | not that day, but another",
        "reschedule | day better cannot | names another time",
        "reschedule | day better not | names another time",
        "reschedule | when -come -yes | names another time",
        "reschedule | when can | names another time",
        "reschedule | when cannot | cannot, and names another time",
        "reschedule | not now later | not now, but later",
        "reschedule | not now if -come -yes | not now, perhaps later",
        "reschedule | not later if -come -yes | not now, perhaps later",
        "reschedule | no later -come -yes | not now, but later",
        "reschedule | no now later | not now, but later",
        "reschedule | later can -come | asks for another time",
        "reschedule | later better | asks for another time",
        "reschedule | day better -come -yes | names another time",
        "unclear | if | in doubt: neither yes nor no",
        "decline | notwant appt -msg -change -when -day -asks | needs the afspraak no more",
        "decline | notwant come -yes -msg -send -when -later -asks | does not want to come",
        "decline | drop appt -not -msg -list -number | cancels the afspraak",
        "decline | off appt -msg -list -number | wants off the afspraak",
        "decline | cancel appt -not -msg | cancels the afspraak",
        "decline | cancel want -not -msg -send -halt -list | wants to cancel",
        "decline | cannot -later | cannot come",
        "decline | ill -not | is ill",
        "decline | ill not | is ill",
        "decline | ill come not | is ill",
        "decline | not come -yes | does not come",
        "decline | not can -msg -send | cannot come",
        "decline | not come no | does not come",
        "decline | no notwant -msg -send -more -yes | does not want to",
        "decline | no not want -msg -send -more -yes -come | does not want to",
        "decline | no busy -yes -come -msg -send -later -asks | has something else",
        "decline | sorry busy -yes -come -can -better -when -msg -send -later -asks | regrets",
        "decline | notwant thanks -msg -send -change -when -day -asks -got | does not need it",
        "human | transit -asks -money -msg | is on the way: the klantmanager should know",
        "thanks | thanks -yes -come -not -no -cannot -msg -day -want | thanks, and nothing else",
    )
)

_MOVES = tuple(rule for rule in ANSWERS if rule.intent == "reschedule")
"""What a question may be taken for."""

SPOILS_A_YES = frozenset(
    {
        *("no", "not", "notwant", "cannot", "ill", "cancel", "change", "when", "later", "msg"),
        *("halt", "off", "again", "kill", "late", "if", "but", "asks", "care", "child", "send"),
        *("nobody", "number", "iam", "what", "grasp", "live", "money", "nosend", "wrong", "ring"),
        *("drop", "leave", "only", "mayi", "event", "rather", "month", "away", "closed"),
    }
)


SECOND_SIGNS: dict[str, Kinds] = {
    "decline": frozenset({"no", "not", "cannot", "ill", "busy", "appt", "come"}),
    "reschedule": frozenset({"when", "day", "later", "change", "better", "can", "appt", "now"}),
    "childcare": frozenset({"child", "care", "nobody"}),
    "human": frozenset({"asks", "money", "late", "transit", "can"}),
    "help": frozenset({"grasp", "not"}),
    "wrong_number": frozenset({"number", "person", "iam", "not", "mine"}),
}
"""What confirms a misspelled or doubtful word; an intent that is not here needs sure words."""


def grave(said: Message, languages: Iterable[str]) -> tuple[str, str] | None:
    """Return danger or a wish to stop, and why, in whichever language it is said."""
    if len(said.exact) > LONGEST:
        return None
    languages = tuple(languages)
    rules = _DANGER if goes_on(said, languages) else GRAVE
    believed = set(believed_to_end(said, languages))
    for code, seen in _seen(said, languages):
        if found := _first(rules if code in believed else _DANGER, seen, code):
            return found
        if "halt" in seen.sure and seen.kinds <= _ONLY_ENDS and _asks_to_end(said):
            return "stop", f"a sentence in {code}: nothing is said but to end it"
    return None


_DANGER = tuple(rule for rule in GRAVE if rule.intent == "emergency")


def believed_to_end(said: Message, languages: Iterable[str]) -> Iterator[str]:
    """Yield the language a person prefers, and the others that may say that something must end.

    Where the first denies, the others are read only if they know more of the words: what is an end
    in Dutch is none in "don't stop these reminders".
    """
    preferred, *others = languages
    yield preferred
    own = see(said, preferred)
    denied = bool(own.sure & {"not", "no", "goon"})
    for code in others:
        if not denied or len(see(said, code).unknown) < len(own.unknown):
            yield code


def goes_on(said: Message, languages: Iterable[str]) -> bool:
    """Return whether it asks us not to stop."""
    return any("goon" in seen.kinds for _, seen in _seen(said, languages))


_ONLY_ENDS = frozenset({"halt", "fill", "me", "more", "now", "want"})
"""What a wish to stop holds that does not say what to stop. To miss one is worse."""
_FEW = 6
_SOMEBODY_ENDS = frozenset({"ik", "i", "it", "het", "hij", "zij", "he", "she", "je", "ich"})
"""Who says of himself or another that it ends: the course ends, I quit."""


def _asks_to_end(said: Message) -> bool:
    """Whether so few words can be a wish to stop: no bus, no course, nobody who stops himself."""
    beside = lexicon().no_stop_beside
    return len(said.exact) <= _FEW and not any(
        word in _SOMEBODY_ENDS or beside.find(word, bare)
        for word, bare in zip(said.exact, said.bare, strict=True)
    )


def asks(said: Message, languages: Iterable[str]) -> tuple[str, str] | None:
    """Return that something is asked, and why; not where it only wonders whether to come."""
    for code, seen in _seen(said, languages):
        if "asks" in seen.sure and "if" not in seen.kinds:
            return "human", f"a sentence in {code}: asks where, when, how or which"
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
    denied = False
    rules = _MOVES if said.question else ANSWERS
    for place, (code, seen) in enumerate(_seen(said, languages)):
        before, denied = denied, denied or bool(seen.kinds & _NEARER or "asks" in seen.sure)
        refused = "cannot" in seen.sure
        most = 0.25 if place else 0.8 if refused else 0.5
        if len(seen.unknown) > most * seen.count:
            continue
        words = words_of(code)
        if _denied_twice(said, seen.pieces, words) if refused else seen.denials > 1:
            continue
        # What turns in a nearer language is no filler of a farther one: ku bê, en be.
        found = (None if before else _yes(said, seen, code)) or _first(rules, seen, code)
        if found and said.question and found[0] != "reschedule":
            return None
        if found:
            return None if found[0] == "unclear" else found
    return None


def _denied_twice(said: Message, pieces: tuple[Piece, ...], words: Words) -> bool:
    """Whether what cannot be is denied itself: I cannot not come. A reason may hold its own no."""
    for at, piece in enumerate(pieces):
        if "cannot" not in piece.kinds:
            continue
        breath = max((pause for pause in said.pauses if pause <= piece.start), default=0)
        if any(_only_denies(other) for other in pieces[:at] if other.start >= breath):
            return True
        behind = pieces[at + 1 : at + 2]
        if not behind or behind[0].start in said.pauses:
            continue
        verbs = [other.kinds for other in pieces[at + 2 :] if other.kinds != {"fill"}]
        verb = verbs[0] if verbs else frozenset({"come"})
        if behind[0].kinds & {"not", "no"} and (behind[0].kinds | verb) & {"come", "can"}:
            return True
        if "that" in words.marks.get(said.bare[behind[0].start], ()) and verb & {"cannot", "not"}:
            return True
    return False


def _only_denies(piece: Piece) -> bool:
    return "not" in piece.kinds and not piece.kinds & {"no", "cannot"}


def about_money(said: Message, languages: Iterable[str]) -> bool:
    """Return whether money is named, in words we are sure of."""
    return any("money" in seen.sure for _, seen in _seen(said, languages))


def only_thanks(said: Message, languages: Iterable[str]) -> bool:
    """Return whether it thanks, and says nothing of coming."""
    return any(
        "thanks" in seen.sure and "come" not in seen.kinds for _, seen in _seen(said, languages)
    )


def says_more(exact: str, bare: str, languages: Iterable[str]) -> bool:
    """Return whether a word is more than a name or politeness: Dolores, but dolores too."""
    kinds = (words_of(code).kinds(exact, bare) for code in languages)
    return any(found and not found <= {"fill", "name", "everyday"} for found in kinds)


def denies(said: Message, language: str) -> bool:
    """Return whether a word of *language* in it turns a meaning round or doubts it."""
    return bool(see(said, language).kinds & _DENIES)


def wonders(said: Message, languages: Iterable[str]) -> bool:
    """Return whether it says perhaps, if or we shall see: a doubt of the person, not a question."""
    return any("if" in seen.sure for _, seen in _seen(said, languages))


_DENIES = frozenset({"not", "no", "cannot", "if", "but"})

_NEARER = _DENIES | {"when", "later", "month", "only", "rather", "ill"}
"""What keeps a yes from being read in a farther language."""


def no_more(said: Message, languages: Iterable[str]) -> bool:
    """Return whether the words beside a stop only say that it is enough: no more, please."""
    allowed = _ONLY_ENDS | {"not", "no", "send", "msg", "thanks", "notwant"}
    return any(
        "more" in seen.sure and seen.kinds <= allowed
        for seen in (see(said, code) for code in languages)
    )


def chooses(said: Message, languages: Iterable[str]) -> bool:
    """Return whether nothing but words that go before a number, and politeness, is said."""
    for code in languages:
        words = words_of(code)
        kinds = [words.kinds(*pair) for pair in zip(said.exact, said.bare, strict=True)]
        if all(found and found <= _POINTS for found in kinds) and any(
            "pick" in found for found in kinds
        ):
            return True
    return False


_POINTS = frozenset({"number", "pick", "fill", "me", "oneday"})
"""What may stand beside a number that is chosen."""


def fused_no(said: Message, languages: Iterable[str]) -> tuple[str, str] | None:
    """Return a no that stands in its verb, beside a yes that only greets: evet, gelemem."""
    for code in languages:
        kinds = see(said, code).kinds
        if "cannot" in kinds and not said.question and not kinds & {"if", "but"}:
            return "decline", f"a sentence in {code}: cannot come"
    return None


def in_spite(said: Message, languages: Iterable[str]) -> tuple[str, str] | None:
    """Return that somebody comes, who says so behind a *but*: I work at night but I come.

    Whatever stands before it is taken back, known or not, unless it names a time or a condition. A
    yes before it, and a day or an hour behind it, is another time: yes but in the afternoon.
    """
    languages = tuple(languages)
    contrasts = {
        (piece.start, piece.end)
        for code in languages
        for piece in see(said, code).pieces
        if "yet" in piece.kinds and piece.start
    }
    for start, end in sorted(contrasts, reverse=True):
        head = Message(said.exact[:start], said.bare[:start])
        tail = Message(said.exact[end:], said.bare[end:], question=said.question)
        for code in languages:
            seen, before = see(tail, code), see(head, code)
            if before.kinds & _AGREES and _names_a_time(seen) and not before.kinds & _DENIES:
                return "reschedule", f"a sentence in {code}: yes, but at another time"
            if "come" not in seen.sure or seen.kinds & {"oneday", "days", "figure"}:
                continue
            stands = _STANDS - {"cannot", "not"} if "now" in seen.kinds else _STANDS
            return None if before.kinds & stands else _yes(tail, seen, code)
        return None
    return None


_AGREES = frozenset({"yes", "come", "can"})


def _names_a_time(tail: Seen) -> bool:
    """Whether a day or an hour is named, and nothing is said of it but that it suits."""
    times = {"oneday", "days", "figure", "when", "day", "month"}
    return bool(tail.kinds & times) and tail.kinds <= _OF_A_TIME | times


_OF_A_TIME = frozenset(
    {
        *("fill", "better", "can", "come", "yes", "cans", "rather", "only", "mayi", "want"),
        *("everyday", "pick", "me", "after", "asked", "appt", "vow", "here", "change"),
        *("strange", "yet", "but", "tongue", "thanks", "now"),
    }
)
"""What may stand beside a day or an hour that suits better."""


_STANDS = frozenset(
    {
        *("when", "change", "late", "if", "asks", "mayi", "halt", "msg", "only", "later"),
        *("cannot", "not"),
    }
)
"""What a *but* does not take back."""


def asks_for(said: Message, languages: Iterable[str]) -> bool:
    """Return whether the words beside the name of a language ask for it: is it possible in ..."""
    return any(
        not seen.unknown and seen.kinds <= _ASKS_FOR and seen.kinds - {"fill", "asked"}
        for seen in (see(said, code) for code in languages)
    )


def cannot_read(said: Message, languages: Iterable[str]) -> bool:
    """Return whether the words beside the names of languages say which is known and which not."""
    return any(
        "tongue" in seen.sure
        and 4 * len(seen.unknown) <= seen.count
        and not seen.kinds & _NO_TONGUE
        for _, seen in _seen(said, languages)
    )


_NO_TONGUE = frozenset({"come", "appt", "child", "day", "busy", "what"})
"""What is said of an afspraak or of people, not of a language to write in."""


_ASKS_FOR = frozenset(
    {
        *("fill", "can", "want", "asks", "asked", "better", "msg", "send", "tongue", "grasp"),
        *("mayi", "only", "if", "rather"),
    }
)
"""What stands beside the name of a language that is asked for."""


def _seen(said: Message, languages: Iterable[str]) -> Iterator[tuple[str, Seen]]:
    for code in languages:
        seen = see(said, code)
        if seen.kinds:
            yield code, seen


def _first(rules: tuple[Rule, ...], seen: Seen, code: str) -> tuple[str, str] | None:
    def fits(rule: Rule) -> bool:
        return rule.all <= seen.kinds and not rule.none & seen.kinds and _sure(rule, seen)

    fitting = [rule for rule in rules if fits(rule)]
    rule = next((rule for rule in fitting if rule.all <= seen.sure), next(iter(fitting), None))
    return (rule.intent, f"a sentence in {code}: {rule.why}") if rule else None


def _sure(rule: Rule, seen: Seen) -> bool:
    """Whether no likeness decides: the words are sure, or something sure confirms them."""
    if rule.all <= seen.sure:
        return True
    return (
        bool((rule.all | SECOND_SIGNS[rule.intent]) & seen.sure)
        if (rule.intent in SECOND_SIGNS)
        else False
    )


def _a_name(said: Message, seen: Seen, code: str) -> tuple[str, str] | None:
    """I am not Ahmed: a denial of oneself, and one word that is no word."""
    named = len(seen.unknown) == 1 or (not seen.unknown and "name" in seen.kinds)
    short = seen.count <= 6 and named and not said.question
    if not short or "iam" not in seen.kinds:
        return None
    if seen.kinds & {"ill", "come", "if", "cannot", "can", "care", "want", "day", "when"}:
        return None
    return "wrong_number", f"a sentence in {code}: is not who we write to"


def _yes(said: Message, seen: Seen, code: str) -> tuple[str, str] | None:
    calm = {"calm", "come"} <= seen.sure and not seen.denials
    spoils = SPOILS_A_YES - {"no", "not"} if calm else SPOILS_A_YES
    if seen.unknown or said.question or seen.kinds & spoils:
        return None
    if seen.kinds & {"figure", "busy"} and "come" not in seen.sure:
        return None
    if {"days", "busy"} <= seen.kinds:
        return None
    if "come" in seen.kinds - seen.sure and "yes" not in seen.sure:
        return None
    if seen.sure & {"yes", "come"}:
        return "confirm", f"a sentence in {code}: every word is known and it says yes"
    return None
