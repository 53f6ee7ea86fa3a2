"""The pages of the console are measured in a gemeente that is filled for it, on both databases."""

from __future__ import annotations

from bot.bench import console
from bot.bench.place import Place


def test_every_page_is_opened_and_told_by_the_clock_and_by_its_work(database_url, monkeypatch):
    """How fast is not asked here: that is of one run, on one machine."""
    monkeypatch.setattr(console, "PEOPLE", 4_100)
    monkeypatch.setattr(console, "LOOKS", 1)
    figures = {each.name: each for each in console.measure(Place.of(database_url), 500)}

    for page in console.PAGES:
        told = {kind: figures[f"console.{page}.{kind}"] for kind in ("cpu", "p50", "p95")}
        assert all(each.value > 0 for each in told.values())
        assert console.GOAL == told["p95"].goal
        assert told["p50"].goal is None
    assert figures["console.report_made"].value > 0
    assert figures["console.broadcast_counted"].value > 0
