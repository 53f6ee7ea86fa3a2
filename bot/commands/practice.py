"""The practice ground of `stap run --practice`: stand-in providers, and people who do not exist.

Everything goes in by the ways that are there for real: files through intake, templates
through Twilio's Content API. Nothing can leave this machine.
"""

from __future__ import annotations

import asyncio
import csv
import io
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import click
import yaml
from argon2 import PasswordHasher
from sqlalchemy import delete, exists, inspect, make_url, select, update
from sqlalchemy.orm import Session

from bot import moments
from bot.commands.shared import refuse
from bot.db import Database
from bot.engine import approvals
from bot.gemeente import GemeenteError, gemeente
from bot.house import House
from bot.models.ambassadeurs import Ambassadeur
from bot.models.people import Address, Inburgeraar
from bot.models.practice import PracticeClock
from bot.models.staff import StaffMember
from bot.models.templates import Template
from bot.outreach import ambassadeurs
from bot.outreach.intake.reading import parse
from bot.outreach.intake.storing import store
from bot.privacy import staff
from bot.settings import SettingsError, load

ROOT = Path(__file__).resolve().parents[2]
PEOPLE = ROOT / "content" / "practice.yaml"

PATIENCE = 20
"""Seconds that the stand-ins get to start."""

PASSWORD = "oefenen mag hier"  # noqa: S105 - for fictional staff, on this machine alone

SETTINGS = {
    "ENVIRONMENT": "practice",
    "ALLOWED_RECIPIENTS": "*",
    "TWILIO_ACCOUNT_SID": "AC" + "0f" * 16,
    "TWILIO_AUTH_TOKEN": "practice-twilio-token",
    "TWILIO_API_KEY_SID": "",
    "TWILIO_API_KEY_SECRET": "",
    "TWILIO_MESSAGING_SERVICE_SID": "",
    "TWILIO_SMS_FROM": "+3197000000000",
    "TWILIO_WHATSAPP_FROM": "+3197000000001",
    "TELEGRAM_BOT_TOKEN": "1000:practice-telegram-token",
    "TELEGRAM_BOT_NAME": "StapVooruitOefenBot",
    "TELEGRAM_WEBHOOK_SECRET": "practice-telegram-secret",
}
"""Fictional through and through: the stand-ins are told the same."""


@contextmanager
def practice_ground(port: int) -> Iterator[Callable[[House], None]]:
    """Start the stand-ins beside a house on *port*; give what to do once the house serves."""
    phones = f"http://127.0.0.1:{port + 1}"
    house = f"http://127.0.0.1:{port}"
    os.environ.update(SETTINGS, PUBLIC_URL=house)
    os.environ.update(
        dict.fromkeys(("TWILIO_API_URL", "TWILIO_CONTENT_URL", "TELEGRAM_API_URL"), phones)
    )
    sender, kept = _name_and_place()
    content = yaml.safe_load(PEOPLE.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        people = Path(folder) / "people.json"
        people.write_text(json.dumps(list(_phones(content)), ensure_ascii=False))
        options = {
            "--port": str(port + 1),
            "--house": house,
            "--people": str(people),
            "--keep": str(kept),
            "--sender-name": sender,
            "--twilio-sid": SETTINGS["TWILIO_ACCOUNT_SID"],
            "--twilio-token": SETTINGS["TWILIO_AUTH_TOKEN"],
            "--sms-from": SETTINGS["TWILIO_SMS_FROM"],
            "--whatsapp-from": SETTINGS["TWILIO_WHATSAPP_FROM"],
            "--telegram-token": SETTINGS["TELEGRAM_BOT_TOKEN"],
            "--telegram-name": SETTINGS["TELEGRAM_BOT_NAME"],
            "--telegram-secret": SETTINGS["TELEGRAM_WEBHOOK_SECRET"],
        }
        ground = subprocess.Popen(
            [
                *(sys.executable, "-m", "phones", "--until-eof"),
                *(part for pair in options.items() for part in pair),
            ],
            cwd=ROOT,
            start_new_session=True,
            # It ends when this pipe does: a house that is killed leaves no phones behind.
            stdin=subprocess.PIPE,
        )
        try:
            remembers = _wait_for(phones + "/state.json", ground)["remembers"]
            yield lambda built: _move_in(built, content, house, phones, remembers=remembers)
        finally:
            ground.terminate()
            ground.wait(timeout=10)


def _name_and_place() -> tuple[str, Path]:
    """Return the gemeente's name, and the file where the phones of this database are kept.

    A database that was never practised on has no phones yet: what lies there is of another.
    """
    try:
        settings = load()
        name = gemeente(settings.gemeente or None).name
    except (SettingsError, GemeenteError) as error:
        refuse(str(error))
    url = make_url(settings.database_url)
    on_file = url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:")
    folder = Path(str(url.database)).resolve().parent if on_file else ROOT / "var"
    kept = folder / "phones.json"
    database = Database(settings.database_url)
    with database.session() as session:
        migrated = inspect(database.engine).has_table(PracticeClock.__tablename__)
        if not migrated or session.scalar(select(PracticeClock.id)) is None:
            kept.unlink(missing_ok=True)
    database.close()
    return name, kept


def _phones(content: dict[str, Any]) -> Iterator[dict[str, str]]:
    for person in content["people"]:
        yield {
            "name": person["voornaam"],
            "language": person["taal"],
            "channel": person["kanaal"],
            "address": person["telegram" if person["kanaal"] == "telegram" else "telefoon"],
        }
    for ambassadeur in content["ambassadeurs"]:
        yield {
            "name": ambassadeur["voornaam"],
            "language": ambassadeur["talen"].split(",")[0],
            "channel": "sms",
            "address": ambassadeur["telefoon"],
        }


def _wait_for(url: str, ground: subprocess.Popen[bytes]) -> dict[str, Any]:
    """Return what stands at *url* once the stand-ins serve it."""
    until = time.monotonic() + PATIENCE
    while True:
        if ground.poll() is not None:
            refuse("De oefentelefoons starten niet: is hun poort vrij?")
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own address
                return cast(dict[str, Any], json.load(answer))
        except OSError:
            if time.monotonic() > until:
                refuse("De oefentelefoons antwoorden niet.")
            time.sleep(0.1)


def _move_in(
    house: House, content: dict[str, Any], here: str, phones: str, *, remembers: bool
) -> None:
    """Set the clock and let people, templates and afspraken in; say what to try first."""
    with house.database.session() as session:
        row = session.get(PracticeClock, 1)
        if row is None:
            start = moments.first_tuesday_ten(moments.now())
            row = PracticeClock(id=1, ahead_seconds=(start - moments.now()).total_seconds())
            session.add(row)
        moments.set_practice_offset(timedelta(seconds=row.ahead_seconds))
        if not remembers:
            # Stand-ins that start empty know no template, and have no window open.
            session.execute(delete(Template))
            session.execute(update(Address).values(last_inbound_at=None))
    _, failed = asyncio.run(approvals.push(house))
    for line in failed:
        click.echo(line, err=True)
    asyncio.run(approvals.refresh(house))
    with house.database.session() as session:
        _staff(session, content["staff"])
        if session.scalar(select(~exists().where(Inburgeraar.id > 0))):
            for kind in ("people", "afspraken", "slots", "voortrajecten", "ambassadeurs"):
                report = store(session, house, parse(_csv(content[kind]), kind, PEOPLE.name))
                if report.refused:
                    refuse(f"content/practice.yaml: {report}")
        link = None
        ambassadeur = session.scalars(select(Ambassadeur).order_by(Ambassadeur.id)).first()
        if ambassadeur is not None:
            link = f"{here}/a/{ambassadeurs.link_for(session, ambassadeur).code}"
    click.echo(
        WELCOME.format(
            here=here, phones=phones, link=link, now=_spoken_now(),
            email=content["staff"][0]["email"], password=PASSWORD,
        ),
        err=True,
    )  # fmt: skip


def _staff(session: Session, described: list[dict[str, Any]]) -> None:
    """Let the staff of the practice ground in, with one password that everybody may know."""
    if session.scalar(select(exists().where(StaffMember.id > 0))):
        return
    hashed = PasswordHasher().hash(PASSWORD)
    for one in described:
        staff.put(session, one["email"], one["naam"], one["rollen"]).password = hashed


def _spoken_now() -> str:
    now = moments.local(moments.now())
    days = ("maandag", "dinsdag", "woensdag", "donderdag", "vrijdag", "zaterdag", "zondag")
    return f"{days[now.weekday()]} {now:%d-%m-%Y %H:%M}"


def _csv(rows: list[dict[str, Any]]) -> bytes:
    """Write *rows* as the file that staff would bring; days become dates."""
    today = moments.local(moments.now()).date()
    for row in rows:
        if "day" in row:
            day = today + timedelta(days=row.pop("day"))
            if "time" in row:
                row["begin"] = f"{day} {row.pop('time')}"
            else:
                row["start"] = str(day)
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, delimiter=";", restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


WELCOME = """
Oefenterrein klaar. Er gaat niets naar echte mensen.

  Telefoons   {phones}
  Console     {here}/console/   {email}   wachtwoord: {password}
  Webhooks    {here}
  Link van een ambassadeur   {link}
  Oefentijd   {now}

Probeer eerst:
  1. Open {phones}: Selam (WhatsApp), Rania (Telegram) en Mehmet (sms) hebben een herinnering.
  2. Tik bij Selam op haar taal, en bij alle drie op ja (of stuur 1).
  3. Kijk wat wij ervan weten:  .venv/bin/stap list afspraken --json
  4. Nodig mensen uit:          .venv/bin/stap invite V-1 --unreviewed alle
  5. Log in op {here}/console/ en open Selam onder Mensen.
  6. Zet de oefenklok vooruit met 'naar herinnering'.
Stoppen: Ctrl-C. Opnieuw beginnen: verwijder var/.
"""
