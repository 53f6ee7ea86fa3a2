"""The evaluation set is whole in form; whether its labels are met is for the bench to say.

Nothing here shows a reply: a failure names a file and a line, so that what is sealed stays sealed.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PARTS = ("open", "opened")
SEALED = ("sealed",) if (HERE / "sealed").is_dir() else ()
"""Written anew by somebody who has not seen the rules; not there until then."""
EVERY = (*PARTS, "further", *SEALED)
LANGUAGES = [
    *("nl", "en", "ar", "ti", "fa", "prs", "tr", "so", "uk"),
    *("ru", "pl", "fr", "es", "pap", "ku", "am", "ps", "ary"),
]
INTENTS = {
    *("confirm", "decline", "reschedule", "help", "stop", "start", "language", "thanks"),
    *("emergency", "childcare", "wrong_number", "unclear", "human"),
}
FIELDS = ["language", "asks", "text", "intent", "why"]


def replies(part: str, language: str) -> Iterator[tuple[str, dict]]:
    """Each reply with where it stands, e.g. ``open/nl.jsonl:3``."""
    path = HERE / part / f"{language}.jsonl"
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        yield f"{part}/{language}.jsonl:{number}", json.loads(line)


def labels(reply: dict) -> list[str]:
    """Every label that is right for a reply."""
    return [reply["intent"]] if isinstance(reply["intent"], str) else reply["intent"]


def bare(text: str) -> str:
    """A text without capitals, accents, punctuation and repeated letters; emoji as they are."""
    marks = unicodedata.normalize("NFKD", text.casefold())
    letters = "".join(sign for sign in marks if not unicodedata.combining(sign))
    return re.sub(r"[^\w]", "", re.sub(r"(.)\1+", r"\1", letters)) or text


def test_every_language_has_a_file_in_every_part_and_nothing_else_lies_there():
    for part in EVERY:
        found = sorted(path.name for path in (HERE / part).iterdir())

        assert sorted(f"{language}.jsonl" for language in LANGUAGES) == found


@pytest.mark.parametrize("part", EVERY)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_line_has_the_form(part, language):
    """A list of labels is for replies where two or three are right, and the first is the safer."""
    faulty = [
        where
        for where, reply in replies(part, language)
        if list(reply) != FIELDS
        or reply["language"] != language
        or reply["asks"] not in {"afspraak", "voortraject", "menu"}
        or not reply["text"].strip()
        or not reply["why"].strip()
        or not set(labels(reply)) <= INTENTS
        or len(set(labels(reply))) != len(labels(reply))
        or not (isinstance(reply["intent"], str) or 2 <= len(reply["intent"]) <= 3)
    ]

    assert [] == faulty


@pytest.mark.parametrize("language", LANGUAGES)
def test_there_are_enough_replies(language):
    assert all(22 <= len(list(replies(part, language))) for part in PARTS)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_each_part_holds_every_intent_and_enough_traps(part, language):
    """A part without a STOP could not show that one was missed."""
    in_this = [reply for _, reply in replies(part, language)]
    intents = Counter(labels(reply)[0] for reply in in_this)

    assert sorted(INTENTS) == sorted(intents)
    assert 5 <= sum(reply["why"].startswith("trap:") for reply in in_this)
    assert 8 * sum(len(labels(reply)) > 1 for reply in in_this) <= len(in_this) + 1


def test_no_text_is_in_two_parts_nor_twice_in_one():
    """Seen in one part, it would be known in the other."""
    places: dict[str, list[str]] = {}
    for part in (*PARTS, *SEALED):
        for language in LANGUAGES:
            for where, reply in replies(part, language):
                places.setdefault(bare(reply["text"]), []).append(where)

    assert [] == [where for where in places.values() if 1 < len(where)]
