"""Sentences that no list holds whole: what their words mean together."""

import pytest

from bot.conversation.lexicon import source
from bot.conversation.understand import understand


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("nl", "Morgen kan ik niet, donderdag wel", "reschedule"),
        ("nl", "ja hoor wij zijn er dan", "confirm"),
        ("nl", "ik ken die mevrouw niet, dit is mijn nummer", "wrong_number"),
        ("nl", "stuur mij aub geen smsjes", "stop"),
        ("en", "yess!!", "confirm"),
        ("en", "im not sure if i can come", "unclear"),
        ("en", "cancel my appointment", "decline"),
        ("es", "la 2 porfa", "reschedule"),
        ("es", "si puedo voy", "unclear"),
        ("es", "basta de mensajes", "stop"),
        ("fr", "annulez mon rendez-vous svp", "decline"),
        ("tr", "çocuklara bakacak kimse yok", "childcare"),
        ("tr", "evet merhaba gelemeyeceğim", "decline"),
        ("uk", "не хочу більше жити", "emergency"),
        ("ru", "прекратите присылать сообщения", "stop"),
        ("ru", "не могу не прийти", "unclear"),
        ("pl", "nie chcę już żyć", "emergency"),
        ("ar", "لا تبعتولي رسايل", "stop"),
        ("fa", "مشکلی نیست میام", "confirm"),
        ("prs", "زنگ بزنین گپ میزنیم", "human"),
        ("ti", "ድሓን ክመጽእ እየ ጽባሕ", "unclear"),
        ("am", "ቀጠሮዬን ሰርዙልኝ", "decline"),
        ("so", "iga daaya fariimahan", "stop"),
        ("ku", "ez edî naxwazim bijîm", "emergency"),
    ],
)
def test_a_sentence_is_understood_by_the_kinds_of_its_words(language, text, expected):
    assert expected == understand(text, language=language, asks="afspraak").intent


@pytest.mark.parametrize("code", sorted(source()["words"]))
def test_every_kind_of_word_is_named_in_letters(code):
    """YAML reads a bare yes, no or off as true or false, and the later of two would win."""
    kinds = source()["words"][code]

    assert {"yes", "no", "not", "come", "cannot", "ill", "off", "halt", "msg", "if"} <= set(kinds)
    assert [] == [kind for kind in kinds if not isinstance(kind, str)]
