"""`stap run`, `stap work`, `stap clock`, `stap migrate`: what keeps running, and what it needs."""

from __future__ import annotations

import gc
import signal
import threading
from collections.abc import Callable
from types import FrameType

import click

from bot import migrate as migrations
from bot.commands.shared import refuse, the_house
from bot.engine.clock import Clock
from bot.engine.embedded import Engine
from bot.engine.pump import POLL
from bot.engine.work import follow_practice_clock
from bot.house import House


def until_told() -> threading.Event:
    """Return an event that is set when this process is asked to end."""
    told = threading.Event()

    def tell(_number: int, _frame: FrameType | None) -> None:
        told.set()

    signal.signal(signal.SIGTERM, tell)
    signal.signal(signal.SIGINT, tell)
    return told


@click.command("migrate")
def migrate() -> None:
    """Breng de database naar de nieuwste vorm."""
    with the_house(migrated=False) as house:
        migrations.upgrade(house.database)
    click.echo("De database is bij.")


@click.command("run")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True, type=int)
@click.option("--practice", is_flag=True, help="Met oefentelefoons en verzonnen mensen.")
def run(host: str, port: int, practice: bool) -> None:
    """Start alles in één proces: webhooks, werker en klok."""
    told = until_told()
    if practice:
        from bot.commands.practice import practice_ground

        with practice_ground(port) as ready:
            _serve(host, port, told, ready)
    else:
        _serve(host, port, told, lambda house: None)


def _serve(host: str, port: int, told: threading.Event, ready: Callable[[House], None]) -> None:
    # The web server and the doors are for this command alone.
    from app import create_app
    from bot.web import WebServer

    with the_house(migrated=False) as house:
        migrations.upgrade(house.database)
        follow_practice_clock(house)
        engine, clock = _engine(house), _clock(house)
        try:
            server = WebServer(create_app(house, engine.wake), host, port)
        except OSError as error:
            refuse(f"Poort {port} is niet vrij: {error.strerror}")
        server.start()
        engine.start()
        clock.start()
        try:
            ready(house)
            click.echo(f"Stap Vooruit draait op http://{host}:{server.port}", err=True)
            _rest(engine, told)
        finally:
            clock.stop()
            engine.stop()
            server.close()


@click.command("work")
def work() -> None:
    """Eén werker: handelt af wat binnenkomt en verstuurt wat klaarstaat."""
    _keep(_engine)


@click.command("clock")
def clock() -> None:
    """Eén klok: zet klaar wat nu verstuurd moet worden."""
    _keep(_clock)


def _engine(house: House) -> Engine:
    if house.settings.engine == "embedded":
        return Engine(house)
    # Celery is for many machines: one machine need not load it.
    from bot.engine.distributed import Worker

    return Worker(house)


def _clock(house: House) -> Clock:
    if house.settings.engine == "embedded":
        return Clock(house)
    from bot.engine.distributed import Ticker

    return Ticker(house)


def _keep(make: Callable[[House], Engine | Clock]) -> None:
    """Wait for the database, then run until told to end."""
    told = until_told()
    with the_house(migrated=False) as house:
        if not migrations.wait_until_current(house.database, told):
            return
        running = make(house)
        running.start()
        _rest(running, told)
        running.stop()


def _rest(running: Engine | Clock, told: threading.Event) -> None:
    """Wait until told to end.

    What is loaded by then is here to stay: looking through all of it for what nobody refers to any
    more would hold every thread up for a tenth of a second, again and again.
    """
    while isinstance(running, Engine) and not running.loaded.wait(POLL):
        if told.is_set():
            return
    gc.collect()
    gc.freeze()
    told.wait()
