"""`stap staff`: who may log in to the console."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click
from sqlalchemy.orm import Session

from bot.commands.shared import refuse, the_house
from bot.house import House
from bot.models.staff import ROLES, StaffMember
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
        with _allowed(), house.database.session() as session:
            member = staff.put(session, email, name or email.partition("@")[0], roles)
            _note(session, house, "staff.put", member, roles=sorted(roles))
        _hand_out_a_link(house, member.email)


@staff_.command("renew")
@click.argument("email")
def renew(email: str) -> None:
    """Telefoon of codes kwijt: wachtwoord en tweede stap vervallen; druk een nieuwe link af."""
    with the_house() as house:
        with _allowed(), house.database.session() as session:
            member = staff.find(session, email)
            staff.renew(session, member)
            _note(session, house, "staff.renewed", member)
        _hand_out_a_link(house, member.email)


@staff_.command("close")
@click.argument("email")
def close(email: str) -> None:
    """Laat iemand niet meer binnen; wat die deed, blijft bekend."""
    with the_house() as house, _allowed(), house.database.session() as session:
        member = staff.find(session, email)
        staff.close(session, member)
        _note(session, house, "staff.closed", member)
    click.echo(f"{member.email} kan niet meer inloggen.")


@contextmanager
def _allowed() -> Iterator[None]:
    try:
        yield
    except staff.NotAllowed as error:
        refuse(str(error))


def _note(session: Session, house: House, action: str, member: StaffMember, **more: object) -> None:
    key = house.settings.signing_key
    audit.record(session, key, None, action, f"staff:{member.id}", **more)


def _hand_out_a_link(house: House, email: str) -> None:
    # The console makes the link: it knows how one is signed, and nobody else need.
    import console
    from console.login import first_link

    desk = console.make(house)
    with desk.app_context():
        click.echo(first_link(desk, email))
    click.echo(
        "De link werkt één keer, drie dagen lang. Geef hem alleen aan deze persoon.", err=True
    )
