"""What follows once somebody was erased: their files, what is kept outside, and the proof.

Beside the spool lies one small file for every erasure, with hashes alone: a backup that is put back
does not know it, and whom it brings back is erased once more before anything is sent.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, ColumnElement, String, Table, cast, or_, select
from sqlalchemy.orm import Session

from bot.db import Base
from bot.house import House
from bot.messaging import voices
from bot.messaging.spool import DAMAGED, Spool
from bot.models.erasures import Erasure
from bot.models.people import Inburgeraar
from bot.privacy import audit, erasure
from bot.privacy.erasure import Done

ERASED = ".erased"
"""How the name of such a file ends."""

CHUNK = 1 << 20
MOST = 200
"""Rows of one table that are looked at closely: one is too many already."""

LEAST = 7
"""Characters from where on something is looked for in the bytes of a file: less is anywhere."""


Place = Table | Path
"""Where something of somebody may stand."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One erasure as it is kept outside the database."""

    mark: str
    at: datetime
    addresses: list[dict[str, Any]]

    @property
    def name(self) -> str:
        """What its file is called: of two erasures of one kenmerk both are kept."""
        return f"{self.mark[:32]}-{self.at:%Y%m%d%H%M%S}{ERASED}"


# ------------------------------------------------------------------ once it is committed


def follow(house: House, done: Done) -> None:
    """Delete the files, keep the hashes outside, and leave nothing where rows were.

    Raises OSError where the disk does not take it; done again it is harmless.
    """
    spool = Spool(house.settings.spool)
    addresses = [
        {"mark": each.mark, "stopped": each.stopped, "locked": each.locked}
        for each in done.forgotten
    ]
    for each in (done.erasure, *done.others):
        told = {"mark": each.mark, "at": each.at.isoformat(), "addresses": addresses}
        spool.write(Kept(each.mark, each.at, addresses).name, json.dumps(told).encode())
    for name in done.files:
        voices.discard(house.settings, name)
    for path in _files(spool.folder):
        # What waits there is put in and emptied, see `erasure.meet`; what is damaged never is.
        if path.suffix == DAMAGED and _holds(path, _bytes(done.sure)):
            path.unlink(missing_ok=True)
    house.database.scrub()


# ------------------------------------------------------------------ after a restore


def waiting(session: Session, house: House) -> list[Kept]:
    """Return the erasures that this database does not know: it is older than they are."""
    known = {(each.mark, each.at) for each in session.scalars(select(Erasure))}
    return [each for each in _kept(house) if (each.mark, each.at) not in known]


def again(session: Session, house: House, kept: Kept) -> Done | None:
    """Erase once more whom a restore brought back; None if it did not bring them.

    Whoever was written down anew since is somebody who wanted to be.
    """
    key = house.settings.signing_key
    for one in kept.addresses:
        erasure.keep(session, one["mark"], kept.at, stopped=one["stopped"], locked=one["locked"])
    people = session.execute(select(Inburgeraar.id, Inburgeraar.kenmerk, Inburgeraar.created_at))
    numbers = [
        number
        for number, kenmerk, since in people
        if since <= kept.at and erasure.mark(key, "kenmerk", kenmerk) == kept.mark
    ]
    if not numbers:
        session.add(
            Erasure(
                mark=kept.mark, at=kept.at, by=None, how=erasure.RESTORED, erased={}, stayed=[],
                found={},
            )
        )  # fmt: skip
        return None
    person = session.get_one(Inburgeraar, numbers[0])
    done = erasure.erase(session, key, person, by=None, how=erasure.RESTORED)
    done.erasure.at = kept.at
    session.flush()
    audit.record(session, key, None, "person.erased", f"erasure:{done.erasure.id}", again=True)
    return done


def _kept(house: House) -> Iterator[Kept]:
    for path in sorted(_files(house.settings.spool)):
        if path.suffix != ERASED:
            continue
        told = json.loads(path.read_bytes())
        yield Kept(told["mark"], datetime.fromisoformat(told["at"]), told["addresses"])


# ------------------------------------------------------------------ the proof


def places(house: House) -> list[Place]:
    """Return every table that holds words, and every file."""
    tables = [table for table in Base.metadata.sorted_tables if _words_of(table)]
    return [*tables, *_all_files(house)]


def search(session: Session, place: Place, words: Collection[str]) -> Counter[str]:
    """Look through a table or file for *words*: numbers, chats, a kenmerk. Say how often they are
    there, by what staff call that place.

    In rows as whole words: 0612 is not found in 306123. In the bytes of files wherever it stands,
    unless it is short: there, two values may touch.
    """
    if isinstance(place, Table):
        return +Counter({f"tabel {place.name}": _in_rows(session, place, words)})
    return +Counter({f"bestand {place.name}": int(_holds(place, _bytes(words)))})


def _words_of(table: Table) -> list[ColumnElement[str]]:
    return [cast(each, String) for each in table.c if isinstance(each.type, String | JSON)]


def _in_rows(session: Session, table: Table, words: Collection[str]) -> int:
    """Return in how many rows of *table* one of *words* stands, MOST of them at most."""
    exact = _exactly(words)
    if exact is None:
        return 0
    columns = _words_of(table)
    spelt = {form for word in words for form in _spelt(word)}
    hits = or_(*(each.contains(form, autoescape=True) for each in columns for form in spelt))
    rows = session.execute(select(*columns).where(hits).limit(MOST))
    return sum(any(value and exact.search(str(value)) for value in row) for row in rows)


def _exactly(words: Collection[str]) -> re.Pattern[str] | None:
    forms = {form for word in words for form in _spelt(word)}
    if not forms:
        return None
    told = "|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True))
    return re.compile(rf"(?<![\w-])(?:{told})(?![\w-])", re.IGNORECASE)


def _spelt(word: str) -> set[str]:
    """Return *word* as it may stand in a row: a number without its plus, a name within JSON."""
    return {word.removeprefix("+"), json.dumps(word.removeprefix("+"))[1:-1]} - {""}


def _bytes(words: Collection[str]) -> list[bytes]:
    return [form.encode() for word in words if len(word) >= LEAST for form in sorted(_spelt(word))]


def _all_files(house: House) -> Iterator[Path]:
    """Give the files of this house that may hold anything of anybody."""
    url = house.database.url
    if url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:"):
        for ending in ("", "-wal", "-journal"):
            yield Path(f"{url.database}{ending}")
    yield from _files(house.settings.spool)


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_file()] if folder.is_dir() else []


def _holds(path: Path, words: Collection[bytes]) -> bool:
    """Say whether the bytes of *path* hold one of *words*, also where no row is any more."""
    longest = max(map(len, words), default=0)
    before = b""
    try:
        with path.open("rb") as file:
            while part := file.read(CHUNK):
                read = before + part
                if any(word in read for word in words):
                    return True
                before = part[-longest:]
    except FileNotFoundError:
        return False
    return False
