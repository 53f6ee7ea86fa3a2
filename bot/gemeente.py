"""The gemeente that runs this installation, read from content/ as frozen data.

Staff own the file; a clerk can change a phone number or the reminder plan without code. One
gemeente is one installation, so everything local that texts and plans need is here.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, cast

import yaml

from bot.moments import QuietHours, from_local, local

CONTENT = Path(__file__).resolve().parent.parent / "content"


class GemeenteError(Exception):
    """The file of the gemeente cannot be used; says in Dutch everything that is wrong with it."""


@dataclass(frozen=True)
class Wijk:
    """A neighbourhood, with how many possible inburgeraars live there if a source counted."""

    code: str
    name: str
    voluntary: int | None = None
    """People for whom inburgering is a choice."""
    obliged: int | None = None
    """People for whom inburgering is a duty."""
    printed_total: int | None = None
    """The total as the source prints it; it need not be the sum."""
    note: str = ""

    @property
    def total(self) -> int | None:
        """Both counts added up; None if either is unknown."""
        if self.voluntary is None or self.obliged is None:
            return None
        return self.voluntary + self.obliged


@dataclass(frozen=True)
class Place:
    """Where people are expected. The name and the address are never translated."""

    name: str
    address: str
    map: str | None = None
    """Link to a map."""
    picture: str | None = None
    """Photo of the door, a path within content/."""


@dataclass(frozen=True)
class PlanStep:
    """One reminder of a plan: how long before the start it is due."""

    label: str
    """As written in the file: ``7d``, ``1d``, ``2h``. Part of the reminder's occasion."""
    days: int = 0
    hours: int = 0

    def due(self, begins: datetime) -> datetime:
        """Return the UTC moment this step is due for a start at *begins*.

        Days keep the time on the wall: one day before 09:00 is 09:00, also when the clocks
        change that night. Hours pass: two hours before is 120 minutes before.
        """
        if self.days:
            wall = local(begins).replace(tzinfo=None) - timedelta(days=self.days)
            return from_local(wall)
        return begins - timedelta(hours=self.hours)


@dataclass(frozen=True)
class Theme:
    """What a voortraject is about, with its usual size."""

    code: str
    name: str
    weeks: int | None = None
    sessions_per_week: int | None = None
    wijken: tuple[str, ...] = ()
    """Codes of the wijken it is meant for; empty for all."""


@dataclass(frozen=True)
class Period:
    """One period of the programme of inburgering, and what happens in it."""

    number: int
    weeks: int
    activities: tuple[str, ...]


@dataclass(frozen=True)
class EmergencyLine:
    """Whom to call in danger."""

    name: str
    phone: str


@dataclass(frozen=True)
class Caps:
    """The most that may go out: against a mistake, a stolen log-in, and whoever earns on SMS.

    A day is one of the calendar here, a week the last seven times 24 hours.
    """

    mass_per_day: int = 2
    """Mass messages and invitations that one person gets in a day, and in a week."""
    mass_per_week: int = 4
    all_per_day: int = 10
    """With these messages of any kind in a day or week, a person gets no mass message besides."""
    all_per_week: int = 30
    per_broadcast: int = 20_000
    """People that one mass message goes to."""
    per_staff_per_day: int = 25_000
    """People whom the mass messages go to that one member of staff wrote and that begin today."""
    sms_euros_per_day: Decimal = Decimal(1_000)
    """What all SMS of a day may cost before mass messages and answers to strangers wait."""
    answers_per_hour: int = 30
    """Answers that one address gets in an hour."""
    signups_per_range_per_day: int = 25
    """Strangers that are answered in a day out of one range of a thousand SMS numbers."""
    foreign_signups_per_day: int = 50
    """Strangers with a foreign SMS number that are answered in a day."""


@dataclass(frozen=True)
class Retention:
    """For how many days each kind of data is kept, after which `privacy.retention` erases it.

    A STOP is kept for ever, and so are the words that somebody's yes or no rests on.
    """

    voice_notes: int = 14
    """Where a voice note or picture can be fetched; counted from when it came."""
    webhooks: int = 30
    """What a provider told us, as it came. That it was told is kept, so that it counts once."""
    dialogues: int = 30
    """What somebody said so far in a sign-up that they left alone."""
    texts: int = 180
    """What was said, by us and by people; counted from when it was of no more use."""
    messages: int = 365
    """That something was said: to whom, when and what became of it."""
    tasks: int = 365
    """What staff did, from when it was done."""
    afspraken: int = 365
    """Counted from the day itself."""
    people: int = 365
    """Who has nothing to do with us any more: no afspraak, no group, no word either way."""


@dataclass(frozen=True)
class Gemeente:
    """All that is local. Texts are Dutch, as written in the file."""

    key: str
    """The name of the file without ``.yaml``: ``gemeente`` or what GEMEENTE says."""
    name: str
    sender: str
    """Short name, at most 11 characters: the longest an SMS shows as its sender."""
    phone: str
    colleague_hours: str
    """When a colleague can be reached, for residents; free of words, so it needs no translation."""
    quiet_hours: str
    """Text for `QuietHours.parse`; the setting QUIET_HOURS goes before it."""
    address_form: Literal["je", "u"]
    max_segments: int
    """The most SMS segments one text may cost."""
    sms_price: Decimal | None
    """Euros per segment, for estimates; None if unknown."""
    premie: Decimal | None
    """Euros for an ambassadeur, for each sign-up that counts; None if it is not told here."""
    caps: Caps
    retention: Retention
    youth_contact: str
    """Where under-age residents are helped."""
    emergency: tuple[EmergencyLine, ...]
    fallback: bool
    """Whether a reminder that certainly failed goes to the person's next address."""
    reminders: tuple[PlanStep, ...]
    """The plan for every soort without one of its own, earliest first."""
    reminders_by_soort: Mapping[str, tuple[PlanStep, ...]]
    """Plans by soort, in lower case."""
    wijken: tuple[Wijk, ...]
    wijken_note: str
    places: tuple[Place, ...]
    """The usual places; an afspraak may be anywhere else."""
    themes: tuple[Theme, ...]
    programme: tuple[Period, ...]
    """The basic programme; a person's own is agreed with the klantmanager."""

    def plan(self, soort: str | None = None) -> tuple[PlanStep, ...]:
        """Return the reminder plan for a *soort* of afspraak, whatever its capitals."""
        return self.reminders_by_soort.get((soort or "").strip().casefold(), self.reminders)

    def place(self, name: str) -> Place | None:
        """Return the place called *name*, whatever its capitals; None if it is not in the file."""
        wanted = name.strip().casefold()
        return next((place for place in self.places if place.name.casefold() == wanted), None)

    def wijk(self, code_or_name: str) -> Wijk | None:
        """Return the wijk with this code or name, whatever its capitals; None if unknown."""
        wanted = code_or_name.strip().casefold()
        return next((w for w in self.wijken if wanted in (w.code, w.name.casefold())), None)


@cache
def gemeente(name: str | None = None, directory: Path = CONTENT) -> Gemeente:
    """Return the gemeente *name* from content/gemeenten/, or content/gemeente.yaml without name.

    GemeenteError if there is no such file, or with everything that is wrong in it.
    """
    path = directory / "gemeente.yaml"
    if name:
        known = sorted(file.stem for file in (directory / "gemeenten").glob("*.yaml"))
        if name not in known:
            raise GemeenteError(
                f"GEMEENTE={name}: daar is geen bestand voor in content/gemeenten/. "
                f"Wel voor: {', '.join(known) or 'geen enkele gemeente'}."
            )
        path = directory / "gemeenten" / f"{name}.yaml"
    where = path.relative_to(directory.parent).as_posix()
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise GemeenteError(f"{where} is niet te lezen: {error}") from error
    faults: list[str] = []
    found = _gemeente(path.stem, _Entry(data, "", faults))
    if faults:
        raise GemeenteError("\n".join(f"{where}: {fault}" for fault in faults))
    return found


class _Entry:
    """One mapping of the file; notes each fault and reads on, so all are told at once."""

    def __init__(self, value: Any, at: str, faults: list[str]) -> None:
        self.at = at
        self.faults = faults
        self.values: dict[Any, Any] = value if isinstance(value, dict) else {}
        self.asked: set[str] = set()
        if not isinstance(value, dict):
            self.wrong("", "moet uit regels 'sleutel: waarde' bestaan")

    def wrong(self, key: str, why: str) -> None:
        """Note that what stands at *key* is wrong."""
        self.faults.append(f"{self._path(key) or 'het bestand'} {why}")

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text; one line, not empty. Required without *default*."""
        value = self._value(key, required=default is None)
        if value is None:
            return default or ""
        if not isinstance(value, str):
            self.wrong(key, f'is geen tekst; zet er aanhalingstekens om: "{value}"')
        elif not value.strip() and default is None:
            self.wrong(key, "is leeg")
        return str(value).strip()

    def number(self, key: str, default: int | None = None, *, required: bool = False) -> int | None:
        """Return a whole number of 0 or more."""
        value = self._value(key, required=required)
        if value is None:
            return default
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            self.wrong(key, f"moet een heel getal zijn, niet {value!r}")
            return default
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        """Return a yes or a no."""
        value = self._value(key, required=False)
        if value is None:
            return default
        if not isinstance(value, bool):
            self.wrong(key, f"is {value!r}; kies true of false")
        return bool(value)

    def entry(self, key: str) -> "_Entry":
        """Return the required mapping at *key*."""
        value = self._value(key, required=True)
        return _Entry({} if value is None else value, self._path(key), self.faults)

    def entries(self, key: str, *, required: bool = False) -> Iterator["_Entry"]:
        """Give the mappings of the list at *key*; closes each once it is read."""
        for index, value in enumerate(self._list(key, required=required)):
            each = _Entry(value, f"{self._path(key)}[{index + 1}]", self.faults)
            yield each
            each.close()

    def texts(self, key: str, *, required: bool = False) -> tuple[str, ...]:
        """Return the list of texts at *key*."""
        values = self._list(key, required=required)
        for value in values:
            if not isinstance(value, str) or not value.strip():
                self.wrong(key, f'bevat {value!r}; een tekst hoort tussen aanhalingstekens: "…"')
        return tuple(str(value).strip() for value in values)

    def close(self) -> None:
        """Note the keys that nobody asked for: mostly a typing error."""
        for key in self.values:
            if str(key) not in self.asked:
                self.wrong(str(key), "is onbekend; staat de naam er goed?")

    def _path(self, key: str) -> str:
        return f"{self.at}.{key}" if self.at and key else self.at or key

    def _value(self, key: str, *, required: bool) -> Any:
        self.asked.add(key)
        value = self.values.get(key)
        if value is None and required:
            self.wrong(key, "ontbreekt")
        return value

    def _list(self, key: str, *, required: bool) -> list[Any]:
        value = self._value(key, required=required)
        if value is None:
            return []
        if not isinstance(value, list):
            self.wrong(key, "moet een lijst zijn: elke regel begint met '- '")
            return []
        if required and not value:
            self.wrong(key, "is leeg")
        return value


def _gemeente(key: str, file: _Entry) -> Gemeente:
    wijken = _wijken(file)
    reminders = file.entry("reminders")
    by_soort: dict[str, tuple[PlanStep, ...]] = {}
    default = _plan(reminders, "default")
    if "soorten" in reminders.values:
        soorten = reminders.entry("soorten")
        by_soort = {
            name.strip().casefold(): _plan(soorten, name) for name in map(str, soorten.values)
        }
    reminders.close()
    found = Gemeente(
        key=key,
        name=file.text("name"),
        sender=_sender(file),
        phone=file.text("phone"),
        colleague_hours=file.text("colleague_hours"),
        quiet_hours=_quiet_hours(file),
        address_form=_address_form(file),
        max_segments=_max_segments(file),
        sms_price=_euros(file, "sms_price", 'per segment als "0.09"'),
        premie=_euros(file, "premie", 'per aanmelding als "25.00"'),
        caps=_caps(file),
        retention=_retention(file),
        youth_contact=file.text("youth_contact"),
        emergency=tuple(
            EmergencyLine(line.text("name"), line.text("phone"))
            for line in file.entries("emergency", required=True)
        ),
        fallback=file.flag("fallback", default=True),
        reminders=default,
        reminders_by_soort=MappingProxyType(by_soort),
        wijken=wijken,
        wijken_note=file.text("wijken_note", ""),
        places=_places(file),
        themes=_themes(file, {wijk.code for wijk in wijken}),
        programme=tuple(
            Period(number, period.number("weeks", required=True) or 0, period.texts("activities"))
            for number, period in enumerate(file.entries("programme"), start=1)
        ),
    )
    file.close()
    return found


def _wijken(file: _Entry) -> tuple[Wijk, ...]:
    wijken = tuple(
        Wijk(
            code=wijk.text("code"),
            name=wijk.text("name"),
            voluntary=wijk.number("voluntary"),
            obliged=wijk.number("obliged"),
            printed_total=wijk.number("printed_total"),
            note=wijk.text("note", ""),
        )
        for wijk in file.entries("wijken", required=True)
    )
    _once(file, "wijken", [wijk.code for wijk in wijken])
    _once(file, "wijken", [wijk.name for wijk in wijken])
    return wijken


def _places(file: _Entry) -> tuple[Place, ...]:
    places = tuple(
        Place(
            name=place.text("name"),
            address=place.text("address"),
            map=place.text("map", "") or None,
            picture=place.text("picture", "") or None,
        )
        for place in file.entries("places")
    )
    _once(file, "places", [place.name for place in places])
    return places


def _themes(file: _Entry, codes: set[str]) -> tuple[Theme, ...]:
    themes = []
    for entry in file.entries("themes"):
        theme = Theme(
            code=entry.text("code"),
            name=entry.text("name"),
            weeks=entry.number("weeks"),
            sessions_per_week=entry.number("sessions_per_week"),
            wijken=entry.texts("wijken"),
        )
        themes.append(theme)
        for code in theme.wijken:
            if code not in codes:
                entry.wrong("wijken", f"noemt {code!r}; die code staat niet bij wijken")
    _once(file, "themes", [theme.code for theme in themes])
    return tuple(themes)


_BEFORE = re.compile(r"([1-9]\d?)([dh])")


def _plan(entry: _Entry, key: str) -> tuple[PlanStep, ...]:
    steps = []
    for each in entry.entries(key, required=True):
        label = each.text("before")
        found = _BEFORE.fullmatch(label)
        if found:
            amount = int(found[1])
            steps.append(
                PlanStep(label, **{"d": {"days": amount}, "h": {"hours": amount}}[found[2]])
            )
        elif label:
            each.wrong("before", f"is {label!r}; schrijf dagen als 7d en uren als 2h")
    _once(entry, key, [step.label for step in steps])
    return tuple(sorted(steps, key=lambda step: -step.days * 24 - step.hours))


def _once(entry: _Entry, key: str, names: list[str]) -> None:
    folded = [name.casefold() for name in names if name]
    for name in sorted({name for name in folded if folded.count(name) > 1}):
        entry.wrong(key, f"noemt {name!r} meer dan eens")


def _sender(file: _Entry) -> str:
    sender = file.text("sender")
    if sender and not re.fullmatch(r"(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}", sender):
        file.wrong("sender", f"is {sender!r}; hoogstens 11 letters (zonder accent) en cijfers")
    return sender


def _quiet_hours(file: _Entry) -> str:
    text = file.text("quiet_hours", "")
    try:
        QuietHours.parse(text)
    except ValueError as error:
        file.wrong("quiet_hours", f"klopt niet: {error}")
    return text


def _address_form(file: _Entry) -> Literal["je", "u"]:
    form = file.text("address_form")
    if form and form not in ("je", "u"):
        file.wrong("address_form", f"is {form!r}; kies je of u")
    return cast(Literal["je", "u"], form)


def _max_segments(file: _Entry) -> int:
    segments = file.number("max_segments", 6)
    if segments == 0:
        file.wrong("max_segments", "moet 1 of meer zijn")
    return segments or 0


def _euros(file: _Entry, key: str, such: str) -> Decimal | None:
    text = file.text(key, "")
    if not text:
        return None
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not (amount.is_finite() and amount >= 0):
        file.wrong(key, f"is {text!r}; schrijf euro's {such}")
        return None
    return amount


def _caps(file: _Entry) -> Caps:
    """Read the caps that the file names; the others are as `Caps` has them."""
    if file.values.get("caps") is None:
        file.asked.add("caps")
        return Caps()
    entry = file.entry("caps")
    read: dict[str, Any] = {
        each.name: entry.number(each.name)
        if each.type is int
        else _euros(entry, each.name, 'per dag als "1000"')
        for each in fields(Caps)
    }
    entry.close()
    return Caps(**{name: cap for name, cap in read.items() if cap is not None})


SHORTEST = 7
"""Days that everything is kept: what is still being found out must be there."""


def _retention(file: _Entry) -> Retention:
    """Read how long things are kept; what the file does not name is as `Retention` has it."""
    if file.values.get("retention") is None:
        file.asked.add("retention")
        return Retention()
    entry = file.entry("retention")
    read = {each.name: entry.number(each.name) for each in fields(Retention)}
    entry.close()
    for name, days in read.items():
        if days is not None and days < SHORTEST:
            entry.wrong(name, f"moet {SHORTEST} dagen of meer zijn")
    return Retention(**{name: days for name, days in read.items() if days is not None})
