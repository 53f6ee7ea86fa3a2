"""What looks like a yes or a stop and is none, in every language: written against the rules."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.conversation import sentence
from bot.conversation.lexicon import lexicon, source
from bot.conversation.understand import understand

NO_YES = [
    ("nl", "misschien kom ik"),
    ("nl", "ja als mijn vrouw meekomt"),
    ("nl", "ik kom alleen als er opvang is"),
    ("nl", "ja maar niet donderdag"),
    ("nl", "ik zou graag komen maar ik ben ziek"),
    ("nl", "leuk maar ik kan niet"),
    ("nl", "ik weet niet of ik kom"),
    ("nl", "ik kom niet"),
    ("nl", "ik kom nooit meer"),
    ("nl", "ja hoor, alsof ik daar zin in heb"),
    ("nl", "ja. nit"),
    ("nl", "graag geen afspraak"),
    ("en", "i will come if i feel better"),
    ("en", "yes but no"),
    ("en", "i will come never"),
    ("en", "great, another appointment i cannot make"),
    ("en", "i would love to but i work"),
    ("en", "yes i got your message"),
    ("en", "ok who are you"),
    ("en", "no problem, i wont come"),
    ("en", "i'll be there? no way"),
    ("en", "not coming, ok"),
    ("tr", "evet ama gelemem"),
    ("tr", "gelmicem tamam mı"),
    ("tr", "belki gelirim"),
    ("tr", "tamam gelmem"),
    ("tr", "evet gelmcem"),
    ("tr", "gelirdim ama hastayım"),
    ("so", "haa laakiin ma imaan karo"),
    ("so", "waan imaan lahaa laakin"),
    ("so", "waxaa laga yaabaa inaan imaado"),
    ("es", "si pero no puedo"),
    ("es", "quizas voy"),
    ("es", "claro que no"),
    ("es", "ya no voy"),
    ("es", "no me apunto"),
    ("fr", "oui mais je peux pas"),
    ("fr", "je viens pas"),
    ("fr", "bien sûr que non"),
    ("fr", "peut être que je viens"),
    ("fr", "ok je ne viens plus"),
    ("fr", "ça m'intéresse pas"),
    ("pl", "tak, ale nie przyjdę"),
    ("pl", "chyba przyjdę"),
    ("pl", "jasne że nie"),
    ("pl", "będę ale nie wtedy"),
    ("uk", "так але не прийду"),
    ("uk", "може прийду"),
    ("uk", "звичайно ні"),
    ("uk", "мені не цікаво"),
    ("ru", "да нет наверное"),
    ("ru", "да, но не приду"),
    ("ru", "может быть приду"),
    ("ru", "конечно нет"),
    ("ru", "мне не интересно"),
    ("ru", "буду ли я там?"),
    ("ar", "اي بس ما بقدر"),
    ("ar", "ممكن اجي"),
    ("ar", "طبعا لا"),
    ("ar", "مو حابب شارك"),
    ("ar", "ما رح كون موجود"),
    ("ar", "ma bkon mawjoud"),
    ("ary", "واخا ولكن ما نقدرش"),
    ("ary", "ماغانجيش"),
    ("ary", "يمكن نجي"),
    ("ary", "ma ghanjich"),
    ("fa", "بله ولی نمیتونم"),
    ("fa", "شاید بیام"),
    ("fa", "نمیام مرسی"),
    ("fa", "حتما نمیام"),
    ("fa", "دوست ندارم شرکت کنم"),
    ("prs", "بلی مگم آمده نمیتانم"),
    ("prs", "شاید بیایم"),
    ("prs", "میایم اگر کار نباشه"),
    ("ps", "هو خو نشم راتلی"),
    ("ps", "کېدای شي راشم"),
    ("ps", "نه راځم مننه"),
    ("ti", "እወ ግን ኣይክመጽእን"),
    ("ti", "ምናልባት ክመጽእ"),
    ("ti", "እንተ ክኢለ ክመጽእ እየ"),
    ("am", "አዎ ግን አልመጣም"),
    ("am", "ምናልባት እመጣለሁ"),
    ("am", "እሺ አልችልም"),
    ("ku", "belê lê nikarim bêm"),
    ("ku", "belkî bêm"),
    ("ku", "ez naxwazim beşdar bibim"),
    ("ku", "ez nayêm temam"),
    ("pap", "si ma mi no por"),
    ("pap", "kisas mi ta bin"),
    ("pap", "mi no ta bin ta bon"),
    ("pap", "klaro ku no"),
]
"""Doubts, conditions and denials around a yes."""

NO_STOP = [
    ("nl", "ik sta bij de stop van de bus"),
    ("nl", "stop niet met berichten"),
    ("nl", "mijn afspraak stop ik niet"),
    ("en", "next stop is yours"),
    ("en", "cannot stop laughing"),
    ("en", "dont stop the messages please"),
    ("en", "why dont you send me messages anymore"),
    ("nl", "waarom krijg ik geen berichten meer"),
    ("nl", "ik heb geen bericht meer gekregen"),
    ("en", "i did not receive any more messages"),
    ("fr", "je n'ai plus reçu de message"),
    ("es", "no me llegan mensajes"),
    ("ru", "мне не приходят сообщения"),
    ("uk", "мені більше не приходять повідомлення"),
    ("tr", "mesaj gelmedi bana"),
    ("ar", "ما وصلتني رسائل"),
    ("pl", "nie dostałam więcej wiadomości"),
    ("en", "please dont send the letter to my old address"),
]
"""A stop of a bus, and messages that did not come."""


@pytest.mark.parametrize(("language", "text"), NO_YES)
@pytest.mark.parametrize("asks", ["afspraak", "voortraject"])
def test_a_doubt_or_a_denial_is_never_a_yes(language, text, asks):
    """A yes that nobody gave lets somebody wait for a person who does not come."""
    assert understand(text, language=language, asks=asks).intent not in {"confirm", "stop"}


@pytest.mark.parametrize(("language", "text"), NO_STOP)
@pytest.mark.parametrize("asks", ["afspraak", "menu"])
def test_who_misses_our_messages_does_not_end_them(language, text, asks):
    assert understand(text, language=language, asks=asks).intent != "stop"


@pytest.mark.parametrize(
    ("language", "text", "intent"),
    [
        ("nl", "ik kan niet komne", "decline"),
        ("nl", "kan het volgende weel, liever dondrdag", "reschedule"),
        ("en", "can we rescedule it to anothr day", "reschedule"),
        ("fr", "je suis malde je ne peux pas venir", "decline"),
        ("uk", "на жаль не змжу, захворіла", "decline"),
    ],
)
def test_a_letter_wrong_in_a_long_word_is_read_beside_words_that_are_right(language, text, intent):
    assert intent == understand(text, language=language, asks="afspraak").intent


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("nl", "afspraek"),
        ("nl", "bevestgen"),
        ("en", "confrm"),
        ("en", "cancll appoinment"),
        ("tr", "gelmcem"),
        ("tr", "gelicm"),
        ("nl", "stoppn"),
        ("nl", "gevarr"),
    ],
)
def test_likeness_alone_decides_nothing(language, text):
    """No word is a yes, a no or a stop because it looks like one."""
    said = understand(text, language=language, asks="afspraak")

    assert said.intent in {"unclear", "human"}, said.why


def test_a_word_that_nobody_is_sure_of_does_not_decide_alone():
    words = sentence.Words()
    words.add("cannot", "?mangdarch")
    words.add("come", "nji")

    assert (set(), {"cannot"}) == (
        words.kinds("mangdarch", "mangdarch"),
        words.doubted["mangdarch"],
    )


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("Ja ik kom. Faadumo", "confirm"),
        ("Ja ik kom. Niet", "decline"),
        ("ja ik kom faadumo", "unclear"),
    ],
)
def test_a_name_below_a_yes_is_a_name_only_behind_a_full_stop(text, intent):
    assert intent == understand(text, language="nl", asks="afspraak").intent


@pytest.mark.parametrize(
    ("language", "text", "code"),
    [
        ("am", "በትግርኛ", "ti"),
        ("ar", "بالتركية", "tr"),
        ("ti", "ብዓረብ", "ar"),
        ("uk", "польською будь ласка", "pl"),
        ("so", "ingiriis igu soo qor", "en"),
        ("tr", "Lehçe", "pl"),
        ("pl", "amharski", "am"),
        ("es", "polaco", "pl"),
    ],
)
def test_a_language_is_known_by_what_its_neighbours_call_it(language, text, code):
    said = understand(text, language=language, asks="menu")

    assert ("language", code) == (said.intent, said.language)


def of_kind(language, *kinds):
    """The whole words of these kinds; those with a star or in doubt are left out."""
    told = source()["words"][language]
    return [
        word.strip()
        for kind in kinds
        for word in told.get(kind, "").split(",")
        if word.strip() and not word.strip().startswith("?") and not word.strip().endswith("*")
    ]


@given(st.data())
@settings(max_examples=400)
def test_no_word_that_denies_or_doubts_stands_beside_a_yes(data):
    """In either order, with every word that the data of a language has."""
    language = data.draw(st.sampled_from(sorted(source()["words"])))
    yes = data.draw(st.sampled_from(of_kind(language, "yes", "come")))
    no = data.draw(st.sampled_from(of_kind(language, "not", "cannot", "no", "if", "ill")))
    text = data.draw(st.sampled_from([f"{yes} {no}", f"{no} {yes}"]))
    whole = lexicon().read(text)
    if lexicon().entries_of(" ".join(whole.exact), " ".join(whole.bare)):
        return  # listed as a phrase of its own
    kinds = sentence.see(whole, language).kinds
    if not kinds & {"not", "cannot", "no", "if", "ill"}:
        return  # together they are a phrase of another kind: geen probleem

    assert understand(text, language=language, asks="afspraak").intent != "confirm"
