"""Twilio's doors: what a person wrote, and what became of a message."""

from __future__ import annotations

from flask import Blueprint, Response, request

from bot.messaging import inbox
from webhooks.doors import envelope_of, take_in

door = Blueprint("twilio", __name__, url_prefix="/webhooks/twilio")


@door.post("/reply")
def reply() -> Response:
    """Write down what a person wrote, by SMS or WhatsApp, and let Twilio go."""
    try:
        envelope = envelope_of(request, form=True)
    except ValueError:
        return Response(status=400)
    return take_in(lambda house: inbox.from_twilio(house, envelope), thanks=204)


@door.post("/status")
def status() -> Response:
    """Write down what became of message ``m``, attempt ``a``; ``k`` shows that we asked for it."""
    try:
        envelope = envelope_of(request, form=True)
    except ValueError:
        return Response(status=400)
    m, a, k = (request.args.get(name, "") for name in "mak")
    return take_in(lambda house: inbox.from_twilio_status(house, envelope, m, a, k), thanks=204)
