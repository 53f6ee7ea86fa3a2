"""Pictures and sounds that a provider or a page fetches from us: at which address, and for whom.

An address says what lies there and that we made it, nothing else: it is signed, so that nobody
can ask for another file, and it holds nothing personal.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Any

from bot.house import House
from bot.settings import Settings, is_loopback
from bot.wording.entries import Entry

PATH = "/m/"

_PROOF = 32
"""Hex characters: 128 bits."""

_NAME = re.compile(r"[a-z0-9_-]+(?:/[a-z0-9_-]+)*\.[a-z0-9]{2,4}", re.ASCII)
"""What a file may be called, with its folders: in it is no way up."""


def signed(settings: Settings, name: str) -> str:
    """Return how *name*, a file with its folders, stands at the end of an address.

    ValueError for what can be no such file.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"no name of a picture or a sound: {name!r}")
    # In one piece: a template fills it in as one word.
    return f"{_proof(settings, name)}-{name.replace('/', '~')}"


def address(settings: Settings, name: str) -> str:
    """Return where *name* is fetched."""
    return settings.public_url + PATH + signed(settings, name)


def believed(settings: Settings, told: str) -> str | None:
    """Return the name in *told*, the end of an address, if we signed it; else None."""
    proof, _, rest = told.partition("-")
    name = rest.replace("~", "/")
    if not _NAME.fullmatch(name):
        return None
    good = hmac.compare_digest(proof.encode(errors="replace"), _proof(settings, name).encode())
    return name if good else None


def _proof(settings: Settings, name: str) -> str:
    return hmac.new(settings.signing_key, f"media:{name}".encode(), hashlib.sha256).hexdigest()[
        :_PROOF
    ]


def can_be_fetched(settings: Settings) -> bool:
    """Say whether a provider can come to us: not from the internet to this machine's own name."""
    return settings.providers_are_local or not is_loopback(settings.public_url)


def picture_of(house: House, entry: Entry, values: Mapping[str, Any]) -> str:
    """Return the picture of a text, by its file below content/; ``""`` if it has none.

    The door of the place that it speaks of, where the text wants that and the gemeente has one.
    """
    if entry.picture is None:
        return ""
    place = values.get("place")
    if entry.shows_place and isinstance(place, str):
        known = house.gemeente.place(place)
        if known is not None and known.picture is not None:
            return known.picture
    return entry.picture
