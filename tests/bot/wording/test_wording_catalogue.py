"""The texts: all that is wrong is said at once, and nothing stale is ever said."""

import pytest

from bot.wording.catalogue import ContentError, Text, faults
from bot.wording.measure import thrift, warnings

HELLO = "a.hello: {purpose: answer, text: 'Hallo {first_name}.'}"


def problems(found):
    return {(fault.key, fault.problem) for fault in found}


def test_dutch_is_its_own_source(shelf):
    shelf.dutch(HELLO)

    assert Text("Hallo {first_name}.", "nl", "source") == shelf.open().text("a.hello", "nl")


def test_a_translation_is_unreviewed_until_a_name_and_a_date_stand_above_it(shelf):
    shelf.dutch(HELLO)
    shelf.translation("en", "a.hello", "Hallo {first_name}.", "Hello {first_name}.")
    shelf.translation(
        "tr",
        "a.hello",
        "Hallo {first_name}.",
        "Merhaba {first_name}.",
        "# reviewed: E. Y., 2026-11-02",
    )

    texts = shelf.open()

    assert Text("Hello {first_name}.", "en", "unreviewed") == texts.text("a.hello", "en")
    assert Text("Merhaba {first_name}.", "tr", "reviewed") == texts.text("a.hello", "tr")


@pytest.mark.parametrize(
    ("dutch_then", "above"), [("Dag {first_name}.", ""), ("Hallo {first_name}.", "#, fuzzy")]
)
def test_a_translation_of_an_older_dutch_is_never_said(shelf, dutch_then, above):
    """The time of a talk moved in Dutch; the old text would send people at the old time."""
    shelf.dutch(HELLO)
    shelf.translation("en", "a.hello", dutch_then, "Hello {first_name}.", above)

    assert Text("Hallo {first_name}.", "nl", "stale") == shelf.open().text("a.hello", "en")


def test_a_text_without_translation_is_dutch_and_says_so(shelf):
    shelf.dutch(HELLO)
    shelf.translation("en", "a.hello", "Hallo {first_name}.", "")

    assert Text("Hallo {first_name}.", "nl", "missing") == shelf.open().text("a.hello", "en")
    assert Text("Hallo {first_name}.", "nl", "missing") == shelf.open().text("a.hello", "ti")


def test_an_opener_is_dutch_for_everyone(shelf):
    shelf.dutch("a.opener: {purpose: public task, only: nl, text: Er is een bericht.}")

    assert Text("Er is een bericht.", "nl", "source") == shelf.open().text("a.opener", "ti")


def test_texts_are_counted_by_state(shelf):
    shelf.dutch(HELLO)
    shelf.translation("en", "a.hello", "Hallo {first_name}.", "Hello {first_name}.")

    assert {"unreviewed": 1, "missing": 3} == shelf.open().counts("en")


def test_yes_and_no_are_names_of_buttons(shelf):
    """In YAML a bare yes is a truth value; to those who write texts it is a word."""
    shelf.dutch("a.ask: {purpose: answer, buttons: [yes, no], text: 'Kom je?'}")

    assert ("yes", "no") == shelf.open().entries["a.ask"].buttons


def test_everything_wrong_is_said_at_once_with_file_and_key(shelf):
    shelf.dutch("""
a.purpose: {purpose: reclame, text: Hallo}
a.empty: {purpose: answer, text: ' '}
a.field: {purpose: answer, text: Hallo, colour: red}
a.type: {purpose: answer, text: Hallo, max: lang}
a.brace: {purpose: answer, text: 'Hallo {First Name}'}
a.template: {purpose: answer, text: Hallo, whatsapp_template: {name: Groet, category: utility}}
a.only: {purpose: answer, text: Hallo, only: en}
a.list: {purpose: answer, text: Hallo, buttons: [1]}
a.none: Hallo
""")

    with pytest.raises(ContentError) as error:
        shelf.open()

    assert [
        "messages/afspraak.yaml, a.purpose: 'purpose' moet een van deze zijn: "
        "public task, invitation, answer, page, button",
        "messages/afspraak.yaml, a.empty: heeft geen tekst",
        "messages/afspraak.yaml, a.field: kent geen veld 'colour'",
        "messages/afspraak.yaml, a.type: 'max' moet een getal zijn",
        "messages/afspraak.yaml, a.brace: heeft een losse accolade bij 'Hallo {First Name}'",
        "messages/afspraak.yaml, a.template: 'whatsapp_template' moet "
        "{name: kleine_letters, category: utility|marketing} zijn",
        "messages/afspraak.yaml, a.only: 'only' kan alleen nl zijn: Nederlands is de bron",
        "messages/afspraak.yaml, a.list: 'buttons' moet een lijst woorden zijn",
        "messages/afspraak.yaml, a.none: is geen groep van velden",
    ] == str(error.value).splitlines()


def test_what_is_pointed_at_must_be_there(shelf):
    shelf.dutch("""
a.one:
  purpose: answer
  text: Hallo
  buttons: [maybe]
  opener: a.nothing
  announced_by: a.nobody
  whatsapp_template: {name: groet, category: utility}
a.two: {purpose: answer, text: Dag, whatsapp_template: {name: groet, category: utility}}
""")

    with pytest.raises(ContentError) as error:
        shelf.open()

    assert {
        ("a.one", "er is geen knop 'button.maybe'"),
        ("a.one", "er is geen tekst 'a.nothing' als opener"),
        ("a.one", "er is geen tekst 'a.nobody' als melding"),
        ("a.two", "de template 'groet' is al van a.one"),
    } == problems(error.value.faults)


@pytest.mark.parametrize(
    ("texts", "file"),
    [
        (
            "a.hello: {purpose: answer, text: Hallo}\na.hello: {purpose: answer, text: Dag}",
            "a.yaml",
        ),
        ("a.hello: {purpose: answer, text: Hallo, text: Dag}", "a.yaml"),
        ("button.yes: {purpose: button, text: Jawel}", "zz.yaml"),
        ("- Hallo", "a.yaml"),
        ("a.hello: {purpose", "a.yaml"),
    ],
    ids=["key twice", "field twice", "key in two files", "a list", "no yaml"],
)
def test_a_file_that_means_two_things_or_nothing_is_refused(shelf, texts, file):
    """YAML itself keeps the last of two equal keys and says nothing."""
    shelf.dutch(texts, file)

    with pytest.raises(ContentError, match=f"messages/{file}"):
        shelf.open()


def test_a_broken_file_of_translations_is_refused_by_name(shelf):
    shelf.po_file("en").parent.mkdir(parents=True)
    shelf.po_file("en").write_text('msgid "Ja"\nmsgst "Yes"\n', "utf-8")

    with pytest.raises(ContentError, match=r"locales/en/LC_MESSAGES/bot\.po"):
        shelf.open().text("button.yes", "en")


def test_a_missing_text_is_a_fault_only_in_a_shipped_language(shelf, new_language):
    shelf.dutch(HELLO)

    missing = {(key, "heeft nog geen vertaling") for key in shelf.open().entries}

    assert missing == problems(faults(shelf.open(), ["ti"]))
    assert [] == faults(shelf.open(), [new_language])


def test_a_translation_leaves_the_same_things_open_as_the_dutch(shelf, new_language):
    shelf.dutch("a.when: {purpose: answer, text: 'Op {day}, {date}.'}")
    shelf.translation(new_language, "a.when", "Op {day}, {date}.", "{day} {time}.")

    assert {
        ("a.when", "mist {date}"),
        ("a.when", "heeft {time}, het Nederlands niet"),
    } == problems(faults(shelf.open(), [new_language]))


def test_a_loose_brace_in_a_translation_is_a_fault(shelf, new_language):
    """Its reader would see "{ first_name }" where a name belongs."""
    shelf.dutch(HELLO)
    shelf.translation(new_language, "a.hello", "Hallo {first_name}.", "Haye { first_name }.")

    assert {
        ("a.hello", "heeft een losse accolade bij 'Haye { first_name }.'"),
        ("a.hello", "mist {first_name}"),
    } == problems(faults(shelf.open(), [new_language]))


def test_a_button_holds_twenty_characters(shelf, new_language):
    """WhatsApp cuts the rest off, and "Ik kan die dag niet komen" becomes "Ik kan die dag"."""
    shelf.translation(new_language, "button.yes", "Ja", "Haa, waan imanayaa berri")

    assert {
        ("button.yes", "is 24 tekens lang, hoogstens 20: 'Haa, waan imanayaa berri'")
    } == problems(faults(shelf.open(), [new_language]))


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        ("begint met een invulveld; dat weigert WhatsApp in een template", "{place} is waar."),
        ("begint met een invulveld; dat weigert WhatsApp in een template", "'{place}' is waar."),
        ("eindigt met een invulveld; dat weigert WhatsApp in een template", "Kom naar {place}."),
        (
            "heeft een invulveld direct na {place}; dat weigert WhatsApp",
            "Bij {place}\n{date} zie je.",
        ),
        ("is 1031 tekens lang; een template hoogstens 1024", "Hoi " + "Kom je nu? " * 93 + "Dag!"),
        (
            "heeft twee lege regels na elkaar; dat weigert WhatsApp in een template",
            "Dag.\n\n\nDag.",
        ),
    ],
)
def test_a_template_that_meta_would_refuse_is_refused_here_first(shelf, problem, text):
    """Meta answers after hours or days; the people would wait that long for a reminder."""
    shelf.dutch(
        "a.t:\n  purpose: answer\n  whatsapp_template: {name: t, category: utility}\n"
        "  text: " + '"' + text.replace("\n", "\\n") + '"'
    )

    assert {("a.t", problem)} == problems(faults(shelf.open(), ["nl"]))


def test_the_body_of_a_template_is_checked_in_every_language_meta_has(shelf, new_language):
    """Turkish puts the verb last: what ended well in Dutch may begin with a placeholder."""
    dutch = "Kom naar {place} toe."
    shelf.dutch(
        f"a.t:\n  purpose: answer\n  whatsapp_template: {{name: t, category: utility}}\n"
        f"  text: {dutch}"
    )
    for code in ("fr", new_language):
        shelf.translation(code, "a.t", dutch, "{place} gel.")

    refused = ("a.t", "begint met een invulveld; dat weigert WhatsApp in een template")

    assert refused in problems(faults(shelf.open(), ["fr"]))
    assert [] == faults(shelf.open(), [new_language])


@pytest.mark.parametrize(
    ("language", "kind", "text"),
    [
        ("nl", "boete", "Kom, anders krijg je een boete."),
        ("nl", "uitkering", "Het gaat om je Bijstandsuitkering."),
        ("nl", "bedrag", "Neem €5 mee."),
        ("nl", "bsn", "Stuur je BSN."),
        ("nl", "schuld", "Praat over je schulden."),
        ("nl", "religie", "We zijn in de moskee."),
        ("nl", "verblijfsstatus", "Neem je verblijfsvergunning mee."),
        ("nl", "gezondheid", "Neem je medische brief mee."),
        ("nl", "woordkeus", "Voor allochtone vrouwen."),
        ("en", "boete", "You will get a fine. There are penalties."),
        ("ar", "boete", "سوف تدفع الغَرامة"),
        ("ti", "verblijfsstatus", "ሕቶ ዑቕባ"),
        ("fa", "uitkering", "درباره کمک‌هزینه"),
        ("tr", "verblijfsstatus", "İLTİCA için"),
    ],
)
def test_a_message_never_carries_what_a_lock_screen_should_not_show(shelf, language, kind, text):
    shelf.dutch(f"a.t: {{purpose: answer, text: '{text if language == 'nl' else 'Hallo.'}'}}")
    shelf.translation(language, "a.t", "Hallo.", text)

    found = [f.problem for f in faults(shelf.open(), [language]) if f.key == "a.t"]

    assert [f"({kind})"] == [problem.rsplit(" ", 1)[1] for problem in found]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("nl", "Je klantmanager heet {staff}. Dat is onschuldig."),
        ("nl", "Lees het verslag van {staff}."),
        ("en", "That is fine."),
        ("fa", "به ما خبر بدهید."),
        ("tr", "Kim gelir?"),
        ("ti", "ኣብ ዕዳጋ"),
        ("ar", "في المدينة، هل أنت مريض؟"),
    ],
)
def test_a_word_that_only_looks_like_a_forbidden_one_is_free(shelf, language, text):
    shelf.dutch("a.t: {purpose: answer, text: 'Hallo {staff}.'}")
    if language == "nl":
        shelf.dutch(f"a.t: {{purpose: answer, text: '{text}'}}")
    shelf.translation(language, "a.t", "Hallo {staff}.", text)

    assert [] == [f for f in faults(shelf.open(), [language]) if "verboden" in f.problem]


def test_a_page_may_say_that_nobody_asks_for_a_bsn(shelf):
    """People fear exactly that; the promise names it."""
    shelf.dutch("page.p: {purpose: page, allow: [bsn], text: Wij vragen nooit om je BSN.}")

    assert [] == faults(shelf.open(), ["nl"])


def test_an_exemption_for_an_unknown_kind_is_a_typing_error(shelf):
    shelf.dutch("page.p: {purpose: page, allow: [bns], text: Dag.}")

    assert {("page.p", "'allow' noemt bns; dat staat niet in forbidden.yaml")} == problems(
        faults(shelf.open(), ["nl"])
    )


def test_a_picture_that_is_not_there_is_a_fault(shelf):
    shelf.dutch("a.p: {purpose: answer, picture: media/a.png, text: Dag.}")

    assert {("a.p", "het plaatje media/a.png is er niet")} == problems(faults(shelf.open(), ["nl"]))

    (shelf.content / "media").mkdir()
    (shelf.content / "media" / "a.png").touch()

    assert [] == faults(shelf.open(), ["nl"])


def test_unread_and_stale_texts_are_warnings(shelf, new_language):
    """Unreviewed reminders go out; an approver says yes to unreviewed invitations."""
    shelf.dutch(HELLO)
    shelf.translation(new_language, "a.hello", "Dag {first_name}.", "Haye {first_name}.")
    shelf.translation(new_language, "button.yes", "Ja", "Haa")

    assert [
        "locales/eo/LC_MESSAGES/bot.po: 1 teksten zijn nog door niemand nagelezen",
        "locales/eo/LC_MESSAGES/bot.po, a.hello: is verouderd: het Nederlands is veranderd",
    ] == [str(warning) for warning in warnings(shelf.open(), [new_language])]


def test_a_long_dutch_sentence_is_a_warning(shelf):
    short = " ".join(["woord"] * 12)
    shelf.dutch(f"a.a: {{purpose: answer, text: '{short}. {short} erbij.'}}")

    assert {
        ("a.a", "heeft een zin van 13 woorden: 'woord woord woord woord woord woord woor...'")
    } == problems(warnings(shelf.open(), ["nl"]))


def test_a_dear_sms_is_a_warning_with_buttons_and_values_counted(shelf):
    shelf.dutch("a.a: {purpose: answer, buttons: [yes, no], text: 'Hoi {first_name}. Kom je?'}")

    assert {("a.a", "kost 1 sms'en, meer dan 0")} == {
        warning
        for warning in problems(warnings(shelf.open(), ["nl"], max_segments=0))
        if "a.a" in warning
    }


@pytest.mark.parametrize(("ascii", "expected"), [("true", 1), ("false", 2)])
def test_what_may_be_spelled_without_accents_is_counted_so(shelf, ascii, expected):
    """One Polish letter doubles a text; what nobody pays for is no reason to shorten it."""
    shelf.dutch(f"a.a: {{purpose: answer, ascii: {ascii}, text: Hallo.}}")
    shelf.translation("pl", "a.a", "Hallo.", "Dzień dobry. " + "Proszę przyjść. " * 5)

    assert ("a.a", f"kost {expected} sms'en, meer dan 0") in problems(
        warnings(shelf.open(), ["pl"], max_segments=0)
    )


def test_what_an_sms_saves_without_accents_is_told_chosen_or_not(shelf):
    dutch = "Kom je ook? " * 8
    for name, ascii_ in (("a.free", "true"), ("a.kept", "false")):
        shelf.dutch(
            f"{name}: {{purpose: answer, ascii: {ascii_}, text: '{dutch}'}}", f"{name}.yaml"
        )
        shelf.translation("tr", name, dutch.strip(), dutch.replace("je", "ş"))

    assert [("a.free", "tr", 2, 1, True), ("a.kept", "tr", 2, 1, False)] == thrift(
        shelf.open(), ["nl", "tr"]
    )


def test_a_dear_sms_is_counted_as_it_is_sent(shelf):
    """Without its accents, where the text allows that."""
    dutch = "Kom je ook? " * 8
    shelf.dutch(f"a.free: {{purpose: answer, ascii: true, text: '{dutch}'}}")
    shelf.translation("tr", "a.free", dutch.strip(), dutch.replace("je", "ş"))

    assert not [
        warning
        for warning in problems(warnings(shelf.open(), ["tr"], max_segments=1))
        if "a.free" in warning
    ]


def test_a_template_of_mostly_values_is_a_warning(shelf):
    """Meta wants two words of our own for every value, and one more."""
    shelf.dutch(
        "a.t:\n  purpose: answer\n  whatsapp_template: {name: t, category: utility}\n"
        "  text: 'Dag {day} om {time} daar.'"
    )

    assert {("a.t", "heeft 2 invulvelden op 3 woorden; WhatsApp wil er 5")} == problems(
        warnings(shelf.open(), ["nl"])
    )


def test_a_template_needs_an_opener_where_meta_lacks_the_language(shelf):
    dutch = "Hoi allemaal."
    shelf.dutch(
        f"a.t:\n  purpose: answer\n  whatsapp_template: {{name: t, category: utility}}\n"
        f"  text: {dutch}"
    )
    shelf.translation("ti", "a.t", dutch, "ሰላም ኩሉኹም።")

    assert ("a.t", "heeft geen opener, en WhatsApp kent deze taal niet") in problems(
        warnings(shelf.open(), ["ti"])
    )
