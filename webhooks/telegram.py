"""Telegram's door."""

from __future__ import annotations

from flask import Blueprint, Response, request

from bot.messaging import inbox
from webhooks.doors import envelope_of, take_in

door = Blueprint("telegram", __name__, url_prefix="/webhooks")


@door.post("/telegram")
def update() -> Response:
    """Write down one Update and let Telegram go."""
    envelope = envelope_of(request, form=False)
    return take_in(lambda house: inbox.from_telegram(house, envelope), thanks=200)
