"""Whom a rule means, and who of them can be written to: counted before anything is sent.

A rule is what staff type: ``wijk=Noord,Oost taal=ti niet groep=startgroep`` or
``voortraject=V-1 antwoord=nee``. Spaces mean *and*, commas *or*; ``niet`` or ``!`` turns one
part around. A period is two days with dots between, ``afspraak=1-12-2026..31-12-2026``, of which
one may be left out. Without a rule it means everyone.
"""

from __future__ import annotations

import shlex
from array import array
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cache, partial
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from bot import moments
from bot.channels import base
from bot.gemeente import Gemeente
from bot.house import House
from bot.messaging import route
from bot.models.afspraken import Afspraak
from bot.models.messages import Message, Reply
from bot.models.people import Address, Inburgeraar, PersonAddress
from bot.models.voortrajecten import Deelname, Voortraject
from bot.outreach.intake import when
from bot.privacy import consent
from bot.told import tell
from bot.wording import languages
from bot.wording.languages import bare

FIELDS: Mapping[str, str] = {
    "wijk": "wijk",
    "groep": "groep",
    "taal": "language",
    "thema": "interest",
}
"""What a rule may speak of, by the word that staff use: a column of `Inburgeraar`."""

VOORTRAJECT, ANSWERED = "voortraject", "antwoord"
"""What else: a group they were invited to (its kenmerk), and whether they ever wrote to us."""

_AFSPRAAK, _CONTACT, _SINCE = PERIODS = ("afspraak", "contact", "ingeschreven")
"""When they have an afspraak, last wrote to us, came to us: between two days."""

_GOT, _REPLIED = MESSAGES = ("groepsbericht", "beantwoord")
"""Which group messages they have, and which they answered, by number."""

WORDS = (*FIELDS, VOORTRAJECT, ANSWERED, *PERIODS, *MESSAGES)

REACHED = (
    "sending",
    "unknown",
    "accepted",
    "sent",
    "delivered",
    "read",
    "unknown_final",
    "no_receipt",
)
"""States of a message that its reader has, or may have."""

YES, NO = "ja", "nee"

_BETWEEN = "\x1f"
"""Stands between several values of one person."""

ALREADY = "al uitgenodigd"
NO_ADDRESS = "geen adres dat wij kunnen gebruiken"
STOPPED = "stuurde STOP"
NO_CONSENT = "geen toestemming"
LOCKED = "groepsberichten staan uit"
SHUT = "WhatsApp neemt nu alleen sjablonen, en een ander adres is er niet"
NO_TEXT = "geen tekst in deze taal"
UNREVIEWED = "tekst in deze taal nog niet nagelezen"


class RuleError(ValueError):
    """A rule cannot be read; the message says in Dutch which word and what to write instead."""


@dataclass(frozen=True, slots=True)
class Clause:
    """One part of a rule: the person's *field* is one of *values*, or none of them."""

    field: str
    values: tuple[str, ...]
    """As typed; a language is its code."""
    excluded: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """Whom staff mean: every clause holds. Without clauses: everyone."""

    text: str = ""
    clauses: tuple[Clause, ...] = ()


EVERYONE = Rule()


def parse(text: str) -> Rule:
    """Read a rule. Raises RuleError, in Dutch, at the first word that is no part of one.

    A value with a space in it stands between double quotes: ``groep="groep 3"``.
    """
    clauses: list[Clause] = []
    excluded = False
    for word in _words(text):
        if bare(word) == "niet":
            excluded = True
            continue
        clause = _clause(word.removeprefix("!"), excluded=excluded or word.startswith("!"))
        if any((each.field, each.excluded) == (clause.field, clause.excluded) for each in clauses):
            raise RuleError(
                tell(
                    "%(word)s: %(field)s staat er al; zet een komma tussen de namen, zoals "
                    "%(field)s=a,b.",
                    word=repr(word),
                    field=clause.field,
                )
            )
        clauses.append(clause)
        excluded = False
    if excluded:
        raise RuleError("'niet': er staat niets achter; schrijf bijvoorbeeld niet wijk=Noord.")
    return Rule(" ".join(text.split()), tuple(clauses))


def _words(text: str) -> list[str]:
    reader = shlex.shlex(text, posix=True)
    reader.whitespace_split, reader.quotes, reader.escape, reader.commenters = True, '"', "", ""
    try:
        return list(reader)
    except ValueError:
        raise RuleError(
            tell('%(text)s: een aanhalingsteken (") wordt niet gesloten.', text=repr(text))
        ) from None


def _clause(word: str, *, excluded: bool) -> Clause:
    name, sign, told = word.partition("=")
    about = bare(name)
    if not sign or not name:
        raise RuleError(
            tell("%(word)s: schrijf een regel als wijk=Noord taal=ti,ar.", word=repr(word))
        )
    if about not in WORDS:
        raise RuleError(
            tell(
                "%(word)s: %(name)s kennen wij niet; kies uit %(which)s.",
                word=repr(word),
                name=repr(name),
                which=", ".join(WORDS),
            )
        )
    values = tuple(dict.fromkeys(value.strip() for value in told.split(",") if value.strip()))
    if not values:
        raise RuleError(
            tell("%(word)s: er staat niets achter %(name)s=.", word=repr(word), name=name)
        )
    if about == "taal":
        values = tuple(_language(word, value) for value in values)
    if about in PERIODS:
        values = tuple(str(_period(word, value)) for value in values)
    if about in MESSAGES and not all(map(_is_number, values)):
        raise RuleError(
            tell("%(word)s: schrijf het nummer van een groepsbericht.", word=repr(word))
        )
    if about == ANSWERED and not set(map(bare, values)) <= {YES, NO}:
        raise RuleError(
            tell(
                "%(word)s: schrijf %(answered)s=%(yes)s of %(answered)s=%(no)s.",
                word=repr(word),
                answered=ANSWERED,
                yes=YES,
                no=NO,
            )
        )
    return Clause(about, values, excluded)


def _language(word: str, value: str) -> str:
    found = languages.find(value)
    if found is None:
        raise RuleError(
            tell("%(word)s: de taal %(value)s kennen wij niet.", word=repr(word), value=repr(value))
        )
    return found.code


class Period(NamedTuple):
    """From the first up to and with the last day; None is without end."""

    first: date | None
    last: date | None

    def __str__(self) -> str:
        return "..".join(f"{day:%d-%m-%Y}" if day else "" for day in self)

    def holds(self, moment: InstrumentedAttribute[Any]) -> ColumnElement[bool]:
        """Return what says that a moment lies in it."""
        bounds: list[ColumnElement[bool]] = [moment.is_not(None)]
        if self.first is not None:
            bounds.append(moment >= moments.from_local(datetime.combine(self.first, time())))
        if self.last is not None:
            after = datetime.combine(self.last + timedelta(days=1), time())
            bounds.append(moment < moments.from_local(after))
        return and_(*bounds)


def period(text: str) -> Period:
    """Read two days with dots between. ValueError if it is none, in Dutch."""
    first, dots, last = text.partition("..")
    if not dots or not (first or last):
        raise ValueError(tell("schrijf twee dagen, bijvoorbeeld 1-12-2026..31-12-2026"))
    found = Period(when.day(first) if first else None, when.day(last) if last else None)
    if found.first and found.last and found.last < found.first:
        raise ValueError(tell("de laatste dag is voor de eerste"))
    return found


def _period(word: str, value: str) -> Period:
    try:
        return period(value)
    except ValueError as error:
        raise RuleError(
            tell("%(word)s: %(fault)s.", word=repr(word), fault=error.args[0])
        ) from None


def _is_number(value: str) -> bool:
    return value.isascii() and value.isdecimal() and len(value) < 10


@dataclass(frozen=True, slots=True)
class Reached:
    """One person who can be written to, and where."""

    person: int
    address: int
    channel: str
    language: str
    first_name: str
    last_inbound_at: datetime | None = None
    """When they last wrote from that address."""
    listens: bool = False
    """They would rather listen."""


class Chosen:
    """Those who can be written to, in the order in which they came to us.

    Packed: of a million people this takes some twenty megabytes.
    """

    def __init__(self) -> None:
        self.people = array("q")
        self._addresses = array("q")
        self._groups = array("q")
        self._names: list[tuple[str, str]] = []
        self._numbers: dict[tuple[str, str], int] = {}

    def add(self, each: Reached) -> None:
        """Let *each* be the next."""
        group = (each.channel, each.language)
        number = self._numbers.setdefault(group, len(self._names))
        if number == len(self._names):
            self._names.append(group)
        self.people.append(each.person)
        self._addresses.append(each.address)
        self._groups.append(number)

    def __len__(self) -> int:
        return len(self.people)

    def __iter__(self) -> Iterator[tuple[int, int, str, str]]:
        """Yield person, address, channel and language of each."""
        return map(self._at, range(len(self)))

    def by_turns(self) -> Iterator[tuple[int, int, str, str]]:
        """Yield the same, each language and channel by turns: the first are some of all."""
        places = [array("q") for _ in self._names]
        for at, number in enumerate(self._groups):
            places[number].append(at)
        for turn in range(max(map(len, places), default=0)):
            yield from map(self._at, sorted(each[turn] for each in places if turn < len(each)))

    def _at(self, at: int) -> tuple[int, int, str, str]:
        return self.people[at], self._addresses[at], *self._names[self._groups[at]]


@dataclass(slots=True)
class Reach:
    """Who of an audience can be written to, and who is left out and why."""

    chosen: Chosen = field(default_factory=Chosen)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How many of them, by language and channel."""
    left_out: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How many are not, by reason (Dutch, the constants above) and language."""
    moved: Counter[str] = field(default_factory=Counter)
    """How many of them get it on this channel, for want of WhatsApp's window."""
    unknown: tuple[str, ...] = ()
    """Parts of the rule that fit nobody at all, mostly a typing error: ``wijk=Nord``."""

    @property
    def people(self) -> Sequence[int]:
        """Return the ids of those who can be written to."""
        return self.chosen.people

    def add(self, each: Reached) -> None:
        """Count one more who can be written to."""
        self.chosen.add(each)
        self.counts[each.language, each.channel] += 1


def reach(session: Session, house: House, rule: Rule, **which: Any) -> Reach:
    """Count whom a text would reach, and who is left out and why; *which* as `walk` has it."""
    found = Reach()
    for _ in walk(session, house, rule, found, **which):
        pass
    return found


def walk(
    session: Session,
    house: House,
    rule: Rule,
    found: Reach,
    *,
    key: str,
    state: Callable[[str], str] | None = None,
    only: Collection[int] | None = None,
    already: Collection[int] = (),
    unreviewed: Collection[str] = (),
    at: datetime | None = None,
) -> Iterator[Reached]:
    """Yield everyone whom the text *key* would reach; count them in *found*, and the others.

    *state* says how the text stands in a language, if not as the catalogue has it.
    *only* are the ids of those it is about at all, None for everyone; *already* those of people
    who have had it. *unreviewed* are the codes of the languages in which a text that nobody has
    reviewed may go out; a text that is missing or stale never does, for its readers would get
    Dutch. *at* is when it goes, now unless told: of which WhatsApp takes no template goes there
    only to whom the window is open then, and to the others by their next address.
    """
    fits = _Fits(house.gemeente, rule)
    entry = house.catalogue.entries[key]
    invitation = entry.purpose == "invitation"
    only_text = entry.template is None and entry.opener is None
    goes = at or moments.now()
    stands = state or (lambda language: house.catalogue.standing(key, language))
    unsayable = cache(partial(_unsayable, stands, unreviewed=unreviewed))
    for people in _everyone(session):
        first, last = people[0].id, people[-1].id
        places = _places(session, first, last)
        may_invite = consent.invitable(session, first, last) if invitation else None
        groups = _groups(session, first, last) if fits.asks(VOORTRAJECT) else {}
        among = fits.look_up(session, first, last)
        for person in people:
            if only is not None and person.id not in only:
                continue
            theirs = places.get(person.id, ())
            wrote = any(place.last_inbound_at is not None for place in theirs)
            also = {VOORTRAJECT: groups.get(person.id, ""), ANSWERED: YES if wrote else NO}
            if not fits(person, also) or not among(person.id):
                continue
            may = may_invite and partial(may_invite, person.id)
            free = [each for each in theirs if not only_text or _takes_text(each, goes)]
            place = route.usable(free, may)
            shut = len(free) < len(theirs) and route.usable(theirs, may) is not place
            why = None
            if person.id in already:
                why = ALREADY
            elif place is None:
                why = SHUT if shut else _why_not(theirs)
            elif place.bulk_locked_at is not None:
                why = LOCKED
            else:
                why = unsayable(person.language)
            if why is not None or place is None:
                found.left_out[why or NO_ADDRESS, person.language] += 1
                continue
            reached = Reached(
                person.id,
                place.id,
                place.channel,
                person.language,
                person.first_name,
                place.last_inbound_at,
                person.listens,
            )
            found.add(reached)
            found.moved[place.channel] += shut
            yield reached
    found.unknown = tuple(fits.unknown())


AT_ONCE = 2000
"""People who are read at once: whoever they are, no more than these are held."""


class _Person(NamedTuple):
    id: int
    first_name: str
    language: str
    wijk: str | None
    groep: str | None
    interest: str | None
    listens: bool


class _Place(NamedTuple):
    id: int
    channel: str
    state: str
    stopped_at: datetime | None
    bulk_locked_at: datetime | None
    last_inbound_at: datetime | None


def _everyone(session: Session) -> Iterator[list[_Person]]:
    last = 0
    columns = [getattr(Inburgeraar, name) for name in _Person._fields]
    while people := session.execute(
        select(*columns).where(Inburgeraar.id > last).order_by(Inburgeraar.id).limit(AT_ONCE)
    ).all():
        yield [_Person._make(row) for row in people]
        last = people[-1].id


def _places(session: Session, first: int, last: int) -> Mapping[int, list[_Place]]:
    """Return the addresses of the people with these ids and all between, in their own order."""
    columns = [getattr(Address, name) for name in _Place._fields]
    found: dict[int, list[_Place]] = {}
    for person, *place in session.execute(
        select(PersonAddress.person_id, *columns)
        .join(Address, Address.id == PersonAddress.address_id)
        .where(PersonAddress.person_id.between(first, last))
        .order_by(PersonAddress.person_id, PersonAddress.rank, PersonAddress.id)
    ):
        found.setdefault(person, []).append(_Place._make(place))
    return found


def _groups(session: Session, first: int, last: int) -> Mapping[int, str]:
    """Return the voortrajecten that the people with these ids were invited to."""
    found: dict[int, str] = {}
    for person, kenmerk in session.execute(
        select(Deelname.person_id, Voortraject.kenmerk)
        .join(Voortraject, Voortraject.id == Deelname.voortraject_id)
        .where(Deelname.person_id.between(first, last))
        .order_by(Deelname.id)
    ):
        found[person] = found[person] + _BETWEEN + kenmerk if person in found else kenmerk
    return found


class _Fits:
    """Says of one person after the other whether a rule means them; knows who it met."""

    def __init__(self, gemeente: Gemeente, rule: Rule) -> None:
        self._gemeente = gemeente
        self._rule = rule
        self._met: dict[str, set[str]] = {name: set() for name in WORDS}
        self._met[ANSWERED] = {YES, NO}
        self._looked_up = [each for each in rule.clauses if each.field in (*PERIODS, *MESSAGES)]
        self._held = [
            (attrgetter(FIELDS[clause.field]), cache(partial(self._holds, clause)))
            for clause in rule.clauses
            if clause.field in FIELDS
        ]
        self._held_also = [
            (clause.field, cache(partial(self._holds, clause)))
            for clause in rule.clauses
            if clause.field in (VOORTRAJECT, ANSWERED)
        ]

    def asks(self, about: str) -> bool:
        """Say whether the rule speaks of *about*."""
        return any(clause.field == about for clause in self._rule.clauses)

    def look_up(self, session: Session, first: int, last: int) -> Callable[[int], bool]:
        """Return what says of the people with these ids and all between whether all that is to be
        looked up holds for them.
        """
        found = []
        for clause in self._looked_up:
            people = set(session.scalars(_meant(clause, first, last)))
            self._met[clause.field] |= {bare(value) for value in clause.values} if people else set()
            found.append((people, clause.excluded))
        return lambda person: all((person in people) != not_ for people, not_ in found)

    def __call__(self, person: _Person, also: Mapping[str, str]) -> bool:
        """Say whether every clause of the rule holds for *person*; *also* is the rest of them."""
        held = True
        for value, holds in self._held:
            held = holds(value(person) or "") and held  # each clause must know whom it met
        for name, holds in self._held_also:
            held = holds(also[name]) and held
        return held

    def _holds(self, clause: Clause, value: str) -> bool:
        """Say whether *clause* means who has this *value*; asked once for each."""
        told = self._spellings(clause.field, value)
        self._met[clause.field] |= told
        return any(bare(each) in told for each in clause.values) != clause.excluded

    def unknown(self) -> Iterator[str]:
        """Yield the parts of the rule that fitted none of those who were met."""
        for clause in self._rule.clauses:
            for value in clause.values:
                if bare(value) not in self._met[clause.field]:
                    yield f"{clause.field}={value}"

    def _spellings(self, about: str, value: str) -> set[str]:
        """Return all that staff may call *value*: a wijk and a theme have a code and a name."""
        names = {bare(value)}
        if about == VOORTRAJECT:
            return {bare(each) for each in value.split(_BETWEEN)} - {""}
        if about == "wijk" and (wijk := self._gemeente.wijk(value)):
            names |= {bare(wijk.code), bare(wijk.name)}
        if about == "thema":
            for theme in self._gemeente.themes:
                both = {bare(theme.code), bare(theme.name)}
                names |= both if bare(value) in both else set()
        return names - {""}


def _meant(clause: Clause, first: int, last: int) -> Select[Any]:
    """Return the ids of the people between these of whom *clause* speaks."""
    if clause.field in MESSAGES:
        had = (
            select(Message.person_id)
            .where(Message.person_id.between(first, last))
            .where(Message.broadcast_id.in_([int(value) for value in clause.values]))
        )
        if clause.field == _GOT:
            return had.where(Message.state.in_(REACHED))
        return had.join(Reply, Reply.message_id == Message.id)
    periods = [period(value) for value in clause.values]
    if clause.field == _AFSPRAAK:
        return select(Afspraak.person_id).where(
            Afspraak.person_id.between(first, last),
            Afspraak.status == "gepland",
            or_(*(each.holds(Afspraak.begins) for each in periods)),
        )
    if clause.field == _CONTACT:
        return (
            select(PersonAddress.person_id)
            .join(Address, Address.id == PersonAddress.address_id)
            .where(PersonAddress.person_id.between(first, last))
            .where(or_(*(each.holds(Address.last_inbound_at) for each in periods)))
        )
    return select(Inburgeraar.id).where(
        Inburgeraar.id.between(first, last),
        or_(*(each.holds(Inburgeraar.created_at) for each in periods)),
    )


def _takes_text(place: _Place, at: datetime) -> bool:
    return place.channel != base.WHATSAPP or route.window_open_since(place.last_inbound_at, at)


def _why_not(places: Collection[_Place]) -> str:
    """Return why none of somebody's *places* may be used."""
    if route.usable(places, None) is not None:
        return NO_CONSENT
    stopped = any(place.stopped_at is not None for place in places)
    return STOPPED if stopped else NO_ADDRESS


def _unsayable(
    stands: Callable[[str], str], language: str, *, unreviewed: Collection[str]
) -> str | None:
    """Return why the text may not go out in *language*; None if it may."""
    match stands(language):
        case "missing" | "stale":
            return NO_TEXT
        case "unreviewed" if language not in unreviewed:
            return UNREVIEWED
        case _:
            return None
