"""Reads a calendar; only ever runs inside the cage.

UID names the afspraak; every time of a repeated one is an afspraak of its own, named after
the UID and the moment it was first planned for, so that the next file finds it again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import recurring_ical_events
from icalendar import Calendar, Component

from bot import moments
from bot.outreach.intake.sheet import LONGEST_CELL, MOST_EVENTS, Unreadable
from bot.told import tell

MOST_TIMES = 100
"""How often one afspraak may be repeated in the year ahead."""
AHEAD = timedelta(days=366)

_LONGEST_LINE = 10_000
_PERSON_LINE = re.compile(
    r"^[ \t]*persoon[ \t]*:[ \t]*(\S.*?)[ \t]*$", re.IGNORECASE | re.MULTILINE
)
_BY_THE_HOUR = frozenset({"BYHOUR", "BYMINUTE", "BYSECOND"})
_FREQUENCIES = frozenset({"DAILY", "WEEKLY", "MONTHLY", "YEARLY"})


@dataclass
class _Line:
    """One afspraak as the sheet will have it."""

    number: int
    cells: dict[str, str]
    wrong: list[tuple[str, str]] = field(default_factory=list)
    doubts: list[tuple[str, str]] = field(default_factory=list)
    attendees: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Found:
    """One event, where it stands in the file, and whether the calendar itself cancels it."""

    number: int
    event: Component
    cancelled: bool


def lines(data: bytes, now: str) -> Iterator[Any]:
    """Give ``{"notes": [...], "series": {uid: [sequence, kenmerk, ...]}}``, then a mapping each.

    *data* is UTF-8. Of a repeated afspraak only the times from *now* to a year ahead are
    given. Attached files are never looked at. Raises Unreadable.
    """
    found = _events(data.decode())
    notes: list[str] = []
    series: dict[str, list[int | str]] = {}
    told: list[_Line] = []
    by_uid: dict[str, list[_Found]] = {}
    for each in found:
        uid = _text(each.event, "UID")
        if uid:
            by_uid.setdefault(uid, []).append(each)
        else:
            told.append(_Line(each.number, {}, [("kenmerk", "het evenement heeft geen UID")]))
    start = datetime.fromisoformat(now)
    for uid, versions in by_uid.items():
        master, changes = _newest(versions)
        rows = _told(uid, master, changes, start)
        if master is not None and not any(row.wrong for row in rows):
            series[uid] = [_sequence(master.event), *(row.cells["kenmerk"] for row in rows)]
            if not rows:
                notes.append(f"Afspraak {master.number}: alle keren zijn al geweest.")
        told += rows
    yield {"notes": notes, "series": series}
    for row in sorted(told, key=lambda row: row.number):
        yield vars(row)


def _events(text: str) -> list[_Found]:
    unfolded = re.sub(r"\r?\n[ \t]", "", text.lstrip("\ufeff")).splitlines()
    kept = [line[:_LONGEST_LINE] for line in unfolded if not line.upper().startswith("ATTACH")]
    if sum(line.strip().upper() == "BEGIN:VEVENT" for line in kept) > MOST_EVENTS:
        raise Unreadable(
            tell(
                "De agenda heeft meer dan %(most)s afspraken. Neem een kortere periode.",
                most=MOST_EVENTS,
            )
        )
    try:
        calendars = Calendar.from_ical("\r\n".join(kept) + "\r\n", multiple=True)
    except (ValueError, LookupError, TypeError) as error:
        raise Unreadable("De agenda (ICS) is beschadigd. Maak het bestand opnieuw.") from error
    found: list[_Found] = []
    for calendar in calendars:
        withdrawn = str(calendar.get("METHOD", "")).strip().upper() == "CANCEL"
        for event in calendar.walk("VEVENT"):
            status = _text(event, "STATUS").upper()
            found.append(_Found(len(found) + 1, event, withdrawn or status == "CANCELLED"))
    if not found:
        raise Unreadable("Er staan geen afspraken (VEVENT) in de agenda.")
    return found


def _newest(versions: list[_Found]) -> tuple[_Found | None, list[_Found]]:
    """Return the event itself, if it is there, and the changes to single times of it.

    Of two with the same name the higher SEQUENCE counts, or else the later one in the file.
    """
    newest: dict[str, _Found] = {}
    for each in sorted(versions, key=lambda each: (_sequence(each.event), each.number)):
        moment = _moment(each.event, "RECURRENCE-ID")
        newest[_stamp(moment) if moment else ""] = each
    return newest.pop("", None), list(newest.values())


def _told(uid: str, master: _Found | None, changes: list[_Found], start: datetime) -> list[_Line]:
    if master is None:
        return [
            _line(uid + "/" + _stamp(moment), each)
            for each in changes
            if (moment := _moment(each.event, "RECURRENCE-ID"))
        ]
    repeats = any(name in master.event for name in ("RRULE", "RDATE", "EXRULE"))
    if master.cancelled or not repeats:
        return [_line(uid, master)]
    fault = _fault(master.event)
    times = [] if fault else _times(master, changes, start)
    if len(times) > MOST_TIMES:
        fault = f"herhaalt meer dan {MOST_TIMES} keer in een jaar; zet een einddatum"
    if fault:
        whole = _line(uid, master)
        whole.wrong.append(("herhaling", fault))
        return [whole]
    rows = [_line(uid + "/" + _stamp(moment), each) for moment, each in times]
    if rows and _endless(master.event):
        until = moments.local(start + AHEAD).strftime("%d-%m-%Y")
        rows[0].doubts.append(
            ("herhaling", f"heeft geen einddatum; alleen de keren tot {until} zijn gelezen")
        )
    return rows


def _fault(event: Component) -> str | None:
    """Say why *event* is not repeated in a way that one can plan by, or None.

    What passes gives at most one time a day, so that a year of it is soon counted.
    """
    broken = {name for name, _ in event.errors}
    if broken & {"RRULE", "RDATE", "EXDATE", "DTSTART"}:
        return "de herhaling is niet te lezen"
    if not isinstance(_moment(event, "DTSTART"), datetime):
        return "een herhaling van hele dagen kan niet; geef een begintijd"
    rule = event.get("RRULE", {})
    if "EXRULE" in event or isinstance(rule, list):
        return "meer dan een herhaling in een afspraak kan niet"
    by_day = str(rule.get("FREQ", ["DAILY"])[0]).upper() in _FREQUENCIES
    if not by_day or _BY_THE_HOUR & set(rule) or rule.get("INTERVAL", [1])[0] < 1:
        return "herhaalt vaker dan eens per dag"
    return None


def _endless(event: Component) -> bool:
    rule = event.get("RRULE", {})
    return bool(rule) and not {"COUNT", "UNTIL"} & set(rule)


def _times(master: _Found, changes: list[_Found], start: datetime) -> list[tuple[datetime, _Found]]:
    """Return each time of a repeated event ahead, with the moment it was first planned for."""
    calendar = Calendar()
    for each in (master, *changes):
        calendar.add_component(each.event)
    withdrawn = {
        _stamp(moment)
        for each in changes
        if each.cancelled and (moment := _moment(each.event, "RECURRENCE-ID"))
    }
    times: list[tuple[datetime, _Found]] = []
    for event in recurring_ical_events.of(calendar).between(start, start + AHEAD):
        planned = _moment(event, "RECURRENCE-ID") or _moment(event, "DTSTART")
        if planned is not None:
            gone = _stamp(planned) in withdrawn
            times.append((planned, _Found(master.number, event, gone)))
    return times


def _line(kenmerk: str, found: _Found) -> _Line:
    event = found.event
    begins, ends = _moment(event, "DTSTART"), _moment(event, "DTEND")
    cells = {
        "kenmerk": kenmerk,
        "persoon": _person(event),
        "begin": begins.isoformat() if begins else "",
        "duur": _minutes(event, begins, ends),
        "soort": _categories(event) or _text(event, "SUMMARY"),
        "plaats": _text(event, "LOCATION"),
        "medewerker": _called(event.get("ORGANIZER")),
        "status": "afgezegd" if found.cancelled else "gepland",
        "sequence": str(_sequence(event)) if "SEQUENCE" in event else "",
    }
    line = _Line(found.number, {name: text[: LONGEST_CELL + 1] for name, text in cells.items()})
    line.wrong += [("begin", fault)] if (fault := _bad_start(event)) else []
    invited = event.get("ATTENDEE", [])
    each = invited if isinstance(invited, list) else [invited]
    line.attendees = [name for name in map(_called, each[:50]) if name]
    return line


def _bad_start(event: Component) -> str | None:
    if any(name == "DTSTART" for name, _ in event.errors):
        return "DTSTART is geen datum en tijd die bestaat"
    start = event.get("DTSTART")
    if start is None:
        return "DTSTART ontbreekt"
    if isinstance(start, list):
        return "DTSTART staat er twee keer"
    if not isinstance(start.dt, datetime):
        return "duurt de hele dag; geef een begintijd"
    if start.dt.tzinfo is None and "TZID" in start.params:
        return f"de tijdzone {str(start.params['TZID'])[:40]} is onbekend"
    return None


def _moment(event: Component, name: str) -> datetime | None:
    """Return a moment of *event*; without a zone it is told by the clocks of Amsterdam."""
    if any(broken == name for broken, _ in event.errors):
        return None
    value = getattr(event.get(name), "dt", None)
    if not isinstance(value, datetime):
        return None
    return value if value.tzinfo else moments.from_local(value)


def _minutes(event: Component, begins: datetime | None, ends: datetime | None) -> str:
    broken = any(name == "DURATION" for name, _ in event.errors)
    length: timedelta | None = None if broken else getattr(event.get("DURATION"), "dt", None)
    if begins is not None and ends is not None:
        length = ends - begins
    # An event without an end lasts no time at all; then the usual length is meant.
    return str(int(length.total_seconds() // 60)) if length else ""


def _person(event: Component) -> str:
    named = _text(event, "X-STAP-PERSOON")
    in_words = _PERSON_LINE.search(_text(event, "DESCRIPTION"))
    return named or (in_words[1] if in_words else "")


def _called(who: Any) -> str:
    """Return the name (CN) of one who is invited or invites."""
    params = getattr(who, "params", {})
    return str(params.get("CN", "")).strip().strip('"')


def _categories(event: Component) -> str:
    return ", ".join(str(name) for name in getattr(event.get("CATEGORIES"), "cats", ()))


def _text(event: Component, name: str) -> str:
    value = event.get(name)
    if isinstance(value, list):
        value = value[0]
    return str(value).strip() if value is not None else ""


def _sequence(event: Component) -> int:
    text = _text(event, "SEQUENCE")
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else 0


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%MZ")
