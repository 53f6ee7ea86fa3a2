"""What every request meets before its door, and what every answer takes along.

A host that is ours, a body that is not too large, the client behind our own proxies; and the
headers that keep a browser from guessing, framing, leaking or being led elsewhere. A page may set
a header of its own, such as its Content-Security-Policy: what is here is for who sets none.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flask import Flask, abort, g, request

from bot.settings import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")

PROVIDERS = ("twilio", "telegram")
"""Blueprints that believe a signature and nothing else of who asks; every check costs them."""

ANY_HOST = (*PROVIDERS, "health", "media")
"""Blueprints for machines: a proxy may call them by any name, and none of them reads it."""

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::[0-9]{1,5})?")

SHOWS_NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": SHOWS_NOTHING,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": (
        "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), "
        "microphone=(), payment=(), usb=()"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}

HSTS = "max-age=31536000"
"""A year, which internet.nl asks for; not for names below ours, which may be somebody else's."""


def guard(app: Flask, settings: Settings, largest: Mapping[str, int] | None = None) -> None:
    """Let every request to *app* pass by here first, and every answer last.

    *largest* holds the bytes of a body by endpoint or blueprint, for those that take more or less
    than the ``MAX_CONTENT_LENGTH`` of all others.
    """
    limits = largest or {}
    app.config.update(
        # For whatever may keep a session: the doors keep none, the console has one of its own.
        SESSION_COOKIE_SECURE=settings.https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
    )
    own = urlsplit(settings.public_url).hostname or ""
    ours = (*LOOPBACK, f"[{own}]" if ":" in own else own, *settings.trusted_hosts)
    trusted = {name for each in ours if (name := _name(each)) is not None}
    headers = dict(HEADERS)
    if settings.https:
        headers["Strict-Transport-Security"] = HSTS

    def arrive() -> None:
        if request.blueprint in PROVIDERS:
            return
        g.client = client_of(
            request.remote_addr, request.headers.get("X-Forwarded-For", ""), settings.proxies
        )
        if request.blueprint not in ANY_HOST and _name(request.headers.get("Host")) not in trusted:
            abort(400)
        names = (request.endpoint or "", *request.blueprints)
        limit = next((limits[name] for name in names if name in limits), None)
        if limit is not None:
            request.max_content_length = limit

    # What is asked first, whatever else stands in this list.
    app.before_request_funcs.setdefault(None, []).insert(0, arrive)
    # Flask's own way to put something around an application; its types know it as a method.
    app.wsgi_app = _Dressed(app.wsgi_app, headers)  # type: ignore[assignment, method-assign]


class _Dressed:
    """Gives every answer *headers*, but those that it has: last of all, whatever made it."""

    def __init__(self, app: WSGIApplication, headers: Mapping[str, str]) -> None:
        self._app = app
        self._headers = [(name.lower(), (name, value)) for name, value in headers.items()]

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Answer one request."""

        def dressed(status: str, given: list[tuple[str, str]], *error: Any) -> Any:
            there = {name.lower() for name, _ in given}
            missing = [header for name, header in self._headers if name not in there]
            return start(status, given + missing, *error)

        return self._app(environ, dressed)


def _name(host: str | None) -> str | None:
    """Return the name in a Host header, without its port; None if it is none."""
    found = _HOST.fullmatch(host or "")
    return found[1].lower() if found else None


def client_of(remote: str | None, forwarded: str, proxies: int = 1) -> str:
    """Return who asks: the address behind our own *proxies*, an IPv6 network as one client.

    *forwarded* (X-Forwarded-For) is believed only from a neighbour, and of it only the entry that
    the outermost of our proxies wrote: what stands before that, anybody may have written.
    """
    asks = _address(remote or "")
    if proxies and asks is not None and (asks.is_private or asks.is_loopback):
        entries = forwarded.split(",")
        asks = _address(entries[max(0, len(entries) - proxies)].strip()) or asks
    if asks is None:
        return ""
    if isinstance(asks, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((asks, 64), strict=False))
    return str(asks)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
