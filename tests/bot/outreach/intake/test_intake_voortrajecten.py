"""Voortrajecten and ambassadeurs of a file."""

from datetime import date

import pytest
from intake_desk import doubts, refusals

from bot.models.ambassadeurs import Ambassadeur
from bot.models.voortrajecten import Voortraject

HEADER = "kenmerk;thema;plaats;adres;dagen;begin;eind;start;weken;plekken;wachttijd\n"
ROW = "V-1;actief;Buurthuis De Brug;;ma en wo;9:30;12.00 uur;11-1-2027;26;12;\n"


def test_a_voortraject_is_stored_as_the_file_has_it(desk):
    report = desk.bring("voortrajecten", HEADER + ROW)

    assert report.counts == {"new": 1}
    assert doubts(report) == []
    voortraject = desk.one(Voortraject, "V-1")
    assert (voortraject.theme, voortraject.place) == ("Actief in de wijk", "Buurthuis De Brug")
    assert voortraject.address == "Brugstraat 4"
    assert (voortraject.days, voortraject.begins, voortraject.ends) == ("mo,we", "09:30", "12:00")
    assert (voortraject.starts, voortraject.weeks) == (date(2027, 1, 11), 26)
    assert (voortraject.seats, voortraject.offer_hours, voortraject.version) == (12, 48, 1)


def test_the_same_voortraject_again_is_no_version_and_a_change_is(desk):
    desk.bring("voortrajecten", HEADER + ROW)
    again = desk.bring("voortrajecten", HEADER + ROW)
    changed = desk.bring("voortrajecten", "kenmerk;plekken;eerste les\nV-1;14;13-1-2027\n")

    assert [again.counts, changed.counts] == [{"unchanged": 1}, {"changed": 1}]
    voortraject = desk.one(Voortraject, "V-1")
    assert (voortraject.seats, voortraject.version, voortraject.days) == (14, 2, "mo,we")


def test_a_voortraject_keeps_a_place_for_everyone_who_has_one(desk):
    desk.bring("voortrajecten", HEADER + ROW)
    desk.one(Voortraject, "V-1").taken = 8
    desk.session.commit()
    fewer = desk.bring("voortrajecten", "kenmerk;plekken\nV-1;7\n")
    enough = desk.bring("voortrajecten", "kenmerk;plekken\nV-1;8\n")

    assert refusals(fewer) == [("rij 2", "plekken", "er zijn al 8 plekken vergeven")]
    assert enough.counts == {"changed": 1}


@pytest.mark.parametrize(
    ("was", "becomes", "column"),
    [
        ("ma en wo", "ma en feestdag", "dagen"),
        ("9:30", "half tien", "begin"),
        ("12.00 uur", "08:00", "eind"),
        ("11-1-2027", "31-11-2026", "start"),
        ("11-1-2027", "11-1-2027 14:30", "start"),
        (";26;", ";een half jaar;", "weken"),
        (";12;", ";0;", "plekken"),
        (";12;", ";;", "plekken"),
        ("actief", "", "thema"),
        ("12;\n", "12;9999\n", "wachttijd"),
    ],
)
def test_a_voortraject_that_cannot_be_is_refused(desk, was, becomes, column):
    report = desk.bring("voortrajecten", HEADER + ROW.replace(was, becomes))

    assert [(r, c) for r, c, _ in refusals(report)] == [("rij 2", column)]
    assert desk.all(Voortraject) == []


def test_a_first_lesson_on_another_day_is_pointed_out(desk):
    report = desk.bring("voortrajecten", HEADER + ROW.replace("11-1-2027", "12-1-2027"))

    assert [column for _, column, _ in doubts(report)] == ["start"]


def test_an_ambassadeur_is_stored_and_updated(desk):
    header = "kenmerk;voornaam;telefoon;talen;wijk;huishouden\n"
    row = "M-1;Samira;0697000011;Arabisch, Frans en nl;oost;H-7\n"
    report = desk.bring("ambassadeurs", header + row)
    again = desk.bring("ambassadeurs", header + row)
    changed = desk.bring("ambassadeurs", "kenmerk;wijk\nM-1;Noord\n")

    assert [r.counts for r in (report, again, changed)] == [
        {"new": 1},
        {"unchanged": 1},
        {"changed": 1},
    ]
    samira = desk.one(Ambassadeur, "M-1")
    assert (samira.first_name, samira.phone) == ("Samira", "+31697000011")
    assert (samira.languages, samira.wijk, samira.household) == (["ar", "fr", "nl"], "Noord", "H-7")


def test_an_ambassadeur_needs_a_name_and_a_language_we_know(desk):
    report = desk.bring("ambassadeurs", "kenmerk;voornaam;talen\nM-1;;Elfs\nM-2;Ali;\n")

    assert [(r, c) for r, c, _ in refusals(report)] == [
        ("rij 2", "talen"),
        ("rij 2", "voornaam"),
        ("rij 3", "talen"),
    ]
