"""One run of the send protocol, step by step, against a provider that keeps the truth.

A worker is a generator that stands still between its steps; whatever happens meanwhile happens
behind its back. The desk does the steps: `desk.Desk` with the shipped code on a database, or
`shelf.Shelf` with the part of it that needs none. What must hold is checked against the
provider's own list, never against ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from bot.channels.base import SendError, StatusChange
from bot.channels.twilio import Listed
from bot.messaging.delivery import Outcome, Prepared
from bot.models.messages import TRANSITIONS
from bot.moments import QuietHours
from proof.clocks import Clocks
from proof.provider import CLASSES, OK, Mode

LAWS: Mapping[str, str] = {
    # The number is that of the invariant in docs/reliability.md.
    "I1": "the provider takes a message once; another attempt needs proof that the last was not",
    "I2": "what is recorded as not sent, the provider does not have; what as accepted, it has",
    "I3": "no call without an attempt that was committed before",
    "I4": "no call a second after STOP",
    "I5": "no call in quiet hours",
    "I6": "no call when it has no point any more, and none that may arrive later than that",
    "I7": "an end is never left, and nothing known is unlearned",
    "I8": "no invitation without a yes",
    "I9": "no call a second after its broadcast stopped or its afspraak moved",
    "I10": "no call for what is no longer what was approved",
    "I12": "a message goes to its own reader's address, and speaks to them",
    "I11": "no cap is exceeded",
    "I13": "what was answered 2xx is kept, and has its one effect",
    "I14": "what was planned is all there, in one state each",
    "I19": "every message comes to rest",
    "I20": "what was said first arrives first",
    "I21": "a channel that is ill is left alone until its provider answers",
}

FINAL = frozenset(state for state, steps in TRANSITIONS.items() if not steps)
SOFT = frozenset({"unknown_final", "no_receipt"})
"""Ends that evidence may still lift."""

WITHOUT_RECEIPT = frozenset({"accepted", "sent"})
"""Where a message is until its provider tells more, or three days are over."""

RANK = {state: rank for rank, state in enumerate(("accepted", "sent", "delivered", "read"))}

PRIORITY = {"answer": 0, "reminder": 1, "invitation": 2, "broadcast": 2}

AMSTERDAM = ZoneInfo("Europe/Amsterdam")

LEASE = timedelta(seconds=30)
"""How long a message may stay with a worker that says nothing; of the law, not of the code."""

GAP = timedelta(seconds=1)
"""The window that is stated: what closes later than this before a call is too late for it."""

LAG = timedelta(minutes=10)
"""How far a provider's list runs behind, when it does."""


class Broken(AssertionError):
    """One of the laws does not hold."""

    def __init__(self, law: str, what: str) -> None:
        super().__init__(f"{law} {LAWS[law]}: {what}")
        self.law = law


@dataclass(frozen=True, slots=True)
class Call:
    """One message that the provider took."""

    message: int
    attempt: int
    ref: str
    at: datetime
    """By its own clock, which is right."""
    to: str
    body: str
    turn: int


@dataclass(slots=True)
class Sent:
    """What a run knows of a message that it had planned."""

    kind: str
    person: int
    address: int
    channel: str
    to: str
    name: str
    """Of its reader: stands in the text, and in nobody else's."""
    broadcast: int | None = None
    afspraak: int | None = None
    parent: int | None = None
    """What it repeats or is sent instead of."""


@dataclass(slots=True)
class State:
    """A message as the tables have it now."""

    state: str
    outcomes: list[str | None]
    expires_at: datetime
    address: int | None
    ref: str | None


class Desk(Protocol):
    """What carries out the steps."""

    quiet: QuietHours

    def first(self, kind: str, channel: str) -> int: ...
    def create(self, kind: str, number: int, channel: str, wait: int, lead: int) -> int: ...
    def sent(self, message: int) -> Sent: ...
    def states(self) -> dict[int, State]: ...
    def claim(self, channel: str, owner: str) -> list[tuple[int, int]]: ...
    def prepare(self, message: int, epoch: int) -> Prepared | None: ...
    def take(self, channel: str, owner: str) -> list[Prepared]: ...
    def settle(self, *outcomes: tuple[Prepared, Outcome]) -> None: ...
    def reap(self) -> None: ...
    def report(self, message: int, attempt: int, change: StatusChange) -> None: ...
    def look(self, listed: Mapping[int, list[Listed]] | None) -> None: ...
    def stop(self, address: int) -> None: ...
    def start(self, address: int) -> None: ...
    def allow(self, person: int, given: bool) -> None: ...
    def move(self, afspraak: int) -> None: ...
    def halt(self, broadcast: int) -> None: ...
    def gone(self, person: int, address: int) -> None: ...
    def edit(self, broadcast: int) -> None: ...
    def says_yes(self, person: int, channel: str) -> bool: ...


@dataclass
class Play:
    """One run. Moments of what closed are seconds on the clock that nobody sets back."""

    desk: Any
    clocks: Clocks
    mode: Mode = OK
    calls: list[Call] = field(default_factory=list)
    """What the provider took: the truth."""
    made: list[Call] = field(default_factory=list)
    """Every call, taken or not."""
    closed: dict[tuple[str, int], float] = field(default_factory=dict)
    """When STOP came for an address, a no from a person, an end to a broadcast or afspraak."""
    coming: list[Mode] = field(default_factory=list)
    """What the provider does with the next calls, before `mode`."""
    gated: dict[int, tuple[datetime, float]] = field(default_factory=dict)
    """What the clocks said when the gates of a message were checked last: the one on the wall, and
    the one that nobody sets back."""
    listing: bool = True
    """Whether the provider's list can be read."""
    lagging: bool = False
    past: dict[int, list[str]] = field(default_factory=dict)
    known: dict[tuple[int, int], str] = field(default_factory=dict)
    told: set[tuple[int, str]] = field(default_factory=set)
    since: dict[int, tuple[str, float]] = field(default_factory=dict)
    """In which state each message is, and since when."""

    # ---------------------------------------------------------------- what happens

    def stop(self, message: int) -> None:
        """Let the reader of *message* write STOP."""
        address = self.desk.sent(message).address
        self.desk.stop(address)
        self.closed.setdefault(("stop", address), self.clocks.seconds)

    def start(self, message: int) -> None:
        """Let them write START."""
        address = self.desk.sent(message).address
        self.desk.start(address)
        self.closed.pop(("stop", address), None)

    def say(self, message: int, *, yes: bool) -> None:
        """Let the reader of *message* say yes or no to invitations."""
        person = self.desk.sent(message).person
        self.desk.allow(person, yes)
        if yes:
            self.closed.pop(("no", person), None)
        else:
            self.closed.setdefault(("no", person), self.clocks.seconds)

    def move(self, message: int) -> None:
        """Let staff give the afspraak of *message* another time."""
        afspraak = self.desk.sent(message).afspraak
        if afspraak is not None:
            self.desk.move(afspraak)
            self.closed.setdefault(("moved", afspraak), self.clocks.seconds)

    def gone(self, message: int) -> None:
        """Let the reader of *message* have that address no more: it is somebody else's."""
        sent = self.desk.sent(message)
        self.desk.gone(sent.person, sent.address)
        self.closed.setdefault(("gone", sent.address), self.clocks.seconds)

    def halt(self, message: int) -> None:
        """Let staff stop the broadcast of *message*."""
        broadcast = self.desk.sent(message).broadcast
        if broadcast is not None:
            self.desk.halt(broadcast)
            self.closed.setdefault(("halted", broadcast), self.clocks.seconds)

    def edit(self, message: int) -> None:
        """Let the broadcast of *message* be changed after its approval."""
        broadcast = self.desk.sent(message).broadcast
        if broadcast is not None:
            self.desk.edit(broadcast)
            self.closed.setdefault(("edited", broadcast), self.clocks.seconds)

    def report(self, message: int, status: str, *, foreign: bool = False) -> None:
        """Let the provider tell of all that it took of *message*; or of a message of another's."""
        for call in [call for call in self.calls if call.message == message]:
            ref = "SM-of-somebody-else" if foreign else call.ref
            if not foreign:
                self.told.add((message, status))
            self.desk.report(message, call.attempt, StatusChange(ref=ref, status=status))

    def reap(self) -> None:
        """Have the house take back what the dead left; raise Broken for what it forgets."""
        self.desk.reap()
        least = self.clocks.seconds - LEASE.total_seconds() - 1
        for message, (state, at) in self.since.items():
            now = self.desk.states()[message].state
            if now == state and state in ("claimed", "sending") and at < least:
                raise Broken("I19", f"{message} is {state} longer than its lease")

    def look(self) -> None:
        """Have the house read the provider's list and do what is due about what is unknown."""
        if not self.listing:
            self.desk.look(None)
            return
        now = self.clocks.database
        listed: dict[int, list[Listed]] = {}
        for call in self.calls:
            if self.lagging and now - call.at < LAG:
                continue
            address = self.desk.sent(call.message).address
            listed.setdefault(address, []).append(
                Listed(
                    ref=call.ref,
                    direction="outbound-api",
                    to=call.to,
                    from_=self.desk.sender(self.desk.sent(call.message).channel),
                    service="",
                    body=call.body,
                    status="queued",
                    code="",
                    created=call.at,
                    segments=1,
                    media=0,
                )
            )
            self.told.add((call.message, "accepted"))
        self.desk.look(listed)

    # ---------------------------------------------------------------- a worker

    def batch(self, channel: str, owner: str = "a") -> Iterator[str]:
        """Send what is due on *channel* as the engine does, standing still after every step."""
        states = self.desk.states()
        taken = self.desk.take(channel, owner)
        for prepared in taken:
            self.gated[prepared.outgoing.message] = self.clocks.wall, self.clocks.seconds
            self._comes_first(prepared.outgoing.message, states)
        if not taken:
            return
        yield "prepared"
        outcomes = []
        for prepared in taken:
            outcome = self.call(prepared.outgoing) if prepared.in_time else None
            outcomes.append((prepared, outcome))
        yield "called"
        self.desk.settle(*outcomes)

    def worker(self, channel: str, owner: str = "a") -> Iterator[str]:
        """Send the next message of *channel* alone, standing still after every step.

        So does the engine with those of a batch that failed as a whole.
        """
        states = self.desk.states()
        claimed = self.desk.claim(channel, owner)
        if not claimed:
            return
        [(message, epoch)] = claimed
        self._comes_first(message, states)
        yield "claimed"
        prepared = self.desk.prepare(message, epoch)
        if prepared is None:
            return
        self.gated[message] = self.clocks.wall, self.clocks.seconds
        yield "prepared"
        outcome = self.call(prepared.outgoing) if prepared.in_time else None
        if outcome is not None:
            yield "called"
        self.desk.settle((prepared, outcome))

    def _comes_first(self, message: int, states: Mapping[int, State]) -> None:
        """Raise Broken if what was said earlier at this address still waits for another attempt.

        *states* are those before the message was taken.
        """
        this = self.desk.sent(message)
        for other, state in states.items():
            that = self.desk.sent(other)
            if that.address != this.address or other == message:
                continue
            if state.state in ("claimed", "sending"):
                raise Broken("I20", f"{message} is taken while {other} is under way")
            if (
                other < message
                and state.state == "planned"
                and state.outcomes
                and PRIORITY[that.kind] <= PRIORITY[this.kind]
            ):
                raise Broken("I20", f"{message} overtakes {other}")

    def call(self, outgoing: Any) -> str | SendError:
        """Do what the provider does, and check what must be so in the moment of the call."""
        message = outgoing.message
        sent, state = self.desk.sent(message), self.desk.states()[message]
        self._may_be_called(outgoing, sent, state)
        call = Call(
            message,
            outgoing.attempt,
            f"SM{message}-{outgoing.attempt}",
            self.clocks.database,
            outgoing.address,
            outgoing.body,
            len(self.made),
        )
        self.made.append(call)
        mode = self.coming.pop(0) if self.coming else self.mode
        if mode.takes:
            self.calls.append(call)
        return mode.outcome(sent.channel) or call.ref

    def _may_be_called(self, outgoing: Any, sent: Sent, state: State) -> None:
        what = f"{sent.kind} {outgoing.message} by {sent.channel}"
        checked, at = self.gated[outgoing.message]
        # As if nobody had set the clock since: it cannot be known that somebody did.
        wall = checked + timedelta(seconds=self.clocks.seconds - at)
        if len(state.outcomes) < outgoing.attempt:
            raise Broken("I3", what)
        if self._late("stop", sent.address):
            raise Broken("I4", what)
        if sent.kind != "answer" and self._rests(wall) and self._rests(wall - GAP):
            raise Broken("I5", f"{what} at {wall}")
        useful = timedelta(seconds=outgoing.useful_for)
        arrives = checked + useful - timedelta(seconds=1)
        if sent.kind != "answer" and not self._rests(checked) and self._rests(arrives):
            raise Broken("I5", f"{what} may arrive at {arrives}")
        if wall >= state.expires_at or wall - GAP + useful > state.expires_at:
            raise Broken("I6", f"{what} until {wall + useful}, of use until {state.expires_at}")
        if sent.kind in ("invitation", "broadcast") and (
            self._late("no", sent.person)
            or (
                ("no", sent.person) not in self.closed
                and not self.desk.says_yes(sent.person, sent.channel)
            )
        ):
            raise Broken("I8", what)
        if self._late("moved", sent.afspraak) or self._late("halted", sent.broadcast):
            raise Broken("I9", what)
        if self._late("edited", sent.broadcast):
            raise Broken("I10", what)
        if self._late("gone", sent.address):
            raise Broken("I12", f"{what}: they do not have this address any more")
        if outgoing.address != sent.to or sent.name not in outgoing.body:
            raise Broken("I12", what)
        if sent.parent is not None:
            self._may_come_after(sent.parent, sent, what)

    def _may_come_after(self, parent: int, sent: Sent, what: str) -> None:
        """Check a repeat, or what goes to another address instead: its reader may get both."""
        first, state = self.desk.sent(parent), self.desk.states()[parent]
        if first.kind != "reminder" or first.parent is not None:
            raise Broken("I1", f"{what}: a {first.kind} is not said again")
        failed = not self._took(parent) or {(parent, "failed"), (parent, "undelivered")} & self.told
        if first.address != sent.address and (
            not failed or set(state.outcomes) & {None, "unknown"}
        ):
            raise Broken("I1", f"{what}: sent elsewhere though {parent} may have arrived")

    def _took(self, message: int) -> bool:
        return any(call.message == message for call in self.calls)

    def _rests(self, at: datetime) -> bool:
        """Say whether people rest at *at*; found out without the house."""
        wall, quiet = at.astimezone(AMSTERDAM), self.desk.quiet
        return wall.weekday() in quiet.weekdays or any(
            start <= wall.time() < end if start < end else wall.time() >= start or wall.time() < end
            for start, end in quiet.periods
        )

    def _late(self, what: str, number: int | None) -> bool:
        if number is None or (what, number) not in self.closed:
            return False
        return self.closed[what, number] < self.clocks.seconds - GAP.total_seconds()

    # ---------------------------------------------------------------- what must hold

    def check(self) -> None:
        """Raise Broken unless everything so far is as it must be."""
        taken: dict[int, list[Call]] = {}
        for call in self.calls:
            taken.setdefault(call.message, []).append(call)
        for message, state in self.desk.states().items():
            self._check_attempts(message, state, taken.get(message, []))
            self._check_way(message, state.state)

    def _check_attempts(self, message: int, state: State, calls: list[Call]) -> None:
        if len(calls) > 1:
            raise Broken("I1", f"message {message} was taken {len(calls)} times")
        for outcome in state.outcomes[:-1]:
            if outcome != "not_sent":
                raise Broken("I1", f"another attempt at {message} after one that is {outcome}")
        for number, outcome in enumerate(state.outcomes, 1):
            took = bool(calls) and calls[0].attempt == number
            if took and outcome in ("not_sent", "rejected"):
                raise Broken("I2", f"{message}: it was taken, and is recorded {outcome}")
            if outcome == "accepted" and not took:
                raise Broken("I2", f"{message}: recorded accepted, and the provider has nothing")
            known = self.known.get((message, number))
            if outcome != known:
                if known not in (None, "unknown"):
                    raise Broken("I7", f"{message}: what was {known} is {outcome}")
                self.known[message, number] = outcome  # type: ignore[assignment]
        if calls and len(state.outcomes) < calls[0].attempt:
            raise Broken("I3", f"message {message} was taken, and no attempt was written")

    def _check_way(self, message: int, state: str) -> None:
        if self.since.get(message, ("", 0.0))[0] != state:
            self.since[message] = state, self.clocks.seconds
        past = self.past.setdefault(message, ["planned"])
        if past[-1] == state:
            return
        if (
            past[-1] in FINAL
            or (past[-1] == "delivered" and state != "read")
            or RANK.get(past[-1], 0) > RANK.get(state, 9)
        ):
            raise Broken("I7", f"{message} went from {past} to {state}")
        if (
            state in ("sent", "delivered", "read", "undelivered")
            and self.desk.sent(message).channel != "telegram"
            and (message, state) not in self.told
        ):
            raise Broken("I2", f"{message} is {state}, and nobody said so")
        past.append(state)

    def rest(self) -> None:
        """Let all faults end and time pass; raise Broken unless every message comes to rest."""
        self.mode, self.listing, self.lagging = CLASSES["ok"][0], True, False
        self.check()
        for minutes in (1, 16, 16, 60, 720, 720, 720, 1440, 98 * 60):
            restless = self.restless()
            if not restless:
                return
            if not self._matters(minutes, restless):
                continue
            self.clocks.advance(minutes * 60)
            states = set(restless.values())
            if states & {"claimed", "sending"}:
                self.reap()
            if states - {"planned", "claimed", "sending"}:
                self.look()
            for _ in range(8):
                planned = [
                    message for message, state in self.restless().items() if state == "planned"
                ]
                channels = {self.desk.sent(message).channel for message in planned}
                if not [step for each in sorted(channels) for step in self.batch(each)]:
                    break
            self.check()
        if restless := self.restless():
            raise Broken("I19", f"{restless}")

    def _matters(self, minutes: int, restless: Mapping[int, str]) -> bool:
        """Say whether a wait of so long can change anything about these."""
        if WITHOUT_RECEIPT.issuperset(restless.values()):
            return minutes > 72 * 60
        unheard = all(
            state in WITHOUT_RECEIPT
            or (state == "unknown" and self.desk.sent(message).channel == "telegram")
            for message, state in restless.items()
        )
        return not unheard or minutes == 60 or minutes >= 1440

    def restless(self) -> dict[int, str]:
        """Return the messages that are still under way."""
        return {
            message: state.state
            for message, state in self.desk.states().items()
            if state.state not in FINAL
            and state.state not in SOFT
            and state.state != "delivered"
            and not (state.state == "sent" and self.desk.sent(message).channel == "telegram")
        }
