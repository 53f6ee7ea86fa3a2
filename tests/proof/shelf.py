"""The send protocol without a database: the shipped steps and gates on rows in memory.

What is left out is what only a database can show, the queries and the locks: `desk` has those.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from types import SimpleNamespace
from typing import Any

from bot.channels.base import Outgoing, SendError, StatusChange
from bot.channels.twilio import Listed
from bot.house import House
from bot.messaging import approval, delivery, reconcile, route, steps
from bot.messaging.delivery import Outcome, Prepared
from bot.messaging.pace import Pace
from bot.models.afspraken import Afspraak
from bot.models.messages import BROADCASTS, REMINDERS, REPLIES, Message
from bot.models.tasks import EMERGENCY, UPSET
from bot.moments import QuietHours
from proof.clocks import Clocks
from proof.play import Sent, State

KIND: Mapping[str, tuple[str, int]] = {
    "reminder": ("public task", REMINDERS),
    "invitation": ("invitation", BROADCASTS),
    "broadcast": ("invitation", BROADCASTS),
    "answer": ("answer", REPLIES),
}


@cache
def _hours(
    quiet: QuietHours, now: datetime, _as_written: Any
) -> tuple[datetime | None, datetime | None]:
    """Return when the hours of rest end, if it is one, and when the next begin.

    Runs begin at the same moment: this is remembered, as long as the code is what it was.
    """
    soon = now + delivery.LEAST_VALIDITY
    opens = next((quiet.next_open(at) for at in (soon, now) if quiet.is_quiet(at)), None)
    return opens, quiet.next_rest(now)


class Row(SimpleNamespace):
    """A message as the shipped code sees one, without what SQLAlchemy does to its attributes."""

    become = Message.become


class Shelf:
    """Rows of one run. As a session it gives what the gates ask of one by its number."""

    def __init__(self, house: House, clocks: Clocks) -> None:
        self.house, self.clocks, self.quiet = house, clocks, house.quiet
        self.messages: dict[int, Any] = {}
        self.attempts: dict[int, list[Any]] = {}
        self.addresses: dict[int, Any] = {}
        self.afspraken: dict[int, Any] = {}
        self.broadcasts: dict[int, Any] = {}
        self.yes: set[int] = set()
        self.paused: dict[str, Any] = {}
        self.owners: dict[str, tuple[str, Any]] = {}
        self._sent: dict[int, Sent] = {}

    # ---------------------------------------------------------------- as a session

    def get(self, table: Any, number: int, **_: Any) -> Any:
        return (self.afspraken if table is Afspraak else self.broadcasts).get(number)

    get_one = get

    # ---------------------------------------------------------------- what there is

    def first(self, kind: str, channel: str) -> int:
        """Plan the one message of a race, allowed and of use for 26 hours."""
        self.allow(5, True)
        return self.create(kind, 5, channel, 0, 26 * 3600)

    def create(self, kind: str, number: int, channel: str, wait: int, lead: int) -> int:
        """Plan a message; *wait* and *lead* are seconds."""
        message = len(self.messages) + 1
        address = self.addresses.get(number)
        if address is None:
            address = self.addresses[number] = SimpleNamespace(
                id=number,
                channel=channel,
                address=f"+316970000{number:02}",
                state="open",
                stopped_at=None,
                bulk_locked_at=None,
                people=[SimpleNamespace(person_id=number)],
            )
        now = self.clocks.wall
        purpose, priority = KIND[kind]
        self.messages[message] = Row(
            id=message,
            channel=channel,
            purpose=purpose,
            priority=priority,
            key="afspraak.reminder",
            person_id=number,
            person=address,
            address_id=number,
            about=f"afspraak:{message}" if kind == "reminder" else None,
            version=1 if kind == "reminder" else None,
            in_reply_to=1 if kind == "answer" else None,
            broadcast_id=message if kind == "broadcast" else None,
            state="planned",
            cause=None,
            code=None,
            not_before=now + timedelta(seconds=wait),
            expires_at=now + timedelta(seconds=wait + lead),
            epoch=0,
            lease_until=None,
            attempts=0,
            provider_ref=None,
            changed_at=now,
        )
        self.attempts[message] = []
        self._sent[message] = Sent(kind, number, number, channel, address.address, f"N{number}")
        if kind == "reminder":
            self.afspraken[message] = SimpleNamespace(version=1, answer="none")
            self._sent[message].afspraak = message
        elif kind == "broadcast":
            self.broadcasts[message] = self._broadcast()
            self._sent[message].broadcast = message
        return message

    def _broadcast(self) -> Any:
        now = self.clocks.wall
        broadcast = SimpleNamespace(
            state="sending",
            voortraject_id=None,
            audience_hash="",
            languages=["nl"],
            unreviewed=[],
            key="afspraak.reminder",
            values={},
            corrects=None,
            window_from=now,
            window_until=now,
            first=20,
            hold_minutes=10,
            most_failed=10.0,
            most_stopped=3.0,
            most_unknown=1.0,
            approved_hash="",
        )
        broadcast.approved_hash = approval.fingerprint(
            self,
            self.house,
            broadcast,
            "",
            broadcast.languages,
            [],  # type: ignore[arg-type]
        )
        return broadcast

    def sent(self, message: int) -> Sent:
        return self._sent[message]

    def states(self) -> dict[int, State]:
        return {
            number: State(
                row.state,
                [attempt.outcome for attempt in self.attempts[number]],
                row.expires_at,
                row.address_id,
                row.provider_ref,
            )
            for number, row in self.messages.items()
        }

    def sender(self, channel: str) -> str:
        return self.house.channels[channel].sender if channel != "telegram" else ""  # type: ignore[attr-defined]

    # ---------------------------------------------------------------- a worker's steps

    def claim(self, channel: str, owner: str) -> list[tuple[int, int]]:
        now, clock = self.clocks.wall, self.clocks.database
        holder, until = self.owners.get(channel, (owner, clock))
        if holder != owner and until + delivery.APART > clock:
            return []
        self.owners[channel] = owner, clock + delivery.HOLD
        if channel in self.paused and self.paused[channel] > clock:
            return []
        busy = {
            row.address_id for row in self.messages.values() if row.state in ("claimed", "sending")
        }
        due = [
            row
            for row in self.messages.values()
            if row.state == "planned"
            and row.channel == channel
            and row.not_before <= now
            and row.address_id not in busy
            and not any(
                other.address_id == row.address_id
                and other.state == "planned"
                and other.attempts
                and other.priority <= row.priority
                and other.id < row.id
                for other in self.messages.values()
            )
        ]
        if not due:
            return []
        row = min(due, key=lambda row: (row.priority, row.not_before, row.id))
        return [(row.id, steps.take(row, clock + delivery.LEASE, now))]

    def prepare(self, message: int, epoch: int) -> Prepared | None:
        row = self.messages[message]
        if not steps.is_held(row, epoch):
            return None
        address, now = self.addresses[row.address_id], self.clocks.wall
        checked, known = Pace.clock(), self._known(row, now)
        held = delivery._gate(known, self.house, row, address)
        if held is not None:
            delivery._hold_back(row, held, now)
            return None
        steps.begin(row, self.clocks.database + delivery.LEASE, now)
        body = f"N{row.person_id}"
        self.attempts[message].append(
            SimpleNamespace(
                number=row.attempts,
                epoch=epoch,
                form="text",
                digest=route.body_digest(body),
                outcome=None,
                provider_ref=None,
                code=None,
                detail=None,
                started_at=now,
                ended_at=None,
                looked_at=None,
                missed_at=None,
                followed_at=None,
            )
        )
        useful = delivery._useful_for(known, row)
        outgoing = Outgoing(message, row.attempts, address.address, body, "nl", useful)
        return Prepared(outgoing, epoch, checked, row.priority, 1)

    def take(self, channel: str, owner: str) -> list[Prepared]:
        found = [self.prepare(*claimed) for claimed in self.claim(channel, owner)]
        return [prepared for prepared in found if prepared is not None]

    def _known(self, row: Any, now: datetime) -> Any:
        """Return what the gates ask of the tables: here, of the shelf."""
        broadcast = self.broadcasts.get(row.broadcast_id)
        opens, rest = _hours(self.quiet, now, self.quiet.is_quiet.__func__.__code__)
        return delivery._Known(
            now=now,
            opens=opens,
            rest=rest,
            people=frozenset(
                (link.person_id, row.address_id) for link in self.addresses[row.address_id].people
            ),
            may_invite=lambda person, _channel: person in self.yes,
            afspraken={
                number: (each.version, each.answer) for number, each in self.afspraken.items()
            },
            broadcasts={}
            if broadcast is None
            else {row.broadcast_id: delivery._why_not(self, self.house, broadcast)},  # type: ignore[arg-type]
            templates=None,  # type: ignore[arg-type]
            unseen={EMERGENCY: frozenset(), UPSET: frozenset()},
            room=SimpleNamespace(take=lambda _message: None),  # caps are counted in tables
        )

    def _ours(self, prepared: Prepared) -> tuple[Any, Any] | None:
        message, number = prepared.outgoing.message, prepared.outgoing.attempt
        attempt = self.attempts[message][number - 1]
        if not steps.is_open(attempt, prepared.epoch):
            return None
        return self.messages[message], attempt

    def settle(self, *outcomes: tuple[Prepared, Outcome]) -> None:
        for each in outcomes:
            self._settle(*each)

    def _settle(self, prepared: Prepared, outcome: Outcome) -> None:
        ours = self._ours(prepared)
        if ours is None:
            return
        row, attempt = ours
        if outcome is None:
            steps.not_called(row, attempt, self.clocks.wall)
            return
        if isinstance(outcome, SendError) and outcome.retry_after is not None:
            until = self.clocks.database + timedelta(seconds=outcome.retry_after)
            self.paused[row.channel] = max(self.paused.get(row.channel, until), until)
        receipts = self.house.channels[row.channel].capabilities.receipts
        steps.record(row, attempt, outcome, self.clocks.wall, receipts=receipts)

    # ---------------------------------------------------------------- who comes after it

    def _last(self, row: Any) -> Any:
        attempts = self.attempts[row.id]
        return attempts[row.attempts - 1] if row.attempts else None

    def reap(self) -> None:
        for row in self.messages.values():
            if row.state in ("claimed", "sending") and row.lease_until < self.clocks.database:
                steps.free(row, self._last(row), self.clocks.wall)

    def report(self, message: int, attempt: int, change: StatusChange) -> None:
        row, now = self.messages[message], self.clocks.wall
        steps.report(row, self.attempts[message][attempt - 1], change, now)

    def look(self, listed: Mapping[int, list[Listed]] | None) -> None:
        now = self.clocks.wall
        for row in self.messages.values():
            if row.state == "unknown":
                if row.channel != "telegram" and listed is not None:
                    self._look(row, self._last(row), listed.get(row.address_id, []))
                if row.state == "unknown" and self._last(row).started_at <= now - reconcile.GIVE_UP:
                    row.become("unknown_final", now)
            elif (
                row.state in ("accepted", "sent")
                and row.changed_at <= now - reconcile.NO_RECEIPT
                and self.house.channels[row.channel].capabilities.receipts
            ):
                row.become("no_receipt", now)

    def _look(self, row: Any, attempt: Any, listed: list[Listed]) -> None:
        now = self.clocks.wall
        if attempt.started_at > now - reconcile.SETTLED or (
            attempt.looked_at is not None and attempt.looked_at > now - steps.APART
        ):
            return
        placed = {each.provider_ref for each in self.messages.values()}
        found = steps.search(attempt, listed, placed)
        rivals = sum(
            other is not attempt
            and other.digest == attempt.digest
            and other.outcome in (None, "unknown")
            and abs(other.started_at - attempt.started_at) <= 2 * steps.AROUND
            for each in self.messages.values()
            if each.address_id == row.address_id
            for other in self.attempts[each.id]
        )
        verdict = steps.look(attempt, found, now, rivals)
        if verdict is steps.Verdict.ADOPTED:
            steps.report(row, attempt, found.fitting[0].change(), now)
        elif verdict is steps.Verdict.NOT_SENT:
            steps.was_not_sent(row, attempt, now)

    # ---------------------------------------------------------------- people and staff

    def stop(self, address: int) -> None:
        if self.addresses[address].stopped_at is None:
            self.addresses[address].stopped_at = self.clocks.wall
            for row in self.messages.values():
                if row.address_id == address and row.state == "planned":
                    row.become("cancelled", self.clocks.wall)

    def start(self, address: int) -> None:
        self.addresses[address].stopped_at = None

    def allow(self, person: int, given: bool) -> None:
        (self.yes.add if given else self.yes.discard)(person)

    def says_yes(self, person: int, channel: str) -> bool:
        return person in self.yes

    def move(self, afspraak: int) -> None:
        self.afspraken[afspraak].version += 1

    def gone(self, person: int, address: int) -> None:
        self.addresses[address].people.clear()

    def halt(self, broadcast: int) -> None:
        self.broadcasts[broadcast].state = "stopped"

    def edit(self, broadcast: int) -> None:
        self.broadcasts[broadcast].values = {"place": "elders"}
