"""The sending half of a house, driven by hand: one claim, one gate, one outcome at a time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update

from bot import house as houses
from bot import moments, settings
from bot.channels.base import Cause, Certainty, SendError, StatusChange
from bot.db import clock
from bot.messaging import delivery, outbox
from bot.messaging.delivery import Prepared
from bot.models.afspraken import Afspraak
from bot.models.messages import Attempt, InboxEvent, Message
from bot.models.people import Address, Inburgeraar, PersonAddress
from bot.models.tasks import Task
from bot.privacy import consent

TUESDAY = moments.from_local(datetime(2026, 12, 1, 10, 0))
AFSPRAAK = {
    "begins": moments.from_local(datetime(2026, 12, 3, 14, 30)),
    "place": "Wijkcentrum",
    "address": "Voorbeeldstraat 12",
    "staff": "Jansen",
}
"""What a reminder is filled with."""

NOWHERE = "http://127.0.0.1:9"
"""A provider that nothing reaches: these tests make no call."""

REFUSED = SendError(Certainty.REJECTED, Cause.OUR_FAULT, code="21617")
NOT_SENT = SendError(Certainty.NOT_SENT, Cause.TOO_FAST, code="20429", retry_after=5)
UNKNOWN = SendError(Certainty.UNKNOWN, Cause.UNKNOWN, detail="ReadTimeout")


class Office:
    """Time stands still except where a test moves it; every step is a transaction of its own."""

    def __init__(self, database_url: str, **given: object) -> None:
        self.house = houses.build(
            settings.load(
                None,
                **{
                    "database_url": database_url,
                    "allowed_recipients": "*",
                    "twilio_account_sid": "AC" + "0" * 32,
                    "twilio_auth_token": "the-token",
                    "twilio_sms_from": "+3197000000000",
                    "twilio_whatsapp_from": "+3197000000001",
                    "telegram_bot_token": "1000:token",
                    "twilio_api_url": NOWHERE,
                    "twilio_content_url": NOWHERE,
                    "telegram_api_url": NOWHERE,
                    **given,
                },
            )
        )
        self.database = self.house.database
        self.at(TUESDAY)

    def close(self) -> None:
        self.database.close()

    # ---------------------------------------------------------------- time

    def at(self, moment: datetime) -> None:
        moments.set_practice_offset(moments.practice_offset() + (moment - moments.now()))

    def pass_(self, **time: float) -> None:
        self.at(moments.now() + timedelta(**time))

    def leases_run_out(self) -> None:
        """Let all leases be over: they run on the database's clock, which nobody moves."""
        with self.database.session() as session:
            over = clock(session) - timedelta(seconds=1)
            session.execute(
                update(Message).where(Message.lease_until.is_not(None)).values(lease_until=over)
            )

    # ---------------------------------------------------------------- people

    def person(
        self,
        name: str = "Priya",
        channel: str = "sms",
        address: str = "+31697000004",
        language: str = "en",
        **more: Any,
    ) -> int:
        """Let someone be known; an address that is known already is shared. Returns their id."""
        with self.database.session() as session:
            person = Inburgeraar(
                kenmerk=f"P-{name}",
                first_name=name,
                language=language,
                created_at=moments.now(),
            )
            place = session.scalars(
                select(Address).where(Address.channel == channel, Address.address == address)
            ).one_or_none() or Address(
                channel=channel, address=address, state="open", created_at=moments.now(), **more
            )
            session.add_all([person, place])
            session.flush()
            session.add(PersonAddress(person_id=person.id, address_id=place.id, rank=0))
            return person.id

    def stop(self, address: str = "+31697000004") -> None:
        with self.database.session() as session:
            place = session.scalars(
                select(Address).where(Address.address == address).with_for_update()
            ).one()
            consent.stop(session, place, "test")

    def allow(self, person: int, *, given: bool = True) -> None:
        with self.database.session() as session:
            consent.record(
                session,
                session.get_one(Inburgeraar, person),
                given=given,
                channel=None,
                evidence="test",
            )

    def afspraak(self, person: int, begins: datetime = AFSPRAAK["begins"]) -> int:  # type: ignore[assignment]
        with self.database.session() as session:
            afspraak = Afspraak(
                kenmerk=f"A-{person}-{begins:%d%H%M}",
                person_id=person,
                begins=begins,
                place="Wijkcentrum",
                status="gepland",
                answer="none",
                version=1,
                known_at=moments.now(),
            )
            session.add(afspraak)
            session.flush()
            return afspraak.id

    # ---------------------------------------------------------------- the outbox

    def queue(self, person: int, occasion: str = "one", **more: Any) -> int | None:
        """Queue a reminder unless told otherwise; return its id, None if it was there."""
        given = {
            "key": "afspraak.reminder",
            "values": AFSPRAAK,
            "expires_at": AFSPRAAK["begins"],
            **more,
        }
        with self.database.session() as session:
            message = outbox.queue(
                session,
                self.house,
                occasion=occasion,
                person=session.get_one(Inburgeraar, person),
                **given,
            )
            return message.id if message else None

    def claim(self, channel: str = "sms", limit: int = 10) -> list[tuple[int, int]]:
        with self.database.session() as session:
            return delivery.claim(session, channel, limit)

    def prepare(self, message: int, epoch: int) -> Prepared | None:
        with self.database.session() as session:
            return delivery.prepare(session, self.house, message, epoch)[0]

    def settle(self, prepared: Prepared, outcome: str | SendError = "SM1") -> None:
        with self.database.session() as session:
            delivery.settle(session, self.house, prepared, outcome)

    def hand_over(self, channel: str = "sms") -> Prepared:
        """Claim and prepare the one message that is due."""
        [(message, epoch)] = self.claim(channel)
        prepared = self.prepare(message, epoch)
        assert prepared is not None
        return prepared

    def told(
        self, message: int, status: str, ref: str = "SM1", number: int = 1, **more: Any
    ) -> None:
        """Let a status callback come in."""
        with self.database.session() as session:
            delivery.apply(session, message, number, StatusChange(ref=ref, status=status, **more))

    def reap(self) -> int:
        with self.database.session() as session:
            return delivery.reap(session)

    # ---------------------------------------------------------------- what is seen

    def wrote(
        self, key: str, lane: str = "sms", state: str = "new", payload: Any = None
    ) -> InboxEvent:
        """Let somebody have written to us: *key* is the provider's id of it."""
        with self.database.session() as session:
            event = InboxEvent(
                key=key,
                source=key.partition(":")[0],
                lane=lane,
                fingerprint="",
                payload=payload or {},
                not_before=moments.now(),
                received_at=moments.now(),
                state=state,
            )
            session.add(event)
        return event

    def answered(self, person: int, occasion: str = "answer", **more: Any) -> int:
        """Queue the answer to something that this person wrote; return its id."""
        event = self.wrote(f"twilio:{occasion}", state="done")
        return self.queue(person, occasion, key="answer.thanks", in_reply_to=event, **more)

    def read(self, look: Callable[[Any], Any]) -> Any:
        with self.database.reading() as session:
            return look(session)

    def state(self, message: int) -> str:
        return self.read(lambda s: s.get_one(Message, message).state)

    def cause(self, message: int) -> str | None:
        return self.read(lambda s: s.get_one(Message, message).cause)

    def states(self) -> list[str]:
        return self.read(lambda s: list(s.scalars(select(Message.state).order_by(Message.id))))

    def outcomes(self, message: int) -> list[str | None]:
        return self.read(
            lambda s: list(
                s.scalars(
                    select(Attempt.outcome)
                    .where(Attempt.message_id == message)
                    .order_by(Attempt.number)
                )
            )
        )

    def tasks(self) -> list[str]:
        return self.read(
            lambda s: list(
                s.scalars(select(Task.kind).where(Task.done_at.is_(None)).order_by(Task.id))
            )
        )
