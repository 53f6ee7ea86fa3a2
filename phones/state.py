"""What the practice ground knows: phones and their bubbles, the log, the armed fault, the clock.

All of it lives in memory and belongs to one ``Ground``, shared by every thread of the server.
Read and change it while holding ``ground.lock``; ``ground.changing()`` does that and tells
whoever waits (the page's event stream) that something is new.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, get_args

Channel = Literal["whatsapp", "sms", "telegram"]
Kind = Literal["text", "voice", "image"]
BubbleState = Literal["queued", "sent", "delivered", "read", "undelivered", "failed"]
FaultKind = Literal[
    "429", "403", "63016", "21610", "late", "double", "shuffled", "lost", "silent", "dropped"
]

CHANNELS: Final[tuple[str, ...]] = get_args(Channel)
FAULTS: Final[tuple[str, ...]] = get_args(FaultKind)
WINDOW: Final = timedelta(hours=24)
"""How long WhatsApp lets a business write free text after a person's last message."""
LATE: Final = timedelta(seconds=30)
"""How much later everything comes under the fault ``late``, unless the clock is moved."""
FIRST_OPENED: Final = datetime(2026, 1, 1, tzinfo=UTC)
LOG_KEEPS: Final = 5_000
LOG_OUTLIVES: Final = 200
"""How much of the log a restart leaves."""
UNKNOWN_NAME: Final = "Onbekend"


@dataclass(frozen=True)
class Accounts:
    """What the practice ground calls its own: addresses, keys and senders. All fictional."""

    house: str = ""
    """Origin of the house, e.g. ``http://127.0.0.1:8000``; empty: nobody to call."""
    twilio_sid: str = "AC" + "0f" * 16
    twilio_token: str = "practice-twilio-token"  # noqa: S105 - fictional, practice only
    twilio_key_sid: str = "SK" + "0f" * 16
    twilio_key_secret: str = "practice-key-secret"  # noqa: S105 - fictional, practice only
    sms_from: str = "+3197000000000"
    whatsapp_from: str = "+3197000000001"
    messaging_service: str = "MG" + "0f" * 16
    advanced_opt_out: bool = False
    """The messaging service answers STOP and START itself, and says so (``OptOutType``)."""
    telegram_token: str = "1000:practice-telegram-token"  # noqa: S105 - fictional, practice only
    telegram_name: str = "StapVooruitOefenBot"
    telegram_secret: str = ""
    """When set, Telegram starts with its webhook at the house; else the bot calls setWebhook."""
    sender_name: str = ""
    """What the house is called on a phone: WhatsApp's business name, the bot's title, the name
    under which an SMS number is known. Empty: the address itself."""
    delay: float = 0.2
    """Seconds between accepting a message and each thing that happens to it."""


class Button(NamedTuple):
    """A button under a bubble: the id that comes back (or a web address) and its title."""

    id: str
    title: str


@dataclass
class Bubble:
    """One message on one phone."""

    id: str
    mine: bool
    """Typed by the person; else it came from the house."""
    text: str
    at: datetime
    """Practice time, aware."""
    kind: Kind = "text"
    media_url: str | None = None
    template: dict[str, str] | None = None
    """``name``, ``category`` and ``language`` of the approved template it was sent as."""
    buttons: list[Button] = field(default_factory=list)
    tapped: str | None = None
    """Id of the button the person chose."""
    asks_contact: bool = False
    """Telegram shows a button "share my number" instead of the keyboard."""
    edited: bool = False
    state: BubbleState = "queued"
    error_code: int | None = None
    """The provider's code; set on what never reached the phone."""
    segments: dict[str, Any] | None = None
    """SMS only: ``count``, ``coding``, ``length``, ``cost`` (euro), ``folded`` (the count if its
    accents were plain letters; None where that saves nothing)."""
    quoted: str | None = None
    """Id of the bubble it answers."""
    ref: str = ""
    """The provider's own id: a Twilio SID, or Telegram's message number in this chat."""


@dataclass
class Phone:
    """One person's phone on one channel: all a provider knows of them."""

    id: str
    name: str
    language: str
    channel: Channel
    address: str
    """E.164 (or a WhatsApp user id such as ``NL.ab12``); for Telegram the chat id."""
    sender: str = ""
    """The house's number in this conversation: the last one that wrote, else the account's."""
    blocked: bool = False
    """The person blocked the house."""
    started: bool = True
    """Telegram: the person pressed Start. Without it a bot may not write."""
    opted_out: set[str] = field(default_factory=set)
    """Twilio: senders this person said STOP to."""
    window_until: datetime | None = None
    """WhatsApp: until when free text is allowed; None: the person never wrote."""
    bubbles: list[Bubble] = field(default_factory=list)

    def bubble(self, bubble_id: str) -> Bubble | None:
        """Return the bubble with this id."""
        return next((bubble for bubble in reversed(self.bubbles) if bubble.id == bubble_id), None)

    def by_ref(self, ref: str) -> Bubble | None:
        """Return the newest bubble that the provider knows as *ref*."""
        return next((bubble for bubble in reversed(self.bubbles) if bubble.ref == ref), None)


@dataclass
class Exchange:
    """One real HTTP request between the house and a provider."""

    at: datetime
    direction: Literal["in", "out"]
    """``in``: the house called the provider; ``out``: the provider called the house."""
    method: str
    path: str
    params: dict[str, Any]
    """Every field as sent, in full."""
    status: int | None = None
    """HTTP status of the answer; None: there was none."""
    response: str = ""
    """What was answered, in a few words."""
    phone: str | None = None
    valid: bool = True
    """It kept the published rules of the provider (in) or the house took it (out)."""
    complaint: str = ""
    id: int = 0


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong once, with the next message of one phone or of any."""

    kind: FaultKind
    phone: str | None = None


@dataclass
class GroundMemory:
    """What of the ground outlives its process."""

    phones: list[Phone]
    gone: set[tuple[str, str]]
    log: list[Exchange]
    fault: Fault | None
    number: int
    """The last number given."""
    ahead: timedelta
    """Practice time minus real time."""


class Ground:
    """The one state of the practice ground. Threads share it; ``lock`` is re-entrant."""

    def __init__(self, accounts: Accounts | None = None, phones: Iterable[Phone] = ()) -> None:
        self.accounts = accounts or Accounts()
        self.lock = threading.RLock()
        self.version = 0
        self.closed = False
        """Nothing will change any more."""
        self.remembers = False
        """Whether it goes on where an earlier process left off."""
        self._settle_in(phones)
        self._slugs: dict[str, int] = {}
        self.log: list[Exchange] = []
        self.gone: set[tuple[str, str]] = set()
        """Channel and address of phones that were taken away."""
        self.fault: Fault | None = None
        self.next_moment: datetime | None = None
        """Practice time of the next thing the house has planned, if it told."""
        self._changed = threading.Condition(self.lock)
        self._offset = timedelta()
        # Ten a second since the practice ground was first opened: a house that keeps its database
        # while the ground starts anew is never given a message or update number twice.
        self._numbers = int((datetime.now(UTC) - FIRST_OPENED).total_seconds() * 10)

    def memory(self) -> GroundMemory:
        """Return what should be kept of it; the same objects, so hold the lock."""
        return GroundMemory(
            phones=self.phones,
            gone=self.gone,
            log=self.log[-LOG_OUTLIVES:],
            fault=self.fault,
            number=self._numbers,
            ahead=self._offset,
        )

    def remember(self, memory: GroundMemory) -> None:
        """Go on where an earlier process left off; who is new stays, who was taken away goes."""
        with self.changing():
            self.remembers = True
            brought = self.phones
            self._settle_in(memory.phones)
            self.gone, self.log, self.fault = memory.gone, memory.log, memory.fault
            self._numbers = max(self._numbers, memory.number)
            self._offset = memory.ahead
            for phone in brought:
                if not self.is_gone(phone.channel, phone.address):
                    self.add(
                        phone.name,
                        phone.language,
                        phone.channel,
                        phone.address,
                        sender=phone.sender,
                        started=phone.started,
                    )

    def _settle_in(self, phones: Iterable[Phone]) -> None:
        self.phones: list[Phone] = list(phones)
        self._by_id = {phone.id: phone for phone in self.phones}
        self._by_address = {(phone.channel, phone.address): phone for phone in self.phones}

    # -- change and wait -------------------------------------------------------------------

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Hold the lock, then raise the version and wake whoever waits."""
        with self.lock:
            yield
            self.version += 1
            self._changed.notify_all()

    def wait(self, seen: int, timeout: float) -> int:
        """Wait until the version is above *seen* or *timeout* seconds pass; return it."""
        with self._changed:
            self._changed.wait_for(lambda: self.version > seen or self.closed, timeout)
            return self.version

    def close(self) -> None:
        """Let go of whoever waits for news."""
        with self._changed:
            self.closed = True
            self._changed.notify_all()

    # -- clock -----------------------------------------------------------------------------

    def now(self) -> datetime:
        """Return practice time, aware UTC."""
        return datetime.now(UTC) + self._offset

    def set_clock(self, now: datetime, next_moment: datetime | None) -> bool:
        """Take over the house's clock. Return whether it jumped by more than a few seconds."""
        offset = now - datetime.now(UTC)
        with self.lock:
            jumped = abs(offset - self._offset) > timedelta(seconds=3)
            if not jumped and next_moment == self.next_moment:
                return False
            with self.changing():
                self._offset = offset
                self.next_moment = next_moment
        return jumped

    # -- phones ----------------------------------------------------------------------------

    def phone(self, phone_id: str) -> Phone | None:
        """Return the phone with this id."""
        with self.lock:
            return self._by_id.get(phone_id)

    def phone_at(self, channel: Channel, address: str) -> Phone | None:
        """Return the phone a provider would reach at this address."""
        with self.lock:
            return self._by_address.get((channel, address))

    def add(
        self,
        name: str,
        language: str,
        channel: Channel,
        address: str,
        *,
        sender: str = "",
        started: bool = True,
    ) -> Phone:
        """Put a phone on the ground, or return the one that already has this address.

        The id is a slug of the name, numbered where it is taken.
        """
        if channel not in CHANNELS:
            raise ValueError(f"No such channel: {channel!r}. Use one of {', '.join(CHANNELS)}.")
        address = address.removeprefix("whatsapp:").replace(" ", "")
        if channel == "telegram" and not address.isdecimal():
            raise ValueError(f"{name}: {address!r} is no Telegram chat id; it must be a number.")
        with self.lock:
            if known := self.phone_at(channel, address):
                return known
            slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "telefoon"
            phone_id = slug
            while phone_id in self._by_id:
                number = self._slugs[slug] = self._slugs.get(slug, 1) + 1
                phone_id = f"{slug}-{number}"
            phone = Phone(
                phone_id,
                name,
                language,
                channel,
                address,
                sender=(sender or self._own_sender(channel)).removeprefix("whatsapp:"),
                started=started,
            )
            with self.changing():
                self.phones.append(phone)
                self._by_id[phone.id] = phone
                self._by_address[channel, address] = phone
                self.gone.discard((channel, address))
            return phone

    def remove(self, phone_id: str) -> bool:
        """Take a phone away; return whether it was there."""
        with self.changing():
            phone = self.phone(phone_id)
            if phone is not None:
                self.phones = [other for other in self.phones if other is not phone]
                del self._by_id[phone.id], self._by_address[phone.channel, phone.address]
                self.gone.add((phone.channel, phone.address))
            return phone is not None

    def is_gone(self, channel: Channel, address: str) -> bool:
        """Return whether a phone with this address was taken away (and not brought back)."""
        with self.lock:
            return (channel, address) in self.gone

    def bring(self, people: Iterable[Mapping[str, Any]]) -> list[Phone]:
        """Add phones from entries with ``name, language, channel, address`` and ``sender?``."""
        return [
            self.add(
                str(person["name"]),
                str(person["language"]),
                person["channel"],
                str(person["address"]),
                sender=str(person.get("sender") or ""),
                started=bool(person.get("started", True)),
            )
            for person in people
        ]

    def _own_sender(self, channel: Channel) -> str:
        return {
            "whatsapp": self.accounts.whatsapp_from,
            "sms": self.accounts.sms_from,
            "telegram": self.accounts.telegram_name,
        }[channel]

    # -- bubbles ---------------------------------------------------------------------------

    def number(self) -> int:
        """Return a number never given before (bubbles, message and update ids)."""
        with self.lock:
            self._numbers += 1
            return self._numbers

    def show(
        self,
        phone: Phone,
        text: str,
        *,
        mine: bool,
        kind: Kind = "text",
        media_url: str | None = None,
        template: dict[str, str] | None = None,
        buttons: Sequence[Button] = (),
        asks_contact: bool = False,
        state: BubbleState = "queued",
        error_code: int | None = None,
        segments: dict[str, Any] | None = None,
        quoted: str | None = None,
        ref: str = "",
    ) -> Bubble:
        """Put a bubble at the end of a phone's conversation and return it."""
        with self.changing():
            bubble = Bubble(
                id=f"b{self.number()}",
                mine=mine,
                text=text,
                at=self.now(),
                kind=kind,
                media_url=media_url,
                template=template,
                buttons=list(buttons),
                asks_contact=asks_contact,
                state=state,
                error_code=error_code,
                segments=segments,
                quoted=quoted,
                ref=ref,
            )
            phone.bubbles.append(bubble)
            return bubble

    # -- log -------------------------------------------------------------------------------

    def note(self, exchange: Exchange) -> Exchange:
        """Write a request in the log; the oldest fall off after ``LOG_KEEPS``."""
        with self.changing():
            exchange.id = self.number()
            self.log.append(exchange)
            if len(self.log) > LOG_KEEPS:
                del self.log[: LOG_KEEPS // 10]
            return exchange

    # -- faults ----------------------------------------------------------------------------

    def arm(self, kind: FaultKind, phone_id: str | None = None) -> Fault:
        """Arm one fault; the one that was armed is let go."""
        if kind not in FAULTS:
            raise ValueError(f"No such fault: {kind!r}. Use one of {', '.join(FAULTS)}.")
        if phone_id is not None and self.phone(phone_id) is None:
            raise ValueError(f"No phone {phone_id!r} here.")
        with self.changing():
            self.fault = Fault(kind, phone_id)
            return self.fault

    def disarm(self) -> None:
        """Let go of the armed fault."""
        with self.changing():
            self.fault = None

    def strike(self, phone: Phone | None, *kinds: FaultKind) -> FaultKind | None:
        """Return the armed fault if it is one of *kinds* and meant for this phone; it lets go."""
        with self.lock:
            fault = self.fault
            if fault is None or fault.kind not in kinds:
                return None
            if fault.phone is not None and (phone is None or fault.phone != phone.id):
                return None
            self.disarm()
            return fault.kind

    # -- as JSON ---------------------------------------------------------------------------

    def as_json(self) -> dict[str, Any]:
        """Return everything but the log, ready for JSON; moments as ISO 8601 with offset."""
        with self.lock:
            return {
                "version": self.version,
                "now": self.now().isoformat(),
                "next": self.next_moment and self.next_moment.isoformat(),
                "fault": self.fault and asdict(self.fault),
                "remembers": self.remembers,
                "phones": [_plain(asdict(phone)) for phone in self.phones],
            }

    def log_as_json(self) -> list[dict[str, Any]]:
        """Return the log, oldest first, ready for JSON."""
        with self.lock:
            return [_plain(asdict(exchange)) for exchange in self.log]


def _plain(value: Any) -> Any:
    """Return *value* with moments as ISO 8601 and sets as sorted lists."""
    match value:
        case datetime():
            return value.isoformat()
        case Button():
            return value._asdict()
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case set():
            return sorted(value)
        case list() | tuple():
            return [_plain(item) for item in value]
        case _:
            return value


def read_people(path: Path) -> list[dict[str, Any]]:
    """Read a people file: a JSON list of ``{name, language, channel, address, sender?}``."""
    people = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(people, list):
        raise ValueError(f"{path} is not a JSON list of people.")
    return people
