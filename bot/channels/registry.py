"""Which channels this installation has, and which of them an address belongs to."""

from __future__ import annotations

from bot.channels.base import SMS, TELEGRAM, WHATSAPP, Channel
from bot.channels.sms import Sms
from bot.channels.telegram import Telegram
from bot.channels.twilio import WHATSAPP_PREFIX
from bot.channels.whatsapp import WhatsApp
from bot.settings import Settings


def channels(settings: Settings) -> dict[str, Channel]:
    """Return the channels that *settings* configure, by name; a channel without is absent.

    Opens no connection and loads no provider's client: a web process only listens.
    """
    found: dict[str, Channel] = {}
    if settings.twilio and settings.twilio_whatsapp_from:
        found[WHATSAPP] = WhatsApp(settings)
    if settings.twilio and (settings.twilio_sms_from or settings.twilio_messaging_service_sid):
        found[SMS] = Sms(settings)
    if settings.telegram_bot_token:
        found[TELEGRAM] = Telegram(settings)
    return found


def channel_of(from_: str) -> str:
    """Return the name of the channel of a Twilio address: its prefix decides."""
    return WHATSAPP if from_.startswith(WHATSAPP_PREFIX) else SMS
