"""The practice ground as one server: both stand-ins, the page, and the hands of the people.

``serve`` runs it in a thread, for the command line and for tests alike.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import urlsplit

from flask import Blueprint, Flask, current_app, jsonify, redirect, render_template, request
from flask.typing import ResponseReturnValue
from waitress.server import create_server

from phones import telegram as telegram_room
from phones import twilio as twilio_room
from phones.deliver import Courier, HouseClock
from phones.keep import Keeper
from phones.page import CHANNEL_NAMES, FAULT_NAMES, page
from phones.state import Bubble, Channel, FaultKind, Ground, Phone
from phones.telegram import Telegram
from phones.twilio import Twilio, Unable

HOST: Final = "127.0.0.1"
THREADS: Final = 32
"""Enough for the page's event streams and long polls beside the house's own requests."""


UNHEARD_OF: Final[dict[Channel, frozenset[FaultKind]]] = {
    "whatsapp": frozenset(),
    "sms": frozenset({"63016"}),
    "telegram": frozenset({"63016", "21610", "shuffled"}),
}
"""Faults that a channel does not have: armed for such a phone they would never strike."""


class Providers:
    """Both stand-ins on one ground, with the threads that carry what they tell the house."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.origin = ""
        self.courier = Courier(ground)
        self.twilio = Twilio(ground, self.courier, lambda: self.origin)
        self.telegram = Telegram(ground, self.courier, lambda: self.origin)
        self.clock = HouseClock(ground, self.courier.hurry, self.twilio.release)

    def close(self) -> None:
        """Stop every thread."""
        self.clock.close()
        self.telegram.close()
        self.courier.close()


class Server:
    """A running practice ground."""

    def __init__(self, ground: Ground, port: int, keep: Path | None) -> None:
        self.ground = ground
        self.providers = Providers(ground)
        self._sockets: dict[int, Any] = {}
        try:
            self._server = create_server(
                create_app(self.providers), map=self._sockets, host=HOST, port=port, threads=THREADS
            )
        except OSError:
            self.providers.close()
            self._close_sockets()
            raise
        self.url: str = f"http://{HOST}:{self._server.effective_port}"
        self.providers.origin = self.url
        self.keeper: Keeper | None = None
        if keep is not None:
            # The port is ours by now, so no other process keeps this file.
            self.keeper = Keeper(keep, ground, self.providers.twilio, self.providers.telegram)
            self.keeper.recall()
            self.keeper.start()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="phones", daemon=True)
        self._thread.start()

    def settle(self, timeout: float = 10.0) -> bool:
        """Wait until no webhook or callback is on its way; return whether that came to be."""
        return self.providers.courier.settle(timeout)

    def close(self) -> None:
        """Stop serving and delivering; what was on its way is dropped."""
        self.ground.close()
        self.providers.close()
        self._closed.set()
        self._server.pull_trigger()
        self._thread.join()
        if self.keeper:
            self.keeper.close()

    def _run(self) -> None:
        loop = self._server.asyncore.loop
        while not self._closed.is_set():
            loop(timeout=1, map=self._sockets, count=1)
        self._server.task_dispatcher.shutdown(timeout=1)
        self._close_sockets()

    def _close_sockets(self) -> None:
        for channel in list(self._sockets.values()):
            channel.close()


def serve(ground: Ground, port: int = 0, keep: Path | None = None) -> Server:
    """Serve *ground* on 127.0.0.1; port 0 takes a free one. Close what is returned.

    What is on it outlives the process in the file *keep*.
    """
    return Server(ground, port, keep)


def create_app(providers: Providers) -> Flask:
    """Return the WSGI app: providers, page and control."""
    app = Flask(__name__, static_folder=None)
    app.extensions["ground"] = providers.ground
    app.extensions["providers"] = providers
    app.register_blueprint(twilio_room.door_of(providers.twilio))
    app.register_blueprint(telegram_room.door_of(providers.telegram))
    app.register_blueprint(control)
    app.register_blueprint(page)
    return app


# -- what people do: the page posts forms here, tests post JSON -----------------------------

control = Blueprint("control", __name__)


class NotHere(Exception):
    """There is no such phone or bubble."""


def providers() -> Providers:
    """Return the providers of this app."""
    return cast(Providers, current_app.extensions["providers"])


@control.errorhandler(Unable)
def unable(error: Unable) -> ResponseReturnValue:
    """Answer 409: the phone cannot do this."""
    return _refused(str(error), str(error), 409)


@control.errorhandler(ValueError)
def unclear(error: ValueError) -> ResponseReturnValue:
    """Answer 409: the question is not well put. What is wrong with it, a script must know."""
    return _refused(str(error), "Dit formulier is niet goed ingevuld.", 409)


@control.errorhandler(NotHere)
def not_here(error: NotHere) -> ResponseReturnValue:
    """Answer 404."""
    return _refused(str(error), "Deze telefoon of dit bericht is er niet meer.", 404)


@control.get("/state.json")
def state() -> ResponseReturnValue:
    """Everything that is on the ground."""
    return providers().ground.as_json()


@control.get("/log.json")
def log() -> ResponseReturnValue:
    """Every request between the house and the providers, oldest first."""
    return jsonify(providers().ground.log_as_json())


@control.post("/phones")
def add_phones() -> ResponseReturnValue:
    """Add one phone or a list: ``name, language, channel, address`` and ``sender?, started?``."""
    given = request.get_json(silent=True) if request.is_json else request.form.to_dict()
    people: list[Any] = given if isinstance(given, list) else [given]
    required = {"name", "language", "channel", "address"}
    if not all(isinstance(person, dict) and required <= set(person) for person in people):
        raise ValueError(f"A phone needs {', '.join(sorted(required))}.")
    added = providers().ground.bring(people)
    return _done([phone.id for phone in added], 201)


@control.delete("/phones/<phone_id>")
def remove_phone(phone_id: str) -> ResponseReturnValue:
    """Take a phone away; its Telegram chat is gone from then on."""
    if not providers().ground.remove(phone_id):
        raise NotHere(f"No phone {phone_id!r} here.")
    return "", 204


@control.post("/phones/<phone_id>/say")
def say(phone_id: str) -> ResponseReturnValue:
    """The person writes ``text``, perhaps as an answer to the bubble ``quoted``."""
    phone, given = _phone(phone_id), _given()
    quoted = _bubble(phone, given["quoted"]) if given.get("quoted") else None
    text = str(given.get("text") or "")
    if phone.channel == "telegram":
        bubble = providers().telegram.says(phone, text, quoted=quoted)
    else:
        bubble = providers().twilio.says(phone, text, quoted=quoted)
    return _done({"bubble": bubble.id})


@control.post("/phones/<phone_id>/tap")
def tap(phone_id: str) -> ResponseReturnValue:
    """The person taps the ``button`` (its id) under a ``bubble``."""
    phone, given = _phone(phone_id), _given()
    bubble, button = _bubble(phone, given.get("bubble")), str(given.get("button") or "")
    if phone.channel == "telegram":
        providers().telegram.tapped(phone, bubble, button)
    else:
        providers().twilio.taps(phone, bubble, button)
    return _done({"bubble": bubble.id})


@control.post("/phones/<phone_id>/voice")
def voice(phone_id: str) -> ResponseReturnValue:
    """The person sends a voice message (always the same sample)."""
    phone = _phone(phone_id)
    if phone.channel == "telegram":
        bubble = providers().telegram.speaks(phone)
    else:
        bubble = providers().twilio.says(phone, "", voice=True)
    return _done({"bubble": bubble.id})


@control.post("/phones/<phone_id>/edit")
def edit(phone_id: str) -> ResponseReturnValue:
    """The person changes their own ``bubble`` to ``text``. Twilio tells nobody of that."""
    phone, given = _phone(phone_id), _given()
    bubble = _bubble(phone, given.get("bubble"))
    if phone.channel != "telegram":
        raise Unable("Alleen Telegram vertelt het als iemand een bericht wijzigt.")
    providers().telegram.edits(phone, bubble, str(given.get("text") or ""))
    return _done({"bubble": bubble.id})


@control.post("/phones/<phone_id>/block")
def block(phone_id: str) -> ResponseReturnValue:
    """The person blocks the house."""
    return _block(phone_id, blocked=True)


@control.post("/phones/<phone_id>/unblock")
def unblock(phone_id: str) -> ResponseReturnValue:
    """The person lets the house in again."""
    return _block(phone_id, blocked=False)


@control.post("/phones/<phone_id>/contact")
def contact(phone_id: str) -> ResponseReturnValue:
    """The person shares a number: their own, or with ``whose=other`` somebody else's."""
    phone = _phone(phone_id)
    if phone.channel != "telegram":
        raise Unable("Een nummer delen kan alleen in Telegram.")
    bubble = providers().telegram.shares_contact(phone, own=_given().get("whose") != "other")
    return _done({"bubble": bubble.id})


@control.post("/phones/<phone_id>/group")
def group(phone_id: str) -> ResponseReturnValue:
    """The person writes ``text`` in a group that the bot is in."""
    phone = _phone(phone_id)
    if phone.channel != "telegram":
        raise Unable("Alleen een Telegram-bot kan in een groep zitten.")
    providers().telegram.says_in_group(phone, str(_given().get("text") or ""))
    return _done({})


@control.post("/faults")
def faults() -> ResponseReturnValue:
    """Arm a fault: ``kind``, and ``phone`` (an id) or nothing for any; ``kind=none`` lets go."""
    given = _given()
    kind = str(given.get("kind") or "none")
    if kind == "none":
        providers().ground.disarm()
    else:
        phone = _phone(given["phone"]) if given.get("phone") else None
        if phone and kind in UNHEARD_OF[phone.channel]:
            name = " ".join(FAULT_NAMES[kind]).strip()
            raise Unable(f"De storing '{name}' bestaat niet bij {CHANNEL_NAMES[phone.channel]}.")
        providers().ground.arm(cast(FaultKind, kind), phone.id if phone else None)
    fault = providers().ground.fault
    return _done({"fault": fault and asdict(fault)})


@control.post("/clock")
def clock() -> ResponseReturnValue:
    """Ask the house to move practice time: ``minutes=60`` or ``to=next``."""
    given = _given()
    if given.get("to") == "next":
        form = {"to": "next"}
    else:
        form = {"minutes": str(float(given.get("minutes") or ""))}
    if not providers().clock.move(form):
        raise Unable("De klok staat stil: het huis antwoordt niet of heeft niets gepland.")
    ground = providers().ground
    planned = ground.next_moment and ground.next_moment.isoformat()
    return _done({"now": ground.now().isoformat(), "next": planned})


def _block(phone_id: str, *, blocked: bool) -> ResponseReturnValue:
    phone = _phone(phone_id)
    if phone.channel == "telegram":
        providers().telegram.blocks(phone, blocked=blocked)
    else:
        with providers().ground.changing():
            phone.blocked = blocked
    return _done({"blocked": blocked})


def _given() -> Mapping[str, Any]:
    if not request.is_json:
        return request.form
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise ValueError("The body is not a JSON object.")
    return body


def _phone(phone_id: str) -> Phone:
    phone = providers().ground.phone(phone_id)
    if phone is None:
        raise NotHere(f"No phone {phone_id!r} here.")
    return phone


def _bubble(phone: Phone, bubble_id: Any) -> Bubble:
    bubble = phone.bubble(str(bubble_id))
    if bubble is None:
        raise NotHere(f"No bubble {bubble_id!r} on this phone.")
    return bubble


def _done(answer: Any, status: int = 200) -> ResponseReturnValue:
    """Answer JSON to a script; send a browser that posted a form back to the page."""
    if _by_browser():
        return redirect(_where_they_were(), 303)
    return jsonify(answer), status


def _refused(error: str, in_dutch: str, status: int) -> ResponseReturnValue:
    """Answer JSON to a script; show a browser that posted a form why not, with a way back."""
    if _by_browser():
        return render_template("refused.html", why=in_dutch, back=_where_they_were()), status
    return jsonify(error=error), status


def _where_they_were() -> str:
    """Return the page of phones the form stood on, at the phone it was about."""
    query = urlsplit(request.referrer or "").query
    phone_id = (request.view_args or {}).get("phone_id")
    return "/" + (f"?{query}" if query else "") + (f"#{phone_id}" if phone_id else "")


def _by_browser() -> bool:
    accepts = request.accept_mimetypes
    return not request.is_json and "text/html" in accepts.values()
