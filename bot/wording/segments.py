"""How many SMS a text costs, and how to spell it so that it costs fewer.

Source: 3GPP TS 23.038 (alphabets), TS 23.040 section 9.2.3.24.1 (parts).
"""

import unicodedata
from functools import lru_cache
from math import ceil

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""The GSM-7 default alphabet, one septet each; its escape is no letter of a text."""
EXTENDED = frozenset("\f^{}\\[~]|€")
"""Letters behind an escape: two septets each."""

ALPHABET = BASIC | EXTENDED

SEPTETS_ALONE, SEPTETS_PER_PART = 160, 153
UNITS_ALONE, UNITS_PER_PART = 70, 67

_PLAIN_SPELLING = str.maketrans(
    {
        "ı": "i", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "œ": "oe", "Œ": "OE",
        "‘": "'", "’": "'", "‚": "'", "ʼ": "'", "ʻ": "'", "`": "'", "´": "'",
        "“": '"', "”": '"', "„": '"', "«": '"', "»": '"',
        "‐": "-", "‑": "-", "–": "-", "—": "-", "…": "...", "•": "-",
        "\u00a0": " ", "\u2009": " ", "\u202f": " ", "\t": " ",
    }
)  # fmt: skip
"""Letters and signs that have a GSM-7 spelling but no decomposition into one."""


def coding(text: str) -> str:
    """Return ``GSM-7`` if every letter of *text* is in that alphabet, else ``UCS-2``.

    One letter outside it (``ë``, ``ş``, a curly quote) turns the whole text to UCS-2.
    """
    return "GSM-7" if ALPHABET.issuperset(text) else "UCS-2"


def segments(text: str) -> int:
    """Return how many SMS *text* is billed as; 0 for an empty text.

    One SMS holds 160 GSM-7 septets or 70 UTF-16 units; when split, each part gives
    6 octets to its header and holds 153 or 67. One Arabic or Tigrinya letter turns
    the whole text to UCS-2; an escape or surrogate pair never straddles two parts.
    """
    if coding(text) == "GSM-7":
        all_alike, alone, per_part = EXTENDED.isdisjoint(text), SEPTETS_ALONE, SEPTETS_PER_PART
    else:
        all_alike, alone, per_part = max(text) <= "\uffff", UNITS_ALONE, UNITS_PER_PART
    if not all_alike:  # where it is cut counts
        return len(parts(text))
    return ceil(len(text) / per_part) if len(text) > alone else int(bool(text))


def thrifty(text: str) -> str:
    """Return *text* spelled in GSM-7 if that takes fewer SMS, else as it is, accents and all.

    It is all or nothing: while one letter or sign stays outside the alphabet (Arabic, an emoji,
    the invisible letter of a Persian name) the SMS costs the same, and no name loses anything
    for nothing. A text of one SMS either way keeps its accents too.
    """
    plain = fold(text)
    return plain if coding(plain) == "GSM-7" and pays(plain, text) else text


def pays(plain: str, text: str) -> bool:
    """Say whether *plain*, a spelling of *text* in GSM-7, is worth its missing accents.

    Quick, for mass messages: no count is needed unless *plain* is longer (``…`` becomes ``...``),
    for a part of an SMS holds more of GSM-7 than of anything else.
    """
    return len(text) > UNITS_ALONE and (len(plain) <= len(text) or segments(plain) < segments(text))


def parts(text: str) -> list[str]:
    """Return *text* cut as a phone network cuts it; joined again, the parts are *text*."""
    if coding(text) == "GSM-7":
        sizes = [2 if sign in EXTENDED else 1 for sign in text]
        alone, per_part = SEPTETS_ALONE, SEPTETS_PER_PART
    else:
        sizes = [2 if ord(sign) > 0xFFFF else 1 for sign in text]
        alone, per_part = UNITS_ALONE, UNITS_PER_PART
    if sum(sizes) <= alone:
        return [text] if text else []
    cut: list[str] = []
    start = filled = 0
    for at, size in enumerate(sizes):
        if filled + size > per_part:
            cut.append(text[start:at])
            start, filled = at, 0
        filled += size
    return [*cut, text[start:]]


def fold(text: str) -> str:
    """Return *text* spelled in GSM-7 where a Latin letter or sign has such a spelling.

    Turkish ``ı ş ğ`` become ``i s g``, curly quotes straight ones; ``é`` and ``ü`` are in
    the alphabet and stay. A letter without such a spelling (Arabic, an emoji) stays too.
    """
    return "".join(map(_spelled_plainly, unicodedata.normalize("NFC", text)))


@lru_cache(maxsize=2048)
def _spelled_plainly(sign: str) -> str:
    if sign in ALPHABET:
        return sign
    spelled = sign.translate(_PLAIN_SPELLING)
    bare = "".join(s for s in unicodedata.normalize("NFD", spelled) if not unicodedata.combining(s))
    return bare if bare and coding(bare) == "GSM-7" else sign
