"""Alive, ready, and the figures."""

from __future__ import annotations

import hmac
import ipaddress

from flask import Blueprint, Response, current_app, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from sqlalchemy import func, select

from bot import migrate
from bot.house import House
from bot.messaging import installation
from bot.messaging.spool import ARRIVAL, DAMAGED, OUTCOME, Spool
from bot.models.messages import InboxEvent, Message, Sender
from bot.settings import Settings

door = Blueprint("health", __name__)

FORWARDED = ("X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Forwarded", "Via")
"""What a proxy adds; one of them at least."""


@door.get("/healthz")
def alive() -> Response:
    """The process answers."""
    return Response("ok\n", mimetype="text/plain")


@door.get("/readyz")
def ready() -> Response:
    """The database answers and has the newest schema. No provider need be up.

    On hold it is ready all the same: what people write must still come in.
    """
    house: House = current_app.extensions["house"]
    try:
        current = migrate.is_current(house.database)
    except Exception:
        return Response("database away\n", status=503, mimetype="text/plain")
    if not current:
        return Response("database behind: stap migrate\n", status=503, mimetype="text/plain")
    with house.database.reading() as session:
        held = installation.told(installation.found(session), house.settings.environment)
    return Response(f"ready\n{held + chr(10) if held else ''}", mimetype="text/plain")


@door.get("/metrics")
def figures() -> Response:
    """How much stands in which state, for Prometheus. Only for this machine."""
    house: House = current_app.extensions["house"]
    if not _may_see(house.settings):
        return Response(status=404)
    registry = CollectorRegistry()
    messages = Gauge("stap_messages", "Messages by state", ["channel", "state"], registry=registry)
    events = Gauge("stap_inbox_events", "Events by state", ["source", "state"], registry=registry)
    broken = Gauge(
        "stap_channel_down", "1 where the breaker is open", ["channel"], registry=registry
    )
    on_hold = Gauge("stap_on_hold", "1 while nothing may be sent", registry=registry)
    kept = Gauge("stap_spool", "What waits on this disk", ["kind"], registry=registry)
    spool = Spool(house.settings.spool)
    for ending in (ARRIVAL, OUTCOME, DAMAGED):
        kept.labels(ending[1:]).set(spool.count(ending))
    with house.database.reading() as session:
        on_hold.set(installation.on_hold(session))
        for sender in session.scalars(select(Sender)):
            broken.labels(sender.channel).set(sender.broken_since is not None)
        for channel, state, count in session.execute(
            select(Message.channel, Message.state, func.count()).group_by(
                Message.channel, Message.state
            )
        ):
            messages.labels(channel or "none", state).set(count)
        for source, state, count in session.execute(
            select(InboxEvent.source, InboxEvent.state, func.count()).group_by(
                InboxEvent.source, InboxEvent.state
            )
        ):
            events.labels(source, state).set(count)
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _may_see(settings: Settings) -> bool:
    """Say whether who asks may see figures: with the token, or from where we said, directly.

    What a proxy hands on comes from anywhere, whatever address the proxy itself has.
    """
    given = request.headers.get("Authorization", "")
    if settings.metrics_token:
        wanted = f"Bearer {settings.metrics_token}"
        if hmac.compare_digest(given.encode(), wanted.encode()):
            return True
    if any(name in request.headers for name in FORWARDED):
        return False
    try:
        asks = ipaddress.ip_address(request.remote_addr or "")
    except ValueError:
        return False
    allowed = (ipaddress.ip_network(each) for each in settings.metrics_from)
    return asks.is_loopback or any(asks in network for network in allowed)
