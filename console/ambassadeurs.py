"""Ambassadeurs: their way, their links and what is printed of them, flags, and the premie."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from flask import Response, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_security import current_user
from markupsafe import Markup
from sqlalchemy import case, func, select
from sqlalchemy.orm import Session, joinedload

from bot import moments
from bot.models.ambassadeurs import (
    STATES,
    Aanmelding,
    Ambassadeur,
    AmbassadeurStap,
    Click,
    Link,
    Premie,
)
from bot.outreach import ambassadeurs as links
from bot.outreach import premie
from bot.outreach.intake.fields import CLEAR
from bot.outreach.intake.mending import by_hand
from bot.outreach.intake.storing import store
from bot.wording.languages import languages, shipped
from console import exports
from console.desk import desk, house, looked, may, page
from console.texts import said
from console.words import Status

MONTHS = 6
"""Of sign-ups on the page of one ambassadeur."""

A_PAGE = 50
"""Lines of that register on one page; a file holds them all."""

YEAR = 12
"""Months in the register of premie."""

WAY: dict[str, Status] = {
    "aangemeld": Status("Aangemeld", "user-plus", "neutral"),
    "screening": Status("Screening", "search", "neutral"),
    "training": Status("Training", "footprints", "neutral"),
    "actief": Status("Actief", "circle-check", "safe"),
    "gestopt": Status("Gestopt", "octagon-x", "inactive"),
}

FLAGS = {
    "known_person": "Was al bekend bij de gemeente",
    "own_number": "Zelfde nummer als de ambassadeur",
    "own_household": "Zelfde huishouden als de ambassadeur",
    "shared_number": "Met dit nummer kwam al eerder iemand binnen",
}


HEADS = (
    "Maand", "Ambassadeur", "Naam", "Telt mee", "Telt niet mee", "Vlag te bekijken", "Euro",
    "Opgesteld door", "Opgesteld op", "Tweede akkoord", "Akkoord op",
)  # fmt: skip
"""Of the file of the register."""


@dataclass(frozen=True, slots=True)
class Entitled:
    """A month of one ambassadeur in the register."""

    ambassadeur: Ambassadeur
    month: date
    counted: int
    waiting: int
    not_counted: int
    premie: Premie | None
    over: bool
    """Whether the month has ended."""

    @property
    def euros(self) -> Decimal | None:
        """What it comes to: as it was drawn up, else as it would be now."""
        if self.premie is not None and not self.changed:
            return None if self.premie.cents is None else Decimal(self.premie.cents) / 100
        each = house().gemeente.premie
        return None if each is None else each * self.counted

    @property
    def changed(self) -> bool:
        """True when it is not any more what was drawn up."""
        return self.premie is not None and (self.waiting > 0 or self.premie.count != self.counted)


# ------------------------------------------------------------------ pages


@desk.get("/ambassadeurs")
def ambassadeurs() -> str:
    """List the ambassadeurs with what their links brought."""
    began = (
        select(func.sum(Click.count))
        .join(Link, Link.id == Click.link_id)
        .where(Link.ambassadeur_id == Ambassadeur.id, Click.channel == links.CHAT)
        .scalar_subquery()
        .label("began")
    )
    came = (
        select(
            Link.ambassadeur_id,
            func.count().label("came"),
            func.count(case((Aanmelding.counted, 1))).label("counted"),
            func.count(case((~Aanmelding.counted & Aanmelding.decided_by.is_(None), 1))).label(
                "flags"
            ),
        )
        .join(Aanmelding, Aanmelding.link_id == Link.id)
        .group_by(Link.ambassadeur_id)
        .subquery()
    )
    with house().database.reading() as database:
        rows = database.execute(
            select(Ambassadeur, began, came.c.came, came.c.counted, came.c.flags)
            .outerjoin(came, came.c.ambassadeur_id == Ambassadeur.id)
            .order_by(
                case({state: at for at, state in enumerate(STATES)}, value=Ambassadeur.state) == 4,
                Ambassadeur.first_name,
                Ambassadeur.id,
            )
        ).all()
        return page("ambassadeurs.html", rows=rows, way=WAY, may_sign=may("console.premies"))


@desk.get("/ambassadeurs/<kenmerk>")
def one_ambassadeur(kenmerk: str) -> str:
    """Show one ambassadeur. Flags name people, so looking is written down."""
    with house().database.session() as database:
        looked(database, "ambassadeur.looked", f"ambassadeur:{_found(database, kenmerk).id}")
    return _page(kenmerk)


@desk.post("/ambassadeurs/<kenmerk>/nummer")
def show_ambassadeur_number(kenmerk: str) -> str:
    """Show the number in full, and write down who asked."""
    with house().database.session() as database:
        found = _found(database, kenmerk)
        looked(database, "ambassadeur.number_shown", f"ambassadeur:{found.id}")
    return _page(kenmerk, shown=True)


@desk.post("/ambassadeurs/<kenmerk>/stand")
def ambassadeur_state(kenmerk: str) -> ResponseReturnValue:
    """Let an ambassadeur come into another state."""
    state = request.form.get("stand", "")
    if state not in STATES:
        abort(400)

    def change(database: Session, found: Ambassadeur) -> str | None:
        if links.become(database, found, state, current_user.name):
            looked(database, "ambassadeur.became", f"ambassadeur:{found.id}", state=state)
        if state == links.STOPPED:
            return str(gettext("De stand is gestopt. De links werken niet meer."))
        return str(gettext("De stand is gewijzigd."))

    return _changed(kenmerk, change)


EDITED = ("voornaam", "talen", "wijk", "telefoon")


@desk.post("/ambassadeurs/<kenmerk>/wijzig")
def change_ambassadeur(kenmerk: str) -> ResponseReturnValue:
    """Change what is known of an ambassadeur, the way of a file of one row."""

    def change(database: Session, found: Ambassadeur) -> str | None:
        cells = {column: request.form.get(column, "").strip()[:1000] for column in EDITED}
        cells["wijk"] = cells["wijk"] or CLEAR
        sheet = by_hand(
            "ambassadeurs", {**cells, "kenmerk": kenmerk}, f"console, {current_user.name}"
        )
        report = store(database, house(), sheet)
        for _, remarks in report.refused:
            for each in remarks:
                flash(f"{each.column}: {said(each.said)}", "error")
        if report.refused:
            return None
        if report.counts["changed"]:
            looked(database, "ambassadeur.changed", f"ambassadeur:{found.id}")
        return str(gettext("Opgeslagen."))

    return _changed(kenmerk, change)


@desk.post("/ambassadeurs/<kenmerk>/link")
def make_link(kenmerk: str) -> ResponseReturnValue:
    """Make the link, if none works."""

    def change(database: Session, found: Ambassadeur) -> str | None:
        try:
            link = links.link_for(database, found)
        except links.Stopped:
            flash(gettext("Wie gestopt is, krijgt geen link."), "error")
            return None
        looked(database, "link.made", f"ambassadeur:{found.id}", link=link.id)
        return str(gettext("De link is er. Print de poster of de kaartjes."))

    return _changed(kenmerk, change)


@desk.post("/ambassadeurs/<kenmerk>/link/<int:link_id>/stop")
def end_link(kenmerk: str, link_id: int) -> ResponseReturnValue:
    """Let a link work no more: for one that was lost, or is shared where it should not be."""

    def change(database: Session, found: Ambassadeur) -> str | None:
        link = database.get(Link, link_id)
        if link is None or link.ambassadeur_id != found.id:
            abort(404)
        if links.end_link(database, link):
            looked(database, "link.ended", f"ambassadeur:{found.id}", link=link.id)
        return str(gettext("De link werkt niet meer. Haal posters en kaartjes ermee weg."))

    return _changed(kenmerk, change)


@desk.post("/ambassadeurs/<kenmerk>/aanmelding/<int:aanmelding_id>")
def decide(kenmerk: str, aanmelding_id: int) -> ResponseReturnValue:
    """Decide whether somebody who came in with a flag counts all the same."""
    counts = request.form.get("telt")
    if counts not in ("ja", "nee"):
        abort(400)

    def change(database: Session, found: Ambassadeur) -> str | None:
        one = database.get(Aanmelding, aanmelding_id)
        if one is None or one.link.ambassadeur_id != found.id:
            abort(404)
        try:
            premie.decide(
                database, one, counts=counts == "ja", by=current_user.name,
                why=request.form.get("waarom", ""),
            )  # fmt: skip
        except premie.NotNow as error:
            flash(said(error), "error")
            return None
        looked(database, "aanmelding.decided", f"aanmelding:{one.id}", counted=one.counted)
        return str(gettext("Uw besluit is vastgelegd."))

    return _changed(kenmerk, change, anchor="vlaggen")


@desk.get("/premie")
def premies() -> str:
    """Show who is entitled to premie over which month, and why."""
    with house().database.session() as database:
        looked(database, "premie.looked", "premie")
    after = max(0, request.args.get("na", 0, type=int))
    with house().database.reading() as database:
        register = _register(database)
        return page(
            "premie.html",
            register=register[after : after + A_PAGE],
            total=len(register),
            after=after,
            a_page=A_PAGE,
            may_draw=may("console.draw_up"),
            may_approve=may("console.approve_premie"),
        )


@desk.get("/premie/premie.<any(csv, xlsx):kind>")
def premie_file(kind: str) -> Response:
    """Give the register as a file; whoever takes it has just proved who they are."""
    with house().database.session() as database:
        looked(database, "premie.exported", "premie", kind=kind)
    with house().database.reading() as database:
        rows: list[list[exports.Cell]] = [[gettext(head) for head in HEADS]]
        for one in _register(database):
            signed = one.premie
            rows.append([
                one.month.strftime("%Y-%m"), one.ambassadeur.kenmerk, one.ambassadeur.first_name,
                one.counted, one.not_counted, one.waiting,
                None if one.euros is None else float(one.euros),
                signed.drawn_by if signed else None,
                moments.local(signed.drawn_at).strftime("%Y-%m-%d %H:%M") if signed else None,
                signed.approved_by if signed else None,
                moments.local(signed.approved_at).strftime("%Y-%m-%d %H:%M")
                if signed and signed.approved_at else None,
            ])  # fmt: skip
    make = exports.as_csv if kind == "csv" else exports.as_xlsx
    return make("premieregister", [(gettext("Premieregister"), rows)])


@desk.post("/premie/opstellen")
def draw_up() -> ResponseReturnValue:
    """Draw up one month of one ambassadeur."""

    def sign(database: Session) -> None:
        found = _found(database, request.form.get("ambassadeur", ""))
        try:
            month = date.fromisoformat(request.form.get("maand", "")).replace(day=1)
        except ValueError:
            abort(400)
        each = house().gemeente.premie
        made = premie.draw_up(database, found, month, current_user.name, each)
        looked(database, "premie.drawn_up", f"premie:{made.id}", count=made.count, cents=made.cents)

    return _signed(sign, gettext("Opgesteld. Een collega moet dit nog goedkeuren."))


@desk.post("/premie/<int:premie_id>/akkoord")
def approve_premie(premie_id: int) -> ResponseReturnValue:
    """Approve what somebody else drew up."""

    def sign(database: Session) -> None:
        found = database.get(Premie, premie_id)
        if found is None:
            abort(404)
        premie.approve(database, found, current_user.name)
        looked(
            database, "premie.approved", f"premie:{found.id}", count=found.count, cents=found.cents
        )

    return _signed(sign, gettext("Goedgekeurd. Betalen gebeurt in het financiële systeem."))


# ------------------------------------------------------------------ what they share


def _found(database: Session, kenmerk: str) -> Ambassadeur:
    found = database.scalars(
        select(Ambassadeur).where(Ambassadeur.kenmerk == kenmerk)
    ).one_or_none()
    if found is None:
        abort(404)
    return found


def _changed(
    kenmerk: str,
    change: Callable[[Session, Ambassadeur], str | None],
    anchor: str | None = None,
) -> ResponseReturnValue:
    with house().database.session() as database:
        told = change(database, _found(database, kenmerk))
    if told:
        flash(told, "info")
    return redirect(url_for("console.one_ambassadeur", kenmerk=kenmerk, _anchor=anchor), 303)


def _signed(sign: Callable[[Session], None], told: str) -> ResponseReturnValue:
    try:
        with house().database.session() as database:
            sign(database)
    except premie.NotNow as error:
        flash(said(error), "error")
    else:
        flash(told, "info")
    return redirect(url_for("console.premies"), 303)


def _page(kenmerk: str, *, shown: bool = False) -> str:
    with house().database.reading() as database:
        return page("ambassadeur.html", **_told(database, _found(database, kenmerk)), shown=shown)


def _told(database: Session, found: Ambassadeur) -> dict[str, Any]:
    theirs = database.scalars(
        select(Link).where(Link.ambassadeur_id == found.id).order_by(Link.id.desc())
    ).all()
    working = next((link for link in theirs if link.ended_at is None), None)
    ids = [link.id for link in theirs]
    clicks: dict[str, int] = {
        row[0]: row[1]
        for row in database.execute(
            select(Click.channel, func.sum(Click.count))
            .where(Click.link_id.in_(ids))
            .group_by(Click.channel)
        )
    }
    came = database.scalars(
        select(Aanmelding)
        .where(Aanmelding.link_id.in_(ids))
        .order_by(Aanmelding.at.desc(), Aanmelding.id.desc())
        .options(joinedload(Aanmelding.person))
    ).all()
    steps: dict[str, AmbassadeurStap] = {
        step.state: step
        for step in database.scalars(
            select(AmbassadeurStap)
            .where(AmbassadeurStap.ambassadeur_id == found.id)
            .order_by(AmbassadeurStap.id)
        )
    }
    by_month = Counter(premie.month_of(one.at) for one in came)
    erased = {
        month: counts
        for (one, month), counts in premie.gone(database, date.min).items()
        if one == found.id
    }
    for month, counts in erased.items():
        by_month[month] += counts.total()
    months = _months(MONTHS)
    return {
        "ambassadeur": found,
        "spoken_languages": [languages()[code] for code in found.languages if code in languages()],
        "way": WAY,
        "states": STATES,
        "reached": STATES.index(found.state),
        "steps": steps,
        "links": theirs,
        "working": working,
        "address": links.address_of(house(), working.code) if working else None,
        "qr": _qr(working) if working else None,
        "printed": list(shipped().values()),
        "chosen": sum(count for channel, count in clicks.items() if channel != links.CHAT),
        "began": clicks.get(links.CHAT, 0),
        "came": len(came) + sum(counts.total() for counts in erased.values()),
        "counted": sum(one.counted for one in came)
        + sum(counts[premie.COUNTED] for counts in erased.values()),
        "minors": sum(link.minors for link in theirs),
        "flagged": [one for one in came if one.flags],
        "waiting_flags": sum(bool(one.flags) and one.decided_by is None for one in came),
        "flags": FLAGS,
        "months": [(month, by_month[month]) for month in months],
        "most": max([by_month[month] for month in months] + [1]),
    }


def _qr(link: Link) -> Markup:
    drawing = links.qr(links.address_of(house(), link.code)).svg_inline(
        border=links.QUIET, dark=links.INK, light="#fff", omitsize=True, svgclass="qr",
        lineclass=None, title="QR-code",
    )  # fmt: skip
    return Markup(drawing)  # noqa: S704 - segno's own, of an address of ours


def _months(number: int) -> list[date]:
    """Return the first days of the last *number* months, oldest first, with this one."""
    first = moments.local(moments.now()).date().replace(day=1)
    told = [first]
    while len(told) < number:
        told.append(date(first.year - (first.month == 1), (first.month - 2) % 12 + 1, 1))
        first = told[-1]
    return told[::-1]


def _register(database: Session) -> list[Entitled]:
    """Return the months of the last year in which anybody came in, newest first."""
    months = _months(YEAR)
    begin = premie.span(months[0])[0]
    within = {month: premie.span(month) for month in months}
    # A month is one of the calendar here, whose bounds a database does not know.
    which = case(
        *((Aanmelding.at < bounds[1], at) for at, bounds in enumerate(within.values())),
        else_=len(months),
    ).label("which")
    looked_at = Aanmelding.decided_by.is_not(None)
    rows = database.execute(
        select(
            Link.ambassadeur_id,
            which,
            func.count(case((Aanmelding.counted, 1))),
            func.count(case((~Aanmelding.counted & ~looked_at, 1))),
            func.count(case((~Aanmelding.counted & looked_at, 1))),
        )
        .join(Link, Link.id == Aanmelding.link_id)
        .where(Aanmelding.at >= begin)
        .group_by(Link.ambassadeur_id, which)
    ).all()
    came = {(row[0], months[row[1]]): row[2:] for row in rows if row[1] < len(months)}
    erased = premie.gone(database, months[0])
    people = {one.id: one for one in database.scalars(select(Ambassadeur))}
    signed = {
        (one.ambassadeur_id, one.month): one
        for one in database.scalars(select(Premie).where(Premie.month >= months[0]))
    }
    now = moments.now()
    register = []
    for whose, month in {**came, **erased}:
        counted, waiting, not_counted = came.get((whose, month), (0, 0, 0))
        gone = erased.get((whose, month), Counter())
        counted += gone[premie.COUNTED]
        not_counted += gone.total() - gone[premie.COUNTED]
        register.append(
            Entitled(
                people[whose], month, counted, waiting, not_counted,
                signed.get((whose, month)), within[month][1] <= now,
            )
        )  # fmt: skip
    return sorted(register, key=lambda one: (-one.month.toordinal(), one.ambassadeur.first_name))
