"""Groepsberichten as people will get them, and whom: shown before anybody says yes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from bot.channels.base import SMS, WHATSAPP
from bot.kalender import ALL_DAY
from bot.models.broadcasts import Broadcast
from bot.outreach import broadcasts as rules
from bot.outreach import clashes, tasks
from bot.outreach.audience import SHUT
from bot.outreach.clashes import Clash
from bot.outreach.preview import OWN, Preview
from bot.wording import render
from bot.wording.languages import languages
from bot.wording.segments import segments
from console import counting, trials, words
from console.broadcasts import find
from console.desk import desk, house, many, page, short, stamp
from console.texts import called

PHONES_FIRST = 4
"""Phones that are drawn at once; the others are under a fold."""


@dataclass(frozen=True, slots=True)
class Phone:
    """What the readers of one language on one channel get, as drawn on a phone."""

    language: str
    channel: str
    people: int
    body: str
    buttons: tuple[str, ...]
    parts: int
    """SMS parts; 0 on another channel."""
    cost: Decimal | None
    state: str


@dataclass(frozen=True, slots=True)
class Line:
    """One language of the audience: how the text stands, how many people, what it costs."""

    language: str
    state: str
    people: int
    channels: Counter[str]
    parts: int
    cost: Decimal | None
    left_out: int


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at before: ``ok``, ``warn`` or ``no``, and what was found."""

    tone: str
    said: str
    more: str = ""


@desk.get("/groepsberichten/<int:number>/voorbeeld")
def preview_broadcast(number: int) -> ResponseReturnValue:
    """Show what people would get, for whom, at what cost, and what stands in the way."""
    with house().database.reading() as database:
        found = find(database, number)
        if found.key not in house().catalogue.entries:
            flash(gettext("Deze tekst staat niet meer in de catalogus. Kies een andere."), "error")
            return redirect(url_for("console.edit_broadcast", number=number), 303)
        # As if the approver said yes to every language that nobody has reviewed.
        seen = counting.seen(database, found, frozenset(languages()))
        if seen is None:
            return page("broadcast_preview.html", **untold(found))
        return page(
            "broadcast_preview.html",
            **told(database, found, seen),
            **trials.told(database, found, seen),
        )


def untold(broadcast: Broadcast) -> dict[str, Any]:
    """Return what these pages show until it is counted."""
    return {
        "broadcast": broadcast,
        "seen": None,
        "again": _again(broadcast),
        "states": rules.STATES,
        "words": words,
    }


def _again(broadcast: Broadcast) -> str:
    """Return the address of this page at which it is counted anew."""
    agreed = request.args.getlist("taal")
    return url_for(request.endpoint or "", number=broadcast.id, taal=agreed, tel=1)


def told(database: Session, broadcast: Broadcast, seen: Preview) -> dict[str, Any]:
    """Return what the pages before a yes show of *broadcast*."""
    phones = list(_phones(database, broadcast, seen))
    lines = _lines(seen)
    return {
        "broadcast": broadcast,
        "seen": seen,
        "phones": phones[:PHONES_FIRST],
        "more_phones": phones[PHONES_FIRST:],
        "lines": lines,
        "left_out": _left_out(seen),
        "left_out_in_all": sum(seen.reach.left_out.values()),
        "channels": sum((line.channels for line in lines), Counter()),
        "checks": list(_checks(broadcast, seen)),
        "again": _again(broadcast),
        "explain": tasks.explain,
        "states": rules.STATES,
        "words": words,
    }


def _phones(database: Session, broadcast: Broadcast, seen: Preview) -> Iterable[Phone]:
    """Yield a phone for every language and channel: of each language the most used one first."""
    entry = house().catalogue.entries[broadcast.key]
    pairs = sorted(seen.texts, key=lambda pair: -seen.reach.counts[pair])
    most_used = {code: (code, channel) for code, channel in reversed(pairs)}
    first = sorted(most_used.values(), key=pairs.index)
    for code, channel in [*first, *(pair for pair in pairs if pair not in first)]:
        body = seen.texts[code, channel]
        sms = channel == SMS
        parts = segments(body) if sms else 0
        titles = () if sms else render.buttons(entry.buttons, code, catalogue=house().catalogue)
        yield Phone(
            code,
            channel,
            seen.reach.counts[code, channel],
            body,
            tuple(title for _, title in titles),
            parts,
            None if seen.price is None or not sms else seen.price * parts,
            seen.states[code],
        )


def _lines(seen: Preview) -> list[Line]:
    codes = {code for code, _ in seen.reach.counts} | {code for _, code in seen.reach.left_out}
    lines = []
    for code in codes:
        channels = Counter(
            {channel: n for (of, channel), n in seen.reach.counts.items() if of == code}
        )
        parts = seen.segments[code]
        lines.append(
            Line(
                code,
                seen.states[code],
                channels.total(),
                channels,
                parts,
                None if seen.price is None else seen.price * parts,
                sum(n for (_, of), n in seen.reach.left_out.items() if of == code),
            )
        )
    return sorted(lines, key=lambda line: (-line.people, line.language))


def _left_out(seen: Preview) -> list[tuple[str, int]]:
    counts: Counter[str] = Counter()
    for (why, _), count in seen.reach.left_out.items():
        counts[why] += count
    return counts.most_common()


def _checks(broadcast: Broadcast, seen: Preview) -> Iterable[Check]:
    unknown = ", ".join(seen.reach.unknown)
    if unknown:
        yield Check(
            "warn",
            gettext("Niemand past bij: %(rule)s.", rule=unknown),
            gettext("Staat het er goed?"),
        )
    if not seen.count:
        yield Check("no", gettext("Niemand krijgt dit bericht."), gettext("Kijk hieronder waarom."))
    yield from _check_texts(seen)
    if seen.ends > broadcast.window_until:
        yield Check(
            "no",
            gettext("Het lukt niet op tijd."),
            gettext("Het bericht heeft zin tot eerder dan het klaar is."),
        )
    else:
        yield Check("ok", gettext("Buiten de stille uren, en op tijd klaar."))
    if seen.rests:
        yield Check(
            "warn",
            gettext("Het begint in de stille uren."),
            gettext("Het wacht tot %(at)s.", at=stamp(seen.begins)),
        )
    yield from map(_check_moment, seen.bad_moments)
    if broadcast.key == OWN:
        yield from _check_window(seen)
    if seen.listening:
        deaf = seen.listening - seen.heard
        told = gettext("De anderen krijgen alleen de tekst: %(n)s.", n=deaf) if deaf else ""
        yield Check(
            "warn" if deaf else "ok",
            gettext(
                "%(n)s mensen luisteren liever; %(heard)s krijgen er een spraakbericht bij.",
                n=seen.listening,
                heard=seen.heard,
            ),
            told,
        )
    if seen.no_template:
        yield Check(
            "warn",
            gettext("%(n)s mensen wachten op een WhatsApp-sjabloon.", n=seen.no_template.total()),
            _dutch(seen.no_template),
        )
    if seen.clash:
        yield Check(
            "warn",
            gettext("%(n)s mensen krijgen vandaag ook een ander groepsbericht.", n=seen.clash),
            ", ".join(f"{name} {many(count)}" for name, count in seen.others.items()),
        )
    if seen.full:
        yield Check(
            "warn",
            gettext("%(n)s mensen kregen de laatste tijd al genoeg berichten.", n=seen.full),
            gettext("Zij krijgen dit later, zolang het zin heeft."),
        )


def _check_window(seen: Preview) -> Iterable[Check]:
    """Say what becomes of who reads WhatsApp: no template can be made of an own text."""
    inside = sum(n for (_, channel), n in seen.reach.counts.items() if channel == WHATSAPP)
    shut = sum(n for (why, _), n in seen.reach.left_out.items() if why == SHUT)
    moved = seen.reach.moved.total()
    if not inside and not moved and not shut:
        return
    more = [gettext("Wie ons de laatste 24 uur schreef, krijgt het op WhatsApp: %(n)s.", n=inside)]
    if moved:
        names = ", ".join(
            f"{words.CHANNELS[name]} {many(n)}" for name, n in seen.reach.moved.items() if n
        )
        more.append(gettext("Anderen krijgen het op hun volgende adres: %(which)s.", which=names))
    if shut:
        more.append(gettext("Wie geen ander adres heeft, krijgt niets: %(n)s.", n=shut))
    said = gettext("WhatsApp neemt een eigen tekst alleen binnen 24 uur.")
    yield Check("warn" if moved or shut else "ok", said, " ".join(more))


def _check_moment(clash: Clash) -> Check:
    """Say what of the kalender it meets; whether that matters is for staff to say."""
    day = clash.day
    told = {"name": day.name, "at": stamp(clash.at)}
    said = (
        gettext("Versturen valt samen met: %(name)s (%(at)s).", **told)
        if clash.what == clashes.SENDING
        else gettext("Een bijeenkomst valt samen met: %(name)s (%(at)s).", **told)
    )
    when = f"{short(day.first)} – {short(day.last)}" if day.first < day.last else short(day.first)
    if day.hours != ALL_DAY:
        when += ", " + "–".join(f"{each:%H:%M}" for each in day.hours)
    more = gettext("%(when)s. U kunt het zo laten, of een andere tijd kiezen.", when=when)
    if day.moon:
        more += " " + gettext("Deze datum is berekend en kan een dag schelen.")
    return Check("warn", said, more)


def _check_texts(seen: Preview) -> Iterable[Check]:
    lacking = [code for code, state in seen.states.items() if state in ("missing", "stale")]
    unreviewed = [code for code, state in seen.states.items() if state == "unreviewed"]
    if lacking:
        yield Check(
            "warn",
            gettext("Geen goede tekst in: %(which)s.", which=_dutch(lacking)),
            gettext("Deze mensen krijgen niets. Bel of schrijf hun."),
        )
    if unreviewed:
        yield Check(
            "warn",
            gettext("Nog door niemand nagekeken: %(which)s.", which=_dutch(unreviewed)),
            gettext("De goedkeurder zegt per taal ja of nee."),
        )
    if not lacking and not unreviewed:
        yield Check("ok", gettext("Alle talen hebben een nagekeken tekst."))


def _dutch(codes: Sequence[str] | Counter[str]) -> str:
    names = languages()
    if isinstance(codes, Counter):
        return ", ".join(f"{called(names[code])} {n}" for code, n in codes.most_common())
    return ", ".join(called(names[code]) for code in codes)
