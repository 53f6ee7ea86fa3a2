"""A house and a practice ground beside it, both over real HTTP: what journeys are played in."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import requests
from sqlalchemy import select

from app import create_app
from bot import house as houses
from bot import moments
from bot.engine import approvals, work
from bot.engine.embedded import Engine
from bot.messaging import templates
from bot.models.afspraken import Afspraak
from bot.models.messages import InboxEvent, Message, Reply
from bot.models.people import Address, Consent, Inburgeraar, PersonAddress
from bot.models.tasks import Task
from bot.outreach import afspraken
from bot.settings import load
from bot.web import WebServer
from phones.app import Server, serve
from phones.state import Accounts, Bubble, Ground, Phone
from webhooks.practice import set_ahead

SECRET = "a-secret-of-the-practice-ground"
TUESDAY = moments.from_local(datetime(2026, 12, 1, 10, 0))
"""When a journey begins, unless it says otherwise."""

SPOKEN = ("nl", "en", "ar", "ti", "fa", "tr")
"""Languages with templates in a journey; making them all takes seconds each time."""

PATIENCE = 60
"""Seconds after which a journey that does not settle has failed."""


class World:
    """Everything a journey needs. Time stands still except where the journey moves it."""

    def __init__(self, database_url: str, **settings: object) -> None:
        self.ground = Ground(Accounts(delay=0, telegram_secret=SECRET))
        self.server: Server = serve(self.ground)
        own = self.ground.accounts
        given: dict[str, object] = {
            "database_url": database_url,
            "environment": "practice",
            "twilio_account_sid": own.twilio_sid,
            "twilio_auth_token": own.twilio_token,
            "twilio_api_url": self.server.url,
            "twilio_content_url": self.server.url,
            "twilio_sms_from": own.sms_from,
            "twilio_whatsapp_from": own.whatsapp_from,
            "telegram_bot_token": own.telegram_token,
            "telegram_bot_name": own.telegram_name,
            "telegram_api_url": self.server.url,
            "telegram_webhook_secret": SECRET,
            "allowed_recipients": "*",
            # A journey waits for nobody's pace.
            "pace_sms": 400,
            "pace_telegram": 400,
            "pace_whatsapp": 400,
            **settings,
        }
        # The port is known only once the server listens, and the house must know its own address.
        self.web = WebServer(_later(self), "127.0.0.1", 0)
        self.house = houses.build(
            load(None, **{"public_url": f"http://127.0.0.1:{self.web.port}", **given})
        )
        self.engine = Engine(self.house)
        self.app = create_app(self.house, self.engine.wake)
        self.web.start()
        _set_house(self.ground, f"http://127.0.0.1:{self.web.port}")
        self.at(TUESDAY)
        self.engine.start()
        self._until(lambda: self.server.providers.telegram.webhook is not None)
        self._until(self.engine.caught_up.is_set)

    def close(self) -> None:
        self.engine.stop()
        self.web.close()
        self.server.close()
        self.house.database.close()

    # ---------------------------------------------------------------- time

    def at(self, moment: datetime) -> None:
        """Let it be *moment*."""
        with self.house.database.session() as session:
            set_ahead(session, moment - (moments.now() - moments.practice_offset()))
        self.server.providers.clock.read()

    def tick(self, *, reports: bool = True) -> None:
        """Let the clock tick until nothing is due, then let everything settle."""
        for do, _ in work.TICKS.values():
            do(self.house, 200)
        self.engine.wake()
        self.engine.wake_senders()
        self.settle(reports=reports)

    def pass_(self, **time_: float) -> None:
        """Let time pass, e.g. ``hours=3``, ticking at its end."""
        self.at(moments.now() + timedelta(**time_))
        self.tick()

    def settle(self, *, reports: bool = True) -> None:
        """Wait until all that came in is handled and all that is due is out and reported.

        Without *reports*, what the providers still have to tell is not waited for.
        """

        def settled() -> bool:
            told = not reports or self.server.settle(PATIENCE)
            return told and not self._restless() and (not reports or self.server.settle(0.1))

        self._until(lambda: settled() and settled())

    def _until(self, true: Callable[[], bool]) -> None:
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            if true():
                return
            time.sleep(0.02)
        raise AssertionError(f"this did not come to be: {self._restless()}")

    def _restless(self) -> list[Any]:
        with self.house.database.reading() as session:
            return [
                *session.execute(
                    select(InboxEvent.id, InboxEvent.state, InboxEvent.error).where(
                        InboxEvent.state == "new"
                    )
                ),
                *session.execute(
                    select(Message.id, Message.key, Message.state, Message.cause).where(
                        Message.state.in_(("planned", "claimed", "sending")),
                        Message.not_before <= moments.now(),
                    )
                ),
            ]

    # ---------------------------------------------------------------- people

    def person(
        self,
        name: str,
        language: str,
        channel: str,
        address: str,
        *,
        invitations: bool | None = None,
        phone: bool = True,
        **more: Any,
    ) -> str:
        """Let someone be known to the house and have a phone; return their kenmerk."""
        kenmerk = f"P-{name}"
        with self.house.database.session() as session:
            person = Inburgeraar(
                kenmerk=kenmerk,
                first_name=name,
                language=language,
                created_at=moments.now(),
                **more,
            )
            place = session.scalars(
                select(Address).where(Address.channel == channel, Address.address == address)
            ).one_or_none() or Address(
                channel=channel,
                address=address,
                phone=address if address.startswith("+") else None,
                state="open",
                created_at=moments.now(),
            )
            session.add_all([person, place])
            session.flush()
            session.add(PersonAddress(person_id=person.id, address_id=place.id, rank=0))
            if invitations is not None:
                session.add(
                    Consent(
                        person_id=person.id,
                        purpose="invitation",
                        channel=None,
                        given=invitations,
                        evidence="test",
                        at=moments.now(),
                    )
                )
        if phone:
            self.ground.add(name, language, channel, address)
        return kenmerk

    def afspraak(
        self, kenmerk: str, person: str, begins: datetime, *, status: str = "gepland", **more: Any
    ) -> str:
        """Let staff make, move or cancel an afspraak; *begins* is local. Returns what changed."""
        details = {
            "minutes": 60,
            "soort": None,
            "place": "Wijkcentrum",
            "address": "Voorbeeldstraat 12",
            "staff": "Jansen",
            **more,
        }
        with self.house.database.session() as session:
            return afspraken.record(
                session,
                self.house,
                kenmerk=kenmerk,
                person=session.scalars(
                    select(Inburgeraar).where(Inburgeraar.kenmerk == person)
                ).one(),
                begins=moments.from_local(begins),
                status=status,
                **details,
            )

    def templates(self) -> None:
        """Make WhatsApp's templates in what journeys are played in, and have them approved."""
        made, failed = asyncio.run(approvals.push(self.house, SPOKEN))
        assert [] == failed
        assert made == asyncio.run(approvals.refresh(self.house)) + self._session_content()

    def _session_content(self) -> int:
        wanted = templates.wanted(self.house)
        return sum(want.category is None and want.language in SPOKEN for want in wanted)

    # ---------------------------------------------------------------- what is seen

    def phone(self, name: str) -> PhoneInHand:
        return PhoneInHand(self, next(p for p in self.ground.phones if p.name == name))

    def read(self, look: Callable[[Any], Any]) -> Any:
        with self.house.database.reading() as session:
            return look(session)

    def answer(self, kenmerk: str) -> str:
        return self.read(
            lambda s: s.scalars(select(Afspraak.answer).where(Afspraak.kenmerk == kenmerk)).one()
        )

    def tasks(self) -> list[str]:
        """Return the kinds of the open tasks, oldest first."""
        return self.read(
            lambda s: list(
                s.scalars(select(Task.kind).where(Task.done_at.is_(None)).order_by(Task.id))
            )
        )

    def intents(self) -> list[str]:
        return self.read(lambda s: list(s.scalars(select(Reply.intent).order_by(Reply.id))))

    def messages(self) -> list[tuple[str, str]]:
        """Return key and state of every message, in order."""
        return self.read(
            lambda s: [
                tuple(r) for r in s.execute(select(Message.key, Message.state).order_by(Message.id))
            ]
        )


@dataclass
class PhoneInHand:
    """One person's phone."""

    world: World
    phone: Phone

    @property
    def received(self) -> list[Bubble]:
        """What the house sent here, oldest first, as far as it arrived."""
        return [
            b for b in self.phone.bubbles if not b.mine and b.state not in ("failed", "undelivered")
        ]

    @property
    def last(self) -> Bubble:
        return self.received[-1]

    def say(self, text: str) -> Bubble | None:
        """Write *text*; return what came back last, if anything did."""
        return self._do("say", {"text": text})

    def tap(self, title: str) -> Bubble | None:
        """Tap the last button with this title."""
        bubble, button = next(
            (b, each) for b in reversed(self.received) for each in b.buttons if each.title == title
        )
        return self._do("tap", {"bubble": bubble.id, "button": button.id})

    def voice(self) -> Bubble | None:
        return self._do("voice", {})

    def share_contact(self, whose: str) -> Bubble | None:
        """Share one's ``own`` contact card, or an ``other`` person's."""
        return self._do("contact", {"whose": whose})

    def block(self) -> None:
        self._do("block", {})

    def unblock(self) -> None:
        self._do("unblock", {})

    def _do(self, what: str, form: Mapping[str, str]) -> Bubble | None:
        before = len(self.received)
        response = requests.post(
            f"{self.world.server.url}/phones/{self.phone.id}/{what}", json=dict(form), timeout=10
        )
        response.raise_for_status()
        self.world.settle()
        return self.received[-1] if len(self.received) > before else None


def _later(world: World) -> Any:
    """Return a WSGI application that is whatever *world.app* is by the time it is called."""
    return lambda environ, start_response: world.app(environ, start_response)


def _set_house(ground: Ground, url: str) -> None:
    from dataclasses import replace

    ground.accounts = replace(ground.accounts, house=url)
