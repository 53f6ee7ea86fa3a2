"""Which database this is, and whether anything may be sent from it.

A copy does not know that it is one, nor a backup that it was put back. So every worker counts the
database up every few seconds, and keeps beside its spool how far that was: a database that is
behind that, or of another environment, is *on hold*. Everything works then but sending.

    restored  an older backup was put back: what was due since is unknown until it is looked up
    copied    it is of another environment
    strange   in production, a disk that does not know it, and nobody used it lately
    asked     somebody asked for it
"""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from bot import moments
from bot.house import House
from bot.inserts import insert_once
from bot.messaging.spool import Spool
from bot.models.installation import Installation

RESTORED, COPIED, STRANGE, ASKED = "restored", "copied", "strange", "asked"

EVIDENCE = "seen-alive.json"
"""The file in the spool's folder; it holds nothing about anybody."""

LATELY = timedelta(minutes=15)
"""A database that was in use so short a while ago was not put back from a backup, but moved."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a process, or the one before it on this disk, has seen of the database."""

    identity: str = ""
    beats: int = 0
    former: tuple[str, ...] = ()
    """Identities that it had before: seen again, it is an old one."""

    @classmethod
    def found(cls, spool: Spool) -> Evidence:
        """Return what lies in *spool*'s folder; nothing at all where that cannot be read."""
        try:
            kept = json.loads((spool.folder / EVIDENCE).read_bytes())
            return cls(str(kept["identity"]), int(kept["beats"]), tuple(kept["former"]))
        except (OSError, ValueError, KeyError, TypeError):
            return cls()

    def keep(self, spool: Spool) -> None:
        """Write it down. Raises OSError if the disk does not take it."""
        spool.write(EVIDENCE, json.dumps(asdict(self)).encode())

    def older(self, found: Installation) -> bool:
        """Say whether *found* is what the database was before it was seen as it is here."""
        if found.identity == self.identity:
            return found.beats < self.beats
        return found.identity in self.former


# ------------------------------------------------------------------ every few seconds


def check_in(session: Session, house: House, seen: Evidence) -> tuple[Evidence, bool]:
    """Count the database up, and hold it if it is not what it should be.

    Returns what to keep once this is committed, and whether it is held since just now.
    """
    now, environment = moments.now(), house.settings.environment
    new = {"id": 1, "identity": secrets.token_hex(16), "environment": environment}
    insert_once(session, Installation, {**new, "created_at": now, "beats": 0, "alive_at": now})
    found = session.get_one(Installation, 1, with_for_update=True, populate_existing=True)
    why = _why(found, environment, seen, now)
    held = why is not None and _hold(found, why, now, found.alive_at)
    if seen.identity and found.identity not in (seen.identity, *seen.former):
        seen = Evidence(former=(*seen.former, seen.identity))
    found.beats += 1
    found.alive_at = now
    return Evidence(found.identity, found.beats, seen.former), held


def _why(found: Installation, environment: str, seen: Evidence, now: datetime) -> str | None:
    if found.environment != environment:
        return COPIED
    if seen.older(found):
        return RESTORED
    known = found.identity == seen.identity or found.beats == 0
    if environment == "production" and not known and found.alive_at < now - LATELY:
        return STRANGE
    return None


def _hold(found: Installation, why: str, now: datetime, since: datetime) -> bool:
    """Let *found* be on hold; return False if that is nothing new."""
    if why == RESTORED:
        # Once more within a hold: then even less of it is known.
        since = min(since, found.missed_since or since)
        found.identity, found.refilled_at = secrets.token_hex(16), None
    elif found.held_since is not None:
        return False
    found.held_since, found.held_why, found.held_note = now, why, None
    found.missed_since = since if why in (RESTORED, STRANGE) else None
    return True


def may_send(session: Session, house: House, seen: Evidence) -> bool:
    """Say whether this database is the one that was *seen*, and not on hold."""
    found = session.get(Installation, 1, populate_existing=True)
    return (
        found is not None
        and found.held_since is None
        and found.environment == house.settings.environment
        and found.identity == seen.identity
        and found.beats >= seen.beats
    )


def on_hold(session: Session) -> bool:
    """Say whether nothing may be sent now."""
    held = select(exists().where(Installation.held_since.is_not(None)))
    return session.scalar(held) is True


def is_copy(session: Session, environment: str) -> bool:
    """Say whether this database is of another environment than *environment*."""
    found = session.get(Installation, 1)
    return found is not None and found.environment != environment


def found(session: Session) -> Installation | None:
    """Return the row of this database; None as long as no worker has been at it."""
    return session.get(Installation, 1)


# ------------------------------------------------------------------ in words


def told(found: Installation | None, environment: str) -> str | None:
    """Say in Dutch that nothing is sent, since when and why; None if all is well."""
    if found is None or found.held_since is None:
        return None
    since = _spoken(found.held_since)
    return f"Er wordt niets verstuurd, sinds {since}. {_reason(found, environment)}"


def _reason(found: Installation, environment: str) -> str:
    missed = _spoken(found.missed_since) if found.missed_since is not None else ""
    return {
        RESTORED: (
            f"Er is een oudere back-up teruggezet: wat er na {missed} gebeurde, staat er niet in."
        ),
        COPIED: (
            f"Deze database is van {found.environment}, en dit is {environment}: zij is een kopie."
        ),
        STRANGE: (
            f"Deze machine kent deze database niet, en na {missed} is er niet mee gewerkt. "
            "Misschien is zij een back-up."
        ),
        ASKED: "Iemand vroeg erom.",
    }[found.held_why or ASKED]


def _spoken(moment: datetime) -> str:
    return f"{moments.local(moment):%d-%m-%Y %H:%M}"


# ------------------------------------------------------------------ by hand


def ask(session: Session, note: str) -> bool:
    """Let nothing be sent, because somebody says so; False if that was so already."""
    found = session.get_one(Installation, 1, with_for_update=True)
    if found.held_since is not None:
        return False
    found.held_since, found.held_why, found.held_note = moments.now(), ASKED, note
    return True


def restored(session: Session, since: datetime | None) -> Installation:
    """Treat this database as a backup that was put back; *since* is its moment, if it is known."""
    found = session.get_one(Installation, 1, with_for_update=True)
    _hold(found, RESTORED, moments.now(), since or found.missed_since or found.alive_at)
    return found


def refilled(session: Session) -> None:
    """Note that all that people wrote while nobody listened is in the inbox."""
    found = session.get(Installation, 1, with_for_update=True)
    if found is not None and found.held_since is not None:
        found.refilled_at = moments.now()


def missed_since(session: Session) -> datetime | None:
    """Return from when on a restored database must be told what people wrote; else None."""
    found = session.get(Installation, 1)
    return found.missed_since if found is not None and found.held_since is not None else None


def release(session: Session, house: House) -> None:
    """Let messages be sent again; from here on this database is of this environment."""
    found = session.get_one(Installation, 1, with_for_update=True)
    if found.environment != house.settings.environment:
        found.environment, found.identity = house.settings.environment, secrets.token_hex(16)
    found.held_since = found.held_why = found.held_note = None
    found.missed_since = found.refilled_at = None
