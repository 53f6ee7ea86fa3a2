"""Machines that write: one that answers every answer, and one that owns a thousand numbers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.gemeente import Caps


@pytest.fixture
def capped(make_world):
    def make(**caps):
        world = make_world()
        gemeente = replace(world.house.gemeente, caps=Caps(**caps))
        world.house = replace(world.house, gemeente=gemeente)
        world.engine.house = world.app.extensions["house"] = world.house
        return world

    return make


def test_two_machines_that_answer_each_other_fall_silent(capped):
    """An auto-reply to our answer is a message like any other, and would be answered for ever."""
    world = capped(answers_per_hour=5)
    world.person("Robot", "en", "sms", "+31697000004")
    robot = world.phone("Robot")

    for words in ("English", "Nederlands", "thanks", "I am away until Monday") * 6:
        robot.say(words)
    assert 5 == len(robot.received)
    assert "vraag" in world.tasks()

    world.pass_(hours=1, minutes=1)
    assert robot.say("English") is not None


def test_the_same_is_said_about_the_same_three_times_an_hour(capped):
    world = capped()
    world.person("Robot", "en", "sms", "+31697000004")
    robot = world.phone("Robot")

    said = [robot.say("English") is not None for _ in range(5)]

    assert [True, True, True, False, False] == said


def test_in_danger_whom_to_call_is_always_told(capped):
    world = capped(answers_per_hour=1)
    world.person("Priya", "en", "sms", "+31697000004")
    priya = world.phone("Priya")
    assert priya.say("thanks") is not None

    assert "112" in priya.say("he is going to kill me").text
    assert priya.say("STOP") is not None


def test_a_range_of_numbers_that_sign_up_costs_no_more_than_its_cap(capped):
    """Whoever owns the numbers earns on each SMS to them; the first few may be real people."""
    world = capped(signups_per_range_per_day=2)
    phones = []
    for number in range(4):
        world.ground.add(f"N{number}", "nl", "sms", f"+3169700010{number}")
        phones.append(world.phone(f"N{number}"))
    answered = [phone.say("hallo") is not None for phone in phones]

    assert [True, True, False, False] == answered
    assert phones[0].say("taal") is not None, "the first are served to the end"
    assert 1 == world.tasks().count("veel onbekende nummers")
    world.ground.add("Elsewhere", "nl", "sms", "+31697001501")
    assert world.phone("Elsewhere").say("hallo") is not None, "another range"
    world.pass_(days=1)
    world.ground.add("N9", "nl", "sms", "+31697000109")
    assert world.phone("N9").say("hallo") is not None, "another day"


def test_foreign_numbers_have_a_cap_of_their_own(capped):
    world = capped(foreign_signups_per_day=1)
    answered = []
    for name, number in (("A", "+4915200000001"), ("B", "+380440000002"), ("C", "+31697000003")):
        world.ground.add(name, "nl", "sms", number)
        answered.append(world.phone(name).say("hallo") is not None)

    assert [True, False, True] == answered
