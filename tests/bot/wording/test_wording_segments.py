"""What a text costs as SMS, measured against another reading of the same standard."""

import pytest
import smsutil
from hypothesis import given
from hypothesis import strategies as st

from bot.wording.segments import BASIC, EXTENDED, coding, fold, parts, segments, thrifty

LETTERS = "".join(sorted(BASIC | EXTENDED))
TEXTS = st.one_of(
    st.text(st.sampled_from(LETTERS), max_size=700),
    st.text(st.sampled_from("ab€^{~"), min_size=140, max_size=330),
    st.text(st.sampled_from("ሓመድ ab😀"), min_size=60, max_size=150),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=400),
)


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        (0, ""),
        (1, "a" * 160),
        (2, "a" * 161),
        (2, "a" * 306),
        (3, "a" * 307),
        (1, "€" * 80),
        (2, "€" * 81),
        (3, "€" * 153),  # 306 septets, but an escape never straddles: 76 + 76 + 1
        (1, "ሰ" * 70),
        (2, "ሰ" * 71),
        (3, "ሰ" * 135),
        (1, "😀" * 35),
        (2, "😀" * 36),
        (3, "😀" * 67),  # a surrogate pair never straddles: 33 + 33 + 1
    ],
)
def test_a_text_is_counted_as_it_is_billed(expected, text):
    assert expected == segments(text)


@given(TEXTS)
def test_the_parts_are_those_of_another_reading_of_the_standard(text):
    """smsutil was written by others; where both agree, a bill holds no surprise."""
    theirs = smsutil.split(text)

    assert [part.content for part in theirs.parts if part.content] == parts(text)


@given(TEXTS)
def test_the_parts_joined_are_the_text(text):
    assert text == "".join(parts(text))


@pytest.mark.parametrize("letter", ["ë", "ï", "á", "í", "ç", "ş", "’", "…", "`", "\u00a0", "ع"])
def test_one_letter_outside_the_alphabet_makes_the_whole_text_dear(letter):
    assert ("GSM-7", "UCS-2") == (coding("afspraak"), coding(f"afspraak {letter}"))


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        ("Yarin 14:30'da görüsme", "Yarın 14:30’da görüşme"),
        ("rendez-vous : a bientot", "rendez‑vous\u202f: a bientôt"),
        ("Lodz, zolty", "Łodz, żołty"),
        ("pasobra", "pasobrá"),
        ("berfanbare", "berfanbarê"),
        ("café a Malaga", "café a Málaga"),
        ("wait...", "wait…"),
        ("é", "e\u0301"),
    ],
)
def test_a_latin_text_is_spelled_without_the_letters_that_make_it_dear(expected, text):
    """é and ö are in the alphabet and stay; ş and ê cost a whole extra SMS."""
    assert expected == fold(text)
    assert "GSM-7" == coding(fold(text))


def test_what_has_no_latin_spelling_stays_as_it_is():
    assert "سلام 👍 ሰላም" == fold("سلام 👍 ሰላም")


@given(TEXTS)
def test_a_thrifty_spelling_is_never_dearer_and_is_all_or_nothing(text):
    """Half a folding would cost as much as none, and a name would be misspelled for nothing."""
    spelled = thrifty(text)

    assert segments(spelled) <= segments(text)
    assert spelled == text or (spelled, "GSM-7") == (fold(text), coding(spelled))


@given(
    st.text(st.sampled_from("abc ışğçéêłñ’…"), min_size=40, max_size=300),
    st.sampled_from("\u200c\u200dعپйіሓ👍"),
    st.integers(0, 40),
)
def test_one_letter_of_another_script_or_an_invisible_one_saves_every_accent(text, sign, at):
    """The invisible letters of a Persian name are spelling; nothing is ever taken out."""
    whole = text[:at] + sign + text[at:]

    assert whole == thrifty(whole)


@given(st.text(st.sampled_from("abc ışğçéêłñ"), max_size=300))
def test_accents_stay_where_leaving_them_out_saves_nothing(text):
    saves = segments(fold(text)) < segments(text)

    assert (fold(text) if saves else text) == thrifty(text)


@given(st.text(st.sampled_from(LETTERS)))
def test_folding_leaves_a_cheap_text_alone(text):
    assert text == fold(text)
