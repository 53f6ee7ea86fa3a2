"""Voice notes as OGG/Opus: read, and joined into one without being decoded.

WhatsApp and Telegram send and show them so. Opus packets each say how they are to be read: those
of several recordings, made on several phones, follow each other in one stream.

Source: RFC 3533 (Ogg), RFC 7845 (Opus in Ogg), RFC 6716 section 3.1 (the first byte of a packet).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

RATE = 48_000
"""Samples per second that an Opus stream counts in, whatever it was recorded at."""

CONTENT_TYPE = "audio/ogg"

PAUSE = 0.12
"""Seconds of silence between two pieces."""

_SILENCE = b"\xf8\xff\xfe"
"""A packet of 20 ms in which nothing is heard."""
_SILENCE_LASTS = 0.02

_PAGE = struct.Struct("<4sBBqIIIB")
_BEGINS, _ENDS = 0x02, 0x04
_CONTINUES = 0x01
_MOST_SEGMENTS = 255
_PER_PAGE = 50
"""Packets on a page: about a second, so that a player can begin early."""
_SERIAL = 0x53746170
_VENDOR = b"Stap Vooruit"

_SILK = (480, 960, 1920, 2880)
_HYBRID = (480, 960)
_CELT = (120, 240, 480, 960)
"""Samples of a frame, by the configuration in the packet's first byte."""


class NotOpus(Exception):
    """Geen OGG/Opus; the message says in Dutch what it is not."""


@dataclass(frozen=True, slots=True)
class Sound:
    """One stream of Opus, taken out of its pages."""

    packets: tuple[bytes, ...]
    channels: int
    pre_skip: int
    """Samples at the beginning that a player leaves out: the decoder finds its feet there."""

    @property
    def seconds(self) -> float:
        """How long it takes to hear it."""
        return max(0, sum(map(_samples, self.packets)) - self.pre_skip) / RATE


def read(data: bytes) -> Sound:
    """Return what is heard in *data*. Raises NotOpus."""
    packets = _packets(data)
    head = next(packets, b"")
    if not head.startswith(b"OpusHead") or len(head) < 19:
        raise NotOpus("Dit is geen spraakbericht (geen OGG/Opus).")
    channels, pre_skip, mapping = head[9], int.from_bytes(head[10:12], "little"), head[18]
    if mapping or channels not in (1, 2):
        raise NotOpus("Dit geluid heeft te veel kanalen.")
    if not next(packets, b"").startswith(b"OpusTags"):
        raise NotOpus("Dit spraakbericht is beschadigd.")
    sound = Sound(tuple(packet for packet in packets if packet), channels, pre_skip)
    if not sound.packets:
        raise NotOpus("In dit spraakbericht is niets te horen.")
    return sound


def join(sounds: Sequence[Sound], pause: float = PAUSE) -> bytes:
    """Return *sounds* one after the other, *pause* seconds apart. ValueError for none."""
    if not sounds:
        raise ValueError("nothing to join")
    still = (_SILENCE,) * round(pause / _SILENCE_LASTS)
    packets: list[bytes] = list(sounds[0].packets)
    for sound in sounds[1:]:
        packets += [*still, *sound.packets]
    channels, pre_skip = max(sound.channels for sound in sounds), sounds[0].pre_skip
    head = struct.pack("<8sBBHIhB", b"OpusHead", 1, channels, pre_skip, RATE, 0, 0)
    tags = struct.pack("<8sI", b"OpusTags", len(_VENDOR)) + _VENDOR + struct.pack("<I", 0)
    pages = [_page([head], 0, 0, _BEGINS), _page([tags], 0, 1, 0)]
    heard = 0
    groups = list(_groups(packets))
    for number, group in enumerate(groups, 2):
        heard += sum(map(_samples, group))
        flags = _ENDS if number == len(groups) + 1 else 0
        pages.append(_page(group, heard, number, flags))
    return b"".join(pages)


def _samples(packet: bytes) -> int:
    """Return how many samples *packet* lasts."""
    first = packet[0]
    kind, code = first >> 3, first & 3
    if kind < 12:
        frame = _SILK[kind & 3]
    elif kind < 16:
        frame = _HYBRID[kind & 1]
    else:
        frame = _CELT[kind & 3]
    count = 1 if code == 0 else 2
    if code == 3:
        count = packet[1] & 0x3F if len(packet) > 1 else 0
    return frame * count


def _packets(data: bytes) -> Iterator[bytes]:
    """Give the packets of the first stream in *data*. Raises NotOpus for broken pages."""
    at, begun, serial = 0, b"", None
    while at < len(data):
        if len(data) - at < _PAGE.size:
            raise NotOpus("Dit spraakbericht is afgebroken.")
        mark, version, flags, _, whose, _, told, count = _PAGE.unpack_from(data, at)
        if mark != b"OggS" or version:
            raise NotOpus("Dit is geen spraakbericht (geen OGG/Opus).")
        body = at + _PAGE.size + count
        lacing = data[at + _PAGE.size : body]
        end = body + sum(lacing)
        if len(lacing) < count or end > len(data):
            raise NotOpus("Dit spraakbericht is afgebroken.")
        if _checksum(data[at : at + 22] + bytes(4) + data[at + 26 : end]) != told:
            raise NotOpus("Dit spraakbericht is beschadigd.")
        at = end
        serial = whose if serial is None else serial
        if whose != serial:
            continue
        if not flags & _CONTINUES:
            begun = b""
        for length in lacing:
            begun += data[body : body + length]
            body += length
            if length < _MOST_SEGMENTS:
                yield begun
                begun = b""


def _groups(packets: Sequence[bytes]) -> Iterator[list[bytes]]:
    """Give the packets of one page after another: no packet is parted over two."""
    group: list[bytes] = []
    segments = 0
    for packet in packets:
        needs = len(packet) // _MOST_SEGMENTS + 1
        if group and (len(group) == _PER_PAGE or segments + needs > _MOST_SEGMENTS):
            yield group
            group, segments = [], 0
        group.append(packet)
        segments += needs
    yield group


def _page(packets: Sequence[bytes], heard: int, number: int, flags: int) -> bytes:
    lacing = b"".join(
        b"\xff" * (len(packet) // _MOST_SEGMENTS) + bytes([len(packet) % _MOST_SEGMENTS])
        for packet in packets
    )
    rest = lacing + b"".join(packets)
    bare = _PAGE.pack(b"OggS", 0, flags, heard, _SERIAL, number, 0, len(lacing)) + rest
    return bare[:22] + _checksum(bare).to_bytes(4, "little") + bare[26:]


def _row(value: int) -> int:
    for _ in range(8):
        value = (value << 1) ^ (0x104C11DB7 if value & 0x80000000 else 0)
    return value


_TABLE = tuple(_row(byte << 24) for byte in range(256))


def _checksum(data: bytes) -> int:
    """Return Ogg's CRC of a page whose own checksum is set to nothing."""
    crc = 0
    for byte in data:
        crc = ((crc << 8) & 0xFFFFFFFF) ^ _TABLE[(crc >> 24) ^ byte]
    return crc
