"""What every channel speaks: an envelope comes in, an outgoing text goes out.

A channel decides nothing: which form a text takes (free text, template, opener) was
decided in the transaction before the call and is handed over in `Outgoing`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

WHATSAPP, SMS, TELEGRAM = "whatsapp", "sms", "telegram"


class Cause(StrEnum):
    """Why a message did not arrive: plain enough for staff, few enough to act on."""

    BAD_NUMBER = "bad_number"
    STOPPED = "stopped"
    NOT_ON_WHATSAPP = "not_on_whatsapp"
    UNREACHABLE = "unreachable"
    WINDOW_CLOSED = "window_closed"
    TOO_FAST = "too_fast"
    OUR_FAULT = "our_fault"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Advice:
    """A cause in Dutch, and what to do next."""

    dutch: str
    next_step: str


ADVICE: Mapping[Cause, Advice] = {
    Cause.BAD_NUMBER: Advice("Het nummer klopt niet.", "Vraag het juiste nummer en pas het aan."),
    Cause.STOPPED: Advice(
        "Deze persoon heeft STOP gestuurd.", "Stuur niets meer; bel of schrijf een brief."
    ),
    Cause.NOT_ON_WHATSAPP: Advice(
        "Dit nummer heeft geen WhatsApp.", "Kies sms of een ander kanaal."
    ),
    Cause.UNREACHABLE: Advice("De telefoon is niet bereikbaar.", "Probeer het later of bel."),
    Cause.WINDOW_CLOSED: Advice(
        "WhatsApp staat nu geen vrije tekst toe.",
        "Laat een sjabloon goedkeuren of kies een ander kanaal.",
    ),
    Cause.TOO_FAST: Advice(
        "De provider vraagt om langzamer te sturen.", "Wacht; het gaat vanzelf verder."
    ),
    Cause.OUR_FAULT: Advice(
        "Er klopt iets niet aan onze kant.", "Vraag de beheerder om `stap doctor`."
    ),
    Cause.UNKNOWN: Advice(
        "Onbekend of het bericht is aangekomen.", "Bel bij twijfel; stuur niet zomaar opnieuw."
    ),
}


class Certainty(StrEnum):
    """What a failed call leaves us knowing (reliability: the classification table)."""

    NOT_SENT = "not_sent"  # provably never reached the provider: may be tried again
    REJECTED = "rejected"  # the provider said no: final
    UNKNOWN = "unknown"  # may have been taken: never repeated blindly


class SendError(Exception):
    """The call did not end in an acceptance.

    certainty: what we know; cause: for staff; code: the provider's own, as text;
    retry_after: seconds to leave this sender alone, or None.
    """

    def __init__(
        self,
        certainty: Certainty,
        cause: Cause,
        *,
        code: str = "",
        detail: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"{certainty}: {cause} {code} {detail}".strip())
        self.certainty, self.cause, self.code = certainty, cause, code
        self.detail, self.retry_after = detail, retry_after

    @property
    def ill(self) -> bool:
        """True if it says that the channel is ill: nobody answers, or not with anything to go by,
        or we are refused whatever we ask. False if it is about one person or text, or our pace.
        """
        if self.certainty is Certainty.NOT_SENT:
            return self.cause is not Cause.TOO_FAST
        return self.certainty is Certainty.UNKNOWN


class Forged(Exception):
    """The envelope does not come from the provider, or not as it was sent. The answer is 403."""


class NotUnderstood(Exception):
    """A genuine event of a shape we do not know (yet). It is kept and shown by `stap doctor`."""


class Ignored(NotUnderstood):
    """A genuine event that is not for us (a group, another bot): kept, and nothing is done."""


_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def storable(text: str) -> str:
    """Return *text* with U+FFFD for NUL and lone surrogates.

    SQLite keeps those and PostgreSQL refuses them; both must store the same.
    """
    return _UNSTORABLE.sub("\ufffd", text)


_WORD = re.compile("[A-Za-z_]{1,32}")


def word(value: Any) -> str:
    """Return *value* if it can be a word of a provider's protocol, else ``?``.

    For messages about what we do not know: whatever else stands in its place may be personal.
    """
    return value if isinstance(value, str) and _WORD.fullmatch(value) else "?"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a channel can show. Lengths in the channel's own unit (UTF-16 units for Telegram)."""

    longest: int
    buttons: int  # how many, rows of a list included; 0 where answers are typed
    button_title: int
    window: bool  # free text only within 24 hours of the person's last message
    receipts: bool  # tells afterwards whether a message arrived


@dataclass(frozen=True, slots=True)
class Envelope:
    """One webhook as it came in, before anyone believed it."""

    url: str  # PUBLIC_URL + path + query exactly as called; never built from the Host header
    headers: Mapping[str, str]  # lower-case names
    form: tuple[tuple[str, str], ...] = ()  # every pair in order, blanks and repeats kept
    body: bytes = b""  # for JSON


@dataclass(frozen=True, slots=True)
class Media:
    """A file that a person sent. `ref` is a URL at the provider's own origin, or a file id."""

    kind: str  # "voice", "audio", "image", "video", "document", "location", "contact", "other"
    ref: str
    content_type: str = ""


FILE_LIMIT = 5 * 2**20
"""Bytes of the largest file that is fetched."""


@dataclass(frozen=True, slots=True)
class File:
    """A file that a person sent."""

    content: bytes
    content_type: str


class NotFetched(Exception):
    """A file that a person sent could not be taken, or is not one we take.

    again: whether it is of use to ask once more.
    """

    def __init__(self, why: str, *, again: bool = True) -> None:
        super().__init__(why)
        self.again = again


@dataclass(frozen=True, slots=True)
class Heard:
    """What a person did: wrote, tapped, spoke, shared, blocked."""

    channel: str
    address: str  # E.164, a business-scoped user id ("NL.…"), or a Telegram chat id as text
    ref: str  # the provider's id of this event
    at: datetime | None = None  # when the person did it, if the provider says so (UTC)
    text: str = ""  # exactly as received
    button: str = ""  # payload id of a tapped button
    quoted: str = ""  # the provider's id of our message that was tapped or quoted
    quoted_text: str = ""  # its text, and when it was sent, where the provider tells
    quoted_at: datetime | None = None
    media: tuple[Media, ...] = ()
    phone: str = ""  # the person's own number, E.164, if this event proves it
    profile_name: str = ""  # as the person calls themselves; never put in a message
    language_hint: str = ""  # the app's language, a hint and not the wish
    provider_stop: str = ""  # "stop" / "start" where the provider itself already acted on it
    provider_answered: bool = False  # the provider already told the person so
    edited: bool = False
    reachable: bool | None = None  # False: blocked us; True: unblocked
    callback: str = ""  # Telegram: id of the tap, to be answered at once
    start: str = ""  # Telegram: payload of /start


@dataclass(frozen=True, slots=True)
class StatusChange:
    """What the provider says later about one of our messages."""

    ref: str  # the provider's id
    status: str  # accepted queued sending sent delivered read undelivered failed canceled
    code: str = ""
    cause: Cause | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Button:
    """An answer one can tap. `id` comes back to us, `title` is what is read."""

    id: str
    title: str


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One text for one address, complete: the channel adds nothing and leaves nothing out."""

    message: int  # our id of the message
    attempt: int  # 1, 2, ...
    address: str
    body: str  # final text, numbers included where there are no buttons
    language: str
    useful_for: int  # seconds; nothing may arrive after this
    callback_url: str = ""  # where the provider reports, signed with our HMAC
    buttons: tuple[Button, ...] = ()
    content_sid: str = ""  # approved template or in-session content, instead of body
    variables: Mapping[str, str] = field(default_factory=dict)  # all of them, as {"1": "Selam"}
    picture_url: str = ""
    voice_url: str = ""  # a voice note, OGG/Opus: then there is no text


def _nobody_counts() -> None:
    pass


LEFT: ContextVar[Callable[[], None]] = ContextVar("left", default=_nobody_counts)
"""What `send` calls once its request stands on a connection: that is when it counts for a pace.
It is no parameter, because the providers' own clients, which lie in between, pass nothing on."""


class Channel(Protocol):
    """One way to reach people."""

    name: str
    capabilities: Capabilities
    at_once: int  # calls under way at the same time: more would only be slower

    def verify(self, envelope: Envelope) -> None:
        """Raise Forged unless *envelope* is genuine. Never raises anything else."""

    def hear(self, payload: Mapping[str, Any]) -> Heard | StatusChange:
        """Read one stored event (the form as a dict of str, or the parsed JSON Update).

        Raises NotUnderstood for shapes it does not know.
        """

    async def open(self) -> None:
        """Get ready to send, in the event loop that will do it; touches no network.

        The first `send` does it too, but is slow enough to bunch the first second of a pace.
        """

    async def send(self, outgoing: Outgoing) -> str:
        """Hand one text over, once, without retries; return the provider's id.

        Calls `LEFT` when its request is written. Raises SendError for everything that is not an
        acceptance.
        """

    async def alive(self) -> None:
        """Ask the provider something that sends nothing. Raises SendError, as `send` does."""

    async def close(self) -> None:
        """Let connections go."""
