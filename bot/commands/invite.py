"""`stap invite`: ask people whether they join a voortraject."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import moments
from bot.commands.shared import (
    each_language,
    left_out,
    refuse,
    the_house,
    unreviewed_languages,
)
from bot.house import House
from bot.models.voortrajecten import Voortraject
from bot.outreach import audience, voortraject
from bot.outreach.audience import Reach, Rule, RuleError
from bot.wording.languages import languages
from bot.wording.render import spoken_date, spoken_time

AT_A_TIME = 200
"""People invited in one transaction."""


@click.command()
@click.argument("kenmerk", metavar="VOORTRAJECT")
@click.option(
    "--audience",
    "rule_text",
    default="",
    metavar="REGEL",
    help="Voor wie, bijvoorbeeld: wijk=Noord taal=ti,ar niet groep=startgroep. Anders: iedereen.",
)
@click.option(
    "--unreviewed",
    "unreviewed_text",
    default="",
    metavar="TALEN",
    help="Talen waarin een tekst mag die nog niet is nagelezen: ti,ar of alle.",
)
@click.option("--check", is_flag=True, help="Laat alleen zien wie een uitnodiging krijgt.")
def invite(kenmerk: str, rule_text: str, unreviewed_text: str, check: bool) -> None:
    """Nodig mensen uit voor een voortraject.

    Alleen wie ja zei op uitnodigingen. Wie al is uitgenodigd, krijgt geen tweede bericht.
    """
    try:
        rule = audience.parse(rule_text)
    except RuleError as error:
        refuse(f"De regel klopt niet. {error}")
    with the_house() as house:
        unreviewed = unreviewed_languages(house, voortraject.INVITATION, unreviewed_text)
        with house.database.reading() as session:
            group = _voortraject(session, kenmerk)
            reach = voortraject.candidates(session, house, group, rule, unreviewed)
            session.expunge(group)
        invited = 0 if check else _invite(house, group, reach.people)
        for line in _report(house, group, rule, reach, check=check, invited=invited):
            click.echo(line)
    waits = any(why == audience.UNREVIEWED for why, _ in reach.left_out)
    if waits and not reach.people:
        raise SystemExit(1)


def _voortraject(session: Session, kenmerk: str) -> Voortraject:
    found = session.scalars(select(Voortraject).where(Voortraject.kenmerk == kenmerk)).one_or_none()
    if found is None:
        known = session.scalars(select(Voortraject.kenmerk).order_by(Voortraject.kenmerk)).all()
        which = f"Wel: {', '.join(known)}." if known else "Lees ze eerst in: stap intake."
        refuse(f"Er is geen voortraject {kenmerk!r}. {which}")
    begins = voortraject.first_meeting(found)
    if begins <= moments.now():
        refuse(
            f"Voortraject {kenmerk} is al begonnen, op {spoken_date(begins)} "
            f"om {spoken_time(begins)}. Nodig deze mensen zelf uit."
        )
    return found


def _invite(house: House, group: Voortraject, people: Sequence[int]) -> int:
    invited = 0
    for start in range(0, len(people), AT_A_TIME):
        with house.database.session() as session:
            here = session.get_one(Voortraject, group.id)
            invited += voortraject.invite(session, house, here, people[start : start + AT_A_TIME])
    return invited


def _report(
    house: House, group: Voortraject, rule: Rule, reach: Reach, *, check: bool, invited: int
) -> Iterator[str]:
    begins = voortraject.first_meeting(group)
    yield (
        f"Voortraject {group.kenmerk}: {group.theme}, {group.place}. "
        f"Eerste keer: {spoken_date(begins)} om {spoken_time(begins)}. "
        f"Plekken: {group.seats}, bezet: {group.taken}."
    )
    yield f"Voor: {rule.text or 'iedereen'}."
    for part in reach.unknown:
        yield f"Let op: niemand past bij {part}. Staat het er goed?"
    yield f"Krijgen een uitnodiging: {len(reach.people)}" if check else f"Uitgenodigd: {invited}"
    for (code, channel), count in sorted(reach.counts.items()):
        yield f"  {languages()[code].dutch:<12} {channel:<9} {count:>5}"
    if not check and invited < len(reach.people):
        yield f"  Nam intussen het ja terug: {len(reach.people) - invited}"
    without = left_out(reach.left_out)
    yield f"Niet uitgenodigd: {sum(reach.left_out.values())}"
    for why, counts in without.items():
        yield f"  {why}: {counts.total()} ({each_language(counts)})"
    if waiting := without.get(audience.UNREVIEWED):
        codes = ",".join(sorted(waiting))
        yield (
            f"Laat de tekst nalezen ({codes}), "
            f"of zeg zelf ja tegen deze tekst: --unreviewed {codes}"
        )
    if audience.NO_TEXT in without:
        yield "Wie geen tekst in de eigen taal heeft: bel of schrijf."
    if check:
        yield "Dit was een controle: er is niets verstuurd."
