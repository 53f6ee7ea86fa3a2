"""The doors in a process of their own; and the same by hand, to compare with.

Run as ``python -m bot.bench.served ours|raw DATABASE_URL``: says on which port it listens, and
serves until its standard input ends.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import psycopg
from sqlalchemy import make_url

from bot import house as houses
from bot import logs
from bot.settings import Settings, load

PUBLIC = "https://stap.example"
REPLY = "/webhooks/twilio/reply"
ACCOUNT, TOKEN = "AC" + "0b" * 16, "a-token-for-measuring"
OURS = "+3197000000000"
NOWHERE = "http://127.0.0.1:9"

ROOT = Path(__file__).resolve().parents[2]


def settings(database_url: str, **more: object) -> Settings:
    """Return the settings of a house that is measured; its providers are nowhere."""
    return load(
        None,
        **{
            "database_url": database_url,
            "public_url": PUBLIC,
            "secret_key": "k" * 32,
            "twilio_account_sid": ACCOUNT,
            "twilio_auth_token": TOKEN,
            "twilio_api_url": NOWHERE,
            "twilio_content_url": NOWHERE,
            "twilio_sms_from": OURS,
            "telegram_api_url": NOWHERE,
            "allowed_recipients": "*",
            **more,
        },
    )


@contextmanager
def served(kind: str, database_url: str) -> Iterator[int]:
    """Serve *kind* over the database in a process of its own; give its port."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bot.bench.served", kind, database_url],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield int(_pipe(process.stdout).readline())
    finally:
        _pipe(process.stdin).close()
        process.wait(timeout=30)
        _pipe(process.stdout).close()


def _pipe(end: Any) -> Any:
    return end


# ------------------------------------------------------------------ by hand

Start = Callable[[str, list[tuple[str, str]]], object]

INSERT = (
    "INSERT INTO inbox_event (key, source, lane, signature, fingerprint, payload, state, tries,"
    " not_before, received_at) VALUES ({0}, 'twilio', {0}, {0}, {0}, {0}, 'new', 0, {0}, {0})"
)


class Raw:
    """What one would write for this one door and nothing else: the signature, one INSERT, 204.

    The row is the one that our door writes, each in a transaction of its own.
    """

    def __init__(self, database_url: str) -> None:
        self.url = make_url(database_url)
        self.local = threading.local()
        self.sqlite = self.url.get_backend_name() == "sqlite"

    def __call__(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        """Answer one request."""
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])).decode()
        form = dict(parse_qsl(body, keep_blank_values=True))
        signature = environ["HTTP_X_TWILIO_SIGNATURE"]
        signed = PUBLIC + environ["PATH_INFO"]
        signed += "".join(name + value for name, value in sorted(form.items()))
        mac = hmac.new(TOKEN.encode(), signed.encode(), hashlib.sha1).digest()
        if not hmac.compare_digest(base64.b64encode(mac).decode(), signature):
            start("403 FORBIDDEN", [("Content-Length", "0")])
            return []
        now = datetime.now(UTC)
        at = now.replace(tzinfo=None).isoformat(" ") if self.sqlite else now
        self._insert(
            (
                "twilio:" + form["MessageSid"],
                "sms:" + form["From"],
                hashlib.sha256(signature.encode()).hexdigest(),
                hashlib.sha256(signed.encode()).hexdigest(),
                json.dumps(form),
                at,
                at,
            )
        )
        start("204 NO CONTENT", [])
        return []

    def _insert(self, row: tuple[object, ...]) -> None:
        connection = getattr(self.local, "connection", None)
        if connection is None:
            connection = self.local.connection = self._connect()
        connection.execute(INSERT.format("?" if self.sqlite else "%s"), row)

    def _connect(self) -> Any:
        if not self.sqlite:
            url = self.url.set(drivername="postgresql")
            return psycopg.connect(url.render_as_string(hide_password=False), autocommit=True)
        connection = sqlite3.connect(self.url.database or "", timeout=30, isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        return connection


def main(kind: str, database_url: str) -> None:
    """Serve until standard input ends."""
    from app import create_app
    from bot.web import WebServer

    logs.configure("warning")  # as a house that runs: waitress says of every request that it waits
    house = houses.build(settings(database_url))
    app: Any = Raw(database_url) if kind == "raw" else create_app(house, lambda: None)
    server = WebServer(app, "127.0.0.1", 0)
    server.start()
    print(server.port, flush=True)  # noqa: T201 - how who started us learns where we are
    sys.stdin.read()
    server.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
