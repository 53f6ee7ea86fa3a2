"""What holds for every text, whoever writes it."""

from hypothesis import given
from hypothesis import strategies as st

from bot.conversation.lexicon import INTENTS, LONGEST, lexicon, phrases, source
from bot.conversation.understand import understand
from bot.conversation.vow import vow

LANGUAGES = sorted(source()["languages"])
NOISE = "\u200b\u200c\u200d\u200e\u200f\u2066\u2069\ufeff\u00ad\ufe0f"
AMBIGUOUS = lexicon().rules

ENTRIES = [(code, group, entry) for code, group, entry in phrases(source()) if group in INTENTS]
STOPS = [
    entry["t"]
    for _, group, entry in ENTRIES
    if group == "stop"
    and entry["c"] == "high"
    and entry["t"]
    not in {token for rule in source()["ambiguous"].values() for token in rule["tokens"]}
]
YESES = [(code, entry["t"]) for code, group, entry in ENTRIES if group == "confirm"]
NOTS = {
    code: [word for other, group, word in phrases(source()) if group == "not" and other == code]
    for code in LANGUAGES
}

asks = st.sampled_from(["afspraak", "voortraject", "menu", None, "signup_year"])
languages = st.sampled_from([*LANGUAGES, "ru", "xx", ""])
words = st.sampled_from(sorted(lexicon().vocabulary)) | st.text(max_size=8)
sentences = st.lists(words, max_size=14).map(" ".join)
texts = st.text(max_size=200) | sentences


@given(texts, languages, asks)
def test_any_text_is_understood_as_one_intent_with_a_reason(text, language, asked):
    said = understand(text, language=language, asks=asked)

    assert said.intent in INTENTS | {"unclear"}
    assert said.why
    assert "\n" not in said.why


@given(st.characters(categories=["Cs", "Cn", "Co", "Cf", "Mn", "Me"]), st.sampled_from(["", "ja"]))
def test_signs_nobody_sees_change_nothing(sign, text):
    assert understand(text, language="nl").intent in {"confirm", "unclear"}
    assert understand(f"{text}{sign}", language="nl").intent in {"confirm", "unclear"}


def test_a_text_longer_than_any_channel_allows_is_read_up_to_there():
    assert "unclear" == understand("la " * LONGEST, language="nl").intent


@given(sentences, st.sampled_from("?؟፧？"), languages, asks, st.integers(0, 200))
def test_a_question_is_never_a_yes(text, mark, language, asked, at):
    assert (
        "confirm" != understand(text[:at] + mark + text[at:], language=language, asks=asked).intent
    )


NO_PROBLEM_AT_ALL = {
    *("hiç sorun yok", "hiç problem yok", "qet pirsgirêk tune"),
    *("هیچ مشکلی نیست", "هیچ مشکل نیست", "هیڅ ستونزه نشته"),
}
"""The same word denies alone and makes another denial stronger."""


@given(st.data(), asks, st.booleans())
def test_a_denial_beside_a_yes_is_never_a_yes(data, asked, first):
    code, yes = data.draw(st.sampled_from([pair for pair in YESES if NOTS[pair[0]]]))
    word = data.draw(st.sampled_from(NOTS[code]))
    text = f"{word} {yes}" if first else f"{yes} {word}"
    if lexicon().entries.exact.get(text.casefold()) or text in NO_PROBLEM_AT_ALL:
        return  # listed as a phrase of its own

    assert "confirm" != understand(text, language=code, asks=asked).intent


@given(st.data(), languages)
def test_a_word_nobody_knows_hides_in_no_yes_but_a_promise(data, language):
    code, yes = data.draw(st.sampled_from(YESES))
    if vow(lexicon().read(yes), (code,)):
        return  # who says that he comes may name whom he brings
    unknown = data.draw(st.sampled_from(["qwrtz", "ܫܠܡܐ", "zzyzx", "नमस्ते"]))

    assert "confirm" != understand(f"{yes} {unknown}", language=language, asks="afspraak").intent


@given(
    st.sampled_from(STOPS),
    languages,
    asks,
    st.sampled_from(["", ".", "!!!", " !", "…", "\n"]),
    st.sampled_from([str.upper, str.lower, str.title, str]),
    st.sampled_from(["", *NOISE]),
    st.integers(0, 30),
)
def test_stop_always_stops(word, language, asked, mark, case, noise, at):
    """The law and plain decency: a wish to be left alone never waits for the right spelling."""
    if noise == "\u200c" and "\u200c" in word:
        noise = ""
    typed = case(word)
    text = typed[:at] + noise + typed[at:] + mark

    assert "stop" == understand(text, language=language, asks=asked).intent


@given(st.sampled_from(ENTRIES))
def test_every_phrase_means_what_its_list_says_to_its_own_speakers(entry):
    """What nobody is sure of gives no answer alone: it is asked again with buttons."""
    code, group, told = entry
    held = lexicon()
    spelled = held.read(told["t"])
    if held.rule_of(" ".join(spelled.exact), " ".join(spelled.bare)):
        return

    doubted = told["c"] == "low" and group in {"confirm", "decline", "reschedule", "wrong_number"}
    said = understand(told["t"], language=code, asks="afspraak")
    assert ("unclear" if doubted else group) == said.intent, said.why


@given(st.sampled_from(sorted("👍👌🙋👎🙅✋🤷🙏")), st.sampled_from("🏻🏼🏽🏾🏿"), asks)
def test_the_colour_of_a_hand_changes_nothing(sign, tone, asked):
    plain = understand(sign, language="nl", asks=asked)

    assert plain == understand(sign + tone, language="nl", asks=asked)


@given(st.text(max_size=60), st.sampled_from(["afspraak", "voortraject"]), languages)
def test_a_number_beside_an_afspraak_keeps_its_meaning(text, asked, language):
    """1 is yes, 2 another time, 3 no, whatever language the reminder was in."""
    said = understand(text, language=language, asks=asked)

    if said.intent == "confirm" and asked == "afspraak" and said.number is not None:
        assert 1 == said.number
