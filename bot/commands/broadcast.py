"""`stap broadcast`: a mass message, from draft to correction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import ROUND_UP, Decimal
from functools import wraps
from typing import Any

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import moments
from bot.commands.shared import (
    each_language,
    left_out,
    print_json,
    print_table,
    refuse,
    the_house,
    unreviewed_languages,
)
from bot.house import House
from bot.models.broadcasts import Broadcast
from bot.models.voortrajecten import Voortraject
from bot.outreach import broadcasts, tasks
from bot.outreach import preview as previews
from bot.outreach.audience import NO_TEXT, UNREVIEWED
from bot.outreach.broadcasts import Refused
from bot.outreach.clashes import SENDING
from bot.outreach.figures import DUTCH, Figures, figures
from bot.outreach.intake import when
from bot.outreach.preview import Preview
from bot.wording.languages import languages
from bot.wording.render import spoken_date, spoken_time

INVITATION = "voortraject.invitation"

TEXT_STATES = {
    "source": "bron",
    "reviewed": "nagelezen",
    "unreviewed": "niet nagelezen",
    "stale": "verouderd",
    "missing": "ontbreekt",
}


@click.group()
def broadcast() -> None:
    """Stuur één bericht aan veel mensen, na een ja van een tweede collega."""


@contextmanager
def _house() -> Iterator[House]:
    """Give the house; a refusal by it ends in Dutch."""
    with the_house() as house:
        try:
            yield house
        except Refused as error:
            refuse(str(error))


def _find(session: Session, number: int) -> Broadcast:
    found = session.get(Broadcast, number)
    if found is None:
        refuse(f"Er is geen groepsbericht {number}. Kijk met: stap broadcast list")
    return found


by = click.option("--by", required=True, metavar="NAAM", help="Wie dit doet.")
unreviewed = click.option(
    "--unreviewed",
    "unreviewed_text",
    default="",
    metavar="TALEN",
    help="Talen waarin een tekst mag die nog niet is nagelezen: ti,ar of alle.",
)
SETTINGS = [
    click.option("--name", metavar="NAAM", help="Hoe het groepsbericht heet."),
    click.option("--key", metavar="TEKST", help="De tekst, bijvoorbeeld voortraject.invitation."),
    click.option("--voortraject", "kenmerk", metavar="KENMERK", help="Waarvoor het uitnodigt."),
    click.option(
        "--audience",
        metavar="REGEL",
        help="Voor wie, bijvoorbeeld: wijk=Noord taal=ti,ar niet groep=startgroep.",
    ),
    click.option(
        "--from", "window_from", metavar="MOMENT", help="Niet eerder dan: 3-12-2026 10:00."
    ),
    click.option(
        "--until", "window_until", metavar="MOMENT", help="Heeft zin tot: 4-12-2026 17:00."
    ),
    click.option(
        "--value", "values", multiple=True, metavar="NAAM=TEKST", help="Vult de tekst aan."
    ),
    click.option("--first", type=int, help="Hoeveel mensen het eerst krijgen (20)."),
    click.option("--hold", "hold_minutes", type=int, help="Minuten wachten daarna (10)."),
    click.option("--max-failed", "most_failed", type=float, help="Hoogstens mislukt, in % (10)."),
    click.option("--max-stopped", "most_stopped", type=float, help="Hoogstens STOP, in % (3)."),
    click.option("--max-unknown", "most_unknown", type=float, help="Hoogstens onbekend, in % (1)."),
]


def _with_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Give *command* the options of what an author decides; what is not told is left out."""

    @wraps(command)
    def told(**options: Any) -> None:
        names = ("by", "number")
        mine = {name: options.pop(name) for name in names if name in options}
        given = {name: value for name, value in options.items() if value not in (None, ())}
        command(**mine, given=given)

    for option in reversed(SETTINGS):
        told = option(told)
    return told


def _settings(session: Session, given: dict[str, Any]) -> dict[str, Any]:
    """Return what was told as `broadcasts.SETTINGS` want it; refuse what cannot be read."""
    settings = dict(given)
    if "kenmerk" in settings:
        kenmerk = settings.pop("kenmerk")
        group = session.scalars(
            select(Voortraject).where(Voortraject.kenmerk == kenmerk)
        ).one_or_none()
        if group is None:
            refuse(f"Er is geen voortraject {kenmerk!r}. Lees het eerst in: stap intake.")
        settings["voortraject_id"] = group.id
    for name, option in (("window_from", "--from"), ("window_until", "--until")):
        if name in settings:
            settings[name] = _moment(option, settings[name])
    if "values" in settings:
        settings["values"] = dict(_pair(text) for text in settings["values"])
    return settings


def _moment(option: str, text: str) -> datetime:
    try:
        return when.moment(text)[0]
    except ValueError as error:
        refuse(f"{option} {text!r}: {error}")


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign:
        refuse(f"--value {text!r}: schrijf NAAM=TEKST.")
    return name.strip(), value.strip()


# ------------------------------------------------------------------ written


@broadcast.command()
@by
@_with_settings
def draft(by: str, given: dict[str, Any]) -> None:
    """Schrijf een groepsbericht op. Er gaat nog niets uit."""
    with _house() as house, house.database.session() as session:
        settings = {"key": INVITATION, "window_until": None, **_settings(session, given)}
        settings.setdefault("name", given.get("kenmerk") or settings["key"])
        made = broadcasts.draft(session, house, by=by, **settings)
        click.echo(f"Groepsbericht {made.id} ({made.name}) is opgeschreven.")
        click.echo(f"Kijk nu wat het doet: stap broadcast preview {made.id}")


@broadcast.command()
@click.argument("number", metavar="NUMMER", type=int)
@by
@_with_settings
def change(number: int, by: str, given: dict[str, Any]) -> None:
    """Verander een groepsbericht. Daarna is opnieuw een goedkeuring nodig."""
    with _house() as house, house.database.session() as session:
        found = _find(session, number)
        broadcasts.change(session, house, found, by=by, **_settings(session, given))
    click.echo(f"Groepsbericht {number} is veranderd. Laat het (opnieuw) goedkeuren.")


@broadcast.command()
@click.argument("number", metavar="NUMMER", type=int)
@by
@_with_settings
def correct(number: int, by: str, given: dict[str, Any]) -> None:
    """Schrijf een correctie, alleen voor wie het foute bericht heeft of kan hebben."""
    with _house() as house, house.database.session() as session:
        found = _find(session, number)
        made = broadcasts.correct(session, house, found, by=by, **_settings(session, given))
        click.echo(f"Groepsbericht {made.id} ({made.name}) is opgeschreven.")
        click.echo(f"Kijk nu wat het doet: stap broadcast preview {made.id}")


# ------------------------------------------------------------------ looked at


@broadcast.command("preview")
@click.argument("number", metavar="NUMMER", type=int)
@unreviewed
@click.option("--json", "as_json", is_flag=True, help="Eén JSON-object, voor andere programma's.")
def preview_(number: int, unreviewed_text: str, as_json: bool) -> None:
    """Toon voor wie het is, wat er staat, wat het kost en wat er ontbreekt."""
    with _house() as house, house.database.reading() as session:
        found = _find(session, number)
        yes = unreviewed_languages(house, found.key, unreviewed_text)
        seen = previews.preview(session, house, found, yes)
        if as_json:
            print_json(_as_json(found, seen))
            return
        for line in _report(found, seen):
            click.echo(line)


def _as_json(broadcast: Broadcast, seen: Preview) -> dict[str, Any]:
    return {
        "id": broadcast.id,
        "count": seen.count,
        "people": [
            {"language": code, "channel": channel, "count": count}
            for (code, channel), count in sorted(seen.reach.counts.items())
        ],
        "left_out": [
            {"why": why, "language": code, "count": count}
            for (why, code), count in sorted(seen.reach.left_out.items())
        ],
        "unknown": list(seen.reach.unknown),
        "texts": seen.states,
        "segments": dict(seen.segments),
        "cost": None if seen.cost is None else str(seen.cost),
        "no_template": dict(seen.no_template),
        "clash": seen.clash,
        "full": seen.full,
        "begins": _iso(seen.begins),
        "ends": _iso(seen.ends),
        "seen": seen.seen,
    }


def _report(broadcast: Broadcast, seen: Preview) -> Iterator[str]:
    yield f"Groepsbericht {broadcast.id}: {broadcast.name} ({broadcasts.STATES[broadcast.state]})"
    yield f"Tekst: {broadcast.key}. Voor: {broadcast.audience or 'iedereen'}."
    if broadcast.corrects is not None:
        yield f"Alleen voor wie groepsbericht {broadcast.corrects} heeft of kan hebben."
    for part in seen.reach.unknown:
        yield f"Let op: niemand past bij {part}. Staat het er goed?"
    yield f"Krijgen het: {seen.count}"
    for (code, channel), count in sorted(seen.reach.counts.items()):
        state = TEXT_STATES[seen.states[code]]
        yield f"  {languages()[code].dutch:<12} {channel:<9} {count:>6}  {state}"
    without = left_out(seen.reach.left_out)
    yield f"Krijgen het niet: {sum(seen.reach.left_out.values())}"
    for why, counts in without.items():
        yield f"  {why}: {counts.total()} ({each_language(counts)})"
    yield from _lacking(broadcast, seen, set(without))
    yield from _cost(seen)
    yield (
        f"Eerst {min(broadcast.first, seen.count)}, dan {broadcast.hold_minutes} minuten wachten. "
        f"Stopt zelf boven {broadcast.most_failed:g}% mislukt, {broadcast.most_stopped:g}% STOP "
        f"of {broadcast.most_unknown:g}% onbekend."
    )
    yield f"Begint {_said(seen.begins)}, klaar rond {_said(seen.ends)}."
    if seen.ends > broadcast.window_until:
        yield f"Let op: het bericht heeft zin tot {_said(broadcast.window_until)}. Dat lukt niet."
    shown: set[str] = set()
    for (code, channel), text in sorted(seen.texts.items()):
        if code not in shown:
            shown.add(code)
            yield f"\n--- {languages()[code].dutch}, {channel} ---\n{text}"
    yield f"\nGoedkeuren, door een ander dan {broadcast.written_by}:"
    agreed = f" --unreviewed {','.join(seen.unreviewed)}" if seen.unreviewed else ""
    yield f"  stap broadcast approve {broadcast.id} --by NAAM --count {seen.count}{agreed}"


def _lacking(broadcast: Broadcast, seen: Preview, without: set[str]) -> Iterator[str]:
    if UNREVIEWED in without:
        codes = ",".join(sorted(c for why, c in seen.reach.left_out if why == UNREVIEWED))
        yield f"Laat de tekst nalezen ({codes}), of zeg er zelf ja tegen: --unreviewed {codes}"
    if NO_TEXT in without:
        yield "Wie geen tekst in de eigen taal heeft: bel of schrijf."
    if seen.unsayable:
        yield f"Kan zo niet verder in: {', '.join(languages()[c].dutch for c in seen.unsayable)}."
    if seen.no_template:
        yield (
            f"Wacht op een WhatsApp-sjabloon: {seen.no_template.total()} "
            f"({each_language(seen.no_template)}). Kijk met: stap templates status"
        )
    for each in seen.bad_moments:
        what = "Versturen" if each.what == SENDING else "Een bijeenkomst"
        day = f"{each.day.name}{' (kan een dag schelen)' if each.day.moon else ''}"
        yield f"Let op: {what} valt samen met {day}, op {spoken_date(each.at)}."
    if seen.clash:
        yield f"Let op: {seen.clash} van hen krijgen vandaag ook een ander groepsbericht."
    if seen.full:
        yield (
            f"Wacht: {seen.full} van hen kregen de laatste tijd al genoeg berichten. Zij krijgen "
            "dit later, zolang het zin heeft (caps in gemeente.yaml)."
        )


def _cost(seen: Preview) -> Iterator[str]:
    if not seen.segments:
        yield "Kosten: geen sms."
        return
    price = "" if seen.cost is None else f", ongeveer {_euro(seen.cost)}"
    yield f"Kosten: {seen.segments.total()} sms-delen{price}"
    for code, count in sorted(seen.segments.items()):
        euro = "" if seen.price is None else f"  {_euro(seen.price * count)}"
        yield f"  {languages()[code].dutch:<12} {count:>6}{euro}"


def _euro(amount: Decimal) -> str:
    return f"€ {amount.quantize(Decimal('0.01'), ROUND_UP)}".replace(".", ",")


def _said(moment: datetime) -> str:
    return f"{spoken_date(moment)} {spoken_time(moment)}"


def _iso(moment: datetime | None) -> str | None:
    return moments.local(moment).isoformat(timespec="seconds") if moment else None


# ------------------------------------------------------------------ approved, sent, stopped


@broadcast.command()
@click.argument("number", metavar="NUMMER", type=int)
@by
@click.option("--count", required=True, type=int, help="Hoeveel mensen het krijgen; typ dit over.")
@unreviewed
def approve(number: int, by: str, count: int, unreviewed_text: str) -> None:
    """Keur precies dit goed, als iemand anders dan de schrijver."""
    with _house() as house:
        with house.database.reading() as session:
            found = _find(session, number)
            yes = unreviewed_languages(house, found.key, unreviewed_text)
            seen = previews.preview(session, house, found, yes)
        with house.database.session() as session:
            found = _find(session, number)
            broadcasts.approve(session, house, found, seen, by=by, count=count)
            verb = "resume" if found.started_at else "send"
    click.echo(f"Groepsbericht {number} is goedgekeurd voor {count} mensen.")
    click.echo(f"Versturen: stap broadcast {verb} {number} --by NAAM")


@broadcast.command()
@click.argument("number", metavar="NUMMER", type=int)
@by
def send(number: int, by: str) -> None:
    """Start het versturen; de werker doet het."""
    with _house() as house, house.database.session() as session:
        broadcasts.send(session, house, _find(session, number), by=by)
    click.echo(f"Groepsbericht {number} is gestart. Volgen: stap broadcast show {number}")


@broadcast.command()
@click.argument("number", metavar="NUMMER", type=int)
@by
def stop(number: int, by: str) -> None:
    """Stop het versturen, binnen een seconde."""
    with _house() as house:
        with house.database.session() as session:
            broadcasts.stop(session, _find(session, number), by=by)
        with house.database.reading() as session:
            found = _find(session, number)
            click.echo(f"Groepsbericht {number} is {broadcasts.STATES[found.state]}.")
            click.echo(_in_words(figures(session, found)))


@broadcast.command()
@click.argument("number", metavar="NUMMER", type=int)
@by
def resume(number: int, by: str) -> None:
    """Ga verder waar het stopte. Niemand krijgt het twee keer."""
    with _house() as house, house.database.session() as session:
        broadcasts.resume(session, house, _find(session, number), by=by)
    click.echo(f"Groepsbericht {number} gaat verder. Volgen: stap broadcast show {number}")


# ------------------------------------------------------------------ followed


@broadcast.command()
@click.argument("number", metavar="NUMMER", type=int)
@click.option("--json", "as_json", is_flag=True, help="Eén JSON-object, voor andere programma's.")
def show(number: int, as_json: bool) -> None:
    """Toon hoe het ervoor staat, in aantallen die samen kloppen."""
    with _house() as house, house.database.reading() as session:
        found = _find(session, number)
        counted = figures(session, found)
        if as_json:
            print_json(_row(found, counted))
            return
        click.echo(f"Groepsbericht {number}: {found.name} ({broadcasts.STATES[found.state]})")
        if found.why:
            click.echo(found.why)
        for name, dutch in DUTCH.items():
            click.echo(f"  {dutch:<22} {counted.counts[name]:>6}")
        click.echo(f"  {'samen':<22} {counted.total:>6}")
        for cause, count in counted.causes.most_common():
            click.echo(f"  {count} keer: {tasks.explain(cause)}")
        for event in found.history:
            at = datetime.fromisoformat(event["at"])
            click.echo(f"{_said(at)}  {event['by'] or 'vanzelf'}: {event['what']}")


@broadcast.command("list")
@click.option("--json", "as_json", is_flag=True, help="Een JSON-lijst, voor andere programma's.")
def list_(as_json: bool) -> None:
    """Toon alle groepsberichten."""
    with _house() as house, house.database.reading() as session:
        found = session.scalars(select(Broadcast).order_by(Broadcast.id)).all()
        rows = [_row(each, figures(session, each)) for each in found]
    if as_json:
        print_json(rows)
    elif rows:
        print_table(rows, ["id", "name", "state", "written_by", "approved_by", "total"])
    else:
        click.echo("Niets.")


def _row(broadcast: Broadcast, counted: Figures) -> dict[str, Any]:
    return {
        "id": broadcast.id,
        "name": broadcast.name,
        "state": broadcast.state,
        "key": broadcast.key,
        "audience": broadcast.audience,
        "corrects": broadcast.corrects,
        "from": _iso(broadcast.window_from),
        "until": _iso(broadcast.window_until),
        "written_by": broadcast.written_by,
        "approved_by": broadcast.approved_by,
        "unreviewed": broadcast.unreviewed,
        "why": broadcast.why,
        "total": counted.total,
        "figures": {name: counted.counts[name] for name in DUTCH},
        "causes": dict(counted.causes),
        "history": broadcast.history,
    }


def _in_words(counted: Figures) -> str:
    told = [f"{count} {DUTCH[name]}" for name, count in counted.counts.items() if count]
    return f"Van {counted.total} mensen: {', '.join(told)}."
