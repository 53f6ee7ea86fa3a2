"""`stap intake`: the report on standard output, and an exit code that a script can use."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import func, select

from bot.commands.intake import intake
from bot.db import Database
from bot.models.people import Address, Consent, Inburgeraar
from bot.outreach.intake.sheet import KINDS

EXAMPLES = Path(__file__).parents[3] / "content" / "voorbeelden"

PEOPLE = (
    "kenmerk;voornaam;taal;telefoon;toestemming\n"
    "P-1;Selam;ti;+31697000001;ja\nP-2;Omar;Elfs;+31697000002;ja\n"
)


@pytest.fixture
def stap(sqlite_url, monkeypatch, tmp_path):
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    monkeypatch.chdir(tmp_path)

    def run(*words):
        return CliRunner().invoke(intake, [str(word) for word in words], catch_exceptions=False)

    return run


def stored(url, noun):
    database = Database(url)
    with database.session() as session:
        count = session.scalar(select(func.count()).select_from(noun))
    database.close()
    return count


def test_the_example_files_can_be_brought_as_they_are(stap):
    """They are what the README tells people to try, and to copy."""
    first = [stap(kind, EXAMPLES / f"{kind}.csv") for kind in KINDS]
    again = [stap(kind, EXAMPLES / f"{kind}.csv") for kind in KINDS]

    assert [result.exit_code for result in (*first, *again)] == [0] * 2 * len(KINDS)
    assert all("0 geweigerd" in result.stdout for result in first)
    assert all(" 0 nieuw, 0 gewijzigd" in result.stdout for result in again)


def test_refused_rows_end_in_a_one_and_in_a_file(stap, tmp_path, sqlite_url):
    (tmp_path / "p.csv").write_text(PEOPLE)
    result = stap("people", tmp_path / "p.csv", "--report", tmp_path / "uit.csv")

    assert result.exit_code == 1
    assert result.stdout.startswith("2 rijen gelezen: 1 nieuw, 0 gewijzigd, 0 ongewijzigd, 1 gew")
    assert "Elfs" in (tmp_path / "uit.csv").read_text(encoding="utf-8-sig")
    assert stored(sqlite_url, Inburgeraar) == 1


def test_a_check_stores_nothing(stap, tmp_path, sqlite_url):
    (tmp_path / "p.csv").write_text(PEOPLE)
    result = stap("people", tmp_path / "p.csv", "--check")

    assert "1 nieuw" in result.stdout
    assert result.stdout.endswith("er is niets opgeslagen.\n")
    assert [0, 0, 0] == [stored(sqlite_url, noun) for noun in (Inburgeraar, Address, Consent)]


def test_a_file_of_no_use_is_refused_on_standard_error(stap, tmp_path):
    (tmp_path / "p.csv").write_bytes(b"\x00\x01")
    result = stap("people", tmp_path / "p.csv")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("p.csv: Dit is geen tekstbestand.")


def test_wrong_use_ends_in_a_two(stap, tmp_path):
    assert [2, 2] == [
        stap("mensen", EXAMPLES / "people.csv").exit_code,
        stap("people", tmp_path / "weg.csv").exit_code,
    ]
