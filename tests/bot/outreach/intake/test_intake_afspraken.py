"""Afspraken of a file: read as written, moved and cancelled as versions, never guessed."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from intake_desk import PEOPLE, doubts, refusals

from bot import moments
from bot.models.afspraken import Afspraak
from bot.outreach.intake import when

HEADER = "kenmerk;persoon;begin;duur;soort;plaats;adres;medewerker;status\n"
HALF_PAST_TWO = datetime(2026, 12, 3, 13, 30, tzinfo=UTC)


@pytest.fixture
def desk(desk):
    desk.bring("people", PEOPLE)
    return desk


def test_an_afspraak_is_stored_as_the_file_has_it(desk):
    report = desk.bring(
        "afspraken", HEADER + "A-1;P-1;2026-12-03 14:30;45;intake;Ergens;Straat 1;Anna;gepland\n"
    )

    assert report.summary() == "1 rij gelezen: 1 nieuw, 0 gewijzigd, 0 ongewijzigd, 0 geweigerd."
    afspraak = desk.one(Afspraak, "A-1")
    assert (afspraak.begins, afspraak.minutes, afspraak.soort) == (HALF_PAST_TWO, 45, "intake")
    assert (afspraak.place, afspraak.address, afspraak.staff) == ("Ergens", "Straat 1", "Anna")
    assert (afspraak.status, afspraak.version, afspraak.person.kenmerk) == ("gepland", 1, "P-1")


def test_the_same_file_again_changes_nothing_and_a_move_is_a_version(desk):
    row = "A-1;P-1;3-12-2026 14:30;;;Wijkcentrum;;;\n"
    desk.bring("afspraken", HEADER + row)
    again = desk.bring("afspraken", HEADER + row)
    moved = desk.bring("afspraken", HEADER + row.replace("14:30", "15:30"))
    cancelled = desk.bring("afspraken", "kenmerk;status\nA-1;afgezegd\n")

    assert [again.counts, moved.counts, cancelled.counts] == [
        {"unchanged": 1},
        {"changed": 1},
        {"cancelled": 1},
    ]
    assert cancelled.summary().startswith("1 rij gelezen: 0 nieuw, 0 gewijzigd, 1 afgezegd")
    afspraak = desk.one(Afspraak, "A-1")
    assert (afspraak.version, afspraak.status) == (3, "afgezegd")
    assert afspraak.begins == HALF_PAST_TWO + timedelta(hours=1)


def test_a_place_of_the_gemeente_brings_its_address_along(desk):
    desk.bring("afspraken", HEADER + "A-1;P-1;3-12-2026 14:30;;;buurthuis de brug;;;\n")

    afspraak = desk.one(Afspraak, "A-1")
    assert (afspraak.place, afspraak.address) == ("Buurthuis De Brug", "Brugstraat 4")
    assert (afspraak.minutes, afspraak.soort, afspraak.staff) == (60, None, None)


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        ("begin", "2026-12-03 14:30"),
        ("begin", "2026-12-03T14:30:00"),
        ("begin", "2026-12-03T14:30:00+01:00"),
        ("begin", "2026-12-03T13:30:00Z"),
        ("begin", "2026-12-03 13:30+00:00"),
        ("begin", "3-12-2026 14:30"),
        ("begin", "03/12/2026 14.30"),
        ("begin", "3.12.2026 14u30"),
        ("begin", "do 3 december 2026 om 14:30 uur"),
        ("begin", "Donderdag 3-dec-2026, 14:30"),
        ("Datum;Tijd", "03-12-2026;14:30"),
        ("tijd;datum", "14:30:00;3 dec 2026"),
        ("startdatum;begintijd", "2026-12-03;14:30"),
        ("datum;begin", "3-12-2026;14:30"),
        ("datum;tijd", "3-12-2026 00:00;14:30"),
        ("begin;datum", "3-12-2026 14:30;3-12-2026"),
    ],
)
def test_a_start_is_read_in_every_way_that_people_write_it(desk, header, cells):
    desk.bring("afspraken", f"kenmerk;persoon;plaats;{header}\nA-1;P-1;Wijkcentrum;{cells}\n")

    assert desk.one(Afspraak, "A-1").begins == HALF_PAST_TWO


@pytest.mark.parametrize(
    ("begin", "said"),
    [
        ("31-11-2026 14:30", "bestaat niet op de kalender"),
        ("29-2-2027 14:30", "bestaat niet op de kalender"),
        ("12/31/2026 14:30", "eerst de dag"),
        ("3-12-26 14:30", "vier cijfers"),
        ("3-12-2026", "tijd ontbreekt"),
        ("3-12-2026 25:00", "tijd bestaat niet"),
        ("3-12-2026 14:30-15:30", "geen tijd"),
        ("2026-12-03 09:00-10:00", "geen tijd"),
        ("2026-13-03 09:00", "eerst de dag|geen maand"),
        ("46359,604", "Excel"),
        ("morgen", "geen datum"),
        ("3-12-0026 14:30", "jaartal"),
        ("3-12-2206 14:30", "jaartal"),
        ("3 brumaire 2026 14:30", "geen maand"),
        ("", "vul het in"),
    ],
)
def test_a_start_that_is_not_there_is_refused(desk, begin, said):
    report = desk.bring("afspraken", HEADER + f"A-1;P-1;{begin};;;Wijkcentrum;;;\n")

    [(row, column, reason)] = refusals(report)
    assert (row, column) == ("rij 2", "begin")
    assert any(part in reason for part in said.split("|"))


@given(st.datetimes(datetime(2026, 1, 1), datetime(2099, 12, 31)))
def test_however_a_moment_is_written_it_is_the_same_moment(naive):
    naive = naive.replace(second=0, microsecond=0)
    utc = moments.from_local(naive)
    texts = [
        f"{naive:%Y-%m-%d %H:%M}",
        f"{naive.day}-{naive.month}-{naive.year} {naive.hour}:{naive.minute:02}",
        f"{naive:%d/%m/%Y %H.%M}",
        moments.local(utc).isoformat(),
        utc.isoformat(),
    ]

    assert {utc} == {when.moment(text)[0] for text in texts}


@pytest.mark.parametrize(
    ("row", "column", "said"),
    [
        ("A-1;P-1;1-11-2026 14:30;;;Wijkcentrum;;;", "begin", "al geweest"),
        ("A-1;P-1;1-11-2030 14:30;;;Wijkcentrum;;;", "begin", "twee jaar"),
        ("A-1;P-1;28-3-2027 02:30;;;Wijkcentrum;;;", "begin", "03:30"),
        ("A-1;P-1;3-12-2026 14:30;;;;;;", "plaats", "zonder plaats"),
    ],
)
def test_what_is_odd_is_taken_and_pointed_out(desk, row, column, said):
    report = desk.bring("afspraken", HEADER + row + "\n")

    assert report.counts == {"new": 1}
    [(_, doubted, reason)] = doubts(report)
    assert doubted == column
    assert said in reason


def test_an_afspraak_by_telephone_needs_no_place(desk):
    report = desk.bring("afspraken", HEADER + "A-1;P-1;3-12-2026 14:30;;Telefonisch;;;;\n")

    assert doubts(report) == []


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ("A-1;P-404;3-12-2026 14:30;;;x;;;", "persoon"),
        ("A-1;;3-12-2026 14:30;;;x;;;", "persoon"),
        (";P-1;3-12-2026 14:30;;;x;;;", "kenmerk"),
        ("A-1;P-1;3-12-2026 14:30;lang;;x;;;", "duur"),
        ("A-1;P-1;3-12-2026 14:30;0;;x;;;", "duur"),
        ("A-1;P-1;3-12-2026 14:30;;;x;;;misschien", "status"),
        ("A-1;P-1;3-12-2026 14:30;;;x;#N/B;;", "adres"),
    ],
)
def test_what_cannot_be_is_refused(desk, row, column):
    report = desk.bring("afspraken", HEADER + row + "\n")

    assert [(r, c) for r, c, _ in refusals(report)] == [("rij 2", column)]
    assert desk.all(Afspraak) == []


@pytest.mark.parametrize(
    ("text", "minutes"), [("60", 60), ("45 min", 45), ("1:30", 90), ("1,5 uur", 90), ("60.0", 60)]
)
def test_a_length_is_read_as_people_write_it(text, minutes):
    assert when.minutes(text) == minutes


def test_an_afspraak_does_not_pass_to_somebody_else(desk):
    """A column that was sorted by itself would tell one person of another's afspraak."""
    desk.bring("afspraken", HEADER + "A-1;P-1;3-12-2026 14:30;;;Wijkcentrum;;;\n")
    report = desk.bring("afspraken", HEADER + "A-1;P-2;3-12-2026 14:30;;;Wijkcentrum;;;\n")

    assert [column for _, column, _ in refusals(report)] == ["persoon"]
    assert desk.one(Afspraak, "A-1").person.kenmerk == "P-1"


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("ma, wo", "mo,we"),
        ("Woensdag en maandag", "mo,we"),
        ("di/do", "tu,th"),
        ("zo + za", "sa,su"),
    ],
)
def test_days_of_the_week_are_read_monday_first(text, days):
    assert when.weekdays(text) == days
