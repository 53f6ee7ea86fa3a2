"""A stand-in for Telegram: the Bot API methods the house needs, and the updates it hears.

Answers and errors follow the published Bot API and the sentences of the real server. Updates go
to the webhook in order per chat, repeated until a 2xx, or wait for ``getUpdates``.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import FileStorage

from phones import record
from phones.deliver import Answer, Courier, Parcel, fetch, path_of, tell
from phones.state import LATE, UNKNOWN_NAME, Bubble, Button, Exchange, Ground, Phone
from phones.twilio import Unable

VOICE: Final = Path(__file__).parent / "static" / "voice.ogg"
TEXT_LIMIT, CAPTION_LIMIT, DATA_LIMIT = 4096, 1024, 64
KEPT: Final = 24 * 60 * 60.0
TAP_KEPT: Final = 150.0
"""Seconds an update is offered to the webhook; a tap is worthless sooner."""
LONGEST_PAUSE: Final = 8.0
"""Seconds between two tries; the real server goes up to 120."""
GROUP: Final = {"id": -1001000000001, "title": "Buurtgroep", "type": "supergroup"}
UPDATE_KINDS: Final = frozenset(
    {"message", "edited_message", "callback_query", "my_chat_member", "chat_member"}
)
USUAL_KINDS: Final = UPDATE_KINDS - {"chat_member"}
"""What a bot gets that never said what it wants."""
COMMON: Final = frozenset(
    "business_connection_id chat_id message_thread_id disable_notification protect_content "  # noqa: SIM905
    "allow_paid_broadcast message_effect_id reply_parameters reply_markup parse_mode "
    "direct_messages_topic_id suggested_post_parameters reply_to_message_id "
    "allow_sending_without_reply".split()
)
PARAMETERS: Final[dict[str, frozenset[str]]] = {
    "getme": frozenset(),
    "sendmessage": COMMON
    | {"text", "entities", "link_preview_options", "disable_web_page_preview"},
    "sendvoice": COMMON | {"voice", "caption", "caption_entities", "duration"},
    "sendphoto": COMMON
    | {"photo", "caption", "caption_entities", "show_caption_above_media", "has_spoiler"},
    "sendchataction": frozenset(
        {"business_connection_id", "chat_id", "message_thread_id", "action"}
    ),
    "editmessagetext": frozenset(
        {
            "business_connection_id",
            "chat_id",
            "message_id",
            "inline_message_id",
            "text",
            "parse_mode",
            "entities",
            "link_preview_options",
            "disable_web_page_preview",
            "reply_markup",
        }
    ),
    "editmessagereplymarkup": frozenset(
        {"business_connection_id", "chat_id", "message_id", "inline_message_id", "reply_markup"}
    ),
    "answercallbackquery": frozenset(
        {"callback_query_id", "text", "show_alert", "url", "cache_time"}
    ),
    "setwebhook": frozenset(
        {
            "url",
            "certificate",
            "ip_address",
            "max_connections",
            "allowed_updates",
            "drop_pending_updates",
            "secret_token",
        }
    ),
    "deletewebhook": frozenset({"drop_pending_updates"}),
    "getwebhookinfo": frozenset(),
    "getupdates": frozenset({"offset", "limit", "timeout", "allowed_updates"}),
    "setmycommands": frozenset({"commands", "scope", "language_code"}),
    "getmycommands": frozenset({"scope", "language_code"}),
    "getfile": frozenset({"file_id"}),
}
"""The methods that are there, and every published field of each."""


class BotError(Exception):
    """Telegram says no: error code, its sentence, and sometimes when to come back."""

    def __init__(self, code: int, description: str, retry_after: int | None = None) -> None:
        super().__init__(description)
        self.code, self.description, self.retry_after = code, description, retry_after


@dataclass
class Update:
    """Something that happened, on its way to the bot."""

    id: int
    kind: str
    lane: str
    body: dict[str, Any]
    phone: str
    born: float = field(default_factory=time.monotonic)

    def as_json(self) -> dict[str, Any]:
        """Return it as the Bot API does."""
        return {"update_id": self.id, self.kind: self.body}


@dataclass
class Webhook:
    """Where updates go, and how the bot knows they are ours."""

    url: str
    secret: str = ""
    max_connections: int = 40


@dataclass
class File:
    """Something uploaded, or sent by a person."""

    path: str
    content: bytes
    content_type: str


@dataclass
class TelegramMemory:
    """What of the bot outlives its process."""

    webhook: Webhook | None
    allowed: frozenset[str]
    pending: list[Update]
    messages: list[tuple[str, dict[str, Any]]]
    """With the id of their chat."""
    files: dict[str, File]
    commands: dict[str, list[dict[str, str]]]


class Telegram:
    """The bot: its webhook, waiting updates, messages and files. All under ``ground.lock``."""

    def __init__(self, ground: Ground, courier: Courier, origin: Callable[[], str]) -> None:
        self.ground, self.courier, self.origin = ground, courier, origin
        self.webhook: Webhook | None = None
        self.allowed: frozenset[str] = USUAL_KINDS
        self.pending: dict[int, Update] = {}
        self.messages: dict[tuple[str, int], dict[str, Any]] = {}
        """By chat id and message number, as the API shows them."""
        self.files: dict[str, File] = {}
        self.commands: dict[str, list[dict[str, str]]] = {}
        self.taps: dict[str, float] = {}
        """Callback queries by id, with the moment (monotonic) they happened."""
        self.last_error = ""
        self.last_error_at = 0
        self._arrived = threading.Condition(ground.lock)
        self.polls = 0
        """How often somebody asked for updates; the newest who asks is the one who gets them."""
        self._closed = False
        accounts = ground.accounts
        if accounts.telegram_secret and accounts.house:
            self.webhook = Webhook(f"{accounts.house}/webhooks/telegram", accounts.telegram_secret)

    def memory(self) -> TelegramMemory:
        """Return what should be kept of it; the same objects, so hold the lock."""
        return TelegramMemory(
            webhook=self.webhook,
            allowed=self.allowed,
            pending=list(self.pending.values()),
            messages=[(chat, message) for (chat, _), message in self.messages.items()],
            files=self.files,
            commands=self.commands,
        )

    def remember(self, memory: TelegramMemory) -> None:
        """Go on where an earlier process left off; what was not taken is offered again."""
        with self.ground.lock:
            self.webhook = self.webhook or memory.webhook
            self.allowed, self.commands = memory.allowed, memory.commands
            self.files = memory.files
            self.messages = {(chat, m["message_id"]): m for chat, m in memory.messages}
            self.pending = {update.id: update for update in memory.pending}
            for update in memory.pending:
                update.born = time.monotonic()
                if update.kind == "callback_query":
                    self.taps[update.body["id"]] = update.born
                if self.webhook:
                    self._hand_over(update)

    @property
    def bot(self) -> dict[str, Any]:
        """The bot as a user."""
        accounts = self.ground.accounts
        return {
            "id": int(accounts.telegram_token.split(":")[0]),
            "is_bot": True,
            "first_name": accounts.sender_name or accounts.telegram_name,
            "username": accounts.telegram_name,
        }

    def close(self) -> None:
        """Let go of whoever waits for updates."""
        with self._arrived:
            self._closed = True
            self._arrived.notify_all()

    # -- the bot calls ---------------------------------------------------------------------

    def call(self, method: str, given: Mapping[str, Any]) -> Any:
        """Run one method; return its result or raise ``BotError``."""
        name = method.lower()
        if name not in PARAMETERS:
            raise BotError(404, "Not Found")
        if extra := sorted(set(given) - PARAMETERS[name]):
            record.complain(f"{method} kent geen {', '.join(extra)}", valid=True)
        match name:
            case "getme":
                return self.bot | {
                    "can_join_groups": True,
                    "can_read_all_group_messages": False,
                    "supports_inline_queries": False,
                }
            case "sendmessage":
                return self._send_message(given)
            case "sendvoice":
                return self._send_file(given, "voice")
            case "sendphoto":
                return self._send_file(given, "photo")
            case "sendchataction":
                self._reachable(given)
                return True
            case "editmessagetext" | "editmessagereplymarkup":
                return self._edit(given, with_text=name == "editmessagetext")
            case "answercallbackquery":
                return self._answer_tap(given)
            case "setwebhook":
                return self._set_webhook(given)
            case "deletewebhook":
                return self._delete_webhook(given)
            case "getwebhookinfo":
                return self._webhook_info()
            case "getupdates":
                return self._get_updates(given)
            case "setmycommands":
                return self._set_commands(given)
            case "getmycommands":
                return self.commands.get(str(given.get("language_code") or ""), [])
            case _:
                return self._get_file(given)

    def _send_message(self, given: Mapping[str, Any]) -> dict[str, Any]:
        phone = self._reachable(given)
        text = _plain(str(given.get("text") or ""), given.get("parse_mode"))
        if not text.strip():
            raise BotError(400, "Bad Request: message text is empty")
        if _units(text) > TEXT_LIMIT:
            raise BotError(400, "Bad Request: message is too long")
        return self._sent(phone, given, {"text": text}, text)

    def _send_file(self, given: Mapping[str, Any], kind: str) -> dict[str, Any]:
        phone = self._reachable(given)
        caption = _plain(str(given.get("caption") or ""), given.get("parse_mode"))
        if _units(caption) > CAPTION_LIMIT:
            raise BotError(400, "Bad Request: message caption is too long")
        file_id, media_url = self._taken_file(given.get(kind), kind, phone)
        about = self._described(file_id)
        if kind == "voice":
            part: dict[str, Any] = {
                "voice": about
                | {"duration": int(given.get("duration") or 3), "mime_type": "audio/ogg"}
            }
        else:
            part = {"photo": [about | {"width": 1280, "height": 720}]}
        if caption:
            part["caption"] = caption
        return self._sent(
            phone,
            given,
            part,
            caption,
            kind="voice" if kind == "voice" else "image",
            media_url=media_url,
        )

    def _sent(
        self,
        phone: Phone,
        given: Mapping[str, Any],
        part: dict[str, Any],
        text: str,
        **shown: Any,
    ) -> dict[str, Any]:
        """Show a message of the bot on the phone; return it as the API does."""
        markup = _decoded(given.get("reply_markup"), "reply markup")
        buttons = _inline_buttons(markup)
        quoted = self._quoted(phone, given)
        number = self.ground.number()
        message = {
            "message_id": number,
            "from": self.bot,
            "chat": self._chat(phone),
            "date": self._date(),
            **part,
        }
        if quoted:
            message["reply_to_message"] = self.messages[phone.address, int(quoted.ref)]
        if buttons:
            message["reply_markup"] = {"inline_keyboard": markup["inline_keyboard"]}
        self.messages[phone.address, number] = message
        self.ground.show(
            phone,
            text,
            mine=False,
            buttons=buttons,
            asks_contact=_asks_contact(markup),
            state="delivered",
            quoted=quoted.id if quoted else None,
            ref=str(number),
            **shown,
        )
        return message

    def _reachable(self, given: Mapping[str, Any]) -> Phone:
        """Return the phone a message is for, or raise what Telegram would say."""
        chat = str(given.get("chat_id") or "")
        if not chat:
            raise BotError(400, "Bad Request: chat_id is empty")
        phone = self.ground.phone_at("telegram", chat)
        if phone is None:
            if not chat.isdecimal() or self.ground.is_gone("telegram", chat):
                raise BotError(400, "Bad Request: chat not found")
            phone = self.ground.add(UNKNOWN_NAME, "nl", "telegram", chat)
        record.about(phone)
        if self.ground.strike(phone, "429"):
            self._ghost(phone, given, 429)
            raise BotError(429, "Too Many Requests: retry after 3", retry_after=3)
        if phone.blocked or self.ground.strike(phone, "403"):
            self._ghost(phone, given, 403)
            raise BotError(403, "Forbidden: bot was blocked by the user")
        if not phone.started:
            self._ghost(phone, given, 403)
            raise BotError(403, "Forbidden: bot can't initiate conversation with a user")
        return phone

    def _ghost(self, phone: Phone, given: Mapping[str, Any], code: int) -> None:
        text = str(given.get("text") or given.get("caption") or "")
        self.ground.show(phone, text, mine=False, state="failed", error_code=code)

    def _quoted(self, phone: Phone, given: Mapping[str, Any]) -> Bubble | None:
        asked = _decoded(given.get("reply_parameters"), "reply parameters") or {}
        number = asked.get("message_id") or given.get("reply_to_message_id")
        if not number:
            return None
        bubble = phone.by_ref(str(number))
        lenient = asked.get("allow_sending_without_reply") or _true(
            given.get("allow_sending_without_reply")
        )
        if bubble is None and not lenient:
            raise BotError(400, "Bad Request: message to be replied not found")
        return bubble

    def _taken_file(self, given: Any, kind: str, phone: Phone) -> tuple[str, str]:
        """Return file id and address of what the bot sends: an upload, a URL or a known file."""
        if isinstance(given, FileStorage):
            return self._kept(given.read(), given.content_type or "", kind)
        text = str(given or "")
        if text in self.files:
            return text, self._address(self.files[text])
        if urlsplit(text).scheme not in ("http", "https"):
            raise BotError(400, "Bad Request: wrong file identifier/HTTP URL specified")
        house = self.ground.accounts.house
        if not house or not text.startswith(f"{house}/"):
            record.complain("niet opgehaald: het bestand staat niet bij het huis", valid=True)
            file_id, _ = self._kept(b"", "", kind)
            return file_id, text
        answer = fetch("GET", text, timeout=5)
        self.ground.note(
            Exchange(
                self.ground.now(),
                "out",
                "GET",
                path_of(text),
                {},
                answer.status,
                f"{answer.status} {answer.content_type}" if answer.ok else answer.short,
                phone.id,
                valid=answer.ok,
            )
        )
        if not answer.ok:
            raise BotError(400, "Bad Request: failed to get HTTP URL content")
        if kind == "photo" and not answer.content_type.startswith("image/"):
            raise BotError(400, "Bad Request: wrong type of the web page content")
        return self._kept(answer.body, answer.content_type, kind)

    def _kept(self, content: bytes, content_type: str, kind: str) -> tuple[str, str]:
        file_id = f"AwAC{secrets.token_urlsafe(24)}"
        ending = "oga" if kind == "voice" else "jpg"
        folder = "voice" if kind == "voice" else "photos"
        file = File(f"{folder}/file_{len(self.files)}.{ending}", content, content_type)
        self.files[file_id] = file
        return file_id, self._address(file)

    def _address(self, file: File) -> str:
        return f"{self.origin()}/file/bot{self.ground.accounts.telegram_token}/{file.path}"

    def _described(self, file_id: str) -> dict[str, Any]:
        return {
            "file_id": file_id,
            "file_unique_id": hashlib.sha256(file_id.encode()).hexdigest()[:15],
            "file_size": len(self.files[file_id].content),
        }

    def _edit(self, given: Mapping[str, Any], *, with_text: bool) -> dict[str, Any]:
        chat, number = str(given.get("chat_id") or ""), str(given.get("message_id") or "")
        phone = self.ground.phone_at("telegram", chat)
        if phone is None:
            raise BotError(400, "Bad Request: chat not found")
        record.about(phone)
        bubble = phone.by_ref(number)
        if bubble is None or not number.isdecimal():
            raise BotError(400, "Bad Request: message to edit not found")
        if bubble.mine:
            raise BotError(400, "Bad Request: message can't be edited")
        message = self.messages[chat, int(number)]
        markup = _decoded(given.get("reply_markup"), "reply markup")
        buttons = _inline_buttons(markup)
        text = bubble.text
        if with_text:
            text = _plain(str(given.get("text") or ""), given.get("parse_mode"))
            if "text" not in message:
                raise BotError(400, "Bad Request: there is no text in the message to edit")
            if not text.strip():
                raise BotError(400, "Bad Request: message text is empty")
            if _units(text) > TEXT_LIMIT:
                raise BotError(400, "Bad Request: message is too long")
        if text == bubble.text and buttons == bubble.buttons:
            raise BotError(
                400,
                "Bad Request: message is not modified: specified new message content and reply "
                "markup are exactly the same as a current content and reply markup of the message",
            )
        bubble.edited = bubble.edited or text != bubble.text
        bubble.text, bubble.buttons = text, buttons
        changed = message | {"edit_date": self._date()}
        changed.pop("reply_markup", None)
        if with_text:
            changed["text"] = text
        if buttons:
            changed["reply_markup"] = {"inline_keyboard": markup["inline_keyboard"]}
        self.messages[chat, int(number)] = changed
        return changed

    def _answer_tap(self, given: Mapping[str, Any]) -> bool:
        asked = self.taps.get(str(given.get("callback_query_id") or ""))
        if asked is None or time.monotonic() - asked > TAP_KEPT:
            raise BotError(
                400,
                "Bad Request: query is too old and response timeout expired or query ID is invalid",
            )
        if _units(str(given.get("text") or "")) > 200:
            raise BotError(400, "Bad Request: MESSAGE_TOO_LONG")
        return True

    def _set_webhook(self, given: Mapping[str, Any]) -> bool:
        url = str(given.get("url") or "")
        if not url:
            return self._delete_webhook(given)
        parts = urlsplit(url)
        loopback = parts.hostname in ("127.0.0.1", "localhost", "::1")
        if parts.scheme != "https" and not (parts.scheme == "http" and loopback):
            raise BotError(
                400, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook"
            )
        secret = str(given.get("secret_token") or "")
        if secret and not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", secret):
            raise BotError(400, "Bad Request: secret token contains unallowed characters")
        connections = str(given.get("max_connections") or 40)
        if not connections.isdecimal() or not 1 <= int(connections) <= 100:
            raise BotError(400, "Bad Request: max_connections must be between 1 and 100")
        self._choose_kinds(given)
        if _true(given.get("drop_pending_updates")):
            self.pending.clear()
        self.webhook = Webhook(url, secret, int(connections))
        self._arrived.notify_all()
        for update in self.pending.values():
            self._hand_over(update)
        return True

    def _delete_webhook(self, given: Mapping[str, Any]) -> bool:
        self.webhook = None
        if _true(given.get("drop_pending_updates")):
            self.pending.clear()
        return True

    def _webhook_info(self) -> dict[str, Any]:
        info: dict[str, Any] = {
            "url": self.webhook.url if self.webhook else "",
            "has_custom_certificate": False,
            "pending_update_count": len(self.pending),
        }
        if self.webhook:
            info["max_connections"] = self.webhook.max_connections
        if self.allowed != USUAL_KINDS:
            info["allowed_updates"] = sorted(self.allowed)
        if self.last_error:
            info["last_error_date"] = self.last_error_at
            info["last_error_message"] = self.last_error
        return info

    def _get_updates(self, given: Mapping[str, Any]) -> list[dict[str, Any]]:
        if self.webhook:
            raise BotError(
                409,
                "Conflict: can't use getUpdates method while webhook is active; "
                "use deleteWebhook to delete the webhook first",
            )
        offset, limit = _number(given, "offset", 0), _number(given, "limit", 100)
        timeout = min(_number(given, "timeout", 0), 50)
        self._choose_kinds(given)
        if offset < 0:
            offset = next(iter(list(self.pending)[offset:]), 0)
        for done in [number for number in self.pending if number < offset]:
            del self.pending[done]
        self.polls += 1
        mine = self.polls
        self._arrived.notify_all()
        self._arrived.wait_for(
            lambda: bool(self.pending) or self.polls != mine or self._closed or self.webhook,
            timeout,
        )
        if self.polls != mine or self.webhook:
            raise BotError(
                409,
                "Conflict: terminated by other getUpdates request; "
                "make sure that only one bot instance is running",
            )
        return [update.as_json() for update in list(self.pending.values())[: min(limit, 100)]]

    def _choose_kinds(self, given: Mapping[str, Any]) -> None:
        if "allowed_updates" in given:
            wanted = _decoded(given["allowed_updates"], "allowed_updates")
            if not isinstance(wanted, list):
                raise BotError(400, "Bad Request: can't parse allowed_updates: array expected")
            self.allowed = frozenset(wanted) & UPDATE_KINDS if wanted else USUAL_KINDS

    def _set_commands(self, given: Mapping[str, Any]) -> bool:
        commands = _decoded(given.get("commands"), "commands")
        if not isinstance(commands, list) or len(commands) > 100:
            raise BotError(400, "Bad Request: can't parse BotCommand list")
        for command in commands:
            name, words = str(command.get("command")), str(command.get("description"))
            if not re.fullmatch(r"/?[a-z0-9_]{1,32}", name):
                raise BotError(400, "Bad Request: BOT_COMMAND_INVALID")
            if not 1 <= len(words) <= 256:
                raise BotError(400, "Bad Request: BOT_COMMAND_DESCRIPTION_INVALID")
        self.commands[str(given.get("language_code") or "")] = commands
        return True

    def _get_file(self, given: Mapping[str, Any]) -> dict[str, Any]:
        file_id = str(given.get("file_id") or "")
        if file_id not in self.files:
            raise BotError(400, "Bad Request: invalid file_id")
        return self._described(file_id) | {"file_path": self.files[file_id].path}

    # -- the person acts -------------------------------------------------------------------

    def says(self, phone: Phone, text: str, *, quoted: Bubble | None = None) -> Bubble:
        """A person writes; ``/start CODE`` is the Start button of a link."""
        if not text.strip():
            raise Unable("Het bericht is leeg.")
        if _units(text) > TEXT_LIMIT:
            raise Unable("Telegram laat niet meer dan 4096 tekens toe.")
        part: dict[str, Any] = {"text": text}
        if command := re.match(r"/[A-Za-z0-9_]{1,32}", text):
            part["entities"] = [{"offset": 0, "length": len(command[0]), "type": "bot_command"}]
        return self._heard(phone, part, text, quoted=quoted)

    def speaks(self, phone: Phone) -> Bubble:
        """A person sends a voice message."""
        file_id, _ = self._kept(VOICE.read_bytes(), "audio/ogg", "voice")
        voice = self._described(file_id) | {"duration": 3, "mime_type": "audio/ogg"}
        return self._heard(
            phone,
            {"voice": voice},
            "",
            kind="voice",
            media_url=f"{self.origin()}/look/voice.ogg",
        )

    def shares_contact(self, phone: Phone, *, own: bool) -> Bubble:
        """A person shares their own number, or somebody else's from the address book."""
        contact: dict[str, Any] = {"phone_number": "31697009999", "first_name": "Iemand anders"}
        if own:
            contact = {
                "phone_number": f"3169700{int(phone.address) % 10000:04d}",
                "first_name": phone.name,
                "user_id": int(phone.address),
            }
        words = f"{contact['first_name']} · +{contact['phone_number']}"
        return self._heard(phone, {"contact": contact}, words)

    def edits(self, phone: Phone, bubble: Bubble, text: str) -> None:
        """A person changes a text they sent before."""
        if not bubble.mine or bubble.kind != "text":
            raise Unable("Alleen een eigen tekst is te wijzigen.")
        if not text.strip():
            raise Unable("Het bericht is leeg.")
        with self.ground.changing():
            bubble.text, bubble.edited = text, True
            key = phone.address, int(bubble.ref)
            self.messages[key] = self.messages[key] | {"text": text, "edit_date": self._date()}
            self._tell(phone, "edited_message", self.messages[key])

    def tapped(self, phone: Phone, bubble: Bubble, button_id: str) -> None:
        """A person taps a button under a message of the bot."""
        if button_id not in {button.id for button in bubble.buttons}:
            raise Unable("Die knop staat niet onder dit bericht.")
        with self.ground.changing():
            bubble.tapped = button_id
            if button_id.startswith(("http://", "https://", "tg://")):
                return  # opens a page; the bot hears nothing
            query = str(secrets.randbits(62))
            self.taps[query] = time.monotonic()
            body: dict[str, Any] = {
                "id": query,
                "from": self._user(phone),
                "message": self.messages[phone.address, int(bubble.ref)],
                "chat_instance": str(int(phone.address) * 7919),
                "data": button_id,
            }
            self._tell(phone, "callback_query", body)

    def blocks(self, phone: Phone, *, blocked: bool) -> None:
        """A person blocks the bot, or lets it in again."""
        with self.ground.changing():
            if phone.blocked == blocked:
                return
            phone.blocked = blocked
            statuses = ("member", "kicked") if blocked else ("kicked", "member")
            old, new = (dict[str, Any](user=self.bot, status=status) for status in statuses)
            (new if blocked else old).update(until_date=0)
            body = {
                "chat": self._chat(phone),
                "from": self._user(phone),
                "date": self._date(),
                "old_chat_member": old,
                "new_chat_member": new,
            }
            self._tell(phone, "my_chat_member", body)

    def says_in_group(self, phone: Phone, text: str) -> None:
        """A person writes in a group that the bot is in too. Their own phone shows nothing."""
        with self.ground.changing():
            body = {
                "message_id": self.ground.number(),
                "from": self._user(phone),
                "chat": GROUP,
                "date": self._date(),
                "text": text,
            }
            self._tell(phone, "message", body, lane=f"telegram:{GROUP['id']}")

    def _heard(
        self,
        phone: Phone,
        part: dict[str, Any],
        text: str,
        *,
        quoted: Bubble | None = None,
        **shown: Any,
    ) -> Bubble:
        if phone.blocked:
            raise Unable("Deze telefoon heeft de bot geblokkeerd.")
        with self.ground.changing():
            phone.started = True
            number = self.ground.number()
            message = {
                "message_id": number,
                "from": self._user(phone),
                "chat": self._chat(phone),
                "date": self._date(),
                **part,
            }
            if quoted and quoted.ref:
                message["reply_to_message"] = self.messages[phone.address, int(quoted.ref)]
            self.messages[phone.address, number] = message
            bubble = self.ground.show(
                phone,
                text,
                mine=True,
                state="delivered",
                quoted=quoted.id if quoted else None,
                ref=str(number),
                **shown,
            )
            self._tell(phone, "message", message)
        return bubble

    # -- updates ---------------------------------------------------------------------------

    def _tell(self, phone: Phone, kind: str, body: dict[str, Any], lane: str = "") -> None:
        """Queue an update; taps have a queue of their own, so a tap can overtake a text."""
        if kind not in self.allowed:
            return
        lane = lane or f"telegram{'-tap' * (kind == 'callback_query')}:{phone.address}"
        update = Update(self.ground.number(), kind, lane, body, phone.id)
        self.pending[update.id] = update
        self._arrived.notify_all()
        if self.webhook:
            self._hand_over(update)

    def _hand_over(self, update: Update) -> None:
        timing = self.ground.strike(self.ground.phone(update.phone), "late", "double")
        late = timing == "late"
        parcel = Parcel(
            self._carrying(update, twice=timing == "double"),
            LATE.total_seconds() if late else 0.0,
            held=late,
        )
        self.courier.send(update.lane, parcel)

    def _carrying(self, update: Update, *, twice: bool) -> Callable[[], float | None]:
        """Return the work of one update: offer it until a 2xx, a new way, or its end."""
        pause = 0.0

        def carry() -> float | None:
            nonlocal pause, twice
            with self.ground.lock:
                webhook = self.webhook
                if webhook is None or update.id not in self.pending:
                    return None
                kept = TAP_KEPT if update.kind == "callback_query" else KEPT
                if time.monotonic() - update.born > kept:
                    del self.pending[update.id]
                    return None
            answer = self._post(webhook, update)
            with self.ground.lock:
                if answer.ok and twice:
                    twice = False
                    return 0.0
                if answer.ok:
                    self.pending.pop(update.id, None)
                    return None
                self.last_error = (
                    f"Wrong response from the webhook: {answer.short}"
                    if answer.status
                    else f"Connection failed: {answer.error}"
                )
                self.last_error_at = self._date()
            wait, pause = (
                pause,
                min(max(pause * 2, 0.05, self.ground.accounts.delay), LONGEST_PAUSE),
            )
            return wait

        return carry

    def _post(self, webhook: Webhook, update: Update) -> Answer:
        body = update.as_json()
        headers = {"Content-Type": "application/json"}
        if webhook.secret:
            headers["X-Telegram-Bot-Api-Secret-Token"] = webhook.secret
        return tell(
            self.ground,
            webhook.url,
            body,
            headers=headers,
            body=json.dumps(body, ensure_ascii=False).encode(),
            phone=update.phone,
            complain=_complaint_about,
        )

    def _user(self, phone: Phone) -> dict[str, Any]:
        return {
            "id": int(phone.address),
            "is_bot": False,
            "first_name": phone.name,
            "language_code": phone.language,
        }

    def _chat(self, phone: Phone) -> dict[str, Any]:
        return {"id": int(phone.address), "first_name": phone.name, "type": "private"}

    def _date(self) -> int:
        return int(self.ground.now().timestamp())


def _complaint_about(answer: Answer) -> str:
    if answer.ok and b'"method"' in answer.body:
        return "een methode in het antwoord voert de oefengrond niet uit"
    return "" if answer.ok else f"Wrong response from the webhook: {answer.short}"


def _units(text: str) -> int:
    """Return the length in UTF-16 units, as Telegram counts."""
    return len(text.encode("utf-16-le")) // 2


def _true(value: Any) -> bool:
    return str(value).lower() in ("true", "1", "yes")


def _number(given: Mapping[str, Any], key: str, default: int) -> int:
    try:
        return int(given.get(key, default))
    except (TypeError, ValueError):
        raise BotError(400, f"Bad Request: {key} must be a number") from None


def _decoded(value: Any, what: str) -> Any:
    """Return a field that may come as JSON text."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value) if value else None
    except ValueError:
        raise BotError(400, f"Bad Request: can't parse {what} JSON object") from None


def _inline_buttons(markup: Any) -> list[Button]:
    """Return the buttons under a message, or raise what Telegram says of a wrong keyboard."""
    if markup is None:
        return []
    if not isinstance(markup, dict):
        raise BotError(400, "Bad Request: object expected as reply markup")
    buttons = []
    for row in markup.get("inline_keyboard") or []:
        if not isinstance(row, list):
            raise BotError(400, "Bad Request: can't parse inline keyboard button row")
        for button in row:
            title = str(button.get("text") or "")
            if not title:
                raise BotError(400, "Bad Request: inline keyboard button text is empty")
            if data := button.get("callback_data"):
                if len(str(data).encode()) > DATA_LIMIT:
                    raise BotError(400, "Bad Request: BUTTON_DATA_INVALID")
                buttons.append(Button(str(data), title))
            elif url := button.get("url"):
                if urlsplit(str(url)).scheme not in ("http", "https", "tg"):
                    raise BotError(400, "Bad Request: BUTTON_URL_INVALID")
                buttons.append(Button(str(url), title))
            else:
                code = (
                    "BUTTON_DATA_INVALID"
                    if "callback_data" in button
                    else (
                        "can't parse inline keyboard button: "
                        "Text buttons are unallowed in the inline keyboard"
                    )
                )
                raise BotError(400, f"Bad Request: {code}")
    return buttons


def _asks_contact(markup: Any) -> bool:
    """Return whether a reply keyboard has a button that shares one's number."""
    if not isinstance(markup, dict):
        return False
    return any(
        isinstance(button, dict) and button.get("request_contact")
        for row in markup.get("keyboard") or []
        for button in row
    )


class _Tags(HTMLParser):
    """Takes Telegram's HTML apart; raises at what the real server would not parse."""

    ALLOWED: Final = frozenset(
        {"b", "strong", "i", "em", "u", "ins", "s", "strike", "del", "span", "tg-spoiler"}
        | {"a", "tg-emoji", "code", "pre", "blockquote"}
    )

    def __init__(self) -> None:
        super().__init__()
        self.text: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open an allowed tag."""
        if tag not in self.ALLOWED:
            raise BotError(
                400, f'Bad Request: can\'t parse entities: Unsupported start tag "{tag}"'
            )
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close the tag that was opened last."""
        if not self.open or self.open.pop() != tag:
            raise BotError(400, f'Bad Request: can\'t parse entities: Unexpected end tag "{tag}"')

    def handle_data(self, data: str) -> None:
        """Keep the words."""
        self.text.append(data)


def _plain(text: str, mode: Any) -> str:
    """Return what a reader sees of *text*. Markdown is shown as written, not looked into."""
    if not mode:
        return text
    if str(mode).lower() != "html":
        record.complain(f"{mode} wordt hier niet nagekeken", valid=True)
        return text
    tags = _Tags()
    tags.feed(text)
    tags.close()
    if tags.open:
        raise BotError(
            400, f"Bad Request: can't parse entities: Can't find end tag of \"{tags.open[-1]}\""
        )
    return "".join(tags.text)


# -- HTTP ----------------------------------------------------------------------------------

SENDS: Final = frozenset({"sendmessage", "sendvoice", "sendphoto"})


def door_of(telegram: Telegram) -> Blueprint:
    """Return the routes of the Bot API."""
    door = Blueprint("telegram", __name__)
    record.keep_record(door)
    ground = telegram.ground

    @door.errorhandler(BotError)
    def refuse(error: BotError) -> ResponseReturnValue:
        record.complain(f"{error.code} {error.description}")
        record.said(error.description)
        answer: dict[str, Any] = {
            "ok": False,
            "error_code": error.code,
            "description": error.description,
        }
        if error.retry_after:
            answer["parameters"] = {"retry_after": error.retry_after}
        return answer, error.code

    def check(token: str) -> None:
        if token != ground.accounts.telegram_token:
            raise BotError(401, "Unauthorized")

    @door.route("/bot<token>/<method>", methods=["GET", "POST"])
    def call(token: str, method: str) -> ResponseReturnValue:
        check(token)
        given = record.fields() | dict(request.files.items())
        given = {
            key: request.files[value.removeprefix("attach://")]
            if isinstance(value, str)
            and value.startswith("attach://")
            and value.removeprefix("attach://") in request.files
            else value
            for key, value in given.items()
        }
        for name in request.files:
            if name not in PARAMETERS.get(method.lower(), ()):
                given.pop(name, None)
        with ground.changing():
            phone = ground.phone_at("telegram", str(given.get("chat_id") or ""))
            sends = method.lower() in SENDS
            if sends and ground.strike(phone, "dropped"):
                return "", 503, {record.LOST: "1"}
            result = telegram.call(method, given)
            lost = sends and ground.strike(phone, "lost", "silent") is not None
        answer = jsonify(ok=True, result=result)
        record.said(f"message_id {result['message_id']}" if sends else "ok")
        if lost:
            answer.headers[record.LOST] = "1"
        return answer

    @door.get("/file/bot<token>/<path:path>")
    def file(token: str, path: str) -> ResponseReturnValue:
        check(token)
        found = next((file for file in telegram.files.values() if file.path == path), None)
        if found is None:
            raise BotError(404, "Not Found")
        kind = found.content_type or (
            "audio/ogg" if path.startswith("voice/") else "application/octet-stream"
        )
        return Response(found.content, content_type=kind)

    return door
