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
BESIDE = re.compile(r"(STOP|START) (?:ama|або|или|أو|یا|ወይም?) ([^\W_]+)")
"""STOP or START, and after an "or" the reader's own word for it."""


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


@pytest.mark.parametrize("language", list(shipped()))
def test_the_word_beside_stop_or_start_is_understood_as_that(language):
    """Where a text says to send STOP or a word of the reader's own, both do the same."""
    texts = catalogue()

    assert [] == [
        (key, word)
        for key in texts.entries
        for command, own in BESIDE.findall(texts.text(key, language).body)
        for word in (command, own)
        if understand(word, language=language, asks="afspraak").intent != command.casefold()
    ]


def test_some_languages_have_a_word_of_their_own_beside_stop():
    """Else the pattern above finds nothing any more, and the test holds nothing."""
    texts = catalogue()

    own = {code for code in shipped() if BESIDE.search(texts.text("signup.welcome", code).body)}

    assert {"ar", "ti", "fa"} <= own


def lines(texts, key, language):
    return texts.text(key, language).body.splitlines()
