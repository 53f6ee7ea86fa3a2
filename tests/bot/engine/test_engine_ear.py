"""Where Telegram cannot call our door it is asked for updates: whatever it says, senders go on."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select, text

from bot import house as houses
from bot.engine import embedded
from bot.engine.embedded import Engine
from bot.models.messages import InboxEvent
from bot.settings import load

PATIENCE = 30


class Telegram(ThreadingHTTPServer):
    """Has updates, and gives them from the number on that it is asked for."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.updates: list[dict] = []
        self.asked = 0
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()


class Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        address = urlsplit(self.path)
        result: object = True
        if address.path.endswith("/getUpdates"):
            self.server.asked += 1
            offset = int(parse_qs(address.query)["offset"][0])
            result = [one for one in self.server.updates if one["update_id"] >= offset]
            if not result:
                time.sleep(0.05)
        content = json.dumps({"ok": True, "result": result}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        """Keep quiet."""


@pytest.fixture
def telegram() -> Iterator[Telegram]:
    server = Telegram()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def engine(telegram, sqlite_url) -> Iterator[Engine]:
    house = houses.build(
        load(
            None,
            database_url=sqlite_url,
            telegram_bot_token="1000:fictional",
            telegram_api_url=f"http://127.0.0.1:{telegram.server_port}",
        )
    )
    engine = Engine(house)
    engine.start()
    yield engine
    engine.stop()
    house.database.close()


def until(true: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "this did not come to be"
        time.sleep(0.02)


def keys(engine: Engine) -> list[str]:
    with engine.house.database.reading() as session:
        return list(session.scalars(select(InboxEvent.key).order_by(InboxEvent.id)))


def test_an_update_that_cannot_be_kept_does_not_hold_up_the_next(telegram, engine):
    """Telegram gives the same update again and again until it is passed over."""
    deep: object = "x"
    for _ in range(100):
        deep = [deep]
    telegram.updates = [
        {"update_id": 7, "message": deep},
        {"update_id": 8, "channel_post": {"chat": {"id": -1}}},
    ]

    until(lambda: keys(engine))

    assert ["telegram:1000:8"] == keys(engine)
    assert engine.sender_thread.is_alive()


def test_while_the_database_is_away_nothing_is_lost_and_the_senders_go_on(
    telegram, engine, monkeypatch
):
    """What is not stored is not taken, so Telegram still has it."""
    monkeypatch.setattr(embedded, "ASK_FOR_UPDATES", 0.2)
    with engine.house.database.session() as session:
        session.execute(text("ALTER TABLE inbox_event RENAME TO away"))
    telegram.updates = [{"update_id": 8, "channel_post": {"chat": {"id": -1}}}]
    asked = telegram.asked
    until(lambda: telegram.asked > asked + 3)
    assert engine.sender_thread.is_alive()

    with engine.house.database.session() as session:
        session.execute(text("ALTER TABLE away RENAME TO inbox_event"))
    until(lambda: keys(engine))

    assert ["telegram:1000:8"] == keys(engine)
