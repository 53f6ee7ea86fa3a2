"""WhatsApp through Twilio: free text and buttons within 24 hours, templates outside.

A person may have no phone number here: who hides it is known by a user id ("NL.…") instead.

Source: twilio.com/docs/whatsapp/api, /docs/messaging/guides/webhook-request.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bot.channels.base import WHATSAPP, Capabilities, Heard, Ignored, Media, Outgoing
from bot.channels.twilio import E164, WHATSAPP_PREFIX, TwilioChannel, content_variables

_OPT_OUTS = {"STOP": "stop", "START": "start"}


class WhatsApp(TwilioChannel):
    """One WhatsApp sender."""

    name = WHATSAPP
    capabilities = Capabilities(
        longest=1600, buttons=10, button_title=20, window=True, receipts=True
    )

    def _heard(self, form: Mapping[str, str]) -> Heard:
        sender = form.get("From", "")
        if not sender.startswith(WHATSAPP_PREFIX):
            raise Ignored("not from WhatsApp")
        address = sender.removeprefix(WHATSAPP_PREFIX)
        opt_out = form.get("OptOutType", "").upper()
        return Heard(
            channel=self.name,
            address=address,
            ref=form["MessageSid"],
            text=form.get("Body") or form.get("ButtonText") or form.get("ListTitle", ""),
            button=form.get("ButtonPayload") or form.get("ListId", ""),
            quoted=form.get("OriginalRepliedMessageSid", ""),
            media=self._media(form),
            phone=_phone(address, form.get("WaId", "")),
            profile_name=form.get("ProfileName", ""),
            provider_stop=_OPT_OUTS.get(opt_out, ""),
            provider_answered=bool(opt_out),
        )

    def _media(self, form: Mapping[str, str]) -> tuple[Media, ...]:
        files = super()._media(form)
        if form.get("MessageType") == "audio":
            # WhatsApp's microphone; Twilio does not tell a voice note from a sound file.
            files = tuple(replace(file, kind="voice") for file in files)
        if not files and form.get("MessageType") in ("location", "contacts"):
            kind = "location" if form["MessageType"] == "location" else "contact"
            return (Media(kind, ""),)
        return files

    def in_list(self, address: str) -> str:
        """Return how Twilio writes *address*: with the channel before it."""
        return WHATSAPP_PREFIX + address.removeprefix(WHATSAPP_PREFIX)

    @property
    def sender(self) -> str:
        """Our WhatsApp number as Twilio writes it."""
        return self.in_list(self._settings.twilio_whatsapp_from)

    def _fields(self, outgoing: Outgoing) -> dict[str, Any]:
        fields: dict[str, Any] = {"to": self.in_list(outgoing.address), "from_": self.sender}
        if outgoing.content_sid:
            fields["content_sid"] = outgoing.content_sid
            if outgoing.variables:
                fields["content_variables"] = content_variables(outgoing.variables)
            return fields
        if outgoing.voice_url:
            # A sound takes no caption.
            fields["media_url"] = [outgoing.voice_url]
            return fields
        fields["body"] = outgoing.body
        if outgoing.picture_url:
            fields["media_url"] = [outgoing.picture_url]
        return fields


def _phone(address: str, wa_id: str) -> str:
    """Return the person's number, E.164, or ``""`` if they keep it to themselves."""
    if E164.fullmatch(address):
        return address
    number = f"+{wa_id}"
    return number if E164.fullmatch(number) else ""
