"""`stap hold`: whether anything may be sent from this database, why not, and when it may again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import click
from sqlalchemy.orm import Session

from bot import moments
from bot.commands.shared import print_json, refuse, the_house
from bot.house import House
from bot.messaging import installation, restored
from bot.models.installation import Installation
from bot.privacy import audit

IN_USE = timedelta(minutes=1)
"""A database that was counted up since does not say any more when its backup was made."""

STATES = {
    "planned": "niet verstuurd, gaan alsnog",
    "unknown": "onbekend",
    "unknown_final": "onbekend",
}


@click.group("hold")
def hold() -> None:
    """Of er verstuurd wordt, en zo niet: waarom, en wanneer weer wel."""


@hold.command("status")
@click.option("--json", "as_json", is_flag=True)
def status(as_json: bool) -> None:
    """Zeg of er verstuurd wordt. Eindigt met 1 als er niets verstuurd wordt."""
    with the_house() as house, house.database.reading() as session:
        told = _told(session, house)
    if as_json:
        print_json(told)
    elif not told["held"]:
        click.echo("Er wordt verstuurd.")
    else:
        _explain(told)
    if told["held"]:
        raise SystemExit(1)


def _told(session: Session, house: House) -> dict[str, Any]:
    found = installation.found(session)
    why = installation.told(found, house.settings.environment)
    held = found if why else None
    return {
        "held": held is not None,
        "why": held.held_why if held else None,
        "dutch": why,
        "note": held.held_note if held else None,
        "since": _iso(held.held_since if held else None),
        "missed_since": _iso(held.missed_since if held else None),
        "in_the_way": list(restored.in_the_way(session, house)) if held else [],
        "may_have_gone": restored.counted(session),
        "waiting": restored.waiting(session),
    }


def _explain(told: dict[str, Any]) -> None:
    click.echo(told["dutch"])
    if told["note"]:
        click.echo(f"Reden: {told['note']}")
    if told["may_have_gone"]:
        click.echo(f"Wat misschien al weg was: {_states(told['may_have_gone'])}.")
    click.echo(f"Er wachten {told['waiting']} berichten.")
    for line in told["in_the_way"]:
        click.echo(f"- {line}")
    if not told["in_the_way"]:
        click.echo("Er staat niets in de weg. Doe: stap hold release")


@hold.command("start")
@click.option("--reason", metavar="TEKST", help="Waarom, voor wie het leest.")
@click.option("--restored", "is_restored", is_flag=True, help="Deze database is een back-up.")
@click.option(
    "--since",
    metavar="'JJJJ-MM-DD UU:MM'",
    type=click.DateTime(["%Y-%m-%d %H:%M", "%d-%m-%Y %H:%M"]),
    help="Van wanneer de back-up is, in Nederlandse tijd.",
)
def start(reason: str | None, is_restored: bool, since: datetime | None) -> None:
    """Verstuur niets meer; binnen een seconde begint geen bericht meer aan zijn reis.

    Met --restored wordt eerst uitgezocht wat er sinds de back-up al verstuurd kan zijn.
    """
    if since is not None and not is_restored:
        refuse("--since zegt van wanneer een back-up is. Doe het met --restored.")
    with the_house() as house, house.database.session() as session:
        found = _found(session)
        if not is_restored:
            if not installation.ask(session, reason or ""):
                refuse(installation.told(found, house.settings.environment) or "")
        else:
            _restored(session, found, since)
        _note(session, house, "hold.start", restored=is_restored)
        click.echo(installation.told(found, house.settings.environment))


def _restored(session: Session, found: Installation, since: datetime | None) -> None:
    moment = moments.from_local(since) if since is not None else None
    in_use = found.missed_since is None and found.alive_at > moments.now() - IN_USE
    if moment is None and in_use:
        refuse(
            "Er is al met deze database gewerkt, dus zij zegt niet meer van wanneer zij is. "
            "Zeg het met --since."
        )
    if moment is not None and moment > moments.now():
        refuse("--since ligt in de toekomst.")
    installation.restored(session, moment)


@hold.command("release")
@click.option("--anyway", is_flag=True, help="Ook als er nog iets in de weg staat.")
def release(anyway: bool) -> None:
    """Verstuur weer. Weigert zolang niet is uitgezocht wat al verstuurd kan zijn."""
    with the_house() as house, house.database.session() as session:
        found = _found(session)
        if found.held_since is None:
            click.echo("Er wordt al verstuurd.")
            return
        wait = list(restored.in_the_way(session, house))
        if wait and not anyway:
            lines = "".join(f"\n- {line}" for line in wait)
            refuse(f"Nog niet. Wacht hierop, of zeg --anyway als het niet meer uitmaakt:{lines}")
        _note(session, house, "hold.release", why=found.held_why, anyway=anyway)
        waiting = restored.waiting(session)
        installation.release(session, house)
    click.echo(f"Er wordt weer verstuurd. Er wachtten {waiting} berichten.")


def _found(session: Session) -> Installation:
    found = installation.found(session)
    if found is None:
        refuse("Met deze database is nog niet gewerkt. Start eerst een werker.")
    return found


def _note(session: Session, house: House, action: str, **detail: Any) -> None:
    audit.record(session, house.settings.signing_key, None, action, **detail)


def _iso(moment: datetime | None) -> str | None:
    return moments.local(moment).isoformat() if moment else None


def _states(counted: dict[str, int]) -> str:
    summed: dict[str, int] = {}
    for state, count in counted.items():
        name = STATES.get(state, "verstuurd of al afgehandeld")
        summed[name] = summed.get(name, 0) + count
    return ", ".join(f"{count} {name}" for name, count in summed.items())
