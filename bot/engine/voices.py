"""Fetches the voice notes that people sent, each once: between transactions, never within one."""

from __future__ import annotations

import asyncio
import mimetypes
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import select

from bot import logs
from bot.channels.base import SMS, TELEGRAM, WHATSAPP, File, NotFetched
from bot.house import House
from bot.messaging import convert, voices
from bot.models.messages import Reply
from bot.models.voices import Recording, VoiceNote
from bot.outreach import voices as readers
from bot.wording import ogg

if TYPE_CHECKING:
    from bot.channels.telegram_client import TelegramClient

log = structlog.get_logger()

TRIES = 200
"""How often a file is asked for that could not be had, some ten seconds apart."""

UNREADABLE = "Wij kunnen dit geluid niet lezen. Gebruik de microfoon in de chat."


@dataclass(frozen=True, slots=True)
class _Coming:
    """A file that is still at the provider."""

    recording: bool
    """Of an ambassadeur, else what a resident said."""
    number: int
    channel: str
    ref: str


def fetch(house: House, limit: int) -> int:
    """Fetch up to *limit* voice notes and keep them here; return how many were done with."""
    with house.database.reading() as session:
        coming = [
            _Coming(kind is Recording, number, channel, _sound_in(media))
            for kind in (Recording, VoiceNote)
            for number, channel, media in session.execute(
                select(kind.id, Reply.channel, Reply.media)
                .join(Reply, Reply.id == kind.reply_id)
                .where(kind.state == "coming")
                .order_by(kind.tries, kind.id)
                .limit(limit)
            )
        ]
    return asyncio.run(_fetch(house, coming)) if coming else 0


def _sound_in(media: list[dict[str, str]]) -> str:
    return next((each["ref"] for each in media if each["kind"] in ("voice", "audio")), "")


async def _fetch(house: House, coming: list[_Coming]) -> int:
    # Its client takes a second to load: only who has something to fetch waits for that.
    from bot.channels.telegram_client import TelegramClient

    done = 0
    # Of this event loop: the one that sends has its own.
    bot = TelegramClient(house.settings) if house.settings.telegram_bot_token else None
    try:
        for each in coming:
            try:
                file = await _file(house, bot, each)
            except NotFetched as error:
                log.info("voice note not fetched", why=str(error))
                done += _not_had(house, each, again=error.again)
                continue
            except Exception as error:  # what one provider answered holds up no other note
                log.error("voice note not fetched", fault=logs.fault(error))
                done += _not_had(house, each, again=True)
                continue
            if each.recording:
                _keep_recording(house, each.number, file)
            else:
                _keep_note(house, each.number, file)
            done += 1
            await _forget_there(house, each)
    finally:
        if bot is not None:
            await bot.close()
    return done


async def _file(house: House, bot: TelegramClient | None, each: _Coming) -> File:
    if each.channel == TELEGRAM and bot is not None:
        return await bot.fetch(each.ref)
    if each.channel in (WHATSAPP, SMS) and house.settings.twilio:
        from bot.channels import twilio_client

        return await twilio_client.fetch_media(house.settings, each.ref)
    raise NotFetched("the channel is off")


async def _forget_there(house: House, each: _Coming) -> None:
    """Let Twilio keep no copy. Telegram keeps what people send; a bot has no say in that."""
    if each.channel == TELEGRAM:
        return
    from bot.channels import twilio_client

    try:
        await twilio_client.forget_media(house.settings, each.ref)
    except NotFetched as error:  # it is here: that it is there too is no reason to stop
        log.info("voice note still at Twilio", why=str(error))


def _not_had(house: House, each: _Coming, *, again: bool) -> bool:
    """Count that a file could not be had; return whether it is given up."""
    with house.database.session() as session:
        row = session.get(Recording if each.recording else VoiceNote, each.number)
        if not isinstance(row, Recording | VoiceNote) or row.state != "coming":
            return False
        row.tries += 1
        if again and row.tries < TRIES:
            return False
        _lost(row)
        return True


def _lost(row: Recording | VoiceNote) -> None:
    if isinstance(row, VoiceNote):
        row.state = "lost"
    else:
        row.state, row.why = "refused", "Het geluid kwam niet aan."


def _keep_note(house: House, number: int, file: File) -> None:
    ending = _ending(file.content_type)
    name = voices.keep(house.settings, file.content, ending)
    with house.database.session() as session:
        note = session.get(VoiceNote, number)
        if note is not None:
            note.state, note.file = "kept", name + ending
            return
    voices.discard(house.settings, name + ending)  # whoever said it was erased meanwhile


def _keep_recording(house: House, number: int, file: File) -> None:
    wrong, name, seconds = None, None, 0
    try:
        content, ending = file.content, _ending(file.content_type)
        if ending != voices.OGG:
            content = convert.opus(content, ending)
        sound = ogg.read(content)
        wrong, seconds = readers.checked(sound), int(sound.seconds + 1)
        # Written anew: what else a phone puts into such a file is left behind.
        name = None if wrong else voices.keep(house.settings, ogg.join([sound]), voices.OGG)
    except (ogg.NotOpus, convert.CannotConvert):
        wrong = UNREADABLE
    with house.database.session() as session:
        recording = session.get(Recording, number)
        if recording is None or recording.state != "coming":
            return
        if wrong is not None:
            readers.refuse(session, house, recording, wrong, None)
            return
        recording.state, recording.file, recording.seconds = "new", name, seconds


def _ending(content_type: str) -> str:
    kind = content_type.partition(";")[0].strip().lower()
    if kind in ("audio/ogg", "audio/opus", "application/ogg"):
        return voices.OGG
    return {"audio/mp4": ".mp4", "audio/mpeg": ".mp3", "audio/amr": ".amr"}.get(
        kind, mimetypes.guess_extension(kind) or ".bin"
    )
