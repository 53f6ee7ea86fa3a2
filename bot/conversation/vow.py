"""A yes in a sentence of which not every word is known: "ik kom met Alganesh op de bromscooter".

What turns a meaning round are closed classes: denials, conditions, doubts, questions, other times,
contrasts. Those are listed whole (`words` in content/lexicon.yaml), so a word nobody knows is a
name, a place, a reason. It is let by where somebody says in the first person that he comes, whole
and in a form that means nothing else (`vows`), unless it stands where a denial would: beside that
form, in the same breath, or written almost like a word that turns.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from itertools import pairwise

from bot.conversation.lexicon import Message
from bot.conversation.sentence import (
    LONG,
    LONGEST,
    PROMISES,
    SPOILS_A_YES,
    Kinds,
    Piece,
    Seen,
    Words,
    one_letter_off,
    see,
    words_of,
)


def vow(said: Message, languages: Iterable[str]) -> tuple[str, str] | None:
    """Return that somebody comes, and why; *languages* begin with the one the person prefers."""
    if said.question or len(said.exact) > LONGEST:
        return None
    languages = tuple(languages)
    for place, code in enumerate(languages):
        seen = see(said, code)
        if place and 4 * len(seen.unknown) > seen.count:
            continue
        may = "cannot" not in seen.kinds and seen.sure & {"come", "yes"}
        if may and any(map(_Heard(said, seen, words_of(code)).promises, seen.pieces)):
            turned = any(_may_turn(word, languages) for word in seen.unknown)
            return None if turned else ("confirm", f"a sentence in {code}: says that he comes")
        if seen.kinds & _TURNS:
            return None
    return None


_TURNS = frozenset(
    {
        *("if", "asks", "cannot", "ill", "cancel", "when", "later", "mayi", "only"),
        *("rather", "month", "late", "halt", "off", "again", "kill", "nosend", "wrong", "iam"),
        *("drop", "leave", "notwant", "closed", "nobody", "grasp", "number", "but", "away"),
    }
)
"""What takes a yes back, wherever in the text it stands."""

_OF_COMING = frozenset({"come", "can", "want", "appt", "yes", "day", "now", "better"})
"""What makes a denial one of coming, also where it stands in a breath of its own."""


class _Heard:
    """A text in one language, as breaths: what stands between pauses, *so*, *and* and *but*."""

    def __init__(self, said: Message, seen: Seen, words: Words) -> None:
        self.said = said
        self.words = words
        self.pieces = seen.pieces
        self.marks = tuple(self._marks())
        contrasts = {piece.end for piece in seen.pieces if "yet" in piece.kinds}
        joints = {end for _, end, kinds in self.marks if kinds & {"so", "and"}}
        self.results = {end for _, end, kinds in self.marks if "so" in kinds}
        whole = {piece.end for piece in seen.pieces} & {*said.pauses, *contrasts, *joints}
        self.breaks = sorted({0, seen.count, *whole})

    def _marks(self) -> Iterator[tuple[int, int, Kinds]]:
        bare = self.said.bare
        for start in range(len(bare)):
            for end in range(start + 1, min(len(bare), start + _LONGEST_MARK) + 1):
                if kinds := self.words.marks.get(" ".join(bare[start:end])):
                    yield start, end, kinds

    def promises(self, piece: Piece) -> bool:
        """Whether *piece* says that somebody comes, and nothing takes it back."""
        if not (piece.sure and (said := self.promised(piece))):
            return False
        start = max(place for place in self.breaks if place <= piece.start)
        end = min(place for place in self.breaks if place >= piece.end)
        before = [other for other in self.pieces if other.start < start]
        breath = [other for other in self.pieces if start <= other.start < end]
        after = [other for other in self.pieces if other.start >= end]
        strange = not all(other.kinds for other in breath)
        return not (
            any(self.turns(other) for other in before)
            or any(self.names_a_time(other) for other in (*before, *after))
            or (strange and any(map(self.names_a_time, breath)))
            or any(other.kinds & (SPOILS_A_YES | _TURNS | {"yet"}) for other in (*breath, *after))
            or self.denies_coming(before)
            or self.asks_leave()
            or self.depends(breath, said)
            or self.too_strange(piece, said, breath, after)
        )

    def promised(self, piece: Piece) -> Kinds:
        """The kinds by which *piece*, or a part of it, says so; a yes only behind a *so*."""
        if piece.kinds & {"yes"} and piece.start in self.results:
            return frozenset({"here"})
        if "come" not in piece.kinds:
            return frozenset()
        spellings = (self.said.exact, self.said.bare)
        return frozenset().union(
            *(
                self.words.kinds(phrase, phrase) & PROMISES
                for start in range(piece.start, piece.end)
                for end in range(start + 1, piece.end + 1)
                for phrase in (" ".join(words[start:end]) for words in spellings)
            )
        )

    def turns(self, piece: Piece) -> bool:
        """Whether *piece*, in a breath before, takes a yes back; a later *que* is no question."""
        word = self.said.bare[piece.start]
        told = piece.start not in self.breaks and "that" in self.words.marks.get(word, ())
        kinds = piece.kinds - {"asks"} if told else piece.kinds
        return bool(kinds & _TURNS) and "yet" not in kinds

    def names_a_time(self, piece: Piece) -> bool:
        """Whether *piece* is a day or an hour, which may be another than the afspraak's own."""
        exact, bare = (
            " ".join(words[piece.start : piece.end]) for words in (self.said.exact, self.said.bare)
        )
        return "figure" in piece.kinds or self.words.is_day(exact, bare)

    def too_strange(
        self, piece: Piece, said: Kinds, breath: list[Piece], after: list[Piece]
    ) -> bool:
        """Whether unknown words stand where a denial would, or are too many to be let by."""
        before = [other for other in breath if other.end <= piece.start]
        behind = [other for other in breath if other.start >= piece.end]
        if "vow" not in said and not all(other.kinds for other in behind):
            return True
        if not self.words.fused and not all(other.kinds for other in (*before[-1:], *behind[:1])):
            return True
        near = [*breath, *after]
        unknown = sum(not other.kinds for other in near)
        return 2 * unknown > sum(other.end - other.start for other in near)

    def denies_coming(self, before: list[Piece]) -> bool:
        """Whether a no goes before it: alone, or beside coming, wanting or a day."""
        for start, end in pairwise(self.breaks):
            kinds = [piece.kinds for piece in before if start <= piece.start < end]
            said = frozenset().union(*kinds)
            alone = "no" in said and all(kind <= {"no", "not", "fill"} for kind in kinds if kind)
            if alone or ("not" in said and said & _OF_COMING):
                return True
        return False

    def depends(self, breath: list[Piece], said: Kinds) -> bool:
        """Whether somebody else says it, or a *when* beside an unknown word makes it wait."""
        told = set() if "they" in said else {"that"}
        strange = [piece.start for piece in breath if not piece.kinds]
        return bool(strange) and any(
            "once" in kinds or (kinds & told and start >= strange[0])
            for start, end, kinds in self.marks
            if breath[0].start <= start and end <= breath[-1].end
        )

    def asks_leave(self) -> bool:
        """Whether a word that is yes or if has its condition behind it: si mi jefe me deja, voy."""
        for at, piece in enumerate(self.pieces):
            end = next(place for place in self.breaks if place >= piece.end)
            behind = [other for other in self.pieces[at + 1 :] if other.start < end]
            if "either" not in piece.kinds or not behind:
                continue
            called = len(behind) == 1 and behind[0].kinds
            if not called and not behind[0].kinds & {"yes", "thanks", *PROMISES}:
                return True
        return False


_LONGEST_MARK = 4
"""Words in the longest *when*, *that* or *so*."""


def _may_turn(word: str, languages: Iterable[str]) -> bool:
    """Whether an unknown word is one that turns in another language, or is almost one."""
    for code in languages:
        words = words_of(code)
        if words.kinds(word, word) & _TURNS or words.twisted(word):
            return True
        if any(one_letter_off(turning, word) for turning in _turning(code)):
            return True
    return False


@cache
def _turning(language: str) -> tuple[str, ...]:
    """The single words of a language that deny, and the longer ones that doubt or set against."""
    return tuple(
        word
        for word, kinds in words_of(language).whole.items()
        if (kinds & {"not", "no"} and len(word) > 2) or (kinds & {"if", "but"} and len(word) > LONG)
        if " " not in word
    )
