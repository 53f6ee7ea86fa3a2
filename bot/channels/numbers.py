"""Phone numbers as people write them, and the one way we keep them: E.164 (``+31612345678``)."""

from __future__ import annotations

import re
import unicodedata

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberType, ValidationResult

from bot.told import tell

REGION = "NL"
"""Where a number without a country code is dialled from."""

_ROUNDED = re.compile(r"\d[.,]?\d*[eE]\+?\d+")
_AS_DECIMAL = re.compile(r"(\d+)[.,]0+")
_NETHERLANDS = 31
_TOO_LONG = 64
"""Longer than any number with any decoration; keeps a pasted page out of the parser."""

_REASONS = {
    ValidationResult.TOO_SHORT: tell("het nummer is te kort"),
    ValidationResult.TOO_LONG: tell("het nummer is te lang"),
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: tell("het netnummer ontbreekt"),
    ValidationResult.INVALID_COUNTRY_CODE: tell("dit landnummer bestaat niet"),
    ValidationResult.INVALID_LENGTH: tell("het aantal cijfers klopt niet"),
}


class BadNumber(ValueError):
    """No number that can be called; the message says why, in Dutch, for staff."""


def parse(text: str, region: str = REGION) -> tuple[str, list[str]]:
    """Read *text* as a phone number; return it as E.164, and what staff should look at.

    Takes 06…, +31(0)6…, 0031…, digits of any script, and the invisible direction marks that
    come along when a number is copied. Any number of a possible length is taken; what was
    filled in or looks wrong comes back as warnings, in Dutch, never silently.
    Raises BadNumber for everything else, also where a spreadsheet has eaten digits.
    """
    written = _visible(text)
    if not written:
        raise BadNumber("er staat geen nummer")
    if len(written) > _TOO_LONG:
        raise BadNumber("het nummer is te lang")
    if _ROUNDED.fullmatch(written):
        raise BadNumber(
            tell(
                "%(number)s is door een rekenblad afgerond; de laatste cijfers zijn weg. "
                "Maak de kolom op als tekst en vul het nummer opnieuw in",
                number=written,
            )
        )
    if decimal := _AS_DECIMAL.fullmatch(written):
        written = decimal[1]
    if any(character.isalpha() for character in written):
        raise BadNumber("er staan letters in het nummer")
    if "+" in written[1:]:
        raise BadNumber("er staat een + midden in het nummer")
    try:
        number = phonenumbers.parse(written, region)
    except NumberParseException:
        raise BadNumber("dit is geen telefoonnummer") from None
    fault = phonenumbers.is_possible_number_with_reason(number)
    if fault != ValidationResult.IS_POSSIBLE:
        raise BadNumber(_REASONS.get(fault, "dit is geen telefoonnummer"))
    if number.country_code == _NETHERLANDS and number.italian_leading_zero:
        # "06123": too short for its 0 to be taken off, yet of a length that exists.
        raise BadNumber(_REASONS[ValidationResult.INVALID_LENGTH])
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    warnings = [said for said in (_filled_in(written, number), warning(e164)) if said]
    return e164, warnings


def canonical(text: str, region: str = REGION) -> str:
    """Return *text* as E.164; raises BadNumber. `parse` also tells what looks wrong."""
    return parse(text, region)[0]


def warning(e164: str) -> str | None:
    """Say, in Dutch, that *e164* is in no range that is in use, or None."""
    if phonenumbers.is_valid_number(_known(e164)):
        return None
    return tell("dit nummer lijkt niet in gebruik")


def is_landline(e164: str) -> bool:
    """Tell whether *e164* is known to be a landline, which no SMS reaches."""
    return phonenumbers.number_type(_known(e164)) == PhoneNumberType.FIXED_LINE


def _known(e164: str) -> PhoneNumber:
    try:
        return phonenumbers.parse(e164)
    except NumberParseException:
        raise BadNumber("dit is geen telefoonnummer met een landnummer") from None


def _visible(text: str) -> str:
    """Return *text* in plain digits and signs, without what cannot be seen."""
    seen = (c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) != "Cf")
    plain = (str(unicodedata.digit(c)) if c.isdecimal() else c for c in seen)
    return " ".join("".join(plain).split())


def _filled_in(written: str, number: PhoneNumber) -> str | None:
    """Say what *written* left out and the parser filled in, or None."""
    digits = re.sub(r"\D", "", written)
    if written.lstrip(" (").startswith("+") or digits.startswith("0"):
        return None
    if digits.startswith(str(number.country_code)) and len(digits) > len(
        phonenumbers.national_significant_number(number)
    ):
        return tell("de + is aangevuld")
    return tell("de voorloopnul is aangevuld")
