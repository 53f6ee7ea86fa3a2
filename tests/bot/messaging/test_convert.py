"""Other kinds of sound: made where ffmpeg is, and said plainly where it is not."""

from __future__ import annotations

import shutil
import struct
import wave
from io import BytesIO
from pathlib import Path

import pytest

from bot.messaging import convert, machine
from bot.wording import ogg

NOTE = (Path(__file__).resolve().parents[3] / "phones" / "static" / "voice.ogg").read_bytes()


def tone(seconds: float = 1.0) -> bytes:
    """A WAV of one note."""
    made = BytesIO()
    with wave.open(made, "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        file.writeframes(
            b"".join(struct.pack("<h", (n % 40 - 20) * 400) for n in range(int(16000 * seconds)))
        )
    return made.getvalue()


def test_a_voice_note_becomes_m4a_where_that_can_be_made():
    """Either way the rest goes on: no test here is skipped, nor does anything need the program."""
    if convert.program() is None:
        print("NO FFMPEG: THAT IT MAKES M4A IS NOT SHOWN")
        with pytest.raises(convert.CannotConvert, match="ffmpeg is er niet"):
            convert.m4a(NOTE)
        return
    made = convert.m4a(NOTE)

    assert b"ftypM4A " == made[4:12]
    back = ogg.read(convert.opus(made, ".m4a"))
    assert 3.0 == pytest.approx(back.seconds, abs=0.2)


def test_a_file_that_staff_bring_becomes_a_voice_note_where_that_can_be_made():
    if convert.program() is None:
        print("NO FFMPEG: THAT IT TAKES A FILE IS NOT SHOWN")
        with pytest.raises(convert.CannotConvert, match="ffmpeg is er niet"):
            convert.opus(tone(), ".wav")
        return
    sound = ogg.read(convert.opus(tone(), ".wav"))

    assert (1, pytest.approx(1.0, abs=0.1)) == (sound.channels, sound.seconds)
    with pytest.raises(convert.CannotConvert, match="niet te lezen"):
        convert.opus(b"no sound", ".wav")


def test_without_ffmpeg_it_is_said(monkeypatch):
    monkeypatch.setattr(convert, "program", lambda: None)

    with pytest.raises(convert.CannotConvert, match=r"Zie docs/operations\.md"):
        convert.m4a(NOTE)


def test_a_playlist_is_no_sound(tmp_path):
    """It may name other files and addresses, which ffmpeg would then open."""
    with pytest.raises(convert.CannotConvert, match="kennen wij niet"):
        convert.opus(b"#EXTM3U\n/etc/passwd\n", ".m3u8")


def test_a_computer_reads_aloud_where_it_is_there():
    if shutil.which(machine.PROGRAM) is None or convert.program() is None:
        print("NO ESPEAK-NG OR NO FFMPEG: THAT A COMPUTER READS ALOUD IS NOT SHOWN")
        with pytest.raises(machine.CannotSpeak, match="is er niet"):
            machine.read_aloud("Kom je?", "nl")
        return

    assert 0.3 < machine.read_aloud("Kom je naar de afspraak?", "nl").seconds < 10
