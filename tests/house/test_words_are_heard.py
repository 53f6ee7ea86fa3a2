"""What a text tells its readers to write is what we understand when they write it."""

import re

import pytest

from bot.conversation.understand import understand
from bot.wording.catalogue import catalogue
from bot.wording.languages import shipped

BUTTONS = [
    ("yes", "afspraak", "confirm"),
    ("yes", "voortraject", "confirm"),
    ("no", "afspraak", "decline"),
    ("no", "voortraject", "decline"),
    ("other_day", "afspraak", "reschedule"),
    ("later", "voortraject", "reschedule"),
    ("childcare", "voortraject", "childcare"),
    ("language", "afspraak", "language"),
    ("stop", "menu", "stop"),
    ("call_me", "menu", "human"),
]
ASKED_FOR = [
    ("answer.help", "taal", "language"),
    ("language.changed", "taal", "language"),
    ("voortraject.invitation", "kinderopvang", "childcare"),
]


@pytest.mark.parametrize("language", list(shipped()))
def test_the_words_on_a_button_are_an_answer_when_typed(language):
    """An SMS has no buttons: who sees "2 = Andere dag" may well write the words."""
    titles = {name: catalogue().text(f"button.{name}", language).body for name, _, _ in BUTTONS}

    assert [] == [
        (titles[name], heard)
        for name, asks, intent in BUTTONS
        if (heard := understand(titles[name], language=language, asks=asks).intent) != intent
    ]


@pytest.mark.parametrize("language", list(shipped()))
@pytest.mark.parametrize(("key", "dutch", "intent"), ASKED_FOR)
def test_the_word_that_a_text_asks_for_is_understood(language, key, dutch, intent):
    """The line "Andere taal? Schrijf: taal." ends in the word that people will copy."""
    texts = catalogue()
    at = next(n for n, line in enumerate(lines(texts, key, "nl")) if line.endswith(f": {dutch}."))

    word = re.split(r"[:\u1366]\s", lines(texts, key, language)[at])[-1].rstrip(".\u1362\u06d4")

    assert intent == understand(word, language=language, asks="voortraject").intent, word


def lines(texts, key, language):
    return texts.text(key, language).body.splitlines()
