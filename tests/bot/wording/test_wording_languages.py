"""The languages: known as data, found by any of their names."""

from hypothesis import given
from hypothesis import strategies as st

from bot.wording.languages import find, languages, shipped


def test_dutch_is_the_first_of_the_languages_of_this_release():
    """It is the source, and what a list of languages begins with."""
    assert "nl" == next(iter(shipped()))
    assert {"nl", "en", "ar", "ti", "fa", "tr"} <= shipped().keys()


def test_every_language_is_found_by_each_of_its_names():
    """A clerk's file says "Tigrinya", a person types "ትግርኛ", Telegram says "fa-AF"."""
    for code, language in languages().items():
        for name in (code, language.dutch, language.english, language.name, *language.also):
            assert code == find(f" {name.upper()} ").code, name


def test_babel_and_meta_codes_find_our_own():
    assert ["prs", "prs", "ps", "ary", "ar", "en", "nl"] == [
        find(name).code for name in ("fa_AF", "prs-af", "ps_AF", "ar_MA", "ar-SY", "en-US", "nl_BE")
    ]


def test_a_name_is_found_without_its_accents():
    assert ("uk", "fr", "tr") == tuple(find(n).code for n in ("Oekraiens", "FRANCAIS", "turkce"))


@given(st.sampled_from(["", " ", "x", "Klingon", "Koerdisch (Sorani)", "nederlandse"]))
def test_what_is_no_language_is_none(text):
    """Sorani is another language in another script; a near miss must not be sent Kurmanci."""
    assert find(text) is None


def test_the_digits_of_every_language_are_the_ten_digits_in_order():
    for language in languages().values():
        assert 10 == len(language.digits)
