"""What translators get: every text once, by key, and nothing that changes by itself."""

from io import BytesIO

from babel.messages.extract import extract
from babel.messages.pofile import read_po

from bot.wording.catalogue import Text
from bot.wording.extract import content, refreshed

TALK = """
a.talk:
  purpose: answer
  note: >-
    Short.
    {place} stays Dutch.
  text: |
    Kom naar {place}.
    Kom je?
a.opener: {purpose: answer, only: nl, text: Er is een bericht.}
"""


def test_babel_reads_key_text_and_note_and_leaves_out_what_is_dutch_only():
    found = list(extract(content, BytesIO(TALK.encode())))

    assert [(2, "a.talk", "Kom naar {place}.\nKom je?", ["Short. {place} stays Dutch."])] == [
        (line, context, message, comments) for line, message, comments, context in found
    ]


def refresh(shelf, language="so"):
    path = shelf.po_file(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(refreshed(shelf.content, path, language))
    with path.open("rb") as stream:
        return {message.context: message for message in read_po(stream) if message.id}


def test_a_new_language_starts_with_every_text_and_its_note(shelf):
    shelf.dutch(TALK)

    messages = refresh(shelf)

    assert ["a.talk", "button.yes", "button.no", "fallback.note"] == list(messages)
    assert "Short. {place} stays Dutch." == " ".join(messages["a.talk"].auto_comments)


def test_a_second_time_changes_nothing(shelf):
    """A date or a line number would make every commit touch every language."""
    shelf.dutch(TALK)
    shelf.translation(
        "so", "a.talk", "Kom naar {place}.\nKom je?", "Kaalay {place}.\nMa imanaysaa?"
    )
    refresh(shelf)
    before = shelf.po_file("so").read_bytes()
    shelf.dutch("\n\n" + TALK)

    assert before == refreshed(shelf.content, shelf.po_file("so"), "so")


def test_a_translation_and_its_review_outlive_a_refresh(shelf):
    shelf.translation("so", "button.yes", "Ja", "Haa", "# reviewed: F. A., 2026-11-02")

    refresh(shelf)

    assert Text("Haa", "so", "reviewed") == shelf.open().text("button.yes", "so")


def test_what_translators_say_about_the_whole_file_stays_on_top(shelf):
    """How people are addressed, and by whom it was read again, holds for every text below."""
    shelf.translation("so", "button.yes", "Ja", "Haa")
    path = shelf.po_file("so")
    path.write_text(
        "# aanspreekvorm: adiga\n# tegenlezing: terugvertaald\n" + path.read_text("utf-8")
    )

    refresh(shelf)

    assert path.read_text("utf-8").startswith(
        "# aanspreekvorm: adiga\n# tegenlezing: terugvertaald\nmsgid"
    )
    assert path.read_bytes() == refreshed(shelf.content, path, "so")


def test_when_the_dutch_changes_the_translation_waits_with_the_old_dutch_beside_it(shelf):
    """The review was of another text: it does not count for this one, not even once unfuzzied."""
    shelf.translation("so", "button.yes", "Jawel", "Haa", "# reviewed: F. A., 2026-11-02")

    message = refresh(shelf)["button.yes"]

    assert ("Haa", True) == (message.string, message.fuzzy)
    assert ['| msgid "Jawel"'] == message.user_comments
    assert "stale" == shelf.open().text("button.yes", "so").state


def test_a_waiting_translation_keeps_the_dutch_it_was_made_from(shelf):
    """However often the files are refreshed, the translator sees what changed."""
    shelf.dutch(TALK)
    shelf.translation(
        "so", "a.talk", 'Kom "nu"\\nnaar {place}.\nKom je?', "Kaalay {place}.", "# hi"
    )

    first = refresh(shelf)["a.talk"].user_comments
    shelf.dutch(TALK.replace("Kom je?", "Kom je ook?"))
    second = refresh(shelf)["a.talk"].user_comments

    assert ["hi", '| msgid "" "Kom \\"nu\\"\\\\nnaar {place}.\\n" "Kom je?"'] == first
    assert first == second


def test_a_text_never_takes_the_translation_of_its_likeness(shelf):
    """ "Ja" for one question may be another word than "Ja" for the next."""
    shelf.translation("so", "button.agree", "Ja", "Waan ogolahay")

    assert not refresh(shelf)["button.yes"].string


def test_a_text_that_went_and_came_back_finds_its_translation(shelf):
    shelf.dutch(TALK)
    shelf.translation(
        "so", "a.talk", "Kom naar {place}.\nKom je?", "Kaalay {place}.\nMa imanaysaa?"
    )
    shelf.dutch("")
    assert "a.talk" not in refresh(shelf)

    shelf.dutch(TALK)

    assert "Kaalay {place}.\nMa imanaysaa?" == refresh(shelf)["a.talk"].string
