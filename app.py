"""The roof: settings become a Flask application with every door on it, and the console behind."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from flask import Flask

import console
from bot import front, logs
from bot.house import House, build
from bot.settings import Settings, load
from webhooks import doors, health, links, media, practice, telegram, twilio
from webhooks.keeper import Keeper


def create_app(house: House | None = None, wake: Callable[[], None] | None = None) -> Flask:
    """Return the application over *house*, or over one built from the environment.

    *wake* is called after an event is stored. Without an engine in this process Celery carries
    it, or nobody: `stap work` looks at the tables within a second anyway.
    """
    if house is None:
        logs.configure()
        house = build(load())
        logs.configure(house.settings.log_level, house.settings.secrets)
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = doors.LARGEST_BODY
    app.extensions["house"] = house
    app.extensions["wake"] = wake or _wake(house.settings)
    app.extensions["keeper"] = Keeper(house, app.extensions["wake"])
    if house.settings.engine == "celery":
        app.extensions["broker"] = _broker(house.settings)
    for door in (twilio.door, telegram.door, links.door, media.door, health.door):
        app.register_blueprint(door)
    if house.settings.practice:
        app.register_blueprint(practice.door)
    front.guard(app, house.settings)
    staff = partial(_console, house, app.extensions["wake"])
    app.wsgi_app = console.Behind(app.wsgi_app, staff)  # type: ignore[assignment, method-assign]
    return app


def _console(house: House, wake: Callable[[], None]) -> Flask:
    app = console.make(house, wake)
    # Who is not logged in brings no files.
    front.guard(app, house.settings, {"security": doors.LARGEST_BODY})
    return app


def _broker(settings: Settings) -> health.Broker:
    from bot.engine.distributed import unreachable

    return health.Broker(partial(unreachable, settings))


def _wake(settings: Settings) -> Callable[[], None]:
    if settings.engine == "embedded":
        return lambda: None
    # Celery is for many machines: one machine need not load it.
    from bot.engine.distributed import Bell

    return Bell(settings).ring
