"""The step machine: what holds always, and what a step may say otherwise."""

from __future__ import annotations

from bot.conversation import flows
from bot.conversation.understand import Understood


def test_stop_emergency_and_a_wrong_number_hold_at_every_step():
    kept = {"stop", "start", "emergency", "wrong_number"}

    assert [] == [
        (step, intent)
        for step, answers in flows.steps().items()
        if step != flows.ALWAYS
        for intent in answers.keys() & kept
    ]


def test_a_language_is_a_first_name_where_a_first_name_is_asked():
    said = Understood("language", "a name of a language", language="fr")

    assert "signup.first_name" == flows.move("signup_first_name", said)
    assert "language.change" == flows.move("afspraak", said)


def test_a_button_that_holds_at_every_moment_is_no_answer_to_what_is_open():
    """It stands below what says that a colleague's message waits, whatever was asked before."""
    said = Understood("human", "tapped the button open")

    assert {"answer.human"} == {
        flows.move(step, said, "open") for step in flows.steps() if step != flows.ALWAYS
    }


def test_a_tapped_button_goes_before_what_its_title_means():
    said = Understood("human", "was_there")

    assert "afspraak.was_there" == flows.move("passed", said, "was_there")
