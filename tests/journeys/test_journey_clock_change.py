"""Reminders in both nights in which the clocks change."""

from __future__ import annotations

from datetime import datetime

import pytest

from bot import moments


@pytest.mark.parametrize(
    ("begins", "hours_between"),
    [
        pytest.param(datetime(2026, 10, 25, 14, 30), 25, id="winter time begins"),
        pytest.param(datetime(2027, 3, 28, 14, 30), 23, id="summer time begins"),
    ],
)
def test_a_day_before_keeps_the_time_on_the_wall_in_the_night_the_clocks_change(
    make_world, begins, hours_between
):
    world = make_world(quiet_hours="")
    world.at(moments.from_local(begins.replace(day=begins.day - 5)))
    person = world.person("Priya", "en", "sms", "+31697000004")
    world.afspraak("A1", person, begins)
    phone = world.phone("Priya")

    day_before = moments.from_local(begins.replace(day=begins.day - 1))
    assert hours_between == (moments.from_local(begins) - day_before).total_seconds() / 3600
    world.tick()
    sent = len(phone.received)
    world.at(day_before - moments.timedelta(minutes=1))
    world.tick()
    assert sent == len(phone.received)
    world.at(day_before)
    world.tick()

    assert sent + 1 == len(phone.received)
    assert "14:30" in phone.last.text
    assert f"{begins:%d-%m-%Y}" in phone.last.text


@pytest.mark.parametrize("begins", [datetime(2026, 10, 26, 9, 30), datetime(2027, 3, 29, 9, 30)])
def test_a_step_that_falls_on_the_sunday_of_the_change_goes_on_the_saturday(world, begins):
    """Sundays are quiet: the message comes before them, never after."""
    world.at(moments.from_local(begins.replace(day=begins.day - 5)))
    person = world.person("Priya", "en", "sms", "+31697000004")
    world.afspraak("A1", person, begins)
    world.tick()
    phone = world.phone("Priya")
    sent = len(phone.received)

    saturday = begins.replace(day=begins.day - 2, hour=19, minute=44)
    world.at(moments.from_local(saturday))
    world.tick()
    assert sent == len(phone.received)
    world.at(moments.from_local(saturday.replace(minute=45)))
    world.tick()

    assert sent + 1 == len(phone.received)
    assert f"{begins:%d-%m-%Y}" in phone.last.text
