"""What measures the tests is tried itself: it changes what it says, and sees who notices."""

from __future__ import annotations

import ast

import pytest

from proof import grid, mutants
from proof.stage import Stage

SOME = grid.shuffled()[:300]


@pytest.fixture(scope="module")
def stage():
    one = Stage()
    yield one
    one.close()


def mutant(module, said):
    [found] = [each for each in mutants.mutants(module) if said in str(each)]
    return found


def test_a_change_that_races_see_is_noticed(stage):
    found = mutant("steps", "is_held: message.epoch == epoch  ->  message.epoch != epoch")

    assert mutants.is_noticed(found, stage, SOME, by=[])


def test_a_change_that_nothing_looks_at_is_not_noticed(stage):
    found = mutant("reconcile", "as_template: entry is None  ->  entry is not None")

    assert not mutants.is_noticed(found, stage, SOME, by=[])


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("a == b", "a != b"),
        ("a < b", "a <= b"),
        ("a and b", "a or b"),
        ("not a", "not not a"),
        ("3", "4"),
        ("True", "False"),
    ],
)
def test_one_thing_is_changed_at_a_time(ours, theirs):
    tree = ast.parse(ours, mode="eval")
    [(field, changed)] = mutants.changes(tree.body)
    setattr(tree.body, field, changed)

    assert theirs == ast.unparse(tree)
