"""What time it is at a provider: the only clock outside that is always asked for the right time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from email.utils import parsedate_to_datetime

import httpx

from bot.settings import Settings

PATIENCE = 5.0
"""Seconds that a provider gets to say it."""


def origins(settings: Settings) -> Iterator[str]:
    """Give where the providers are whose channels are set."""
    if settings.twilio:
        yield settings.twilio_api_url
    if settings.telegram_bot_token:
        yield settings.telegram_api_url


def told_by(origin: str) -> datetime | None:
    """Return the Date of an answer from *origin*, to the second; None if there is none.

    Any answer will do: nothing is asked for, and nothing of ours is told.
    """
    try:
        answer = httpx.head(origin, timeout=PATIENCE, trust_env=False)
        told = parsedate_to_datetime(answer.headers["Date"])
    except (httpx.HTTPError, KeyError, ValueError):
        return None
    return told if told.tzinfo is not None else None
