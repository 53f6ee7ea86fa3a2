"""Whoever knocks at a door: the provider with the right signature, or anybody else."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import func, select

from app import create_app
from bot import house as houses
from bot.engine import work
from bot.models.messages import InboxEvent, Message, Reply
from bot.settings import load
from bot.web import WebServer

FIXTURES = Path(__file__).parents[1] / "fixtures"
PUBLIC = "https://stap.example"
ACCOUNT = "AC" + "0f" * 16
TOKEN, OLD_TOKEN = "new-token", "old-token"
SECRET = "secret-of-the-telegram-door"
REPLY, STATUS, TELEGRAM = "/webhooks/twilio/reply", "/webhooks/twilio/status", "/webhooks/telegram"

SETTINGS: dict[str, object] = {
    "public_url": PUBLIC,
    "secret_key": "k" * 32,
    "twilio_account_sid": ACCOUNT,
    "twilio_auth_token": f"{TOKEN},{OLD_TOKEN}",
    "twilio_api_url": "http://127.0.0.1:9",
    "twilio_content_url": "http://127.0.0.1:9",
    "twilio_sms_from": "+3197000000000",
    "twilio_whatsapp_from": "+3197000000001",
    "telegram_bot_token": "1000:fictional",
    "telegram_bot_name": "StapVooruitOefenBot",
    "telegram_api_url": "http://127.0.0.1:9",
    "telegram_webhook_secret": SECRET,
    "allowed_recipients": "*",
}

Pairs = Sequence[tuple[str, str]]


def told(name: str) -> dict[str, Any]:
    """Return a stored webhook: ``told("twilio/sms_reply")``."""
    return json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))


def sid(number: int) -> str:
    return f"SM{number:032x}"


def form(name: str = "sms_reply", **changes: str | None) -> list[tuple[str, str]]:
    """Return a stored form with some fields changed, added or (None) left out."""
    fields = {**told(f"twilio/{name}"), **changes}
    return [(field, value) for field, value in fields.items() if value is not None]


def update(name: str = "text", **changes: Any) -> dict[str, Any]:
    """Return a stored update with some members changed."""
    return {**told(f"telegram/{name}"), **changes}


def signed(pairs: Pairs, path: str = REPLY, *, token: str = TOKEN) -> str:
    """Sign as Twilio does, without its library: address, then names and values, sorted."""
    text = PUBLIC + path + "".join(name + value for name, value in sorted(pairs))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


class Doors:
    """A house with its doors, and a worker that acts when the test says so."""

    def __init__(self, database_url: str, wake: Callable[[], None] | None = None, **changes: Any):
        self.house = houses.build(load(None, database_url=database_url, **{**SETTINGS, **changes}))
        self.app = create_app(self.house, wake)
        self.client = self.app.test_client()

    def close(self) -> None:
        self.app.extensions["keeper"].close()
        self.house.database.close()

    def knock(
        self, pairs: Pairs, path: str = REPLY, *, signature: str | None = None, **headers: str
    ) -> Any:
        """Post a form; signed rightly unless *signature* says otherwise (``""``: none at all)."""
        sign = signed(pairs, path) if signature is None else signature
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if sign:
            given["X-Twilio-Signature"] = sign
        return self.client.post(
            path,
            data=urlencode(pairs, errors="surrogatepass"),
            headers=given,
            content_type=given.pop("Content-Type", "application/x-www-form-urlencoded"),
        )

    def told(self, what: Any, secret: str | None = SECRET) -> Any:
        """Post *what* at Telegram's door: an update, or bytes as they are."""
        body = what if isinstance(what, bytes) else json.dumps(what).encode()
        headers = {} if secret is None else {"X-Telegram-Bot-Api-Secret-Token": secret}
        return self.client.post(
            TELEGRAM, data=body, headers=headers, content_type="application/json"
        )

    def work(self, limit: int = 1000) -> int:
        return work.handle_inbox(self.house, limit)

    def read(self, statement: Any) -> list[Any]:
        with self.house.database.reading() as session:
            found = list(session.scalars(statement))
            session.expunge_all()
            return found

    def count(self, table: type = InboxEvent) -> int:
        return self.read(select(func.count()).select_from(table))[0]

    @property
    def events(self) -> list[InboxEvent]:
        return self.read(select(InboxEvent).order_by(InboxEvent.id))

    @property
    def states(self) -> list[str]:
        return [event.state for event in self.events]

    @property
    def replies(self) -> list[Reply]:
        return self.read(select(Reply).order_by(Reply.id))

    @property
    def messages(self) -> list[Message]:
        return self.read(select(Message).order_by(Message.id))


class Wire:
    """The same doors over real HTTP: what a test client smooths over, a socket does not."""

    def __init__(self, doors: Doors) -> None:
        self.doors = doors
        self.web = WebServer(doors.app, "127.0.0.1", 0)
        self.web.start()

    def close(self) -> None:
        self.web.close()

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.web.port, timeout=20)

    def ask(
        self,
        body: bytes,
        headers: Iterable[tuple[str, str]],
        *,
        path: str = REPLY,
        method: str = "POST",
        host: str | None = "stap.example",
        length: int | None = None,
        over: http.client.HTTPConnection | None = None,
    ) -> int:
        """Send one request byte for byte; return the status. *length* may lie."""
        connection = over or self.connect()
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            if host is not None:
                connection.putheader("Host", host)
            connection.putheader("Content-Length", str(len(body) if length is None else length))
            for name, value in headers:
                connection.putheader(name, value)
            connection.endheaders(body or None)
            response = connection.getresponse()
            response.read()
            return response.status
        finally:
            if over is None:
                connection.close()

    def knock(
        self,
        pairs: Pairs,
        path: str = REPLY,
        *,
        headers: Iterable[tuple[str, str]] = (),
        host: str | None = "stap.example",
        over: http.client.HTTPConnection | None = None,
    ) -> int:
        """Post a rightly signed form."""
        return self.ask(
            urlencode(pairs).encode(),
            [
                ("Content-Type", "application/x-www-form-urlencoded"),
                ("X-Twilio-Signature", signed(pairs, path)),
                *headers,
            ],
            path=path,
            host=host,
            over=over,
        )
