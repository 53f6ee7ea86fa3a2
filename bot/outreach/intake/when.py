"""Days, times and lengths as staff and spreadsheets write them. Nothing is guessed."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time

from bot import moments
from bot.told import tell

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "januari jan",
            "februari feb",
            "maart mrt maa",
            "april apr",
            "mei",
            "juni jun",
            "juli jul",
            "augustus aug",
            "september sep sept",
            "oktober okt",
            "november nov",
            "december dec",
        ),
        start=1,
    )
    for name in names.split()
}
_WEEKDAYS = {
    name: code
    for code, names in {
        "mo": "maandag maandagen ma mo mon monday",
        "tu": "dinsdag dinsdagen di tu tue tuesday",
        "we": "woensdag woensdagen wo we wed wednesday",
        "th": "donderdag donderdagen do th thu thursday",
        "fr": "vrijdag vrijdagen vr fr fri friday",
        "sa": "zaterdag zaterdagen za sa sat saturday",
        "su": "zondag zondagen zo su sun sunday",
    }.items()
    for name in names.split()
}
CODES = ("mo", "tu", "we", "th", "fr", "sa", "su")
"""Weekdays as a voortraject keeps them, Monday first."""

_LEAP_YEAR = 2028
"""Stands in where no year is told: then 29 February exists."""

_WITH_OFFSET = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:T| (?=[^-]*$))(\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?) ?(Z|[+-]\d\d:?\d\d)"
)
"""After a space a minus parts two times, as in ``09:00-10:00``, and is no offset."""
_YEAR_FIRST = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(.*)")
_DAY_FIRST = re.compile(r"(\d{1,2})[-/. ]+(\d{1,2}|[a-z]+)[-/. ]+(\d+)(.*)")
_SOMEWHERE = re.compile(
    r"(?<![\w:.,/-])(\d{1,2})[-/. ]+(\d{1,2}|[a-z]+)(?:[-/. ]+(\d{4}))?\b", re.IGNORECASE
)
_TIME = re.compile(r"(\d{1,2})[:.u](\d{2})(?:[:.]\d{2}(?:[.,]\d+)?)?(?: ?(?:uur|u))?")
_NUMBER_OF_EXCEL = re.compile(r"\d{5}(?:[.,]\d+)?")


def moment(text: str) -> tuple[datetime, str | None]:
    """Read a day and a time; return UTC, and what staff should know of it.

    Without an offset it is told by Amsterdam's clocks. Raises ValueError, in Dutch, when it
    does not exist or can be read in two ways.
    """
    if found := _WITH_OFFSET.fullmatch(text.upper()):
        try:
            return datetime.fromisoformat(f"{found[1]}T{found[2]}{found[3]}").astimezone(UTC), None
        except (ValueError, OverflowError):
            raise ValueError("dit tijdstip bestaat niet") from None
    on, rest = _day_and_rest(text)
    rest = re.sub(r"^(?:,|t|om)?\s*", "", rest)
    if not rest:
        raise ValueError("de tijd ontbreekt; schrijf bijvoorbeeld 3-12-2026 14:30")
    naive = datetime.combine(on, clock(rest))
    read = moments.from_local(naive)
    shown = moments.local(read)
    if shown.replace(tzinfo=None) != naive:
        return read, f"die nacht gaat de klok vooruit; het wordt {shown:%H:%M}"
    return read, None


def day(text: str) -> date:
    """Read a day. Raises ValueError, in Dutch; a time of midnight may stand behind it."""
    on, rest = _day_and_rest(text)
    if rest and not re.fullmatch(r"[t ]*0?0:00(:00)?", rest):
        raise ValueError("hier hoort alleen een datum, zonder tijd")
    return on


def clock(text: str) -> time:
    """Read a time of the day, seconds left out. Raises ValueError, in Dutch."""
    found = _TIME.fullmatch(text.strip().casefold())
    if not found:
        raise ValueError("dit is geen tijd; schrijf bijvoorbeeld 14:30")
    try:
        return time(int(found[1]), int(found[2]))
    except ValueError:
        raise ValueError("deze tijd bestaat niet") from None


def minutes(text: str) -> int:
    """Read a length: ``90``, ``90 min``, ``1:30`` or ``1,5 uur``. Raises ValueError, in Dutch."""
    plain = text.casefold().strip()
    if found := re.fullmatch(r"(\d{1,2}):(\d{2})(?::\d{2})?", plain):
        length = int(found[1]) * 60 + int(found[2])
    elif found := re.fullmatch(r"(\d{1,2})(?:[.,](\d))? ?(?:uur|uren|u)", plain):
        length = int(found[1]) * 60 + int(found[2] or 0) * 6
    elif found := re.fullmatch(r"(\d{1,4})(?:[.,]0+)? ?(?:m|min|minuten|minuut)?\.?", plain):
        length = int(found[1])
    else:
        raise ValueError("dit is geen duur; schrijf een aantal minuten, bijvoorbeeld 60")
    if not 1 <= length <= 24 * 60:
        raise ValueError("de duur moet tussen 1 minuut en 24 uur liggen")
    return length


def weekdays(text: str) -> str:
    """Read days of the week: ``ma en wo`` is ``mo,we``. Raises ValueError, in Dutch."""
    words = [word for word in re.split(r"[^\w]+|\ben\b", text.casefold()) if word]
    for word in words:
        if word not in _WEEKDAYS:
            raise ValueError(
                tell("%(word)s is geen dag; schrijf bijvoorbeeld: ma, wo", word=word[:20])
            )
    days = {_WEEKDAYS[word] for word in words}
    return ",".join(code for code in CODES if code in days)


def looks_like_date(text: str) -> bool:
    """Tell whether a spreadsheet may have made a date of *text*: ``12-mrt``, ``3-12-2026``."""
    parts = re.split(r"[-/. ]+", text.casefold().strip())
    numbers = [part for part in parts if part.isdecimal()]
    named = [part for part in parts if part in _MONTHS]
    return (len(numbers) >= 3 and len(parts[0]) <= 4) or (
        len(named) == 1 and len(numbers) >= 1 and len(named) + len(numbers) == len(parts)
    )


def impossible(text: str) -> str | None:
    """Return the first date in a sentence that no calendar has, such as ``31 november``; or None.

    Two numbers without a year are a date only if they look like one: ``31-11``, not ``12-16``.
    """
    for written in _SOMEWHERE.finditer(text):
        number, told, year = written.groups()
        month = int(told) if told.isdecimal() else _MONTHS.get(told.casefold())
        numbers_only = told.isdecimal() and year is None
        if month is None or (numbers_only and not (month <= 12 and 1 <= int(number) <= 31)):
            continue
        if numbers_only and not re.fullmatch(r"\d+[-/]\d+", written[0]):
            continue
        try:
            date(int(year or _LEAP_YEAR), month, int(number))
        except ValueError:
            return written[0]
    return None


def _day_and_rest(text: str) -> tuple[date, str]:
    plain = " ".join(text.casefold().split())
    weekday, _, after = plain.partition(" ")
    if weekday.rstrip(".,") in _WEEKDAYS:
        plain = after
    if found := _YEAR_FIRST.fullmatch(plain):
        year, month, number, rest = found[1], found[2], found[3], found[4]
    elif found := _DAY_FIRST.fullmatch(plain):
        number, month, year, rest = found[1], found[2], found[3], found[4]
        if len(year) != 4:
            raise ValueError("schrijf het jaar met vier cijfers, bijvoorbeeld 3-12-2026")
    elif _NUMBER_OF_EXCEL.fullmatch(plain):
        raise ValueError("Excel heeft hier een getal van gemaakt; maak de kolom op als datum")
    else:
        raise ValueError("dit is geen datum; schrijf bijvoorbeeld 3-12-2026")
    in_year = int(month) if month.isdecimal() else _MONTHS.get(month, 0)
    if not in_year:
        raise ValueError(tell("%(month)s is geen maand", month=month[:20]))
    if in_year > 12 >= int(number):
        raise ValueError("zet eerst de dag en dan de maand, bijvoorbeeld 31-12-2026")
    if not 2000 <= int(year) < 2100:
        raise ValueError("dit jaartal kan niet kloppen")
    try:
        return date(int(year), in_year, int(number)), rest.strip()
    except ValueError:
        raise ValueError("deze dag bestaat niet op de kalender") from None
