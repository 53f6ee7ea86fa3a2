"""`stap content`: what is wrong, what to look at, and what an SMS saves without accents."""

import re

from click.testing import CliRunner

from bot.commands.wording import content
from bot.wording.catalogue import catalogue
from bot.wording.languages import languages, shipped
from bot.wording.measure import thrift


def told(*arguments):
    result = CliRunner().invoke(content, list(arguments))
    assert 0 == result.exit_code, result.output
    return result.stdout.splitlines()


def test_what_leaving_accents_out_saves_is_told_per_language():
    """Who chose it, and who did not, sees what either costs."""
    saved = [each for each in thrift(catalogue(), shipped()) if each.language == "tr"]
    taken = [each for each in saved if each.chosen]

    [line] = [each for each in told() if each.startswith(f"sms     {languages()['tr'].dutch}:")]

    assert [
        str(len(taken)),
        str(sum(each.accented - each.plain for each in taken)),
        str(len(saved) - len(taken)),
        str(sum(each.accented - each.plain for each in saved if not each.chosen)),
    ] == re.findall(r"\d+", line)
    assert all(taken)


def test_every_text_stands_in_the_table_with_its_price_both_ways():
    rows = [line.split() for line in told("--sms")]
    known = {(each.key, each.language): each for each in thrift(catalogue(), shipped())}

    shown = {(row[0], row[1]): row[2:] for row in rows if tuple(row[:2]) in known}

    assert known.keys() == shown.keys()
    each = known["afspraak.reminder", "tr"]
    assert [str(each.accented), str(each.plain), "zonder"] == shown["afspraak.reminder", "tr"]
