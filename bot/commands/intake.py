"""`stap intake`: bring a file of people, afspraken, slots, voortrajecten or ambassadeurs."""

from __future__ import annotations

from pathlib import Path

import click

from bot.outreach.intake.reading import read
from bot.outreach.intake.report import Report
from bot.outreach.intake.sheet import KINDS, Unreadable


@click.command()
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--report",
    "refused_file",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Schrijf de geweigerde rijen, met de reden, naar dit CSV-bestand.",
)
@click.option("--check", is_flag=True, help="Controleer alleen; sla niets op.")
@click.pass_context
def intake(
    context: click.Context, kind: str, file: Path, refused_file: Path | None, check: bool
) -> None:
    """Lees een bestand (CSV, Excel, ICS) in, en zeg van elke rij wat ermee is gedaan.

    Goede rijen worden opgeslagen, ook als andere worden geweigerd.
    """
    try:
        sheet = read(file, kind)
    except Unreadable as error:
        click.echo(f"{file.name}: {error}", err=True)
        context.exit(1)
    # What sends messages takes a second to load; a file of no use is refused before that.
    from bot.commands.shared import the_house
    from bot.outreach.intake.storing import store

    report = Report(unit=sheet.unit, header=sheet.header)
    with the_house() as here:
        for batch in sheet.batches():
            with here.database.session() as session:
                report += store(session, here, batch)
                if check:
                    session.rollback()
    for line in report.lines():
        click.echo(line)
    if check:
        click.echo("Dit was een controle: er is niets opgeslagen.")
    if refused_file is not None:
        report.write_refused(refused_file)
    context.exit(1 if report.refused else 0)
