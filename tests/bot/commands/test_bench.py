"""`stap bench` prints one table, whatever becomes of a single measurement."""

import json

import pytest
from click.testing import CliRunner

from bot.bench import BENCHES, at_most, doors, tick
from bot.commands.bench import bench


def rows(result):
    return json.loads(result.stdout)


@pytest.fixture
def one_fails(monkeypatch):
    def measure(place, size=None):
        yield at_most("tick.first", 1, "x", 2, place)
        raise TimeoutError("nobody answers")

    monkeypatch.setattr(tick, "measure", measure)
    monkeypatch.setattr(
        doors, "measure", lambda place, size: [at_most("doors.it", 1, "", 2, place)]
    )
    monkeypatch.setattr("bot.commands.bench.BENCHES", ("tick", "doors"))


def test_a_measurement_that_fails_says_so_and_the_others_go_on(one_fails, sqlite_url):
    result = CliRunner().invoke(bench, ["--json", "--database", sqlite_url])

    assert 1 == result.exit_code
    assert [("tick.first", True), ("tick", False), ("doors.it", True)] == [
        (row["name"], row["met"]) for row in rows(result)
    ]
    assert "not measured: TimeoutError" == rows(result)[1]["unit"]


def test_each_row_says_where_when_and_what_was_measured(one_fails, sqlite_url):
    [first, *_] = rows(CliRunner().invoke(bench, ["--json", "--database", sqlite_url]))

    assert ("sqlite", True) == (first["database"], first["cores"] >= 1)
    assert {"name", "value", "unit", "goal", "met", "date", "commit"} <= first.keys()


def test_both_databases_stand_in_one_table(one_fails, sqlite_url):
    result = CliRunner().invoke(
        bench, ["doors", "--database", sqlite_url, "--database", sqlite_url]
    )

    table = [line for line in result.stdout.splitlines() if line.startswith("|")]
    assert 2 == sum("doors.it" in line for line in table)
    assert {line.count("|") for line in table} == {7}


def test_every_measurement_can_be_named():
    assert len(set(BENCHES)) == len(BENCHES)
