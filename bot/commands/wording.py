"""`stap content` and `stap languages`: are the texts right, and how far are the translations?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import click
from sqlalchemy import select

from bot import kalender, moments
from bot.commands.shared import print_json, print_table, refuse
from bot.db import AWAY, Database
from bot.gemeente import Gemeente, GemeenteError, gemeente
from bot.models.voices import Recording
from bot.outreach.intake import cage
from bot.outreach.intake.sheet import Unreadable
from bot.settings import SettingsError, load
from bot.wording import exchange, spoken
from bot.wording.catalogue import Catalogue, ContentError, catalogue, faults
from bot.wording.extract import refreshed
from bot.wording.languages import languages, shipped
from bot.wording.measure import Thrift, thrift, warnings
from bot.wording.workbook import workbook

FILE = click.Path(dir_okay=False, path_type=Path)


@click.command("content")
@click.option("--sms", is_flag=True, help="Ook per tekst: wat een sms kost met en zonder accenten.")
def content(sms: bool) -> None:
    """Controleer alle teksten; fouten geven exitcode 1."""
    try:
        texts = catalogue()
    except ContentError as error:
        refuse(str(error))
    place = gemeente(load().gemeente or None)
    doubts = [*warnings(texts, shipped(), place.max_segments), *_days()]
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


def _days() -> Iterator[str]:
    """Yield that the list of days ends soon, if it does. Refuses one that cannot be used."""
    try:
        last = kalender.known_until()
    except kalender.KalenderError as error:
        refuse(str(error))
    if last < moments.local(moments.now() + timedelta(days=180)).date():
        yield f"kalender.yaml loopt tot {last:%d-%m-%Y}; vul het volgende jaar aan"


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
@click.option("--export", "out", type=FILE, help="Schrijf de teksten in een .xlsx, voor vertalers.")
@click.option("--import", "back", type=FILE, help="Neem een .xlsx terug die zij hebben ingevuld.")
@click.option("--language", "only", multiple=True, help="Bij --export: alleen deze taal.")
def languages_(as_json: bool, out: Path | None, back: Path | None, only: tuple[str, ...]) -> None:
    """Toon per taal de teksten, hoeveel er nagelezen zijn, en wat er te beluisteren is.

    Of breng de teksten naar vertalers en terug (--export, --import); docs/vertalen.md zegt hoe.
    """
    if sum(map(bool, (as_json, out, back))) > 1:
        raise click.UsageError("Kies er een: --json, --export of --import.")
    if only and not out:
        raise click.UsageError("--language hoort bij --export.")
    try:
        texts = catalogue()
    except ContentError as error:
        refuse(str(error))
    if out:
        _export(texts, out, only)
    elif back:
        _import(texts, back)
    else:
        _count(texts, as_json)


def _export(texts: Catalogue, path: Path, only: Sequence[str]) -> None:
    try:
        codes = exchange.codes(only)
    except ValueError as error:
        refuse(f"--language: de taal {error} kennen wij niet, of er is niets te vertalen.")
    rows = list(exchange.rows(texts, codes))
    try:
        path.write_bytes(workbook("Teksten", exchange.HEADER, rows, exchange.WIDTHS))
    except OSError as error:
        refuse(f"{path.name} is niet te schrijven: {error.strerror}.")
    click.echo(f"{path.name}: {len(rows)} teksten in {len(codes)} talen.")


def _import(texts: Catalogue, path: Path) -> None:
    try:
        data = path.read_bytes()
        _, *lines = cage.opened("xlsx", data, moments.now().isoformat())
        sheet = [(int(number), [str(cell) for cell in cells]) for number, cells in lines]
        brought = exchange.returned(texts, sheet)
    except OSError as error:
        refuse(f"{path.name} is niet te openen: {error.strerror}.")
    except (Unreadable, ValueError) as error:
        refuse(f"{path.name}: {error}")
    for code, changes in brought.changes.items():
        po_file = texts.po_file(code)
        _replace(po_file, refreshed(texts.directory, po_file, code, changes))
        read = sum(change.review is not None for change in changes.values())
        name = languages()[code].dutch
        click.echo(f"{name}: {len(changes)} teksten opgeslagen, {read} daarvan nagelezen.")
    for refused in brought.refused:
        click.echo(f"niet opgeslagen: {refused}")
    click.echo(f"Zonder verandering: {brought.same}. Geweigerd: {len(brought.refused)}.")
    if brought.refused:
        raise SystemExit(1)


def _replace(path: Path, data: bytes) -> None:
    """Write *path* whole or not at all: a running house may read it at any moment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".new")
    beside.write_bytes(data)
    beside.replace(path)


def _count(texts: Catalogue, as_json: bool) -> None:
    heard = _heard(texts)
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
                **heard[code],
            }
        )
    if as_json:
        print_json(rows)
        return
    print_table(rows, ["language", "name", "texts", "present", "reviewed", "stale"])
    click.echo("\nStem: wat voorgelezen is. Wat ontbreekt: stap voices missing TAAL")
    print_table(rows, ["language", "voice", "aloud", "recorded", "pieces", "page", "machine"])


def _heard(texts: Catalogue) -> dict[str, dict[str, object]]:
    """Return for every language what can be heard in it; nothing where no database is at hand."""
    by_person, by_machine, place = _recorded()
    found: dict[str, dict[str, object]] = {}
    for code in shipped():
        aloud = spoken.texts_aloud(texts)
        wanted = {piece.key for piece in spoken.wanted(code, texts, place)}
        page, said = spoken.page(code, texts), by_person[code]
        found[code] = {
            # Texts that can be heard in full, of those that are said aloud at all.
            "voice": sum(said >= spoken.needs(key, code, texts, place) for key in aloud),
            "aloud": len(aloud),
            "recorded": len(said & wanted),
            "pieces": len(wanted),
            "page": page is not None and page.key in said,
            "machine": _machine(code, len(by_machine[code] & wanted), len(wanted)),
        }
    return found


def _machine(code: str, made: int, wanted: int) -> str:
    """Say of the computer's voice whether there can be one, and how much of it there is."""
    if languages()[code].machine is None:
        return "geen"
    return f"{made}/{wanted}"


def _recorded() -> tuple[dict[str, set[str]], dict[str, set[str]], Gemeente]:
    """Return the pieces that may be heard by language, of people and of the computer."""
    said: tuple[dict[str, set[str]], dict[str, set[str]]] = (defaultdict(set), defaultdict(set))
    try:
        settings = load()
        place = gemeente(settings.gemeente or None)
    except (SettingsError, GemeenteError):
        click.echo("Zonder goede instellingen is niet te zien wat ingesproken is.", err=True)
        return (*said, gemeente())
    database = Database(settings.database_url)
    try:
        with database.reading() as session:
            approved = select(Recording.language, Recording.piece, Recording.machine).where(
                Recording.state == "approved", Recording.file.is_not(None)
            )
            for code, piece, machine in session.execute(approved):
                said[machine][code].add(piece)
    except AWAY:
        click.echo("Zonder database is niet te zien wat ingesproken is.", err=True)
    finally:
        database.close()
    return (*said, place)
