"""What a text is read aloud from: its sentences, and words for day, hour and place."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import moments
from bot.gemeente import gemeente
from bot.wording import spoken
from bot.wording.catalogue import catalogue
from bot.wording.languages import languages, shipped

TEXTS, PLACE = catalogue(), gemeente()
BEGINS = moments.from_local(datetime(2026, 12, 3, 14, 30))
VALUES = {
    "begins": BEGINS,
    "place": "Wijkcentrum",
    "address": "Voorbeeldstraat 12",
    "staff": "Jansen",
    "first_name": "Selam",
}


def said(key: str, language: str = "nl", **values: object) -> list[str] | None:
    found = spoken.pieces(key, language, {**VALUES, **values}, TEXTS, PLACE)
    return None if found is None else [piece.says for piece in found]


def test_a_reminder_is_read_aloud_line_by_line():
    """The name of a person and the number of a house are left to be read."""
    assert [
        "Bericht van", "Gemeente Voorbeeldstad", "Hallo", "Je hebt een afspraak met ons.",
        "Dag", "donderdag", "3", "december", "Tijd", "14:00", "30", "Waar", "Wijkcentrum",
        "Kom je?",
    ] == said("afspraak.reminder")  # fmt: skip


@pytest.mark.parametrize(
    ("language", "day"),
    [
        ("ti", ["ሓሙስ", "3", "ታሕሳስ"]),
        ("tr", ["3", "Aralık", "Perşembe"]),
        ("es", ["jueves", "3", "de diciembre"]),
        ("ps", ["پنجشنبه / پينځنۍ", "د دسمبر", "3"]),
        ("uk", ["четвер", "3", "грудня"]),
    ],
)
def test_a_day_is_said_in_the_order_and_the_case_of_the_language(language, day):
    aloud = said("afspraak.reminder", language)

    at = min(aloud.index(word) for word in day)
    assert day == aloud[at : at + 3]


def test_a_whole_hour_is_the_hour_alone():
    aloud = said("afspraak.reminder", begins=moments.from_local(datetime(2026, 12, 3, 9, 0)))

    assert ["09:00", "Waar"] == aloud[aloud.index("09:00") :][:2]


def test_at_an_odd_minute_nothing_is_said():
    """14:32 read as 14:30 would be wrong, and nobody records sixty minutes."""
    assert (
        said("afspraak.reminder", begins=moments.from_local(datetime(2026, 12, 3, 14, 32))) is None
    )


def test_a_place_that_the_gemeente_does_not_know_is_left_to_be_read():
    assert "Waar" not in said("afspraak.reminder", place="Bij de molen")


def test_without_a_text_in_that_language_there_is_nothing_to_hear(new_language):
    """Dutch is no help to who listens."""
    assert said("afspraak.reminder", new_language) is None


def test_who_may_be_in_danger_is_never_spoken_to_aloud():
    """Somebody else may hear the phone."""
    assert {"answer.emergency", "answer.money"}.isdisjoint(spoken.texts_aloud(TEXTS))


def test_what_changed_wants_another_recording():
    one, other = (next(spoken._sentence(words)) for words in ("Kom je?", "Kom je dan?"))

    assert one.key != other.key


@pytest.mark.parametrize("language", list(shipped()))
@given(moment=st.datetimes(datetime(2026, 1, 1), datetime(2030, 12, 31, 23, 59)))
def test_whatever_a_text_is_joined_from_is_asked_of_ambassadeurs(language, moment):
    """Else a text could never be heard, and nobody would know why."""
    moment = moments.from_local(
        moment.replace(minute=moment.minute // 5 * 5, second=0, microsecond=0)
    )
    wanted = {piece.key: piece for piece in spoken.wanted(language, TEXTS, PLACE)}
    for key in spoken.texts_aloud(TEXTS):
        found = spoken.pieces(key, language, {**VALUES, "begins": moment}, TEXTS, PLACE)

        assert found, key
        assert [] == [piece for piece in found if wanted.get(piece.key) != piece]
        assert spoken.needs(key, language, TEXTS, PLACE) >= {piece.key for piece in found}


@pytest.mark.parametrize("language", list(shipped()))
def test_every_language_has_a_page_to_read_and_words_for_a_computer_to_own_up(language):
    assert spoken.page(language, TEXTS)
    assert spoken.machine(language, TEXTS)


def test_no_language_gets_the_voice_of_a_neighbour():
    """Dari is not read by the Persian voice, nor Moroccan by the Arabic one."""
    silent = {code for code, each in languages().items() if each.machine is None}

    assert {"ti", "so", "prs", "ps", "ary"} == silent
