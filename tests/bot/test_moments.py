"""The clock, the one time zone, and the hours of rest."""

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import moments
from bot.moments import QuietHours, first_tuesday_ten, from_local, local

NIGHT_AND_SUNDAY = QuietHours.parse("20:00-09:00,sunday")

MOMENTS = st.datetimes(
    datetime.fromisoformat("2026-01-01"),
    datetime.fromisoformat("2028-01-01"),
    timezones=st.just(UTC),
)
CHANGES = st.one_of(
    st.datetimes(
        datetime.fromisoformat("2026-10-24"),
        datetime.fromisoformat("2026-10-27"),
        timezones=st.just(UTC),
    ),
    st.datetimes(
        datetime.fromisoformat("2027-03-27"),
        datetime.fromisoformat("2027-03-30"),
        timezones=st.just(UTC),
    ),
)
"""Both nights on which the clocks change, and the days around them."""

CLOCKS = st.times().map(lambda wall: wall.replace(second=0, microsecond=0))
PERIODS = st.tuples(CLOCKS, CLOCKS).filter(lambda period: period[0] != period[1])


@st.composite
def quiet_hours(draw):
    """Any rest that staff can write down: one period and up to six days."""
    start, end = draw(PERIODS)
    days = draw(st.sets(st.sampled_from(("ma", "di", "wo", "do", "vr", "za", "zo")), max_size=6))
    return QuietHours.parse(",".join([f"{start:%H:%M}-{end:%H:%M}", *sorted(days)]))


def at(text):
    """The UTC moment at which the clocks of Amsterdam show *text*."""
    return from_local(datetime.fromisoformat(text))


@pytest.fixture
def practice():
    """Leave the clock as it was found."""
    yield moments.set_practice_offset
    moments.set_practice_offset(timedelta())


def test_now_is_in_utc():
    assert timedelta() == moments.now().utcoffset()


def test_practice_time_runs_ahead_by_its_offset(practice):
    practice(timedelta(days=3))

    assert timedelta(days=3) == moments.practice_offset()
    ahead = moments.now() - datetime.now(UTC)
    assert timedelta(days=3) - timedelta(seconds=5) < ahead <= timedelta(days=3)


def test_a_moment_without_a_time_zone_is_refused():
    """Python would read it as the time of the machine, which may be anywhere."""
    with pytest.raises(ValueError, match="needs a time zone"):
        local(datetime.fromisoformat("2026-12-03 14:30"))


def test_local_time_with_a_time_zone_is_refused():
    with pytest.raises(ValueError, match="must have no time zone"):
        from_local(datetime(2026, 12, 3, 14, 30, tzinfo=UTC))


@pytest.mark.parametrize(
    ("wall", "moment"),
    [
        ("2026-12-03 14:30", "2026-12-03T13:30+00:00"),
        ("2026-07-01 09:00", "2026-07-01T07:00+00:00"),
        ("2027-03-28 01:59", "2027-03-28T00:59+00:00"),
        ("2027-03-28 02:30", "2027-03-28T01:30+00:00"),  # not on the clock: 03:30
        ("2026-10-25 02:30", "2026-10-25T00:30+00:00"),  # twice on the clock: the first
        ("2026-10-25 03:00", "2026-10-25T02:00+00:00"),
    ],
)
def test_a_time_on_the_wall_is_one_moment(wall, moment):
    assert datetime.fromisoformat(moment) == from_local(datetime.fromisoformat(wall))


def test_a_skipped_time_moves_an_hour_forward():
    assert "03:30" == local(at("2027-03-28 02:30")).strftime("%H:%M")


def test_a_repeated_time_is_the_first_one_whatever_its_fold():
    twice = datetime.fromisoformat("2026-10-25 02:30")

    assert from_local(twice) == from_local(twice.replace(fold=1))


@given(MOMENTS | CHANGES)
def test_the_clock_on_the_wall_reads_back(moment):
    """Except in the second of the two equal hours of the autumn night."""
    wall = local(moment)

    expected = moment - timedelta(hours=1) if wall.fold else moment
    assert expected == from_local(wall.replace(tzinfo=None, fold=0))


@pytest.mark.parametrize(
    ("after", "start"),
    [
        ("2026-11-21 12:00", "2026-11-24 10:00"),
        ("2026-11-24 09:59", "2026-11-24 10:00"),
        ("2026-11-24 10:00", "2026-12-01 10:00"),
        ("2026-11-24 10:01", "2026-12-01 10:00"),
        ("2026-10-24 12:00", "2026-10-27 10:00"),
        ("2026-12-29 23:00", "2027-01-05 10:00"),
    ],
)
def test_practice_starts_on_the_first_tuesday_at_ten(after, start):
    assert at(start) == first_tuesday_ten(at(after))


@pytest.mark.parametrize("text", ["", "   "])
def test_without_a_rule_nothing_is_quiet(text):
    assert QuietHours() == QuietHours.parse(text)
    assert not QuietHours.parse(text).is_quiet(at("2026-11-22 03:00"))


@pytest.mark.parametrize(
    "text",
    [
        "20:00-09:00,sunday",
        "20:00-09:00 + zondag",
        "Zondag, 20:00 - 9:00",
        "zo,20:00-09:00",
        "20:00-24:00,00:00-09:00,sun",
    ],
)
def test_every_spelling_of_rest_means_the_same(text):
    quiet = QuietHours.parse(text)

    for hour in range(7 * 24):
        moment = at("2026-11-23 00:00") + timedelta(hours=hour)
        assert NIGHT_AND_SUNDAY.is_quiet(moment) == quiet.is_quiet(moment)


def test_several_days_rest():
    quiet = QuietHours.parse("zaterdag,zondag")

    assert (frozenset({5, 6}), ()) == (quiet.weekdays, quiet.periods)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("nachts", "'nachts' is geen periode"),
        ("20:00", "'20:00' is geen periode"),
        ("20:00-09:00,", "'' is geen periode"),
        ("25:00-09:00", "'25:00-09:00' is geen tijd van de dag"),
        ("20:00-09:61", "'20:00-09:61' is geen tijd van de dag"),
        ("24:00-09:00", "'24:00-09:00' is geen tijd van de dag"),
        ("09:00-09:00", "begint en eindigt op hetzelfde moment"),
        ("00:00-24:00", "begint en eindigt op hetzelfde moment"),
        ("08:00-20:00,20:00-08:00", "altijd stil"),
        ("ma,di,wo,do,vr,za,zo", "altijd stil"),
    ],
)
def test_nonsense_is_refused_in_dutch(text, says):
    with pytest.raises(ValueError, match="stille uren") as refusal:
        QuietHours.parse(text)

    assert says in str(refusal.value)


@pytest.mark.parametrize(
    ("moment", "last", "following"),
    [
        # open: the moment itself
        ("2026-12-03 09:00", "2026-12-03 09:00", "2026-12-03 09:00"),
        ("2026-12-03 19:59", "2026-12-03 19:59", "2026-12-03 19:59"),
        # an evening, a night, an early morning
        ("2026-12-03 20:00", "2026-12-03 19:45", "2026-12-04 09:00"),
        ("2026-12-04 00:00", "2026-12-03 19:45", "2026-12-04 09:00"),
        ("2026-12-04 08:59", "2026-12-03 19:45", "2026-12-04 09:00"),
        # Saturday evening until Monday morning is one long rest
        ("2026-12-05 20:00", "2026-12-05 19:45", "2026-12-07 09:00"),
        ("2026-12-06 12:00", "2026-12-05 19:45", "2026-12-07 09:00"),
        ("2026-12-07 08:59", "2026-12-05 19:45", "2026-12-07 09:00"),
        # the Sundays on which the clocks change
        ("2026-10-25 02:30", "2026-10-24 19:45", "2026-10-26 09:00"),
        ("2027-03-28 03:00", "2027-03-27 19:45", "2027-03-29 09:00"),
    ],
)
def test_rest_is_left_on_either_side(moment, last, following):
    assert at(last) == NIGHT_AND_SUNDAY.last_open(at(moment))
    assert at(following) == NIGHT_AND_SUNDAY.next_open(at(moment))


def test_open_hours_shorter_than_the_margin_are_used_from_their_beginning():
    quiet = QuietHours.parse("09:05-09:00")

    assert at("2026-12-03 09:00") == quiet.last_open(at("2026-12-03 12:00"))


def test_the_margin_reaches_back_over_midnight():
    quiet = QuietHours.parse("00:05-06:00")

    assert at("2026-12-02 23:50") == quiet.last_open(at("2026-12-03 01:00"))


def test_rest_whose_end_is_skipped_ends_when_the_clocks_go_forward():
    """At 02:00 the clock says 03:00: there is no 02:30 to wait for."""
    quiet = QuietHours.parse("01:00-02:30")

    assert at("2027-03-28 03:00") == quiet.next_open(at("2027-03-28 01:30"))


def test_rest_told_twice_holds_twice():
    """On the autumn night the clock says 02:00 again, an hour after the rest first ended."""
    quiet = QuietHours.parse("01:00-02:30")
    first = at("2026-10-25 02:15")
    again = first + timedelta(hours=1)

    assert first + timedelta(minutes=15) == quiet.next_open(first)
    assert again + timedelta(minutes=15) == quiet.next_open(again)
    assert again - timedelta(minutes=30) == quiet.last_open(again)


def test_going_back_an_hour_can_open_the_hours_of_rest():
    quiet = QuietHours.parse("02:30-05:00")
    resting = at("2026-10-25 02:45")

    assert resting + timedelta(minutes=15) == quiet.next_open(resting)


def test_an_open_hour_that_is_skipped_is_waited_for_a_week():
    """Only open on Sundays from two to three, which that one Sunday does not have."""
    quiet = QuietHours.parse("03:00-02:00,ma,di,wo,do,vr,za")

    assert at("2027-04-04 02:00") == quiet.next_open(at("2027-03-26 12:00"))
    assert at("2027-03-21 02:45") == quiet.last_open(at("2027-04-01 12:00"))


@given(quiet_hours(), MOMENTS | CHANGES)
def test_what_is_found_is_open_and_on_its_side(quiet, moment):
    before, after = quiet.last_open(moment), quiet.next_open(moment)

    assert before <= moment <= after
    assert not quiet.is_quiet(before)
    assert not quiet.is_quiet(after)
    assert (before == moment == after) or quiet.is_quiet(moment)


@given(quiet_hours(), CHANGES, st.integers(0, 7 * 24 * 60))
def test_no_moment_nearer_is_open(quiet, moment, minutes):
    """Whatever minute of a week one tries between: all of it is rest, up to the margin."""
    tried = moment + timedelta(minutes=minutes)
    if tried < quiet.next_open(moment) and tried >= moment:
        assert quiet.is_quiet(tried)

    tried = moment - timedelta(minutes=minutes)
    if tried > quiet.last_open(moment) + moments.MARGIN:
        assert quiet.is_quiet(tried)


@given(PERIODS)
def test_a_period_holds_its_first_minute_and_not_its_last(period):
    start, end = period
    quiet = QuietHours.parse(f"{start:%H:%M}-{end:%H:%M}")
    day = datetime.fromisoformat("2026-12-03")

    assert quiet.is_quiet(from_local(datetime.combine(day, start)))
    assert not quiet.is_quiet(from_local(datetime.combine(day, end)))


def test_a_day_of_rest_begins_and_ends_at_midnight():
    quiet = QuietHours.parse("zondag")

    assert at("2026-12-05 23:45") == quiet.last_open(at("2026-12-06 00:00"))
    assert at("2026-12-07 00:00") == quiet.next_open(at("2026-12-06 00:00"))
    assert time(0) == local(quiet.next_open(at("2026-10-25 02:30"))).time()
