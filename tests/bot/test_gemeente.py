"""The gemeente is read from content/, and refused with everything that is wrong with it."""

from dataclasses import fields, replace
from datetime import datetime
from decimal import Decimal

import pytest
import yaml

from bot.gemeente import CONTENT, Caps, GemeenteError, PlanStep, gemeente
from bot.moments import QuietHours, from_local, local

SHIPPED = (None, *sorted(path.stem for path in (CONTENT / "gemeenten").glob("*.yaml")))

OLD_WORDS = ("allocht", "autocht", "niet-westers", "behoeftig", "oudkomer", "antillia", "klant ")


@pytest.fixture
def written(tmp_path):
    """Write a gemeente like the shipped one, but for the given keys; return its directory."""

    def write(**changes):
        data = yaml.safe_load((CONTENT / "gemeente.yaml").read_text(encoding="utf-8"))
        data.update(changes)
        directory = tmp_path / "content"
        directory.mkdir()
        kept = {key: value for key, value in data.items() if value is not None}
        (directory / "gemeente.yaml").write_text(yaml.safe_dump(kept, allow_unicode=True))
        return directory

    return write


def faults(directory, name=None):
    """Everything the refusal says, a line each."""
    with pytest.raises(GemeenteError) as refusal:
        gemeente(name, directory)
    return str(refusal.value).splitlines()


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_gemeente_can_be_used(name):
    found = gemeente(name)

    assert ("7d", "1d", "2h") == tuple(step.label for step in found.plan())
    assert QuietHours.parse("20:00-09:00,sunday") == QuietHours.parse(found.quiet_hours)
    assert "112" in [line.phone for line in found.emergency]


@pytest.mark.parametrize("path", sorted(CONTENT.glob("gemeente*/*.yaml")), ids=lambda p: p.stem)
def test_the_words_of_the_sources_stay_in_the_sources(path):
    """People are called what they would call themselves today, and nobody's name is in here."""
    text = path.read_text(encoding="utf-8").casefold()

    assert [] == [word for word in (*OLD_WORDS, "@") if word in text]


def test_without_a_name_it_is_the_made_up_one():
    found = gemeente()

    assert ("gemeente", "Gemeente Voorbeeldstad", "14 0000", "je") == (
        found.key,
        found.name,
        found.phone,
        found.address_form,
    )
    assert Decimal("0.09") == found.sms_price
    assert found is gemeente()


def test_an_empty_name_is_no_name():
    """An empty setting counts as set."""
    assert gemeente() == gemeente("")


def test_the_totals_of_leeuwarden_are_told_as_printed_and_as_added():
    """Two rows of the source do not add up; the difference is noted, not mended."""
    leeuwarden = gemeente("leeuwarden")
    differ = {w.name: (w.total, w.printed_total) for w in leeuwarden.wijken if w.note}

    assert {"Nijlan": (276, 176), "Westeinde": (275, 285)} == differ
    assert 16 == len(leeuwarden.wijken)
    assert 9297 == sum(wijk.total or 0 for wijk in leeuwarden.wijken)
    assert 9207 == sum(wijk.printed_total or 0 for wijk in leeuwarden.wijken)
    assert all(
        wijk.total == wijk.printed_total for wijk in leeuwarden.wijken if wijk.name not in differ
    )
    assert "9.207" in leeuwarden.wijken_note
    assert "9.297" in leeuwarden.wijken_note


def test_the_programme_of_leiden_has_five_periods():
    programme = gemeente("leiden").programme

    assert [(1, 12), (2, 12), (3, 24), (4, 24), (5, 24)] == [(p.number, p.weeks) for p in programme]
    assert [8, 7, 8, 7, 7] == [len(period.activities) for period in programme]
    assert "Diplomawaardering" in programme[0].activities
    assert "Participatieverklaring" in programme[2].activities


def test_a_wijk_without_both_counts_has_no_total():
    assert {None} == {wijk.total for wijk in gemeente().wijken}


def test_places_and_wijken_are_found_however_they_are_typed():
    found = gemeente()

    assert "Brugstraat 4" == found.place(" buurthuis de brug ").address
    assert found.place("Elders") is None
    assert "Noord" == found.wijk("noord").name == found.wijk("02").name
    assert found.wijk("Elders") is None
    assert gemeente("leeuwarden").wijk("het vliet") is gemeente("leeuwarden").wijk("3201")


def test_a_soort_may_have_a_plan_of_its_own():
    found = gemeente()

    assert ("1d", "2h") == tuple(step.label for step in found.plan(" Telefonisch"))
    assert found.reminders == found.plan("huisbezoek") == found.plan(None)


@pytest.mark.parametrize(
    ("step", "begins", "due"),
    [
        (PlanStep("1d", days=1), "2026-12-03 09:00", "2026-12-02 09:00"),
        (PlanStep("7d", days=7), "2027-01-03 09:00", "2026-12-27 09:00"),
        # the wall clock is kept in both nights of change, though 25 or 23 hours pass
        (PlanStep("1d", days=1), "2026-10-25 09:00", "2026-10-24 09:00"),
        (PlanStep("1d", days=1), "2027-03-28 09:00", "2027-03-27 09:00"),
        (PlanStep("7d", days=7), "2026-10-30 09:00", "2026-10-23 09:00"),
        # hours pass: 24 of them are an hour off the wall clock
        (PlanStep("24h", hours=24), "2026-10-25 09:00", "2026-10-24 10:00"),
        (PlanStep("24h", hours=24), "2027-03-28 09:00", "2027-03-27 08:00"),
        (PlanStep("2h", hours=2), "2027-03-28 04:00", "2027-03-28 01:00"),
        # a day before would be 02:30, which that night does not have
        (PlanStep("1d", days=1), "2027-03-29 02:30", "2027-03-28 03:30"),
    ],
)
def test_days_keep_the_wall_clock_and_hours_pass(step, begins, due):
    moment = step.due(from_local(datetime.fromisoformat(begins)))

    assert due == local(moment).strftime("%Y-%m-%d %H:%M")


def test_a_plan_is_read_earliest_first(written):
    plan = [{"before": "2h"}, {"before": "26h"}, {"before": "7d"}, {"before": "1d"}]
    found = gemeente(None, written(reminders={"default": plan}))

    assert ["7d", "26h", "1d", "2h"] == [step.label for step in found.plan()]


def test_what_may_be_left_out_may_be_left_out(written):
    left_out = ("places", "themes", "programme", "sms_price", "max_segments", "quiet_hours")
    found = gemeente(None, written(**dict.fromkeys(left_out)))

    assert ((), (), (), None, 6, "") == (
        found.places,
        found.themes,
        found.programme,
        found.sms_price,
        found.max_segments,
        found.quiet_hours,
    )


@pytest.mark.parametrize(
    ("given", "read"),
    [
        (None, Caps()),
        (
            {"mass_per_day": 1, "sms_euros_per_day": "250.50"},
            replace(Caps(), mass_per_day=1, sms_euros_per_day=Decimal("250.50")),
        ),
    ],
)
def test_a_cap_that_is_left_out_is_there_nevertheless(written, given, read):
    """Whoever forgets one line must not find out by a bill."""
    assert read == gemeente(None, written(caps=given)).caps
    assert all(getattr(Caps(), each.name) > 0 for each in fields(Caps))


def test_everything_wrong_is_told_at_once(written):
    """A clerk who mends one line should not meet the next fault only then."""
    directory = written(
        name=None,
        nmae="Voorbeeldstad",
        phone=140000,
        sender="Gemeente Voorbeeldstad",
        quiet_hours="nachts",
        address_form="jij",
        sms_price="negen cent",
        reminders={"default": [{"before": "1x"}, {"after": "2h"}]},
        wijken=[{"code": "01", "name": "Oost"}, {"code": "01", "name": "West", "obliged": "veel"}],
        themes=[{"code": "a", "name": "A", "wijken": ["99"]}],
    )

    assert [
        "content/gemeente.yaml: wijken[2].obliged moet een heel getal zijn, niet 'veel'",
        "content/gemeente.yaml: wijken noemt '01' meer dan eens",
        "content/gemeente.yaml: reminders.default[1].before is '1x'; "
        "schrijf dagen als 7d en uren als 2h",
        "content/gemeente.yaml: reminders.default[2].before ontbreekt",
        "content/gemeente.yaml: reminders.default[2].after is onbekend; staat de naam er goed?",
        "content/gemeente.yaml: name ontbreekt",
        "content/gemeente.yaml: sender is 'Gemeente Voorbeeldstad'; "
        "hoogstens 11 letters (zonder accent) en cijfers",
        'content/gemeente.yaml: phone is geen tekst; zet er aanhalingstekens om: "140000"',
        "content/gemeente.yaml: quiet_hours klopt niet: stille uren: 'nachts' is geen periode "
        "(20:00-09:00) en geen dag van de week (zondag)",
        "content/gemeente.yaml: address_form is 'jij'; kies je of u",
        "content/gemeente.yaml: sms_price is 'negen cent'; schrijf euro's per segment als \"0.09\"",
        "content/gemeente.yaml: themes[1].wijken noemt '99'; die code staat niet bij wijken",
        "content/gemeente.yaml: nmae is onbekend; staat de naam er goed?",
    ] == faults(directory)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"phone": " "}, "phone is leeg"),
        (
            {"phone": ["14 0000"]},
            "phone is geen tekst; zet er aanhalingstekens om: \"['14 0000']\"",
        ),
        ({"wijken": []}, "wijken is leeg"),
        ({"wijken": "Noord"}, "wijken moet een lijst zijn: elke regel begint met '- '"),
        ({"places": ["Noord"]}, "places[1] moet uit regels 'sleutel: waarde' bestaan"),
        ({"reminders": {"default": []}}, "reminders.default is leeg"),
        ({"max_segments": 0}, "max_segments moet 1 of meer zijn"),
        ({"max_segments": True}, "max_segments moet een heel getal zijn, niet True"),
        ({"sms_price": "-1"}, "sms_price is '-1'; schrijf euro's per segment als \"0.09\""),
        ({"retention": {"texts": 6}}, "retention.texts moet 7 dagen of meer zijn"),
        ({"retention": {"teksten": 60}}, "retention.teksten is onbekend; staat de naam er goed?"),
        ({"caps": {"mass_per_dag": 1}}, "caps.mass_per_dag is onbekend; staat de naam er goed?"),
        ({"caps": {"mass_per_day": -1}}, "caps.mass_per_day moet een heel getal zijn, niet -1"),
        (
            {"caps": {"sms_euros_per_day": "veel"}},
            "caps.sms_euros_per_day is 'veel'; schrijf euro's per dag als \"1000\"",
        ),
        (
            {"programme": [{"weeks": 12, "activities": [7]}]},
            'programme[1].activities bevat 7; een tekst hoort tussen aanhalingstekens: "…"',
        ),
    ],
)
def test_a_fault_is_told_with_its_place(written, changes, fault):
    assert f"content/gemeente.yaml: {fault}" in faults(written(**changes))


def test_reminders_of_the_same_label_are_refused(written):
    """The label is part of the occasion: the second would never be sent."""
    plan = [{"before": "1d"}, {"before": "1d"}]

    assert ["content/gemeente.yaml: reminders.default noemt '1d' meer dan eens"] == faults(
        written(reminders={"default": plan})
    )


def test_an_unknown_name_is_answered_with_the_known_ones():
    assert [
        "GEMEENTE=nergens: daar is geen bestand voor in content/gemeenten/. "
        "Wel voor: leeuwarden, leiden."
    ] == faults(CONTENT, "nergens")


def test_a_name_cannot_leave_its_directory():
    assert faults(CONTENT, "../gemeente")[0].startswith("GEMEENTE=../gemeente: daar is geen")


def test_a_file_that_is_no_yaml_is_refused_by_line(tmp_path):
    directory = tmp_path / "content"
    directory.mkdir()
    (directory / "gemeente.yaml").write_text("name: [\nphone: x: y")

    told = "\n".join(faults(directory))
    assert told.startswith("content/gemeente.yaml is niet te lezen:")
    assert "line 2" in told


@pytest.mark.parametrize("text", ["", "Voorbeeldstad", "- Voorbeeldstad"])
def test_a_file_without_keys_is_refused(tmp_path, text):
    directory = tmp_path / "content"
    directory.mkdir()
    (directory / "gemeente.yaml").write_text(text)

    assert (
        "content/gemeente.yaml: het bestand moet uit regels 'sleutel: waarde' bestaan"
        == faults(directory)[0]
    )


def test_no_file_at_all_is_refused(tmp_path):
    assert faults(tmp_path / "content")[0].startswith("content/gemeente.yaml is niet te lezen:")
