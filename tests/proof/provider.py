"""All that a provider can do with one call: whether it took the message, and what its client saw.

Certainty is not written down here: the shipped classification reads it from what the libraries
raise.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass
from datetime import timedelta

import aiohttp
import httpx
from telegram import error as ptb

from bot.channels import telegram_client, twilio_client
from bot.channels.base import Certainty, SendError
from bot.channels.twilio_client import Refused


@dataclass(frozen=True)
class Mode:
    """One way in which a call may go."""

    name: str
    takes: bool
    twilio: Exception | None
    telegram: Exception | None

    def outcome(self, channel: str) -> SendError | None:
        """Return what the house makes of it on *channel*; None if it was accepted."""
        if channel == "telegram":
            return None if self.telegram is None else telegram_client.send_error(self.telegram)
        return None if self.twilio is None else twilio_client.send_error(self.twilio)


def _beneath(outer: Exception, cause: Exception) -> Exception:
    """Return *outer* as python-telegram-bot raises it, with what httpx said beneath it."""
    outer.__cause__ = cause
    return outer


def _network(cause: Exception) -> Exception:
    return _beneath(ptb.NetworkError(f"httpx.{type(cause).__name__}"), cause)


def _late(cause: Exception) -> Exception:
    return _beneath(ptb.TimedOut(), cause)


def _answer(status: int, text: str = "{}", **headers: str) -> Refused:
    return Refused(status, {name.replace("_", "-"): value for name, value in headers.items()}, text)


_CONNECTION = None  # what was being connected to; only ever printed
_RESET = ConnectionResetError(errno.ECONNRESET, "reset by peer")

NEVER_LEFT = (
    Mode(
        "refused",
        False,
        aiohttp.ClientConnectorError(_CONNECTION, ConnectionRefusedError()),  # type: ignore[arg-type]
        _network(httpx.ConnectError("refused")),
    ),
    Mode(
        "no such name",
        False,
        aiohttp.ClientConnectorDNSError(_CONNECTION, OSError()),  # type: ignore[arg-type]
        _network(httpx.ConnectError("no such name")),
    ),
    Mode(
        "no TLS",
        False,
        aiohttp.ClientConnectorSSLError(_CONNECTION, OSError()),  # type: ignore[arg-type]
        _network(httpx.ConnectError("TLS")),
    ),
    Mode(
        "connect timeout",
        False,
        aiohttp.ConnectionTimeoutError(),
        _late(httpx.ConnectTimeout("")),
    ),
    Mode("too fast", False, _answer(429), _network(Exception())),
    Mode("too fast, wait", False, _answer(429, Retry_After="7"), ptb.RetryAfter(timedelta(0, 7))),
    Mode("wrong key", False, _answer(401), ptb.InvalidToken()),
    Mode("closed account", False, _answer(403), ptb.InvalidToken()),
)
NEVER_LEFT[4].telegram.message = "Unknown HTTPError (429)"  # type: ignore[union-attr]

REFUSALS = (
    Mode("bad request", False, _answer(400), ptb.BadRequest("Message text is empty")),
    Mode(
        "forbidden",
        False,
        _answer(403, '{"code": 21408}'),  # a country that is not switched on
        ptb.Forbidden("bot can't initiate conversation"),
    ),
    Mode("not found", False, _answer(404), ptb.BadRequest("message thread not found")),
)

_NOBODY_KNOWS: tuple[tuple[str, Exception, Exception], ...] = (
    ("read timeout", aiohttp.SocketTimeoutError(), _late(httpx.ReadTimeout(""))),
    ("reset", aiohttp.ClientOSError(*_RESET.args), _network(httpx.ReadError("reset"))),
    ("closed", aiohttp.ServerDisconnectedError(), _network(httpx.RemoteProtocolError("closed"))),
    ("cut off", aiohttp.ClientPayloadError(), _network(httpx.RemoteProtocolError("cut off"))),
    ("a page of HTML", ValueError("no JSON"), ptb.TelegramError("Invalid server response")),
    ("500", _answer(500), ptb.NetworkError("Internal Server Error")),
    ("502", _answer(502), ptb.NetworkError("Bad Gateway")),
    ("503", _answer(503), ptb.NetworkError("Service Unavailable")),
    ("504", _answer(504), ptb.NetworkError("Gateway Timeout")),
    ("too slow", TimeoutError(), TimeoutError()),
)
LOST = tuple(Mode(f"{name}, taken", True, *raised) for name, *raised in _NOBODY_KNOWS)
NEVER_ARRIVED = tuple(Mode(f"{name}, not taken", False, *raised) for name, *raised in _NOBODY_KNOWS)

OK = Mode("ok", True, None, None)

CLASSES: dict[str, tuple[Mode, ...]] = {
    # What can be told apart from here; within a class only the cause differs.
    "ok": (OK,),
    "never left": NEVER_LEFT,
    "refused": REFUSALS,
    "answer lost": LOST,
    "never arrived": NEVER_ARRIVED,
}

CERTAINTY: dict[str, Certainty | None] = {
    # What a class must leave the house knowing: the table of the law, for the test of this file.
    "ok": None,
    "never left": Certainty.NOT_SENT,
    "refused": Certainty.REJECTED,
    "answer lost": Certainty.UNKNOWN,
    "never arrived": Certainty.UNKNOWN,
}
