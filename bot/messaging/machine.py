"""A computer's voice, for languages that espeak-ng has: robotic, and it says so itself.

Off unless MACHINE_VOICE is on. A language without a voice gets none of a neighbour's.
"""

from __future__ import annotations

import shutil
import subprocess

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.house import House
from bot.messaging import convert
from bot.models.voices import Recording
from bot.wording import ogg, spoken
from bot.wording.languages import Language

PROGRAM = "espeak-ng"
PATIENCE = 30.0
"""Seconds for one piece."""
SPEED = "130"
"""Words a minute: slower than the usual 175."""


class CannotSpeak(Exception):
    """De computer kan dit niet voorlezen; the message says in Dutch why."""


def missing(session: Session, house: House, language: Language) -> list[spoken.Piece]:
    """Return what the computer has not read yet in *language*, what it says of itself first."""
    mark = spoken.machine(language.code, house.catalogue)
    wanted = spoken.wanted(language.code, house.catalogue, house.gemeente)
    done = set(
        session.scalars(
            select(Recording.piece).where(
                Recording.language == language.code,
                Recording.machine.is_(True),
                Recording.state == "approved",
            )
        )
    )
    every = (mark, *wanted) if mark is not None else ()
    return [piece for piece in every if piece.key not in done]


def read_aloud(words: str, voice: str) -> ogg.Sound:
    """Return *words* as espeak-ng's *voice* says them. Raises CannotSpeak."""
    program = shutil.which(PROGRAM)
    if program is None:
        raise CannotSpeak("espeak-ng is er niet. Zie docs/operations.md.")
    command = [program, "-v", voice, "-s", SPEED, "--stdin", "--stdout"]
    try:
        said = subprocess.run(
            command, input=words.encode(), check=True, capture_output=True, timeout=PATIENCE
        )
        return ogg.read(convert.opus(said.stdout, ".wav"))
    except (subprocess.SubprocessError, OSError) as error:
        raise CannotSpeak(f"espeak-ng leest dit niet voor ({voice}).") from error
    except (convert.CannotConvert, ogg.NotOpus) as error:
        raise CannotSpeak(str(error)) from error
