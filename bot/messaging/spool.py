"""What the database could not take when it had to: kept on disk, and put in when it is back.

Two kinds of entry. An *arrival* is a genuine event from a provider, answered 2xx because it is
safe here. An *outcome* is what one call came to: without it nobody would know whether the message
went. One file each, whole or not at all: written beside its place, fsynced, renamed, and the
folder fsynced. Only the user of this process may read them; an arrival holds what a person wrote,
and its file goes as soon as the database has it.

Putting in is harmless twice: an arrival has its unique key, an outcome is fenced by message,
attempt and epoch. So several processes may share one folder.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy.orm import Session

from bot import logs, moments
from bot.channels.base import Cause, Certainty, Forged, SendError
from bot.db import AWAY
from bot.messaging import inbox
from bot.messaging.inbox import Arrival

log = structlog.get_logger()

ARRIVAL, OUTCOME, DAMAGED, BESIDE = ".arrival", ".outcome", ".damaged", ".beside"

AT_ONCE = 100
"""Arrivals put in by one transaction."""

HALF_WRITTEN = timedelta(minutes=1)
"""What was not renamed by then never will be: its writer died, and nobody was told it is safe."""

FORM = "stap-spool-1"
"""The first word of every file; another form of entry has another."""


class Damaged(Exception):
    """A file of the spool does not hold what was written to it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one call came to, and of which database, message, attempt and claim it was."""

    identity: str
    """Of the database (`Installation.identity`): another one gives out the same numbers."""
    message: int
    attempt: int
    epoch: int
    at: datetime
    ref: str | None
    """The provider's id of what it accepted; None if it did not."""
    error: Mapping[str, Any] | None
    """How it failed; None where it did not, or where the call was never made."""

    @property
    def told(self) -> str | SendError | None:
        """What `delivery.settle` is told: an id, a failure, or None if no call was made."""
        if self.ref is not None or self.error is None:
            return self.ref
        return SendError(
            Certainty(self.error["certainty"]),
            Cause(self.error["cause"]),
            code=self.error["code"],
            detail=self.error["detail"],
            retry_after=self.error["retry_after"],
        )


def outcome(
    identity: str, message: int, attempt: int, epoch: int, told: str | SendError | None
) -> Outcome:
    """Return the entry for what a call came to; *told* is None if it was not made."""
    error = None
    if isinstance(told, SendError):
        error = {
            "certainty": told.certainty.value,
            "cause": told.cause.value,
            "code": told.code,
            "detail": told.detail,
            "retry_after": told.retry_after,
        }
    ref = told if isinstance(told, str) else None
    return Outcome(identity, message, attempt, epoch, moments.now(), ref, error)


class Spool:
    """The folder of one installation. It need not be there: the first entry makes it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    # ---------------------------------------------------------------- what goes in

    def keep(self, entry: Arrival | Outcome) -> None:
        """Return once *entry* is on the disk. Raises OSError if the disk does not take it.

        What is here already stays as it was: of an event the first counts, as in the database, and
        a call comes to one thing.
        """
        if isinstance(entry, Arrival):
            name = hashlib.sha256(entry.key.encode()).hexdigest() + ARRIVAL
        else:
            name = f"{entry.message}-{entry.attempt}-{entry.epoch}{OUTCOME}"
        if (self.folder / name).exists():
            self._sync_folder()
            return
        self.write(name, _packed(entry))

    def write(self, name: str, content: bytes) -> None:
        """Let the file *name* hold *content*, whole or not at all, also if the power fails."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside = self.folder / f"{secrets.token_hex(8)}{BESIDE}"
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            beside.rename(self.folder / name)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
        self._sync_folder()

    def _sync_folder(self) -> None:
        descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    # ---------------------------------------------------------------- what is there

    def waits(self, kind: str) -> bool:
        """Say whether anything of *kind* waits. Cheap enough to ask before every transaction."""
        if not os.path.exists(self.folder):
            return False  # mostly; to find that out by reading it takes ten times as long
        return next(self._names(kind), None) is not None

    def count(self, kind: str) -> int:
        """Return how many entries of *kind* there are."""
        return sum(1 for _ in self._names(kind))

    def arrivals(self) -> Iterator[list[Path]]:
        """Give all that arrived, oldest first, so many at a time: what was said first counts."""
        ordered = iter(sorted((self._at(name), name) for name in self._names(ARRIVAL)))
        while some := list(islice(ordered, AT_ONCE)):
            yield [self.folder / name for _, name in some]

    def outcomes(self) -> list[Path]:
        """Return the outcomes that wait."""
        return [self.folder / name for name in sorted(self._names(OUTCOME))]

    def _names(self, kind: str) -> Iterator[str]:
        try:
            with os.scandir(self.folder) as found:
                for each in found:
                    if each.name.endswith(kind):
                        yield each.name
        except OSError:
            return  # not there yet, or not ours to read: `stap doctor` says so

    def _at(self, name: str) -> str:
        try:
            with (self.folder / name).open("rb") as file:
                return file.readline(200).decode("ascii").split()[1]
        except (OSError, ValueError, IndexError):
            return ""  # damaged, or put in by another process: found out when it is read

    # ---------------------------------------------------------------- what goes out

    def read(self, path: Path) -> Arrival | Outcome | None:
        """Return the entry in *path*; None if another process has put it in. Raises Damaged."""
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        return _unpacked(content)

    def forget(self, paths: Sequence[Path]) -> None:
        """Remove what the database has."""
        for path in paths:
            path.unlink(missing_ok=True)

    def sweep(self) -> None:
        """Remove what dead processes left half written: it may hold what a person wrote."""
        real = (moments.now() - moments.practice_offset()).timestamp()
        for name in self._names(BESIDE):
            with suppress(FileNotFoundError):
                path = self.folder / name
                if path.stat().st_mtime < real - HALF_WRITTEN.total_seconds():
                    path.unlink()

    def set_aside(self, path: Path, why: str) -> None:
        """Keep what cannot be put in, out of the way of what can. `stap doctor` counts it."""
        with suppress(FileNotFoundError):
            path.rename(path.with_name(path.name + DAMAGED))
            log.error("set aside", entry=path.name, why=why)


def _packed(entry: Arrival | Outcome) -> bytes:
    kind = ARRIVAL if isinstance(entry, Arrival) else OUTCOME
    content = asdict(entry)
    at = content.pop("at").isoformat()
    body = json.dumps(content).encode()
    return f"{FORM} {at} {kind} {hashlib.sha256(body).hexdigest()}\n".encode() + body


def _unpacked(content: bytes) -> Arrival | Outcome:
    head, _, body = content.partition(b"\n")
    try:
        form, at, kind, digest = head.decode("ascii").split()
        if form != FORM or digest != hashlib.sha256(body).hexdigest():
            raise ValueError
        fields = {**json.loads(body), "at": datetime.fromisoformat(at)}
        return Arrival(**fields) if kind == ARRIVAL else Outcome(**fields)
    except (ValueError, TypeError) as error:
        raise Damaged from error


def put_in(session: Session, spool: Spool, paths: Sequence[Path]) -> list[Path]:
    """Store the arrivals in *paths*; return those to `forget` once that is committed.

    One that cannot be stored is set aside, and holds up no other.
    """
    stored: list[Path] = []
    for path in paths:
        try:
            arrival = spool.read(path)
            if isinstance(arrival, Arrival):
                with session.begin_nested():
                    inbox.store(session, arrival)
        except AWAY:
            raise
        except Forged as error:
            log.warning("forged", why=str(error))
        except Exception as error:  # whatever it is, it would be the same the next time
            spool.set_aside(path, logs.fault(error))
            continue
        stored.append(path)
    return stored
