"""What is measured in the texts: simple Dutch, and what an SMS of them really costs."""

import pytest

from bot.wording.catalogue import catalogue
from bot.wording.languages import shipped
from bot.wording.measure import cost, warnings


def found(shelf, language="nl"):
    return [each.problem for each in warnings(shelf.open(), [language]) if each.key == "a.t"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("Je afspraak wordt morgen door ons verzet. Er wordt gebeld.", "zegt niet wie het doet"),
        (
            "Je bent uitgenodigd. Stuur ons je contactgegevenswijziging.",
            "letters: 'contactgegevens",
        ),
        ("Neem zo snel mogelijk contact met ons op, indien je niet komt.", "'als'"),
        ("Wil je contact opnemen met ons?", "eenvoudiger is 'bellen'"),
        ("Dit is een zin met te veel woorden voor wie nog niet zo lang leest.", "15 woorden"),
    ],
)
def test_dutch_that_is_harder_than_a2_is_named(shelf, text, problem):
    shelf.dutch(f"a.t: {{purpose: answer, text: {text!r}}}")

    assert any(problem in each for each in found(shelf)), found(shelf)


@pytest.mark.parametrize(
    "text",
    [
        "Het wordt warm. Wij bellen je.",
        "Je afspraak is veranderd.",
        "De groep gaat beginnen. Je bent welkom.",
    ],
)
def test_simple_dutch_is_left_alone(shelf, text):
    shelf.dutch(f"a.t: {{purpose: answer, text: {text!r}}}")

    assert [] == found(shelf)


def test_our_own_dutch_is_simple():
    """Whoever makes it harder hears so, and says why in the list of words."""
    hard = [each for each in warnings(catalogue(), ["nl"]) if "sms" not in each.problem]

    assert [] == [str(each) for each in hard]


def test_a_sign_that_is_no_letter_and_doubles_the_price_is_named(shelf):
    """A curly apostrophe makes a whole SMS as dear as one in Arabic."""
    body = (
        "Wij bellen je op een werkdag om over je afspraak te praten. " * 2
        + "Dat is \u2019s morgens."
    )
    shelf.dutch(f"a.t: {{purpose: answer, text: {body!r}}}")

    assert any("door alleen dit teken: \u2019" in each for each in found(shelf)), found(shelf)


@pytest.mark.parametrize("language", list(shipped()))
def test_no_message_costs_more_than_six_sms(language):
    """An invitation to 8,500 people is paid per part. Counted with values as long as real ones."""
    texts = catalogue()
    dear = {
        entry.key: count
        for entry, text in texts.texts(language)
        if entry.purpose in {"public task", "invitation"}
        for accented, plain in [cost(texts, entry, text)]
        if (count := plain if text.ascii else accented) > 6
    }

    assert {} == dear
