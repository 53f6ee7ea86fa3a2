"""What commands share: a house from the environment, and clear refusals."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn

import click

from bot import house, logs, migrate
from bot.engine.work import follow_practice_clock
from bot.gemeente import GemeenteError
from bot.house import House
from bot.settings import SettingsError, load
from bot.wording.catalogue import ContentError
from bot.wording.languages import find, languages

ALL = "alle"
"""What staff type for every language."""


def refuse(message: str) -> NoReturn:
    """End with *message* on standard error and exit code 1."""
    click.echo(message, err=True)
    raise SystemExit(1)


@contextmanager
def the_house(*, migrated: bool = True) -> Iterator[House]:
    """Give the house of the environment, at practice time; refuse in Dutch where it cannot be.

    *migrated* refuses a database that is behind.
    """
    logs.configure()
    try:
        settings = load()
        logs.configure(settings.log_level, settings.secrets)
        built = house.build(settings)
    except SettingsError as error:
        refuse(f"De instellingen kloppen niet:\n{error}")
    except (GemeenteError, ContentError) as error:
        refuse(f"De inhoud klopt niet:\n{error}")
    try:
        if migrated and not migrate.is_current(built.database):
            refuse("De database is niet bij. Doe eerst: stap migrate")
        if migrated:
            follow_practice_clock(built)
        yield built
    finally:
        built.database.close()


def unreviewed_languages(house: House, key: str, text: str) -> frozenset[str]:
    """Read the languages in which *key* may go out unreviewed; refuse one without such a text."""
    if text.strip().casefold() == ALL:
        return frozenset(languages())
    codes = set()
    for name in filter(None, (part.strip() for part in text.split(","))):
        language = find(name)
        if language is None:
            refuse(f"--unreviewed: de taal {name!r} kennen wij niet.")
        if house.catalogue.standing(key, language.code) in ("missing", "stale"):
            refuse(
                f"--unreviewed: er is geen tekst in het {language.dutch}. "
                "Laat de tekst eerst vertalen."
            )
        codes.add(language.code)
    return frozenset(codes)


def each_language(counts: Counter[str]) -> str:
    """Return *counts* by language for people to read, the most first: ``Tigrinya 3, Turks 1``."""
    return ", ".join(f"{languages()[code].dutch} {count}" for code, count in counts.most_common())


def left_out(counts: Mapping[tuple[str, str], int]) -> dict[str, Counter[str]]:
    """Return `Reach.left_out` by reason: how many in each language."""
    found: dict[str, Counter[str]] = {}
    for (why, code), count in sorted(counts.items()):
        found.setdefault(why, Counter())[code] += count
    return found


def print_json(rows: list[dict[str, Any]] | dict[str, Any]) -> None:
    """Print *rows* as JSON, one object a row; other scripts stay as they are."""
    click.echo(json.dumps(rows, ensure_ascii=False, indent=2))


def print_table(rows: list[dict[str, Any]], columns: list[str]) -> None:
    """Print *rows* under their *columns*, for people to read."""
    cells = [[_cell(row.get(column)) for column in columns] for row in rows]
    widths = [max(len(c), *(len(r[i]) for r in cells), 0) for i, c in enumerate(columns)]
    for line in [columns, *cells]:
        click.echo("  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip())


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    return text.replace("\n", " / ")[:60]
