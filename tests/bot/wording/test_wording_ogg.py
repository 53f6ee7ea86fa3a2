"""Voice notes: read as phones send them, joined without being decoded, refused where broken."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.wording import ogg

NOTE = (Path(__file__).resolve().parents[3] / "phones" / "static" / "voice.ogg").read_bytes()
FRAME = 0.02


def sound(*sizes: int, channels: int = 1) -> ogg.Sound:
    """A sound of packets so large, 20 ms each."""
    return ogg.Sound(tuple(b"\xf8" + bytes(size - 1) for size in sizes), channels, 312)


def test_a_voice_note_of_three_seconds_lasts_three_seconds():
    note = ogg.read(NOTE)

    assert 3.0 == pytest.approx(note.seconds, abs=FRAME)
    assert 1 == note.channels


@given(
    st.lists(
        st.lists(st.integers(1, 1275), min_size=1, max_size=120).map(lambda sizes: sound(*sizes)),
        min_size=1,
        max_size=5,
    )
)
def test_what_is_joined_reads_back_with_every_packet_in_its_place(sounds):
    """Whatever their size: a packet of 255 bytes, or of 510, is where pages go wrong."""
    joined = ogg.read(ogg.join(sounds, pause=0))

    assert tuple(packet for each in sounds for packet in each.packets) == joined.packets


def test_between_two_pieces_there_is_silence():
    note = ogg.read(NOTE)

    joined = ogg.read(ogg.join([note, note, note]))

    assert 3 * 3.02 + 2 * ogg.PAUSE == pytest.approx(joined.seconds, abs=FRAME)
    assert note.packets == joined.packets[: len(note.packets)]


def test_a_stereo_piece_makes_the_whole_stereo():
    assert 2 == ogg.read(ogg.join([sound(10), sound(10, channels=2)])).channels


def test_nothing_cannot_be_joined():
    with pytest.raises(ValueError, match="nothing"):
        ogg.join([])


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "geen spraakbericht"),
        (b"RIFF....WAVEfmt " * 9, "geen spraakbericht"),
        (NOTE[:10], "afgebroken"),
        (NOTE[:-1], "afgebroken"),
        (NOTE[:2000] + bytes([NOTE[2000] ^ 1]) + NOTE[2001:], "beschadigd"),
        (
            ogg._page([b"OpusHead" + b"\1\2\x38\1" + b"\x80\xbb\0\0\0\0\1"], 0, 0, 2),
            "te veel kanalen",
        ),
        (ogg._page([b"OpusHead\1\1\0\0\0\0\0\0\0\0\0"], 0, 0, 2), "beschadigd"),
        (
            ogg._page([b"OpusHead\1\1\0\0\0\0\0\0\0\0\0"], 0, 0, 2)
            + ogg._page([b"OpusTags"], 0, 1, 4),
            "niets te horen",
        ),
    ],
)
def test_what_is_no_voice_note_is_refused_in_dutch(data, why):
    with pytest.raises(ogg.NotOpus, match=why):
        ogg.read(data)


@given(st.binary(max_size=400) | st.binary(max_size=40).map(lambda tail: NOTE[:600] + tail))
def test_nothing_that_comes_in_is_worse_than_refused(data):
    """A phone sends what it likes."""
    with contextlib.suppress(ogg.NotOpus):
        ogg.read(data)


@pytest.mark.parametrize(
    ("packet", "milliseconds"),
    [
        (b"\x08", 20),  # SILK, narrow band
        (b"\x18", 60),
        (b"\x60", 10),  # hybrid
        (b"\x80", 2.5),  # CELT
        (b"\xf8", 20),
        (b"\xf9\0\0", 40),  # two frames
        (b"\xfb\x03\0", 60),  # three, by number
    ],
)
def test_the_first_byte_tells_how_long_a_packet_lasts(packet, milliseconds):
    """RFC 6716, section 3.1."""
    assert milliseconds == ogg._samples(packet) / 48
