"""The campaign in its smallest size, so that it is there when it is needed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from proof.campaign import book
from proof.campaign.points import DOORS, POINTS

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(600)
def test_a_process_that_is_killed_loses_and_doubles_nothing():
    """In a process of its own: one with threads must not fork."""
    told = subprocess.run(
        [
            *(sys.executable, "-m", "proof.campaign", "--once", "--keep-no-book"),
            *("--databases", "sqlite", "--rounds", "kills,doors", "--seed", "1"),
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert 0 == told.returncode, told.stdout + told.stderr


def test_there_are_as_many_points_as_were_promised():
    assert 12 <= len(POINTS) + len(DOORS)


def test_the_page_tells_what_is_in_the_book():
    page = book.PAGE.read_text(encoding="utf-8")

    assert page == book.told_in(page, book.read())


@pytest.mark.parametrize(
    ("harms", "broken", "most"), [(0, 0, 1.0), (300, 0, 0.01), (300, 1, 0.02), (2, 0, 1.0)]
)
def test_the_bound_is_the_rule_of_three_and_a_failure_raises_it(harms, broken, most):
    assert most == book.most(harms, broken)


def test_requests_by_the_thousand_are_no_harm():
    assert 3 == book.harm_of(Counter({"kill: mid-connect": 3, "bad requests": 5000}))
