"""What SMS and WhatsApp share at Twilio: signatures, forms, error codes, callbacks, sending.

Believing and reading a webhook needs only Twilio's request validator. The client that sends
is heavy; `twilio_client` holds it and is loaded by the first `open` or `send`.

Source: twilio.com/docs/usage/security, /docs/messaging/guides/webhook-request,
/docs/messaging/guides/outbound-message-status-in-status-callbacks, /docs/api/errors.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from twilio.request_validator import RequestValidator

from bot.channels.base import (
    SMS,
    Capabilities,
    Cause,
    Certainty,
    Envelope,
    Forged,
    Heard,
    Media,
    NotUnderstood,
    Outgoing,
    SendError,
    StatusChange,
    storable,
    word,
)
from bot.settings import Settings

if TYPE_CHECKING:
    from bot.channels.twilio_client import TwilioClient

WHATSAPP_PREFIX = "whatsapp:"

CALLBACK_PATH = "/webhooks/twilio/status"
_RETRY_ALL = "#rc=5&rp=all"
"""Twilio's connection override: call again, five times, whatever went wrong."""

_LONGEST_VALIDITY = 36_000
"""Seconds that Twilio keeps trying at most."""

_MOST_MEDIA = 10

E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_USER_ID = re.compile(r"[A-Z]{2}\.[A-Za-z0-9]{1,128}")
_MESSAGE_SID = re.compile(r"(SM|MM)[0-9a-f]{32}")
# One of: a number, a short code, a name as sender, a WhatsApp number or user id.
_ADDRESS = re.compile(
    rf"{E164.pattern}|[0-9]{{3,8}}|(?=[^A-Za-z]*[A-Za-z])[A-Za-z0-9 ]{{1,11}}"
    rf"|{WHATSAPP_PREFIX}({E164.pattern}|{_USER_ID.pattern})"
)

_STATUSES = {
    # Twilio's word -> ours. The two that stand apart claim no more than is certain.
    "accepted": "accepted",
    "scheduled": "accepted",
    "queued": "queued",
    "sending": "sending",
    "sent": "sent",
    "partially_delivered": "sent",
    "delivered": "delivered",
    "read": "read",
    "undelivered": "undelivered",
    "failed": "failed",
    "canceled": "canceled",
}
_INBOUND = {"receiving", "received"}
_WITHOUT_CAUSE = {"accepted", "queued", "sending", "sent", "delivered", "read"}

CAUSES: Mapping[str, Cause] = {
    # Told at once, as the answer to our call.
    "20003": Cause.OUR_FAULT,  # wrong token or key
    "20429": Cause.TOO_FAST,
    "21211": Cause.BAD_NUMBER,
    "21212": Cause.OUR_FAULT,  # our sender is no number
    "21408": Cause.OUR_FAULT,  # country not switched on
    "21602": Cause.OUR_FAULT,  # no text
    "21603": Cause.OUR_FAULT,  # no sender
    "21604": Cause.OUR_FAULT,  # no recipient
    "21606": Cause.OUR_FAULT,  # sender not of this account
    "21610": Cause.STOPPED,
    "21611": Cause.TOO_FAST,  # the sender's queue is full
    "21612": Cause.BAD_NUMBER,  # no route to it
    "21614": Cause.BAD_NUMBER,  # a landline
    "21617": Cause.OUR_FAULT,  # text too long
    "21620": Cause.OUR_FAULT,  # the picture's address cannot be read
    "21656": Cause.OUR_FAULT,  # template variables are no JSON
    "21910": Cause.OUR_FAULT,  # sender and recipient on different channels
    "35111": Cause.OUR_FAULT,  # these four: scheduling at Twilio, which we do not ask for
    "35114": Cause.OUR_FAULT,
    "35115": Cause.OUR_FAULT,
    "35118": Cause.OUR_FAULT,
    # Told later, in a status callback.
    "30001": Cause.TOO_FAST,
    "30002": Cause.OUR_FAULT,  # account suspended
    "30003": Cause.UNREACHABLE,
    "30004": Cause.UNREACHABLE,  # the phone or its operator blocks us
    "30005": Cause.BAD_NUMBER,
    "30006": Cause.BAD_NUMBER,
    "30007": Cause.OUR_FAULT,  # filtered by the operator: our text or link
    "30008": Cause.UNKNOWN,
    "30034": Cause.OUR_FAULT,  # sender not registered in the United States
    "63003": Cause.NOT_ON_WHATSAPP,
    "63007": Cause.OUR_FAULT,  # sender is no WhatsApp sender
    "63013": Cause.OUR_FAULT,  # against WhatsApp's policy
    "63016": Cause.WINDOW_CLOSED,
    "63018": Cause.TOO_FAST,
    "63019": Cause.OUR_FAULT,  # the picture or sound could not be fetched from us
    "63024": Cause.NOT_ON_WHATSAPP,
    "63032": Cause.UNREACHABLE,  # in an experiment of WhatsApp's: no business reaches them
    "63049": Cause.TOO_FAST,  # WhatsApp holds back marketing to this person
    "63051": Cause.OUR_FAULT,  # WhatsApp account locked
}
"""What Twilio's error codes mean to staff."""


def cause_of(code: str | int | None) -> Cause:
    """Return what error *code* means; UNKNOWN for a code that nobody told us about."""
    return CAUSES.get(str(code), Cause.UNKNOWN)


# Callbacks: the address at which Twilio reports carries our own id, and proof that it is ours.


def callback_signature(key: bytes, message: int | str, attempt: int | str) -> str:
    """Return the 32 hex characters that prove we made the callback address of this attempt."""
    said = f"twilio-status:{message}:{attempt}".encode(errors="replace")
    return hmac.new(key, said, hashlib.sha256).hexdigest()[:32]


def callback_url(public_url: str, key: bytes, message: int, attempt: int) -> str:
    """Return where Twilio reports on this attempt, also if its answer to us is lost.

    The fragment is an instruction to Twilio; it is not called, nor part of the signature.
    """
    proof = callback_signature(key, message, attempt)
    return f"{public_url}{CALLBACK_PATH}?m={message}&a={attempt}&k={proof}{_RETRY_ALL}"


def check_callback(key: bytes, m: str, a: str, k: str) -> bool:
    """Tell whether *k* proves *m* and *a*, all three exactly as they stood in the query."""
    proof = callback_signature(key, m, a)
    return hmac.compare_digest(proof.encode(), k.encode(errors="replace"))


@dataclass(frozen=True, slots=True)
class Listed:
    """One message as Twilio's own list tells of it, ours or theirs."""

    ref: str  # the SID
    direction: str  # "inbound", "outbound-api", "outbound-reply" (Twilio's own answer) …
    to: str  # as Twilio writes it: "whatsapp:+316…"
    from_: str  # "" while a messaging service has not picked a sender
    service: str  # the messaging service, or ""
    body: str  # "" if Twilio was told to keep none
    status: str
    code: str
    created: datetime
    segments: int
    media: int  # how many files

    def change(self) -> StatusChange:
        """Return it as a status callback would have told it. Raises NotUnderstood."""
        return status_change(self.ref, self.status, self.code)

    def form(self, account: str, media: Sequence[Media]) -> dict[str, str]:
        """Return it as the webhook would have brought it, as far as the list knows.

        The list does not say which button was tapped or what was quoted.
        """
        files = {
            name: value
            for number, file in enumerate(media)
            for name, value in (
                (f"MediaUrl{number}", file.ref),
                (f"MediaContentType{number}", file.content_type),
            )
        }
        return {
            "MessageSid": self.ref,
            "AccountSid": account,
            "From": self.from_,
            "To": self.to,
            "Body": self.body,
            "NumMedia": str(len(media)),
            "NumSegments": str(self.segments),
            "SmsStatus": "received",
            **files,
        }


def status_change(ref: str, status: str, code: str) -> StatusChange:
    """Return what *status*, Twilio's word, means to us. Raises NotUnderstood."""
    ours = _STATUSES.get(status)
    if ours is None:
        raise NotUnderstood(f"unknown status: {word(status)}")
    if ours in _WITHOUT_CAUSE:
        cause = None
    elif ours == "canceled":
        cause = Cause.OUR_FAULT
    else:
        cause = cause_of(code)
    return StatusChange(ref=ref, status=ours, code=code, cause=cause)


class _Form:
    """A form as the validator wants it: its names, and every value of a name."""

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(value)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __bool__(self) -> bool:
        return bool(self._values)

    def getlist(self, name: str) -> list[str]:
        return self._values.get(name, [])

    def only(self, name: str) -> str:
        """Return the one value of *name*, or ``""`` if it is absent or said twice."""
        values = self.getlist(name)
        return values[0] if len(values) == 1 else ""


class TwilioChannel(ABC):
    """One of the two ways to reach people through Twilio."""

    name: str
    capabilities: Capabilities
    at_once = 100

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._validators = [RequestValidator(token) for token in settings.twilio_auth_token]
        self._client: TwilioClient | None = None

    def verify(self, envelope: Envelope) -> None:
        """Raise Forged unless Twilio signed *envelope*, for our account, in known shapes.

        Twilio's signature runs names and values together, so a captured request can be cut
        up differently and still be valid: the shapes of the fields that say who wrote are
        strict. What a signature was used for before is the inbox's to know.
        """
        try:
            genuine = self._is_genuine(envelope)
        except Exception as error:
            # The validator crashes on hostile input, in more ways than are worth naming.
            raise Forged("unreadable") from error
        if not genuine:
            raise Forged("not signed by Twilio for this account")

    def _is_genuine(self, envelope: Envelope) -> bool:
        signature = envelope.headers["x-twilio-signature"]
        form = _Form(envelope.form)
        if len(set(envelope.form)) != len(envelope.form):
            return False  # the signature counts a pair once, however often it is there
        if not self._is_signed(envelope, form, signature):
            return False
        reports = bool(form.getlist("MessageStatus"))
        if reports and word(form.only("MessageStatus")) == "?":
            return False
        return (
            form.only("AccountSid") == self._settings.twilio_account_sid
            and _MESSAGE_SID.fullmatch(form.only("MessageSid")) is not None
            and _ADDRESS.fullmatch(form.only("To")) is not None
            and (
                _ADDRESS.fullmatch(form.only("From")) is not None
                # A messaging service that found no sender reports without one.
                or (reports and not form.getlist("From"))
            )
        )

    def _is_signed(self, envelope: Envelope, form: _Form, signature: str) -> bool:
        """Say whether *signature* is one that a token of ours makes of *envelope*.

        Nearly always the address is signed as it was called, and one HMAC tells. Twilio's own
        validator, which takes six times as long, knows the other ways to write a port.
        """
        signed = envelope.url + "".join(name + value for name, value in sorted(envelope.form))
        for token in self._settings.twilio_auth_token:
            mac = base64.b64encode(hmac.digest(token.encode(), signed.encode(), "sha1"))
            if hmac.compare_digest(mac, signature.encode()):
                return True
        return any(
            validator.validate(envelope.url, form, signature) for validator in self._validators
        )

    def hear(self, payload: Mapping[str, Any]) -> Heard | StatusChange:
        """Read one stored form, as a dict of str."""
        form = {str(name): storable(str(value)) for name, value in payload.items()}
        if not form.get("MessageSid"):
            raise NotUnderstood("no MessageSid")
        status = form.get("MessageStatus") or form.get("SmsStatus", "")
        if status and status not in _INBOUND:
            return status_change(form["MessageSid"], status, form.get("ErrorCode", ""))
        if "Body" not in form and "NumMedia" not in form:
            raise NotUnderstood("neither a message nor a status")
        return self._heard(form)

    @abstractmethod
    def _heard(self, form: Mapping[str, str]) -> Heard:
        """Read what a person wrote; the form is complete and storable."""

    @abstractmethod
    def in_list(self, address: str) -> str:
        """Return how Twilio writes *address* of this channel."""

    @property
    @abstractmethod
    def sender(self) -> str:
        """How Twilio writes our own number; "" if a messaging service picks one."""

    @property
    def service(self) -> str:
        """The messaging service that sends for this channel, or ""."""
        return self._settings.twilio_messaging_service_sid if self.name == SMS else ""

    @property
    def heard_at(self) -> str:
        """The number that people write to; "" if there may be several, or none."""
        if self.service or not E164.fullmatch(self.sender.removeprefix(WHATSAPP_PREFIX)):
            return ""
        return self.sender

    def sent_it(self, listed: Listed) -> bool:
        """Say whether *listed* went out at our word and from this sender."""
        return listed.direction == "outbound-api" and self._ours(listed.from_, listed)

    def hears(self, listed: Listed) -> bool:
        """Say whether *listed* is what somebody wrote to this sender."""
        return listed.direction == "inbound" and self._ours(listed.to, listed)

    def _ours(self, number: str, listed: Listed) -> bool:
        return bool(
            (self.sender and number == self.sender)
            or (self.service and listed.service == self.service)
        )

    @abstractmethod
    def _fields(self, outgoing: Outgoing) -> dict[str, Any]:
        """Return the sender, the recipient and the content, by the client's names for them."""

    def _media(self, form: Mapping[str, str]) -> tuple[Media, ...]:
        """Return the files that came along. One that lies elsewhere than at Twilio has no ref."""
        files: list[Media] = []
        for number in range(_MOST_MEDIA):
            url = form.get(f"MediaUrl{number}")
            if url is None:
                break
            at_twilio = url.startswith(self._settings.twilio_api_url + "/")
            content_type = form.get(f"MediaContentType{number}", "")
            files.append(Media(kind_of(content_type), url if at_twilio else "", content_type))
        return tuple(files)

    async def open(self) -> None:
        """Load the client and build its pool, in the event loop that will send."""
        self._opened()

    def _opened(self) -> TwilioClient:
        if self._client is None:
            from bot.channels import twilio_client

            self._client = twilio_client.TwilioClient(self._settings, twilio_client.TIMEOUT)
        return self._client

    async def send(self, outgoing: Outgoing) -> str:
        """Hand one text to Twilio, once; return its SID. Raises SendError."""
        if outgoing.useful_for < 1:
            raise SendError(Certainty.NOT_SENT, Cause.OUR_FAULT, detail="no longer of use")
        fields = self._fields(outgoing)
        if outgoing.callback_url:
            fields["status_callback"] = outgoing.callback_url
        return await self._opened().create_message(
            validity_period=min(outgoing.useful_for, _LONGEST_VALIDITY), **fields
        )

    async def alive(self) -> None:
        """Ask after our account: it answers, knows our key, and lets us send. Raises SendError."""
        state = await self._opened().account()
        if state != "active":
            raise SendError(Certainty.NOT_SENT, Cause.OUR_FAULT, code=state, detail="account")

    async def close(self) -> None:
        """Let connections go; a later `send` makes new ones."""
        if self._client is not None:
            client, self._client = self._client, None
            await client.close()


def content_variables(variables: Mapping[str, str]) -> str:
    """Return a template's *variables* as Twilio wants them: a string of JSON."""
    return json.dumps(dict(variables), ensure_ascii=False)


def kind_of(content_type: str) -> str:
    """Return the kind of Media of a file of this type."""
    family, _, member = content_type.partition(";")[0].strip().lower().partition("/")
    if family in ("image", "video", "audio"):
        return family
    if member in ("vcard", "x-vcard"):
        return "contact"
    return "document" if family in ("application", "text") else "other"
