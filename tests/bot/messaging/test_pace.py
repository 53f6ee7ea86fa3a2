"""Evenly spaced, and in no sliding second more than the cap: whatever the loop does meanwhile."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.messaging.pace import EASE, GUARD, Pace, Place


class Clock(Pace):
    """A pace on a clock of its own."""

    now = 0.0

    def clock(self) -> float:  # type: ignore[override]
        return self.now


def play(pace: Clock, steps) -> list[tuple[float, int]]:
    """Take turns; each step is (rest before it, how late it is given, how late it leaves, turns).

    Returns when each left, and with how many turns.
    """
    left = []
    for rest, late, leaving, turns in steps:
        pace.now += rest
        while (wait := pace.wait(turns)) > 0:
            pace.now += wait + late
        place = pace.take(turns)
        pace.now += leaving
        place.left()
        left.append((pace.now, turns))
    return left


def busiest(left, second: float = 1.0) -> int:
    """Return the most turns that left within any one second."""
    most = first = inside = 0
    for moment, turns in left:
        inside += turns
        while moment - left[first][0] >= second:
            inside -= left[first][1]
            first += 1
        most = max(most, inside)
    return most


CAPS = st.sampled_from([0.5, 1, 2.5, 10, 30, 80, 400])
SECONDS = st.sampled_from([0.0, 0.0, 0.0, 0.0005, 0.003, 0.02, 0.15, 0.7, 3.0])


@settings(max_examples=200, deadline=None)
@given(
    cap=CAPS,
    steps=st.lists(st.tuples(SECONDS, SECONDS, SECONDS, st.integers(1, 7)), max_size=60),
    times=st.integers(1, 20),
)
def test_no_sliding_second_holds_more_than_the_cap(cap, steps, times):
    """A loop that stood still, a text of many parts, a rest: none of them makes a readers."""
    whole = max(1, math.floor(cap))
    steps = [(*step[:3], min(step[3], whole)) for step in steps] * times
    left = play(Clock(cap), steps)

    assert busiest(left) <= whole
    # Also at a receiver whose clock is a little off.
    assert busiest(left, 1 + GUARD - 1e-9) <= whole


@settings(max_examples=200, deadline=None)
@given(cap=CAPS, leaving=st.lists(st.tuples(SECONDS, st.integers(1, 7)), min_size=1, max_size=60))
def test_calls_that_wait_for_their_connection_are_not_too_many_once_they_all_have_it(cap, leaving):
    """Each leaves after a time of its own, while others are begun; none before it is counted."""
    pace, whole = Clock(cap), max(1, math.floor(cap))
    under_way: list[tuple[float, int, Place]] = []
    left: list[tuple[float, int]] = []

    def on(until: float) -> None:
        for at, turns, place in sorted(under_way, key=lambda each: each[0]):
            if at <= until:
                pace.now = max(pace.now, at)
                place.left()
                left.append((pace.now, turns))
                under_way.remove((at, turns, place))
        pace.now = max(pace.now, until)

    for late, turns in leaving * 8:
        parts = min(turns, whole)
        while (wait := pace.wait(parts)) > 0:
            on(pace.now + wait)
        under_way.append((pace.now + late, parts, pace.take(parts)))
    on(math.inf)

    assert len(left) == len(leaving) * 8
    assert busiest(left, 1 + GUARD - 1e-9) <= whole


def test_what_left_counts_once_however_often_that_is_told():
    pace = Clock(10)
    place = pace.take(2)
    place.left()
    pace.now += 0.5
    place.left()

    assert [0.0, 0.0] == list(pace.given)


@pytest.mark.parametrize("cap", [1, 2.5, 10])
def test_what_is_more_than_a_second_of_the_cap_goes_alone(cap):
    whole = math.floor(cap)
    left = play(Clock(cap), [(0, 0, 0, n) for n in (1, 40, 1, 1)])
    before, alone, after, _ = [moment for moment, _ in left]

    assert alone - before >= 1 or whole == 1
    assert after - alone >= 40 / cap


@pytest.mark.parametrize("cap", [1, 10, 30, 80, 400, 1000])
@pytest.mark.parametrize("late", [0, 0.0004, 0.0012])
def test_it_reaches_98_percent_of_the_cap_with_timers_that_come_late(cap, late):
    left = play(Clock(cap), [(0, late, 0.0005, 1)] * (cap * 20 + 1))

    assert cap * 20 / (left[-1][0] - left[0][0]) >= 0.98 * cap


@pytest.mark.parametrize("cap", [10, 30, 80, 400])
def test_turns_are_evenly_spaced(cap):
    left = [moment for moment, _ in play(Clock(cap), [(0, 0, 0, 1)] * 200)]
    gaps = [after - before for before, after in pairwise(left)]

    assert min(gaps) == pytest.approx(max(gaps))
    assert 1 / cap < gaps[0] < 1.02 / cap


def test_small_delays_cost_no_pace():
    """Now and then a transaction holds the interpreter: the turns after it make up for that."""
    steps = [(0.015 if n % 8 == 0 else 0, 0.0005, 0.0005, 1) for n in range(1600)]
    left = play(Clock(80), steps)

    assert 1599 / (left[-1][0] - left[0][0]) >= 0.98 * 80
    assert busiest(left) <= 80


def test_after_a_rest_it_begins_as_evenly_as_at_first():
    left = [
        moment for moment, _ in play(Clock(80), [(0, 0, 0, 1), (60, 0, 0, 1), *[(0, 0, 0, 1)] * 8])
    ]

    assert left[-1] - left[1] == pytest.approx(8 / (80 * EASE), rel=0.01)


def test_a_text_of_three_parts_takes_three_turns():
    once = play(Clock(12), [(0, 0, 0, 3)] * 20)
    single = play(Clock(12), [(0, 0, 0, 1)] * 60)

    assert once[-1][0] == pytest.approx(single[-3][0], abs=0.01)
