"""The send protocol as it is shipped, on a database: every step a transaction of its own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from post_office import AFSPRAAK, Office
from psycopg.types.json import Json
from sqlalchemy import delete, select, update

from bot.channels.base import StatusChange
from bot.channels.twilio import Listed
from bot.db import Database
from bot.engine import reconciling, work
from bot.messaging import approval, delivery, outbox, reconcile
from bot.messaging.delivery import Outcome, Prepared
from bot.models.afspraken import Afspraak
from bot.models.broadcasts import Broadcast, Recipient
from bot.models.messages import InboxEvent, Message, Sender
from bot.models.people import Address, Inburgeraar, PersonAddress
from bot.models.voortrajecten import Voortraject
from bot.outreach import aftermath
from bot.privacy import consent
from proof.clocks import Clocks
from proof.play import Sent, State

INVITATION = {
    "theme": "Actief in de wijk",
    "place": "Buurthuis De Brug",
    "address": "Brugstraat 4",
    "days": "maandag, 09:00-11:30",
    "starts": "maandag 7 december",
    "weeks": 26,
    "yields": "",
}

USED = (
    "task",
    "attempt",
    "reply",
    "message",
    "inbox_event",
    "broadcast_recipient",
    "broadcast",
    "deelname",
    "voortraject",
    "spending",
    "sender",
    "afspraak",
    "consent",
    "person_address",
    "address",
    "inburgeraar",
)
"""Tables that a run fills, in the order in which they can be emptied."""

AT_ONCE = 8
"""Messages of one batch."""

ELSEWHERE = {"sms": "telegram", "telegram": "sms", "whatsapp": "sms"}
"""The second address of everybody."""


class Tables:
    """What stands in the tables, read and written past all that is tried here."""

    def __init__(self, database: Database) -> None:
        self.is_sqlite = database.engine.dialect.name == "sqlite"
        self.kept: dict[Any, Any] = {}
        self._at_work = database.engine.raw_connection() if self.is_sqlite else None
        if self._at_work is not None:
            # In memory there is but one connection, and it says BEGIN by itself.
            self._connection: Any = self._at_work.driver_connection
        else:
            url = database.url.set(drivername="postgresql")
            self._connection = psycopg.connect(
                url.render_as_string(hide_password=False), autocommit=True
            )
        self._clear = ";".join(f"DELETE FROM {table}" for table in USED)

    def close(self) -> None:
        """Let go."""
        (self._at_work or self._connection).close()

    def empty(self) -> None:
        """Let nothing be there."""
        if self.is_sqlite:
            self._connection.executescript(self._clear)
        else:
            self._connection.execute(self._clear)

    def states(self) -> dict[int, State]:
        """Return every message as it is committed."""
        found = {
            number: State(state, [], self._moment(expires_at), address, ref)
            for number, state, expires_at, address, ref in self._connection.execute(
                "SELECT id, state, expires_at, address_id, provider_ref FROM message ORDER BY id"
            ).fetchall()
        }
        for message, outcome in self._connection.execute(
            "SELECT message_id, outcome FROM attempt ORDER BY message_id, number"
        ).fetchall():
            found[message].outcomes.append(outcome)
        return found

    def _moment(self, told: Any) -> datetime:
        return datetime.fromisoformat(told).replace(tzinfo=UTC) if self.is_sqlite else told

    def events(self) -> list[str]:
        """Return the key of everything that came in."""
        found = self._connection.execute("SELECT key FROM inbox_event ORDER BY id").fetchall()
        return [key for (key,) in found]

    def read_only(self, yes: bool) -> None:
        """Let nobody write, or let them again; on SQLite."""
        self._connection.execute(f"PRAGMA query_only={'ON' if yes else 'OFF'}")

    def keep(self, name: Any, what: Any) -> None:
        """Remember all rows there are as *name*, and *what* with them."""
        rows = []
        for table in reversed(USED):
            found = self._connection.execute(f"SELECT * FROM {table}")
            columns = [each[0] for each in found.description]
            if values := found.fetchall():
                sign = "?" if self.is_sqlite else "%s"
                names = ", ".join(f'"{column}"' for column in columns)
                signs = ", ".join(sign for _ in columns)
                insert = f"INSERT INTO {table} ({names}) VALUES ({signs})"
                rows.append((insert, [tuple(map(self._storable, row)) for row in values]))
        self.kept[name] = rows, what

    def _storable(self, value: Any) -> Any:
        return value if self.is_sqlite or not isinstance(value, dict | list) else Json(value)

    def put_back(self, kept: Any) -> Any:
        """Let the rows be there again that were remembered; return what was with them."""
        rows, what = kept
        if self.is_sqlite:
            for insert, values in rows:
                self._connection.executemany(insert, values)
        else:
            with self._connection.transaction(), self._connection.cursor() as cursor:
                for insert, values in rows:
                    for row in values:
                        cursor.execute(insert, row)
        return what


class Desk:
    """The rows of one run, on an emptied database."""

    def __init__(self, office: Office, clocks: Clocks, tables: Tables) -> None:
        self.office, self.house, self.database = office, office.house, office.database
        self.clocks, self.quiet, self.tables = clocks, office.house.quiet, tables
        self.people: dict[tuple[int, str], int] = {}
        self._sent: dict[int, Sent] = {}
        tables.empty()

    # ---------------------------------------------------------------- what there is

    def person(self, number: int, channel: str) -> int:
        """Return the person of this number, whose first address is on *channel*."""
        if (number, channel) not in self.people:
            now = self.clocks.wall
            with self.database.session() as session:
                person = Inburgeraar(
                    kenmerk=f"N{number}-{channel}",
                    first_name=f"N{number}",
                    language="nl",
                    created_at=now,
                )
                session.add(person)
                for rank, each in enumerate((channel, ELSEWHERE[channel])):
                    place = Address(
                        channel=each,
                        address=f"100{number}" if each == "telegram" else f"+316970000{number:02}",
                        state="open",
                        last_inbound_at=now + timedelta(days=1),  # the window stays open
                        created_at=now,
                    )
                    session.add(PersonAddress(person=person, address=place, rank=rank))
                session.flush()
                self.people[number, channel] = person.id
        return self.people[number, channel]

    def first(self, kind: str, channel: str) -> int:
        """Plan the one message of a race, allowed and of use for 26 hours; made once only."""
        kept = self.tables.kept.get((kind, channel))
        if kept is None:
            message = self.create(kind, 5, channel, 0, 26 * 3600)
            self.allow(self._sent[message].person, True)
            self.tables.keep((kind, channel), (message, self._sent[message]))
        else:
            message, self._sent[message] = self.tables.put_back(kept)
        return message

    def create(self, kind: str, number: int, channel: str, wait: int, lead: int) -> int:
        """Plan a message as the house does; *wait* and *lead* are seconds."""
        person_id, now = self.person(number, channel), self.clocks.wall
        begins = now + timedelta(seconds=wait + lead)
        count = len(self._sent)
        given: dict[str, Any] = {"key": "afspraak.reminder", "values": AFSPRAAK}
        with self.database.session() as session:
            person = session.get_one(Inburgeraar, person_id)
            afspraak = broadcast = None
            if kind == "reminder":
                afspraak = self._afspraak(count, person, begins)
                session.add(afspraak)
                session.flush()
                given |= {"about": afspraak.about, "version": 1}
            elif kind == "answer":
                event = self._event(count)
                session.add(event)
                session.flush()
                given |= {"key": "answer.help", "values": {}, "in_reply_to": event}
            else:
                given |= {"key": "voortraject.invitation", "values": INVITATION}
            message = outbox.queue(
                session,
                self.house,
                occasion=f"{kind} {count}",
                person=person,
                address=person.addresses[0].address,
                not_before=now + timedelta(seconds=wait),
                expires_at=begins,
                **given,
            )
            assert message is not None
            if kind == "broadcast":
                broadcast = self._broadcast(session, begins)
                message.broadcast_id = broadcast.id
            self._sent[message.id] = Sent(
                kind,
                person_id,
                message.address_id or 0,
                # The next one, where the person has that address no more.
                message.channel or channel,
                message.address.address if message.address else "",
                "" if kind == "answer" else person.first_name,
                broadcast=broadcast.id if broadcast else None,
                afspraak=afspraak.id if afspraak else None,
            )
            return message.id

    def _afspraak(self, count: int, person: Inburgeraar, begins: Any) -> Afspraak:
        return Afspraak(
            kenmerk=f"A{count}",
            person=person,
            begins=begins,
            place=AFSPRAAK["place"],
            status="gepland",
            answer="none",
            version=1,
            known_at=self.clocks.wall,
        )

    def _event(self, count: int) -> InboxEvent:
        now = self.clocks.wall
        return InboxEvent(
            key=f"twilio:{count}",
            source="twilio",
            lane="sms",
            fingerprint="",
            payload={},
            not_before=now,
            received_at=now,
            state="done",
        )

    def _broadcast(self, session: Any, until: Any, first: int = 20) -> Broadcast:
        now = self.clocks.wall
        broadcast = Broadcast(
            name="Een groep",
            key="voortraject.invitation",
            values={},
            audience="",
            window_from=now,
            window_until=until,
            first=first,
            hold_minutes=10,
            most_failed=10.0,
            most_stopped=3.0,
            most_unknown=1.0,
            state="sending",
            written_by="Jansen",
            approved_by="De Vries",
            approved_count=1,
            audience_hash="",
            languages=["nl"],
            unreviewed=[],
            expanded_to={},
            started_at=now,
            history=[],
            created_at=now,
        )
        session.add(broadcast)
        session.flush()
        broadcast.approved_hash = approval.fingerprint(
            session, self.house, broadcast, "", ["nl"], []
        )
        return broadcast

    def crowd(self, count: int, first: int) -> list[int]:
        """Let a broadcast to *count* people be under way, *first* of them before the others."""
        people = [self.person(number, "sms") for number in range(20, 20 + count)]
        for person in people:
            self.allow(person, True)
        with self.database.session() as session:
            broadcast = self._broadcast(session, self.clocks.wall + timedelta(days=2), first)
            group = Voortraject(
                kenmerk="V1",
                theme=INVITATION["theme"],
                place=INVITATION["place"],
                address=INVITATION["address"],
                days="mo",
                begins="09:00",
                ends="11:30",
                starts=(self.clocks.wall + timedelta(days=14)).date(),
                weeks=26,
                seats=50,
                taken=0,
                offer_hours=48,
                version=1,
            )
            session.add(group)
            session.flush()
            broadcast.voortraject_id = group.id
            broadcast.approved_hash = approval.fingerprint(
                session, self.house, broadcast, "", ["nl"], []
            )
            for person in people:
                place = session.get_one(Inburgeraar, person).addresses[0].address
                session.add(
                    Recipient(
                        broadcast_id=broadcast.id,
                        person_id=person,
                        address_id=place.id,
                        channel="sms",
                        language="nl",
                    )
                )
            return [broadcast.id]

    def tick(self) -> None:
        """Let the clock tick for the broadcasts."""
        work.broadcast(self.house, 200)

    def sent(self, message: int) -> Sent:
        if message not in self._sent:
            self._sent[message] = self._made_since(message)
        return self._sent[message]

    def _made_since(self, number: int) -> Sent:
        """Return what a repeat, or what is sent elsewhere instead, is to be judged by."""
        with self.database.reading() as session:
            message = session.get_one(Message, number)
            if message.occasion.startswith("broadcast:") and message.address is not None:
                return Sent(
                    "broadcast",
                    message.person_id or 0,
                    message.address.id,
                    message.address.channel,
                    message.address.address,
                    message.person.first_name if message.person else "?",
                    message.broadcast_id,
                )
            first = message.repeats_id
            if found := re.fullmatch(r"(\w+ \d+):fallback:\d+", message.occasion):
                first = session.scalars(
                    select(Message.id).where(Message.occasion == found[1])
                ).one()
            assert first is not None, message.occasion
            known, address = self.sent(first), message.address
            assert address is not None
            return Sent(
                known.kind,
                known.person,
                address.id,
                address.channel,
                address.address,
                known.name,
                known.broadcast,
                known.afspraak,
                parent=first,
            )

    def states(self) -> dict[int, State]:
        return self.tables.states()

    def sender(self, channel: str) -> str:
        return "" if channel == "telegram" else self.house.channels[channel].sender  # type: ignore[attr-defined]

    # ---------------------------------------------------------------- a worker's steps

    def claim(self, channel: str, owner: str) -> list[tuple[int, int]]:
        with self.database.session() as session:
            if not delivery.hold(session, channel, owner):
                return []
            return delivery.claim(session, channel, 1)

    def prepare(self, message: int, epoch: int) -> Prepared | None:
        with self.database.session() as session:
            prepared, held = delivery.prepare(session, self.house, message, epoch)
            if held is not None:
                aftermath.not_arrived(session, self.house, held)
        return prepared

    def take(self, channel: str, owner: str) -> list[Prepared]:
        with self.database.session() as session:
            if not delivery.hold(session, channel, owner):
                return []
            taken = delivery.take(session, self.house, channel, AT_ONCE, AT_ONCE * 10)
            for message in taken.news:
                aftermath.not_arrived(session, self.house, message)
        return taken.prepared

    def settle(self, *outcomes: tuple[Prepared, Outcome]) -> None:
        with self.database.session() as session:
            for failed in delivery.settle_all(session, self.house, outcomes):
                aftermath.not_arrived(session, self.house, failed)

    # ---------------------------------------------------------------- who comes after it

    def awake(self) -> None:
        """Let no sender rest any more, whatever its provider asked for."""
        with self.database.session() as session:
            session.execute(update(Sender).values(paused_until=None))

    def reap(self) -> None:
        with self.database.session() as session:
            delivery.reap(session)

    def report(self, message: int, attempt: int, change: StatusChange) -> None:
        with self.database.session() as session:
            failed = delivery.apply(session, message, attempt, change)
            if failed is not None:
                aftermath.not_arrived(session, self.house, failed)

    def look(self, listed: Mapping[int, list[Listed]] | None) -> None:
        channels = {each.name: each for each in reconciling.twilio_channels(self.house)}
        if listed is not None:
            with self.database.reading() as session:
                asked = reconcile.questions(session, list(channels), 10)
            for question in asked:
                rows = listed.get(self.sent(question.message).address, [])
                reconciling._decide(self.house, channels[question.channel], question, rows)
        reconciling.conclude(self.house, 10)

    # ---------------------------------------------------------------- people and staff

    def stop(self, address: int) -> None:
        with self.database.session() as session:
            consent.stop(session, self._locked(session, address), "test")

    def start(self, address: int) -> None:
        with self.database.session() as session:
            consent.start(session, self._locked(session, address), "test", self.clocks.wall)

    def _locked(self, session: Any, address: int) -> Address:
        return session.scalars(select(Address).where(Address.id == address).with_for_update()).one()

    def allow(self, person: int, given: bool) -> None:
        with self.database.session() as session:
            who = session.get_one(Inburgeraar, person)
            consent.record(session, who, given=given, channel=None, evidence="test")

    def says_yes(self, person: int, channel: str) -> bool:
        with self.database.reading() as session:
            return consent.may_invite(session, session.get_one(Inburgeraar, person), channel)

    def move(self, afspraak: int) -> None:
        with self.database.session() as session:
            session.execute(
                update(Afspraak).where(Afspraak.id == afspraak).values(version=Afspraak.version + 1)
            )

    def gone(self, person: int, address: int) -> None:
        with self.database.session() as session:
            self._locked(session, address)
            session.execute(
                delete(PersonAddress).where(
                    PersonAddress.person_id == person, PersonAddress.address_id == address
                )
            )

    def halt(self, broadcast: int) -> None:
        with self.database.session() as session:
            row = session.get_one(Broadcast, broadcast, with_for_update=True)
            row.state = "stopped"

    def edit(self, broadcast: int) -> None:
        with self.database.session() as session:
            session.get_one(Broadcast, broadcast, with_for_update=True).hold_minutes += 1
