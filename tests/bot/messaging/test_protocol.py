"""The send protocol, played through: every race there is in small, and long runs at random.

What is played is in `proof`; docs/reliability.md says what it shows. `PROOF=nightly` in the
environment plays much longer.
"""

from __future__ import annotations

import os
from datetime import timedelta

import pytest
from proof import grid, machine
from proof.clocks import Clocks
from proof.play import LEASE
from proof.provider import CERTAINTY, CLASSES
from proof.stage import stage

from bot.messaging import delivery, steps

NIGHTLY = os.environ.get("PROOF") == "nightly"
RUNS, STEPS = (5000, 50) if NIGHTLY else (30, 25)
LONGEST = 0 if NIGHTLY else 600
"""Seconds after which a test is taken for stuck, if ever."""

RACES = {"sqlite": 1600, "postgres": 400}
"""Of the races, so many are played on each database; they are spread evenly over all there are."""
PARTS = 7


@pytest.fixture(scope="module")
def on_stage(emptied_postgres):
    with stage(emptied_postgres.url.render_as_string(hide_password=False)) as one:
        yield one


# ------------------------------------------------------------------ every race in small


@pytest.mark.parametrize("channel", ["sms", "telegram"])
@pytest.mark.parametrize("kind", grid.KINDS)
@pytest.mark.timeout(LONGEST)
def test_no_race_breaks_a_law(on_stage, kind, channel):
    """Wherever a worker stands still, whatever two things happen meanwhile."""
    for case in grid.cases([kind], [channel]):
        grid.play(case, on_stage.new("shelf"))


def test_these_are_all_the_races_that_were_promised():
    assert 65_000 <= sum(1 for _ in grid.cases())
    assert 2_000 <= sum(RACES.values())


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize(
    "database", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]
)
@pytest.mark.timeout(LONGEST)
def test_no_race_breaks_a_law_on_a_database(on_stage, database, part):
    """The same with the queries, the transactions and all that follows on a failure."""
    every = grid.shuffled(channels=("sms", "whatsapp", "telegram"))
    played = every if NIGHTLY else every[: RACES[database]]
    for case in played[part::PARTS]:
        grid.play(case, on_stage.new(database))


# ------------------------------------------------------------------ at random


@pytest.mark.timeout(LONGEST)
def test_no_run_breaks_a_law(on_stage):
    machine.run(lambda: on_stage.new("shelf"), 10 * RUNS, STEPS)


@pytest.mark.timeout(LONGEST)
def test_no_run_breaks_a_law_on_a_database(on_stage):
    machine.run(lambda: on_stage.new("sqlite"), RUNS, STEPS)


# ------------------------------------------------------------------ what all that rests on


@pytest.mark.parametrize("channel", ["sms", "telegram"])
@pytest.mark.parametrize("name", CLASSES)
def test_a_call_leaves_us_knowing_what_the_law_says(name, channel):
    """The shipped classification, on what the libraries raise."""
    for mode in CLASSES[name]:
        outcome = mode.outcome(channel)
        assert CERTAINTY[name] is (outcome and outcome.certainty), mode.name


def test_leases_are_no_longer_than_the_law_has_them():
    assert delivery.LEASE <= LEASE
    assert timedelta(seconds=5) >= delivery.HOLD  # a death keeps a sender still for no longer
    assert delivery.LEASE.total_seconds() < grid.LEASE
    assert steps.APART.total_seconds() <= 15 * 60


def test_the_clocks_of_a_run_are_those_that_the_house_asks(on_stage):
    play = on_stage.new("sqlite")
    play.clocks.jump(grid.HOUR)
    with play.desk.database.session() as session:
        assert on_stage.clocks.database == delivery.clock(session)
    assert isinstance(on_stage.clocks, Clocks)
    assert on_stage.clocks.wall != on_stage.clocks.database


def test_a_clock_is_set_a_day_wrong_and_no_more(on_stage):
    """Beyond that nothing is promised: see docs/reliability.md."""
    play = on_stage.new("shelf")
    message = play.desk.first("reminder", "sms")
    for _ in range(2):
        grid.happen(play, message, "back", iter(()))

    assert timedelta(days=1) == play.clocks.database - play.clocks.wall


def test_a_run_knows_where_a_message_goes_whose_reader_lost_an_address(on_stage):
    play = on_stage.new("sqlite")
    play.gone(play.desk.create("reminder", 1, "sms", 0, grid.HOUR))
    second = play.desk.create("reminder", 1, "sms", 0, grid.HOUR)

    assert "telegram" == play.desk.sent(second).channel
