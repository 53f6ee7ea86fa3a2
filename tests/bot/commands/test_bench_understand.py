"""`stap bench understand` counts what the evaluation set's README calls right and harmful."""

import pytest
from click.testing import CliRunner

from bot.bench.place import Place
from bot.bench.understand import NoSuchPartError, Reply, measure, verdict
from bot.commands import bench as commands
from bot.commands.bench import bench


@pytest.mark.parametrize(
    ("text", "labels", "expected"),
    [
        ("ja", {"confirm"}, "right"),
        ("ja", {"unclear", "confirm"}, "right"),
        ("ja", {"decline"}, "harmful"),
        ("stop", {"decline"}, "harmful"),
        ("hm brm", {"stop"}, "harmful"),
        ("nee", {"emergency"}, "harmful"),
        ("hm brm", {"decline"}, "unclear"),
        ("nee", {"human"}, "wrong"),
    ],
)
def test_a_yes_or_a_stop_too_many_and_a_missed_one_are_harmful(text, labels, expected):
    assert expected == verdict(Reply("nl", "afspraak", text, frozenset(labels)))


def test_the_sealed_set_is_asked_for_by_name_alone():
    refused = CliRunner().invoke(bench, ["reply", "--sealed"])

    assert (2, True) == (refused.exit_code, "--sealed" in refused.output)


def test_without_a_sealed_set_it_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(commands, "SEALED", tmp_path / "sealed")

    refused = CliRunner().invoke(bench, ["understand", "--sealed"])

    assert 1 == refused.exit_code
    assert "geen verzegelde set" in refused.output


def test_open_and_opened_are_read_where_nothing_is_asked_for():
    names = {row.name for row in measure(Place.of("sqlite://"), size=1)}

    assert {"understand.open.right", "understand.opened.ti.right"} <= names
    assert not any("further" in name or "sealed" in name for name in names)


def test_a_part_without_lines_is_no_measurement():
    with pytest.raises(NoSuchPartError, match="shut is not there"):
        list(measure(Place.of("sqlite://"), size=1, parts=("shut",)))
