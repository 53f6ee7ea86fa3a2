"""What a person means: one text becomes one intent, with the reason. No database, no clock.

The layers, the first that is sure decides:

1. a tapped button;
2. the code of an ambassadeur's link;
3. danger, wherever it stands in the text; then the families of content/grave.yaml: danger, wishes
   to stop and wishes to start again, in whichever words;
4. a digit for the question that is open;
5. words known from end to end: a phrase, with greetings, politeness and emoji around it;
6. words that mean one thing wherever they stand in a sentence.

A yes is only ever found by 1, 4 and 5, in a sentence, or what stands behind its *but*, of which
every word is known, and where somebody says in the first person that he comes (`vow`): a word
nobody knows hides in no other yes. What no layer is sure of is ``human`` where it asks for
something and ``unclear`` otherwise. The words are data: content/grave.yaml and
content/lexicon.yaml.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from bot.conversation import grave, sentence, vow
from bot.conversation.lexicon import Entry, Lexicon, Message, lexicon
from bot.conversation.link_code import code_in
from bot.wording.languages import languages

CHOICES = {1: "confirm", 2: "reschedule", 3: "decline"}
"""What a number means to a question about an afspraak or a voortraject."""

NUMBERED = frozenset({"afspraak", "voortraject"})
"""The questions that `CHOICES` answer. To any other question the number itself is the answer."""

BUTTONS = {
    "yes": "confirm",
    "no": "decline",
    "other_day": "reschedule",
    "later": "reschedule",
    "new_appointment": "reschedule",
    "stop": "stop",
    "start": "start",
    "help": "help",
    "language": "language",
    "childcare": "childcare",
    "wrong_number": "wrong_number",
    "call_me": "human",
    "human": "human",
    "fewer": "human",
    "was_there": "human",
    "open": "human",
}
"""Payload of a tapped button -> intent; ``language:ti`` names the language besides."""

SHORT = 5
"""Words in which a first or last *stop* is a wish to stop."""

SENTENCE = 12
"""Words up to which a text is tried end to end, and a word inside it decides."""


@dataclass(frozen=True, slots=True)
class Understood:
    """What one text means."""

    intent: str
    """One of the intents of the lexicon, or ``unclear``."""
    why: str
    """The rule that decided, for a person to read; holds no words of the text but the lexicon's."""
    language: str | None = None
    """For the intent ``language``: our code of the language asked for; None = ask which."""
    code: str | None = None
    """For the intent ``start``: the code of a link, ten signs, spelled as we print it."""
    number: int | None = None
    """The number that was typed, if the text is one."""
    need: str | None = None
    """For the intent ``human``: ``money`` if that is what it is about, ``distress`` if an angry or
    crying face is all that is sure."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some neighbouring words of a text that mean something together."""

    kind: str
    """An intent, ``unclear``, ``number`` or a role of the lexicon."""
    start: int
    end: int
    why: str
    words: str = ""
    number: int | None = None


def understand(
    text: str, *, language: str, asks: str | None = None, button: str | None = None
) -> Understood:
    """Return what *text* means to somebody who prefers *language*. Never raises.

    *asks* is the question that is open: ``afspraak`` and ``voortraject`` are answered by 1 (yes),
    2 (another time) and 3 (no), anything else by a number of its own. *button* is the payload of a
    tapped button and decides before the words on it do.
    """
    if button is not None and (tapped := _tapped(button)):
        return tapped
    if code := code_in(text):
        return Understood("start", "the code of a link", code=code)
    if command := _COMMAND.match(text):
        return Understood(command[1].casefold(), f"the command /{command[1].casefold()}")
    held = lexicon()
    reader = _Reader(held, held.read(text), held.stands_in.get(language, language), asks)
    reader.preferred = language
    found = reader.read()
    if found.intent == "human" and sentence.about_money(reader.said, reader.tongues()):
        return replace(found, need="money")
    return found


def _tapped(button: str) -> Understood | None:
    name, _, value = button.partition(":")
    intent = BUTTONS.get(name)
    if intent is None:
        return None
    asked = value if name == "language" and value in languages() else None
    return Understood(intent, f"tapped the button {name}", language=asked)


_COMMAND = re.compile(r"\s*/(start|stop|help|language)(?![^\W_])", re.IGNORECASE)
"""What Telegram's own buttons send; whatever follows changes nothing."""


# --- reading ----------------------------------------------------------------------------------


class _Reader:
    """One text being read. Lives for one call of `understand`."""

    def __init__(self, held: Lexicon, said: Message, language: str, asks: str | None) -> None:
        self.held = held
        self.said = said
        self.language = language
        self.preferred = language
        self.near = (language, "nl", "en")
        self.asks = asks
        self.count = len(said.exact)
        self.kinds = [held.signs[sign] for sign in said.signs if sign in held.signs]

    def read(self) -> Understood:
        """Try the layers in order."""
        layers: tuple[Callable[[], Understood | None], ...] = (
            self.danger,
            self.a_grave_family,
            self.a_number,
            self.known_words,
            self.stop_at_the_edge,
            self.a_grave_sentence,
            self.a_language,
            self.a_need,
            self.a_no_with_its_reason,
            self.inside,
            self.an_answer,
            self.distress,
            self.a_question,
        )
        return next((found for layer in layers if (found := layer())), self.nothing())

    # layer 3

    def danger(self) -> Understood | None:
        """Danger to a person goes before everything: better one answer too many."""
        for entry, start, end in self.marked("emergency"):
            beside = [at for at in (start - 2, start - 1, end) if 0 <= at < self.count]
            if end - start > 1 or not any(map(self.denies, beside)):
                return Understood("emergency", f"danger: {_cited(entry)}")
        return None

    def a_grave_family(self) -> Understood | None:
        """Danger, a wish to stop or to start again, put together from kinds of words."""
        return self.unless_angry(grave.grave(self.said, self.tongues()))

    # layer 4

    def a_number(self) -> Understood | None:
        """Nothing but a number, whatever its script; politeness around it changes nothing."""
        if self.count > SENTENCE or self.kinds:
            return None
        if self.said.question and self.asks in NUMBERED:
            return None
        numbers = [at for at in range(self.count) if self.digits_at(at) is not None]
        if not numbers and (self.count == 1 or "option" in self.roles_at(0, self.count - 1)):
            number = self.in_letters(self.count - 1)
        elif (
            len(numbers) == 1
            and self.all_in(
                [at for at in range(self.count) if at != numbers[0]],
                frozenset({"polite", "option"}),
            )
        ) or (len(numbers) == 1 and self.count <= SHORT and self.chooses_beside(numbers[0])):
            number = self.digits_at(numbers[0])
        else:
            return None
        if number is None or (number == 112 and self.asks != "menu"):
            return None
        return self.chosen(number)

    def chooses_beside(self, at: int) -> bool:
        """Whether the words around the number at *at* only point to it: la 2, el número 2."""
        return sentence.chooses(self.without(at, at + 1), self.tongues())

    def without(self, start: int, end: int) -> Message:
        """The text without the words from *start* to *end*."""
        exact, bare = self.said.exact, self.said.bare
        return Message(exact[:start] + exact[end:], bare[:start] + bare[end:])

    def chosen(self, number: int) -> Understood:
        """What a number means to the open question."""
        if self.asks not in NUMBERED:
            return Understood("unclear", f"the number {number}", number=number)
        if intent := CHOICES.get(number):
            return Understood(intent, f"choice {number} of the open question", number=number)
        return Understood("unclear", f"there is no choice {number}", number=number)

    def digits_at(self, at: int) -> int | None:
        """The number at word *at*, if it is one of at most six digits."""
        word = self.said.exact[at]
        if word.isascii() and word.isdigit() and len(word) <= 6:
            return int(word)
        joined = _NUMBERED.match(word) if len(word) <= 12 else None
        if joined and (
            ("option" in self.roles_of(joined[1]) if joined[1] else True)
            and (joined[3] in self.held.ordinals if joined[3] else bool(joined[1]))
        ):
            return int(joined[2])
        return None

    def roles_of(self, word: str) -> frozenset[str]:
        """The roles of one word in near languages."""
        return frozenset(
            role.role for role in self.held.roles.find(word, word) if role.language in self.near
        )

    def in_letters(self, at: int) -> int | None:
        """The number that word *at* means in a near language."""
        found = self.held.numbers.find(*self.one(at))
        return next((word.number for word in found if word.language in self.near), None)

    # layer 5

    def known_words(self) -> Understood | None:
        """Every word is known: put together what the parts mean."""
        if not self.count:
            if self.kinds or not self.said.question:
                return self.together([])
            return Understood("help", "nothing but a question mark")
        if self.count > SENTENCE:
            return None
        whole = self.meaning(0, self.count)
        if whole is not None:
            return self.together([whole])
        for spoken in self.spoken():
            parts = self.cover(spoken)
            if parts and (found := self.together(parts)):
                return found
        return None

    def spoken(self) -> Iterator[frozenset[str]]:
        """The languages the text may be in: first what is near, then one other at a time."""
        yield frozenset(self.near)
        others = {
            entry.language
            for start in range(self.count)
            for end in self.ends(start)
            for entry in self.held.entries_of(*self.spelling(start, end))
        }
        for other in sorted(others.difference(self.near)):
            yield frozenset({*self.near, other})

    def ends(self, start: int) -> Iterable[int]:
        """Where something that begins at word *start* may end, the longest first."""
        return range(min(self.count, start + (self.held.reach(*self.one(start)) or 1)), start, -1)

    def spelling(self, start: int, end: int) -> tuple[str, str]:
        """The words from *start* to *end*, with and without accents."""
        return " ".join(self.said.exact[start:end]), " ".join(self.said.bare[start:end])

    def cover(self, spoken: frozenset[str]) -> list[Part] | None:
        """The fewest parts, in the languages *spoken*, that cover every word; None if none do."""
        best: list[list[Part] | None] = [None] * self.count + [[]]
        for start in reversed(range(self.count)):
            for part in self.parts_at(start, spoken):
                after = best[part.end]
                held = best[start]
                if after is not None and (held is None or len(after) + 1 < len(held)):
                    best[start] = [part, *after]
        return best[0]

    def parts_at(self, start: int, spoken: frozenset[str]) -> Iterator[Part]:
        """Every part that may begin at word *start*, intents before roles."""
        if (number := self.digits_at(start)) is not None:
            yield Part("number", start, start + 1, "a number", number=number)
        for end in self.ends(start):
            if (found := self.meaning(start, end, spoken)) is not None:
                yield found
            for role in sorted(self.roles_at(start, end, spoken)):
                if role in {"polite", "doubt", "but"}:
                    yield Part(role, start, end, role)
                elif role in {"greeting", "closing"}:
                    yield Part(role, start, end, role)
                    yield from self.names_after(role, start, end)

    def names_after(self, role: str, start: int, end: int) -> Iterator[Part]:
        """A name may follow a greeting; up to three words of name end a letter."""
        if role == "greeting":
            if (
                end < self.count
                and not self.held.knows(self.said.exact[end])
                and (not sentence.says_more(*self.one(end), self.tongues()))
            ):
                yield Part(role, start, end + 1, "a greeting with a name")
        elif 1 <= self.count - end <= 3 and all(map(self.may_be_a_name, range(end, self.count))):
            yield Part(role, start, self.count, "a closing with a name")

    def may_be_a_name(self, at: int) -> bool:
        """Whether word *at* means nothing else; Selam is a greeting, but also a woman."""
        word = self.one(at)
        if word[0].isdigit() or self.held.entries_of(*word) or self.held.rule_of(*word):
            return False
        return not any(
            role.role in {"not", "doubt", "but", "question"} for role in self.held.roles.find(*word)
        )

    def meaning(self, start: int, end: int, spoken: frozenset[str] | None = None) -> Part | None:
        """What the words from *start* to *end* mean as one phrase; None if they are none."""
        words = self.spelling(start, end)
        found = self.held.entries_of(*words)
        if rule := self.held.rule_of(*words):
            intent = rule.intent(self.language, self.asks)
            if intent != "lists":
                return Part(intent, start, end, f"ambiguous, {rule.name}: {rule.tells}", words[1])
        else:
            for entry in found:
                if entry.intent == "stop" and entry.confidence == "high":
                    return Part("stop", start, end, _cited(entry), words[1])
        if name := self.named(start, end):
            return Part("language", start, end, f"the name of {name}", words[1])
        if spoken is not None:
            found = [entry for entry in found if entry.language in spoken]
        for layer in ({self.language}, {"nl", "en"}, None):
            entries = [entry for entry in found if layer is None or entry.language in layer]
            if entries:
                return self.agreed(entries, start, end)
        return None

    def agreed(self, entries: list[Entry], start: int, end: int) -> Part:
        """One meaning of phrases of equally near languages, if they share it."""
        order = ("high", "med", "low")
        entry = min(entries, key=lambda entry: order.index(entry.confidence))
        words = self.spelling(start, end)[1]
        if len({other.intent for other in entries}) > 1:
            return Part("unclear", start, end, f"two languages disagree: {_cited(entry)}", words)
        preferred = entry.language == self.language
        if entry.intent == "stop" and entry.confidence != "high" and not preferred:
            return Part("unclear", start, end, f"perhaps stop: {_cited(entry)}", words)
        if entry.confidence == "low" and not preferred:
            return Part("unclear", start, end, f"not sure: {_cited(entry)}", words)
        if entry.confidence == "low" and entry.intent in _ANSWERS:
            return Part("perhaps", start, end, entry.intent, words)
        return Part(entry.intent, start, end, _cited(entry), words)

    def roles_at(
        self, start: int, end: int, spoken: frozenset[str] | None = None
    ) -> frozenset[str]:
        """The roles of the words from *start* to *end* in near languages, or those *spoken*."""
        among = spoken or frozenset(self.near)
        return frozenset(
            role.role
            for role in self.held.roles.find(*self.spelling(start, end))
            if role.language in among
        )

    def together(self, parts: list[Part]) -> Understood | None:
        """What parts that cover the whole text mean beside each other; None if nothing.

        A phrase nobody is sure of adds nothing to what says the same, and decides nothing alone.
        """
        told = {part.kind for part in parts} | set(self.kinds)
        parts = [part for part in parts if part.kind != "perhaps" or part.why not in told]
        if doubtful := next((part for part in parts if part.kind == "perhaps"), None):
            return Understood("unclear", f"not sure enough alone: {doubtful.why}")
        by_kind = {part.kind: part for part in reversed(parts)}
        kinds = set(by_kind) | set(self.kinds)

        def decided(intent: str) -> Understood:
            part = by_kind.get(intent)
            return Understood(intent, part.why if part else f"the picture means {intent}")

        if "emergency" in kinds:
            return decided("emergency")
        if "stop" in kinds:
            return self.stopping(by_kind, kinds)
        for intent in ("wrong_number", "childcare"):
            if intent in kinds:
                return decided(intent)
        if "distress" in kinds:
            return Understood("human", _DISTRESS, need="distress")
        for intent in ("human", "help"):
            if intent in kinds:
                return decided(intent)
        answers = kinds & {"confirm", "decline", "reschedule"}
        if kinds & {"language", "start"}:
            intent = "language" if "language" in kinds else "start"
            if answers or {"language", "start"} <= kinds:
                return Understood("unclear", f"{intent} and an answer at once")
            if intent == "language":
                return self.which_language(by_kind.get(intent))
            return decided(intent)
        if "unclear" in kinds and not (
            answers == {"confirm"} and by_kind["unclear"].why.startswith("ambiguous, inshallah")
        ):
            return decided("unclear")
        if "reschedule" in answers and "number" not in kinds:
            return decided("reschedule")
        if self.said.question and (answers or ("number" in kinds and self.asks in NUMBERED)):
            return Understood("human", "a question is never an answer")
        if "doubt" in kinds:
            return Understood("unclear", "in doubt: neither yes nor no")
        if "number" in kinds:
            return self.with_number(parts, answers)
        return self.answered(parts, by_kind, kinds, answers)

    def answered(
        self, parts: list[Part], by_kind: dict[str, Part], kinds: set[str], answers: set[str]
    ) -> Understood | None:
        """A yes, a no or thanks, where nothing else is said."""
        if answers == {"confirm", "decline"}:
            no = by_kind.get("decline")
            if no is not None and no.end - no.start > 1:
                return Understood("decline", f"a no beats a yes: {no.why}")
            fused = self.by(sentence.fused_no(self.said, self.tongues()))
            return fused or Understood("unclear", "yes and no at once")
        if answers == {"confirm"}:
            return self.confirmed(parts, by_kind, kinds)
        if answers:
            intent = answers.pop()
            part = by_kind.get(intent)
            return Understood(intent, part.why if part else f"the picture means {intent}")
        if "thanks" in kinds:
            return Understood("thanks", "thanks, and nothing else: the question stays open")
        return None

    def confirmed(self, parts: list[Part], by_kind: dict[str, Part], kinds: set[str]) -> Understood:
        """A yes, unless it is taken back or only acknowledges."""
        if "but" in kinds:
            return Understood("unclear", "a yes with a but")
        if len(parts) > 1 and sentence.denies(self.said, self.preferred):
            return Understood("unclear", "a yes beside a word that denies or doubts")
        yes = by_kind.get("confirm")
        if "thanks" in kinds and self.asks is None:
            said = [part for part in parts if part.kind == "confirm"]
            if all(part.words in self.held.acknowledges.bare for part in said):
                return Understood("thanks", "ok and thanks, and no question is open")
        return Understood("confirm", yes.why if yes else "the picture means confirm")

    def stopping(self, by_kind: dict[str, Part], kinds: set[str]) -> Understood:
        """Stop beside other known words: a wish to stop unless a word beside it denies it."""
        part = by_kind.get("stop")
        if part is None:
            if kinds & {"confirm", "decline", "reschedule", "unclear"}:
                return Understood("unclear", "the picture means stop, the words do not")
            return Understood("stop", "the picture means stop")
        if self.no_wish_to_stop(part.start, part.end):
            return Understood("unclear", f"perhaps no wish to stop: {part.why}")
        if "language" in kinds:
            return Understood("unclear", f"no messages, or none in this language? {part.why}")
        alone = not kinds & {"confirm", "decline", "reschedule", "unclear", "start", "doubt", "but"}
        if alone or self.count <= SHORT:
            return Understood("stop", part.why)
        return Understood("unclear", f"perhaps stop: {part.why}")

    def with_number(self, parts: list[Part], answers: set[str]) -> Understood:
        """A number with words beside it: they must agree, or the number counts people."""
        numbers = [part.number for part in parts if part.kind == "number"]
        number = numbers[0]
        if len(numbers) > 1 or number is None:
            return Understood("unclear", "several numbers")
        if not answers:
            return self.chosen(number)
        if len(answers) == 1:
            intent = next(iter(answers))
            if self.asks == "afspraak" and CHOICES.get(number) != intent:
                return Understood("unclear", "the number and the words disagree", number=number)
            return Understood(intent, f"{intent}, with the number {number}", number=number)
        return Understood("unclear", "several answers at once", number=number)

    def named(self, start: int, end: int) -> str | None:
        """Our code of the language that the words from *start* to *end* are a name of."""
        exact, bare = self.spelling(start, end)
        names = self.held.names.find(exact, bare)
        for joined in () if names else _IN:
            if exact.startswith(joined):
                names = names or self.held.names.find(exact[len(joined) :], bare[len(joined) :])
        return names[0] if names else None

    def which_language(self, part: Part | None) -> Understood:
        code = self.named(part.start, part.end) if part else None
        return Understood("language", part.why if part else "asks for a language", language=code)

    # layer 6

    def stop_at_the_edge(self) -> Understood | None:
        """Stop as the first or last word of a short text, and not a bus stop."""
        if not 1 < self.count <= SHORT or self.said.question:
            return None
        for at in (0, self.count - 1):
            word = self.said.exact[at], self.said.bare[at]
            if not self.held.stop_words.find(*word):
                continue
            if self.no_wish_to_stop(at, at + 1):
                return Understood("unclear", "the word stop, but perhaps no wish to stop")
            return Understood("stop", "stop is the first or last word of a short message")
        return None

    def no_wish_to_stop(self, start: int, end: int) -> bool:
        """Whether other words turn the stop from *start* to *end* round: do not stop, bus stop."""
        if end - start < self.count and sentence.goes_on(self.said, self.tongues()):
            return True
        if self.denied(start, end) and not (
            start == 0 and sentence.no_more(self.without(start, end), self.tongues())
        ):
            return True
        if end - start > 1:
            return False
        others = [self.one(at) for at in range(self.count) if at != start]
        return (
            any(self.held.no_stop_beside.find(*other) for other in others)
            or (start > 0 and bool(self.held.no_stop_after.find(*self.one(start - 1))))
            or any("question" in self.roles_at(at, at + 1) for at in range(self.count))
        )

    def one(self, at: int) -> tuple[str, str]:
        """Word *at*, with and without accents."""
        return self.said.exact[at], self.said.bare[at]

    def a_language(self) -> Understood | None:
        """The name of a language in a short request: in het Engels, I speak only Arabic."""
        if self.count > SENTENCE:
            return None
        if found := self.one_for_another():
            return found
        for start in range(self.count):
            for end in self.ends(start):
                if (code := self.named(start, end)) is None:
                    continue
                rest = [*range(start), *range(end, self.count)]
                if self.denied(start, end):
                    if self.all_in(rest, frozenset({"polite", "greeting", "asking", "not"})):
                        return Understood("language", f"does not speak {code}: ask which")
                elif self.all_in(rest, frozenset({"polite", "greeting", "asking"})) or (
                    sentence.asks_for(self.without(start, end), self.tongues())
                ):
                    return Understood("language", f"asks for {code} by name", language=code)
        return None

    def one_for_another(self) -> Understood | None:
        """Two languages in one text: I cannot read this one, write that one."""
        names: dict[str, range] = {}
        for start in range(self.count):
            for end in self.ends(start):
                if (code := self.named(start, end)) and code not in names:
                    names[code] = range(start, end)
        if len(names) != 2:
            return None
        rest = [at for at in range(self.count) if not any(at in place for place in names.values())]
        exact, bare = self.said.exact, self.said.bare
        beside = Message(tuple(exact[at] for at in rest), tuple(bare[at] for at in rest))
        others = [code for code in names if code != self.preferred]
        if sentence.cannot_read(beside, self.tongues()):
            code = others[0] if len(others) == 1 else None
            return Understood("language", "cannot read one language, knows another", language=code)
        if sentence.asks_for(beside, self.tongues()):
            return Understood("language", "asks for one of two languages", language=others[0])
        return None

    def all_in(self, places: list[int], roles: frozenset[str]) -> bool:
        """Whether each of these words, alone or with its neighbours, has one of *roles*."""
        left = set(places)
        for start in places:
            for end in self.ends(start):
                if left.issuperset(range(start, end)) and self.roles_at(start, end) & roles:
                    left.difference_update(range(start, end))
                    break
        return not left

    def a_no_with_its_reason(self) -> Understood | None:
        """Known words that say no, then *because*, then anything that asks for nothing."""
        if self.said.question:
            return None
        for at in range(1, self.count):
            for end in self.ends(at):
                if "because" not in self.roles_at(at, end):
                    continue
                head = Message(self.said.exact[:at], self.said.bare[:at])
                said = _Reader(self.held, head, self.language, None).known_words()
                if said is None or said.intent != "decline":
                    return None
                if any(True for _ in self.marked("reschedule")):
                    return Understood("reschedule", "cannot, and asks for another time")
                told = self.an_answer()
                if told and told.intent == "reschedule":
                    return told
                return self.inside_of("childcare") or Understood("decline", f"{said.why}, with why")
        return None

    def inside(self) -> Understood | None:
        """A word or phrase that means one thing wherever it stands."""
        for intent in ("wrong_number", "childcare", "human", "help", "reschedule"):
            if found := self.inside_of(intent):
                return found
        return None

    def a_grave_sentence(self) -> Understood | None:
        """Danger or a wish to stop, put in other words than the lists hold."""
        found = sentence.grave(self.said, self.tongues())
        if found and grave.bars(self.said, self.tongues(), found[0]):
            return None
        return self.unless_angry(found)

    def unless_angry(self, found: tuple[str, str] | None) -> Understood | None:
        """What was found; but anger is looked at by a colleague, not cut off."""
        angry = found and found[0] == "stop" and "distress" in self.kinds
        return None if angry else self.by(found)

    def a_need(self) -> Understood | None:
        """A sentence that asks for something a rule knows."""
        return self.by(sentence.need(self.said, self.tongues()))

    def an_answer(self) -> Understood | None:
        """A short sentence that says yes, no or another time."""
        if "distress" in self.kinds or (self.said.signs and "decline" in self.kinds):
            return None
        readers = (sentence.in_spite, vow.vow, sentence.answer)
        answers = (reader(self.said, self.tongues()) for reader in readers)
        found = next(filter(None, answers), None)
        if found and found[0] == "confirm" and "doubt" in self.kinds:
            return Understood("unclear", "a yes that rolls its eyes")
        if found and found[0] == "confirm" and self.asks not in NUMBERED:
            thanked = sentence.only_thanks(self.said, self.tongues())
            found = ("thanks", "thanks, and no question is open") if thanked else found
        return self.by(found)

    def by(self, found: tuple[str, str] | None) -> Understood | None:
        return Understood(*found) if found else None

    def tongues(self) -> tuple[str, ...]:
        """The languages a sentence may be in: what the person prefers, then Dutch and English."""
        return tuple(dict.fromkeys((self.preferred, "nl", "en")))

    def distress(self) -> Understood | None:
        """An angry or crying face, and words that no rule reads."""
        return Understood("human", _DISTRESS, need="distress") if "distress" in self.kinds else None

    def inside_of(self, intent: str) -> Understood | None:
        """The same, for one intent."""
        if self.count > SENTENCE and intent != "human":
            return None
        found = list(self.marked(intent))
        if not found:
            return None
        entry = found[0][0]
        said = {at for _, start, end in found for at in range(start, end)}
        near = set(range(min(said) - 2, max(said) + 2)) if intent == "wrong_number" else None
        if intent in {"wrong_number", "reschedule"} and self.denied_outside(said, near):
            told = self.an_answer()
            if told and told.intent == intent:
                return told
            return Understood("human", f"{intent}, but denied: {_cited(entry)}")
        return Understood(intent, f"inside a sentence: {_cited(entry)}")

    def marked(self, intent: str) -> Iterator[tuple[Entry, int, int]]:
        """Every phrase marked to be read inside a sentence, longest first at each word."""
        for start in range(self.count):
            for end in self.ends(start):
                words = self.spelling(start, end)
                for entry in self.held.entries_of(*words):
                    if entry.inside and entry.intent == intent and self.believed(entry, words):
                        yield entry, start, end

    def believed(self, entry: Entry, words: tuple[str, str]) -> bool:
        """Whether a phrase of this language counts inside a text of this person.

        Far languages of our own alphabet share too many short words with near ones.
        """
        rule = self.held.rule_of(*words)
        if rule and rule.intent(self.language, self.asks) != entry.intent:
            return False
        if entry.language in self.near:
            return True
        telling = " " in words[1] or _foreign(words[1]) or entry.intent in _TELLING
        return telling and (entry.confidence == "high" or entry.intent == "emergency")

    def denied(self, start: int, end: int) -> bool:
        """Whether a word outside *start* to *end* turns a meaning round."""
        return self.denied_outside(set(range(start, end)))

    def denied_outside(self, said: set[int], near: set[int] | None = None) -> bool:
        """Whether a word that is not among *said*, but *near* if told, turns a meaning round."""
        others = (at for at in range(self.count) if at not in said)
        return any(self.denies(at) for at in others if near is None or at in near)

    def denies(self, at: int) -> bool:
        """Whether word *at* is a *not*, in a near language or in one of another script."""
        word = self.one(at)
        near = "not" in self.roles_at(at, at + 1)
        return near or (
            _foreign(word[1]) and any(role.role == "not" for role in self.held.roles.find(*word))
        )

    def a_question(self) -> Understood | None:
        """It asks for something: a person answers."""
        if self.said.question:
            return Understood("human", "a question no rule answers")
        if self.count > 1 and (found := sentence.asks(self.said, self.tongues())):
            return self.by(found)
        if self.count > 1 and not sentence.wonders(self.said, self.tongues()):
            for start in range(self.count):
                for end in self.ends(start):
                    if "question" in self.roles_at(start, end):
                        return Understood("human", "asks where, when, how or why")
        return None

    def nothing(self) -> Understood:
        """No rule was sure."""
        if any(self.roles_at(at, at + 1) & {"not"} for at in range(self.count)):
            return Understood("unclear", "a denial, but of what is not certain")
        return Understood("unclear", "no rule reads this")


_ANSWERS = frozenset({"confirm", "decline", "reschedule", "wrong_number"})
"""Intents that a phrase of low confidence never decides."""
_NUMBERED = re.compile(r"([^\W\d_]*)(\d{1,2})([^\W\d_]*)$")
"""A number with its word or its ending: nr2, optie1, 2e, 2nd."""
_DISTRESS = "angry or sad: a colleague looks first"
_IN = ("بال", "ب", "ال", "ብ", "በ")
"""What is joined to the name of a language: in, and the."""
_TELLING = frozenset({"emergency", "childcare"})


def _foreign(word: str) -> bool:
    """Whether *word* is in another script than ours, so that no word of ours looks like it."""
    return word > "\u0250"


def _cited(entry: Entry) -> str:
    return f"{entry.language} “{entry.phrase}” means {entry.intent}"
