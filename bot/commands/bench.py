"""`stap bench`: measure, never guess."""

from __future__ import annotations

import importlib
from collections.abc import Iterator

import click
from sqlalchemy.exc import ArgumentError

from bot import logs
from bot.bench import BENCHES, Measured, Place
from bot.commands.shared import print_json, print_table, refuse
from bot.settings import SettingsError, load


@click.command("bench")
@click.argument("name", required=False, type=click.Choice(BENCHES))
@click.option("--json", "as_json", is_flag=True, help="A JSON list, for other programs.")
@click.option(
    "--database",
    metavar="URL",
    help="Waar te meten, in een eigen lege database ernaast. [die van de instellingen]",
)
@click.option("--size", type=click.IntRange(min=1), help="Hoeveel, bij een meting die telt.")
@click.option("--sealed", is_flag=True, help="Bij understand: de verzegelde helft, eenmaal.")
@click.option(
    "--further", is_flag=True, help="Bij understand: de zinnen van wie de regels schreef."
)
def bench(
    name: str | None,
    as_json: bool,
    database: str | None,
    size: int | None,
    sealed: bool,
    further: bool,
) -> None:
    """Meet snelheid en begrip op deze machine. Exit 1: een doel is niet gehaald."""
    logs.configure()
    if (sealed or further) and name != "understand":
        raise click.UsageError("--sealed en --further horen alleen bij understand.")
    try:
        place = Place.of(database or load().database_url)
    except SettingsError as error:
        refuse(f"De instellingen kloppen niet:\n{error}")
    except ArgumentError:
        refuse(f"--database: {database!r} is geen adres van een database.")
    half = "sealed" if sealed else "further" if further else None
    only = {"half": half} if half else {}
    rows = [each.row() for each in _measured([name] if name else BENCHES, place, size, only)]
    if as_json:
        print_json(rows)
    else:
        print_table(rows, ["name", "value", "unit", "goal", "met", "database", "cores"])
    if not all(row["met"] for row in rows):
        raise SystemExit(1)


def _measured(
    names: list[str] | tuple[str, ...], place: Place, size: int | None, only: dict[str, str]
) -> Iterator[Measured]:
    for name in names:
        click.echo(f"{name} ...", err=True)
        yield from importlib.import_module(f"bot.bench.{name}").measure(place, size, **only)
