"""The console: where staff see everyone, say the right thing, and stop in a second.

HTTP in, HTTP out. Pages read any model; they write only through outreach, messaging and privacy.

It is an application of its own behind the one of the doors: what staff do, and all that logging
in needs, cannot slow or break a door. It is made when the first page is asked for.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from bot.house import House

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from flask import Flask

PREFIX = "/console"

LARGEST_UPLOAD = 20 * 1024 * 1024
"""Bytes. A file of a whole gemeente is a few MB."""


def make(
    house: House,
    wake: Callable[[], None] = lambda: None,
) -> Flask:
    """Return the console over *house*. *wake* is called after something was queued."""
    from flask import Flask

    from console import (  # noqa: F401  # pages register themselves
        ambassadeurs,
        broadcast_preview,
        broadcasts,
        calendar,
        erasing,
        guard,
        inbox,
        intake,
        login,
        merging,
        notes,
        people,
        people_by_hand,
        reports,
        sending,
        today,
        trials,
        voortrajecten,
    )
    from console.desk import desk

    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_UPLOAD
    app.extensions["house"] = house
    app.extensions["wake"] = wake
    # First, so that its templates go before those of Flask-Security.
    app.register_blueprint(desk)
    login.install(app, house)
    guard.install(app)
    return app


class Behind:
    """Gives what is asked under PREFIX to the console, and the rest to the doors."""

    def __init__(self, doors: WSGIApplication, console: Callable[[], Flask]) -> None:
        self._doors = doors
        self._make = console
        self._made: Flask | None = None
        self._first = threading.Lock()

    @property
    def console(self) -> Flask:
        """The console; made when it is first wanted, once."""
        with self._first:
            if self._made is None:
                self._made = self._make()
        return self._made

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        path: Any = environ.get("PATH_INFO", "")
        if path == PREFIX or path.startswith(PREFIX + "/"):
            return self.console.wsgi_app(environ, start)
        return self._doors(environ, start)
