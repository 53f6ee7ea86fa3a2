"""content/flows/*.yaml as a step machine: step and answer in, the name of an action out.

Pure. The step is the `asks` of the message that was answered: the question rides on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import yaml

from bot.conversation.understand import Understood

FLOWS = Path(__file__).resolve().parents[2] / "content" / "flows"

ALWAYS, NOTHING = "always", "nothing"
NUMBER, OTHERWISE = "number", "otherwise"


class FlowError(Exception):
    """A flow cannot be used; the message says in Dutch which and why."""


@cache
def steps(directory: Path = FLOWS) -> Mapping[str, Mapping[str, str]]:
    """Return every step: its answers and the action each leads to. Raises FlowError."""
    found: dict[str, dict[str, str]] = {}
    for path in sorted(directory.glob("*.yaml")):
        for step, answers in (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).items():
            if step in found:
                raise FlowError(f"{path.name}: stap '{step}' staat er twee keer")
            if not isinstance(answers, dict) or not all(
                isinstance(part, str) for pair in answers.items() for part in pair
            ):
                raise FlowError(f"{path.name}: stap '{step}' moet antwoord: actie zijn")
            if step != ALWAYS and OTHERWISE not in answers:
                raise FlowError(f"{path.name}: stap '{step}' mist 'otherwise'")
            found[step] = answers
    return found


def actions(directory: Path = FLOWS) -> Iterator[str]:
    """Yield the name of every action that a flow leads to."""
    for answers in steps(directory).values():
        yield from answers.values()


def move(step: str, said: Understood, choice: str | None = None) -> str:
    """Return the action for what was *said* at *step*.

    *choice* is the id of the button that was tapped, or that a typed number stands for. What
    always holds goes first, unless the step names that very intent (Frans is a language, and a
    first name); then the choice, the intent, a number, and last ``otherwise``.
    """
    known = steps()
    answers = known.get(step, known[NOTHING])
    for way in (choice, said.intent):
        if way is not None and way in known[ALWAYS] and way not in answers:
            return known[ALWAYS][way]
    for way in (choice, said.intent, NUMBER if said.number is not None else None):
        if way is not None and way in answers:
            return answers[way]
    return answers[OTHERWISE]
