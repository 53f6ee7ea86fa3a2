"""`stap inbox`: what came in and was not understood, and another try at it."""

from __future__ import annotations

import click
from sqlalchemy import select

from bot.commands.shared import print_json, print_table, refuse, the_house
from bot.messaging import inbox
from bot.models.messages import InboxEvent


@click.group("inbox")
def inbox_() -> None:
    """Wat binnenkwam en niet begrepen is."""


@inbox_.command("kept")
@click.option("--json", "as_json", is_flag=True)
def kept(as_json: bool) -> None:
    """Toon wat bewaard is omdat het nog niet begrepen wordt; nooit wat erin staat."""
    with the_house() as house, house.database.reading() as session:
        rows = [
            {
                "id": event.id,
                "source": event.source,
                "received": event.received_at.isoformat(),
                "tries": event.tries,
                "error": event.error,
            }
            for event in session.scalars(
                select(InboxEvent).where(InboxEvent.state == "kept").order_by(InboxEvent.id)
            )
        ]
    if as_json:
        print_json(rows)
    else:
        print_table(rows, ["id", "source", "received", "tries", "error"])


@inbox_.command("retry")
@click.argument("numbers", metavar="[NUMMER]...", nargs=-1, type=int)
def retry(numbers: tuple[int, ...]) -> None:
    """Probeer wat bewaard is opnieuw: alles, of alleen deze nummers.

    Doe dit na een verbetering. De werker pakt het binnen een seconde op; wat nog steeds niet
    begrepen wordt, blijft bewaard.
    """
    with the_house() as house, house.database.session() as session:
        tried = inbox.retry(session, numbers)
    if not tried and numbers:
        refuse("Geen van deze nummers is bewaard. `stap inbox kept` noemt wat er is.")
    click.echo(f"Opnieuw te proberen: {tried}.")
