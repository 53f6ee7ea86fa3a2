"""Groepsberichten: written, and shown as people will get them, before anybody says yes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_security import current_user
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.channels.base import SMS
from bot.models.broadcasts import Broadcast
from bot.models.voortrajecten import Voortraject
from bot.outreach import broadcasts as rules
from bot.outreach import preview as previews
from bot.outreach.broadcasts import Refused
from bot.outreach.figures import figures
from bot.outreach.preview import OWN, Preview
from bot.wording import render
from bot.wording.languages import languages, shipped
from bot.wording.segments import segments
from console import broadcast_form, words
from console.desk import desk, house, looked, page

A_PAGE = 100
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


# ------------------------------------------------------------------ the list


@desk.get("/groepsberichten")
def broadcasts() -> str:
    """List every group message, the newest first, and what may be done with it."""
    with house().database.reading() as database:
        found = database.scalars(
            select(Broadcast).order_by(Broadcast.id.desc()).limit(A_PAGE)
        ).all()
        return page(
            "broadcasts.html",
            rows=[(each, figures(database, each)) for each in found],
            words=words,
        )


# ------------------------------------------------------------------ written


@desk.get("/groepsberichten/nieuw")
def new_broadcast() -> str:
    """Show the empty form."""
    with house().database.reading() as database:
        return _form(database, broadcast_form.empty(database, house()))


@desk.post("/groepsberichten/nieuw")
def write_broadcast() -> ResponseReturnValue:
    """Write it down as a draft, and show what it would do."""
    try:
        with house().database.session() as database:
            settings = broadcast_form.settings_from(database, house(), request.form)
            made = rules.draft(database, house(), by=current_user.name, **settings)
            looked(database, "broadcast.written", made.about)
            number = made.id
    except Refused as error:
        return _once_more(str(error))
    return redirect(url_for("console.preview_broadcast", number=number), 303)


@desk.get("/groepsberichten/<int:number>/schrijven")
def edit_broadcast(number: int) -> str:
    """Show the form as it stands."""
    with house().database.reading() as database:
        found = find(database, number)
        return _form(database, broadcast_form.shown(database, house(), found), found)


@desk.post("/groepsberichten/<int:number>/schrijven")
def change_broadcast(number: int) -> ResponseReturnValue:
    """Change it; whoever approved it must do so again."""
    try:
        with house().database.session() as database:
            found = find(database, number)
            settings = broadcast_form.settings_from(database, house(), request.form)
            if settings["key"] == rules.CORRECTION and found.corrects is not None:
                settings["voortraject_id"] = found.voortraject_id
            rules.change(database, house(), found, by=current_user.name, **settings)
            looked(database, "broadcast.changed", found.about)
    except Refused as error:
        return _once_more(str(error), number)
    return redirect(url_for("console.preview_broadcast", number=number), 303)


def _once_more(why: str, number: int | None = None) -> ResponseReturnValue:
    """Show what was typed again, with the reason that it cannot be so."""
    with house().database.reading() as database:
        filled = broadcast_form.again(database, house(), request.form)
        found = find(database, number) if number is not None else None
        return _form(database, filled, found, why), 422


def _form(
    database: Session,
    filled: broadcast_form.Filled,
    broadcast: Broadcast | None = None,
    why: str | None = None,
) -> str:
    texts = [
        (key, words.TEXTS.get(key, key), house().catalogue.entries[key].text)
        for key in rules.for_many(house())
        if key != OWN and house().catalogue.entries[key].purpose == "invitation"
    ]
    groups = database.scalars(select(Voortraject).order_by(Voortraject.starts.desc())).all()
    return page(
        "broadcast_write.html",
        broadcast=broadcast,
        filled=filled,
        why=why,
        texts=texts,
        fill={key: rules.to_fill(house(), key) for key, _, _ in texts},
        voortrajecten=groups,
        form=broadcast_form,
        spoken_here=list(shipped().values()),
        states=rules.STATES,
        words=words,
    )


def find(database: Session, number: int) -> Broadcast:
    """Return a group message; 404 if there is none of that number."""
    found = database.get(Broadcast, number)
    if found is None:
        abort(404)
    return found


# ------------------------------------------------------------------ shown before


@desk.get("/groepsberichten/<int:number>/voorbeeld")
def preview_broadcast(number: int) -> ResponseReturnValue:
    """Show what people would get, for whom, at what cost, and what stands in the way."""
    with house().database.reading() as database:
        found = find(database, number)
        if found.key not in house().catalogue.entries:
            flash(gettext("Deze tekst staat niet meer in de catalogus. Kies een andere."), "error")
            return redirect(url_for("console.edit_broadcast", number=number), 303)
        # As if the approver said yes to every language that nobody has reviewed.
        seen = previews.preview(database, house(), found, frozenset(languages()))
        return page("broadcast_preview.html", **told(database, found, seen))


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
        )
    if seen.full:
        yield Check(
            "warn",
            gettext("%(n)s mensen kregen de laatste tijd al genoeg berichten.", n=seen.full),
            gettext("Zij krijgen dit later, zolang het zin heeft."),
        )


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
        return ", ".join(f"{names[code].dutch} {n}" for code, n in codes.most_common())
    return ", ".join(names[code].dutch for code in codes)
