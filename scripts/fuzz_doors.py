"""Knock at the doors of a running house with webhooks as bad as can be: make fuzz COUNT=200000.

Half of the requests are rightly signed, so that they reach the parser and the worker behind it:
stored webhooks of Twilio and Telegram, with their fields changed, left out, repeated and filled
with what no provider would send. The other half is forged, cut up, too large or no webhook at all.

The house is `stap run` in a process of its own, on SQLite, with fictional people and a provider
that takes every message. Afterwards it must be true that nothing was answered 5xx, nothing forged
was let in, everything answered 2xx has its row, every row was acted on without a fault of ours,
nothing that was said is in a log, the process did not grow, and the worker still works.

The same seed makes the same requests, but for the codes of links, which are drawn anew.
"""

from __future__ import annotations

import argparse
import base64
import copy
import csv
import hashlib
import hmac
import http.client
import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

import yaml

from bot.channels.twilio import callback_url
from bot.conversation.understand import BUTTONS
from bot.wording.languages import shipped

ROOT = Path(__file__).resolve().parents[1]
FIXTURES = ROOT / "tests" / "fixtures"

PUBLIC = "https://stap.example"
ACCOUNT = "AC" + "0f" * 16
TOKEN, SECRET, KEY = "token-of-the-fuzzer", "secret-of-the-fuzzer", "k" * 32
REPLY, STATUS, TELEGRAM = "/webhooks/twilio/reply", "/webhooks/twilio/status", "/webhooks/telegram"
CANARY = "kanariezin"
"""Stands in many texts. Found in a log, it means that what people say is logged."""

PHONES, CHATS = 300, 150
"""How many people write. Each keeps an order of its own, so these are the lanes of the queue."""

KNOWN = 300
"""How many of them are known to the house and have an afspraak."""

LARGEST_GROWTH = 50.0
"""MB that the process may grow after its warm-up."""

WARM = 0.1
"""The part of all requests that is warm-up, but never less than `LEAST_WARM`."""
LEAST_WARM = 700

PATIENCE = 120.0
"""Seconds without progress after which the worker is taken for stuck."""

Pairs = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Request:
    """One knock, and what may come of it."""

    kind: str
    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    allowed: frozenset[int]
    key: str = ""
    """Key of the row that a 2xx promises."""


TAKEN_BY_TWILIO, TAKEN_BY_TELEGRAM = frozenset({204}), frozenset({200})
REFUSED = frozenset({403})
FORM = ("Content-Type", "application/x-www-form-urlencoded")
JSON = ("Content-Type", "application/json")

ODD_STRINGS = (
    "",
    " ",
    "\x00",
    "ja\x00nee",
    "\ud800",
    "\udfff\ud800",
    "\u202e1",
    "\ufeff1",
    "1\u200b",
    "🌻" * 1600,
    "x" * 5000,
    "ا" * 3000,
    "e\u0301" * 800,
    "\r\nX-Evil: 1",
    "{0.__class__}",
    "{{7*7}}",
    "%s%n",
    "${jndi:x}",
    "' OR 1=1 --",
    "<script>alert(1)</script>",
    "../../etc/passwd",
    "=HYPERLINK(1)",
    "NaN",
    "-1",
    "1e999",
    "9" * 400,
    "٣",
    "፩",
    "whatsapp:",
    "http://127.0.0.1:9/x",
)
ODD_FIELDS = (
    "ButtonPayload",
    "ButtonText",
    "ListId",
    "MediaUrl0",
    "MessageStatus",
    "MessageType",
    "NumMedia",
    "OptOutType",
    "OriginalRepliedMessageSid",
    "ProfileName",
    "Referral",
    "SmsStatus",
    "WaId",
    "_message",
    "",
    "\u202e",
)
ODD_VALUES: tuple[Any, ...] = (
    *ODD_STRINGS,
    None,
    True,
    False,
    0,
    -1,
    2**31,
    2**53,
    2**63,
    10**30,
    10**400,
    1.5,
    -0.0,
    1e308,
    [],
    {},
    [[]],
    [None],
    {"a": 1},
    {"id": 1006, "type": "private"},
    [{"id": 1006}] * 50,
)


# ---------------------------------------------------------------- what is sent


@cache
def stored(provider: str) -> Mapping[str, dict[str, Any]]:
    """Return the stored webhooks of *provider* by name."""
    return {
        path.stem: json.loads(path.read_text(encoding="utf-8"))
        for path in sorted((FIXTURES / provider).glob("*.json"))
    }


@cache
def phrases() -> tuple[str, ...]:
    """Return everything that the lexicon knows, in every language, and what stands around it."""
    found: list[str] = []

    def gather(value: Any) -> None:
        if isinstance(value, str):
            found.append(value)
        elif isinstance(value, Mapping):
            for inner in value.values():
                gather(inner)
        elif isinstance(value, list):
            for inner in value:
                gather(inner)

    gather(yaml.safe_load((ROOT / "content" / "lexicon.yaml").read_text(encoding="utf-8")))
    return (*found, *(str(number) for number in range(-1, 12)), "STOP", "START", "/start", "/stop")


class Maker:
    """Makes request number *n*, the same one each time for the same seed."""

    def __init__(self, seed: int, codes: Sequence[str]) -> None:
        self.seed, self.codes = seed, tuple(codes)
        self.kinds: list[tuple[Callable[[random.Random, int], Request], int]] = [
            # Rightly signed: half of all.
            (self.reply, 6),
            (self.bent_reply, 8),
            (self.misspelled_reply, 1),
            (self.update, 6),
            (self.bent_update, 9),
            (self.status, 6),
            (self.again, 14),
            # Not so.
            (self.unsigned, 4),
            (self.wrongly_signed, 8),
            (self.changed_underway, 10),
            (self.cut_up, 3),
            (self.status_without_proof, 4),
            (self.noise, 7),
            (self.wrong_secret, 6),
            (self.no_update, 4),
            (self.too_large, 1),
            (self.wrong_method, 3),
        ]

    def __call__(self, n: int) -> Request:
        """Return request number *n*."""
        chance = random.Random(f"{self.seed}:{n}")  # noqa: S311 - to be repeated, not to be secret
        makers, weights = zip(*self.kinds, strict=True)
        make: Callable[[random.Random, int], Request] = chance.choices(makers, weights)[0]
        return make(chance, n)

    # Genuine: what a provider sends.

    def reply(self, chance: random.Random, n: int) -> Request:
        """A stored reply, by somebody, saying something."""
        return self._signed("reply", self._form(chance, n), TAKEN_BY_TWILIO)

    def update(self, chance: random.Random, n: int) -> Request:
        """A stored update, by somebody, saying something."""
        made = self._update(chance, n)
        return self._telegram("update", _json(made), TAKEN_BY_TELEGRAM, f"telegram:1000:{n}")

    def status(self, chance: random.Random, n: int) -> Request:
        """A callback that we asked for: known words and unknown, own SID and another's."""
        message, attempt = chance.randint(1, 3000), chance.choice((1, 1, 1, 1, 2, 7))
        name = chance.choice([name for name in stored("twilio") if "status" in name])
        ref = sent_sid(message) if chance.random() < 0.8 else sid(chance.randint(1, 10**9))
        word = chance.choice(
            ("sent", "delivered", "read", "undelivered", "failed", "canceled", "queued", "odd_one")
        )
        form = {**stored("twilio")[name], "MessageSid": ref, "SmsSid": ref, "MessageStatus": word}
        if chance.random() < 0.3:
            form["ErrorCode"] = chance.choice(("30003", "30005", "21610", "63024", "x", "\x00"))
        path = callback_url("", KEY.encode(), message, attempt).partition("#")[0]
        return self._signed(
            "status",
            list(form.items()),
            TAKEN_BY_TWILIO,
            path=path,
            key=f"status:{message}:{attempt}:{ref}:{word}",
        )

    def again(self, chance: random.Random, n: int) -> Request:
        """Something rightly signed that was sent before, exactly as it was."""
        for earlier in (chance.randrange(n) for _ in range(20 if n else 0)):
            if (request := self(earlier)).key:
                return request
        return self.reply(chance, n)

    # Rightly signed, but nothing that a provider would send.

    def bent_reply(self, chance: random.Random, n: int) -> Request:
        """A reply with fields changed, left out, added and said twice, then signed."""
        form = self._form(chance, n)
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(form)) if form else 0
            how = chance.random()
            if how < 0.5 and form:
                form[at] = (form[at][0], _sayable(chance.choice(ODD_STRINGS)))
            elif how < 0.65 and form:
                del form[at]
            elif how < 0.75 and form:
                form.insert(at, (form[at][0], _sayable(chance.choice(ODD_STRINGS))))
            else:
                value = chance.choice((*BUTTONS, *map(_sayable, ODD_STRINGS), "STOP", "failed"))
                form.append((chance.choice(ODD_FIELDS), value))
        return self._signed("bent reply", form, frozenset({204, 400, 403, 413}))

    def misspelled_reply(self, chance: random.Random, n: int) -> Request:
        """A reply whose bytes are not what they should be, signed as they are understood."""
        form = [pair for pair in self._form(chance, n) if pair[0] != "Body"]
        raw, said = chance.choice(
            (
                (b"%FF%FE", "\ufffd\ufffd"),
                (b"caf\xe9", "caf\ufffd"),
                (b"%ED%A0%80", "\ufffd\ufffd\ufffd"),
                (b"%", "%"),
                (b"%zz+1", "%zz 1"),
                (b"\x01\x7f", "\x01\x7f"),
            )
        )
        headers = (FORM, ("X-Twilio-Signature", sign([*form, ("Body", said)], REPLY)))
        body = urlencode(form).encode() + b"&Body=" + raw
        key = "twilio:" + dict(form)["MessageSid"]
        return Request("misspelled reply", "POST", REPLY, headers, body, TAKEN_BY_TWILIO, key)

    def bent_update(self, chance: random.Random, n: int) -> Request:
        """An update with something in it replaced, left out or put where it does not belong."""
        made = self._update(chance, n)
        for _ in range(chance.randint(1, 4)):
            places = list(_places(made))
            holder, at = chance.choice(places)
            how = chance.random()
            if how < 0.6:
                holder[at] = copy.deepcopy(chance.choice(ODD_VALUES))
            elif how < 0.85:
                del holder[at]
            elif isinstance(holder, dict):
                holder[chance.choice(("chat", "from", "message", "text", "id", "\x00"))] = (
                    copy.deepcopy(chance.choice(ODD_VALUES))
                )
            if not made:
                break
        number = made.get("update_id")
        return self._telegram(
            "bent update", _json(made), frozenset({200, 400, 413}), f"telegram:1000:{number}"
        )

    # Forged, or no webhook at all.

    def unsigned(self, chance: random.Random, n: int) -> Request:
        """A reply without a signature."""
        return self._forged("unsigned", self._form(chance, n), [])

    def wrongly_signed(self, chance: random.Random, n: int) -> Request:
        """A reply with a signature that anybody can make up."""
        form = self._form(chance, n)
        right = sign(form, REPLY)
        wrong = chance.choice(
            (
                "",
                "AAAA",
                right[:-2],
                right + "=",
                right.swapcase(),
                "x" * 10_000,
                "é",
                sign(form, STATUS),
                sign(form, REPLY, token="another"),  # noqa: S106 - fictional
                sign(form[1:], REPLY),
            )
        )
        return self._forged("wrongly signed", form, [("X-Twilio-Signature", wrong)])

    def changed_underway(self, chance: random.Random, n: int) -> Request:
        """A reply that was signed before somebody changed it."""
        form = self._form(chance, n)
        headers = [("X-Twilio-Signature", sign(form, REPLY))]
        at = chance.randrange(len(form))
        how = chance.randrange(4)
        if how == 0:
            form[at] = (form[at][0], form[at][1] + "1")
        elif how == 1:
            form.append(chance.choice(form))
        elif how == 2:
            form[at] = ("Body" if form[at][0] != "Body" else "From", form[at][1] + "x")
        else:
            form.append(("Body", "1"))
        return self._forged("changed underway", form, headers)

    def cut_up(self, chance: random.Random, n: int) -> Request:
        """A reply whose signature also fits other fields, because it runs them together."""
        form = dict(self._form(chance, n))
        names = sorted(form)
        first, second = chance.choice(list(pairwise(names)))
        headers = [("X-Twilio-Signature", sign(list(form.items()), REPLY))]
        form[first] += second + form.pop(second)
        # Nobody else has used this signature yet, so the cut itself may be all there is: then it
        # counts, once, if what says who wrote has its right shape.
        request = self._forged("cut up", list(form.items()), headers)
        return Request(
            request.kind,
            request.method,
            request.path,
            request.headers,
            request.body,
            frozenset({204, 403}),
            "twilio:" + form.get("MessageSid", ""),
        )

    def status_without_proof(self, chance: random.Random, n: int) -> Request:
        """A callback that Twilio signed, but that we never asked for."""
        form = list(stored("twilio")["sms_status_delivered"].items())
        right = callback_url("", KEY.encode(), n, 1).partition("#")[0]
        path = chance.choice(
            (
                STATUS,
                STATUS + "?m=1&a=1",
                STATUS + "?m=%00&a=%ED%A0%80&k=%FF",
                right[:-1],
                right + "0",
                right.replace("a=1", "a=2"),
                right.replace("m=", "m=0"),
            )
        )
        return self._signed("status without proof", form, REFUSED, path=path, key="")

    def noise(self, chance: random.Random, _n: int) -> Request:
        """Bytes."""
        body = chance.randbytes(chance.choice((0, 1, 10, 200, 5000)))
        path = chance.choice((REPLY, STATUS, TELEGRAM, REPLY + "?" + "a=%00&" * 50))
        headers = (
            chance.choice((FORM, JSON, ("Content-Type", "multipart/form-data; boundary=x"))),
        )
        return Request("noise", "POST", path, headers, body, frozenset({400, 403}))

    def wrong_secret(self, chance: random.Random, n: int) -> Request:
        """An update from somebody who does not know the secret."""
        secret = chance.choice(("", "x", SECRET[:-1], SECRET + " x", SECRET.upper(), "x" * 9000))
        return Request(
            "wrong secret",
            "POST",
            TELEGRAM,
            (JSON, ("X-Telegram-Bot-Api-Secret-Token", secret)),
            _json(self._update(chance, n)),
            REFUSED,
        )

    def no_update(self, chance: random.Random, _n: int) -> Request:
        """With the right secret, yet nothing that could be an update."""
        body = chance.choice(
            (
                b"",
                b"null",
                b"[]",
                b"{",
                b"\xff\xfe",
                b"[" * 60_000,
                b'{"update_id":NaN}',
                b'{"update_id":1,"x":1e999}',
                b'{"update_id":1,"x":' + b"[" * 500 + b"]" * 500 + b"}",
                b'{"update_id":' + b"7" * 5000 + b"}",
                b'{"update_id":"1"}',
                b'{"message":{}}',
                chance.randbytes(300),
            )
        )
        return self._telegram("no update", body, frozenset({400}), "")

    def too_large(self, chance: random.Random, n: int) -> Request:
        """More than any webhook holds: in bytes, or in fields."""
        if chance.random() < 0.5:
            form = [*self._form(chance, n), ("Extra", "x" * 66_000)]
            return self._signed("too large", form, frozenset({413}), key="")
        form = [*self._form(chance, n), *((f"x{i}", "") for i in range(600))]
        return self._signed("too large", form, frozenset({400}), key="")

    def wrong_method(self, chance: random.Random, _n: int) -> Request:
        """Not a post, or not a door."""
        method = chance.choice(("GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"))
        door = chance.choice((REPLY, STATUS, TELEGRAM))
        path = chance.choice((door, door + "/", door + "%00", door.upper(), "//" + door, "/%ff"))
        headers = (("Host", chance.choice(("x:99999", "[::1", "", "evil.example"))),)
        return Request(
            "wrong method", method, path, headers, b"", frozenset({200, 400, 404, 405, 308})
        )

    # Parts.

    def _form(self, chance: random.Random, n: int) -> Pairs:
        names = [name for name in stored("twilio") if "status" not in name]
        form: dict[str, str] = dict(stored("twilio")[chance.choice(names)])
        number = f"+316970{chance.randrange(PHONES):05d}"
        if form["From"].startswith("whatsapp:+"):
            form["From"], form["WaId"] = f"whatsapp:{number}", number[1:]
        elif form["From"].startswith("+"):
            form["From"] = number
        form["MessageSid"] = form["SmsSid"] = form["SmsMessageSid"] = sid(n)
        if chance.random() < 0.8 and not form.get("OptOutType"):
            form["Body"] = _sayable(self._text(chance))
        if "ButtonPayload" in form and chance.random() < 0.7:
            form["ButtonPayload"] = self._button(chance)
        return list(form.items())

    def _update(self, chance: random.Random, n: int) -> dict[str, Any]:
        made: dict[str, Any] = copy.deepcopy(
            stored("telegram")[chance.choice([*stored("telegram")])]
        )
        made["update_id"] = n
        person = 10_000 + chance.randrange(CHATS)
        for holder, at in _places(made):
            if at in ("id", "user_id") and holder[at] == 1006:
                holder[at] = person
        message = made.get("message") or made.get("edited_message")
        if isinstance(message, dict) and "text" in message:
            message["text"] = self._text(chance)
        tap = made.get("callback_query")
        if isinstance(tap, dict):
            tap["data"] = self._button(chance)
            tap["message"]["message_id"] = chance.randint(1, 3000)
        return made

    def _text(self, chance: random.Random) -> str:
        how = chance.random()
        if how < 0.55:
            said = chance.choice(phrases())
        elif how < 0.7:
            said = " ".join(chance.choices(phrases(), k=chance.randint(2, 30)))
        elif how < 0.78 and self.codes:
            said = chance.choice(("START {}", "/start {}", "{}", "start  {} !")).format(
                chance.choice(self.codes)
            )
        elif how < 0.9:
            said = chance.choice(ODD_STRINGS)
        else:
            said = "".join(chr(chance.randrange(1, 0xD7FF)) for _ in range(chance.randint(1, 300)))
        return f"{CANARY} {said}" if chance.random() < 0.15 else said

    def _button(self, chance: random.Random) -> str:
        return chance.choice(
            (
                *BUTTONS,
                "language:ti",
                "language:x",
                "otherwise",
                "number",
                "menu:1",
                "x" * 64,
                "\x00",
            )
        )

    def _signed(
        self,
        kind: str,
        form: Pairs,
        allowed: frozenset[int],
        path: str = REPLY,
        key: str | None = None,
    ) -> Request:
        headers = (FORM, ("X-Twilio-Signature", sign(form, path)))
        if key is None:
            key = "twilio:" + dict(form).get("MessageSid", "")
        return Request(kind, "POST", path, headers, urlencode(form).encode(), allowed, key)

    def _forged(self, kind: str, form: Pairs, headers: Iterable[tuple[str, str]]) -> Request:
        return Request(kind, "POST", REPLY, (FORM, *headers), urlencode(form).encode(), REFUSED)

    def _telegram(self, kind: str, body: bytes, allowed: frozenset[int], key: str) -> Request:
        headers = (JSON, ("X-Telegram-Bot-Api-Secret-Token", SECRET))
        return Request(kind, "POST", TELEGRAM, headers, body, allowed, key)


def sid(number: int) -> str:
    """Return the SID of what a person wrote in request *number*."""
    return f"SM{number:032x}"


def sent_sid(message: int) -> str:
    """Return the SID that our provider gave to our message."""
    return f"SM{'b' * 16}{message:016x}"


def sign(form: Pairs, path: str, *, token: str = TOKEN) -> str:
    """Return the signature of a form as Twilio makes it: each different pair counts once."""
    text = PUBLIC + path + "".join(name + value for name, value in sorted(set(form)))
    digest = hmac.new(token.encode(), text.encode("utf-8", "replace"), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


def _sayable(text: str) -> str:
    """Return *text* as a form can carry it: UTF-8 has no lone surrogates."""
    return text.encode("utf-8", "replace").decode()


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


def _places(value: Any) -> Iterable[tuple[Any, Any]]:
    """Yield every place inside *value* that holds something, as holder and key."""
    if isinstance(value, dict):
        for key in list(value):
            yield value, key
            yield from _places(value[key])
    elif isinstance(value, list):
        for key in range(len(value)):
            yield value, key
            yield from _places(value[key])


# ---------------------------------------------------------------- whom it is sent to


class Provider(ThreadingHTTPServer):
    """Takes every message, so that questions become open and can be answered."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Taking)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.taken = 0
        threading.Thread(target=self.serve_forever, name="provider", daemon=True).start()


class _Taking(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Provider

    def do_POST(self) -> None:
        """Give Twilio's answer or Telegram's."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.partition("?")[0]
        if path.endswith("/Messages.json") and self.command == "GET":
            self._answer(200, {"messages": [], "next_page_uri": None, "page": 0, "page_size": 50})
        elif path.endswith("/Messages.json"):
            callback = parse_qs(body.decode())["StatusCallback"][0]
            message = int(parse_qs(callback.partition("?")[2])["m"][0])
            self._answer(201, {"sid": sent_sid(message), "status": "queued"})
        elif path.endswith("/sendMessage"):
            self.server.taken += 1
            chat = {"id": 1, "type": "private"}
            result = {"message_id": self.server.taken, "date": 1, "chat": chat}
            self._answer(200, {"ok": True, "result": result})
        else:
            self._answer(200, {"ok": True, "result": True})

    do_GET = do_POST

    def _answer(self, status: int, said: Mapping[str, Any]) -> None:
        content = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet."""


class House:
    """`stap run` in a process of its own, with people who have an afspraak."""

    def __init__(self, directory: Path, provider: Provider) -> None:
        self.directory = directory
        self.database = directory / "stap.db"
        self.log = directory / "log"
        self.environment = {
            "PATH": os.environ.get("PATH", ""),
            "PYTHONPATH": str(ROOT),
            "DATABASE_URL": f"sqlite:///{self.database}",
            "PUBLIC_URL": PUBLIC,
            "SECRET_KEY": KEY,
            "QUIET_HOURS": "",
            "TWILIO_ACCOUNT_SID": ACCOUNT,
            "TWILIO_AUTH_TOKEN": TOKEN,
            "TWILIO_API_URL": provider.url,
            "TWILIO_CONTENT_URL": provider.url,
            "TWILIO_SMS_FROM": "+3197000000000",
            "TWILIO_WHATSAPP_FROM": "+3197000000001",
            "TELEGRAM_BOT_TOKEN": "1000:fictional",
            "TELEGRAM_API_URL": provider.url,
            "TELEGRAM_WEBHOOK_SECRET": SECRET,
            "ALLOWED_RECIPIENTS": "*",
            "PACE_SMS": "1000",
            "PACE_WHATSAPP": "1000",
            "PACE_TELEGRAM": "1000",
        }
        self.stap("migrate")
        self._people()
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "bot", "run", "--port", "0"],
                cwd=directory,
                env=self.environment,
                stdout=log,
                stderr=log,
            )
        self.port = self._port()

    def stap(self, *arguments: str) -> None:
        """Run one command of the house; a failure ends everything, with what it said."""
        done = subprocess.run(
            [sys.executable, "-m", "bot", *arguments],
            cwd=self.directory,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"stap {' '.join(arguments)}:\n{done.stdout}{done.stderr}")

    def codes(self) -> list[str]:
        """Return the codes of all links."""
        return [code for (code,) in self.read("SELECT code FROM link")]

    def read(self, statement: str) -> list[tuple[Any, ...]]:
        """Read the database beside the house."""
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as database:
            return list(database.execute(statement))

    def megabytes(self) -> float:
        """Return the memory that the process holds now."""
        told = subprocess.run(
            ["ps", "-o", "rss=", "-p", str(self.process.pid)],  # noqa: S607
            capture_output=True,
            text=True,
            check=False,
        )
        return int(told.stdout or 0) / 1024

    def end(self) -> None:
        """Stop the process."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def _port(self) -> int:
        until = time.monotonic() + 60
        while time.monotonic() < until and self.process.poll() is None:
            if found := re.search(r"http://127\.0\.0\.1:(\d+)", self.log.read_text()):
                return int(found[1])
            time.sleep(0.1)
        raise SystemExit(f"stap run:\n{self.log.read_text()}")

    def _people(self) -> None:
        """Let some of those who write be known, with an afspraak each, and make two links."""
        languages = list(shipped())
        channels = ("sms", "whatsapp", "telegram")
        start = datetime.now().replace(minute=0, second=0, microsecond=0)  # noqa: DTZ005 - local
        people, afspraken = [], []
        for n in range(KNOWN):
            channel = channels[n % 3]
            phone = "" if channel == "telegram" else f"+316970{n:05d}"
            chat = str(10_000 + n) if channel == "telegram" else ""
            spoken = languages[n % len(languages)]
            people.append((f"P-{n}", f"Naam{n}", spoken, phone, channel, chat, "ja"))
            begins = start + timedelta(days=1 + n % 6, hours=n % 5)
            afspraken.append((f"A-{n}", f"P-{n}", f"{begins:%Y-%m-%d %H:%M}", "60", "Wijkcentrum"))
        self._intake(
            "people",
            ("kenmerk", "voornaam", "taal", "telefoon", "kanaal", "telegram", "toestemming"),
            people,
        )
        self._intake("afspraken", ("kenmerk", "persoon", "begin", "duur", "plaats"), afspraken)
        who = ("kenmerk", "voornaam", "telefoon", "talen", "wijk")
        self._intake(
            "ambassadeurs",
            who,
            [(f"M-{n}", f"Bode{n}", f"+3169780000{n}", "nl", "") for n in range(2)],
        )
        for n in range(2):
            self.stap("link", f"M-{n}")

    def _intake(self, what: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        path = self.directory / f"{what}.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(header)
            writer.writerows(rows)
        self.stap("intake", what, str(path))


# ---------------------------------------------------------------- the knocking, and what came of it


@dataclass
class Outcome:
    """What was answered, and what was seen meanwhile."""

    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    """Answers that may not be, by number and kind; the number makes the request again."""
    taken: set[str] = field(default_factory=set)
    """Keys that a 2xx promised."""
    memory: list[tuple[int, float]] = field(default_factory=list)
    """How many requests were done, and the MB that the process held by then."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def done(self) -> int:
        """How many requests have been answered."""
        return sum(self.answers.values())

    def note(self, n: int, request: Request, status: int) -> None:
        """Write down the answer to request *n*."""
        with self.lock:
            self.answers[request.kind, status] += 1
            if status not in request.allowed:
                self.wrong.append(f"request {n}, {request.kind}: {status}")
            if 200 <= status < 300 and request.key:
                self.taken.add(request.key)


def knock(port: int, make: Maker, numbers: Iterable[int], outcome: Outcome) -> None:
    """Send these requests one after the other over a connection that is kept."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for n in numbers:
        request = make(n)
        for last in (False, True):
            try:
                status = _send(connection, request)
            except (http.client.HTTPException, OSError) as error:
                # The server may close a connection after an answer; the next request is not lost.
                connection.close()
                if last:
                    with outcome.lock:
                        outcome.wrong.append(f"request {n}, {request.kind}: {error!r}")
            else:
                outcome.note(n, request, status)
                break
    connection.close()


def _send(connection: http.client.HTTPConnection, request: Request) -> int:
    hosted = any(name == "Host" for name, _ in request.headers)
    connection.putrequest(request.method, request.path, skip_host=hosted, skip_accept_encoding=True)
    for name, value in request.headers:
        connection.putheader(name, value.encode("utf-8"))
    connection.putheader("Content-Length", str(len(request.body)))
    connection.endheaders(request.body or None)
    response = connection.getresponse()
    response.read()
    return response.status


def watch(house: House, outcome: Outcome, over: threading.Event) -> None:
    """Look at the memory twice a second until *over*."""
    while not over.wait(0.5):
        outcome.memory.append((outcome.done, house.megabytes()))


def settle(house: House) -> int:
    """Wait until nothing is new; return how many still are when nothing moves any more."""
    left, since = -1, time.monotonic()
    while time.monotonic() - since < PATIENCE:
        now = house.read("SELECT count(*) FROM inbox_event WHERE state = 'new'")[0][0]
        if now == 0:
            return 0
        if now != left:
            left, since = now, time.monotonic()
        time.sleep(0.5)
    return left


def faults(house: House, outcome: Outcome, count: int, left: int) -> list[str]:
    """Return everything that is not as it must be, in words."""
    found = list(outcome.wrong)
    if left:
        found.append(f"{left} events are still new and nothing moves")
    rows = {key for (key,) in house.read("SELECT key FROM inbox_event")}
    if missing := outcome.taken - rows:
        found.append(f"{len(missing)} were answered 2xx and have no row: {sorted(missing)[:3]}")
    if extra := rows - outcome.taken:
        found.append(f"{len(extra)} rows were never answered 2xx: {sorted(extra)[:3]}")
    found += [
        f"{times} events failed in us: {error}"
        for error, times in house.read(
            "SELECT error, count(*) FROM inbox_event WHERE error LIKE '% at %.py:%' GROUP BY error"
        )
    ]
    log = house.log.read_text(encoding="utf-8", errors="replace")
    found += [
        f"in the log: {word} ({log.count(word)} times)"
        for word in (
            CANARY,
            "Traceback",
            "stalled",
            "tick failed",
            "a fault of ours",
            "nobody foresaw",
        )
        if word in log
    ]
    begun = growth(outcome, count)
    if begun > LARGEST_GROWTH:
        found.append(f"the process grew by {begun:.0f} MB after its warm-up")
    if house.process.poll() is not None:
        found.append(f"the process ended by itself with {house.process.returncode}")
    return found


def growth(outcome: Outcome, count: int) -> float:
    """Return by how many MB the process grew after its warm-up."""
    warm = max(int(count * WARM), LEAST_WARM)
    before = [held for done, held in outcome.memory if done <= warm]
    after = [held for done, held in outcome.memory if done > warm]
    return max(after) - max(before) if before and after else 0.0


def works(house: House, outcome: Outcome) -> bool:
    """Say whether one more message, from somebody new, is taken and acted on."""
    form = [
        *(
            (n, v)
            for n, v in stored("twilio")["sms_reply"].items()
            if n not in ("From", "MessageSid")
        ),
        ("From", "+31697099999"),
        ("MessageSid", f"SM{'e' * 32}"),
    ]
    headers = (FORM, ("X-Twilio-Signature", sign(form, REPLY)))
    key = f"twilio:SM{'e' * 32}"
    request = Request(
        "the last one", "POST", REPLY, headers, urlencode(form).encode(), TAKEN_BY_TWILIO, key
    )
    connection = http.client.HTTPConnection("127.0.0.1", house.port, timeout=60)
    outcome.note(-1, request, _send(connection, request))
    connection.close()
    until = time.monotonic() + 30
    while time.monotonic() < until:
        state = house.read(f"SELECT state FROM inbox_event WHERE key = '{key}'")  # noqa: S608 - ours
        if state == [("done",)]:
            return True
        time.sleep(0.2)
    return False


def table(outcome: Outcome) -> str:
    """Return kinds against answers, for people to read."""
    kinds = sorted({kind for kind, _ in outcome.answers})
    statuses = sorted({status for _, status in outcome.answers})
    lines = ["".ljust(22) + "".join(str(status).rjust(9) for status in statuses)]
    lines += [
        kind.ljust(22)
        + "".join(
            (str(outcome.answers[kind, status]) if outcome.answers[kind, status] else "·").rjust(9)
            for status in statuses
        )
        for kind in kinds
    ]
    totals = (sum(n for (_, s), n in outcome.answers.items() if s == status) for status in statuses)
    lines.append("all".ljust(22) + "".join(str(total).rjust(9) for total in totals))
    return "\n".join(lines)


def main() -> int:
    """Knock, wait, look, tell. Return 1 if anything was not as it must be."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=4)
    given = parser.parse_args()
    provider, outcome, over = Provider(), Outcome(), threading.Event()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as directory:
        house = House(Path(directory), provider)
        try:
            make = Maker(given.seed, house.codes())
            started = time.monotonic()
            watching = threading.Thread(target=watch, args=(house, outcome, over))
            knocking = [
                threading.Thread(
                    target=knock,
                    args=(house.port, make, range(t, given.count, given.threads), outcome),
                    daemon=True,
                )
                for t in range(given.threads)
            ]
            for thread in (watching, *knocking):
                thread.start()
            for thread in knocking:
                thread.join()
            knocked = time.monotonic() - started
            left = settle(house)
            worked = time.monotonic() - started
            alive = works(house, outcome)
            over.set()
            watching.join()
            found = faults(house, outcome, given.count, left)
            if not alive:
                found.append("the worker does not work any more")
            print(table(outcome))
            print()
            print(f"seed {given.seed}: {given.count} requests in {knocked:.0f} s, ", end="")
            print(f"{given.count / knocked:.0f} a second; all acted on after {worked:.0f} s")
            for state, number in house.read(
                "SELECT state, count(*) FROM inbox_event GROUP BY state ORDER BY state"
            ):
                print(f"events {state}: {number}")
            for state, number in house.read(
                "SELECT state, count(*) FROM message GROUP BY state ORDER BY state"
            ):
                print(f"messages {state}: {number}")
            held = [held for _, held in outcome.memory] or [0.0]
            print(f"memory: {held[0]:.0f} MB at first, {held[-1]:.0f} MB at last, ", end="")
            print(f"{growth(outcome, given.count):.0f} MB more after the warm-up")
        finally:
            over.set()
            house.end()
            provider.shutdown()
    for fault in found[:50]:
        print(f"WRONG: {fault}")
    print("All is as it must be." if not found else f"{len(found)} things are not as they must be.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
