"""`stap templates`: make WhatsApp's templates, read their approval, use one made elsewhere."""

from __future__ import annotations

import asyncio

import click

from bot.channels.base import SendError
from bot.commands.shared import print_json, print_table, refuse, the_house
from bot.engine import approvals
from bot.house import House
from bot.messaging import templates
from bot.models.templates import Template
from bot.wording.languages import shipped


@click.group("templates")
def templates_() -> None:
    """WhatsApp-sjablonen."""


@templates_.command("push")
@click.option(
    "--language",
    "wanted",
    multiple=True,
    type=click.Choice(list(shipped())),
    help="Alleen voor lezers van deze taal; mag vaker.",
)
def push(wanted: tuple[str, ...]) -> None:
    """Maak de sjablonen die er nog niet zijn en vraag om goedkeuring."""
    with the_house() as house:
        _need_twilio(house)
        made, failed = asyncio.run(approvals.push(house, wanted))
    click.echo(f"gemaakt: {made}, mislukt: {len(failed)}")
    for line in failed:
        click.echo(line, err=True)
    if failed:
        raise SystemExit(1)


@templates_.command("status")
@click.option("--json", "as_json", is_flag=True, help="A JSON list, for other programs.")
def status(as_json: bool) -> None:
    """Vraag hoe het met de goedkeuring staat."""
    with the_house() as house:
        _need_twilio(house)
        try:
            asyncio.run(approvals.refresh(house))
        except SendError as error:
            refuse(f"Twilio gaf geen antwoord: {error.code} {error.detail}")
        with house.database.reading() as session:
            rows = [_row(want, templates.known(session, want)) for want in templates.wanted(house)]
    if as_json:
        print_json(rows)
    else:
        print_table(rows, ["key", "language", "status", "category", "reason"])


def _row(want: templates.Wanted, row: Template | None) -> dict[str, str | None]:
    return {
        "key": want.key,
        "language": want.language,
        "status": row.status if row else "niet gemaakt",
        "category": row.category if row else want.category,
        "reason": row.reason if row else None,
    }


def _need_twilio(house: House) -> None:
    if not house.settings.twilio:
        refuse("Twilio is niet ingesteld: TWILIO_ACCOUNT_SID en TWILIO_AUTH_TOKEN ontbreken.")


@templates_.command("use")
@click.argument("key")
@click.argument("language")
@click.argument("sid")
def use(key: str, language: str, sid: str) -> None:
    """Gebruik een sjabloon dat elders is gemaakt en goedgekeurd."""
    if not (sid.startswith("HX") and len(sid) == 34):
        refuse("Een ContentSid begint met HX en heeft 34 tekens.")
    with the_house() as house:
        want = next(
            (w for w in templates.wanted(house) if (w.key, w.language) == (key, language)), None
        )
        if want is None:
            refuse(f"Er is geen sjabloon {key} in taal {language}.")
        with house.database.session() as session:
            templates.use(session, want, sid)
    click.echo(f"{key} ({language}) gebruikt nu {sid}.")
