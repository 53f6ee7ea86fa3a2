"""Names, numbers, texts and secrets go by every way there is; none comes out in a log.

Real processes at LOG_LEVEL=debug, with all that their libraries log. What is looked through:
standard output and error of every process, the figures, the pages of refusals, the broker.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
import requests
from brokers import Line, Queue, broker, until
from sqlalchemy import func, insert, make_url, select, text
from test_journey_processes import free_port, ready

from bot import moments
from bot.db import Database
from bot.engine.distributed import application
from bot.models.messages import Attempt, InboxEvent
from bot.models.people import Inburgeraar
from bot.settings import load
from phones.app import Server, serve
from phones.state import Accounts, Ground, Phone

ROOT = Path(__file__).resolve().parents[2]

NAME = "Kanarieke"
NAME_IN_SCRIPT = "ካናሪ"
WORDS = "kanariezin over ziekte"
NUMBER = "+31697000777"
SPELT = ("0697000777", "06-97 000 777", "06 97 00 07 77", "+31 (0)6 97 000 777")
CHAT = "7009876543"
OURS = {
    # Settings that must never be read back.
    "SECRET_KEY": "canary-of-the-secret-key-0123456789",
    "TWILIO_AUTH_TOKEN": "canary-of-the-twilio-token",
    "TELEGRAM_BOT_TOKEN": "1000:canary-of-the-telegram-token",
    "TELEGRAM_WEBHOOK_SECRET": "canary-of-the-telegram-secret",
}
PASSWORD = "canary/of-the-password"
CODE = "CNRY7K2Q9A"
FORGED_LINE = "\r\ntimestamp=2026 level=info event=kanarieregel \x1b[2J"

CANARIES = (
    NAME,
    NAME_IN_SCRIPT,
    "kanarie",
    "697000777",
    CHAT,
    PASSWORD,
    CODE,
    "canary",
)
OURS_BEGIN = re.compile(
    r"timestamp=\S+ level=\w+ event=|Stap Vooruit draait op|De database is bij|$"
    r"|(web|worker|clock)\.1 (started|stopped) |SIGTERM received|sending SIG\w+ to "  # honcho's
)
LEAST = (
    # What must have been said, or the ways were not gone.
    "event=forged",
    'event="not an event"',
    'event="event put off"',
    'event="not accepted"',
    "logger=sqlalchemy.engine.Engine",
    "logger=telegram.",
    "logger=httpx",
    "fault=",
)


class Nest:
    """Processes that log all they can to files, and everything that goes by them."""

    def __init__(self, folder: Path, database_url: str, **settings: str) -> None:
        self.folder, self.port = folder, free_port()
        self.ground = Ground(
            Accounts(
                house=f"http://127.0.0.1:{self.port}",
                delay=0,
                twilio_token=OURS["TWILIO_AUTH_TOKEN"],
                telegram_token=OURS["TELEGRAM_BOT_TOKEN"],
                telegram_secret=OURS["TELEGRAM_WEBHOOK_SECRET"],
            )
        )
        self.providers: Server = serve(self.ground)
        own = self.ground.accounts
        self.given = {
            **OURS,
            "LOG_LEVEL": "debug",
            "DATABASE_URL": database_url,
            "PUBLIC_URL": own.house,
            "TWILIO_ACCOUNT_SID": own.twilio_sid,
            "TWILIO_API_URL": self.providers.url,
            "TWILIO_CONTENT_URL": self.providers.url,
            "TWILIO_SMS_FROM": own.sms_from,
            "TELEGRAM_API_URL": self.providers.url,
            "TELEGRAM_BOT_NAME": own.telegram_name,
            "ALLOWED_RECIPIENTS": "*",
            "QUIET_HOURS": "",
            **settings,
        }
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self.environment = {**os.environ, **self.given, "PATH": path, "PORT": str(self.port)}
        self.database = Database(database_url)
        self.started: list[subprocess.Popen[bytes]] = []
        self.answers: list[str] = []

    def start(self, *command: str) -> None:
        """Run *command* in this checkout; all it says is kept."""
        said = (self.folder / f"{len(self.started)}.log").open("wb")
        with said:
            self.started.append(
                subprocess.Popen(
                    [sys.executable, "-m", *command],
                    cwd=ROOT,
                    env=self.environment,
                    start_new_session=True,
                    stdin=subprocess.DEVNULL,
                    stdout=said,
                    stderr=subprocess.STDOUT,
                )
            )

    def end(self) -> None:
        for process in self.started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
        for process in self.started:
            process.wait(timeout=60)
        self.started.clear()

    def close(self) -> None:
        self.end()
        self.providers.close()
        self.database.close()

    def said(self) -> str:
        """Return all that every process said."""
        return "".join(
            path.read_text(encoding="utf-8", errors="replace")
            for path in sorted(self.folder.glob("*.log"))
        )

    # ---------------------------------------------------------------- ways in

    @property
    def url(self) -> str:
        return self.ground.accounts.house

    def ask(self, method: str, path: str, **more: object) -> requests.Response:
        answer = requests.request(
            method, self.url + path, timeout=30, allow_redirects=False, **more
        )
        if answer.status_code >= 400:  # the page of a link shows the code that it is asked for
            self.answers.append(f"{answer.status_code} {answer.headers} {answer.text}")
        return answer

    def knock(self, path: str, form: Mapping[str, str], *, signature: str | None = None) -> int:
        """Post a form as Twilio does; rightly signed unless told otherwise."""
        told = self.url + path + "".join(name + form[name] for name in sorted(form))
        key = OURS["TWILIO_AUTH_TOKEN"].encode()
        right = base64.b64encode(hmac.new(key, told.encode(), hashlib.sha1).digest()).decode()
        return self.ask(
            "POST",
            path,
            data=urlencode(form).encode(),
            headers={
                "Content-Type": "application/x-www-form-urlencoded",
                "X-Twilio-Signature": right if signature is None else signature,
            },
        ).status_code

    def update(self, body: bytes, secret: str) -> int:
        headers = {
            "Content-Type": "application/json",
            "X-Telegram-Bot-Api-Secret-Token": secret,
        }
        return self.ask("POST", "/webhooks/telegram", data=body, headers=headers).status_code

    def raw(self, request: bytes) -> None:
        """Send bytes that no client would, and keep what comes back."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as line:
            line.sendall(request)
            line.shutdown(socket.SHUT_WR)
            said = b""
            while some := line.recv(65536):
                said += some
        self.answers.append(said.decode("utf-8", "replace"))

    def say(self, phone: Phone, words: str) -> None:
        requests.post(
            f"{self.providers.url}/phones/{phone.id}/say", json={"text": words}, timeout=30
        ).raise_for_status()

    def count(self, *which: object) -> int:
        with self.database.reading() as session:
            return session.scalar(select(func.count()).where(*which)) or 0

    def command(self, *words: str) -> int:
        """Run one `stap` command to its end; what it says on standard error is kept."""
        done = subprocess.run(
            [sys.executable, "-m", "bot", *words],
            cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        (self.folder / f"command-{secrets.token_hex(4)}.log").write_text(done.stderr)
        return done.returncode


@pytest.fixture(params=["one process", pytest.param("many", marks=pytest.mark.postgres)])
def nest(request, tmp_path) -> Iterator[tuple[Nest, Line | None]]:
    """`stap run` on SQLite; or what the Procfile starts, on PostgreSQL and RabbitMQ."""
    if request.param == "one process":
        made = Nest(tmp_path, request.getfixturevalue("sqlite_url"))
        made.start("bot", "run", "--port", str(made.port))
        line = None
    else:
        url = make_url(request.getfixturevalue("postgres_url")).set(password=PASSWORD)
        line = Line(broker("rabbitmq"))
        made = Nest(
            tmp_path,
            url.render_as_string(hide_password=False),
            ENGINE="celery",
            BROKER_URL=line.url,
        )
        made.start("honcho", "start", "--no-prefix", "--no-colour")
    try:
        until(lambda: ready(made.url), 120)
        yield made, line
    finally:
        made.close()
        if line is not None:
            line.cut()
            straight = load(None, **{name.lower(): value for name, value in made.given.items()})
            Queue(
                application(straight.model_copy(update={"broker_url": broker("rabbitmq")}))
            ).delete()


def test_no_canary_comes_out(nest):
    """Of whoever reads a log nobody asks why; so there is nothing in it to read."""
    nest, line = nest
    sign_up(nest)
    refused_webhooks(nest)
    provider_faults(nest)
    what_cannot_be_acted_on(nest)
    files_of_staff(nest)
    a_broken_database(nest)
    if line is not None:
        a_broken_line(nest, line)
    figures = [nest.ask("GET", path).text for path in ("/metrics", "/readyz", "/healthz")]
    nest.end()

    said = nest.said()
    assert [] == [each for each in LEAST if each not in said]
    assert [] == found(said)
    assert [] == found("\n".join(nest.answers))
    assert "stap_messages" in figures[0]
    if line is not None:
        assert "logger=gunicorn.error" in said
        assert re.search(r"logger=(celery|kombu|amqp)", said)
        assert b"remind" in line.carried
        assert [] == found(line.carried.decode("utf-8", "replace"))
    assert [] == [each[:300] for each in said.splitlines() if not OURS_BEGIN.match(each)]


def found(said: str) -> list[str]:
    """Return what of the canaries stands in *said*, however it is written."""
    readings = [said, re.sub(r"[\s()./%-]|%20|%2B", "", said)]
    spelt = [
        form for each in CANARIES for form in (each, quote(each), each.encode("unicode_escape"))
    ]
    forms = {form if isinstance(form, str) else form.decode() for form in spelt}
    forms |= {base64.b64encode(each.encode()).decode().rstrip("=")[:-2] for each in CANARIES}
    return sorted(
        f"{form}: {reading[max(0, at - 300) : at + 100]}"
        for form in forms
        for reading in readings
        if (at := reading.casefold().find(form.casefold())) >= 0
    )


# ------------------------------------------------------------------ the ways


def sign_up(nest: Nest) -> None:
    """Somebody whom nobody knows says who they are, on SMS and on Telegram."""
    for channel, number, answers in (
        ("sms", NUMBER, ("START " + CODE, "1", "1", "1985", NAME, "2", "1")),
        ("telegram", CHAT, (f"{WORDS}, bel {SPELT[1]}", NAME_IN_SCRIPT + FORGED_LINE)),
    ):
        phone = nest.ground.add(NAME, "nl", channel, number)
        for words in answers:
            before = heard(phone)
            nest.say(phone, words)
            until(lambda was=before, whose=phone: heard(whose) > was, 60)
    until(lambda: nest.count(Inburgeraar.first_name == NAME), 60)


def heard(phone: Phone) -> int:
    return sum(not bubble.mine for bubble in phone.bubbles)


def refused_webhooks(nest: Nest) -> None:
    own = nest.ground.accounts
    said = {
        "MessageSid": "SM" + "c" * 32,
        "AccountSid": own.twilio_sid,
        "From": NUMBER,
        "To": own.sms_from,
        "Body": WORDS + FORGED_LINE,
        "ProfileName": NAME,
    }
    reply = "/webhooks/twilio/reply"
    status = "/webhooks/twilio/status?" + urlencode({"m": "1", "a": "1", "k": WORDS})
    assert 403 == nest.knock(reply, said, signature="canary")
    assert 403 == nest.knock(reply, said, signature="")
    assert 403 == nest.knock(status, {**said, "MessageStatus": "sent"})
    assert 204 == nest.knock(reply, {**said, "MessageSid": "SM" + "d" * 32})
    assert 413 == nest.knock(reply, {**said, "Body": WORDS * 10_000})
    telegram = OURS["TELEGRAM_WEBHOOK_SECRET"]
    told = {"update_id": 1, "message": {"text": WORDS, "chat": {"id": int(CHAT)}, "from": NAME}}
    assert 403 == nest.update(json.dumps(told).encode(), "canary")
    assert 400 == nest.update(f'{{"{WORDS}": {NAME}'.encode(), telegram)
    assert 200 == nest.update(json.dumps(told).encode(), telegram)
    for path in (f"/a/{CODE}", f"/{NAME}/{quote(WORDS)}", f"/practice/{quote(FORGED_LINE)}"):
        nest.ask("GET", path)
        nest.ask("POST", path, data={"naam": NAME})
    nest.ask("POST", f"/a/{CODE}/sms")
    nest.ask("GET", "/metrics", headers={"X-Forwarded-For": WORDS})
    nest.raw(f"GET /{CODE} HTTP/1.1\r\nHost: x\r\nContent-Length: {NUMBER}\r\n\r\n".encode())
    until(lambda: not nest.count(InboxEvent.state == "new"), 60)


def provider_faults(nest: Nest) -> None:
    """Refused, too fast, and an answer that never came; their own words tell of each."""
    phones = {phone.channel: phone for phone in nest.ground.phones}
    for channel, kind in (
        ("sms", "21610"), ("telegram", "403"), ("telegram", "429"), ("telegram", "dropped"),
    ):  # fmt: skip
        before = nest.count(Attempt.outcome.in_(("rejected", "not_sent", "unknown")))
        fault = {"kind": kind, "phone": phones[channel].id}
        requests.post(f"{nest.providers.url}/faults", json=fault, timeout=30).raise_for_status()
        nest.say(phones[channel], "START")
        nest.say(phones[channel], "talen")
        until(
            lambda was=before: (
                nest.count(Attempt.outcome.in_(("rejected", "not_sent", "unknown"))) > was
            ),
            60,
        )


def what_cannot_be_acted_on(nest: Nest) -> None:
    """An event whose handling fails in a way that quotes it."""
    at = moments.now()
    row = {
        "key": "status:x",
        "source": "twilio",
        "lane": "status:x",
        "fingerprint": "",
        "payload": {
            "MessageSid": "SM" + "e" * 32,
            "MessageStatus": "sent",
            "To": NUMBER,
            "From": nest.ground.accounts.sms_from,
            "_message": WORDS,
            "_attempt": 1,
        },
        "not_before": at,
        "received_at": at,
    }
    with nest.database.session() as session:
        session.execute(insert(InboxEvent), [row])
    until(lambda: nest.count(InboxEvent.key == "status:x", InboxEvent.tries > 0), 60)


def files_of_staff(nest: Nest) -> None:
    """A clerk's file with one row that cannot be; the report goes to who brought it."""
    people = nest.folder / "mensen.csv"
    people.write_text(
        "kenmerk;voornaam;taal;telefoon;kanaal\n"
        f"P-1;{NAME};nl;{SPELT[0]};sms\nP-2;{NAME_IN_SCRIPT};{WORDS};{SPELT[2]};sms\n",
        encoding="utf-8",
    )
    assert 1 == nest.command("intake", "people", str(people))


def a_broken_database(nest: Nest) -> None:
    """A table is gone: every way to it fails, at the doors, in the work, in a command."""
    own, phone = nest.ground.accounts, nest.ground.phones[0]
    for table in ("reply", "inbox_event"):
        with nest.database.session() as session:
            session.execute(text(f"ALTER TABLE {table} RENAME TO away"))
        form = {
            "MessageSid": "SM" + secrets.token_hex(16),
            "AccountSid": own.twilio_sid,
            "From": NUMBER,
            "To": own.sms_from,
            "Body": f"{WORDS} {SPELT[3]}",
        }
        # Without a table to put it in, the door keeps it on the disk.
        assert 204 == nest.knock("/webhooks/twilio/reply", form)
        for path in ("/metrics", "/readyz", f"/a/{CODE}"):
            nest.ask("GET", path)
        if table == "reply":
            assert 1 == nest.command("list", "replies")
            nest.say(phone, WORDS)
            until(lambda: nest.count(InboxEvent.state == "new", InboxEvent.tries > 0), 60)
        with nest.database.session() as session:
            session.execute(text(f"ALTER TABLE away RENAME TO {table}"))
        key = f"twilio:{form['MessageSid']}"
        until(lambda key=key: nest.count(InboxEvent.key == key, InboxEvent.state == "done"), 60)


def a_broken_line(nest: Nest, line: Line) -> None:
    """The broker goes and comes back; its client says at length how that went."""
    calls = line.calls
    line.cut()
    nest.say(nest.ground.phones[0], WORDS)
    line.mend()
    until(lambda: line.calls > calls, 60)
