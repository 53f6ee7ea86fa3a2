"""The code of an ambassadeur's link in what somebody typed. No database, no clock."""

import re

from bot.conversation.lexicon import lexicon

_MISREAD = str.maketrans("ILO", "110")
_ALPHABET = frozenset("0123456789ABCDEFGHJKMNPQRSTVWXYZ")
_LENGTH = 10
_MARKS = ".,;:!?\"'()"
_START = re.compile(r"^\W*start(?:@\w+)?\b[\s:=]*(?P<rest>.*)$", re.IGNORECASE | re.DOTALL)
_LINK = re.compile(r"(?:/a/|[?&]start=)(?P<code>[0-9A-Za-z-]+)")
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u00ad]")


def code_in(text: str) -> str | None:
    """Find the code of a link: in a link, after START, or as the whole text.

    The code has ten signs of Crockford's base 32 (no I, L, O, U); small letters, spaces and dashes
    are forgiven, I and L read as 1, O as 0. Plain words are no code: unless it stands in capitals
    after START there must be a digit among its signs.
    """
    seen = _INVISIBLE.sub("", text[:500])
    if link := _LINK.search(seen):
        return _canonical(link["code"])
    started = _START.match(seen)
    if started is None:
        return _bare_code(seen)
    pieces = started["rest"].split()
    if pieces and pieces[0].isupper() and (code := _canonical(pieces[0].strip(_MARKS))):
        return code
    joined = ""
    for piece in pieces[:_LENGTH]:
        joined += piece.strip(_MARKS)
        code = _canonical(joined)
        if code and any(sign.isdigit() for sign in joined):
            return code
    return None


def _bare_code(seen: str) -> str | None:
    """A code and nothing else; ten minutes later is none, nor is a phone number."""
    pieces = [piece for piece in re.split(r"[\s-]+", seen.strip().strip(_MARKS)) if piece]
    code = _canonical("".join(pieces))
    with_digit = sum(any(sign.isdigit() for sign in piece) for piece in pieces)
    if code is None or code.isdigit() or with_digit < min(2, len(pieces)):
        return None
    return code if with_digit and not lexicon().knows(seen.strip().casefold()) else None


def _canonical(typed: str) -> str | None:
    signs = typed.replace("-", "").upper().translate(_MISREAD)
    return signs if len(signs) == _LENGTH and set(signs) <= _ALPHABET else None
