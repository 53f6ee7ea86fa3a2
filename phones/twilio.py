"""A stand-in for Twilio: Messages, Media, Content and Accounts over its published HTTP.

Messages come in by ``POST Messages.json`` and show on a phone; what the person does there goes
to the house as a signed webhook, and what happens to a message as signed status callbacks.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from phones import record
from phones.content import (
    BUTTONS_IN_SESSION,
    Content,
    Contents,
    Refusal,
    Rendered,
    missing,
    render,
)
from phones.deliver import Answer, Courier, Parcel, fetch, path_of, tell
from phones.segments import SMART, meter
from phones.state import (
    LATE,
    UNKNOWN_NAME,
    WINDOW,
    Bubble,
    BubbleState,
    Channel,
    Exchange,
    Ground,
    Phone,
)

API: Final = "/2010-04-01"
VOICE: Final = Path(__file__).parent / "static" / "voice.ogg"
CREATE_PARAMETERS: Final = frozenset(
    {
        "To",
        "StatusCallback",
        "ApplicationSid",
        "MaxPrice",
        "ProvideFeedback",
        "Attempt",
        "ValidityPeriod",
        "ForceDelivery",
        "ContentRetention",
        "AddressRetention",
        "SmartEncoded",
        "PersistentAction",
        "TrafficType",
        "ShortenUrls",
        "ScheduleType",
        "SendAt",
        "SendAsMms",
        "ContentVariables",
        "MessageIntent",
        "RiskCheck",
        "From",
        "FallbackFrom",
        "MessagingServiceSid",
        "Body",
        "MediaUrl",
        "ContentSid",
    }
)
"""Everything the published API takes at create. Twilio ignores the rest; here it is refused,
so that a misspelt field is noticed."""
LIST_PARAMETERS: Final = frozenset(
    {"To", "From", "DateSent", "DateSent<", "DateSent>", "PageSize", "Page", "PageToken"}
)
RANKS: Final = ("scheduled", "accepted", "queued", "sending", "sent", "delivered", "read")
FINAL: Final = frozenset({"delivered", "read", "undelivered", "failed", "canceled", "received"})
STOP_WORDS: Final = frozenset(
    {"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"}
)
START_WORDS: Final = frozenset({"START", "UNSTOP"})
HELP_WORDS: Final = frozenset({"HELP", "INFO"})
OWN_ANSWERS: Final = {
    "STOP": "You have successfully been unsubscribed. You will not receive any more messages "
    "from this number. Reply START to resubscribe.",
    "START": "You have successfully been re-subscribed to messages from this number. "
    "Reply HELP for help. Reply STOP to unsubscribe. Msg&Data Rates May Apply.",
    "HELP": "Reply STOP to unsubscribe. Msg&Data Rates May Apply.",
}
"""What Twilio itself answers to its default keywords."""
START_PATIENCE: Final = 60.0
"""Seconds that messages kept over a restart wait for the house to be there."""
REASONS: Final = {
    30003: "Unreachable destination handset",
    30004: "Message blocked",
    63016: "Failed to send freeform message because you are outside the allowed window. "
    "If you are using WhatsApp, please use a Message Template.",
    63019: "Media failed to download",
    63040: "Template rejected",
}


class Cut(Exception):
    """The connection breaks before Twilio has taken the message (the fault ``dropped``)."""


class Unable(Exception):
    """A person cannot do this on this phone. The message says why, in Dutch."""


def sign(url: str, params: Mapping[str, str], token: str) -> str:
    """Return ``X-Twilio-Signature``: HMAC-SHA1 over the URL and the sorted fields, in base64.

    Source: Twilio, "Validating requests": the URL exactly as called, without fragment.
    """
    text = url + "".join(key + params[key] for key in sorted(params))
    digest = hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


@dataclass
class Message:
    """One message resource, in or out."""

    sid: str
    to: str
    sender: str
    body: str
    status: str
    created: datetime
    inbound: bool = False
    service: str | None = None
    segments: int = 1
    callback: str = ""
    media: list[str] = field(default_factory=list)
    """Media SIDs of an inbound message."""
    media_count: int = 0
    sent: datetime | None = None
    updated: datetime | None = None
    error_code: int | None = None
    send_at: datetime | None = None
    phone: str = ""
    bubble: str = ""
    is_list: bool = False
    is_template: bool = False
    media_failed: bool = False
    steps: list[tuple[str, int | None]] = field(default_factory=list)
    """What will happen to it: statuses with the error code of the last, if any."""

    def steps_ahead(self) -> list[tuple[str, int | None]]:
        """Return what will still happen to it."""
        here = RANKS.index(self.status) if self.status in RANKS else -1
        return [
            (status, code)
            for status, code in self.steps
            if status not in RANKS or RANKS.index(status) > here
        ]

    def move(self, status: str, code: int | None, now: datetime) -> bool:
        """Go up to a status; return False where that would be down or after the end."""
        if self.status in FINAL and not (self.status == "delivered" and status == "read"):
            return False
        if status in RANKS and RANKS.index(status) <= RANKS.index(self.status):
            return False
        self.status, self.error_code, self.updated = status, code, now
        if status not in ("failed", "canceled"):
            self.sent = self.sent or now
        return True

    def as_json(self, account: str) -> dict[str, Any]:
        """Return it as the REST API does."""
        uri = f"{API}/Accounts/{account}/Messages/{self.sid}"
        return {
            "account_sid": account,
            "api_version": "2010-04-01",
            "body": self.body,
            "date_created": format_datetime(self.created),
            "date_sent": self.sent and format_datetime(self.sent),
            "date_updated": format_datetime(self.updated or self.created),
            "direction": "inbound" if self.inbound else "outbound-api",
            "error_code": self.error_code,
            "error_message": REASONS.get(self.error_code) if self.error_code else None,
            "from": self.sender or None,
            "messaging_service_sid": self.service,
            "num_media": str(self.media_count),
            "num_segments": str(self.segments),
            "price": None,
            "price_unit": "EUR",
            "sid": self.sid,
            "status": self.status,
            "subresource_uris": {
                "media": f"{uri}/Media.json",
                "feedback": f"{uri}/Feedback.json",
            },
            "to": self.to,
            "uri": f"{uri}.json",
        }


@dataclass
class TwilioMemory:
    """What of the account outlives its process."""

    messages: list[Message]
    contents: list[Content]


class Twilio:
    """The account: its messages, content and media. Everything happens under ``ground.lock``."""

    def __init__(self, ground: Ground, courier: Courier, origin: Callable[[], str]) -> None:
        self.ground, self.courier, self.origin = ground, courier, origin
        self.messages: dict[str, Message] = {}
        self.scheduled: dict[str, Message] = {}
        self.contents = Contents()

    def memory(self) -> TwilioMemory:
        """Return what should be kept of it; the same objects, so hold the lock."""
        return TwilioMemory(list(self.messages.values()), list(self.contents.by_sid.values()))

    def remember(self, memory: TwilioMemory) -> None:
        """Go on where an earlier process left off, also with messages that were on their way."""
        with self.ground.lock:
            self.messages = {message.sid: message for message in memory.messages}
            self.contents.by_sid = {content.sid: content for content in memory.contents}
            for message in memory.messages:
                phone = self.ground.phone(message.phone)
                if message.status == "scheduled":
                    self.scheduled[message.sid] = message
                elif message.status not in FINAL and phone:
                    message.steps = message.steps_ahead()
                    self.courier.send(message.sid, Parcel(self._awaiting_house()))
                    self._set_out(message, phone, None, None)

    def _awaiting_house(self) -> Callable[[], float | None]:
        """Return the work of waiting for a house that starts after us: Twilio calls only twice."""
        until = time.monotonic() + START_PATIENCE

        def carry() -> float | None:
            there = fetch("GET", f"{self.ground.accounts.house}/healthz").connected
            return None if there or time.monotonic() > until else 0.5

        return carry

    # -- the house sends -------------------------------------------------------------------

    def create(self, form: MultiDict[str, str]) -> tuple[Message, bool]:
        """Take a message or raise ``Refusal``. Return it, and whether its answer gets lost."""
        ground = self.ground
        if extra := sorted(set(form) - CREATE_PARAMETERS):
            raise Refusal(20001, f"Unknown parameter(s): {', '.join(extra)}")
        to = form.get("To", "")
        whatsapp = to.startswith("whatsapp:")
        address = self._checked_address(to)
        sender, service = self._checked_sender(form, whatsapp)
        content, values = self._checked_content(form)
        self._check_rest(form, content)
        channel: Channel = "whatsapp" if whatsapp else "sms"

        known = ground.phone_at(channel, address)
        record.about(known)
        if ground.strike(known, "dropped"):
            raise Cut
        if ground.strike(known, "429"):
            self._ghost(known, form, 429)
            raise Refusal(20429, "Too Many Requests", 429)
        struck = ground.strike(known, "21610")
        if struck or (known and known.opted_out & {sender, service or ""}):
            self._ghost(known, form, 21610)
            raise Refusal(21610, "Attempt to send to unsubscribed recipient")

        language = content.language.split("_")[0] if content else "nl"
        phone = known or ground.add(UNKNOWN_NAME, language, channel, address)
        record.about(phone)
        phone.sender = sender
        shown = (
            render(content, values, on_whatsapp=whatsapp)
            if content
            else Rendered(form.get("Body", ""), media_url=form.get("MediaUrl"))
        )
        if form.get("SmartEncoded", "").lower() == "true" and not whatsapp:
            shown.text = shown.text.translate(SMART)
        if whatsapp and content and (lacking := missing(content, values)):
            record.complain(
                f"variabele {', '.join(lacking)} ontbreekt: de voorbeeldwaarde staat er nu",
                valid=True,
            )
        lost = ground.strike(phone, "lost", "silent")
        timing = ground.strike(phone, "late", "double", "shuffled")
        cost = None if whatsapp else meter(shown.text)
        message = Message(
            sid="SM" + secrets.token_hex(16),
            to=to,
            sender=("whatsapp:" if whatsapp else "") + sender if not service else "",
            body=shown.text,
            status="accepted" if service else "queued",
            created=ground.now(),
            service=service,
            segments=0 if service else (cost["count"] if cost else 1),
            callback="" if lost == "silent" else form.get("StatusCallback", ""),
            media_count=len(form.getlist("MediaUrl")),
            phone=phone.id,
            is_list=shown.is_list,
            is_template=bool(content and content.approved),
        )
        self.messages[message.sid] = message
        ending = self._ending(phone, content, shown)
        bubble = ground.show(
            phone,
            shown.text,
            mine=False,
            kind=_kind_of(shown.media_url),
            media_url=shown.media_url,
            template=_template_of(content),
            buttons=shown.buttons,
            segments=cost,
            ref=message.sid,
        )
        message.bubble = bubble.id
        message.steps = ending
        if form.get("ScheduleType"):
            message.status, message.send_at = "scheduled", _moment(form["SendAt"])
            self.scheduled[message.sid] = message
        else:
            self._set_out(message, phone, timing, shown.media_url)
        return message, lost is not None

    def release(self) -> None:
        """Send what was scheduled and is due."""
        with self.ground.lock:
            now = self.ground.now()
            for message in list(self.scheduled.values()):
                if message.send_at and message.send_at <= now:
                    del self.scheduled[message.sid]
                    if phone := self.ground.phone(message.phone):
                        self._set_out(message, phone, None, None)

    def cancel(self, message: Message) -> None:
        """Cancel a scheduled message."""
        if message.status != "scheduled":
            raise Refusal(30409, "Message is not in a cancelable state")
        with self.ground.changing():
            message.status, message.updated = "canceled", self.ground.now()
            self.scheduled.pop(message.sid, None)
            if phone := self.ground.phone(message.phone):
                phone.bubbles = [b for b in phone.bubbles if b.id != message.bubble]

    def find(self, sid: str) -> Message:
        """Return a message or refuse with 404."""
        if sid not in self.messages:
            raise Refusal(20404, f"The requested resource /Messages/{sid}.json was not found", 404)
        return self.messages[sid]

    def _checked_address(self, to: str) -> str:
        if not to:
            raise Refusal(21604, "A 'To' phone number is required.")
        address = to.removeprefix("whatsapp:")
        by_name = to.startswith("whatsapp:") and re.fullmatch(r"[A-Z]{2}\.\w{1,128}", address)
        if not by_name and not re.fullmatch(r"\+[1-9]\d{6,14}", address):
            raise Refusal(21211, f"The 'To' number {to} is not a valid phone number.")
        if address == to and re.fullmatch(r"\+31(?!6|97)\d{9}", address):
            raise Refusal(21614, f"'To' number {to} is not a valid mobile number")
        return address

    def _checked_sender(self, form: MultiDict[str, str], whatsapp: bool) -> tuple[str, str | None]:
        accounts = self.ground.accounts
        own = accounts.whatsapp_from if whatsapp else accounts.sms_from
        own = own.removeprefix("whatsapp:")
        if service := form.get("MessagingServiceSid"):
            if service != accounts.messaging_service:
                raise Refusal(21701, f"The Messaging Service {service} does not exist")
            return own, service
        sender = form.get("From", "")
        if not sender:
            raise Refusal(21603, "A 'From' phone number is required.")
        if sender.startswith("whatsapp:") != whatsapp:
            raise Refusal(
                21910, "Invalid From and To pair. From and To should be of the same channel"
            )
        if sender.removeprefix("whatsapp:") != own:
            if whatsapp:
                raise Refusal(63007, "Twilio could not find a Channel with the specified From")
            raise Refusal(21606, f"The 'From' phone number {sender} is not yours to send from")
        return own, None

    def _checked_content(self, form: MultiDict[str, str]) -> tuple[Content | None, dict[str, str]]:
        sid, variables = form.get("ContentSid"), form.get("ContentVariables")
        if not sid:
            if variables is not None:
                raise Refusal(21654, "'ContentSid' is required with 'ContentVariables'")
            if not form.get("Body") and not form.get("MediaUrl"):
                raise Refusal(21602, "Message body is required.")
            if len(form.get("Body", "")) > 1600:
                raise Refusal(
                    21617, "The concatenated message body exceeds the 1600 character limit"
                )
            return None, {}
        if "Body" in form or "MediaUrl" in form:
            raise Refusal(20001, "'Body' and 'MediaUrl' cannot be sent with 'ContentSid'")
        content = self.contents.by_sid.get(sid)
        if content is None:
            raise Refusal(21655, f"The ContentSid {sid} is invalid")
        invalid = Refusal(21656, "The ContentVariables Parameter is invalid")
        try:
            values = json.loads(variables) if variables is not None else {}
        except ValueError:
            raise invalid from None
        if not isinstance(values, dict):
            raise invalid
        for value in values.values():
            if not isinstance(value, str) or not value.strip():
                raise invalid
            if content.approved and re.search(r"[\n\r\t]| {5,}", value):
                raise invalid
        return content, values

    def _check_rest(self, form: MultiDict[str, str], content: Content | None) -> None:
        if "ValidityPeriod" in form:
            period = form["ValidityPeriod"]
            if not period.isdecimal() or not 1 <= int(period) <= 36000:
                raise Refusal(20001, "'ValidityPeriod' must be between 1 and 36000 seconds")
        if callback := form.get("StatusCallback"):
            parts = urlsplit(callback)
            host = parts.hostname or ""
            if parts.scheme not in ("http", "https") or not host or "_" in host:
                raise Refusal(21609, f"The 'StatusCallback' URL {callback} is not a valid URL")
        media = form.getlist("MediaUrl")
        if len(media) > 10:
            raise Refusal(21623, "Number of media files exceeds allowed limit")
        if any(urlsplit(url).scheme not in ("http", "https") for url in media):
            raise Refusal(21620, "Invalid media URL(s)")
        if content and not content.approved:
            buttons = content.types[content.kind].get("actions") or ()
            if len(buttons) > BUTTONS_IN_SESSION:
                raise Refusal(
                    21655, f"At most {BUTTONS_IN_SESSION} buttons in session without approval"
                )
        if "ScheduleType" in form or "SendAt" in form:
            self._check_schedule(form)

    def _check_schedule(self, form: MultiDict[str, str]) -> None:
        if not form.get("MessagingServiceSid"):
            raise Refusal(35118, "MessagingServiceSid is required to schedule a message")
        if form.get("ScheduleType") != "fixed" or not form.get("SendAt"):
            raise Refusal(35111, "SendAt is required to schedule a message")
        ahead = _moment(form["SendAt"]) - self.ground.now()
        if ahead < timedelta(seconds=300) or ahead > timedelta(days=35):
            raise Refusal(35114, "SendAt must be between 300 seconds and 35 days in the future")

    def _ending(
        self, phone: Phone, content: Content | None, shown: Rendered
    ) -> list[tuple[str, int | None]]:
        """Return what will happen to a message that is taken now."""
        blocked = phone.blocked or self.ground.strike(phone, "403")
        if phone.channel == "sms":
            if blocked:
                return [("sent", None), ("undelivered", 30004)]
            return [("sent", None), ("delivered", None)]
        window_open = phone.window_until is not None and phone.window_until > self.ground.now()
        if self.ground.strike(phone, "63016"):
            return [("failed", 63016)]
        if not window_open and not (content and content.approved):
            rejected = content and content.approval and content.approval.status == "rejected"
            return [("failed", 63040 if rejected else 63016)]
        if blocked:
            return [("sent", None)]  # WhatsApp tells nobody that they are blocked
        return [("sent", None), ("delivered", None), ("read", None)]

    def _set_out(
        self, message: Message, phone: Phone, timing: str | None, media_url: str | None
    ) -> None:
        steps = list(message.steps)
        order = list(reversed(steps)) if timing == "shuffled" else steps
        delay = self.ground.accounts.delay
        parcels = [
            Parcel(self._step(message, phone, status, code, 2 if timing == "double" else 1), delay)
            for status, code in order
        ]
        if timing == "late":
            parcels[0].wait, parcels[0].held = LATE.total_seconds(), True
        if media_url and media_url.startswith(f"{self.ground.accounts.house}/"):
            parcels.insert(0, Parcel(lambda: self._download(message, phone, media_url)))
        self.courier.send(message.sid, *parcels)

    def _download(self, message: Message, phone: Phone, url: str) -> None:
        """Fetch media from the house, as Twilio does before it sends."""
        answer = fetch("GET", url)
        with self.ground.changing():
            message.media_failed = not answer.ok
        self.ground.note(
            Exchange(
                self.ground.now(),
                "out",
                "GET",
                path_of(url),
                {},
                answer.status,
                f"{answer.status} {answer.content_type}" if answer.ok else answer.short,
                phone.id,
                valid=answer.ok,
            )
        )

    def _step(
        self, message: Message, phone: Phone, status: str, code: int | None, times: int
    ) -> Callable[[], float | None]:
        """Return the work of one status: let it happen, then tell the house (with retries)."""
        call: _Call | None = None

        def carry() -> float | None:
            nonlocal call
            if call is None:
                now_status, now_code = status, code
                with self.ground.changing():
                    if message.sid not in self.messages:
                        return None
                    if message.media_failed:
                        if message.status == "failed":
                            return None
                        now_status, now_code = "failed", 63019
                    self._happen(message, phone, now_status, now_code)
                if not message.callback:
                    return None
                params = self._callback_params(message, phone, now_status, now_code)
                call = _Call(self.ground, message.callback, params, phone.id, times)
            return call()

        return carry

    def _happen(self, message: Message, phone: Phone, status: str, code: int | None) -> None:
        if not message.move(status, code, self.ground.now()):
            return
        if not message.sender:
            prefix = "whatsapp:" if phone.channel == "whatsapp" else ""
            message.sender = prefix + phone.sender
        if message.segments == 0:
            message.segments = meter(message.body)["count"] if phone.channel == "sms" else 1
        bubble = phone.bubble(message.bubble)
        if bubble is not None:
            bubble.state, bubble.error_code = _bubble_state(status), code

    def _callback_params(
        self, message: Message, phone: Phone, status: str, code: int | None
    ) -> dict[str, str]:
        params = {
            "ApiVersion": "2010-04-01",
            "AccountSid": self.ground.accounts.twilio_sid,
            "MessageSid": message.sid,
            "SmsSid": message.sid,
            "MessageStatus": status,
            "SmsStatus": status,
            "To": message.to,
            "From": message.sender,
        }
        if message.service:
            params["MessagingServiceSid"] = message.service
        if code:
            params["ErrorCode"] = str(code)
            params["ErrorMessage"] = REASONS.get(code, "")
        if phone.channel == "whatsapp":
            params |= {
                "ChannelPrefix": "whatsapp",
                "ChannelToAddress": phone.address,
                "ChannelInstallSid": "XE" + self.ground.accounts.twilio_sid[2:],
                "StructuredMessage": "false",
            }
            if status in ("delivered", "read"):
                params["EventType"] = status.upper()
            if code:
                params["ChannelStatusMessage"] = REASONS.get(code, "")
        elif status in ("delivered", "undelivered"):
            params["RawDlrDoneDate"] = f"{self.ground.now():%y%m%d%H%M}"
        return params

    def _ghost(self, phone: Phone | None, form: Mapping[str, str], code: int) -> None:
        """Show on a known phone what was refused at once."""
        if phone is None:
            return
        content = self.contents.by_sid.get(form.get("ContentSid") or "")
        _, values = self._checked_content(MultiDict(form)) if content else (None, {})
        text = render(content, values, on_whatsapp=True).text if content else form.get("Body", "")
        self.ground.show(
            phone,
            text,
            mine=False,
            template=_template_of(content),
            state="failed",
            error_code=code,
        )

    # -- the person acts -------------------------------------------------------------------

    def says(
        self,
        phone: Phone,
        text: str,
        *,
        quoted: Bubble | None = None,
        voice: bool = False,
        extra: Mapping[str, str] | None = None,
    ) -> Bubble:
        """A person writes or speaks: show it, open the window, tell the house."""
        ground, accounts = self.ground, self.ground.accounts
        whatsapp = phone.channel == "whatsapp"
        if phone.blocked:
            raise Unable("Deze telefoon heeft de afzender geblokkeerd.")
        if not whatsapp and not phone.sender.startswith("+"):
            raise Unable(f"Op de naam {phone.sender} kan niemand een sms terugsturen.")
        if voice and not whatsapp:
            raise Unable("Een sms kan geen spraakbericht dragen.")
        if not text and not voice:
            raise Unable("Het bericht is leeg.")
        with ground.changing():
            prefix = "whatsapp:" if whatsapp else ""
            message = Message(
                sid="SM" + secrets.token_hex(16),
                to=prefix + phone.sender,
                sender=prefix + phone.address,
                body=text,
                status="received",
                created=ground.now(),
                sent=ground.now(),
                inbound=True,
                service=accounts.messaging_service if accounts.advanced_opt_out else None,
                segments=1 if whatsapp else meter(text)["count"],
                media=["ME" + secrets.token_hex(16)] if voice else [],
                media_count=int(voice),
                phone=phone.id,
            )
            self.messages[message.sid] = message
            if whatsapp:
                phone.window_until = ground.now() + WINDOW
            bubble = ground.show(
                phone,
                text,
                mine=True,
                kind="voice" if voice else "text",
                media_url=f"{self.origin()}/look/voice.ogg" if voice else None,
                state="delivered",
                quoted=quoted.id if quoted else None,
                ref=message.sid,
            )
            message.bubble = bubble.id
            keyword = self._keyword(phone, text)
            params = self._inbound_params(message, phone)
            if quoted and whatsapp:
                params["OriginalRepliedMessageSid"] = quoted.ref
                params["OriginalRepliedMessageSender"] = (
                    message.sender if quoted.mine else message.to
                )
            if keyword and accounts.advanced_opt_out:
                params["OptOutType"] = keyword
            params |= extra or {}
            if accounts.house:
                self._send_webhook(phone, params)
        return bubble

    def taps(self, phone: Phone, bubble: Bubble, button_id: str) -> Bubble:
        """A person taps a button of a WhatsApp message."""
        button = next((button for button in bubble.buttons if button.id == button_id), None)
        message = self.messages.get(bubble.ref)
        if button is None or message is None:
            raise Unable("Die knop staat niet onder dit bericht.")
        if button.id.startswith(("http://", "https://", "tel:", "+")):
            with self.ground.changing():
                bubble.tapped = button.id
            return bubble  # opens a page or a call; the provider hears nothing
        if message.is_list:
            extra = {"ListId": button.id, "ListTitle": button.title, "MessageType": "interactive"}
        else:
            extra = {
                "ButtonText": button.title,
                "ButtonPayload": button.id,
                "MessageType": "button" if message.is_template else "interactive",
            }
        answer = self.says(phone, button.title, quoted=bubble, extra=extra)
        with self.ground.changing():
            bubble.tapped = button.id
        return answer

    def _keyword(self, phone: Phone, text: str) -> str | None:
        """Act on Twilio's own keywords and return which one it was."""
        accounts = self.ground.accounts
        if phone.channel == "whatsapp" and not accounts.advanced_opt_out:
            return None
        word = text.strip().upper()
        kind = next(
            (
                kind
                for kind, words in (
                    ("STOP", STOP_WORDS),
                    ("START", START_WORDS),
                    ("HELP", HELP_WORDS),
                )
                if word in words
            ),
            None,
        )
        if kind is None:
            return None
        sender = accounts.messaging_service if accounts.advanced_opt_out else phone.sender
        if kind == "STOP":
            phone.opted_out.add(sender)
        elif kind == "START":
            phone.opted_out.discard(sender)
        self.ground.show(phone, OWN_ANSWERS[kind], mine=False, state="delivered")
        return kind

    def _inbound_params(self, message: Message, phone: Phone) -> dict[str, str]:
        accounts = self.ground.accounts
        params = {
            "MessageSid": message.sid,
            "SmsMessageSid": message.sid,
            "SmsSid": message.sid,
            "SmsStatus": "received",
            "AccountSid": accounts.twilio_sid,
            "ApiVersion": "2010-04-01",
            "From": message.sender,
            "To": message.to,
            "Body": message.body,
            "NumMedia": str(len(message.media)),
            "NumSegments": str(message.segments),
        }
        if message.service:
            params["MessagingServiceSid"] = message.service
        for number, sid in enumerate(message.media):
            params[f"MediaUrl{number}"] = (
                f"{self.origin()}{API}/Accounts/{accounts.twilio_sid}"
                f"/Messages/{message.sid}/Media/{sid}"
            )
            params[f"MediaContentType{number}"] = "audio/ogg"
        if phone.channel == "sms":
            return params | {
                "FromCountry": "NL",
                "FromState": "",
                "FromCity": "",
                "FromZip": "",
                "ToCountry": "NL",
                "ToState": "",
                "ToCity": "",
                "ToZip": "",
            }
        context = {"ProfileName": phone.name}
        if phone.address.startswith("+"):
            context["WaId"] = phone.address[1:]
        return params | {
            **context,
            "MessageType": "audio" if message.media else "text",
            "ReferralNumMedia": "0",
            "ChannelMetadata": json.dumps({"type": "whatsapp", "data": {"context": context}}),
        }

    def _send_webhook(self, phone: Phone, params: dict[str, str]) -> None:
        timing = self.ground.strike(phone, "late", "double")
        late = timing == "late"
        call = _Call(
            self.ground,
            f"{self.ground.accounts.house}/webhooks/twilio/reply",
            params,
            phone.id,
            2 if timing == "double" else 1,
        )
        wait = LATE.total_seconds() if late else 0.0
        self.courier.send(f"{phone.channel}:{phone.address}", Parcel(call, wait, held=late))


class _Call:
    """A signed POST to the house, repeated as Twilio repeats: by default once, when the
    connection failed; else as the fragment of the URL says (``#rc=3&rp=ct,5xx``)."""

    def __init__(
        self, ground: Ground, url: str, params: dict[str, str], phone: str, times: int
    ) -> None:
        self.ground, self.params, self.phone, self.times = ground, params, phone, times
        self.url, _, fragment = url.partition("#")
        wish = parse_qs(fragment)
        count = wish.get("rc", ["1"])[0]
        self.left = min(int(count), 5) if count.isdecimal() else 1
        self.when = set(wish.get("rp", ["ct"])[0].split(","))
        token = ground.accounts.twilio_token
        self.headers = {
            "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
            "Accept": "*/*",
            "User-Agent": "TwilioProxy/1.1",
            "X-Twilio-Signature": sign(self.url, params, token),
            "I-Twilio-Idempotency-Token": secrets.token_hex(16),
        }

    def __call__(self) -> float | None:
        """Make the call; return seconds until the next try, or None."""
        answer = tell(
            self.ground,
            self.url,
            dict(self.params),
            headers=self.headers,
            body=urlencode(self.params).encode(),
            phone=self.phone,
            complain=_complaint_about,
        )
        if self.left and self._again(answer):
            self.left -= 1
            return max(self.ground.accounts.delay, 0.05)
        self.times -= 1
        return None if self.times <= 0 else 0.0

    def _again(self, answer: Answer) -> bool:
        if not answer.connected:
            kind = "ct"
        elif answer.status is None:
            kind = "rt"
        elif answer.status >= 500:
            kind = "5xx"
        elif answer.status >= 400:
            kind = "4xx"
        else:
            return False
        return bool(self.when & {kind, "all"})


def _complaint_about(answer: Answer) -> str:
    """Return what Twilio's debugger would say about an answer to a webhook."""
    if answer.ok and answer.body.strip() and "json" in answer.content_type:
        return "12300 Invalid Content-Type: Twilio verwacht TwiML of een leeg antwoord"
    return "" if answer.ok else f"11200 HTTP retrieval failure: {answer.short}"


def _template_of(content: Content | None) -> dict[str, str] | None:
    if content is None or content.approval is None or not content.approved:
        return None
    return {
        "name": content.approval.name,
        "category": content.approval.category,
        "language": content.language,
    }


def _kind_of(media_url: str | None) -> Any:
    if not media_url:
        return "text"
    path = urlsplit(media_url).path.lower()
    return "voice" if path.endswith((".ogg", ".oga", ".opus", ".mp3", ".m4a")) else "image"


def _bubble_state(status: str) -> BubbleState:
    match status:
        case "sent" | "delivered" | "read" | "undelivered" | "failed":
            return status
        case _:
            return "queued"


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Refusal(20001, f"'{text}' is not an ISO 8601 moment") from None
    if moment.tzinfo is None:
        raise Refusal(20001, f"'{text}' has no time zone")
    return moment


# -- HTTP ----------------------------------------------------------------------------------


def door_of(twilio: Twilio) -> Blueprint:
    """Return the routes of the REST and Content API."""
    door = Blueprint("twilio", __name__)
    record.keep_record(door)
    accounts = twilio.ground.accounts
    home = f"{API}/Accounts/<account>"

    @door.before_request
    def authenticate() -> None:
        given = request.authorization
        pair = (given.username, given.password) if given and given.type == "basic" else None
        if pair not in (
            (accounts.twilio_sid, accounts.twilio_token),
            (accounts.twilio_key_sid, accounts.twilio_key_secret),
        ):
            raise Refusal(20003, "Authentication Error - invalid username", 401)
        account = (request.view_args or {}).get("account")
        if account is not None and account != accounts.twilio_sid:
            raise Refusal(20404, f"The requested resource {request.path} was not found", 404)

    @door.errorhandler(Refusal)
    def refuse(refusal: Refusal) -> ResponseReturnValue:
        record.complain(f"{refusal.code} {refusal.message}")
        record.said(str(refusal.code))
        answer = jsonify(
            code=refusal.code,
            message=refusal.message,
            more_info=f"https://www.twilio.com/docs/errors/{refusal.code}",
            status=refusal.status,
        )
        answer.status_code = refusal.status
        if refusal.status == 401:
            answer.headers["WWW-Authenticate"] = 'Basic realm="Twilio API"'
        return answer

    @door.errorhandler(Cut)
    def cut(_: Cut) -> ResponseReturnValue:
        return "", 503, {record.LOST: "1"}

    @door.get(f"{home}.json")
    def account_of(account: str) -> ResponseReturnValue:
        return {
            "sid": account,
            "owner_account_sid": account,
            "friendly_name": "Oefenaccount",
            "status": "active",
            "type": "Full",
            "auth_token": accounts.twilio_token,
            "date_created": format_datetime(twilio.ground.now()),
            "date_updated": format_datetime(twilio.ground.now()),
            "uri": f"{API}/Accounts/{account}.json",
            "subresource_uris": {"messages": f"{API}/Accounts/{account}/Messages.json"},
        }

    @door.post(f"{home}/Messages.json")
    def create(account: str) -> ResponseReturnValue:
        with twilio.ground.changing():
            message, lost = twilio.create(request.form)
            record.said(message.status)
            answer = jsonify(message.as_json(account))
        answer.status_code = 201
        if lost:
            answer.headers[record.LOST] = "1"
        return answer

    @door.get(f"{home}/Messages.json")
    def listing(account: str) -> ResponseReturnValue:
        if extra := sorted(set(request.args) - LIST_PARAMETERS):
            raise Refusal(20001, f"Unknown parameter(s): {', '.join(extra)}")
        with twilio.ground.lock:
            found = [
                message.as_json(account)
                for message in reversed(twilio.messages.values())
                if _fits(message, request.args)
            ]
        return _page("messages", found, request.path)

    @door.get(f"{home}/Messages/<sid>.json")
    def fetch_one(account: str, sid: str) -> ResponseReturnValue:
        return twilio.find(sid).as_json(account)

    @door.post(f"{home}/Messages/<sid>.json")
    def update(account: str, sid: str) -> ResponseReturnValue:
        message = twilio.find(sid)
        if extra := sorted(set(request.form) - {"Body", "Status"}):
            raise Refusal(20001, f"Unknown parameter(s): {', '.join(extra)}")
        if "Status" in request.form:
            if request.form["Status"] != "canceled":
                raise Refusal(20001, "'Status' can only be 'canceled'")
            twilio.cancel(message)
        if "Body" in request.form:
            if request.form["Body"]:
                raise Refusal(20001, "'Body' can only be emptied")
            if message.status not in FINAL:
                raise Refusal(20009, "Cannot redact a message that is not finished", 409)
            message.body = ""
        return message.as_json(account)

    @door.delete(f"{home}/Messages/<sid>.json")
    def delete(account: str, sid: str) -> ResponseReturnValue:
        if twilio.find(sid).status not in FINAL | {"sent"}:
            raise Refusal(20009, "Cannot delete a message that is not finished", 409)
        del twilio.messages[sid]
        return "", 204

    @door.get(f"{home}/Messages/<sid>/Media.json")
    def media_list(account: str, sid: str) -> ResponseReturnValue:
        message = twilio.find(sid)
        return _page(
            "media_list",
            [
                {
                    "sid": media,
                    "account_sid": account,
                    "parent_sid": sid,
                    "content_type": "audio/ogg",
                    "date_created": format_datetime(message.created),
                    "date_updated": format_datetime(message.created),
                    "uri": f"{request.path.removesuffix('.json')}/{media}.json",
                }
                for media in message.media
            ],
            request.path,
        )

    @door.get(f"{home}/Messages/<sid>/Media/<media>")
    def media(account: str, sid: str, media: str) -> ResponseReturnValue:
        _find_media(twilio, sid, media)
        record.said("audio/ogg")
        return Response(VOICE.read_bytes(), content_type="audio/ogg")

    @door.delete(f"{home}/Messages/<sid>/Media/<media>")
    @door.delete(f"{home}/Messages/<sid>/Media/<media>.json")
    def delete_media(account: str, sid: str, media: str) -> ResponseReturnValue:
        message = _find_media(twilio, sid, media)
        message.media.remove(media)
        return "", 204

    _content_routes(door, twilio)
    return door


def _content_routes(door: Blueprint, twilio: Twilio) -> None:
    account = twilio.ground.accounts.twilio_sid

    @door.post("/v1/Content")
    def create_content() -> ResponseReturnValue:
        with twilio.ground.lock:
            content = twilio.contents.create(request.get_json(silent=True), twilio.ground.now())
        record.said(content.sid)
        return content.as_json(account, twilio.origin()), 201

    @door.get("/v1/Content")
    def list_content() -> ResponseReturnValue:
        with twilio.ground.lock:
            found = [c.as_json(account, twilio.origin()) for c in twilio.contents.by_sid.values()]
        return _meta_page(found, "/v1/Content", twilio.origin())

    @door.get("/v1/ContentAndApprovals")
    def list_both() -> ResponseReturnValue:
        with twilio.ground.lock:
            found = [
                c.as_json(account, twilio.origin()) | {"approval_requests": _approval_json(c)}
                for c in twilio.contents.by_sid.values()
            ]
        return _meta_page(found, "/v1/ContentAndApprovals", twilio.origin())

    @door.get("/v1/Content/<sid>")
    def fetch_content(sid: str) -> ResponseReturnValue:
        return twilio.contents.find(sid).as_json(account, twilio.origin())

    @door.delete("/v1/Content/<sid>")
    def delete_content(sid: str) -> ResponseReturnValue:
        del twilio.contents.by_sid[twilio.contents.find(sid).sid]
        return "", 204

    @door.post("/v1/Content/<sid>/ApprovalRequests/whatsapp")
    def ask(sid: str) -> ResponseReturnValue:
        with twilio.ground.lock:
            content = twilio.contents.find(sid)
            approval = twilio.contents.ask(content, request.get_json(silent=True))
        if approval.rejection_reason:
            record.complain(approval.rejection_reason)
        record.said(approval.status)
        return approval.as_json() | {"status": "received", "rejection_reason": ""}, 201

    @door.get("/v1/Content/<sid>/ApprovalRequests")
    def approval_of(sid: str) -> ResponseReturnValue:
        content = twilio.contents.find(sid)
        told = _approval_json(content)
        record.said(str(told["status"]))
        return {
            "sid": sid,
            "account_sid": account,
            "whatsapp": told,
            "url": f"{twilio.origin()}/v1/Content/{sid}/ApprovalRequests",
        }


def _approval_json(content: Content) -> dict[str, Any]:
    if content.approval is None:
        return {"type": "whatsapp", "status": "unsubmitted", "content_type": content.kind}
    return content.approval.as_json()


def _find_media(twilio: Twilio, sid: str, media: str) -> Message:
    message = twilio.find(sid)
    if media not in message.media:
        raise Refusal(20404, f"The requested resource {request.path} was not found", 404)
    return message


def _fits(message: Message, args: Mapping[str, str]) -> bool:
    if args.get("To", message.to) != message.to:
        return False
    if args.get("From", message.sender) != message.sender:
        return False
    for key in ("DateSent", "DateSent<", "DateSent>"):
        if not (wanted := args.get(key)):
            continue
        if message.sent is None:
            return False  # unsent messages have no DateSent, so no filter on it finds them
        day = f"{message.sent:%Y-%m-%d}"
        told = day if len(wanted) == 10 else f"{message.sent:%Y-%m-%dT%H:%M:%SZ}"
        fits = {
            "DateSent": day == wanted[:10],
            "DateSent<": told <= wanted,
            "DateSent>": told >= wanted,
        }
        if not fits[key]:
            return False
    return True


def _sizes() -> tuple[int, int]:
    try:
        size = int(request.args.get("PageSize", 50))
        page = int(request.args.get("Page", 0))
    except ValueError:
        raise Refusal(20001, "'PageSize' and 'Page' must be numbers") from None
    if not 1 <= size <= 1000 or page < 0:
        raise Refusal(20001, "'PageSize' must be between 1 and 1000")
    return size, page


def _page(key: str, found: list[dict[str, Any]], path: str) -> dict[str, Any]:
    """Return one page of a list as the 2010 API does: relative addresses beside the items."""
    size, page = _sizes()
    start = page * size
    shown = found[start : start + size]

    def uri(number: int) -> str:
        kept = [
            pair
            for pair in request.args.items()
            if pair[0] not in ("Page", "PageSize", "PageToken")
        ]
        token = [("PageToken", f"PA{number}")] if number else []
        return f"{path}?{urlencode([*kept, ('PageSize', size), ('Page', number), *token])}"

    return {
        key: shown,
        "page": page,
        "page_size": size,
        "start": start,
        "end": max(start + len(shown) - 1, 0),
        "uri": uri(page),
        "first_page_uri": uri(0),
        "previous_page_uri": uri(page - 1) if page else None,
        "next_page_uri": uri(page + 1) if len(found) > start + size else None,
    }


def _meta_page(found: Iterable[dict[str, Any]], path: str, origin: str) -> dict[str, Any]:
    """Return one page of a list as the newer APIs do: full addresses under ``meta``."""
    size, page = _sizes()
    items = list(found)
    start = page * size

    def url(number: int) -> str:
        return f"{origin}{path}?{urlencode({'PageSize': size, 'Page': number})}"

    return {
        "contents": items[start : start + size],
        "meta": {
            "key": "contents",
            "page": page,
            "page_size": size,
            "url": url(page),
            "first_page_url": url(0),
            "previous_page_url": url(page - 1) if page else None,
            "next_page_url": url(page + 1) if len(items) > start + size else None,
        },
    }
