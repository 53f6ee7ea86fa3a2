"""The public page of an ambassadeur's link, and what is printed of it.

The page looks nothing up: whether a code exists cannot be seen from it. A tap on a channel is
counted, without a cookie or anything personal, and opens the chat with the code filled in.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import phonenumbers
import structlog
from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    g,
    render_template,
    request,
    send_from_directory,
    url_for,
)
from flask.blueprints import BlueprintSetupState
from markupsafe import Markup, escape
from sqlalchemy.exc import OperationalError

from bot.channels import numbers
from bot.channels.base import SMS, TELEGRAM, WHATSAPP
from bot.db import AWAY
from bot.house import House
from bot.messaging import media, voices
from bot.outreach import ambassadeurs
from bot.wording import spoken
from bot.wording.languages import Language, find, languages, shipped
from bot.wording.render import render
from webhooks.throttle import Throttle

door = Blueprint("links", __name__, template_folder="templates")

log = structlog.get_logger()

STATIC = Path(__file__).parent / "static"
A_YEAR = 365 * 24 * 60 * 60
RATE, BURST = 1.0, 60
"""Requests per second of one client, and how many at once: a class at one school's Wi-Fi."""

OPENED = "https://wa.me https://api.whatsapp.com https://t.me sms:"
"""Where a tap on a channel ends; a browser holds the redirect of a form to `form-action` too."""

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; media-src 'self'; "
    "base-uri 'none'; "
    f"frame-ancestors 'none'; form-action 'self' {OPENED}"
)


class Sound(NamedTuple):
    """Something to listen to on a page."""

    sources: tuple[tuple[str, str], ...]
    """Address and type; a player takes the first that it can play."""
    machine: bool
    """Whether a computer speaks."""


@dataclass(frozen=True)
class Page:
    """What a template needs: texts in one language, and the code as it is printed."""

    house: House
    language: Language
    code: str

    def say(self, key: str) -> Markup:
        """Return the text ``page.<key>``; one that is there in Dutch only says so to a reader."""
        text = render(
            f"page.{key}",
            self.language.code,
            {"gemeente": self.house.gemeente.name},
            buttons_as_numbers=False,
            plain=False,
            catalogue=self.house.catalogue,
        )
        if text.language == self.language.code:
            return escape(text.body)
        return Markup('<bdi lang="{}">{}</bdi>').format(text.language, text.body)

    @property
    def channels(self) -> list[str]:
        """The channels that a chat can be opened on."""
        return [name for name in (WHATSAPP, TELEGRAM, SMS) if chat(self.house, name, self.code)]

    @property
    def spaced(self) -> str:
        """The code in fours, as it is read aloud and typed over."""
        return " ".join(self.code[at : at + 4] for at in range(0, len(self.code), 4))

    @property
    def phone(self) -> str:
        """The gemeente's number, for questions."""
        return self.house.gemeente.phone

    @property
    def sms_number(self) -> str:
        """Our number for SMS, as one dials it; empty where nobody can text us."""
        return dialled(_number(self.house, SMS))

    @cached_property
    def sound(self) -> Sound | None:
        """This page read aloud, where somebody did that in this language."""
        piece = spoken.page(self.language.code, self.house.catalogue)
        if piece is None:
            return None
        try:
            with self.house.database.reading() as session:
                found = voices.said(session, self.house, [piece], self.language.code)
                machine = any(each.machine for each in found)
                endings = [voices.OGG]
                # One that is joined is made when it is asked for, and only as it is sent.
                if len(found) == 1 and voices.path_of(self.house.settings, found[0], voices.M4A):
                    endings.append(voices.M4A)
                names = {each: voices.name_of(found, each) for each in endings}
        except AWAY:
            return None
        sources = tuple(
            (media.PATH + media.signed(self.house.settings, name), voices.TYPES[ending])
            for ending, name in names.items()
            if name is not None
        )
        return Sound(sources, machine) if sources else None

    @property
    def machine(self) -> str:
        """What is written beside a computer's voice."""
        return self.house.catalogue.text(spoken.MACHINE, self.language.code).body

    def qr(self, **query: str) -> Markup:
        """Return the QR code of this page as SVG, four modules of quiet zone around it."""
        asked = "".join(f"?{name}={value}" for name, value in query.items())
        code = ambassadeurs.qr(ambassadeurs.address_of(self.house, self.code) + asked)
        drawing = code.svg_inline(
            border=ambassadeurs.QUIET,
            dark=ambassadeurs.INK,
            light="#fff",
            omitsize=True,
            svgclass="qr",
            lineclass=None,
            title="QR-code",
        )
        return Markup(drawing)  # noqa: S704 - segno's own, of signs that as_printed let through


# ------------------------------------------------------------------ pages


@door.get("/a/<code>")
def page(code: str) -> Response:
    """Show the page of a link, whether there is such a link or not. Counts nothing."""
    return _shown("links/link.html", code)


@door.get("/a/<code>/poster")
def poster(code: str) -> Response:
    """Show an A4 poster to print."""
    return _shown("links/poster.html", code)


@door.get("/a/<code>/cards")
def cards(code: str) -> Response:
    """Show four A6 cards on one A4, to print and cut."""
    return _shown("links/cards.html", code)


@door.post("/a/<code>/<channel>")
def choose(code: str, channel: str) -> Response:
    """Count the choice of a channel and open the chat there."""
    if not _allowed():
        return _busy(code)
    house: House = current_app.extensions["house"]
    target = chat(house, channel, as_printed(code))
    if target is None:
        abort(404)
    try:
        with house.database.session() as session:
            ambassadeurs.follow(session, code, channel)
    except OperationalError:
        log.exception("not counted: the database is away")
    return Response(status=303, headers={"Location": target, "Cache-Control": "no-store"})


@door.get("/static/link/<path:name>")
def static(name: str) -> Response:
    """Serve a sheet, font or drawing of these pages."""
    return send_from_directory(STATIC, name, max_age=A_YEAR)


@door.record_once
def _begin(setup: BlueprintSetupState) -> None:
    setup.app.extensions["links_throttle"] = Throttle(RATE, BURST)


@door.app_template_global()
def drawn(name: str) -> str:
    """Return where a static file is; the address changes with what is in it."""
    return url_for("links.static", name=name, v=_digest(name))


@cache
def _digest(name: str) -> str:
    return sha256((STATIC / name).read_bytes()).hexdigest()[:8]


def _shown(template: str, code: str) -> Response:
    if not _allowed():
        return _busy(code)
    shown = _rendered(template, code)
    shown.headers["Cache-Control"] = "private, max-age=300"
    return shown


def _busy(code: str) -> Response:
    shown = _rendered("links/busy.html", code)
    shown.status_code = 429
    shown.headers["Retry-After"] = "60"
    return shown


def _rendered(template: str, code: str) -> Response:
    house: House = current_app.extensions["house"]
    shown = Page(house, _language(), as_printed(code))
    dutch = Page(house, languages()["nl"], shown.code)
    response = Response(
        render_template(template, page=shown, dutch=dutch, languages=list(shipped().values()))
    )
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    response.headers["X-Robots-Tag"] = "noindex"
    response.headers["Vary"] = "Accept-Language"
    return response


def _allowed() -> bool:
    throttle: Throttle = current_app.extensions["links_throttle"]
    return throttle.allows(g.client)


def _language() -> Language:
    """Return what was asked for, else the first of the browser's languages that we have."""
    asked = [request.args.get("lang", ""), *request.accept_languages.values()]
    for wanted in asked:
        for name in (wanted, wanted.partition("-")[0]):
            known = find(name)
            if known is not None and known.shipped:
                return known
    return languages()["nl"]


# ------------------------------------------------------------------ links


def as_printed(code: str) -> str:
    """Return *code* as ten signs of our alphabet, whatever stood in the address."""
    signs = [each for each in ambassadeurs.spelled(code) if each in ambassadeurs.ALPHABET]
    return "".join(signs)[: ambassadeurs.LENGTH].ljust(ambassadeurs.LENGTH, "0")


def chat(house: House, channel: str, code: str) -> str | None:
    """Return the address that opens a chat on *channel* with the code filled in.

    None where the channel is off or nobody can begin there, such as an SMS sender of letters.
    """
    if channel not in house.channels:
        return None
    if channel == TELEGRAM:
        name = house.settings.telegram_bot_name.removeprefix("@")
        return f"https://t.me/{quote(name)}?start={code}" if name else None
    number = _number(house, channel)
    if not number:
        return None
    if channel == WHATSAPP:
        return f"https://wa.me/{number.removeprefix('+')}?text=START%20{code}"
    return f"sms:{number}?&body=START%20{code}"  # ?& is what both Android and iOS read


def dialled(number: str) -> str:
    """Return an E.164 number as it is dialled in the Netherlands; empty for none."""
    if not number:
        return ""
    parsed = phonenumbers.parse(number)
    home = parsed.country_code == phonenumbers.country_code_for_region(numbers.REGION)
    shape = phonenumbers.PhoneNumberFormat
    return phonenumbers.format_number(parsed, shape.NATIONAL if home else shape.INTERNATIONAL)


def _number(house: House, channel: str) -> str:
    settings = house.settings
    told = settings.twilio_whatsapp_from if channel == WHATSAPP else settings.twilio_sms_from
    try:
        return (
            numbers.canonical(told.removeprefix("whatsapp:")) if channel in house.channels else ""
        )
    except numbers.BadNumber:
        return ""
