"""Every request the house makes is written in the log, whole, with the rule it broke if any."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from flask import Blueprint, Response, current_app, g, request
from waitress.channel import ClientDisconnected

from phones.state import Exchange, Ground, Phone

LOST = "X-Practice-Lost"
"""Marks an answer that must never reach the house (``lost``, ``silent``, ``dropped``)."""


def keep_record(door: Blueprint) -> None:
    """Log each request to this blueprint on arrival, and its answer when there is one."""

    @door.before_request
    def arrived() -> None:
        g.exchange = ground().note(
            Exchange(ground().now(), "in", request.method, request.full_path.rstrip("?"), fields())
        )

    @door.after_request
    def answered(response: Response) -> Response:
        exchange: Exchange = g.exchange
        with ground().changing():
            if response.headers.get(LOST):
                exchange.response = "antwoord kwijt (storing)"
                return Response(_Cut(), response.status, content_type="application/json")
            exchange.status = response.status_code
            exchange.response = g.get("said", "")
        return response


def ground() -> Ground:
    """Return the ground this app stands on."""
    return cast(Ground, current_app.extensions["ground"])


def fields() -> dict[str, Any]:
    """Return every field of the request: query, form or JSON, and files by name and size."""
    found: dict[str, Any] = {}
    for source in (request.args, request.form):
        for key, values in source.lists():
            found[key] = values[0] if len(values) == 1 else values
    if request.is_json:
        body = request.get_json(silent=True)
        found.update(body if isinstance(body, dict) else {"body": body})
    for key, file in request.files.items():
        found[key] = {"file": file.filename, "content_type": file.content_type}
    return found


def about(phone: Phone | None) -> None:
    """Write down whose phone this request is about."""
    g.exchange.phone = phone and phone.id


def said(words: str) -> None:
    """Write down in a few words what was answered."""
    g.said = words


def complain(complaint: str, *, valid: bool = False) -> None:
    """Write down which rule this request broke, or (``valid``) what deserves a look."""
    g.exchange.complaint = "; ".join(filter(None, (g.exchange.complaint, complaint)))
    g.exchange.valid = g.exchange.valid and valid


class _Cut(Iterator[bytes]):
    """A body that makes the server close the connection before it wrote a byte."""

    def __next__(self) -> bytes:
        raise ClientDisconnected
