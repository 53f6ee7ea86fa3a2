"""`stap staff`: who may log in to the console."""

from __future__ import annotations

import click

from bot.commands.shared import refuse, the_house
from bot.models.staff import ROLES
from bot.privacy import audit, staff


@click.group("staff")
def staff_() -> None:
    """Wie er in de console mag."""


@staff_.command("add")
@click.argument("email")
@click.option(
    "--role", "roles", multiple=True, required=True, type=click.Choice(list(ROLES)),
    help="Mag vaker; de rollen die u noemt gelden, en geen andere.",
)  # fmt: skip
@click.option("--name", default="", help="Zoals collega's de persoon kennen.")
def add(email: str, roles: tuple[str, ...], name: str) -> None:
    """Voeg iemand toe, of geef andere rollen; druk een link voor één keer af."""
    with the_house() as house:
        try:
            with house.database.session() as session:
                member = staff.put(session, email, name or email.partition("@")[0], roles)
                audit.record(
                    session, house.settings.signing_key, None, "staff.put",
                    f"staff:{member.id}", roles=sorted(roles),
                )  # fmt: skip
                key = member.email
        except staff.NotAllowed as error:
            refuse(str(error))
        # The console makes the link: it knows how one is signed, and nobody else need.
        import console
        from console.login import first_link

        desk = console.make(house)
        with desk.app_context():
            link = first_link(desk, key)
    click.echo(link)
    click.echo(
        "De link werkt één keer, drie dagen lang. Geef hem alleen aan deze persoon.", err=True
    )
