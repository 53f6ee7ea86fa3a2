"""Phone numbers, however people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels import numbers


@pytest.mark.parametrize(
    "written",
    [
        "0612345678",
        "06-12345678",
        "06 12 34 56 78",
        "(06) 12345678",
        "06/12345678",
        "+31612345678",
        "+31(0)6 1234 5678",
        "0031 6 12345678",
        "＋31 6 12345678",
        "٠٦١٢٣٤٥٦٧٨",
        "۰۶۱۲۳۴۵۶۷۸",
        "\u202a+31 6 12345678\u202c",
        "\u200e06\u00a012345678",
    ],
)
def test_one_number_is_kept_in_one_way(written):
    """Staff paste numbers from letters, phones and other systems."""
    assert ("+31612345678", []) == numbers.parse(written)


@pytest.mark.parametrize(
    ("written", "e164", "said"),
    [
        ("612345678", "+31612345678", "de voorloopnul is aangevuld"),
        ("612345678.0", "+31612345678", "de voorloopnul is aangevuld"),
        ("31612345678", "+31612345678", "de + is aangevuld"),
        ("31612345678,0", "+31612345678", "de + is aangevuld"),
        ("+31697000001", "+31697000001", "dit nummer lijkt niet in gebruik"),
    ],
)
def test_what_is_filled_in_or_looks_wrong_is_said(written, e164, said):
    """A spreadsheet takes the 0 of 06… for nothing; nothing is guessed silently."""
    assert (e164, [said]) == numbers.parse(written)


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("", "er staat geen nummer"),
        ("  \u200e ", "er staat geen nummer"),
        ("3.16E+10", "afgerond"),
        ("3,16e10", "afgerond"),
        ("06 1234567x", "letters"),
        ("onbekend", "letters"),
        ("+31612345678 +31612345679", "+ midden"),
        ("06-12345678 / 06-87654321", "geen telefoonnummer"),
        ("06123", "aantal cijfers"),
        ("905321234567", "te lang"),
        ("112", "te kort"),
        ("+999123456789", "geen telefoonnummer"),
        ("1" * 100, "te lang"),
        ("-", "geen telefoonnummer"),
    ],
)
def test_what_is_no_number_is_refused_with_a_reason(written, reason):
    with pytest.raises(numbers.BadNumber, match=reason.replace("+", r"\+")):
        numbers.canonical(written)


def test_a_foreign_number_needs_its_country_code():
    assert "+905321234567" == numbers.canonical("0090 532 123 45 67")
    assert "+905321234567" == numbers.canonical("0532 123 45 67", region="TR")


def test_only_a_known_landline_is_a_landline():
    """SMS does not reach a landline; a fictional number might be anything."""
    assert numbers.is_landline("+31201234567")
    assert not numbers.is_landline("+31612345678")
    assert not numbers.is_landline("+31697000001")


def test_a_number_in_use_needs_no_warning():
    assert numbers.warning("+31612345678") is None


def test_what_is_not_e164_is_no_landline_but_an_error():
    with pytest.raises(numbers.BadNumber):
        numbers.is_landline("0201234567")


_marks = st.sampled_from(["", " ", "-", "\u200e", "\u202a", "\u00a0"])


@given(
    st.integers(10_000_000, 99_999_999),
    st.sampled_from(["06", "+316", "+31(0)6", "00316"]),
    st.lists(_marks, min_size=8, max_size=8),
    st.sampled_from(["0123456789", "٠١٢٣٤٥٦٧٨٩", "۰۱۲۳۴۵۶۷۸۹", "０１２３４５６７８９"]),
)
def test_any_way_to_write_a_mobile_number_gives_the_same(number, prefix, marks, digits):
    written = prefix + "".join(mark + digit for mark, digit in zip(marks, str(number), strict=True))
    written = written.translate(str.maketrans("0123456789", digits))

    assert f"+316{number}" == numbers.canonical(written)


@given(st.text(max_size=80))
def test_any_text_is_a_number_or_a_bad_number(text):
    """What is taken is taken again as it is: there is one way to keep it."""
    try:
        e164 = numbers.canonical(text)
    except numbers.BadNumber:
        return
    assert e164 == numbers.canonical(e164)
