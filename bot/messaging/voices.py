"""Recordings on this disk: kept, found for a text, joined, and deleted.

They leave this installation only as a message to the person who asked to listen, and on the page
of a link. A voice is somebody's: the files are nobody's to read but ours.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import moments
from bot.house import House
from bot.models.messages import Reply
from bot.models.voices import Recording, VoiceNote
from bot.settings import Settings
from bot.wording import ogg, spoken

OGG, M4A = ".ogg", ".m4a"

TYPES: Mapping[str, str] = {OGG: ogg.CONTENT_TYPE, M4A: "audio/mp4"}

YOUNG = 3600
"""Seconds in which a file may be there before the row that speaks of it."""

MOST_PIECES = 80
"""More are in no message: an address that asks for them is not ours."""

FOLDER = "stem/"
"""How the name of a sound begins."""
_TOLD = re.compile(r"stem/([0-9]+(?:-[0-9]+)*)(\.ogg|\.m4a)", re.ASCII)


# ------------------------------------------------------------------ on the disk


def keep(settings: Settings, content: bytes, ending: str, name: str = "") -> str:
    """Write *content* to a new file, or beside the others called *name*; return that name.

    Raises OSError.
    """
    name = name or secrets.token_hex(16)
    folder = settings.voices
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    half = folder / f"{name}{ending}.half"
    with open(half, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    half.replace(folder / f"{name}{ending}")
    return name


def discard(settings: Settings, name: str) -> None:
    """Delete what is called *name*, with or without its ending."""
    for path in (settings.voices / (name + ending) for ending in ("", OGG, M4A)):
        path.unlink(missing_ok=True)


def path_of(settings: Settings, recording: Recording, ending: str = OGG) -> Path | None:
    """Return where *recording* lies; None if it is not there in this form."""
    if recording.file is None:
        return None
    path = settings.voices / f"{recording.file}{ending}"
    return path if path.is_file() else None


# ------------------------------------------------------------------ for a text


def approved(
    session: Session, language: str, pieces: Collection[str], *, machine: bool = False
) -> dict[str, Recording]:
    """Return the newest approved recording of each of *pieces*, by its key."""
    if not pieces:
        return {}
    rows = session.scalars(
        select(Recording)
        .where(
            Recording.language == language,
            Recording.piece.in_(pieces),
            Recording.state == "approved",
            Recording.machine.is_(machine),
            Recording.file.is_not(None),
        )
        .order_by(Recording.id)
    )
    return {row.piece: row for row in rows}


def said(
    session: Session, house: House, pieces: Sequence[spoken.Piece], language: str
) -> list[Recording]:
    """Return a recording for each of *pieces*; none at all if one is missing.

    Of a person; or all of the computer, who says so first, where MACHINE_VOICE allows that. Never
    a bit of each.
    """
    for by_machine in (False, True) if house.settings.machine_voice else (False,):
        wanted = [*pieces]
        if by_machine:
            mark = spoken.machine(language, house.catalogue)
            if mark is None:
                return []
            wanted.insert(0, mark)
        found = approved(session, language, {p.key for p in wanted}, machine=by_machine)
        if wanted and all(piece.key in found for piece in wanted):
            return [found[piece.key] for piece in wanted]
    return []


def of_text(
    session: Session, house: House, key: str, language: str, values: Mapping[str, Any]
) -> str | None:
    """Return what the text *key* sounds like, as the name of a sound for `media`; or None."""
    pieces = spoken.pieces(key, language, values, house.catalogue, house.gemeente)
    if not pieces or len(pieces) >= MOST_PIECES:
        return None
    return name_of(said(session, house, pieces, language))


def name_of(recordings: Iterable[Recording], ending: str = OGG) -> str | None:
    """Return the name under which *recordings* are fetched as one sound; None for none."""
    numbers = "-".join(str(recording.id) for recording in recordings)
    return f"{FOLDER}{numbers}{ending}" if numbers else None


def content(session: Session, settings: Settings, name: str) -> tuple[bytes, str] | None:
    """Return the sound called *name* and its type; None if it is not there (any more).

    Only what is approved: what was taken back is heard no more, whoever has the address.
    """
    found = _TOLD.fullmatch(name)
    if found is None:
        return None
    numbers, ending = [int(number) for number in found[1].split("-")], found[2]
    if len(numbers) > MOST_PIECES or max(numbers) >= 2**31:
        return None
    rows = session.scalars(
        select(Recording).where(Recording.id.in_(numbers), Recording.state == "approved")
    )
    paths = {row.id: path_of(settings, row, ending) for row in rows}
    files = [path for number in numbers if (path := paths.get(number)) is not None]
    if len(files) < len(numbers) or (ending == M4A and len(files) > 1):
        return None
    if len(files) == 1:
        return files[0].read_bytes(), TYPES[ending]
    return ogg.join([ogg.read(path.read_bytes()) for path in files]), TYPES[ending]


# ------------------------------------------------------------------ what residents said


def note(session: Session, reply: Reply) -> None:
    """Let the voice note in *reply* be fetched, so that staff can hear it here."""
    session.add(VoiceNote(reply_id=reply.id, state="coming", said_at=reply.at))


PLAYABLE: Mapping[str, str] = {**TYPES, ".mp4": "audio/mp4", ".mp3": "audio/mpeg"}
"""What browsers play. The rest, such as the AMR of an old phone, is for another program."""


def heard(settings: Settings, note: VoiceNote) -> tuple[bytes, str] | None:
    """Return the sound of *note* and its type; None if it is not here (yet, or any more)."""
    if note.file is None:
        return None
    path = settings.voices / note.file
    if not path.is_file():
        return None
    return path.read_bytes(), PLAYABLE.get(path.suffix, "application/octet-stream")


def sweep(session: Session, settings: Settings, moment: datetime) -> int:
    """Delete the files that no row speaks of (any more), and of recordings refused before *moment*.

    Rows go by `privacy.retention` and by the rights of a person; this follows. Returns how many.
    """
    for recording in session.scalars(
        select(Recording).where(
            Recording.state == "refused",
            Recording.file.is_not(None),
            Recording.decided_at < moment,
        )
    ):
        recording.file = None
    session.flush()
    if not settings.voices.is_dir():
        return 0
    files = session.scalars(select(Recording.file).where(Recording.file.is_not(None)))
    notes = session.scalars(select(VoiceNote.file).where(VoiceNote.file.is_not(None)))
    known = {str(name).partition(".")[0] for name in (*files, *notes)}
    # Files are as old as the real clock says, whatever time it is in practice.
    young = (moments.now() - moments.practice_offset()).timestamp() - YOUNG
    gone = [
        path
        for path in settings.voices.iterdir()
        if path.name.partition(".")[0] not in known and path.stat().st_mtime < young
    ]
    for path in gone:
        path.unlink(missing_ok=True)
    return len(gone)
