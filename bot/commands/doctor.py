"""`stap doctor`: what is missing or wrong, in plain words, and what to do about it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import click
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from bot import migrate, moments
from bot.channels.base import SendError
from bot.channels.telegram import Telegram
from bot.channels.twilio_client import TwilioClient
from bot.commands import machine
from bot.commands.shared import the_house
from bot.house import House
from bot.messaging import convert, delivery, installation, templates, voices
from bot.messaging.spool import ARRIVAL, DAMAGED, OUTCOME, Spool
from bot.models.messages import InboxEvent, Message, Sender
from bot.models.voices import Recording
from bot.wording.languages import languages, shipped

RECENT = timedelta(days=7)

PROBE = "can-it-be-written"

UNSURE = {
    # State -> what it means, and what to do.
    "unknown": (
        "Van {} is nog onbekend of het aankwam.",
        "De lijst van Twilio beslist meestal binnen twintig minuten; wat dan blijft, wordt een "
        "herhaling of een taak (stap list tasks).",
    ),
    "unknown_final": (
        "Van {} in de laatste 7 dagen blijft onbekend of het aankwam.",
        "Bel wie het niet mag missen (stap list messages); stuur niet zomaar opnieuw.",
    ),
    "no_receipt": (
        "Van {} in de laatste 7 dagen kwam binnen drie dagen geen ontvangstbewijs.",
        "Vaak staat de telefoon uit, of zijn wij geblokkeerd. Vraag om een ander nummer of kanaal "
        "(stap list messages).",
    ),
}


@click.command("doctor")
def doctor() -> None:
    """Zeg wat er ontbreekt of niet klopt. Eindigt met 1 als er iets is om naar te kijken."""
    told: list[str] = []
    with the_house(migrated=False) as house:
        wrong = [*_settings(house), *_database(house, told), *_spool(house)]
        wrong += [*machine.disk(house, told), *_broker(house)]
        wrong += asyncio.run(_providers(house))
        told += _unreviewed(house)
    for line in told:
        click.echo(line)
    for line in wrong:
        click.echo(f"- {line}")
    click.echo("Alles klopt." if not wrong else f"{len(wrong)} punten om naar te kijken.")
    if wrong:
        raise SystemExit(1)


def _settings(house: House) -> Iterator[str]:
    settings = house.settings
    if settings.practice and not house.channels:
        yield (
            "Alle kanalen staan uit. `stap run --practice` zet ze voor zichzelf aan; "
            "vul anders de instellingen van Twilio of Telegram in."
        )
        return
    for name, setting in (
        ("whatsapp", "TWILIO_WHATSAPP_FROM"),
        ("sms", "TWILIO_SMS_FROM of TWILIO_MESSAGING_SERVICE_SID"),
        ("telegram", "TELEGRAM_BOT_TOKEN"),
    ):
        if name not in house.channels:
            yield f"{name} staat uit: {setting} ontbreekt."
    if settings.environment != "production" and not settings.allowed_recipients:
        yield "Niemand kan berichten krijgen: ALLOWED_RECIPIENTS is leeg (buiten productie nodig)."


def _database(house: House, told: list[str]) -> Iterator[str]:
    try:
        current = migrate.is_current(house.database)
        with house.database.reading() as session:
            wrong = [*machine.database(session, told), *machine.clocks(house, session, told)]
    except Exception as error:
        yield f"De database antwoordt niet ({type(error).__name__}). Kijk naar DATABASE_URL."
        yield from machine.clocks(house, None, told)
        return
    yield from wrong
    if not current:
        yield "De database is niet bij. Doe: stap migrate"
        return
    with house.database.reading() as session:
        yield from machine.works(session)
        for event in session.scalars(
            select(InboxEvent).where(InboxEvent.state == "kept").order_by(InboxEvent.id).limit(20)
        ):
            yield (
                f"Niet begrepen bericht van {event.source} (nummer {event.id}, "
                f"{event.received_at:%d-%m-%Y %H:%M} UTC): {event.error}. "
                f"Het is bewaard. Na een verbetering: stap inbox retry {event.id}"
            )
        held = installation.told(installation.found(session), house.settings.environment)
        if held is not None:
            yield f"{held} Wat nu: stap hold status"
        yield from _down(session)
        yield from _unsure(session)
        yield from _voices(session, house)
        if "whatsapp" in house.channels:
            missing = sum(
                templates.known(session, want) is None for want in templates.wanted(house)
            )
            if missing:
                yield f"{missing} WhatsApp-sjablonen ontbreken nog. Doe: stap templates push"


def _voices(session: Session, house: House) -> Iterator[str]:
    """Say what keeps sound from being heard; nothing where nobody recorded anything."""
    rows = session.scalars(
        select(Recording).where(Recording.state == "approved", Recording.file.is_not(None))
    ).all()
    gone = [row for row in rows if voices.path_of(house.settings, row) is None]
    bare = [row for row in rows if voices.path_of(house.settings, row, voices.M4A) is None]
    if gone:
        yield (
            f"Van {len(gone)} goedgekeurde opnames ontbreekt het geluid in "
            f"{house.settings.voices}. Zet de map terug uit de reservekopie, of neem ze opnieuw op."
        )
    elif bare and convert.program() is None:
        yield (
            f"ffmpeg is er niet: van {len(bare)} opnames is er geen M4A, en oudere iPhones horen "
            "ze dan niet op de pagina. Installeer ffmpeg en doe: stap voices convert"
        )
    if house.settings.machine_voice and not any(row.machine for row in rows):
        yield "MACHINE_VOICE staat aan, maar er is nog niets gemaakt. Doe: stap voices machine TAAL"


def _down(session: Session) -> Iterator[str]:
    for sender in session.scalars(select(Sender).where(Sender.broken_since.is_not(None))):
        yield (
            f"Kanaal {sender.channel} ligt stil sinds {sender.broken_since:%d-%m-%Y %H:%M} UTC "
            f"({sender.pause_cause}); {_messages(delivery.waiting(session, sender.channel))} wacht "
            "daarop. Het gaat vanzelf verder zodra de provider weer werkt."
        )


def _unsure(session: Session) -> Iterator[str]:
    """Count the messages of which nobody knows whether they arrived; the older are history."""
    counted = session.execute(
        select(Message.state, func.count())
        .where(
            Message.state.in_(UNSURE),
            or_(Message.state == "unknown", Message.changed_at > moments.now() - RECENT),
        )
        .group_by(Message.state)
    )
    found = {row[0]: row[1] for row in counted}
    for state, (what, then) in UNSURE.items():
        if count := found.get(state):
            yield f"{what.format(_messages(count))} {then}"


def _messages(count: int) -> str:
    return "1 bericht" if count == 1 else f"{count} berichten"


def _spool(house: House) -> Iterator[str]:
    spool = Spool(house.settings.spool)
    try:
        spool.write(PROBE, b"")
        spool.forget([spool.folder / PROBE])
    except OSError as error:
        yield (
            f"In {spool.folder} kan niet geschreven worden ({error.strerror}). Wat er gebeurt als "
            "de database even weg is, gaat dan verloren. Kijk naar SPOOL_DIR en de rechten."
        )
    if waiting := spool.count(ARRIVAL) + spool.count(OUTCOME):
        yield (
            f"In {spool.folder} wachten {waiting} gebeurtenissen op de database. Ze gaan erin "
            "zodra zij terug is en web en werker draaien."
        )
    if damaged := spool.count(DAMAGED):
        yield (
            f"In {spool.folder} liggen {damaged} bestanden die niet te lezen of op te slaan zijn. "
            "Laat iemand ze bekijken en daarna weggooien: er kan staan wat een persoon schreef."
        )


def _unreviewed(house: House) -> Iterator[str]:
    """Say whose texts nobody has read over: they are shown, and no reason to stop."""
    names = []
    for code in shipped():
        counts = house.catalogue.counts(code)
        total = sum(counts.values())
        read = counts["reviewed"] + counts["source"]
        if read < total:
            names.append(f"{languages()[code].dutch} {total - read} van {total}")
    if names:
        yield (
            f"Let op: nog niet nagelezen teksten: {', '.join(names)}. Herinneringen en antwoorden "
            "gaan uit; een groepsbericht vraagt er per taal een ja voor (stap languages)."
        )


def _broker(house: House) -> Iterator[str]:
    if house.settings.engine == "embedded":
        return
    # Celery is for many machines: one machine need not load it.
    from bot.engine.distributed import unreachable

    why = unreachable(house.settings)
    if why is not None:
        yield (
            f"De broker antwoordt niet ({why}). Kijk naar BROKER_URL. "
            f"Herinneringen gaan door, tot {house.settings.broker_patience:g} seconden later."
        )


async def _providers(house: House) -> list[str]:
    wrong: list[str] = []
    if house.settings.twilio:
        twilio = TwilioClient(house.settings)
        try:
            state = await twilio.account()
            if state != "active":
                wrong.append(f"Het account bij Twilio is niet actief maar: {state}.")
        except SendError as error:
            wrong.append(f"Twilio neemt ons niet aan ({error.code or error.detail}).")
        finally:
            await twilio.close()
    bot = house.channels.get("telegram")
    if isinstance(bot, Telegram):
        try:
            await bot.me()
        except SendError as error:
            wrong.append(f"Telegram neemt de bot niet aan ({error.code or error.detail}).")
        finally:
            await bot.close()
    return wrong
