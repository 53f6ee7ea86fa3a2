"""SMS through Twilio: plain text to a mobile number; answers are typed.

Source: twilio.com/docs/messaging/compliance/advanced-opt-out (and its default keywords).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.channels.base import SMS, Capabilities, Heard, Ignored, Outgoing
from bot.channels.twilio import E164, TwilioChannel

_STOP = frozenset(["STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"])
_START = frozenset(["START", "UNSTOP"])


class Sms(TwilioChannel):
    """One SMS sender: a number, or a messaging service that picks one."""

    name = SMS
    capabilities = Capabilities(
        longest=1600, buttons=0, button_title=0, window=False, receipts=True
    )

    def _heard(self, form: Mapping[str, str]) -> Heard:
        address = form.get("From", "")
        if not E164.fullmatch(address):
            raise Ignored("from a short code or a name: nobody who can be answered")
        text = form.get("Body", "")
        said = form.get("OptOutType", "").upper() or _default_keyword(text)
        return Heard(
            channel=self.name,
            address=address,
            ref=form["MessageSid"],
            text=text,
            media=self._media(form),
            phone=address,
            provider_stop={"STOP": "stop", "START": "start"}.get(said, ""),
            provider_answered=bool(said),
        )

    def in_list(self, address: str) -> str:
        """Return how Twilio writes *address*: as it is."""
        return address

    @property
    def sender(self) -> str:
        """Our number or name; "" if a messaging service picks one."""
        return self._settings.twilio_sms_from

    def _fields(self, outgoing: Outgoing) -> dict[str, Any]:
        # Pictures go by WhatsApp and Telegram only: a Dutch SMS would get a bare link.
        fields: dict[str, Any] = {"to": outgoing.address, "body": outgoing.body}
        if self._settings.twilio_messaging_service_sid:
            fields["messaging_service_sid"] = self._settings.twilio_messaging_service_sid
        else:
            fields["from_"] = self._settings.twilio_sms_from
        return fields


def _default_keyword(text: str) -> str:
    """Return STOP or START if Twilio itself acts on *text* and answers it, else ``""``.

    It does so for a whole message that is one of these words, in any case, on numbers
    without rules of their own. So who answers END to an appointment is blocked by Twilio.
    """
    word = text.strip().upper()
    if word in _STOP:
        return "STOP"
    return "START" if word in _START else ""
