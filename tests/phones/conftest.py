"""A house that only listens, and a practice ground beside it: both over real HTTP."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

import pytest
import requests
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from phones.app import serve
from phones.state import Accounts, Ground


@dataclass
class Heard:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    @property
    def json(self):
        return json.loads(self.body)


class House:
    """Writes down every request and answers ``statuses`` in turn, then 204."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.statuses: list[int] = []
        self.answer: tuple[str, bytes] = ("text/plain", b"")
        self.refuses = None
        """A function of a request that says whether it is answered 500."""
        self.files: dict[str, tuple[str, bytes]] = {}
        self.came = threading.Condition()
        house = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {key.lower(): value for key, value in self.headers.items()}
                with house.came:
                    heard = Heard(self.path, headers, body)
                    house.heard.append(heard)
                    status = house.statuses.pop(0) if house.statuses else 0
                    if house.refuses and house.refuses(heard):
                        status = 500
                    house.came.notify_all()
                kind, content = house.answer
                self.send_response(status or (200 if content else 204))
                if content:
                    self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def do_GET(self) -> None:
                kind, content = house.files.get(self.path, ("", b""))
                self.send_response(200 if content else 404)
                self.send_header("Content-Type", kind or "text/plain")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *args: object) -> None:
                """Keep quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()

    def wait(self, count: int, timeout: float = 5.0) -> list[Heard]:
        """Wait until *count* requests came; return all that did."""
        with self.came:
            assert self.came.wait_for(lambda: len(self.heard) >= count, timeout), self.heard
            return list(self.heard)

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class Practice:
    """A practice ground with what a test needs at hand."""

    def __init__(self, accounts: Accounts) -> None:
        self.ground = Ground(accounts)
        self.server = serve(self.ground)
        self.url = self.server.url

    def post(self, path: str, **fields: object) -> requests.Response:
        return requests.post(self.url + path, json=fields, timeout=10)

    def do(self, path: str, **fields: object) -> dict:
        answer = self.post(path, **fields)
        assert answer.ok, answer.text
        return answer.json()

    def settle(self) -> None:
        assert self.server.settle()

    def until(self, happens, timeout: float = 5.0) -> None:
        end = time.monotonic() + timeout
        while not happens():
            assert time.monotonic() < end, "it did not happen"
            self.ground.wait(self.ground.version, 0.05)


@pytest.fixture
def house():
    house = House()
    yield house
    house.close()


@pytest.fixture
def options():
    """What a test changes about the accounts."""
    return {}


@pytest.fixture
def practice(house, options):
    practice = Practice(Accounts(**({"house": house.url, "delay": 0.0} | options)))
    yield practice
    practice.server.close()


@pytest.fixture
def selam(practice):
    return practice.ground.add("Selam", "ti", "whatsapp", "+31697000001")


@pytest.fixture
def mehmet(practice):
    return practice.ground.add("Mehmet", "tr", "sms", "+31697000008")


@pytest.fixture
def rania(practice):
    return practice.ground.add("Rania", "ar", "telegram", "1006")


@pytest.fixture
def twilio(practice):
    """The official client, pointed at the practice ground."""
    accounts = practice.ground.accounts
    http = TwilioHttpClient(timeout=10)
    client = Client(accounts.twilio_sid, accounts.twilio_token, http_client=http)
    client.api.base_url = practice.url
    client.content.base_url = practice.url
    yield client
    http.session.close()
