"""The parent's side of a round: it forks, kills, lets time pass, and compares with the truth."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import socket
import time
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from app import create_app
from bot import moments
from bot.engine import work
from bot.engine.embedded import Engine
from bot.house import House
from bot.messaging.spool import ARRIVAL, Spool
from proof.campaign import jobs, points
from proof.campaign.houses import PROVIDERS, TUESDAY, Place, Tables, build
from proof.campaign.standin import Standin, Taken
from proof.campaign.zygote import Zygote
from proof.play import FINAL, SOFT, Broken

CHANNELS = {"twilio": ("sms", "whatsapp"), "telegram": ("telegram",)}

RESTING = FINAL | SOFT | {"accepted", "sent", "delivered"}
"""Where a message may be once all faults are over; receipts may be waited for."""

PATIENCE = 120.0


class Stuck(AssertionError):
    """A process did not do what the round needs: the campaign itself is broken, or the house."""


@dataclass
class Row:
    """A message as the database has it at the end."""

    id: int
    state: str
    channel: str
    address: str
    name: str
    body: str
    repeats: int | None
    outcomes: list[str | None]


class Ground:
    """Everything a round needs; made once."""

    def __init__(self, place: Place) -> None:
        self.place, self.standin = place, Standin()
        place.make()
        url = self.standin.url
        self.zygote = Zygote(lambda: jobs.prepare(place, url))
        # Only now: a process with threads must not fork.
        self.standin.start()
        self.zygote.ready()
        self.tables = {name: Tables(place, name) for name in place.databases}
        self.houses = {
            (database, provider): build(place, database, provider, url)
            for database in place.databases
            for provider in PROVIDERS
        }
        self.slow = {
            (database, provider): build(
                place, database, provider, url, pace_sms=20, pace_whatsapp=20, pace_telegram=20
            )
            for database in place.databases
            for provider in PROVIDERS
        }
        self.people = 0
        self.at = TUESDAY
        self._backlog: list[socket.socket] = []

    def close(self) -> None:
        """Clear everything away."""
        self.zygote.close()
        self.standin.close()
        for house in (*self.houses.values(), *self.slow.values()):
            house.database.close()
        for each in self._backlog:
            each.close()
        for tables in self.tables.values():
            tables.close()
        self.place.remove()

    # ---------------------------------------------------------------- a round

    def fresh(self, database: str, at: datetime = TUESDAY) -> None:
        """Begin with nothing in *database*, at a moment of practice time."""
        for provider in PROVIDERS:
            self.houses[database, provider].database.close()
            self.slow[database, provider].database.close()
        self.tables[database].empty()
        self.standin.clear()
        self.people = 0
        self.be(database, at)

    def be(self, database: str, at: datetime) -> None:
        """Let it be *at*, for every process and for the provider."""
        self.at = at
        self.standin.ahead = self.tables[database].be(at)
        moments.set_practice_offset(self.standin.ahead)

    def later(self, database: str, **time_: float) -> None:
        """Let practice time pass."""
        self.be(database, moments.now() + timedelta(**time_))

    def somebody(self, chance: random.Random, provider: str, count: int) -> dict[int, str]:
        """Return *count* people nobody knows yet, and the channel of each."""
        numbers = range(self.people, self.people + count)
        self.people += count
        return {number: chance.choice(CHANNELS[provider]) for number in numbers}

    def kill(self, database: str, provider: str, point: str, people: dict[int, str]) -> None:
        """Let a process send to *people*, and have it killed at *point*."""
        victims: list[int] = []
        if point == points.BY_PROVIDER:
            self.standin.on_taken = lambda taken: os.kill(_first(victims), signal.SIGKILL)
        pid = self.zygote.fork(jobs.send, database, provider, point, people)
        victims.append(pid)
        ended = self.zygote.wait(pid)
        self.standin.on_taken = lambda taken: None
        if ended != -signal.SIGKILL:
            raise Stuck(f"{point} on {database} by {provider} was not reached: it ended {ended}")
        self.tables[database].leases_run_out(of_messages=False)

    def freeze(self, database: str, provider: str, point: str, people: dict[int, str]) -> int:
        """Let a process send to *people* until it stands still at *point*; return its number."""
        pid = self.zygote.fork(jobs.send_and_freeze, database, provider, point, people)
        status = Path(f"/proc/{pid}/stat")
        until(lambda: status.read_text().rpartition(")")[2].split()[0] == "T", f"{point}: runs on")
        return pid

    def full_backlog(self) -> str:
        """Return an address that never takes a connection."""
        if not self._backlog:
            deaf = socket.create_server(("127.0.0.1", 0), backlog=0)
            self._backlog.append(deaf)
            for _ in range(4):
                waiting = socket.socket()
                waiting.setblocking(False)
                waiting.connect_ex(deaf.getsockname())
                self._backlog.append(waiting)
        return f"http://127.0.0.1:{self._backlog[0].getsockname()[1]}"

    def file(self, name: str) -> Path:
        """Return a file by which processes tell each other something."""
        return self.place.folder / name

    # ---------------------------------------------------------------- at the doors

    def port_of(self, pid: int) -> int:
        """Return where process *pid* serves the doors."""
        told = self.file(f"port-{pid}")
        until(told.exists, "it does not listen")
        return int(told.read_text())

    def not_kept(self, database: str, sids: Collection[str]) -> list[str]:
        """Return those of *sids* that are neither in the database nor on the disk."""
        found = {key for (key,) in self.tables[database].rows("SELECT key FROM inbox_event")}
        names = {sid: hashlib.sha256(f"twilio:{sid}".encode()).hexdigest() for sid in sids}
        spool = self.place.spool(database)
        return [
            sid
            for sid, name in names.items()
            if f"twilio:{sid}" not in found and not (spool / (name + ARRIVAL)).exists()
        ]

    def hear(self, database: str, said: dict[str, str], thanked: set[str]) -> None:
        """Let Twilio come back with what it was not thanked for, and act on all of it.

        Raises Broken unless everything *said* has exactly one effect.
        """
        house = self.houses[database, "twilio"]
        app = create_app(house)
        for sid, sender in said.items():
            if sid not in thanked:
                form = jobs.webhook(sid, sender)
                told = app.test_client().post(
                    jobs.REPLY,
                    data=urlencode(form),
                    content_type="application/x-www-form-urlencoded",
                    headers={"X-Twilio-Signature": jobs.signed(form)},
                )
                if told.status_code != 204:
                    raise Broken("I13", f"the second time it was answered {told.status_code}")
        spool = Spool(house.settings.spool)
        until(lambda: not spool.waits(ARRIVAL), "what was on the disk stays there")
        app.extensions["keeper"].close()
        while work.handle_inbox(house, 100):
            pass
        self.recover(database, "twilio")
        tables = self.tables[database]
        events = dict(tables.rows("SELECT id, state FROM inbox_event"))
        if len(events) != len(said) or set(events.values()) != {"done"}:
            raise Broken("I13", f"{len(said)} were told of, and there are {events}")
        for table, column in (("reply", "event_id"), ("message", "in_reply_to")):
            found = [row[0] for row in tables.rows(f"SELECT {column} FROM {table}")]
            if sorted(found) != sorted(events):
                raise Broken("I13", f"of {sorted(events)} came {table} {sorted(found)}")
        answered = sorted(taken.to for taken in self.standin.taken)
        if answered != sorted(said.values()):
            raise Broken("I13", f"{sorted(said.values())} wrote, and {answered} got an answer")

    # ---------------------------------------------------------------- afterwards

    def recover(self, database: str, provider: str) -> None:
        """Let a healthy process find what was left, and time pass, until all is at rest."""
        house = self.houses[database, provider]
        engine = Engine(house)
        self.tables[database].leases_run_out()
        engine.start()
        try:
            for minutes in (0, 3, 17, 17, 35, 24 * 60):
                self.later(database, minutes=minutes)
                self.tables[database].leases_run_out()
                work.reap(house, 200)
                work.reconcile(house, 200)
                self.idle(house, database, engine)
                if not self.restless(database):
                    return
        finally:
            engine.stop()

    def idle(self, house: House, database: str, engine: Engine) -> None:
        """Wait until nothing is due and nothing under way."""
        until = time.monotonic() + PATIENCE
        _wake(engine)
        while self._busy(database):
            if time.monotonic() > until:
                restless = self.restless(database)
                raise Broken(
                    "I19", f"still under way: {len(restless)}, {list(restless.items())[:5]}"
                )
            time.sleep(0.005)

    def _busy(self, database: str) -> bool:
        found = self.tables[database].rows(
            "SELECT count(*) FROM message WHERE state IN ('claimed', 'sending')"
            f" OR (state = 'planned' AND not_before <= '{_stored(moments.now())}')"
        )
        return bool(found[0][0])

    def restless(self, database: str) -> dict[int, str]:
        """Return the messages that are not at rest."""
        rows = self.tables[database].rows("SELECT id, state, channel FROM message")
        return {number: state for number, state, _ in rows if state not in RESTING}

    def messages(self, database: str) -> dict[int, Row]:
        """Return every message with what its attempts came to."""
        tables = self.tables[database]
        found = {
            row[0]: Row(*row, [])
            for row in tables.rows(
                "SELECT m.id, m.state, m.channel, a.address, p.first_name, m.body, m.repeats_id"
                " FROM message m JOIN address a ON a.id = m.address_id"
                " JOIN inburgeraar p ON p.id = m.person_id ORDER BY m.id"
            )
        }
        for message, outcome in tables.rows(
            "SELECT message_id, outcome FROM attempt ORDER BY message_id, number"
        ):
            found[message].outcomes.append(outcome)
        return found

    def check(self, database: str, planned: int) -> Counter[str]:
        """Compare the tables with what the provider took; return how many are in which state.

        Raises Broken. *planned* messages were planned by us.
        """
        rows = self.messages(database)
        taken: dict[int, list[Taken]] = {number: [] for number in rows}
        for each in self.standin.taken:
            taken[self._whose(each, rows)].append(each)
        for number, row in rows.items():
            _check(row, taken[number])
        ours = sum(row.repeats is None for row in rows.values())
        if ours != planned:
            raise Broken("I14", f"{planned} were planned, and there are {ours}")
        if restless := self.restless(database):
            raise Broken("I19", f"{restless}")
        return Counter(row.state for row in rows.values())

    def _whose(self, taken: Taken, rows: dict[int, Row]) -> int:
        """Return the message that was taken; Telegram has no id of ours, and goes by the text."""
        for number, row in rows.items():
            same = taken.message == number if taken.message else row.body == taken.body
            if same and row.address == taken.to:
                return number
        raise Broken("I12", f"the provider took what is no message of ours: {taken}")


def _check(row: Row, taken: list[Taken]) -> None:
    what = f"{row.channel} {row.id}, {row.state}, {row.outcomes}"
    if len(taken) > 1:
        raise Broken("I1", f"{what}: taken {len(taken)} times")
    if any(outcome != "not_sent" for outcome in row.outcomes[:-1]):
        raise Broken("I1", f"{what}: another attempt without proof")
    if taken and not row.outcomes:
        raise Broken("I3", what)
    if "accepted" in row.outcomes and not taken:
        raise Broken("I2", f"{what}: the provider has nothing")
    if taken and not {"accepted", "unknown", None} & set(row.outcomes):
        raise Broken("I2", f"{what}: it was taken")
    if taken and row.name not in taken[0].body:
        raise Broken("I12", what)


def until(true: Callable[[], object], otherwise: str) -> None:
    """Wait until *true*; raise Stuck, saying *otherwise*, if that never comes."""
    end = time.monotonic() + PATIENCE
    while not true():
        if time.monotonic() > end:
            raise Stuck(otherwise)
        time.sleep(0.002)


def _first(pids: list[int]) -> int:
    until(lambda: pids, "nobody was forked")
    return pids[0]


def _stored(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S.%f}"


def _wake(engine: Any) -> None:
    engine.wake()
    if hasattr(engine, "wake_senders"):
        engine.wake_senders()
