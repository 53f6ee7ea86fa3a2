"""What a groepsbericht would do, counted once and remembered for a while.

In a small gemeente it is counted at every look. In a big one that takes a second or more: the page
comes first, without it, and asks for the rest. What is said yes to is always counted anew.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Collection
from datetime import datetime, timedelta
from threading import Lock

from flask import current_app, request
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot import moments
from bot.models.broadcasts import Broadcast
from bot.models.people import Inburgeraar
from bot.outreach import preview as previews
from bot.outreach.broadcasts import SETTINGS
from bot.outreach.preview import Preview
from console.desk import house

FEW = 2000
"""As many people are counted while somebody waits for the page."""

GOOD_FOR = timedelta(minutes=2)
"""How long what was counted is shown, with the time at which that was."""

MOST = 16
"""What is remembered of others goes, the oldest first: each holds everyone it would go to."""


class Counted:
    """What was counted in this process, by what exactly it is about."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[datetime, Preview]] = OrderedDict()
        self._lock = Lock()

    def find(self, about: str) -> Preview | None:
        """Return what was counted of it, if that is good still."""
        with self._lock:
            at, seen = self._kept.get(about, (None, None))
            return seen if at is not None and moments.now() - at < GOOD_FOR else None

    def keep(self, about: str, seen: Preview) -> None:
        """Remember it, counted just now."""
        with self._lock:
            self._kept[about] = moments.now(), seen
            self._kept.move_to_end(about)
            while len(self._kept) > MOST:
                self._kept.popitem(last=False)


def seen(database: Session, broadcast: Broadcast, agreed: Collection[str]) -> Preview | None:
    """Return what it would do with these unreviewed languages; None if that must be asked for.

    It is asked for with ``tel`` in the address, and then counted anew.
    """
    if (database.scalar(select(func.max(Inburgeraar.id))) or 0) <= FEW:
        return previews.preview(database, house(), broadcast, agreed)
    counted: Counted = current_app.extensions.setdefault("counted", Counted())
    about = _about(broadcast, agreed)
    found = None if "tel" in request.args else counted.find(about)
    if found is None and "tel" in request.args:
        found = previews.preview(database, house(), broadcast, agreed)
        counted.keep(about, found)
    return found


def _about(broadcast: Broadcast, agreed: Collection[str]) -> str:
    """Return the hash of all that staff decide about it."""
    told = [getattr(broadcast, name) for name in SETTINGS]
    told += [broadcast.id, broadcast.state, broadcast.started_at, sorted(agreed)]
    return hashlib.sha256(repr(told).encode()).hexdigest()
