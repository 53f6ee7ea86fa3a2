"""What an installation is made of, put together once and handed down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot import gemeente as gemeenten
from bot.channels.base import Channel
from bot.channels.registry import channels
from bot.db import Database
from bot.gemeente import Gemeente
from bot.moments import QuietHours
from bot.settings import Settings
from bot.wording.catalogue import Catalogue, catalogue


@dataclass(frozen=True, slots=True)
class House:
    """Settings, database, gemeente, texts and channels of one installation."""

    settings: Settings
    database: Database
    gemeente: Gemeente
    catalogue: Catalogue
    channels: Mapping[str, Channel]
    quiet: QuietHours


def build(settings: Settings) -> House:
    """Put an installation together; nothing is contacted yet.

    Raises GemeenteError or ContentError, in Dutch, when the content cannot be used.
    """
    gemeente = gemeenten.gemeente(settings.gemeente or None)
    quiet = settings.quiet_hours if settings.quiet_hours is not None else gemeente.quiet_hours
    return House(
        settings=settings,
        database=Database(settings.database_url),
        gemeente=gemeente,
        catalogue=catalogue(),
        channels=channels(settings),
        quiet=QuietHours.parse(quiet),
    )
