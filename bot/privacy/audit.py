"""Who did or looked at what: a log that is only added to, and that shows it if it was not."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from bot import moments
from bot.models.staff import AuditEntry

LOCK = 0x57AA
"""Any number that nothing else of ours locks."""


def record(
    session: Session,
    key: bytes,
    staff_id: int | None,
    action: str,
    subject: str | None = None,
    **detail: Any,
) -> None:
    """Add one row, sealed with *key* onto the row before it.

    *subject* and *detail* hold ids and counts, never what somebody is called or said.
    """
    if session.get_bind().dialect.name == "postgresql":
        # Two that are added together would both seal onto the same row.
        session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    session.flush()
    before = session.scalars(
        select(AuditEntry.seal).order_by(AuditEntry.id.desc()).limit(1)
    ).one_or_none()
    entry = AuditEntry(
        at=moments.now(), staff_id=staff_id, action=action, subject=subject, detail=detail
    )
    entry.seal = _seal(key, before or "", entry)
    session.add(entry)
    session.flush()


def broken(session: Session, key: bytes) -> Iterator[int]:
    """Give the id of every row that is not as it was written, or whose neighbour is gone."""
    before = ""
    for entry in session.scalars(select(AuditEntry).order_by(AuditEntry.id)).yield_per(1000):
        if not hmac.compare_digest(entry.seal, _seal(key, before, entry)):
            yield entry.id
        before = entry.seal


def newest(session: Session) -> tuple[int, str] | None:
    """Return the id and seal of the newest row: kept elsewhere, it shows a log cut short."""
    found = session.execute(
        select(AuditEntry.id, AuditEntry.seal).order_by(AuditEntry.id.desc()).limit(1)
    ).one_or_none()
    return None if found is None else (found.id, found.seal)


def _seal(key: bytes, before: str, entry: AuditEntry) -> str:
    told = json.dumps(
        [before, entry.at.isoformat(), entry.staff_id, entry.action, entry.subject, entry.detail],
        sort_keys=True,
        ensure_ascii=False,
    )
    return hmac.new(key, told.encode(), hashlib.sha256).hexdigest()
