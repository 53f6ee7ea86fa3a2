"""What a reader gets: their language, whole lines, literal values, a date nobody misreads."""

import re
from datetime import UTC, datetime

import pytest
from babel.dates import get_day_names
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bot.moments import AMSTERDAM
from bot.wording import entries
from bot.wording.catalogue import MESSAGES, Catalogue, catalogue
from bot.wording.entries import load
from bot.wording.languages import languages
from bot.wording.render import (
    LONGEST_VALUE,
    Mould,
    buttons,
    cut,
    render,
    spoken_date,
    spoken_day,
    spoken_time,
    template_body,
    template_samples,
    template_variables,
    with_numbers,
)
from bot.wording.segments import coding, fold, segments

THURSDAY = datetime(2026, 12, 3, 13, 30, tzinfo=UTC)
DUTCH = """
a.talk:
  purpose: public task
  asks: afspraak
  buttons: [yes, no]
  ascii: true
  text: |
    Hallo {first_name}. Je hebt een afspraak op {day} ({date}) om {time}.
    {place}
    {address}

    Met: {staff}

    Kom je?
"""
SOURCE = (
    "Hallo {first_name}. Je hebt een afspraak op {day} ({date}) om {time}.\n"
    "{place}\n{address}\n\nMet: {staff}\n\nKom je?"
)
ARABIC = (
    "مرحبا {first_name}. لديك موعد يوم {day} ({date}) الساعة {time}.\n"
    "{place}\n{address}\n\nمع: {staff}\n\nهل تأتي؟"
)
VALUES = {
    "first_name": "Selam",
    "begins": THURSDAY,
    "place": "Buurthuis De Zwaluw",
    "address": "Voorbeeldstraat 12",
    "staff": "Marieke de Vries",
}
CODES = st.sampled_from(list(languages()))
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2031, 1, 1), timezones=st.just(UTC))
CHANGES = st.one_of(
    st.datetimes(datetime(2026, 10, 24), datetime(2026, 10, 26), timezones=st.just(UTC)),
    st.datetimes(datetime(2027, 3, 27), datetime(2027, 3, 29), timezones=st.just(UTC)),
)
WORDS = st.text(st.characters(), max_size=300)
one_shelf_for_all_examples = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def texts(shelf):
    shelf.dutch(DUTCH)
    shelf.translation("ar", "a.talk", SOURCE, ARABIC)
    for code in ("ar", "fa"):
        shelf.translation(code, "fallback.note", "Dit is in het Nederlands.", "هذا بالهولندية.")
        shelf.translation(code, "button.yes", "Ja", "نعم")
        shelf.translation(code, "button.no", "Nee", "لا")
    shelf.translation("tr", "a.talk", SOURCE, SOURCE.replace("Kom je", "Geliyor musun, Şule"))
    return shelf.open()


def said(texts, language, plain=False, numbers=False, **values):
    return render(
        "a.talk",
        language,
        {**VALUES, **values},
        buttons_as_numbers=numbers,
        plain=plain,
        catalogue=texts,
    )


def test_a_text_is_filled_for_its_reader(texts):
    rendered = said(texts, "nl")

    assert (
        "Hallo Selam. Je hebt een afspraak op donderdag 3 december (03-12-2026) om 14:30.\n"
        "Buurthuis De Zwaluw\nVoorbeeldstraat 12\n\nMet: Marieke de Vries\n\nKom je?"
    ) == rendered.body
    assert (("yes", "Ja"), ("no", "Nee")) == rendered.buttons
    assert ("nl", False, "afspraak") == (rendered.language, rendered.fallback, rendered.asks)


def test_buttons_become_numbered_lines_where_there_are_none(texts):
    rendered = said(texts, "ar", numbers=True)

    assert rendered.body.endswith("هل تأتي؟\n1 = نعم\n2 = لا")
    assert () == rendered.buttons


def test_a_line_with_nothing_to_tell_is_left_out(texts):
    """Nobody is helped by "Met:" and then nothing."""
    assert (
        "Hallo Selam. Je hebt een afspraak op donderdag 3 december (03-12-2026) om 14:30.\n"
        "Buurthuis De Zwaluw\n\nKom je?"
    ) == said(texts, "nl", address="", staff=" ").body


def test_an_empty_name_leaves_no_hole_in_a_line_that_stays(texts):
    assert said(texts, "nl", first_name="").body.startswith("Hallo. Je hebt")


def test_a_text_without_translation_is_dutch_and_says_so_in_the_readers_language(texts):
    rendered = said(texts, "fa")

    assert rendered.body.startswith(
        "هذا بالهولندية.\n\nHallo Selam. Je hebt een afspraak op donderdag"
    )
    assert ("nl", True) == (rendered.language, rendered.fallback)
    assert (("yes", "نعم"), ("no", "لا")) == rendered.buttons


def test_without_even_a_note_the_dutch_stands_alone(texts):
    assert said(texts, "ti").body.startswith("Hallo Selam.")
    assert said(texts, "ti").fallback


def test_a_person_with_an_unknown_language_is_written_to_in_dutch(texts):
    assert said(texts, "tlh").fallback


def test_a_missing_value_is_a_mistake_of_ours_and_named(texts):
    with pytest.raises(ValueError, match=r"a\.talk cannot be said without place, staff"):
        render(
            "a.talk",
            "nl",
            {k: v for k, v in VALUES.items() if k not in {"place", "staff"}},
            buttons_as_numbers=False,
            plain=False,
            catalogue=texts,
        )


def test_a_second_moment_is_told_by_its_own_name(shelf):
    shelf.dutch(
        "a.m: {purpose: answer, text: 'Van {time} tot {ends_time}, {ends_day} {ends_date}.'}"
    )
    values = {"begins": THURSDAY, "ends": THURSDAY.replace(hour=15)}

    rendered = render(
        "a.m", "nl", values, buttons_as_numbers=False, plain=False, catalogue=shelf.open()
    )

    assert "Van 14:30 tot 16:30, donderdag 3 december 03-12-2026." == rendered.body


def test_a_list_keeps_its_lines_and_each_line_its_direction(shelf):
    shelf.dutch('a.l: {purpose: answer, text: "Kies.\\n{options}\\nStuur het cijfer."}')
    shelf.translation("ar", "a.l", "Kies.\n{options}\nStuur het cijfer.", "اختر.\n{options}\nأرسل.")
    options = {"options": ["1 = Nederlands", "2 = العربية\n3 = x"]}

    rendered = render(
        "a.l", "ar", options, buttons_as_numbers=False, plain=False, catalogue=shelf.open()
    )

    assert (
        "اختر.\n\u20661 = Nederlands\u2069\n\u20682 = العربية 3 = x\u2069\nأرسل." == rendered.body
    )


def test_latin_runs_keep_their_direction_in_arabic(texts):
    """Unmarked, (03-12-2026) reads as 03)-12-2026( and a street number leaves its street."""
    lines = said(texts, "ar").body.splitlines()

    assert (
        "مرحبا \u2066Selam\u2069. لديك موعد يوم الخميس 3 كانون الأول / ديسمبر "
        "(\u206603-12-2026\u2069) الساعة \u206614:30\u2069."
    ) == lines[0]
    assert "\u2066Voorbeeldstraat 12\u2069" == lines[2]


@pytest.mark.parametrize("number", ["14 0000", "+31 97 0000 0000", "(088) 123 45 67"])
def test_a_phone_number_is_not_cut_by_the_end_of_a_line(texts, number):
    """Two halves on two lines are two wrong numbers."""

    def said(language, words=number, plain=False):
        values = VALUES | {"staff": words}
        return render(
            "a.talk", language, values, buttons_as_numbers=False, plain=plain, catalogue=texts
        ).body

    whole = number.replace(" ", "\u00a0")
    assert f"Met: {whole}" in said("nl")
    assert f"مع: \u2066{whole}\u2069" in said("ar")
    assert f"مع: \u200e{whole}\u200e" in said("ar", plain=True)
    assert f"Met: {number}" in said("nl", plain=True)
    assert f"Met: Brug {number}" in said("nl", f"Brug {number}")


def test_an_sms_has_marks_instead_of_isolates(texts):
    """Old phones show an isolate as a box."""
    body = said(texts, "ar", plain=True).body

    assert "\u200e03-12-2026\u200e" in body
    assert not re.search("[\u2066-\u2069]", body)


def test_an_arabic_name_does_not_turn_a_dutch_line(texts):
    assert said(texts, "nl", first_name="رانيا").body.startswith("Hallo \u2068رانيا\u2069. Je")


def test_an_arabic_name_is_at_home_in_arabic(texts):
    assert said(texts, "ar", first_name="رانيا").body.startswith("مرحبا رانيا. ")


def test_an_sms_is_spelled_without_accents_if_that_makes_it_cheap(texts):
    cheap, dear = said(texts, "tr", plain=True), said(texts, "tr", plain=True, first_name="رانيا")

    assert "GSM-7" == coding(cheap.body)
    assert "Aralik Persembe" in cheap.body
    assert "Aralık Perşembe" in dear.body
    assert "Aralık Perşembe" in said(texts, "tr").body


def test_who_translates_may_keep_the_accents(shelf):
    """In Polish a favour without its stroke is a stick."""
    dutch = "Hallo. " + "Kom je ook? " * 6
    shelf.dutch(f"a.t: {{purpose: answer, ascii: true, text: '{dutch}'}}")
    polish = dutch.strip().replace("ook", "łaskę")
    shelf.translation("pl", "a.t", dutch.strip(), polish, "# sms: met accenten")
    shelf.translation("tr", "a.t", dutch.strip(), polish)
    texts = shelf.open()

    bodies = [
        render("a.t", code, {}, buttons_as_numbers=False, plain=True, catalogue=texts).body
        for code in ("pl", "tr")
    ]

    assert [polish, polish.replace("łaskę", "laske")] == bodies


def test_a_text_of_one_sms_keeps_its_accents(shelf):
    """Nothing would be saved, and somebody reads slowly."""
    shelf.dutch("a.t: {purpose: answer, ascii: true, text: Dag.}")
    shelf.translation("tr", "a.t", "Dag.", "Görüşmek üzere.")

    body = render(
        "a.t", "tr", {}, buttons_as_numbers=False, plain=True, catalogue=shelf.open()
    ).body

    assert "Görüşmek üzere." == body


def test_a_line_above_is_spelled_as_what_stands_below_it(texts, shelf):
    """One accent left in it would make the whole SMS dear."""
    shelf.dutch("b.again: {purpose: answer, ascii: true, text: Nog eens.}", "again.yaml")
    shelf.translation("tr", "b.again", "Nog eens.", "Bir kez daha, Şule.")
    values = {**VALUES, "begins": THURSDAY}

    body = render(
        "a.talk",
        "tr",
        values,
        buttons_as_numbers=False,
        plain=True,
        above="b.again",
        catalogue=Catalogue(shelf.content, load(shelf.content)),
    ).body

    assert body.startswith("Bir kez daha, Sule.\nHallo Selam.")
    assert "GSM-7" == coding(body)


ISOLATES = re.compile("[\u200e\u2066-\u2069]")


@given(
    st.sampled_from([key for key, e in catalogue().entries.items() if e.purpose in MESSAGES]),
    st.sampled_from(list(languages())),
    st.one_of(st.sampled_from(["Şule", "José", "Łukasz", "رانيا", "سه\u200cشنبه"]), WORDS),
    st.booleans(),
)
def test_only_an_sms_loses_accents_and_then_all_of_it_is_cheap(key, code, name, numbers):
    """Of all that is said in every language: a name is misspelled only where that saves money."""
    values = dict.fromkeys(entries.placeholders(catalogue().text(key, code).body), name)
    sms, chat = (
        ISOLATES.sub("", render(key, code, values, buttons_as_numbers=numbers, plain=plain).body)
        for plain in (True, False)
    )

    if sms != chat:
        assert catalogue().entries[key].ascii
        assert (fold(chat), "GSM-7") == (sms, coding(sms))
        assert segments(sms) <= segments(chat)


@given(WORDS, WORDS, st.booleans(), st.sampled_from(["nl", "ar", "tr", "ti"]))
@one_shelf_for_all_examples
def test_nothing_is_left_open_and_nothing_a_person_wrote_is_filled_in(
    texts, name, place, plain, code
):
    """A first name "{place}" is a strange name, not a question to our data."""
    body = said(texts, code, plain, first_name="{time}" + name, place="{day}{{1}}" + place).body

    left_open = set(re.findall(r"\{\w+\}", body)) - set(re.findall(r"\{\w+\}", name + place))
    assert "{time}" in body
    assert "{day}{{1}}" in body
    assert {"{time}", "{day}", "{1}"} >= left_open


@given(WORDS, st.booleans(), st.sampled_from(["nl", "ar"]))
@one_shelf_for_all_examples
def test_a_value_stays_on_its_line_and_every_isolate_is_closed(texts, words, plain, code):
    """A name with a line break could write a line of its own into our message."""
    quiet, loud = said(texts, code, plain, staff="x"), said(texts, code, plain, staff="x" + words)

    assert len(quiet.body.split("\n")) == len(loud.body.split("\n"))
    opened = 0
    for sign in loud.body:
        opened += (sign in "\u2066\u2067\u2068") - (sign == "\u2069")
        assert opened in {0, 1}
    assert 0 == opened
    assert loud.body.count("\u200e") % 2 == 0
    assert not re.search(
        "[\u202a-\u202e\u200f\u061c\x00-\x09\x0b-\x1f\u2028\ud800-\udfff]", loud.body
    )
    assert len(loud.body) <= len(quiet.body) + LONGEST_VALUE + 2


@given(WORDS, st.booleans(), st.sampled_from(["nl", "ar", "tr", "fa"]))
@example("", True, "tr")
@example("Şule", True, "tr")
@example("رانيا", True, "tr")
@one_shelf_for_all_examples
def test_a_text_poured_from_a_mould_is_the_text_rendered_alone(texts, name, plain, code):
    """What an approver saw for one person is what 8,500 people get."""
    mould = Mould(
        "a.talk",
        code,
        VALUES,
        ["first_name"],
        buttons_as_numbers=plain,
        plain=plain,
        catalogue=texts,
    )
    alone = said(texts, code, plain, numbers=plain, first_name=name)

    assert alone.body == mould.pour({"first_name": name})
    assert (alone.language, alone.buttons, alone.fallback, alone.asks) == (
        mould.language,
        mould.buttons,
        mould.fallback,
        mould.asks,
    )


def test_the_invisible_letters_of_persian_names_stay(texts):
    assert "سه\u200cشنبه" in said(texts, "nl", first_name="سه\u200cشنبه").body


@given(st.one_of(MOMENTS, CHANGES), CODES)
def test_every_language_tells_weekday_digits_and_a_24_hour_clock(moment, code):
    """Two calendars and two clocks are in use among readers: three ways to say it decide."""
    day, wall = spoken_day(moment, code), moment.astimezone(AMSTERDAM)

    for locale in languages()[code].weekdays:
        assert get_day_names("wide", locale=locale)[wall.weekday()] in day
    assert str(wall.day) in day
    assert f"{wall.day:02}-{wall.month:02}-{wall.year}" == spoken_date(moment)
    assert f"{wall.hour:02}:{wall.minute:02}" == spoken_time(moment)
    assert re.fullmatch(r"[^٠-٩۰-۹፩-፱]+", day)


@pytest.mark.parametrize(
    ("code", "day"),
    [
        ("nl", "donderdag 3 december"),
        ("ar", "الخميس 3 كانون الأول / ديسمبر"),
        ("ti", "ሓሙስ 3 ታሕሳስ"),
        ("fa", "پنجشنبه 3 دسامبر"),
        ("prs", "پنجشنبه 3 دسمبر"),
        ("tr", "3 Aralık Perşembe"),
        ("so", "Khamiis 3 Diseembar"),
        ("uk", "четвер, 3 грудня"),
        ("ru", "четверг, 3 декабря"),
        ("pl", "czwartek, 3 grudnia"),
        ("es", "jueves 3 de diciembre"),
        ("ku", "pêncşem, 3ê berfanbarê"),
        ("ps", "پنجشنبه / پينځنۍ د دسمبر 3"),
        ("ary", "الخميس 3 دجنبر"),
    ],
)
def test_a_day_is_said_as_its_readers_say_it(code, day):
    assert day == spoken_day(THURSDAY, code)


@pytest.mark.parametrize(
    ("utc", "time"),
    [
        ("2026-10-25T00:30+00:00", "02:30"),
        ("2026-10-25T01:30+00:00", "02:30"),
        ("2027-03-28T00:59+00:00", "01:59"),
        ("2027-03-28T01:00+00:00", "03:00"),
        ("2026-12-31T23:00+00:00", "00:00"),
    ],
)
def test_the_clock_is_that_of_amsterdam_on_both_sides_of_a_change(utc, time):
    assert time == spoken_time(datetime.fromisoformat(utc))


def test_a_moment_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        spoken_day(datetime(2026, 12, 3, 14, 30), "nl")


def test_a_long_title_is_cut_at_a_word():
    assert ["Een andere dag", "Ik kan die dag echt…", "Donaudampfschifffah…"] == [
        cut(title, 20)
        for title in (
            "Een andere dag",
            "Ik kan die dag echt niet",
            "Donaudampfschifffahrtsgesellschaft",
        )
    ]


@given(st.text(max_size=60))
def test_a_cut_title_always_fits(title):
    assert len(cut(title, 20)) <= 20


def test_buttons_have_titles_of_the_readers_language(texts):
    assert (("no", "لا"),) == buttons(["no"], "ar", catalogue=texts)


def test_numbers_are_added_below():
    assert "Kom je?\n1 = Ja\n2 = Nee" == with_numbers("Kom je?", ["Ja", "Nee"])


def test_a_template_is_the_text_with_numbers(texts):
    body, order = template_body("a.talk", "nl", catalogue=texts)

    assert body.startswith("Hallo {{1}}. Je hebt een afspraak op {{2}} ({{3}}) om {{4}}.")
    assert ["first_name", "day", "date", "time", "place", "address", "staff"] == order


def test_a_name_used_twice_keeps_its_number(shelf):
    shelf.dutch("a.t: {purpose: answer, text: '{place}, {day}. Ja: {place}.'}")

    assert ("{{1}}, {{2}}. Ja: {{1}}.", ["place", "day"]) == template_body(
        "a.t", "nl", catalogue=shelf.open()
    )


@given(WORDS, st.sampled_from(["nl", "ar", "fa"]))
@one_shelf_for_all_examples
def test_a_filled_template_is_what_a_free_text_would_say(texts, words, code):
    """Staff preview one text; which way WhatsApp takes it must not change a letter."""
    values = {**VALUES, "place": "x" + words}
    body, order = template_body("a.talk", code, catalogue=texts)
    variables = template_variables("a.talk", code, values, catalogue=texts)

    filled = re.sub(r"\{\{(\d)\}\}", lambda number: variables[number[1]], body)

    assert [str(n) for n in range(1, len(order) + 1)] == list(variables)
    assert said(texts, code, place="x" + words).body.endswith(filled)


def test_a_template_variable_is_never_empty_and_has_no_line_breaks(texts):
    """WhatsApp refuses both, and the person would get nothing."""
    values = {**VALUES, "staff": "", "address": ["Voorbeeldstraat 12", "2e\tverdieping"]}

    variables = template_variables("a.talk", "nl", values, catalogue=texts)

    assert ("Voorbeeldstraat 12, 2e verdieping", "-") == (variables["6"], variables["7"])


def test_meta_gets_a_sample_for_every_variable(texts):
    samples = template_samples("a.talk", "ar", catalogue=texts)

    assert ["1", "2", "3", "4", "5", "6", "7"] == list(samples)
    assert "الخميس 3 كانون الأول / ديسمبر" == samples["2"]
