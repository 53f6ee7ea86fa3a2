"""What an SMS costs: its alphabet, its parts, and what plain letters would save.

Source: 3GPP TS 23.038 (alphabets) and TS 23.040 section 9.2.3.24.1 (parts).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Any, Final

PRICE: Final = 0.09
"""Euro per segment, an order of magnitude and no quotation."""

BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
ESCAPED: Final = frozenset("\f^{}\\[~]|€")
SMART: Final = str.maketrans(
    {"‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "...", "\u00a0": " "}
)
"""Some of what Twilio's SmartEncoded swaps for a GSM-7 neighbour."""
_PLAIN: Final = {**SMART, **str.maketrans({"ı": "i", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D"})}


def meter(text: str) -> dict[str, Any]:
    """Return ``count``, ``coding`` (GSM-7 or UCS-2), ``length``, ``cost`` (euro) and ``folded``.

    ``length`` is in septets or UTF-16 units. ``folded`` is the count without accents, None
    where that saves nothing.
    """
    parts = segments(text)
    folded = segments(_fold(text))
    coding, length = _measure(text)
    return {
        "count": parts,
        "coding": coding,
        "length": length,
        "cost": round(parts * PRICE, 2),
        "folded": folded if folded < parts else None,
    }


def segments(text: str) -> int:
    """Return how many parts *text* is billed as; 0 for an empty text.

    160 septets or 70 UTF-16 units fit in one; 153 or 67 in each of several. An escaped
    character or a surrogate pair is never parted.
    """
    coding, length = _measure(text)
    one, each = (160, 153) if coding == "GSM-7" else (70, 67)
    if length <= one:
        return 1 if length else 0
    parts, room = 1, each
    for width in _widths(text, coding):
        if width > room:
            parts, room = parts + 1, each
        room -= width
    return parts


def _measure(text: str) -> tuple[str, int]:
    coding = "GSM-7" if all(c in BASIC or c in ESCAPED for c in text) else "UCS-2"
    return coding, sum(_widths(text, coding))


def _widths(text: str, coding: str) -> Iterable[int]:
    if coding == "GSM-7":
        return (2 if c in ESCAPED else 1 for c in text)
    return (2 if ord(c) > 0xFFFF else 1 for c in text)


def _fold(text: str) -> str:
    return "".join(
        c
        if c in BASIC
        else "".join(d for d in unicodedata.normalize("NFD", c) if not unicodedata.combining(d))
        for c in text.translate(_PLAIN)
    )
