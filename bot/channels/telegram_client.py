"""python-telegram-bot's `Bot`, made safe to send with: one pool, no retries.

Loaded by whoever sends; a process that only listens does without.

Telegram has no callback and no history: what may have been sent stays unknown for ever.
"""

from __future__ import annotations

import asyncio
import json
import os
import ssl
from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from typing import Any
from urllib.parse import urlencode

import httpx
import structlog

# python-telegram-bot then speaks of times as timedelta, which later versions do always.
os.environ.setdefault("PTB_TIMEDELTA", "1")

from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, LinkPreviewOptions
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)
from telegram.request import BaseRequest, HTTPXRequest

from bot.channels.base import (
    FILE_LIMIT,
    LEFT,
    Cause,
    Certainty,
    File,
    NotFetched,
    Outgoing,
    SendError,
)
from bot.settings import Settings

TIMEOUT = 3.5
"""Seconds for a whole call that sends, however it drips in. Until then nobody knows."""

PATIENCE = 10.0
"""Seconds for a whole call that sends nothing."""

_CONNECTIONS = 16
"""More than about 32 in flight make httpx slower, not faster."""

_POOL_TIMEOUT, _CONNECT_TIMEOUT = 0.4, 1.5
"""Seconds. Waiting, connecting and TLS together stay under TIMEOUT, to be told apart."""

_LONGEST_CAPTION = 1024
"""UTF-16 units under a picture."""

_TALLEST = 8
"""Buttons above each other; more stand two abreast, or the first is out of sight."""

_WANTED = ["message", "callback_query", "my_chat_member"]

_PAUSE = 5.0
_PAUSE_AFTER_REFUSED_TOKEN = 60.0

log = structlog.get_logger()


class TelegramClient:
    """The bot in one event loop; make it inside that loop."""

    def __init__(self, settings: Settings) -> None:
        self._request = _request()
        self._polling = _request()
        self._bot = Bot(
            settings.telegram_bot_token,
            base_url=settings.telegram_api_url + "/bot",
            base_file_url=settings.telegram_api_url + "/file/bot",
            request=self._request,
            get_updates_request=self._polling,
        )

    async def send(self, outgoing: Outgoing) -> str:
        """Hand one text over, once; return ``chat:message``. Raises SendError."""
        keyboard = None
        if outgoing.buttons:
            keys = [InlineKeyboardButton(b.title, callback_data=b.id) for b in outgoing.buttons]
            abreast = 1 if len(keys) <= _TALLEST else 2
            rows = [keys[at : at + abreast] for at in range(0, len(keys), abreast)]
            keyboard = InlineKeyboardMarkup(rows)
        try:
            async with asyncio.timeout(TIMEOUT):
                if outgoing.voice_url:
                    sent = await self._bot.send_voice(outgoing.address, outgoing.voice_url)
                elif outgoing.picture_url and _units(outgoing.body) <= _LONGEST_CAPTION:
                    sent = await self._bot.send_photo(
                        outgoing.address,
                        outgoing.picture_url,
                        caption=outgoing.body,
                        reply_markup=keyboard,
                    )
                else:
                    preview = None
                    if outgoing.picture_url:
                        # Too long for a caption: one message still, with the picture above it.
                        preview = LinkPreviewOptions(url=outgoing.picture_url, show_above_text=True)
                    sent = await self._bot.send_message(
                        outgoing.address,
                        outgoing.body,
                        reply_markup=keyboard,
                        link_preview_options=preview,
                    )
            return f"{sent.chat_id}:{sent.message_id}"
        except Exception as error:
            # Without its cause: that one may carry the token or a text into a log.
            raise send_error(error) from None

    async def answer_tap(self, callback: str) -> None:
        """Take the hourglass off a tapped button, if Telegram still lets us."""
        try:
            async with asyncio.timeout(TIMEOUT):
                await self._bot.answer_callback_query(callback)
        except (TelegramError, TimeoutError) as error:
            log.info("tap not answered", error=type(error).__name__)

    async def fetch(self, file_id: str) -> File:
        """Fetch a file that a person sent, up to FILE_LIMIT. Raises NotFetched."""
        try:
            async with asyncio.timeout(PATIENCE):
                file = await self._bot.get_file(file_id)
                if (file.file_size or 0) > FILE_LIMIT:
                    raise NotFetched("larger than 5 MB", again=False)
                content = bytes(await file.download_as_bytearray())
        except BadRequest as error:
            raise NotFetched(type(error).__name__, again=False) from None
        except (TelegramError, TimeoutError) as error:
            raise NotFetched(type(error).__name__) from None
        if len(content) > FILE_LIMIT:
            raise NotFetched("larger than 5 MB", again=False)
        # Telegram does not say: a voice note it keeps as OGG/Opus, by the name of .oga.
        ending = (file.file_path or "").rpartition(".")[2]
        return File(content, "audio/ogg" if ending in ("oga", "ogg", "opus") else f"audio/{ending}")

    async def set_webhook(self, url: str, secret: str) -> None:
        """Have Telegram call *url* with *secret*. Raises SendError."""
        try:
            await self._bot.set_webhook(url, secret_token=secret, allowed_updates=_WANTED)
        except Exception as error:
            raise send_error(error) from None

    async def delete_webhook(self) -> None:
        """Have Telegram keep its updates until they are asked for. Raises SendError."""
        try:
            await self._bot.delete_webhook()
        except Exception as error:
            raise send_error(error) from None

    async def updates(self, offset: int, timeout: int) -> list[dict[str, Any]]:
        """Ask for the updates from *offset* on, as the plain JSON they are. Raises SendError.

        The Bot's own method reads them too, and one that it cannot read holds up all others.
        """
        asked = {"offset": offset, "timeout": timeout, "allowed_updates": json.dumps(_WANTED)}
        try:
            found: Any = await self._polling.post(
                f"{self._bot.base_url}/getUpdates?{urlencode(asked)}",
                read_timeout=timeout + TIMEOUT,
            )
        except Exception as error:
            raise send_error(error) from None
        return [update for update in found if isinstance(update, dict)]

    async def me(self) -> dict[str, Any]:
        """Return who the bot is. Raises SendError."""
        try:
            return (await self._bot.get_me()).to_dict()
        except Exception as error:
            raise send_error(error) from None

    async def close(self) -> None:
        """Let connections go."""
        await asyncio.gather(self._request.shutdown(), self._polling.shutdown())


def _request() -> BaseRequest:
    return HTTPXRequest(
        connection_pool_size=_CONNECTIONS,
        read_timeout=TIMEOUT,
        write_timeout=TIMEOUT,
        connect_timeout=_CONNECT_TIMEOUT,
        pool_timeout=_POOL_TIMEOUT,
        httpx_kwargs={
            "trust_env": False,
            "verify": _trusted(),
            "event_hooks": {"request": [_watch]},
        },
    )


@cache
def _trusted() -> ssl.SSLContext:
    """Return whose certificates are believed: loading them takes longer than all else here."""
    return httpx.create_ssl_context(trust_env=False)


async def _watch(request: httpx.Request) -> None:
    request.extensions["trace"] = _seen


async def _seen(event: str, _told: Mapping[str, Any]) -> None:
    """Tell when a request has left. Source: www.encode.io/httpcore/extensions (trace)."""
    if event.endswith(".send_request_body.complete"):
        LEFT.get()()


def _units(text: str) -> int:
    """Return the length of *text* as Telegram counts it, in UTF-16 units."""
    return len(text.encode("utf-16-le", errors="surrogatepass")) // 2


def send_error(error: Exception) -> SendError:
    """Return what a failed call leaves us knowing.

    The class alone does not tell: what cannot have left (no connection) and what may have
    (no answer) are both a NetworkError, and so is a plain refusal. The cause beneath decides.
    """
    if isinstance(error, RetryAfter):
        wait = error.retry_after
        seconds = wait.total_seconds() if isinstance(wait, timedelta) else float(wait)
        return SendError(
            Certainty.NOT_SENT, Cause.TOO_FAST, code="429", detail="flood", retry_after=seconds
        )
    if isinstance(error, InvalidToken):
        # A wrong token must hold messages up, not fail each of them for good.
        return SendError(
            Certainty.NOT_SENT,
            Cause.OUR_FAULT,
            code="401",
            detail="token refused",
            retry_after=_PAUSE_AFTER_REFUSED_TOKEN,
        )
    if isinstance(error, Forbidden):
        stopped = "blocked by the user" in error.message.lower()
        cause = Cause.STOPPED if stopped else Cause.UNREACHABLE
        return SendError(Certainty.REJECTED, cause, code="403", detail=error.message)
    if isinstance(error, BadRequest):
        if any(words in error.message.lower() for words in _NO_PICTURE):
            # Nothing went, and the text need not wait for what is the matter with the picture.
            return SendError(
                Certainty.NOT_SENT, Cause.OUR_FAULT, code="400", detail="media refused"
            )
        unknown = any(words in error.message.lower() for words in _NO_SUCH_CHAT)
        cause = Cause.BAD_NUMBER if unknown else Cause.OUR_FAULT
        return SendError(Certainty.REJECTED, cause, code="400", detail=error.message)
    if isinstance(error, ChatMigrated):
        return SendError(Certainty.REJECTED, Cause.BAD_NUMBER, code="400", detail="now a group")
    if isinstance(error, Conflict):
        return SendError(
            Certainty.REJECTED, Cause.OUR_FAULT, code="409", detail="updates are asked for twice"
        )
    name = type(error.__cause__ or error).__name__
    if isinstance(error, TimedOut | NetworkError):
        if isinstance(error.__cause__, _NEVER_LEFT):
            return SendError(Certainty.NOT_SENT, Cause.OUR_FAULT, detail=name, retry_after=_PAUSE)
        if "(429)" in error.message or error.message.startswith("Too Many Requests"):
            return SendError(
                Certainty.NOT_SENT, Cause.TOO_FAST, code="429", detail=name, retry_after=_PAUSE
            )
    return SendError(Certainty.UNKNOWN, Cause.UNKNOWN, detail=name)


_NEVER_LEFT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
)
_NO_PICTURE = (
    "failed to get http url content",
    "wrong type of the web page content",
    "wrong file identifier",
    "webpage_curl_failed",
    "webpage_media_empty",
    "image_process_failed",
    "photo_invalid_dimensions",
    "voice_messages_forbidden",
)
"""What Telegram says of a picture or sound that it cannot have, or that its reader will not."""
_NO_SUCH_CHAT = ("chat not found", "user not found", "peer_id_invalid", "chat_id is empty")
