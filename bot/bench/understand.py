"""How much of what people type is understood, per language, and how fast.

Reads the evaluation set in tests/evaluation; its README says what is right and what is harmful.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bot.bench.figures import Measured, at_least, at_most, figure, median
from bot.bench.place import Place
from bot.conversation.understand import understand

SET = Path(__file__).resolve().parents[2] / "tests" / "evaluation"
RIGHT = 97.0
"""Percent of the replies that should be read as a careful colleague would."""

REPLY = 1000.0
"""Microseconds that reading one reply may take."""

ROUNDS = 5
"""Times the set is read for the clock."""

NEEDS_DATABASE = False


@dataclass(frozen=True, slots=True)
class Reply:
    """One line of the set."""

    language: str
    asks: str
    text: str
    labels: frozenset[str]


PARTS = ("open", "opened")
"""The parts that are read where no other is asked for."""


class NoSuchPartError(ValueError):
    """tests/evaluation holds no such part, or nothing is in it."""


def measure(
    place: Place, size: int | None = None, parts: tuple[str, ...] = PARTS
) -> Iterator[Measured]:
    """Read *parts* of the set (``open``, ``opened`` …); only counts show.

    *size* is how often a part is read for the clock. Raise `NoSuchPartError` for one that is empty.
    """
    for part in parts:
        yield from _part(place, size, part)


def _part(place: Place, size: int | None, half: str) -> Iterator[Measured]:
    replies = list(_replies(half))
    if not replies:
        raise NoSuchPartError(f"tests/evaluation/{half} is not there: nothing to measure.")
    every: Counter[str] = Counter()
    for language in sorted({reply.language for reply in replies}):
        counts = Counter(verdict(reply) for reply in replies if reply.language == language)
        every += counts
        yield from _rows(f"understand.{half}.{language}", counts, place)
    yield from _rows(f"understand.{half}", every, place)
    taken = [_microseconds(replies) for _ in range(size or ROUNDS)]
    yield at_most(f"understand.{half}.reply", median(taken), "µs", REPLY, place)


def verdict(reply: Reply) -> str:
    """Return ``right``, ``harmful``, ``unclear`` or ``wrong``, as the set's README defines them."""
    read = understand(reply.text, language=reply.language, asks=reply.asks).intent
    if read in reply.labels:
        return "right"
    if read in {"confirm", "stop"} or reply.labels & {"stop", "emergency"}:
        return "harmful"
    return "unclear" if read == "unclear" else "wrong"


def _rows(name: str, counts: Counter[str], place: Place) -> Iterator[Measured]:
    yield at_least(f"{name}.right", 100 * counts["right"] / counts.total(), "%", RIGHT, place)
    yield at_most(f"{name}.harmful", counts["harmful"], "replies", 0, place)
    yield figure(f"{name}.unclear", counts["unclear"], "replies", place)


def _replies(half: str) -> Iterator[Reply]:
    for path in sorted((SET / half).glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            told = json.loads(line)
            labels = [told["intent"]] if isinstance(told["intent"], str) else told["intent"]
            yield Reply(told["language"], told["asks"], told["text"], frozenset(labels))


def _microseconds(replies: list[Reply]) -> float:
    started = time.process_time()
    for reply in replies:
        understand(reply.text, language=reply.language, asks=reply.asks)
    return (time.process_time() - started) / len(replies) * 1e6
