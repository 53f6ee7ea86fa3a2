"""Texts as people send them, and the one intent each is."""

import pytest

from bot.conversation.understand import understand
from bot.wording.languages import languages


def intent(text, language="nl", asks="afspraak"):
    return understand(text, language=language, asks=asks).intent


@pytest.mark.parametrize(
    ("button", "expected"),
    [
        ("yes", "confirm"),
        ("no", "decline"),
        ("other_day", "reschedule"),
        ("later", "reschedule"),
        ("stop", "stop"),
        ("childcare", "childcare"),
        ("call_me", "human"),
    ],
)
def test_a_tapped_button_decides_before_the_words_on_it(button, expected):
    assert expected == understand("ja", language="nl", asks="afspraak", button=button).intent


def test_a_button_of_a_language_names_it():
    tapped = understand("ትግርኛ", language="nl", button="language:ti")

    assert ("language", "ti") == (tapped.intent, tapped.language)


@pytest.mark.parametrize("language", list(languages().values()), ids=list(languages()))
@pytest.mark.parametrize("speaks", ["nl", "ti"])
def test_a_language_is_chosen_by_any_of_its_names(language, speaks):
    """Also by who cannot read the menu, or looks for a name that is on its next page."""
    for name in (language.name, language.dutch, language.english, language.name.partition("(")[0]):
        said = understand(name, language=speaks, asks="menu")
        assert ("language", language.code) == (said.intent, said.language), name


def test_an_unknown_button_leaves_it_to_the_text():
    assert "confirm" == understand("ja", language="nl", asks="afspraak", button="wijk:12").intent


@pytest.mark.parametrize(
    "text",
    [
        "1",
        "1.",
        "1)",
        "(1)",
        "#1",
        "nr 1",
        "nr. 1",
        "Optie 1",
        "1️⃣",
        "①",
        "１",
        "١",
        "۱",
        "፩",
        " 1 \u200f",
        "1 aub",
        "mijn keuze is 1",
        "een",
        "één",
        "1 ja",
    ],
)
def test_the_first_choice_is_yes_however_it_is_typed(text):
    said = understand(text, language="nl", asks="afspraak")

    assert ("confirm", 1) == (said.intent, said.number)


@pytest.mark.parametrize(
    ("text", "expected"), [("2", "reschedule"), ("٢", "reschedule"), ("3", "decline")]
)
def test_two_is_another_time_and_three_is_no(text, expected):
    assert expected == intent(text)
    assert expected == intent(text, asks="voortraject")


@pytest.mark.parametrize("text", ["0", "4", "99", "14:30", "1,5", "€1", "1 2", "1 of 2", "1?"])
def test_a_number_that_is_no_choice_is_never_a_yes(text):
    assert intent(text) in {"unclear", "human"}


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("3", "nl", 3),
        ("2010", "ar", 2010),
        ("٢٠١٠", "ar", 2010),
        ("፲፪", "am", 12),
        ("beş", "tr", 5),
        ("BEŞ", "tr", 5),
        ("ሰለስተ", "ti", 3),
        ("هفت", "fa", 7),
        ("optie twee", "nl", 2),
    ],
)
def test_in_a_menu_the_number_itself_is_the_answer(text, language, expected):
    assert expected == understand(text, language=language, asks="menu").number


@pytest.mark.parametrize("text", ["+31 69700 0001", "0697000001", "3-12-2026", "een andere dag"])
def test_a_phone_number_or_a_date_is_no_choice(text):
    assert understand(text, language="nl", asks="afspraak").number is None


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("nl", "ja"),
        ("nl", "Jaaaa!!"),
        ("nl", "ja graag"),
        ("nl", "ja ik kom"),
        ("prs", "ja ik kom"),  # people answer in Dutch to a text in Dari
        ("nl", "ja \U0001f44d\U0001f3fe"),
        ("nl", "Hallo Fatima, ja ik kom."),
        ("nl", "Ja ik kom! Groetjes Selam"),
        ("nl", "Geachte mevrouw Jansen, ja ik kom. Met vriendelijke groet, Ali Hassan"),
        ("nl", "geen probleem"),
        ("nl", "\U0001f44d\U0001f3fe"),
        ("nl", "🆗"),
        ("nl", "ok :)"),
        ("nl", "ja inshallah"),
        ("en", "Yes, I’ll be there. Thank you!"),
        ("en", "ok thx"),
        ("ar", "السلام عليكم، نعم سأحضر"),
        ("ar", "نَعَمْ"),
        ("ar", "tamam shukran"),
        ("ar", "naam"),
        ("ti", "እወ፡ ክመጽእ እየ"),
        ("ti", "hirai"),
        ("fa", "سلام، بله میام"),
        ("fa", "بلـه"),
        ("tr", "GELİYORUM"),
        ("tr", "tamam, teşekkür ederim"),
        ("pap", "lo mi bin"),
        ("es", "si"),
        ("uk", "так, буду"),
        ("ru", "да"),
        ("ps", "ho"),
        ("nl", "ya"),
    ],
)
def test_a_yes_is_heard_in_every_language_and_spelling(language, text):
    assert "confirm" == intent(text, language)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("nl", "nee bedankt"),
        ("nl", "ik ben ziek"),
        ("nl", "goedemorgen, ik ben ziek"),
        ("nl", "ja ik kom niet"),
        ("nl", "ja maar ik kan niet"),
        ("nl", "ik kan niet komen want ik moet werken"),
        ("nl", "\U0001f44e\U0001f3fd"),
        ("en", "I can’t come"),
        ("tr", "HAYIR"),
        ("tr", "hayır"),
        ("tr", "gelemem çünkü çalışıyorum"),
        ("ar", "لا شكرا"),
        ("ar", "la"),
        ("fa", "خیر"),
        ("fa", "نمی توانم بیایم"),
        ("fa", "نه"),
        ("ti", "ኣይክእልን እየ ሓሚመ"),
        ("es", "no puedo, estoy enferma"),
    ],
)
def test_a_no_is_heard_in_every_language_and_spelling(language, text):
    assert "decline" == intent(text, language)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("nl", "kan het later"),
        ("nl", "kan ik een andere dag komen?"),
        ("nl", "nee, andere dag graag"),
        ("nl", "ik kan niet omdat ik werk, kan het een andere dag"),
        ("en", "yes but can we do another day"),
        ("ar", "ممكن يوم آخر؟"),
        ("tr", "başka gün olur mu?"),
        ("fa", "یک روز دیگر لطفا"),
        ("ti", "ካልእ መዓልቲ ይከኣል ዶ?"),
    ],
)
def test_another_day_is_heard_beside_a_yes_or_a_no(language, text):
    assert "reschedule" == intent(text, language)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("nl", "misschien"),
        ("nl", "ik kom misschien"),
        ("nl", "hoi misschien ja"),
        ("nl", "ja maar"),
        ("nl", "ja nee"),
        ("nl", "nee ik kom"),
        ("nl", "ja 2"),
        ("nl", "👍👎"),
        ("nl", "ik kan niet wachten"),
        ("nl", "annuleren"),
        ("nl", "later"),
        ("nl", "naam"),
        ("nl", "ho"),
        ("nl", "bes"),
        ("ku", "beş"),
        ("nl", "ma"),
        ("en", "cancel"),
        ("ar", "إن شاء الله"),
        ("tr", "inşallah"),
        ("tr", "istemiyorum"),
        ("ar", "خير"),
        ("ary", "ماشي"),
        ("ps", "ya"),
        ("pl", "no"),
        ("pap", "lo"),
        ("es", "lo"),
        ("nl", ""),
        ("nl", "hallo"),
        ("nl", "🎉"),
    ],
)
def test_what_may_mean_two_things_is_asked_again(language, text):
    assert "unclear" == intent(text, language)


def test_an_ambiguous_word_is_named():
    assert understand("inshallah", language="nl").why.startswith("ambiguous, inshallah")


@pytest.mark.parametrize(
    ("language", "expected"), [("ar", "confirm"), ("ary", "unclear"), ("nl", "unclear")]
)
def test_the_preferred_language_resolves_what_it_can(language, expected):
    """ماشي is ok in Damascus and *not* in Nador."""
    assert expected == intent("ماشي", language)


@pytest.mark.parametrize("text", ["🙏", "🙏🏽", "dank u wel", "thx", "شكرا", "የቐንየለይ", "❤️"])
def test_thanks_is_never_a_yes(text):
    assert "thanks" == intent(text)


def test_ok_and_thanks_is_a_yes_only_while_a_question_is_open():
    assert "confirm" == intent("ok thx", "en")
    assert "thanks" == intent("ok thx", "en", asks=None)
    assert "confirm" == intent("ja bedankt", asks=None)


@pytest.mark.parametrize("text", ["?", "???", "؟", "wie is dit?", "ik begrijp het niet", "❓"])
def test_who_does_not_understand_gets_an_explanation(text):
    assert "help" == intent(text)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("nl", "ja?"),
        ("nl", "waar is het"),
        ("nl", "hoe laat is de afspraak?"),
        ("nl", "ik wil met iemand praten"),
        ("nl", "bel me aub"),
        ("nl", "ik kom te laat"),
        ("nl", "ik kom niet te laat"),
        ("nl", "ja, 10 minuten later"),
        ("nl", "verwijder mijn gegevens"),
        ("nl", "😭"),
        ("ar", "وين المصاري؟ ما وصلت"),
        ("tr", "param nerede"),
        ("fa", "کجاست؟"),
        ("ti", "ኣበይ እዩ?"),
        ("uk", "Хватит мне писать каждый день!!! 🤬"),
    ],
)
def test_what_only_a_person_can_answer_goes_to_a_person(language, text):
    assert "human" == intent(text, language)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("fa", "کمک! شوهرم من را می‌زند"),
        ("fa", "کمک! شوهرم من را می زند"),
        ("prs", "شوهرم مرا لت میکند"),
        ("nl", "mijn man slaat mij"),
        ("nl", "help!! hij slaat me en de kinderen 😭"),
        ("nl", "ik wil dood"),
        ("en", "my husband beats me, please help"),
        ("ar", "زوجي يضربني"),
        ("ti", "ሰብኣየይ ይሃርመኒ ኣሎ"),
        ("tr", "kocam beni dövüyor"),
        ("fr", "mon mari me frappe"),
        ("nl", "112"),
        ("ar", "١١٢"),
        ("nl", "bel 112"),
        ("nl", "noodgeval!"),
    ],
)
@pytest.mark.parametrize("asks", ["afspraak", None])
def test_danger_goes_before_everything(language, text, asks):
    assert "emergency" == intent(text, language, asks)


def test_danger_is_heard_in_any_language_a_person_writes():
    """In danger one writes in the language of the heart, whatever our files say."""
    assert "emergency" == intent("شوهرم من را می‌زند", "nl")


def test_danger_is_heard_in_a_long_story():
    """Who needs help tells what happened, with a denial or two on the way."""
    story = "لا أعرف ماذا أفعل وليس عندي أحد هنا كل يوم زوجي يضربني أمام الأولاد وما في حدا يساعدني"

    assert "emergency" == intent(story, "ar")


@pytest.mark.parametrize(
    "text", ["er is geen gevaar", "kamer 112", "mijn dochter slaat haar broer"]
)
def test_a_word_of_danger_that_is_denied_is_none(text):
    assert "emergency" != intent(text)


@pytest.mark.parametrize(
    "text",
    [
        "STOP",
        "stop.",
        "Stopp",
        "/stop",
        "/STOP",
        "STOP aub",
        "please stop",
        "ok stop",
        "🛑",
        "s.t.o.p",
        "S T O P",
        "st\u200bop",
        "stooop",
        "Stop met berichten sturen",
        "geen berichten meer aub",
        "stop?",
        "إيقاف",
        "стоп",
        "ኣቁም በጃኹም",
        "jooji fadlan",
        "don't text me",
    ],
)
def test_stop_stops_in_any_language(text):
    assert {"stop"} == {intent(text, language) for language in ("nl", "ar", "ti", "so", "ku")}


@pytest.mark.parametrize(
    "text",
    [
        "bus stop",
        "the bus stop",
        "non-stop",
        "where is the bus stop?",
        "stop met roken",
        "niet stoppen",
        "don't stop",
        "I don’t want to stop",
        "لا توقف",
        "the last stop",
        "ik stond bij de halte maar de bus wou daar niet stop",
        "annuleren",
        "cancel",
    ],
)
def test_a_bus_stop_is_no_wish_to_stop(text):
    assert "stop" != intent(text)


def test_a_doubtful_stop_counts_only_in_the_language_one_prefers():
    """Akum is stop for who writes Amharic in Latin letters; elsewhere perhaps a slip."""
    assert ("stop", "unclear") == (intent("akum", "am"), intent("akum", "nl"))


@pytest.mark.parametrize(
    "text",
    [
        "START K7Q2M9TX4F",
        "start k7q2m9tx4f",
        "START K7Q2-M9TX-4F",
        "Start: k7q2 m9tx 4f",
        "START K7Q2M9TX4F hallo ik wil meedoen",
        "/start K7Q2M9TX4F",
        "/start@StapBot K7Q2M9TX4F",
        "https://example.org/a/K7Q2M9TX4F?lang=ti",
        "https://t.me/StapBot?start=K7Q2M9TX4F",
        "\u2068START K7Q2M9TX4F\u2069",
        "K7Q2M9TX4F",
        "k7q2-m9tx-4f.",
    ],
)
def test_the_code_of_a_link_is_forgiven_its_spelling(text):
    said = understand(text, language="nl", asks="menu")

    assert ("start", "K7Q2M9TX4F") == (said.intent, said.code)


def test_letters_that_look_like_digits_are_read_as_digits():
    assert "1001234567" == understand("START IOol234567", language="nl").code


@pytest.mark.parametrize(
    "text", ["10 min later", "0697000001", "START met berichten", "maw3ed tani", "verzetten!"]
)
def test_ten_letters_of_plain_words_are_no_code(text):
    assert understand(text, language="nl").code is None


@pytest.mark.parametrize("text", ["/start", "START", "/start v_persoonlijk_leiderschap", "ابدأ"])
def test_start_alone_starts_again(text):
    assert "start" == intent(text, asks=None)
    assert understand(text, language="nl").code is None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("nederlands", "nl"),
        ("ትግርኛ", "ti"),
        ("ብትግርኛ", "ti"),
        ("arabisch", "ar"),
        ("بالعربي", "ar"),
        ("turkish", "tr"),
        ("TÜRKÇE lütfen", "tr"),
        ("in het engels", "en"),
        ("kan het in het Engels aub?", "en"),
        ("I speak only Tigrinya", "ti"),
        ("hollandaca", "nl"),
        ("به فارسی", "fa"),
        ("Dari", "prs"),
        ("русский", "ru"),
        ("taal", None),
        ("andere taal", None),
        ("ik spreek geen Nederlands", None),
    ],
)
def test_a_language_is_asked_for_by_its_name_in_any_language(text, code):
    for language in ("nl", "ti", "tr"):
        said = understand(text, language=language, asks="afspraak")
        assert ("language", code) == (said.intent, said.language)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("so", "xannaano ma jirtaa?"),
        ("nl", "is er opvang?"),
        ("nl", "nee, geen oppas"),
        ("nl", "ja, mag ik mijn kind meenemen?"),
        ("tr", "çocuğumu getirebilir miyim?"),
        ("ti", "ንደቀይ መን ይሕልወለይ?"),
        ("ar", "في حضانة للأطفال؟"),
    ],
)
def test_who_needs_childcare_has_not_declined(language, text):
    assert "childcare" == intent(text, language, "voortraject")


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("nl", "u heeft het verkeerde nummer"),
        ("nl", "verkeerde persoon, dit is niet mijn nummer"),
        ("en", "wrong number mate"),
        ("ar", "الرقم غلط"),
        ("tr", "yanlış numara"),
        ("uk", "не той номер"),
    ],
)
def test_a_wrong_number_is_told_apart(language, text):
    assert "wrong_number" == intent(text, language)


def test_a_yes_for_two_counts_two():
    """At a wijkatelier "ja 2" is two people; at an afspraak it may be choice 2."""
    said = understand("ja 2", language="nl", asks="voortraject")

    assert ("confirm", 2) == (said.intent, said.number)
    assert "unclear" == intent("ja 2", asks="afspraak")


def test_the_reason_names_the_rule_in_one_line():
    said = understand("ik ben ziek", language="nl", asks="afspraak")

    assert "nl “ik ben ziek” means decline" == said.why


@pytest.mark.parametrize("text", ["later", "Later!", "sonra", "بعدين", "ድሓር"])
def test_later_is_one_of_the_answers_to_an_invitation(text):
    """For an afspraak it may also mean "I will answer later"."""
    assert "reschedule" == understand(text, language="nl", asks="voortraject").intent
    assert "unclear" == understand(text, language="nl", asks="afspraak").intent


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("nl", "wordt mijn reiskosten betaald"),
        ("en", "how much does it cost"),
        ("ar", "بتدفعولي حق المواصلات؟"),
        ("tr", "ücretli mi acaba"),
        ("fr", "est-ce que c'est gratuit ?"),
    ],
)
def test_a_question_about_money_names_its_need(language, text):
    """Staff phone about it, for somebody else may see the chat."""
    said = understand(text, language=language, asks="afspraak")

    assert ("human", "money") == (said.intent, said.need)
