"""What every page of the console shares: the blueprint, the frame, and how things are written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_UP, Decimal
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from babel.dates import format_date
from babel.numbers import format_decimal
from flask import (
    Blueprint,
    Response,
    current_app,
    redirect,
    render_template,
    request,
    send_from_directory,
    session,
    stream_template,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_security import current_user
from markupsafe import Markup
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot import moments
from bot.house import House
from bot.models.people import Inburgeraar
from bot.models.tasks import Task
from bot.outreach import tasks
from bot.privacy import audit, staff
from bot.wording.languages import languages
from console import PREFIX, texts
from console.guard import RULES
from console.texts import called

STATIC = Path(__file__).parent / "static"
A_YEAR = 365 * 24 * 60 * 60

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; media-src 'self'; connect-src 'self'; base-uri 'none'; "
    "frame-ancestors 'none'; form-action 'self'"
)
"""`data:` for the QR code of an authenticator app alone, which Flask-Security draws so."""

desk = Blueprint(
    "console", __name__, url_prefix=PREFIX, template_folder="templates", static_folder=None
)


@dataclass(frozen=True, slots=True)
class Item:
    """A line of the main menu."""

    endpoint: str
    icon: str
    label: str


MENU = (
    Item("console.today", "calendar-check", "Vandaag"),
    Item("console.inbox", "inbox", "Postvak"),
    Item("console.people", "users", "Mensen"),
    Item("console.intake", "upload", "Inlezen"),
    Item("console.calendar", "clock", "Afspraken"),
    Item("console.broadcasts", "megaphone", "Groepsberichten"),
    Item("console.voortrajecten", "footprints", "Voortrajecten"),
    Item("console.ambassadeurs", "handshake", "Ambassadeurs"),
    Item("console.reports", "chart-column", "Rapporten"),
    Item("console.texts", "languages", "Teksten en talen"),
)
"""In the order of a working day. A line shows for who may open its page, once there is one."""


def house() -> House:
    """Return the installation that this page belongs to."""
    built: House = current_app.extensions["house"]
    return built


def page(template: str, **given: Any) -> str:
    """Render a page inside the frame."""
    return render_template(f"console/{template}", **given)


def page_by_parts(template: str, **given: Any) -> Response:
    """Send a page while it is rendered: one that says how far something is."""
    told = stream_template(f"console/{template}", **given)
    # No proxy keeps it back until it is whole.
    return Response(
        told, content_type="text/html; charset=utf-8", headers={"X-Accel-Buffering": "no"}
    )


def looked(database: Session, action: str, subject: str, **detail: Any) -> None:
    """Write down that whoever is logged in did or looked at something."""
    audit.record(database, house().settings.signing_key, current_user.id, action, subject, **detail)


def mine(person: Inburgeraar) -> bool:
    """Say whether *person* is in the caseload of whoever is logged in."""
    return person.klantmanager is not None and person.klantmanager == current_user.name


@desk.get("/static/<path:name>")
def static(name: str) -> Response:
    """Serve a sheet, font, script or drawing of the console."""
    return send_from_directory(STATIC, name, max_age=A_YEAR)


@desk.post("/taal-van-de-pagina")
def language_of_console() -> ResponseReturnValue:
    """Show the console in Dutch or in English from now on, also the next time."""
    session["ui"] = chosen = "en" if request.form.get("ui") == "en" else "nl"
    if current_user.is_authenticated:
        with house().database.session() as database:
            staff.read_in(database, current_user.id, chosen)
    return redirect(_back() or url_for("console.today"), 303)


def _back() -> str | None:
    """Return the page that a form was sent from, if that is one of ours."""
    came_from = urlsplit(request.referrer or "")
    if came_from.netloc == request.host and came_from.path.startswith(f"{PREFIX}/"):
        return f"{came_from.path}?{came_from.query}".rstrip("?")
    return None


@desk.after_app_request
def _careful(response: Response) -> Response:
    """Let no page of the console load, frame or post to anything that is not ours."""
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    response.headers["Referrer-Policy"] = "same-origin"
    if request.endpoint not in ("console.static", "security.static"):
        response.headers["Cache-Control"] = "no-store"
    return response


# ------------------------------------------------------------------ for the templates


@desk.app_context_processor
def _frame() -> dict[str, Any]:
    member = current_user if current_user.is_authenticated else None
    menu = [item for item in MENU if member is not None and _may(member, item.endpoint)]
    return {
        "menu": menu,
        "member": member,
        "gemeente": house().gemeente,
        "practice": house().settings.practice,
        "waiting": _waiting() if member is not None else 0,
        "ui": texts.language(),
        "uis": texts.LANGUAGES,
    }


def may(endpoint: str) -> bool:
    """Say whether whoever is logged in may open the page or send the form *endpoint*."""
    return _may(current_user, endpoint)


def _may(member: Any, endpoint: str) -> bool:
    rule = RULES.get(endpoint)
    if rule is None or endpoint not in current_app.view_functions:
        return False
    return rule.roles is None or bool(rule.roles & {role.name for role in member.roles})


def _waiting() -> int:
    with house().database.reading() as database:
        open_ = select(func.count()).select_from(Task).where(tasks.waits(moments.now()))
        return database.scalar(open_) or 0


@desk.app_template_global()
def icon(name: str, label: str = "") -> Markup:
    """Draw an icon of the sprite; it is heard only where it has a *label*."""
    told = Markup('aria-hidden="true"')
    if label:
        told = Markup('role="img" aria-label="{}"').format(label)
    return Markup('<svg class="i" {} focusable="false"><use href="{}#{}"/></svg>').format(
        told, asset("img/icons.svg"), name
    )


@desk.app_template_global()
def asset(name: str) -> str:
    """Return where a static file is; the address changes with what is in it."""
    return url_for("console.static", name=name, v=_digest(name))


@cache
def _digest(name: str) -> str:
    return sha256((STATIC / name).read_bytes()).hexdigest()[:8]


@desk.app_template_global()
def spoken(code: str | None) -> Markup:
    """Write a language as its speakers do, with its Dutch name."""
    known = languages().get(code or "")
    if known is None:
        return Markup('<span class="lng mute">{}</span>').format(gettext("taal onbekend"))
    if known.code == "nl":
        return Markup('<span class="lng">{}</span>').format(called(known))
    return Markup(
        '<span class="lng"><bdi lang="{}" dir="{}">{}</bdi> <span class="lng__nl">{}</span></span>'
    ).format(known.code, "rtl" if known.rtl else "ltr", known.name, called(known))


desk.add_app_template_filter(texts.said)
desk.add_app_template_filter(called)


@desk.app_template_global()
def direction(code: str | None) -> str:
    """Return ``rtl`` or ``ltr`` for a language of ours."""
    known = languages().get(code or "")
    return "rtl" if known is not None and known.rtl else "ltr"


@desk.app_template_filter()
def clock(moment: datetime) -> str:
    """Write the time of day, e.g. ``09:05``."""
    return moments.local(moment).strftime("%H:%M")


@desk.app_template_filter()
def day(moment: datetime | date) -> str:
    """Write a day in full, e.g. ``donderdag 3 december 2026``."""
    return format_date(_date(moment), "EEEE d MMMM y", locale=texts.locale())


@desk.app_template_filter()
def short(moment: datetime | date) -> str:
    """Write a day in short, e.g. ``3 dec``; with its year if that is not this one."""
    on = _date(moment)
    this_year = on.year == moments.local(moments.now()).year
    return format_date(on, "d MMM" if this_year else "d MMM y", locale=texts.locale()).replace(
        ".", ""
    )


@desk.app_template_filter()
def month(first: date, *, short: bool = False) -> str:
    """Write the name of a month, e.g. ``december``; in *short* ``dec``."""
    return format_date(first, "MMM" if short else "MMMM", locale=texts.locale()).replace(".", "")


@desk.app_template_filter()
def dotted(number: float) -> str:
    """Write a number as the Dutch do, e.g. ``1.949``."""
    return format_decimal(number, locale=texts.locale())


@desk.app_template_filter()
def stamp(moment: datetime) -> str:
    """Write a day in short and the time of day, e.g. ``3 dec 09:05``."""
    return f"{short(moment)} {clock(moment)}"


@desk.app_template_filter()
def sentence(text: str) -> str:
    """Write *text* with a capital in front; what was a capital stays one."""
    return text[:1].upper() + text[1:]


@desk.app_template_filter()
def many(number: int) -> str:
    """Write a number of people or messages, e.g. ``8.500``."""
    return format_decimal(number, locale=texts.locale())


@desk.app_template_filter()
def euro(amount: Decimal | None) -> str:
    """Write an amount in euros, rounded up to cents; a dash where nobody knows it."""
    if amount is None:
        return "–"
    cents = amount.quantize(Decimal("0.01"), ROUND_UP)
    return f"€ {format_decimal(cents, '#,##0.00', locale=texts.locale())}"


@desk.app_template_filter()
def masked(address: str) -> str:
    """Write an address so that it can be told from another and not be dialled."""
    if len(address) <= 4:
        return "•" * len(address)
    return f"{address[:4]} •••• {address[-2:]}"


def _date(moment: datetime | date) -> date:
    return moments.local(moment).date() if isinstance(moment, datetime) else moment
