"""Flows, texts, buttons and actions fit each other: no answer leads nowhere."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from bot.conversation import actions as conversation_actions
from bot.conversation import flows
from bot.conversation.actions import ACTIONS
from bot.conversation.understand import BUTTONS
from bot.wording.catalogue import Entry, catalogue

ACTIONS_FILE = Path(conversation_actions.__file__)


def named_in(directory: Path) -> set[str]:
    """Every string that code in *directory* holds, the table of actions left out."""
    return {
        node.value
        for path in directory.rglob("*.py")
        if path != ACTIONS_FILE
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def said() -> dict[str, Entry]:
    """The texts that code says, and the openers that stand in for them."""
    entries, named = catalogue().entries, named_in(ACTIONS_FILE.parents[1])
    keys = named & set(entries)
    keys |= {entries[key].opener or key for key in keys}
    return {key: entries[key] for key in sorted(keys)}


SAID = said()
TAPPED = [key for key, entry in SAID.items() if entry.buttons]


def test_every_flow_leads_to_an_action_that_exists():
    assert set() == set(flows.actions()) - set(ACTIONS)


def test_every_action_is_led_to():
    """What nothing leads to is dead, or its flow has forgotten it."""
    assert set() == set(ACTIONS) - set(flows.actions()) - named_in(ACTIONS_FILE.parent)


def test_every_question_has_a_step_that_takes_its_answer():
    """The question rides on the message: without a step its answer would be taken for nothing."""
    asked = {entry.asks for entry in SAID.values()} - {None}

    assert set() == asked - set(flows.steps())


@pytest.mark.parametrize("key", TAPPED)
def test_a_tap_on_every_button_is_understood_or_chosen(key):
    """A button means the same everywhere, or its own question's step knows it by name."""
    entry = SAID[key]
    chosen = flows.steps().get(entry.asks or flows.NOTHING, {})

    assert [] == [name for name in entry.buttons if name not in BUTTONS and name not in chosen]


@pytest.mark.parametrize("key", TAPPED)
def test_no_button_falls_through_to_what_is_not_understood(key):
    """A tap is never unclear: what it leads to is written in the flow, by name or by intent."""
    entry = SAID[key]
    steps = flows.steps()
    known = {**steps[entry.asks or flows.NOTHING], **steps[flows.ALWAYS]}
    lost = [name for name in entry.buttons if name not in known and BUTTONS.get(name) not in known]

    assert [] == lost
