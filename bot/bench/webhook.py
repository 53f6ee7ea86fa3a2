"""What our door costs beside one that is written by hand: 32 connections, both durable."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from bot.bench.figures import Measured, at_least, at_most, by_turns, figure, median
from bot.bench.knocking import Answers, knock, letters
from bot.bench.place import Place
from bot.bench.served import served

ROUNDS = 7
A_ROUND = 2000
"""Webhooks of one side in one round."""


def measure(place: Place, size: int | None = None) -> Iterator[Measured]:
    """Knock at both doors by turns, *size* webhooks at a time."""
    number = count(0, size or A_ROUND)
    with (
        place.fresh() as our_database,
        place.fresh() as raw_database,
        served("ours", our_database) as ours,
        served("raw", raw_database) as raw,
    ):

        def at_door(port: int) -> Answers:
            requests = list(letters(next(number), size or A_ROUND))
            answers = knock(port, requests)
            if set(answers.statuses) != {204}:
                raise RuntimeError(f"not all were taken in: {answers.statuses}")
            return answers

        at_door(ours), at_door(raw)  # who comes first pays for the connections and the caches
        rounds = by_turns(ROUNDS, lambda: at_door(ours), lambda: at_door(raw))
    ratio = median([one.rate / other.rate for one, other in rounds])
    slower = median([one.p99 / other.p99 for one, other in rounds])
    yield at_least("webhook.rate_ratio", ratio, "x raw", 0.60, place)
    yield at_most("webhook.p99_ratio", slower, "x raw", 2.5, place)
    yield figure("webhook.rate", median([one.rate for one, _ in rounds]), "1/s", place)
    yield figure("webhook.rate_raw", median([other.rate for _, other in rounds]), "1/s", place)
    yield figure("webhook.p99", median([one.p99 for one, _ in rounds]), "ms", place)
    yield figure("webhook.p99_raw", median([other.p99 for _, other in rounds]), "ms", place)
