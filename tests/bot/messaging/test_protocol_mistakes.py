"""Every mistake that is kept in `proof.mistakes` is caught, by the law that it names."""

from __future__ import annotations

import re
from functools import cache
from itertools import islice, product
from pathlib import Path

import pytest
from proof import grid
from proof.mistakes import MISTAKES, Edit, Mistake, Outdated, made
from proof.play import Broken
from proof.provider import CLASSES
from proof.scenes import SCENES
from proof.stage import stage

from bot.models.messages import ForbiddenStep

shuffled = cache(grid.shuffled)

AT_MOST = {"shelf": 4000, "desk": 80}
"""Races that are played before a mistake counts as unseen."""


@pytest.fixture(scope="module")
def on_stage(emptied_postgres):
    with stage(emptied_postgres.url.render_as_string(hide_password=False)) as one:
        yield one


def looks(on_stage, where):
    """Yield what to play to see a mistake that is to be seen *where*."""
    if where in SCENES:
        yield lambda: SCENES[where](on_stage.new)
        return
    place, *words = where.split()
    fitting = (case for case in shuffled() if fits(case, words))
    for case in islice(fitting, AT_MOST[place]):
        yield lambda case=case: grid.play(
            case, on_stage.new("sqlite" if place == "desk" else "shelf")
        )


def fits(case, words):
    said = {case.kind, case.channel, *case.faults.split()}
    said |= {name for name, modes in CLASSES.items() if case.mode in modes}
    text = " ".join(words)
    for name in CLASSES:
        if name in text:
            words = [*[word for word in words if word not in name.split()], name]
    return set(words) <= said


def broken_by(play):
    try:
        play()
    except Broken as broken:
        return broken.law
    except ForbiddenStep:
        return "the table of steps"
    return None


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_caught_by_the_law_it_breaks(on_stage, name):
    mistake = MISTAKES[name]
    with made(mistake):
        caught = set()
        for play in looks(on_stage, mistake.where):
            caught.add(broken_by(play))
            if mistake.law in caught:
                break

    assert mistake.law in caught


def test_every_mistake_stands_in_the_book_beside_its_law():
    book = (Path(__file__).parents[3] / "docs" / "reliability.md").read_text(encoding="utf-8")
    table = book.partition("### Mistakes that must be caught")[2]
    told = {
        (law, name)
        for line in table.splitlines()
        if (row := re.fullmatch(r"\| (I\d+) \| (.+) \|", line))
        for law, name in product([row[1]], row[2].split("; "))
    }

    assert {(mistake.law, name) for name, mistake in MISTAKES.items()} == told


@pytest.mark.parametrize("name", SCENES)
def test_nothing_is_caught_where_no_mistake_is(on_stage, name):
    SCENES[name](on_stage.new)


def test_a_mistake_that_is_made_no_more_is_undone(on_stage):
    """Else one mistake would be caught for another's sake."""
    for mistake in MISTAKES.values():
        with made(mistake):
            pass
    for case in islice(grid.cases(["reminder"], ["sms"], pairs=False), 200):
        grid.play(case, on_stage.new())


def test_a_mistake_in_lines_that_are_written_otherwise_is_told():
    gone = Mistake("I1", "shelf", (Edit("bot.messaging.steps", "no line of ours", ""),))
    with pytest.raises(Outdated), made(gone):
        pass
