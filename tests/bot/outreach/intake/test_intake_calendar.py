"""Calendars: each event once, moved and cancelled with it, repeated within bounds."""

from datetime import UTC, datetime

import pytest
from intake_desk import PEOPLE, doubts, refusals

from bot.models.afspraken import Afspraak
from bot.outreach.intake.reading import parse
from bot.outreach.intake.sheet import Unreadable

ZONE = "TZID=Europe/Amsterdam"
WHO = "X-STAP-PERSOON:P-1"


def event(*lines, uid="e1", start=f"DTSTART;{ZONE}:20261203T143000"):
    return "\n".join(
        ("BEGIN:VEVENT", f"UID:{uid}", *([start] if start else []), *lines, "END:VEVENT")
    )


def calendar(*events, method="PUBLISH"):
    return (
        "\r\n".join(
            ("BEGIN:VCALENDAR", "VERSION:2.0", f"METHOD:{method}", *events, "END:VCALENDAR", "")
        )
        .replace("\n", "\r\n")
        .replace("\r\r", "\r")
    )


@pytest.fixture
def desk(desk):
    desk.bring("people", PEOPLE)
    return desk


def planned(desk):
    """Return the moments, in December's Amsterdam minus one hour, of what is still planned."""
    return [f"{a.begins:%d-%m %H:%M}" for a in desk.all(Afspraak) if a.status == "gepland"]


def test_an_event_becomes_an_afspraak(desk):
    report = desk.bring(
        "afspraken",
        calendar(
            event(
                WHO,
                "DURATION:PT45M",
                "SUMMARY:Intake mevrouw S.",
                "CATEGORIES:intake",
                "LOCATION:Wijkcentrum\\, Voorbeeldstraat 12",
                "ORGANIZER;CN=Anna de Boer:mailto:anna@example.org",
                "SEQUENCE:2",
                "ATTACH:file:///etc/passwd",
            )
        ),
        "agenda.ics",
    )

    assert report.summary().startswith("1 afspraak gelezen: 1 nieuw")
    afspraak = desk.one(Afspraak, "e1")
    assert (afspraak.begins, afspraak.minutes) == (datetime(2026, 12, 3, 13, 30, tzinfo=UTC), 45)
    assert (afspraak.soort, afspraak.staff) == ("intake", "Anna de Boer")
    assert (afspraak.place, afspraak.address) == ("Wijkcentrum", "Voorbeeldstraat 12")
    assert (afspraak.person.kenmerk, afspraak.sequence) == ("P-1", 2)


@pytest.mark.parametrize(
    "who",
    [
        "X-STAP-PERSOON:P-1",
        "ATTENDEE;CN=P-1:mailto:x@example.org",
        "ATTENDEE;CN=Anna:mailto:a@example.org\nATTENDEE;CN=P-1:mailto:x@example.org",
        "DESCRIPTION:Neem mee: paspoort\\nPersoon: P-1\\nTot dan",
    ],
)
def test_whom_an_event_is_for_can_be_said_in_three_ways(desk, who):
    desk.bring("afspraken", calendar(event(who, "LOCATION:Ergens")))

    assert desk.one(Afspraak, "e1").person.kenmerk == "P-1"


@pytest.mark.parametrize(
    ("who", "said"),
    [
        ("SUMMARY:x", "X-STAP-PERSOON"),
        ("ATTENDEE;CN=Anna:mailto:a@example.org", "ATTENDEE"),
        (
            "ATTENDEE;CN=P-2:mailto:a@example.org\nATTENDEE;CN=P-1:mailto:x@example.org",
            "meer dan een",
        ),
        ("X-STAP-PERSOON:P-404", "onbekend"),
    ],
)
def test_an_event_for_nobody_we_know_is_refused_and_says_how_to_name_them(desk, who, said):
    [(row, column, reason)] = refusals(desk.bring("afspraken", calendar(event(who))))

    assert (row, column) == ("afspraak 1", "persoon")
    assert said in reason


@pytest.mark.parametrize(
    ("start", "hour"),
    [
        (f"DTSTART;{ZONE}:20261203T143000", "13:30"),
        ("DTSTART:20261203T143000", "13:30"),
        ("DTSTART:20261203T143000Z", "14:30"),
        ("DTSTART;TZID=W. Europe Standard Time:20261203T143000", "13:30"),
        ("DTSTART;TZID=America/New_York:20261203T143000", "19:30"),
    ],
)
def test_a_start_is_told_by_its_own_clock(desk, start, hour):
    """Outlook has names of its own for zones; no zone means the clock on our wall."""
    desk.bring("afspraken", calendar(event(WHO, start=start)))

    assert planned(desk) == [f"03-12 {hour}"]


def test_a_zone_that_lies_about_amsterdam_is_not_believed(desk):
    lie = "\n".join(
        (
            "BEGIN:VTIMEZONE",
            "TZID:Europe/Amsterdam",
            "BEGIN:STANDARD",
            "DTSTART:19700101T000000",
            "TZOFFSETFROM:+0100",
            "TZOFFSETTO:+1200",
            "RRULE:FREQ=SECONDLY",
            "END:STANDARD",
            "END:VTIMEZONE",
        )
    )
    desk.bring("afspraken", calendar(lie, event(WHO)))

    assert planned(desk) == ["03-12 13:30"]


@pytest.mark.parametrize(
    ("lines", "minutes"),
    [
        ((), 60),
        (("DURATION:PT90M",), 90),
        (("DURATION:lang",), 60),
        ((f"DTEND;{ZONE}:20261203T151500",), 45),
        (("DTEND:20261331T151500",), 60),
        (("SEQUENCE:nieuw", "STATUS:", "ORGANIZER:", "CATEGORIES:"), 60),
    ],
)
def test_what_an_event_says_badly_is_as_if_it_was_not_said(desk, lines, minutes):
    desk.bring("afspraken", calendar(event(WHO, *lines)))

    assert desk.one(Afspraak, "e1").minutes == minutes


@pytest.mark.parametrize(
    ("start", "said"),
    [
        ("", "ontbreekt"),
        ("DTSTART;VALUE=DATE:20261203", "hele dag"),
        ("DTSTART:20261131T143000", "datum en tijd die bestaat"),
        ("DTSTART:100001203T143000", "datum en tijd die bestaat"),
        ("DTSTART;TZID=Mars/Olympus:20261203T143000", "Mars/Olympus"),
        ("DTSTART:20261203T143000\nDTSTART:20261204T143000", "twee keer"),
    ],
)
def test_an_event_without_a_start_that_one_can_come_to_is_refused(desk, start, said):
    [(_, column, reason), *_] = refusals(desk.bring("afspraken", calendar(event(WHO, start=start))))

    assert column == "begin"
    assert said in reason


def test_an_older_version_changes_nothing(desk):
    """Calendars arrive by mail, and mail overtakes mail."""
    later = f"DTSTART;{ZONE}:20261203T160000"
    desk.bring("afspraken", calendar(event(WHO, "SEQUENCE:3", start=later)))
    report = desk.bring("afspraken", calendar(event(WHO, "SEQUENCE:2")))

    assert report.counts == {"unchanged": 1}
    assert planned(desk) == ["03-12 15:00"]


def test_of_two_versions_in_one_file_the_newest_counts(desk):
    later = f"DTSTART;{ZONE}:20261203T160000"
    report = desk.bring(
        "afspraken", calendar(event(WHO, "SEQUENCE:3", start=later), event(WHO, "SEQUENCE:2"))
    )

    assert report.counts == {"new": 1}
    assert planned(desk) == ["03-12 15:00"]


@pytest.mark.parametrize(("lines", "method"), [(("STATUS:CANCELLED",), "PUBLISH"), ((), "CANCEL")])
def test_a_cancelled_event_is_cancelled(desk, lines, method):
    """Outlook's cancellation often leaves out whom it was for."""
    desk.bring("afspraken", calendar(event(WHO)))
    report = desk.bring("afspraken", calendar(event(*lines, "SEQUENCE:1"), method=method))

    assert report.counts == {"cancelled": 1}
    assert planned(desk) == []


# ------------------------------------------------------------------ repeated events

WEEKLY = "RRULE:FREQ=WEEKLY;COUNT=3"
IN_AMSTERDAM = {"e1/20261203T1330Z", "e1/20261210T1330Z", "e1/20261217T1330Z"}


def test_every_time_of_a_repeated_event_is_an_afspraak_of_its_own(desk):
    report = desk.bring("afspraken", calendar(event(WHO, WEEKLY)))
    again = desk.bring("afspraken", calendar(event(WHO, WEEKLY)))

    assert [report.counts, again.counts] == [{"new": 3}, {"unchanged": 3}]
    assert {a.kenmerk for a in desk.all(Afspraak)} == IN_AMSTERDAM


def test_a_repeated_event_keeps_its_time_when_the_clocks_change(desk):
    desk.bring(
        "afspraken",
        calendar(event(WHO, "RRULE:FREQ=WEEKLY;COUNT=2", start=f"DTSTART;{ZONE}:20270325T143000")),
    )

    assert planned(desk) == ["25-03 13:30", "01-04 12:30"]


def test_one_time_of_a_repeated_event_can_move_be_left_out_and_be_cancelled(desk):
    desk.bring("afspraken", calendar(event(WHO, WEEKLY)))
    moved = event(
        WHO, f"RECURRENCE-ID;{ZONE}:20261210T143000", start=f"DTSTART;{ZONE}:20261211T100000"
    )
    report = desk.bring(
        "afspraken", calendar(event(WHO, WEEKLY, f"EXDATE;{ZONE}:20261203T143000"), moved)
    )

    assert planned(desk) == ["11-12 09:00", "17-12 13:30"]
    assert report.counts == {"changed": 1, "unchanged": 1}
    assert report.notes == ["1 keer van een herhaalde afspraak is vervallen."]

    gone = event(f"RECURRENCE-ID;{ZONE}:20261217T143000", start=f"DTSTART;{ZONE}:20261217T143000")
    desk.bring("afspraken", calendar(gone, method="CANCEL"))
    assert planned(desk) == ["11-12 09:00"]


def test_a_series_that_moves_leaves_nothing_of_the_old_one(desk):
    """Else somebody is reminded of Thursday and of Friday."""
    desk.bring("afspraken", calendar(event(WHO, WEEKLY)))
    desk.bring(
        "afspraken",
        calendar(event(WHO, WEEKLY, "SEQUENCE:1", start=f"DTSTART;{ZONE}:20261204T143000")),
    )

    assert planned(desk) == ["04-12 13:30", "11-12 13:30", "18-12 13:30"]


def test_a_series_that_is_cancelled_is_cancelled_whole(desk):
    desk.bring("afspraken", calendar(event(WHO, WEEKLY)))
    desk.bring("afspraken", calendar(event(WHO, WEEKLY, "SEQUENCE:1"), method="CANCEL"))

    assert planned(desk) == []


def test_an_older_series_cancels_nothing_of_a_newer_one(desk):
    desk.bring("afspraken", calendar(event(WHO, WEEKLY, "SEQUENCE:5")))
    desk.bring("afspraken", calendar(event(WHO, "RRULE:FREQ=WEEKLY;COUNT=1", "SEQUENCE:4")))

    assert len(planned(desk)) == 3


def test_a_series_touches_no_afspraak_that_only_looks_like_its_own(desk):
    desk.bring("afspraken", "kenmerk;persoon;begin;plaats\ne1/b;P-2;4-12-2026 10:00;Ergens\n")
    desk.bring("afspraken", calendar(event(WHO, WEEKLY)))

    assert "04-12 09:00" in planned(desk)


def test_a_series_without_end_is_read_for_a_year(desk):
    report = desk.bring("afspraken", calendar(event(WHO, "RRULE:FREQ=WEEKLY", "LOCATION:x")))

    assert report.counts == {"new": 48}
    assert [(r, c) for r, c, _ in doubts(report)] == [("afspraak 1", "herhaling")]


def test_times_that_have_been_are_left_alone(desk):
    start = f"DTSTART;{ZONE}:20250103T143000"
    report = desk.bring("afspraken", calendar(event(WHO, "RRULE:FREQ=WEEKLY;COUNT=3", start=start)))

    assert report.notes == ["Afspraak 1: alle keren zijn al geweest."]
    assert desk.all(Afspraak) == []


@pytest.mark.parametrize(
    "rule",
    [
        "RRULE:FREQ=SECONDLY",
        "RRULE:FREQ=DAILY;COUNT=1000000000",
        "RRULE:FREQ=DAILY;UNTIL=99991231T000000Z",
        "RRULE:FREQ=DAILY;INTERVAL=0;COUNT=5",
        "RRULE:FREQ=YEARLY;BYHOUR=1,2,3;BYMINUTE=1,2,3",
        "RRULE:FREQ=DAILY;COUNT=3\nEXRULE:FREQ=SECONDLY",
        "RRULE:FREQ=DAILY;COUNT=3\nRRULE:FREQ=WEEKLY;COUNT=3",
        "RRULE:FREQ=FORTNIGHTLY",
        "RDATE:" + ",".join(f"202701{d:02}T{h:02}0000Z" for d in range(1, 31) for h in range(9)),
    ],
)
def test_a_repetition_that_nobody_can_come_to_is_refused_alone(desk, rule):
    good = event(WHO, "LOCATION:x", uid="good")
    report = desk.bring("afspraken", calendar(event(WHO, rule), good))

    assert [(r, c) for r, c, _ in refusals(report)] == [("afspraak 1", "herhaling")]
    assert [a.kenmerk for a in desk.all(Afspraak)] == ["good"]


# ------------------------------------------------------------------ hostile calendars


@pytest.mark.parametrize(
    "file",
    [
        calendar(event(WHO, "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;COUNT=1")),
        "BEGIN:VCALENDAR\r\n" + "BEGIN:X\r\n" * 300_000,
        "BEGIN:VCALENDAR\r\n" + "BEGIN:VEVENT\r\n" * 1_900,
        "BEGIN:VCALENDAR\r\nfoo\r\nEND:VCALENDAR\r\n",
        "BEGIN:VCALENDAR\r\n",
        calendar(),
        calendar(*[event(uid=str(n), start="") for n in range(20_000)]),
    ],
    ids=["never", "deep", "nested", "junk", "unfinished", "empty", "many"],
)
@pytest.mark.usefixtures("now")
def test_a_calendar_that_asks_too_much_is_refused(file):
    with pytest.raises(Unreadable, match=r"agenda"):
        parse(file.encode(), "afspraken", "a.ics")


def test_what_is_attached_is_not_looked_at(desk):
    attached = "ATTACH;ENCODING=BASE64;VALUE=BINARY:" + "QUJD\r\n " * 500_000
    desk.bring("afspraken", calendar(event(WHO, attached)))

    assert planned(desk) == ["03-12 13:30"]


@pytest.mark.usefixtures("now")
def test_a_calendar_holds_no_people():
    with pytest.raises(Unreadable, match="agenda"):
        parse(calendar(event()).encode(), "people", "a.ics")
