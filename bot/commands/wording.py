"""`stap content` and `stap languages`: are the texts right, and how far are the translations?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from bot.commands.shared import print_json, print_table, refuse
from bot.gemeente import gemeente
from bot.settings import load
from bot.wording.catalogue import ContentError, Thrift, catalogue, faults, thrift, warnings
from bot.wording.languages import languages, shipped


@click.command("content")
@click.option("--sms", is_flag=True, help="Ook per tekst: wat een sms kost met en zonder accenten.")
def content(sms: bool) -> None:
    """Controleer alle teksten; fouten geven exitcode 1."""
    try:
        texts = catalogue()
    except ContentError as error:
        refuse(str(error))
    place = gemeente(load().gemeente or None)
    doubts = warnings(texts, shipped(), place.max_segments)
    wrong = faults(texts, shipped())
    for doubt in doubts:
        click.echo(f"let op  {doubt}")
    for fault in wrong:
        click.echo(f"fout    {fault}")
    saved = thrift(texts, shipped())
    for line in _saved(saved):
        click.echo(f"sms     {line}")
    if sms:
        print_table([_row(each) for each in saved], ["tekst", "taal", "met", "zonder", "gekozen"])
    click.echo(
        f"{len(texts.entries)} teksten, {len(shipped())} talen, "
        f"fouten: {len(wrong)}, let op: {len(doubts)}"
    )
    if wrong:
        raise SystemExit(1)


def _saved(saved: Sequence[Thrift]) -> Iterator[str]:
    """Yield for every language what leaving accents out of an SMS saves, and what is not taken."""
    for code in shipped():
        taken = [each.accented - each.plain for each in saved if each.language == code]
        kept = [e.accented - e.plain for e in saved if e.language == code and not e.chosen]
        if taken:
            yield (
                f"{languages()[code].dutch}: {len(taken) - len(kept)} teksten zonder accenten, "
                f"dat scheelt {sum(taken) - sum(kept)} sms'en; {len(kept)} teksten houden ze, "
                f"dat kost er {sum(kept)} meer"
            )


def _row(each: Thrift) -> dict[str, object]:
    return {
        "tekst": each.key,
        "taal": each.language,
        "met": each.accented,
        "zonder": each.plain,
        "gekozen": "zonder" if each.chosen else "met",
    }


@click.command("languages")
@click.option("--json", "as_json", is_flag=True, help="A JSON list, for other programs.")
def languages_(as_json: bool) -> None:
    """Toon per taal hoeveel teksten er zijn en hoeveel er nagelezen zijn."""
    texts = catalogue()
    rows = []
    for code in shipped():
        counts = texts.counts(code)
        total = sum(counts.values())
        rows.append(
            {
                "language": code,
                "name": languages()[code].name,
                "texts": total,
                "present": total - counts["missing"],
                "reviewed": counts["reviewed"] + counts["source"],
                "stale": counts["stale"],
                "voice": 0,
            }
        )
    if as_json:
        print_json(rows)
    else:
        print_table(rows, ["language", "name", "texts", "present", "reviewed", "stale", "voice"])
