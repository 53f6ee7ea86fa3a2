"""The written house stays true: its links lead somewhere, and what it names is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.__main__ import COMMANDS
from bot.settings import Settings

HOUSE = Path(__file__).resolve().parents[2]
PAGES = [HOUSE / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
PAGES += sorted((HOUSE / "docs").rglob("*.md"))

LINK = re.compile(r"\]\(([^)\s]+)\)")
COMMAND = re.compile(r"(?:\.venv/bin/|`)stap ([a-z]+)")
LONGEST_DECISION = 40

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


@each_page
def test_every_link_within_the_house_leads_somewhere(page):
    """A reader who follows one finds a file, and a heading if it names one."""
    dead = []
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, heading = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        if not there.exists() or (heading and heading not in headings(there)):
            dead.append(target)

    assert [] == dead


def headings(page: Path) -> set[str]:
    """Return the anchors of *page*, as a forge makes them of its headings."""
    found = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", told.lower()).replace(" ", "-") for told in found}


@each_page
def test_every_command_that_is_named_is_there(page):
    """Nobody is sent to a command that was renamed or never came."""
    named = set(COMMAND.findall(page.read_text(encoding="utf-8")))

    assert set() == named - set(COMMANDS)


def test_a_page_that_names_no_command_would_not_go_unseen():
    """The README is where they stand; a pattern that finds none there checks nothing."""
    named = set(COMMAND.findall((HOUSE / "README.md").read_text(encoding="utf-8")))

    assert {"list", "intake", "invite", "link", "doctor", "templates"} <= named


def test_every_test_that_is_named_is_there():
    """Who reads that something holds can look at what shows it."""
    named = {
        name
        for page in PAGES
        for name in re.findall(r"`(test_\w+)`", page.read_text(encoding="utf-8"))
    }
    there = {
        name
        for path in (HOUSE / "tests").rglob("test_*.py")
        for name in re.findall(r"def (test_\w+)", path.read_text(encoding="utf-8"))
    }

    assert len(named) > 50
    assert set() == named - there


def test_every_setting_is_explained():
    """Who runs it has one table to look in, without a setting that is not there any more."""
    page = (HOUSE / "docs" / "operations.md").read_text(encoding="utf-8")
    table = page.partition("\n## Settings\n")[2].partition("\n## ")[0]
    told = {name for row in table.splitlines() for name in re.findall(r"`([A-Z_]+)`", row)}

    assert {name.upper() for name in Settings.model_fields} == told


@pytest.mark.parametrize(
    "page", sorted((HOUSE / "docs" / "adr").glob("*.md")), ids=lambda page: page.stem
)
def test_a_decision_is_short_and_says_context_decision_and_consequences(page):
    """Longer than a screen is not read."""
    lines = page.read_text(encoding="utf-8").splitlines()

    assert ["## Context", "## Decision", "## Consequences"] == [
        line for line in lines if line.startswith("## ")
    ]
    assert LONGEST_DECISION >= len(lines)
    assert f"# {int(page.name[:4])}. " == re.sub(r"(?<=\. ).*", "", lines[0])


def test_decisions_are_numbered_without_a_gap():
    """A number is how a decision is cited."""
    numbers = [int(page.name[:4]) for page in sorted((HOUSE / "docs" / "adr").glob("*.md"))]

    assert list(range(1, len(numbers) + 1)) == numbers


def test_what_is_shipped_from_others_has_its_licence_beside_it():
    """The OFL and the ISC licence ask for it, wherever the file goes."""
    fonts = {
        path.parent for room in ("phones", "webhooks", "console") for path in fonts_of(HOUSE / room)
    }
    icons = {path.parent for path in HOUSE.glob("*/static/img/icons.svg")}
    listed = (HOUSE / "docs" / "licences.md").read_text(encoding="utf-8")

    assert fonts
    assert [] == [folder for folder in fonts if not (folder / "OFL.txt").is_file()]
    assert [] == [folder for folder in icons if not (folder / "icons.LICENSE.txt").is_file()]
    assert [] == [
        folder for folder in fonts if f"{folder.relative_to(HOUSE).as_posix()}/" not in listed
    ]


def fonts_of(room: Path) -> list[Path]:
    return [*room.rglob("*.woff2"), *room.rglob("*.woff"), *room.rglob("*.ttf")]
