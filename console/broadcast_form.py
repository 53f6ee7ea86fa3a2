"""The form of a groepsbericht: what was filled in becomes the settings of one, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from bot import moments
from bot.house import House
from bot.models.broadcasts import Broadcast
from bot.models.people import Inburgeraar
from bot.models.voortrajecten import Voortraject
from bot.outreach import audience, broadcasts
from bot.outreach.audience import RuleError
from bot.outreach.broadcasts import Refused
from bot.outreach.intake import when
from bot.outreach.preview import OWN, own_texts
from bot.told import Told, tell
from bot.wording.languages import languages, shipped
from console.texts import called

MODES = {"": "Maakt niet uit", "alleen": "Alleen", "niet": "Niet"}
"""How a group of boxes narrows the audience."""

LIMITS = {
    "first": "Eerst aan zoveel mensen",
    "hold_minutes": "Daarna zoveel minuten wachten",
    "most_failed": "Stopt zelf boven zoveel procent mislukt",
    "most_stopped": "Stopt zelf boven zoveel procent STOP",
    "most_unknown": "Stopt zelf boven zoveel procent onbekend",
}

PERIOD_ENDS = ("van", "tot")
"""Behind the name of a period, in the names of its two fields."""

GROUPS = {
    "wijk": "Wijk",
    "taal": "Taal",
    "groep": "Groep",
    "thema": "Thema",
    "voortraject": "Voortraject",
    "antwoord": "Schreef ons ooit",
    "groepsbericht": "Kreeg een eerder groepsbericht",
    "beantwoord": "Antwoordde op een eerder groepsbericht",
    "afspraak": "Heeft een afspraak tussen twee dagen",
    "contact": "Schreef ons voor het laatst tussen twee dagen",
    "ingeschreven": "Ingeschreven tussen twee dagen",
}
"""By what an audience is chosen."""

EARLIER = 30
"""Group messages to choose from: the last ones."""

LONGEST_FIELD = 200
LONGEST_TEXT = 1000


@dataclass(frozen=True, slots=True)
class Group:
    """One kind of rule: its boxes, which are ticked, and how they narrow the audience."""

    name: str
    label: str
    options: Sequence[tuple[str, str]]
    mode: str = ""
    ticked: frozenset[str] = frozenset()
    period: tuple[str, str] | None = None
    """The first and the last day as typed, of what is chosen so and not by boxes."""

    @property
    def chosen(self) -> bool:
        """Say whether anything is filled in."""
        return bool(self.ticked) or any(self.period or ())


@dataclass(slots=True)
class Filled:
    """The form as it stands: what is shown in each field."""

    values: dict[str, str] = field(default_factory=dict)
    groups: list[Group] = field(default_factory=list)
    fill: dict[str, str] = field(default_factory=dict)
    """Words that fill a catalogue text, by placeholder."""
    texts: dict[str, str] = field(default_factory=dict)
    """The own text, by language."""


def groups_of(session: Session, house: House, rule: str) -> list[Group]:
    """Return every kind of rule, with the boxes that *rule* ticks."""
    try:
        clauses = {each.field: each for each in audience.parse(rule).clauses}
    except RuleError:
        clauses = {}
    found = []
    for name, options in _options(session, house).items():
        clause = clauses.get(name)
        ticked = frozenset(clause.values) if clause else frozenset()
        mode = "" if clause is None else "niet" if clause.excluded else "alleen"
        known = {value for value, _ in options}
        extra = [(value, value) for value in sorted(ticked - known)]
        found.append(Group(name, GROUPS[name], [*options, *extra], mode, ticked))
    for name in audience.PERIODS:
        clause = clauses.get(name)
        mode = "" if clause is None else "niet" if clause.excluded else "alleen"
        first, _, last = (clause.values[0] if clause else "").partition("..")
        found.append(Group(name, GROUPS[name], [], mode, period=(first, last)))
    return found


def _options(session: Session, house: House) -> Mapping[str, list[tuple[str, str]]]:
    def distinct(column: Any) -> list[tuple[str, str]]:
        there = session.scalars(
            select(column).where(column.is_not(None)).distinct().order_by(column)
        )
        return [(value, value) for value in there if _sayable(value)]

    spoken = session.scalars(select(Inburgeraar.language).distinct()).all()
    known = languages()
    groups = session.scalars(select(Voortraject).order_by(Voortraject.starts.desc())).all()
    sent = session.scalars(
        select(Broadcast)
        .where(Broadcast.started_at.is_not(None))
        .order_by(Broadcast.id.desc())
        .limit(EARLIER)
    )
    earlier = [(str(each.id), f"{each.name} ({each.id})") for each in sent]
    return {
        "wijk": distinct(Inburgeraar.wijk),
        "taal": sorted(
            ((code, called(known[code])) for code in spoken if code in known),
            key=lambda pair: pair[1],
        ),
        "groep": distinct(Inburgeraar.groep),
        "thema": distinct(Inburgeraar.interest),
        "voortraject": [
            (each.kenmerk, f"{each.theme} ({each.kenmerk})")
            for each in groups
            if _sayable(each.kenmerk)
        ],
        "antwoord": [("ja", gettext("Ja")), ("nee", gettext("Nee"))],
        "groepsbericht": earlier,
        "beantwoord": earlier,
    }


def _sayable(value: str) -> bool:
    """Say whether a rule can name *value*."""
    return value.strip() == value != "" and not set(value) & set(',"')


def rule_from(form: MultiDict[str, str]) -> str:
    """Return the rule that the ticked boxes mean, as staff would type it."""
    parts = []
    for name in audience.WORDS:
        mode = form.get(f"{name}-wie", "")
        ticked = [value for value in form.getlist(name) if _sayable(value)]
        if name in audience.PERIODS:
            days = [form.get(f"{name}-{end}", "").strip() for end in PERIOD_ENDS]
            ticked = ["..".join(day.replace(" ", "-") for day in days)] if any(days) else []
        if mode not in ("alleen", "niet") or not ticked:
            continue
        told = ",".join(ticked)
        told = f'"{told}"' if " " in told else told
        parts.append(f"{'niet ' if mode == 'niet' else ''}{name}={told}")
    return " ".join(parts)


def settings_from(session: Session, house: House, form: MultiDict[str, str]) -> dict[str, Any]:
    """Return what was filled in as `broadcasts.SETTINGS`. Raises Refused, in Dutch."""
    own = form.get("soort") == "eigen"
    key = OWN if own else form.get("key", "")
    kenmerk = form.get("over", "")
    group = session.scalars(select(Voortraject).where(Voortraject.kenmerk == kenmerk)).one_or_none()
    settings: dict[str, Any] = {
        "name": form.get("name", "").strip()[:LONGEST_FIELD],
        "key": key,
        "voortraject_id": group.id if group is not None and not own else None,
        "values": _own_texts(form) if own else _fill_from(house, key, form),
        "audience": rule_from(form),
        "window_until": _moment(form, "until", tell("Heeft zin tot")),
    }
    begins = _moment(form, "from", tell("Niet eerder dan"))
    if begins is not None:
        settings["window_from"] = begins
    for name, label in LIMITS.items():
        typed = form.get(name, "").strip().replace(",", ".")
        if typed:
            settings[name] = _number(label, typed, whole=name in ("first", "hold_minutes"))
    return settings


def _fill_from(house: House, key: str, form: MultiDict[str, str]) -> dict[str, str]:
    told = {
        name: form.get(f"vul-{name}", "").strip()[:LONGEST_FIELD] for name in fields(house, key)
    }
    return {name: value for name, value in told.items() if value}


def fields(house: House, key: str) -> list[str]:
    """Return what an author fills in for the text *key*, beside what is known already."""
    return broadcasts.to_fill(house, key) if key in house.catalogue.entries else []


def _own_texts(form: MultiDict[str, str]) -> dict[str, str]:
    texts = {}
    for code in shipped():
        told = form.get(f"tekst-{code}", "").replace("\r\n", "\n").strip()[:LONGEST_TEXT]
        if told:
            texts[code] = told
    return broadcasts.own(texts)


def _moment(form: MultiDict[str, str], name: str, label: Told) -> datetime | None:
    typed = f"{form.get(f'{name}-dag', '')} {form.get(f'{name}-tijd', '')}".strip()
    if not typed:
        return None
    try:
        return when.moment(typed)[0]
    except ValueError as error:
        why = tell("%(field)s '%(typed)s': %(why)s", field=label, typed=typed, why=error.args[0])
        raise Refused(why) from error


def _number(label: str, typed: str, *, whole: bool) -> float | int:
    try:
        return int(typed) if whole else float(typed)
    except ValueError:
        why = tell("%(field)s: '%(typed)s' is geen getal.", field=tell(label), typed=typed)
        raise Refused(why) from None


def shown(session: Session, house: House, broadcast: Broadcast) -> Filled:
    """Return the form as *broadcast* stands."""
    group = session.get(Voortraject, broadcast.voortraject_id) if broadcast.voortraject_id else None
    values = {
        "name": broadcast.name,
        "soort": "eigen" if broadcast.key == OWN else "catalogus",
        "key": broadcast.key,
        "over": group.kenmerk if group is not None else "",
        **_day_and_time("from", broadcast.window_from),
        **_day_and_time("until", broadcast.window_until),
        **{name: f"{getattr(broadcast, name):g}".replace(".", ",") for name in LIMITS},
    }
    texts = own_texts(broadcast)
    fill = {} if texts else dict(broadcast.values)
    return Filled(values, groups_of(session, house, broadcast.audience), fill, texts)


def again(session: Session, house: House, form: MultiDict[str, str]) -> Filled:
    """Return the form as it was sent, so that nothing that was typed is lost."""
    values = {name: value for name, value in form.items() if name != "csrf_token"}
    texts = {code: form.get(f"tekst-{code}", "") for code in shipped()}
    fill = {
        name.removeprefix("vul-"): value for name, value in form.items() if name.startswith("vul-")
    }
    groups = []
    for each in groups_of(session, house, ""):
        ticked = frozenset(form.getlist(each.name))
        mode = form.get(f"{each.name}-wie", "")
        first, last = (form.get(f"{each.name}-{end}", "") for end in PERIOD_ENDS)
        period = (first, last) if each.period is not None else None
        groups.append(Group(each.name, each.label, each.options, mode, ticked, period))
    return Filled(values, groups, fill, texts)


def empty(session: Session, house: House) -> Filled:
    """Return the form with nothing filled in but what most keep."""
    values = {
        "soort": "catalogus",
        "key": "voortraject.invitation",
        "first": "20",
        "hold_minutes": "10",
        "most_failed": "10",
        "most_stopped": "3",
        "most_unknown": "1",
    }
    return Filled(values, groups_of(session, house, ""))


def _day_and_time(name: str, moment: datetime) -> dict[str, str]:
    local = moments.local(moment)
    return {f"{name}-dag": local.strftime("%d-%m-%Y"), f"{name}-tijd": local.strftime("%H:%M")}
