"""The send protocol driven step by step, on the real code, against a provider that keeps the truth.

A worker is a generator that stands still between its transactions; whatever happens meanwhile
happens behind its back. One clock drives moments, leases and the gap, so that a run is the same
each time. What must hold is checked against the provider's own list, never against our tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import ModuleType
from typing import Any

from post_office import AFSPRAAK, NOT_SENT, REFUSED, TUESDAY, UNKNOWN, Office
from sqlalchemy import select, text, update

from bot.channels.base import SendError, StatusChange
from bot.messaging.pace import Pace
from bot.models.afspraken import Afspraak
from bot.models.messages import TRANSITIONS, Attempt, Message
from bot.models.people import Address, Inburgeraar
from bot.privacy import consent

INVITATION = {
    "theme": "Actief in de wijk",
    "place": "Buurthuis De Brug",
    "address": "Brugstraat 4",
    "days": "maandag, 09:00-11:30",
    "starts": "maandag 7 december",
    "weeks": 26,
    "yields": "",
}

MODES: dict[str, tuple[bool, str | SendError]] = {
    # What the provider does: whether it takes the message, and what its client can know.
    "ok": (True, "SM"),
    "429": (False, NOT_SENT),
    "400": (False, REFUSED),
    "answer lost": (True, UNKNOWN),
    "never arrived": (False, UNKNOWN),
}

FINAL = frozenset(state for state, steps in TRANSITIONS.items() if not steps)
USED = ("attempt", "message", "sender", "afspraak", "consent", "person_address", "address")
"""Tables that a run fills, in the order in which they can be emptied; then the people."""

RESTING = FINAL | {"accepted", "sent", "delivered", "unknown"}
"""Where a message may be for ever, as long as nothing more is heard of it."""

TOLD = ("sent", "delivered", "read", "undelivered")
"""States of an SMS that only its provider can tell of."""

REPORTS = ("sent", "delivered", "undelivered", "failed")


class Broken(AssertionError):
    """One of the invariants of the send protocol does not hold."""


@dataclass(frozen=True)
class Call:
    """One message that the provider took."""

    message: int
    attempt: int
    at: datetime
    useful_for: int


class Play:
    """One run: people, messages, workers, and a provider that remembers all it was given."""

    def __init__(self, office: Office, delivery: ModuleType, monkeypatch: Any) -> None:
        self.office, self.delivery = office, delivery
        self.now = TUESDAY
        self.seconds = 0.0
        monkeypatch.setattr("bot.moments.now", lambda: self.now)
        monkeypatch.setattr(delivery, "clock", lambda session: self.now)
        monkeypatch.setattr(Pace, "clock", staticmethod(lambda: self.seconds))
        self.mode = "ok"
        self.taken: list[Call] = []
        self.stopped: dict[int, datetime] = {}
        self.refused: dict[int, datetime] = {}
        self.moved: dict[int, datetime] = {}
        self.history: dict[int, list[str]] = {}
        self.known: dict[tuple[int, int], str] = {}
        self.reported: set[tuple[int, str]] = set()
        self.people: dict[int, int] = {}
        self.kinds: dict[int, tuple[str, int]] = {}
        with office.database.session() as session:
            for table in (*USED, "inburgeraar"):
                session.execute(text(f"DELETE FROM {table}"))

    # ---------------------------------------------------------------- what happens

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.seconds += seconds

    def person(self, number: int, channel: str) -> int:
        """Return the person of this number on *channel*; the first two numbers share a phone."""
        key = number * 10 + (channel == "telegram")
        if key not in self.people:
            shared = "0" if number < 2 else str(number)
            address = f"+3169700000{shared}" if channel == "sms" else f"100{shared}"
            self.people[key] = self.office.person(f"N{key}", channel, address)
        return self.people[key]

    def create(self, kind: str, number: int, channel: str, *, wait: int = 0, lead: int = 30) -> int:
        """Queue a reminder, an invitation or an answer; *wait* and *lead* are minutes."""
        person = self.person(number, channel)
        begins = self.now + timedelta(minutes=wait + lead)
        given: dict[str, Any] = {"expires_at": begins}
        if kind == "reminder":
            afspraak = self._afspraak(person, begins)
            given |= {"about": f"afspraak:{afspraak}", "version": 1}
        elif kind == "invitation":
            given |= {"key": "voortraject.invitation", "values": INVITATION}
        message = self.office.queue(
            person,
            f"{kind} {len(self.kinds)}",
            not_before=self.now + timedelta(minutes=wait),
            **given,
        )
        assert message is not None
        self.kinds[message] = kind, person
        return message

    def _afspraak(self, person: int, begins: datetime) -> int:
        with self.office.database.session() as session:
            afspraak = Afspraak(
                kenmerk=f"A{len(self.kinds)}",
                person_id=person,
                begins=begins,
                place=AFSPRAAK["place"],
                status="gepland",
                answer="none",
                version=1,
                known_at=self.now,
            )
            session.add(afspraak)
            session.flush()
            return afspraak.id

    def allow(self, person: int, *, given: bool = True) -> None:
        self.office.allow(person, given=given)
        if given:
            self.refused.pop(person, None)
        else:
            self.refused[person] = self.now

    def stop(self, address: int) -> None:
        with self.office.database.session() as session:
            consent.stop(session, session.get_one(Address, address), "test")
        self.stopped.setdefault(address, self.now)

    def start(self, address: int) -> None:
        with self.office.database.session() as session:
            consent.start(session, session.get_one(Address, address), "test", self.now)
        self.stopped.pop(address, None)

    def move(self, message: int) -> None:
        """Let staff give the afspraak of *message* another time."""
        about = self.row(message).about
        if about is not None:
            with self.office.database.session() as session:
                number = int(about.partition(":")[2])
                session.execute(
                    update(Afspraak)
                    .where(Afspraak.id == number)
                    .values(version=Afspraak.version + 1)
                )
            self.moved.setdefault(message, self.now)

    def reap(self) -> None:
        with self.office.database.session() as session:
            self.delivery.reap(session)

    def report(self, call: Call, status: str, ref: str | None = None) -> None:
        change = StatusChange(ref=ref or f"SM{call.message}-{call.attempt}", status=status)
        if ref is None:
            self.reported.add((call.message, status))
        with self.office.database.session() as session:
            self.delivery.apply(session, call.message, call.attempt, change)

    # ---------------------------------------------------------------- a worker

    def worker(self, channel: str, owner: str = "a") -> Iterator[str]:
        """Send the next message, standing still after every transaction."""
        delivery, database = self.delivery, self.office.database
        with database.session() as session:
            if not delivery.hold(session, channel, owner):
                return
            claimed = delivery.claim(session, channel, 1)
        if not claimed:
            return
        [(message, epoch)] = claimed
        yield "claimed"
        with database.session() as session:
            prepared, _ = delivery.prepare(session, self.office.house, message, epoch)
        if prepared is None:
            return
        yield "prepared"
        if not prepared.in_time:
            with database.session() as session:
                delivery.not_called(session, prepared)
            return
        outcome = self._call(prepared.outgoing)
        yield "called"
        with database.session() as session:
            delivery.settle(session, self.office.house, prepared, outcome)

    def _call(self, outgoing: Any) -> str | SendError:
        """Do what the provider does, and check what must be so in the moment of the call."""
        message, at = self.row(outgoing.message), self.now
        kind, person = self.kinds[message.id]
        with self.office.database.reading() as session:
            written = session.scalars(
                select(Attempt.number).where(Attempt.message_id == message.id)
            ).all()
        gap = timedelta(seconds=1)
        quiet = self.office.house.quiet
        rules = {
            "I3 no call without an attempt that was written before": outgoing.attempt in written,
            "I4 no call a second after STOP": not self._before(
                self.stopped, message.address_id, gap
            ),
            "I5 no call in quiet hours": not (quiet.is_quiet(at) and quiet.is_quiet(at - gap)),
            "I6 no call when it has no point": at < message.expires_at
            and at - gap + timedelta(seconds=outgoing.useful_for) <= message.expires_at,
            "I5 nothing that arrives in quiet hours": quiet.is_quiet(at - gap)
            or at - gap + timedelta(seconds=outgoing.useful_for) <= quiet.next_rest(at - gap),
            "I8 no invitation without a yes": kind != "invitation"
            or (self._yes(person) or not self._before(self.refused, person, gap)),
            "I9 no reminder of a time that moved": not self._before(self.moved, message.id, gap),
        }
        for rule, holds in rules.items():
            if not holds:
                raise Broken(f"{rule}: {kind} {message.id}")
        takes, outcome = MODES[self.mode]
        if takes:
            self.taken.append(Call(message.id, outgoing.attempt, at, outgoing.useful_for))
        if isinstance(outcome, SendError):
            return outcome
        return f"{outcome}{message.id}-{outgoing.attempt}"

    def _before(self, log: dict[int, datetime], key: int | None, gap: timedelta) -> bool:
        return key in log and log[key] < self.now - gap

    def _yes(self, person: int) -> bool:
        with self.office.database.reading() as session:
            return consent.may_invite(session, session.get_one(Inburgeraar, person), "sms")

    # ---------------------------------------------------------------- what must hold

    def row(self, message: int) -> Message:
        with self.office.database.session() as session:
            return session.get_one(Message, message)

    def check(self) -> None:
        """Raise Broken unless everything so far is as it must be."""
        with self.office.database.reading() as session:
            found = session.execute(select(Message.id, Message.state, Message.channel)).all()
            rows = {message: state for message, state, _ in found}
            channels = {message: channel for message, _, channel in found}
            outcomes: dict[int, list[str | None]] = {message: [] for message in rows}
            for message, outcome in session.execute(
                select(Attempt.message_id, Attempt.outcome).order_by(Attempt.number)
            ):
                outcomes[message].append(outcome)
        for message, state in rows.items():
            calls = [call for call in self.taken if call.message == message]
            if len(calls) > 1:
                raise Broken(f"I1 message {message} was taken {len(calls)} times")
            if any(outcome != "not_sent" for outcome in outcomes[message][:-1]):
                raise Broken(f"I1 another attempt at {message} without proof: {outcomes[message]}")
            for number, outcome in enumerate(outcomes[message], 1):
                took = any(call.attempt == number for call in calls)
                if took and outcome in ("not_sent", "rejected"):
                    raise Broken(f"I2 {message}: the provider took what was recorded {outcome}")
                if outcome == "accepted" and not took:
                    raise Broken(f"I2 {message}: recorded accepted, and the provider has nothing")
                known = self.known.get((message, number))
                if known not in (None, "unknown", outcome):
                    raise Broken(f"I7 {message}: what was {known} is {outcome}")
                if outcome is not None:
                    self.known[message, number] = outcome
            if (
                channels[message] == "sms"
                and state in TOLD
                and (message, state) not in self.reported
            ):
                raise Broken(f"I2 {message} is {state}, and nobody said so")
            past = self.history.setdefault(message, [state])
            if past[-1] != state:
                if past[-1] in FINAL:
                    raise Broken(f"I7 {message} left its end: {past} -> {state}")
                if past[-1] == "delivered" and state != "read":
                    raise Broken(f"I7 {message} went down: {past} -> {state}")
                past.append(state)

    def rest(self) -> None:
        """Let all faults end and time pass; raise Broken unless every message comes to rest."""
        self.mode = "ok"
        self.check()
        for minutes in (6, 61, 12 * 60, 12 * 60, 12 * 60):
            if not self._restless():
                return
            self.advance(minutes * 60)
            self.reap()
            for channel in {str(self.row(message).channel) for message in self._restless()}:
                for _ in range(len(self.kinds)):
                    if not list(self.worker(channel)):
                        break
            self.check()
        if self._restless():
            raise Broken(f"I19 never came to rest: {self._restless()}")

    def _restless(self) -> dict[int, str]:
        return {m: past[-1] for m, past in self.history.items() if past[-1] not in RESTING}
