"""Telegram: updates come in, texts with tappable answers go out.

Updates are read as the plain JSON they are: a field of a kind we do not know must not keep a
STOP from being read. The client that sends is heavy; `telegram_client` holds it and is loaded
by whoever sends first.

Source: core.telegram.org/bots/api.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from bot.channels import numbers
from bot.channels.base import (
    TELEGRAM,
    Capabilities,
    Envelope,
    Forged,
    Heard,
    Ignored,
    Media,
    NotUnderstood,
    Outgoing,
    StatusChange,
    storable,
    word,
)
from bot.settings import Settings

if TYPE_CHECKING:
    from bot.channels.telegram_client import TelegramClient

SECRET_HEADER = "x-telegram-bot-api-secret-token"  # noqa: S105 - a name, not a secret

LARGEST_ID = 2**62
"""Ids of Telegram stay far below this; a longer one is not from there, nor fit for an index."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_START = re.compile(r"/start(?:@[A-Za-z0-9_]+)?\s+([A-Za-z0-9_-]{1,64})")

_FILES = {
    # Kind of message -> kind of Media. A moving picture comes as `document` too: it goes first.
    "voice": "voice",
    "audio": "audio",
    "video": "video",
    "video_note": "video",
    "animation": "video",
    "document": "document",
    "sticker": "other",
}


class Telegram:
    """The bot."""

    name = TELEGRAM
    at_once = 16
    capabilities = Capabilities(
        longest=4096, buttons=100, button_title=40, window=False, receipts=False
    )

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._opened_client: TelegramClient | None = None

    def verify(self, envelope: Envelope) -> None:
        """Raise Forged unless *envelope* carries the secret that we gave to Telegram."""
        secret = self._settings.telegram_webhook_secret
        told = envelope.headers.get(SECRET_HEADER, "")
        if not secret or not hmac.compare_digest(
            told.encode(errors="replace"), secret.encode(errors="replace")
        ):
            raise Forged("not Telegram's secret")

    def hear(self, payload: Mapping[str, Any]) -> Heard | StatusChange:
        """Read one Update."""
        try:
            return self._heard(payload)
        except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise NotUnderstood(f"update of another shape: {type(error).__name__}") from error

    def _heard(self, update: Mapping[str, Any]) -> Heard:
        ref = str(int(update["update_id"]))
        if message := update.get("message"):
            return self._wrote(ref, message, edited=False)
        if message := update.get("edited_message"):
            return self._wrote(ref, message, edited=True)
        if tap := update.get("callback_query"):
            return self._tapped(ref, tap)
        if change := update.get("my_chat_member"):
            return self._let_us_in(ref, change)
        if len(update) > 1:
            raise Ignored("an event that is not about a conversation")
        raise NotUnderstood("an update without an event")

    def _wrote(self, ref: str, message: Mapping[str, Any], *, edited: bool) -> Heard:
        sender = _person(message["from"])
        chat = _private(message["chat"])
        text = _text(message)
        start = _START.fullmatch(text.strip())
        answered = message.get("reply_to_message") or {}
        ours = bool((answered.get("from") or {}).get("is_bot"))
        return Heard(
            channel=self.name,
            address=chat,
            ref=ref,
            at=_moment(message.get("edit_date" if edited else "date")),
            text=text,
            quoted=f"{chat}:{int(answered['message_id'])}" if ours else "",
            quoted_text=_text(answered) if ours else "",
            quoted_at=_moment(answered.get("date")) if ours else None,
            media=_media(message),
            phone=_own_number(message),
            profile_name=_name(sender),
            language_hint=storable(str(sender.get("language_code") or "")),
            edited=edited,
            start=start[1] if start else "",
        )

    def _tapped(self, ref: str, tap: Mapping[str, Any]) -> Heard:
        sender = _person(tap["from"])
        message = tap.get("message")
        if not message:
            raise Ignored("a tap outside a conversation")
        chat = _private(message["chat"])
        return Heard(
            channel=self.name,
            address=chat,
            ref=ref,
            button=storable(str(tap.get("data") or "")),
            quoted=f"{chat}:{int(message['message_id'])}",
            quoted_text=_text(message),
            quoted_at=_moment(message.get("date")),
            profile_name=_name(sender),
            language_hint=storable(str(sender.get("language_code") or "")),
            callback=str(tap["id"]),
        )

    def _let_us_in(self, ref: str, change: Mapping[str, Any]) -> Heard:
        chat = _private(change["chat"])
        status = change["new_chat_member"]["status"]
        if status not in ("member", "kicked"):
            raise NotUnderstood(f"unknown membership: {word(status)}")
        return Heard(
            channel=self.name,
            address=chat,
            ref=ref,
            at=_moment(change.get("date")),
            profile_name=_name(change["from"]),
            reachable=status == "member",
        )

    async def open(self) -> None:
        """Load the client and build its pool, in the event loop that will send."""
        self._client()

    def _client(self) -> TelegramClient:
        if self._opened_client is None:
            from bot.channels.telegram_client import TelegramClient

            self._opened_client = TelegramClient(self._settings)
        return self._opened_client

    async def send(self, outgoing: Outgoing) -> str:
        """Hand one text to Telegram, once; return ``chat:message``. Raises SendError."""
        return await self._client().send(outgoing)

    async def answer_tap(self, callback: str) -> None:
        """Take the hourglass off a tapped button. A courtesy: whether it works changes nothing."""
        await self._client().answer_tap(callback)

    async def set_webhook(self, url: str, secret: str) -> None:
        """Have Telegram call *url* with *secret*. Raises SendError."""
        await self._client().set_webhook(url, secret)

    async def delete_webhook(self) -> None:
        """Have Telegram keep its updates until they are asked for. Raises SendError."""
        await self._client().delete_webhook()

    async def updates(self, offset: int, timeout: int) -> list[dict[str, Any]]:
        """Ask for the updates from *offset* on, waiting up to *timeout* s. Raises SendError."""
        return await self._client().updates(offset, timeout)

    async def me(self) -> dict[str, Any]:
        """Return who the bot is: ``id``, ``username`` and more. Raises SendError."""
        return await self._client().me()

    async def alive(self) -> None:
        """Ask who the bot is: Telegram answers and knows our token. Raises SendError."""
        await self.me()

    async def close(self) -> None:
        """Let connections go; a later `send` makes new ones."""
        if self._opened_client is not None:
            client, self._opened_client = self._opened_client, None
            await client.close()


def _private(chat: Mapping[str, Any]) -> str:
    """Return the id of a conversation with one person. Raises Ignored for all others."""
    if chat["type"] != "private":
        raise Ignored("a group or a channel")
    number = int(chat["id"])
    if not 0 < number < LARGEST_ID:
        raise NotUnderstood("a person without an id")
    return str(number)


def _person(sender: Mapping[str, Any]) -> Mapping[str, Any]:
    if sender.get("is_bot"):
        raise Ignored("another bot")
    return sender


def _name(sender: Mapping[str, Any]) -> str:
    names = (sender.get("first_name"), sender.get("last_name"))
    return storable(" ".join(str(name) for name in names if name))


def _text(message: Mapping[str, Any]) -> str:
    return storable(str(message.get("text") or message.get("caption") or ""))


def _moment(seconds: Any) -> datetime | None:
    """Return Telegram's *seconds* as a moment; it says 0 where it does not know."""
    # By addition: what the platform's own conversion raises for a far year differs by platform.
    return EPOCH + timedelta(seconds=int(seconds)) if seconds else None


def _own_number(message: Mapping[str, Any]) -> str:
    """Return the number that this message proves to be the sender's own, or ``""``.

    Anybody can share anybody's contact: only one's own carries one's own user id.
    """
    contact = message.get("contact") or {}
    if "user_id" not in contact or contact["user_id"] != message["from"]["id"]:
        return ""
    try:
        return numbers.canonical("+" + str(contact["phone_number"]).lstrip("+"))
    except numbers.BadNumber:
        return ""


def _media(message: Mapping[str, Any]) -> tuple[Media, ...]:
    for member, kind in _FILES.items():
        if file := message.get(member):
            content_type = storable(str(file.get("mime_type") or ""))
            return (Media(kind, str(file["file_id"]), content_type),)
    if sizes := message.get("photo"):
        return (Media("image", str(sizes[-1]["file_id"]), "image/jpeg"),)
    if message.get("contact"):
        return (Media("contact", ""),)
    if message.get("location") or message.get("venue"):
        return (Media("location", ""),)
    return ()
