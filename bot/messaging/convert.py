"""Other kinds of sound, by way of ffmpeg where that is there. Nothing needs it.

Voice notes come and go as OGG/Opus without it. It makes the M4A that older iPhones want on a page,
takes files that staff bring, and takes the computer's voice.
"""

from __future__ import annotations

import importlib
import shutil
import subprocess
import tempfile
from pathlib import Path

PATIENCE = 60.0
"""Seconds for one sound."""

KINDS = {".wav": "wav", ".mp3": "mp3", ".m4a": "mov", ".mp4": "mov", ".aac": "aac", ".amr": "amr"}
"""What can be made into a voice note, by the ending of the file, as ffmpeg calls it."""


class CannotConvert(Exception):
    """Dit geluid kan niet worden omgezet; the message says in Dutch why."""


def program() -> str | None:
    """Return where ffmpeg is: on the PATH, or the one of imageio-ffmpeg; None if nowhere."""
    found = shutil.which("ffmpeg")
    if found is not None:
        return found
    try:
        brought = importlib.import_module("imageio_ffmpeg")
        return str(brought.get_ffmpeg_exe())
    except (ImportError, RuntimeError):
        return None


def m4a(sound: bytes) -> bytes:
    """Return a voice note, OGG/Opus, as M4A. Raises CannotConvert."""
    return _made(sound, "ogg", "m4a", ["-c:a", "aac", "-b:a", "48k", "-movflags", "+faststart"])


def opus(sound: bytes, ending: str) -> bytes:
    """Return a sound of the kind that *ending* names as OGG/Opus, mono. Raises CannotConvert."""
    kind = KINDS.get(ending.lower())
    if kind is None:
        raise CannotConvert(f"{ending or 'Dit'} kennen wij niet. Wel: .ogg, {', '.join(KINDS)}.")
    return _made(sound, kind, "ogg", ["-c:a", "libopus", "-b:a", "24k", "-application", "voip"])


def _made(sound: bytes, kind: str, ending: str, how: list[str]) -> bytes:
    ffmpeg = program()
    if ffmpeg is None:
        raise CannotConvert("ffmpeg is er niet. Zie docs/operations.md.")
    with tempfile.TemporaryDirectory() as folder:
        given, made = Path(folder) / "given", Path(folder) / f"made.{ending}"
        given.write_bytes(sound)
        # A file may name other files and addresses: it is taken for this one kind, by itself.
        command = [ffmpeg, "-nostdin", "-v", "error", "-protocol_whitelist", "file"]
        command += ["-f", kind, "-i", str(given), "-vn", "-map_metadata", "-1", "-ac", "1"]
        command += ["-ar", "48000", *how, str(made)]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE)
        except (subprocess.SubprocessError, OSError) as error:
            raise CannotConvert("Dit geluid is niet te lezen.") from error
        return made.read_bytes()
