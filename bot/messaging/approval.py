"""What a second person said yes to, as one hash: read again before every call.

It covers whom a mass message goes to, what it says in every language, and when. Whatever of
that changes, by a command, an import or a new release, the approval no longer holds.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy.orm import Session

from bot.house import House
from bot.models.broadcasts import Broadcast
from bot.models.voortrajecten import Voortraject
from bot.wording import render
from bot.wording.catalogue import Catalogue

SPOKEN_OF = ("theme", "place", "address", "days", "begins", "ends", "weeks")
"""What texts say of a voortraject, beside its first day."""

SAID_WITH_IT = ("voortraject.yields",)
"""Texts of the catalogue that stand within those about a voortraject."""


def holds(session: Session, house: House, broadcast: Broadcast) -> bool:
    """Say whether *broadcast* is still exactly what was approved."""
    return broadcast.approved_hash is not None and broadcast.approved_hash == fingerprint(
        session,
        house,
        broadcast,
        broadcast.audience_hash or "",
        broadcast.languages,
        broadcast.unreviewed,
    )


def fingerprint(
    session: Session,
    house: House,
    broadcast: Broadcast,
    audience_hash: str,
    languages: Sequence[str],
    unreviewed: Sequence[str],
) -> str:
    """Return the hash of *broadcast*, for this audience and the *languages* (codes) it has."""
    voortraject = (
        session.get(Voortraject, broadcast.voortraject_id) if broadcast.voortraject_id else None
    )
    return _hash(
        {
            "audience": audience_hash,
            "unreviewed": sorted(unreviewed),
            "key": broadcast.key,
            "values": broadcast.values,
            "corrects": broadcast.corrects,
            "voortraject": None if voortraject is None else _said_of(voortraject),
            "window": [broadcast.window_from.isoformat(), broadcast.window_until.isoformat()],
            "first": [broadcast.first, broadcast.hold_minutes],
            "limits": [broadcast.most_failed, broadcast.most_stopped, broadcast.most_unknown],
            "texts": [
                _texts(house.catalogue, key, tuple(sorted(languages)))
                for key in (broadcast.key, *(SAID_WITH_IT if voortraject is not None else ()))
            ],
        }
    )


def _said_of(voortraject: Voortraject) -> list[Any]:
    said = [getattr(voortraject, name) for name in SPOKEN_OF]
    return [voortraject.id, voortraject.starts.isoformat(), *said]


@lru_cache(maxsize=64)
def _texts(catalogue: Catalogue, key: str, languages: tuple[str, ...]) -> str:
    """Return the hash of all that *key* says in *languages*, its buttons and its opener."""
    entry = catalogue.entries[key]
    said: list[Any] = [
        [
            code,
            catalogue.text(key, code).body,
            render.buttons(entry.buttons, code, catalogue=catalogue),
        ]
        for code in languages
    ]
    if entry.opener:
        said.append(catalogue.entries[entry.opener].text)
    return _hash(said)


def _hash(what: Any) -> str:
    written = json.dumps(what, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(written.encode()).hexdigest()
