"""`stap link`: the personal link of an ambassadeur, and its QR code."""

from __future__ import annotations

from pathlib import Path

import click
from sqlalchemy import select

from bot.commands.shared import refuse, the_house
from bot.models.ambassadeurs import Ambassadeur
from bot.outreach import ambassadeurs

PIXELS = 12
"""Of one module in a PNG: about 40 mm wide at 300 dots per inch."""


@click.command("link")
@click.argument("ambassadeur")
@click.option(
    "--png", type=click.Path(dir_okay=False, path_type=Path), help="Schrijf de QR-code als PNG."
)
@click.option(
    "--svg", type=click.Path(dir_okay=False, path_type=Path), help="Schrijf de QR-code als SVG."
)
def link(ambassadeur: str, png: Path | None, svg: Path | None) -> None:
    """Toon de link van AMBASSADEUR (het kenmerk); maak hem als hij er nog niet is.

    Achter de link: /poster en /cards zijn om te printen, ?lang= kiest de taal.
    """
    with the_house() as house:
        with house.database.session() as session:
            found = session.scalars(
                select(Ambassadeur).where(Ambassadeur.kenmerk == ambassadeur)
            ).one_or_none()
            if found is None:
                refuse(
                    f"Er is geen ambassadeur met kenmerk {ambassadeur}. "
                    "Breng het bestand in met: stap intake ambassadeurs BESTAND"
                )
            try:
                code = ambassadeurs.link_for(session, found).code
            except ambassadeurs.Stopped:
                refuse(f"{ambassadeur} is gestopt als ambassadeur en krijgt geen link meer.")
        address = ambassadeurs.address_of(house, code)
    qr = ambassadeurs.qr(address)
    look = {"border": ambassadeurs.QUIET, "dark": ambassadeurs.INK, "light": "#ffffff"}
    try:
        if png is not None:
            qr.save(str(png), kind="png", scale=PIXELS, **look)
        if svg is not None:
            qr.save(str(svg), kind="svg", omitsize=True, **look)
    except OSError as error:
        refuse(f"De QR-code kon niet worden geschreven: {error.strerror}: {error.filename}")
    click.echo(address)
