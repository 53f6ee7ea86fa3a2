"""`stap understand`: one line of JSON for a text, a line each for many."""

import json

import pytest
from click.testing import CliRunner

from bot.commands.understand import understand


def told(*arguments, said=None):
    result = CliRunner().invoke(understand, list(arguments), input=said)
    assert 0 == result.exit_code, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_text_is_answered_with_its_intent_and_the_reason():
    assert [{"intent": "confirm", "why": "ar “نعم” means confirm"}] == told(
        "--language", "ar", "--asks", "afspraak", "نعم"
    )


def test_a_language_a_code_and_a_number_are_told_where_there_is_one():
    assert "ti" == told("--language", "nl", "ትግርኛ")[0]["language"]
    assert "K7Q2M9TX4F" == told("START k7q2m9tx4f")[0]["code"]
    assert 3 == told("--asks", "menu", "3")[0]["number"]


def test_lines_are_answered_one_by_one():
    lines = [
        {"language": "ti", "asks": "afspraak", "text": "፩"},
        {"language": "nl", "asks": None, "text": "stop"},
        {"text": "ja"},
    ]

    answers = told("-", said="\n\n".join(json.dumps(line) for line in lines))

    assert ["confirm", "stop", "confirm"] == [answer["intent"] for answer in answers]


@pytest.mark.parametrize("line", ["ja", "[]", '{"language": "nl"}', '{"text": 1}'])
def test_a_line_that_is_no_object_is_wrong_use_and_not_repeated(line):
    """What people write does not end in a log because somebody piped the wrong file."""
    result = CliRunner().invoke(understand, ["-"], input=line + "\n")

    assert 2 == result.exit_code
    assert "Regel 1 is geen JSON-object" in result.stderr
    assert "" == result.stdout
