"""`stap bench understand` counts what the evaluation set's README calls right and harmful."""

import pytest
from click.testing import CliRunner

from bot.bench.understand import Reply, verdict
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


def test_the_sealed_half_is_asked_for_by_name_alone():
    refused = CliRunner().invoke(bench, ["reply", "--sealed"])

    assert (2, True) == (refused.exit_code, "--sealed" in refused.output)
