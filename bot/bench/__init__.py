"""The measurements: what they are called, where they run, and what they should reach.

Each is a file with a function ``measure(place, size)``. A speed is a figure of one run, on this
machine alone: where it says something about us, it is a ratio to something else that was measured
in the same run, by turns, and the figures that it compares stand beside it. Nothing in the tests
waits for a speed.
"""

from __future__ import annotations

from bot.bench.figures import Measured, at_least, at_most, figure, not_measured
from bot.bench.place import Place

BENCHES = (
    "reply",
    "understand",
    "webhook",
    "expansion",
    "tick",
    "drain",
    "cpu",
    "stop",
    "start",
    "restore",
    "embedded",
    "late",
    "doors",
    "peer",
    "console",
)
"""The files of this folder that measure, in the order in which they are run."""

__all__ = ["BENCHES", "Measured", "Place", "at_least", "at_most", "figure", "not_measured"]
