"""The lexicon keeps its promises: staff and translators own it, so a slip must be seen at once."""

import copy

import pytest

from bot.conversation.lexicon import lexicon_faults, source, spell


def test_the_lexicon_is_without_faults():
    assert [] == lexicon_faults()


@pytest.fixture
def told():
    return copy.deepcopy(source())


def test_words_that_mean_two_things_in_two_languages_are_a_fault(told):
    told["languages"]["tr"]["confirm"].append({"t": "Nee!", "s": "native", "c": "high"})

    assert ["'nee' means different things"] == [fault[:28] for fault in lexicon_faults(told)]


def test_they_are_none_once_they_stand_under_ambiguous(told):
    told["languages"]["tr"]["confirm"].append({"t": "nee", "s": "native", "c": "high"})
    told["ambiguous"]["nee"] = {"tokens": ["nee"], "tells": "no in Dutch"}

    assert [] == lexicon_faults(told)


def test_a_phrase_of_which_nothing_is_left_is_a_fault(told):
    told["languages"]["nl"]["confirm"].append({"t": "\u200b!", "s": "native", "c": "high"})

    assert ["nl.confirm: nothing is left of '\\u200b!' once it is spelled."] == lexicon_faults(told)


def test_a_number_that_also_is_an_answer_is_a_fault(told):
    """Persian نه is nine and no; an answer must never be taken for a choice."""
    told["languages"]["fa"]["numbers"].append(["نه"])

    assert ["fa: 'نه' is a number and means something else."] == lexicon_faults(told)


def test_an_unknown_group_confidence_intent_or_language_is_a_fault(told):
    told["languages"]["nl"]["confirm"].append({"t": "zeker weten", "s": "native", "c": "sure"})
    told["ambiguous"]["lo"]["when"] = {"xx": "perhaps"}

    assert 3 == len(lexicon_faults(told))
    told["languages"]["nl"]["joke"] = []
    assert ["nl: no group is called joke."] == lexicon_faults(told)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("HAYIR, İptal", ("hayir", "iptal")),
        ("أهـــلاً", ("اهلا",)),
        ("می‌آیم می آیم", ("میایم", "میایم")),
        ("ዓዲ፡ሓደ", ("አዲ", "ሀደ")),
        ("a.u.b. 14:30 １２", ("aub", "14:30", "12")),
        ("i’m OK ;) :D", ("i'm", "ok")),
        ("\u202bs\u200dt\u200bop\u202c", ("stop",)),
    ],
)
def test_spelling_keeps_the_words_and_drops_what_nobody_sees(typed, words):
    assert words == spell(typed).exact


def test_an_accent_is_kept_beside_the_word_without_it():
    spelled = spell("Él dzień ıłø")

    assert (("él", "dzień", "iłø"), ("el", "dzien", "ilo")) == (spelled.exact, spelled.bare)
