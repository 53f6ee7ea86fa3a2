"""The page of the practice ground: many phones side by side, and what we see through them.

Everything works as plain forms; ``static/js/phones.js`` only spares the reloads. The page shows
what a provider knows and nothing of the house's database: no name, language or appointment that
did not come in through the practice ground's own list or through a message.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from zlib import crc32
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time
from flask import (
    Blueprint,
    Response,
    abort,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from jinja2.utils import urlize
from markupsafe import Markup

from phones.deliver import fetch
from phones.keyboards import Keyboard, keyboard_of
from phones.record import ground as the_ground
from phones.segments import BASIC
from phones.state import WINDOW, Bubble, Channel, Exchange, FaultKind, Ground, Phone

AMSTERDAM: Final = ZoneInfo("Europe/Amsterdam")
PHONES_SHOWN: Final = 24
BUBBLES_SHOWN: Final = 40
EXCHANGES_SHOWN: Final = 100
LONG_TEXT: Final = 520
"""Characters after which a phone folds a text away behind "meer"."""
MEDIA_LIMIT: Final = 16 * 1024 * 1024
"""Bytes; the largest thing WhatsApp itself would carry."""
STREAM_TURNS: Final = 6
STREAM_WAITS: Final = 8.0
"""An event stream ends after so many turns of so many seconds, and the browser asks again: a
closed tab never holds a thread of the server for long."""

LOOKS: Final[dict[Channel, str]] = {"whatsapp": "wa", "sms": "sms", "telegram": "tg"}
CHANNEL_NAMES: Final[dict[Channel, str]] = {
    "whatsapp": "WhatsApp",
    "sms": "SMS",
    "telegram": "Telegram",
}
FAULT_NAMES: Final[dict[FaultKind, tuple[str, str]]] = {
    "429": ("429", "te snel"),
    "403": ("403", "geblokkeerd"),
    "63016": ("63016", "buiten 24 uur"),
    "21610": ("21610", "gestopt"),
    "late": ("", "laat bezorgd"),
    "double": ("", "dubbel bezorgd"),
    "shuffled": ("", "door elkaar"),
    "lost": ("", "antwoord kwijt"),
    "silent": ("", "antwoord en berichten kwijt"),
    "dropped": ("", "verbinding breekt"),
}
WHY_LOST: Final[dict[int, str]] = {
    403: "de bot is geblokkeerd",
    429: "te snel achter elkaar",
    21610: "deze persoon stuurde STOP",
    21614: "geen mobiel nummer",
    30003: "telefoon onbereikbaar",
    30004: "geblokkeerd door de ontvanger",
    30005: "nummer bestaat niet",
    63016: "vrije tekst buiten 24 uur",
    63024: "geen WhatsApp op dit nummer",
}
STATUS_WORDS: Final[dict[str, str]] = {
    "queued": "in de wachtrij",
    "sent": "verstuurd",
    "delivered": "bezorgd",
    "read": "gelezen",
    "undelivered": "niet bezorgd",
    "failed": "mislukt",
}
DATE: Final = re.compile(r"(?<![\w/=-])\(?\d\d-\d\d-\d{4}\)?(?![\w-])")
"""A date as the house writes it, outside a web address."""
NO_BABEL: Final[dict[str, str]] = {"prs": "fa_AF", "ary": "ar_MA"}
"""Languages CLDR has no dates for, and the nearest it has."""

page = Blueprint(
    "page", __name__, template_folder="templates", static_folder="static", static_url_path="/look"
)


@dataclass(frozen=True)
class Meter:
    """What the channel counts for this phone: a window, parts of SMS, or nothing."""

    strong: str
    rest: str
    end: str
    share: float | None = None
    """How much of the 24 hours is left, 0 to 100; None where there is no window."""
    shut: bool = False


@dataclass(frozen=True)
class Line:
    """One line of a conversation: a bubble with everything the page says about it."""

    bubble: Bubble
    day: str | None
    """The day in the person's language, on the first bubble of each day."""
    tag: tuple[str, str, str] | None
    """Icon, word and detail of what kind of message the provider saw."""
    lost: str | None
    """Why it never reached the phone."""
    coming: bool
    """Accepted by the provider, not on the phone yet."""
    head: str
    tail: str
    """The text, cut in two where a phone would fold it."""
    letters: str
    """The accents that make an SMS dearer."""


@dataclass(frozen=True)
class Unit:
    """One phone on the page with the card above it."""

    phone: Phone
    look: str
    channel: str
    keyboard: Keyboard
    face: int
    address: str
    sender: str
    about: str
    """What stands small under the sender's name."""
    meter: Meter
    lines: tuple[Line, ...]
    older: int
    """Bubbles before those on the page."""
    unread: int
    """What came after the person last wrote."""


@dataclass(frozen=True)
class Row:
    """One request in the drawer."""

    exchange: Exchange
    call: str
    who: str
    what: str
    answer: str


@page.get("/")
def ground_page() -> ResponseReturnValue:
    """Show the phones; ``?exchange=`` opens the drawer at one request, ``?from=`` pages on."""
    ground = the_ground()
    start = max(request.args.get("from", 0, int), 0)
    with ground.lock:
        view = view_of(ground, start) | {"chosen": _chosen(ground)}
    return render_template("phones.html", **view)


@page.get("/events")
def events() -> ResponseReturnValue:
    """Tell the page that something is new: the version of the ground, once per change."""
    ground = the_ground()
    seen = request.headers.get("Last-Event-ID") or request.args.get("seen", "")
    version = int(seen) if seen.isdigit() else ground.version
    if version > ground.version:
        version = -1  # it saw an earlier process: all is new

    def stream(told: int) -> Iterator[str]:
        yield "retry: 400\n\n"
        for _ in range(STREAM_TURNS):
            latest = ground.wait(told, timeout=STREAM_WAITS)
            yield f"id: {latest}\ndata: {latest}\n\n" if latest > told else ": still here\n\n"
            told = latest
            if ground.closed:
                return

    return Response(
        stream(version),
        mimetype="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


@page.get("/media")
def media() -> ResponseReturnValue:
    """Hand on a picture or sound of a message, so the page itself asks nobody else.

    Only addresses that a message on the ground carried are fetched; all else is 404.
    """
    address = request.args.get("u", "")
    ground = the_ground()
    with ground.lock:
        seen = any(
            bubble.media_url == address for phone in ground.phones for bubble in phone.bubbles
        )
    if not seen or not address.startswith(("http://", "https://")):
        abort(404)
    answer = fetch("GET", address, timeout=5)
    if not answer.ok:
        abort(502)
    kind = answer.content_type.split(";")[0].strip().lower()
    if not kind.startswith(("image/", "audio/")) or len(answer.body) > MEDIA_LIMIT:
        abort(415)
    return Response(answer.body, mimetype=kind, headers={"Cache-Control": "private, max-age=3600"})


@page.app_template_filter()
def phone_text(text: str) -> Markup:
    """Return a text as a phone draws it: links can be touched, a date is not broken in two.

    Direction is left to the text itself: a house that forgets to isolate a date in Arabic must
    see it go wrong here too.
    """
    linked = urlize(text, rel="noreferrer", target="_blank")
    return Markup(DATE.sub(r'<span class="d">\g<0></span>', linked))  # noqa: S704 - urlize escapes


@page.app_template_filter()
def pretty(value: Any) -> str:
    """Return a field of a request as people read it: text as it is, the rest as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1)


@page.app_context_processor
def helpers() -> dict[str, Any]:
    """Lend the templates the few functions they call."""
    return {"wave_of": wave_of, "euro": euro, "media_at": media_at, "AMSTERDAM": AMSTERDAM}


@page.after_request
def keep_to_ourselves(response: Response) -> Response:
    """Let the page load nothing from elsewhere and run nothing written into it."""
    response.headers["Content-Security-Policy"] = (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    return response


def view_of(ground: Ground, start: int = 0) -> dict[str, Any]:
    """Return all that ``phones.html`` shows of the ground, from the phone at index *start* on."""
    now = ground.now().astimezone(AMSTERDAM)
    shown = ground.phones[start : start + PHONES_SHOWN]
    return {
        "version": ground.version,
        "now": now,
        "date": format_date(now, "full", locale="nl"),
        "next": ground.next_moment and short_moment(ground.next_moment, now),
        "units": [
            unit_of(phone, start + index, now, ground.accounts.sender_name)
            for index, phone in enumerate(shown)
        ],
        "before": max(start - PHONES_SHOWN, 0) if start else None,
        "after": start + PHONES_SHOWN if len(ground.phones) > start + PHONES_SHOWN else None,
        "phones": len(ground.phones),
        "faults": FAULT_NAMES,
        "fault": ground.fault,
        "rows": [row_of(ground, entry) for entry in ground.log[: -EXCHANGES_SHOWN - 1 : -1]],
        "requests": len(ground.log),
    }


def unit_of(phone: Phone, index: int, now: datetime, sender_name: str = "") -> Unit:
    """Return how one phone looks at *now* (aware, Europe/Amsterdam)."""
    sender, about = sender_of(phone, sender_name)
    shown = phone.bubbles[-BUBBLES_SHOWN:]
    unread = 0
    for bubble in reversed(shown):
        if bubble.mine:
            break
        unread += why_lost(bubble) is None
    return Unit(
        phone=phone,
        look=LOOKS[phone.channel],
        channel=CHANNEL_NAMES[phone.channel],
        keyboard=keyboard_of(phone.language),
        face=index % 8,
        address=spaced(phone.address),
        sender=sender,
        about=about,
        meter=meter_of(phone, now),
        lines=tuple(lines_of(shown, phone)),
        older=len(phone.bubbles) - len(shown),
        unread=unread,
    )


def sender_of(phone: Phone, name: str) -> tuple[str, str]:
    """Return what a phone calls the house, and what stands small under it.

    An SMS that already comes from a name shows that name.
    """
    address = spaced(phone.sender)
    match phone.channel:
        case "whatsapp":
            return name or address, "Zakelijk account"
        case "telegram":
            return name or address, "bot"
        case "sms" if name and phone.sender.startswith("+"):
            return name, address
    return address, ""


def meter_of(phone: Phone, now: datetime) -> Meter:
    """Return what the phone's channel counts at *now*."""
    if phone.blocked:
        return Meter("Geblokkeerd", "er komt niets meer aan", "", shut=True)
    if phone.opted_out:
        return Meter("Afgemeld", "stuurde STOP", "", shut=True)
    if phone.channel == "sms":
        sent = [bubble.segments for bubble in phone.bubbles if bubble.segments and not bubble.mine]
        parts, cost = sum(s["count"] for s in sent), sum(float(s["cost"]) for s in sent)
        return Meter(f"{parts} sms · {euro(cost)}", "in dit gesprek", "schatting")
    if phone.channel == "telegram":
        if not phone.started:
            return Meter("Niet gestart", "een bot schrijft nooit eerst", "", shut=True)
        return Meter("Geen venster", "altijd vrije tekst", "bot actief")
    if phone.window_until is None:
        return Meter("Venster dicht", "alleen template", "nooit open", 0, shut=True)
    left = phone.window_until - now
    if left <= timedelta():
        closed = phone.window_until.astimezone(AMSTERDAM)
        since = format_date(closed, "EEE" if -left < timedelta(days=6) else "d MMM", locale="nl")
        return Meter("Venster dicht", "alleen template", f"sinds {since}", 0, shut=True)
    minutes = int(left.total_seconds()) // 60
    end = f"nog {minutes // 60}:{minutes % 60:02d}"
    return Meter("Venster open", "vrije tekst mag", end, min(left / WINDOW, 1.0))


def lines_of(bubbles: list[Bubble], phone: Phone) -> Iterator[Line]:
    """Yield the lines of a conversation, oldest first."""
    day: date | None = None
    tag: tuple[str, str, str] | None = None
    for bubble in bubbles:
        at = bubble.at.astimezone(AMSTERDAM)
        new_day = at.date() != day
        day = at.date()
        before, tag = tag, tag if bubble.mine else tag_of(bubble, phone)
        cut = _cut(bubble.text)
        yield Line(
            bubble=bubble,
            day=format_date(day, "EEEE d MMMM", locale=locale_of(phone.language))
            if new_day
            else None,
            tag=tag if not bubble.mine and (tag != before or bubble.template) else None,
            lost=None if bubble.mine else why_lost(bubble),
            coming=phone.channel != "telegram"
            and not bubble.mine
            and bubble.state in ("queued", "sent"),
            head=bubble.text[:cut],
            tail=bubble.text[cut:],
            letters=dear_letters(bubble.text) if bubble.segments else "",
        )


def tag_of(bubble: Bubble, phone: Phone) -> tuple[str, str, str] | None:
    """Return icon, word and detail of what WhatsApp saw; other channels know one kind only."""
    if phone.channel != "whatsapp":
        return None
    if bubble.template is None:
        return "message-circle", "Vrije tekst", "venster open"
    detail = f"{bubble.template.get('category', '')} · {bubble.template.get('language', '')}"
    return "badge-check", "Template", detail.strip(" ·").lower()


def why_lost(bubble: Bubble) -> str | None:
    """Return in Dutch why a message never reached the phone; None if it did or still may."""
    if bubble.mine or bubble.state not in ("undelivered", "failed"):
        return None
    code = bubble.error_code
    reason = WHY_LOST.get(code, STATUS_WORDS[bubble.state]) if code else STATUS_WORDS[bubble.state]
    return f"{code} · {reason}" if code else reason


def row_of(ground: Ground, exchange: Exchange) -> Row:
    """Return one line of the drawer."""
    phone = next((phone for phone in ground.phones if phone.id == exchange.phone), None)
    return Row(
        exchange=exchange,
        call=f"{exchange.method} {short_path(exchange.path)}",
        who=phone.name if phone else "",
        what=gist_of(exchange),
        answer=answer_of(exchange),
    )


def answer_of(exchange: Exchange) -> str:
    """Return status and words of the answer, the status once."""
    if exchange.status is None:
        return exchange.response or "geen antwoord"
    said = exchange.response.removeprefix(str(exchange.status)).strip()
    return f"{exchange.status} · {said}" if said else str(exchange.status)


def gist_of(exchange: Exchange) -> str:
    """Return in a few Dutch words what a request was about, from its fields alone."""
    match exchange.params:
        case {"ContentSid": _}:
            values = _json(exchange.params.get("ContentVariables"))
            count = len(values) if isinstance(values, dict) else 0
            return f"template, {count} {'variabele' if count == 1 else 'variabelen'}"
        case {"MessageStatus": status, **rest}:
            code = rest.get("ErrorCode")
            return STATUS_WORDS.get(status, str(status)) + (f" · {code}" if code else "")
        case {"ButtonText": title} | {"ListTitle": title} if title:
            return f"knop {quote(title)}"
        case {"callback_query": {"data": data, **rest}}:
            return f"knop {quote(_title_of(rest, data))}"
        case {"my_chat_member": {"new_chat_member": {"status": status}}}:
            return "blokkeert de bot" if status == "kicked" else "laat de bot weer toe"
        case {"message": {"voice": _}} | {"MediaContentType0": _} | {"voice": _}:
            return "spraakbericht"
        case {"message": {"contact": _}}:
            return "deelt een nummer"
        case {"message": {"text": text}} | {"edited_message": {"text": text}}:
            return quote(text)
        case {"Body": text} | {"text": text} | {"caption": text} if text:
            return quote(text)
    return ""


def quote(text: Any) -> str:
    """Return the beginning of *text* on one line, between guillemets."""
    line = " ".join(str(text).split())
    return f"«{line[:60]}…»" if len(line) > 60 else f"«{line}»"


def short_path(path: str) -> str:
    """Return *path* without its query, account and token: what tells one call from another."""
    bare = path.split("?")[0]
    bare = re.sub(r"^/2010-04-01/Accounts/[^/]+", "…", bare)
    return re.sub(r"^/bot[^/]+", "/bot…", bare)


def spaced(address: str) -> str:
    """Return a phone number in groups people can read; anything else as it is."""
    digits = address.removeprefix("+")
    if digits == address or not digits.isdigit():
        return address
    if digits.startswith("316"):
        return f"+31 6 {digits[3:7]} {digits[7:]}"
    return " ".join((f"+{digits[:2]}", digits[2:4], *re.findall(r"\d{1,4}", digits[4:])))


def short_moment(moment: datetime, now: datetime) -> str:
    """Return a coming moment as staff say it: ``09:30``, ``do 09:30`` or ``12 dec 09:30``."""
    there = moment.astimezone(AMSTERDAM)
    hour = format_time(there, "HH:mm", locale="nl")
    days = (there.date() - now.date()).days
    if days == 0:
        return hour
    return f"{format_date(there, 'EEE' if 0 < days < 7 else 'd MMM', locale='nl')} {hour}"


def euro(amount: float) -> str:
    """Return an amount as ``€ 0,27``."""
    return f"€ {amount:.2f}".replace(".", ",")


def dear_letters(text: str) -> str:
    """Return the first Latin letters that keep *text* out of the GSM-7 alphabet, at most six."""
    letters = dict.fromkeys(
        letter
        for letter in text
        if letter not in BASIC and letter.isalpha() and "LATIN" in unicodedata.name(letter, "")
    )
    return " ".join(list(letters)[:6])


def locale_of(language: str) -> Locale:
    """Return the locale whose dates a speaker of *language* reads; Dutch where none is known."""
    try:
        return Locale.parse(NO_BABEL.get(language, language), sep="_")
    except (UnknownLocaleError, ValueError):
        return Locale("nl")


def media_at(address: str) -> str:
    """Return where the page itself finds a picture or sound that a message points to."""
    if address.startswith(request.host_url):
        return "/" + address.removeprefix(request.host_url)
    return url_for("page.media", u=address)


def wave_of(seed: str) -> list[int]:
    """Return 27 half heights (2 to 12) for the drawing of a voice message.

    A drawing, not a measurement: the same message always gets the same line.
    """
    return [2 + crc32(f"{seed}:{step}".encode()) % 11 for step in range(27)]


def _cut(text: str) -> int:
    """Return where a phone folds *text* away: at a line or word, or at its end."""
    if len(text) <= LONG_TEXT:
        return len(text)
    head = text[:LONG_TEXT]
    cut = max(head.rfind("\n"), head.rfind(" "))
    return cut if cut > LONG_TEXT // 2 else LONG_TEXT


def _json(text: Any) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return None


def _title_of(query: Mapping[Any, Any], data: Any) -> Any:
    """Return what stands on the button of a Telegram callback; its data where nobody knows."""
    markup = (query.get("message") or {}).get("reply_markup") or {}
    for row in markup.get("inline_keyboard", ()):
        for button in row:
            if button.get("callback_data") == data:
                return button.get("text", data)
    return data


def _chosen(ground: Ground) -> Row | None:
    """Return the request the drawer is opened at, if any."""
    number = request.args.get("exchange", None, int)
    entry = next((entry for entry in ground.log if entry.id == number), None)
    return row_of(ground, entry) if entry else None
