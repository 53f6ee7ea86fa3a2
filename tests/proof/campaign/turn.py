"""One round on one database: what it plans, harms, lets heal, and compares with the truth."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from bot import moments
from bot.engine import work
from bot.engine.embedded import Engine
from bot.house import House
from proof.campaign import jobs, points
from proof.campaign.ground import Ground, Stuck, until
from proof.campaign.houses import PROVIDERS, TUESDAY
from proof.campaign.standin import Taken
from proof.campaign.zygote import Job
from proof.play import FINAL, SOFT, Broken

CHANNELS = {"twilio": ("sms", "whatsapp"), "telegram": ("telegram",)}

RESTING = FINAL | SOFT | {"accepted", "sent", "delivered"}
"""Where a message may be once all faults are over; receipts may be waited for."""

PATIENCE = 120.0

NOBODY_KNEW, KNOWN_SOON = "Twilio: nobody knew", "Twilio: nobody knew, known within 20 minutes"


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


class Turn:
    """What a round has at hand; *before* is what was counted on this database so far."""

    def __init__(self, ground: Ground, database: str, seed: int, before: Counter[str]) -> None:
        self.ground, self.database, self.before = ground, database, before
        self.standin, self.tables = ground.standin, ground.tables[database]
        self.chance = random.Random(seed)
        self.done: Counter[str] = Counter()
        self.worst: dict[str, float] = {}
        """Seconds, by what took them."""
        self.begin(self.chance.choice(PROVIDERS))

    def begin(self, provider: str, at: datetime = TUESDAY) -> None:
        """Begin with nothing in the database, at a moment of practice time."""
        self.provider = provider
        self.ground.let_go(self.database)
        self.tables.empty()
        self.standin.clear()
        self.people = self.planned = 0
        self.be(at)

    @property
    def house(self) -> House:
        """The house of the parent, which is never harmed."""
        return self.ground.houses[self.database, self.provider]

    @property
    def slow(self) -> House:
        """The same at a pace of 20 a second."""
        return self.ground.slow[self.database, self.provider]

    def least(self, names: Iterable[str], prefix: str = "", count: int = 1) -> list[str]:
        """Return the *count* of *names* that were done least so far."""
        return sorted(names, key=lambda name: self.before[prefix + name])[:count]

    # ---------------------------------------------------------------- time

    def be(self, at: datetime) -> None:
        """Let it be *at*, for every process and for the provider."""
        self.standin.ahead = self.tables.be(at)
        moments.set_practice_offset(self.standin.ahead)

    def later(self, **time_: float) -> None:
        """Let practice time pass."""
        self.be(moments.now() + timedelta(**time_))

    # ---------------------------------------------------------------- what is to be sent

    def somebody(self, count: int) -> dict[int, str]:
        """Return *count* people nobody knows yet, and the channel of each."""
        numbers = range(self.people, self.people + count)
        self.people += count
        return {number: self.chance.choice(CHANNELS[self.provider]) for number in numbers}

    def plan(self, count: int, not_before: datetime | None = None) -> None:
        """Plan a reminder for each of *count* new people."""
        for number, channel in self.somebody(count).items():
            jobs.plan(self.house, number, channel, not_before=not_before)
        self.planned += count

    # ---------------------------------------------------------------- processes

    def fork(self, job: Job, *given: object) -> int:
        """Let a new process do *job* in the house of this round; return its number."""
        return self.ground.zygote.fork(job, self.database, self.provider, *given)

    def wait(self, pid: int, what: str) -> None:
        """Wait until *pid* ends in order. Raises Stuck, saying *what* happened to it."""
        self.must_have_ended({self.ground.zygote.wait(pid)}, {0}, what)

    def was_killed(self, pid: int, what: str) -> None:
        """Wait until *pid* dies of kill -9. Raises Stuck if it ends in another way."""
        self.must_have_ended({self.ground.zygote.wait(pid)}, {-signal.SIGKILL}, what)

    def must_have_ended(self, found: Iterable[int], may: set[int], what: str) -> None:
        """Raise Stuck unless all codes *found* are among what *may* be."""
        if wrong := set(found) - may:
            raise Stuck(f"{what} on {self.database} by {self.provider}: it ended with {wrong}")

    def kill(self, point: str) -> None:
        """Let a process send, and have it killed at *point*."""
        victims: list[int] = []
        if point == points.BY_PROVIDER:
            self.standin.on_taken = lambda taken: os.kill(_first(victims), signal.SIGKILL)
        victims.append(self.fork(jobs.send, point))
        self.was_killed(victims[0], point)
        self.standin.on_taken = lambda taken: None
        self.tables.leases_run_out(of_messages=False)

    def freeze(self, point: str, *given: object) -> int:
        """Let a process send until it stands still at *point*; return its number."""
        pid = self.fork(jobs.send_and_freeze, point, *given)
        status = Path(f"/proc/{pid}/stat")
        until(lambda: status.read_text().rpartition(")")[2].split()[0] == "T", f"{point}: runs on")
        return pid

    def thaw(self, pids: Iterable[int]) -> None:
        """Let those go on that stood still. Raises Broken if one of them calls anybody."""
        calls = self.standin.calls
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
            self.wait(pid, "it went on")
        if self.standin.calls != calls:
            raise Broken("I4", "a process that had stood still for ten minutes made a call")

    # ---------------------------------------------------------------- afterwards

    def heal(self) -> None:
        """Let all faults be over, and compare with the truth. Raises Broken."""
        self.recover()
        self.check()

    def recover(self) -> None:
        """Let a healthy process find what was left, and time pass, until all is at rest."""
        engine = Engine(self.house)
        self.tables.leases_run_out()
        engine.start()
        nobody_knew: set[int] = set()
        try:
            for step, minutes in enumerate((0, 3, 17, 17, 35, 24 * 60)):
                self.later(minutes=minutes)
                self.tables.leases_run_out()
                work.reap(self.house, 200)
                work.reconcile(self.house, 200)
                self.idle(engine)
                restless = self.restless()
                if step == 0 and self.provider == "twilio":
                    nobody_knew = {each for each, state in restless.items() if state == "unknown"}
                    self.done[NOBODY_KNEW] += len(nobody_knew)
                if step == 2 or not restless:
                    self.done[KNOWN_SOON] += len(nobody_knew - restless.keys())
                    nobody_knew = set()
                if not restless:
                    return
        finally:
            engine.stop()

    def idle(self, engine: Engine) -> None:
        """Wait until nothing is due and nothing under way."""
        end = time.monotonic() + PATIENCE
        engine.wake()
        engine.wake_senders()
        while self._busy():
            if time.monotonic() > end:
                restless = self.restless()
                raise Broken(
                    "I19", f"still under way: {len(restless)}, {list(restless.items())[:5]}"
                )
            time.sleep(0.01)

    def _busy(self) -> bool:
        found = self.tables.rows(
            "SELECT count(*) FROM message WHERE state IN ('claimed', 'sending')"
            f" OR (state = 'planned' AND not_before <= '{_stored(moments.now())}')"
        )
        return bool(found[0][0])

    def restless(self) -> dict[int, str]:
        """Return the messages that are not at rest."""
        rows = self.tables.rows("SELECT id, state FROM message")
        return {number: state for number, state in rows if state not in RESTING}

    def messages(self) -> dict[int, Row]:
        """Return every message with what its attempts came to."""
        found = {
            row[0]: Row(*row, [])
            for row in self.tables.rows(
                "SELECT m.id, m.state, m.channel, a.address, p.first_name, m.body, m.repeats_id"
                " FROM message m JOIN address a ON a.id = m.address_id"
                " JOIN inburgeraar p ON p.id = m.person_id ORDER BY m.id"
            )
        }
        for message, outcome in self.tables.rows(
            "SELECT message_id, outcome FROM attempt ORDER BY message_id, number"
        ):
            found[message].outcomes.append(outcome)
        return found

    def check(self) -> None:
        """Compare the tables with what the provider took. Raises Broken."""
        rows = self.messages()
        taken: dict[int, list[Taken]] = {number: [] for number in rows}
        for each in self.standin.taken:
            taken[_whose(each, rows)].append(each)
        for number, row in rows.items():
            _check(row, taken[number])
        ours = sum(row.repeats is None for row in rows.values())
        if ours != self.planned:
            raise Broken("I14", f"{self.planned} were planned, and there are {ours}")
        if restless := self.restless():
            raise Broken("I19", f"{restless}")


Round = Callable[[Turn], None]
"""Does one kind of harm for a while. Raises Broken if a law does not hold."""


def _whose(taken: Taken, rows: dict[int, Row]) -> int:
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


def _first(pids: list[int]) -> int:
    until(lambda: pids, "nobody was forked")
    return pids[0]


def _stored(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S.%f}"
