"""Say every text in every language on every channel to people who differ, and look at the result.

Run by hand: `make renderings COUNT=1000000`. Each person's values carry a mark of their own. A text
that shows another's mark, leaves a hole, is too long for its channel, or lets a value turn its line
is printed with all that is needed to make it again; the exit code is then 1.
"""

from __future__ import annotations

import argparse
import itertools
import random
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from bot.channels.base import SMS, TELEGRAM, WHATSAPP
from bot.messaging import route
from bot.wording import render
from bot.wording.catalogue import Catalogue, catalogue
from bot.wording.entries import BUTTON_LENGTH, PLACEHOLDER, placeholders
from bot.wording.languages import languages, shipped
from bot.wording.segments import parts, segments

CHANNELS = (WHATSAPP, SMS, TELEGRAM)
LONGEST = {WHATSAPP: 1600, SMS: 1600, TELEGRAM: 4096}
"""Characters that a channel takes in one message."""

TEMPLATE_LONGEST = 1024
VARIABLE_LONGEST = 255

AT_HAND = 40
"""People who are written to by turns: what one left behind must not reach the next."""

OWNERS, FOR_MANY = 3, 10
"""For whom a text for many is made first, and how many it is then poured for."""

OF_A_PERSON = frozenset(
    {
        *("first_name", "place", "address", "staff", "theme", "days", "starts", "until", "wijk"),
        *("interest", "youth_contact", "yields", "colleague", "words", "own"),
    }
)
"""Words that differ between the people a text is poured for."""

MARK = re.compile(r"Q[0-9A-Z]{6}Z")
"""Of one person; no text of the catalogue holds one."""

ISOLATED = re.compile("[\u2066\u2068][^\u2066-\u2069]*\u2069")
MARKED = re.compile("\u200e[^\u200e]*\u200e")
TURNING = re.compile("[\u202a-\u202e\u2067\u061c\u200f]")
"""Signs of direction that no text of ours needs."""

NAMES = (
    "Selam", "Oleksandr", "Nguyễn Thị", "ሰላም", "رانيا", "نرگس‌خاتون", "Ömer Faruk", "Zoë", "Łukasz",
    "Ф.", "Hodan 👩🏾", "Anne-Marie van der Meer-Ó Súilleabháin", "\u202eevil", "a\nb",
    "{phone}", "{{1}}",
    "1 = Ja", "STOP", "%s %(x)s", "<b>x</b>", "\x00\x07", "  two  spaces  ",
)  # fmt: skip
PLACES = (
    "Wijkcentrum", "Buurthuis De Brug, zaal 3 (1e verdieping)", "مركز الحي", "Stadskantoor",
    "Плеханова 1-12", "Place de l'Église", "{staff}",
)  # fmt: skip


@dataclass(frozen=True)
class Person:
    """Somebody, and what a text may say to them."""

    mark: str
    values: dict[str, Any]


@dataclass(frozen=True)
class Case:
    """One rendering: what is said, in which language and where."""

    key: str
    language: str
    channel: str


def people(seed: int) -> Iterator[Person]:
    """Give people without end, the same for the same *seed*."""
    for number in itertools.count(1):
        chance = random.Random(f"{seed}:{number}")  # noqa: S311 - to be repeated, not to be secret
        mark = f"Q{_base36(number):0>6}Z"
        begins = datetime(2026, 11, 25, tzinfo=UTC) + timedelta(minutes=chance.randrange(600_000))
        values: dict[str, Any] = {
            name: f"{chance.choice(PLACES)} {mark}"
            for name in (
                "place", "address", "staff", "theme", "days", "starts", "until", "wijk", "interest",
                "youth_contact", "yields", "colleague", "words", "reason", "sentence", "language",
                "listen",
            )
        }  # fmt: skip
        for name in ("address", "staff", "interest", "wijk", "yields", "listen"):
            if chance.random() < 0.2:
                values[name] = ""
        values |= {
            "first_name": "" if chance.random() < 0.1 else f"{chance.choice(NAMES)} {mark}",
            "begins": begins,
            "own": f"{mark} in eigen woorden",
            "options": [f"{n} = {chance.choice(NAMES)} {mark}" for n in range(1, 4)],
            "gemeente": "Gemeente Voorbeeldstad",
            "phone": "14 058",
            "colleague_hours": "09:00-17:00",
            **dict.fromkeys(("weeks", "started", "signed_up", "children", "number", "left"), "3"),
        }
        yield Person(mark, values)


def _base36(number: int) -> str:
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return digits[number] if number < 36 else _base36(number // 36) + digits[number % 36]


def cases(seed: int, texts: Catalogue) -> Iterator[Case]:
    """Give every text in every language on every channel, over and over, in another order."""
    everything = [
        Case(key, language, channel)
        for key, entry in texts.entries.items()
        if entry.purpose not in ("page", "button")
        for language in shipped()
        for channel in CHANNELS
    ]
    for turn in itertools.count():
        order = list(everything)
        random.Random(f"{seed}:{turn}").shuffle(order)  # noqa: S311
        yield from order


class Look:
    """Says what is wrong with a rendering."""

    def __init__(self, texts: Catalogue) -> None:
        self.texts = texts
        self.mould = cache(self._mould)

    def _mould(self, case: Case, owner: int) -> render.Mould:
        """Return a text poured for many, but for what differs; one per case and *owner*."""
        return render.Mould(
            case.key,
            case.language,
            {**self.owners[owner].values, **dict.fromkeys(self.differs(case), "x")},
            self.differs(case),
            buttons_as_numbers=route.numbered(case.channel),
            plain=case.channel == SMS,
            catalogue=self.texts,
        )

    def differs(self, case: Case) -> list[str]:
        """Return the names of the words that *case* takes of its reader."""
        wanted = placeholders(self.texts.entries[case.key].text)
        return [name for name in wanted if name in OF_A_PERSON]

    owners: dict[int, Person]

    def wrong(self, case: Case, person: Person) -> Iterator[str]:
        """Yield what is wrong with *case* as *person* gets it, by each of the ways it is made."""
        plain = case.channel == SMS
        made = render.render(
            case.key,
            case.language,
            person.values,
            buttons_as_numbers=route.numbered(case.channel),
            plain=plain,
            catalogue=self.texts,
        )
        yield from self._body(case, person, made.body, made.language)
        for _, title in made.buttons:
            if not 0 < len(title) <= BUTTON_LENGTH:
                yield f"a button of {len(title)} characters"
        if made.fallback:
            yield "Dutch instead of its own language"
        if case.channel == WHATSAPP and self.texts.entries[case.key].template:
            yield from self._template(case, person)

    def poured(self, case: Case, person: Person, owner: int) -> Iterator[str]:
        """Yield what is wrong with a text for many: what does not differ in it is *owner*'s."""
        words = {name: str(person.values[name]) for name in self.differs(case)}
        body = self.mould(case, owner).pour(words)
        if strange := set(MARK.findall(body)) - {person.mark, self.owners[owner].mark}:
            yield f"marks of somebody else in a text for many: {strange}"
        if any(word and person.mark not in body for word in words.values()):
            yield "a text for many without its reader's own words"

    def _body(self, case: Case, person: Person, body: str, spoken: str) -> Iterator[str]:
        if strange := set(MARK.findall(body)) - {person.mark}:
            yield f"marks of somebody else: {strange}"
        own = " ".join(map(str, person.values.values()))
        if holes := [hole[0] for hole in PLACEHOLDER.finditer(body) if hole[0] not in own]:
            yield f"left open: {holes}"
        if "\x00" in body or TURNING.search(body):
            yield "a sign that steers"
        if body != body.strip() or "\n\n\n" in body or not body:
            yield "empty space around or within"
        if len(body) > LONGEST[case.channel]:
            yield f"{len(body)} characters for {case.channel}"
        yield from self._directions(case, body, rtl=languages()[spoken].rtl)
        entry = self.texts.entries[case.key]
        if "{date}" in entry.text:
            day = render.spoken_date(person.values["begins"])
            if day not in body:
                yield f"no date {day} in Latin digits"
        if case.channel == SMS and (
            len(parts(body)) != segments(body) or "".join(parts(body)) != body
        ):
            yield "parts that are not the whole"

    def _directions(self, case: Case, body: str, *, rtl: bool) -> Iterator[str]:
        for line in body.split("\n"):
            opened = sum(sign in "\u2066\u2068" for sign in line)
            if opened != line.count("\u2069") or (case.channel == SMS and opened):
                yield "isolates that do not close, or in an SMS"
            if case.channel == SMS and line.count("\u200e") % 2:
                yield "a mark of direction without its other"
            loose = MARKED.sub("", ISOLATED.sub("", line))
            if rtl and MARK.search(loose):
                yield "Latin letters loose in a line from right to left"

    def _template(self, case: Case, person: Person) -> Iterator[str]:
        if self.texts.entries[case.key].only is None and languages()[case.language].meta is None:
            return
        written_in = self.texts.entries[case.key].only or case.language
        filled = render.template_variables(
            case.key, written_in, person.values, catalogue=self.texts
        )
        body, _ = render.template_body(case.key, written_in, catalogue=self.texts)
        if len(body) > TEMPLATE_LONGEST:
            yield f"a template of {len(body)} characters"
        for value in filled.values():
            if not value or "\n" in value or "\t" in value or len(value) > VARIABLE_LONGEST:
                yield f"a variable WhatsApp refuses: {value!r}"
            if strange := set(MARK.findall(value)) - {person.mark}:
                yield f"marks of somebody else in a template: {strange}"


def run(count: int, seed: int) -> tuple[Counter[str], list[str]]:
    """Make *count* renderings; return how many of each kind, and what was wrong, if anything.

    Each case is rendered for one person with all checks, as a template where it is one, and poured
    for some others from what was made for somebody else.
    """
    texts = catalogue()
    look, crowd = Look(texts), people(seed)
    at_hand = [next(crowd) for _ in range(AT_HAND)]
    look.owners = dict(enumerate(at_hand[:OWNERS]))
    chance = random.Random(seed)  # noqa: S311
    made: Counter[str] = Counter()
    wrong: list[str] = []
    for number, case in enumerate(cases(seed, texts)):
        if made.total() >= count or len(wrong) >= 100:
            break
        at_hand[number % AT_HAND] = next(crowd)
        person = chance.choice(at_hand)
        found = [*look.wrong(case, person)]
        made["alone"] += 1
        if look.differs(case):
            for other in chance.sample(at_hand, FOR_MANY):
                found += look.poured(case, other, number % OWNERS)
            made["for many"] += FOR_MANY
        wrong += [f"{case.key} {case.language} {case.channel} {person.mark}: {w}" for w in found]
    return made, wrong


def main() -> None:
    """Render as often as asked, and say what came of it."""
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--count", type=int, default=6_000)
    given.add_argument("--seed", type=int, default=1)
    asked = given.parse_args()
    made, wrong = run(asked.count, asked.seed)
    for each in wrong:
        print(each)
    if wrong:
        sys.exit(1)
    each = ", ".join(f"{many} {kind}" for kind, many in made.items())
    print(f"{made.total()} renderings ({each}), seed {asked.seed}: all is as it must be.")


if __name__ == "__main__":
    main()
