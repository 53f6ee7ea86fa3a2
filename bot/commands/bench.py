"""`stap bench`: measure, never guess."""

from __future__ import annotations

import importlib
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import structlog
from sqlalchemy.exc import ArgumentError

from bot import logs, moments
from bot.bench import BENCHES, Measured, Place, not_measured
from bot.commands.shared import print_json, refuse
from bot.settings import SettingsError, load

COLUMNS = ("name", "value", "unit", "goal", "met", "database")
ROOT = Path(__file__).resolve().parents[2]
SEALED = ROOT / "tests" / "evaluation" / "sealed"

log = structlog.get_logger()


@click.command("bench")
@click.argument("name", required=False, type=click.Choice(BENCHES))
@click.option("--json", "as_json", is_flag=True, help="A JSON list, for other programs.")
@click.option(
    "--database",
    "databases",
    metavar="URL",
    multiple=True,
    help="Waar te meten, in een eigen lege database ernaast; mag vaker. [die van de instellingen]",
)
@click.option("--size", type=click.IntRange(min=1), help="Hoeveel, bij een meting die telt.")
@click.option("--sealed", is_flag=True, help="Bij understand: de verzegelde set, eenmaal.")
@click.option(
    "--further", is_flag=True, help="Bij understand: de zinnen van wie de regels schreef."
)
def bench(
    name: str | None,
    as_json: bool,
    databases: tuple[str, ...],
    size: int | None,
    sealed: bool,
    further: bool,
) -> None:
    """Meet snelheid en begrip op deze machine. Exit 1: een doel is niet gehaald, of een meting
    mislukte; de andere gaan dan door.
    """
    logs.configure()
    if (sealed or further) and name != "understand":
        raise click.UsageError("--sealed en --further horen alleen bij understand.")
    places = _places(databases)
    if sealed and not SEALED.is_dir():
        refuse(
            "Er is nu geen verzegelde set: tests/evaluation/sealed bestaat niet. "
            "Zonder --sealed worden open en opened gemeten."
        )
    asked = tuple(part for part, on in (("sealed", sealed), ("further", further)) if on)
    only = {"parts": asked} if asked else {}
    about = {"date": moments.now().date().isoformat(), "commit": _commit()}
    names = [name] if name else BENCHES
    rows = [{**each.row(), **about} for each in _measured(names, places, size, only)]
    if as_json:
        print_json(rows)
    else:
        _print_markdown(rows)
    if not all(row["met"] for row in rows):
        raise SystemExit(1)


def _places(databases: Sequence[str]) -> list[Place]:
    try:
        return [Place.of(each) for each in databases or [load().database_url]]
    except SettingsError as error:
        refuse(f"De instellingen kloppen niet:\n{error}")
    except ArgumentError:
        refuse(f"--database: geen adres van een database: {', '.join(databases)}")


def _measured(
    names: Sequence[str],
    places: Sequence[Place],
    size: int | None,
    only: dict[str, tuple[str, ...]],
) -> Iterator[Measured]:
    for name in names:
        measuring = importlib.import_module(f"bot.bench.{name}")
        # What asks no database says the same beside each.
        for place in places if getattr(measuring, "NEEDS_DATABASE", True) else places[:1]:
            click.echo(f"{name}, {place.database} ...", err=True)
            began = time.monotonic()
            try:
                yield from measuring.measure(place, size, **only)
            except Exception as error:  # of every kind: the other measurements still count
                log.error("not measured", bench=name, fault=logs.fault(error))
                yield not_measured(name, error, place)
            click.echo(f"{name}: {time.monotonic() - began:.0f} s", err=True)


def _commit() -> str:
    """Return which commit is measured, with a ``+`` if it was changed since; "" if nobody knows."""
    asked = ["git", "describe", "--always", "--dirty=+", "--exclude=*"]
    try:
        told = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return told.stdout.strip()


def _print_markdown(rows: Sequence[dict[str, Any]]) -> None:
    """Print *rows* as the table that docs/reliability.md holds."""
    if rows:
        first = rows[0]
        click.echo(f"{first['date']}, commit {first['commit']}, {first['cores']} cores\n")
    cells = [[_cell(row[column]) for column in COLUMNS] for row in rows]
    widths = [max(len(line[n]) for line in [COLUMNS, *cells]) for n in range(len(COLUMNS))]
    for line in [COLUMNS, ["-" * width for width in widths], *cells]:
        padded = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        click.echo(f"| {' | '.join(padded)} |")


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "**no**"
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() else str(value)
    return "" if value is None else str(value).replace("|", "/")
