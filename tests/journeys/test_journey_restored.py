"""A backup was put back, or a database was copied: nothing goes twice, nothing goes astray."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import requests
from click.testing import CliRunner
from sqlalchemy import select, text
from world import World

from bot import moments
from bot.__main__ import main
from bot.db import Base
from bot.engine import work
from bot.engine.embedded import Engine
from bot.messaging import installation
from bot.models.installation import Installation
from bot.models.messages import Attempt, InboxEvent, Message
from bot.models.people import Address

PATIENCE = 90


def local(*parts: int) -> datetime:
    return moments.from_local(datetime(*parts))


def until(true: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "it did not come to be"
        time.sleep(0.05)


class Backup:
    """A backup put back over the database: of SQLite its own, of PostgreSQL every row.

    Numbers go on from the backup's last: after it they are given out a second time.
    """

    def __init__(self, world: World, folder: Path) -> None:
        self.database = world.house.database
        self.file = folder / "backup.db"
        if self.sqlite:
            _copy(self._path, self.file)
            return
        with self.database.engine.connect() as connection:
            self.rows = {
                table: [dict(row) for row in connection.execute(select(table)).mappings()]
                for table in Base.metadata.sorted_tables
            }

    def put_back(self) -> None:
        if self.sqlite:
            self.database.close()
            _copy(self.file, self._path)
            return
        with self.database.session() as session:
            names = ", ".join(f'"{table.name}"' for table in self.rows)
            session.execute(text(f"TRUNCATE {names} RESTART IDENTITY"))
            for table, rows in self.rows.items():
                if rows:
                    session.execute(table.insert(), rows)
                if rows and isinstance(rows[0].get("id"), int):
                    last = max(row["id"] for row in rows)
                    session.execute(
                        text(f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), {last})")
                    )

    @property
    def sqlite(self) -> bool:
        return self.database.url.get_backend_name() == "sqlite"

    @property
    def _path(self) -> Path:
        return Path(str(self.database.url.database))


def _copy(here: Path, there: Path) -> None:
    with closing(sqlite3.connect(here)) as source, closing(sqlite3.connect(there)) as copy:
        source.backup(copy)


def resume(world: World) -> None:
    """Start the house's worker again, as it starts after a deploy."""
    world.server.providers.telegram.webhook = None
    world.engine = Engine(world.house)
    world.engine.start()
    until(world.engine.caught_up.is_set)


def disaster(world: World, backup: Backup, now: datetime) -> None:
    """The disk is lost with all since the backup; it is *now* all the same."""
    world.server.settle(20)
    world.engine.pulse.beat()  # else the backup may be younger than what was last seen
    world.engine.stop()
    backup.put_back()
    world.at(now)
    resume(world)
    until(lambda: world.read(installation.on_hold))


SETTINGS = (
    *("database_url", "environment", "spool_dir", "allowed_recipients"),
    *("twilio_account_sid", "twilio_auth_token", "twilio_sms_from"),
    *("twilio_api_url", "twilio_content_url", "telegram_api_url"),
)


def stap(world: World, monkeypatch, *words: str):
    for name in SETTINGS:
        value = getattr(world.house.settings, name)
        monkeypatch.setenv(name.upper(), value if isinstance(value, str) else ",".join(value))
    return CliRunner().invoke(main, ["hold", *words], catch_exceptions=False)


def tick(world: World, **passed: float) -> None:
    """Let the clock tick while nothing may be sent; wait until all that came in is read."""
    world.at(moments.now() + timedelta(**passed))
    for do, _ in work.TICKS.values():
        do(world.house, 200)
    world.engine.wake()
    new = select(InboxEvent.id).where(InboxEvent.state == "new")
    until(lambda: world.server.settle(20) and not world.read(lambda s: s.scalars(new).all()))


def calls(world: World) -> int:
    """How often a provider was asked to send."""
    return sum(
        entry.method == "POST"
        and (entry.path.endswith("/Messages.json") or entry.path.endswith("/sendMessage"))
        for entry in world.ground.log
    )


def texts(world: World, name: str) -> list[str]:
    return [bubble.text for bubble in world.phone(name).received]


def test_after_yesterdays_backup_a_stop_counts_again_and_nothing_goes_twice(
    world, tmp_path, monkeypatch
):
    mehmet = world.person("Mehmet", "tr", "sms", "+31697000008")
    priya = world.person("Priya", "en", "sms", "+31697000004")
    dilan = world.person("Dilan", "en", "sms", "+31697000015")
    rania = world.person("Rania", "ar", "telegram", "1006")
    for number, person in enumerate((mehmet, priya, rania), 1):
        world.afspraak(f"A{number}", person, datetime(2026, 12, 3, 14, 30))
    world.afspraak("A4", dilan, datetime(2026, 12, 4, 14, 30))
    world.tick()
    until(lambda: world.read(lambda s: s.get(Installation, 1)))
    backup = Backup(world, tmp_path)
    names = ("Mehmet", "Priya", "Rania", "Dilan")
    had = {name: len(texts(world, name)) for name in names}

    # All this the backup does not know: three reminders, a yes with its answer, a STOP.
    world.at(local(2026, 12, 2, 14, 30))
    world.tick()
    world.phone("Priya").say("1")
    world.phone("Mehmet").say("dur")
    before = {name: texts(world, name) for name in names}
    sent = calls(world)
    assert [2, 2, 1, 0] == [len(before[name]) - had[name] for name in names]

    disaster(world, backup, local(2026, 12, 3, 9, 0))
    tick(world)
    tick(world, minutes=3)

    # What Twilio shows is known again, the STOP and the yes too; what it does not show waits.
    assert sent == calls(world)
    stopped = select(Address.stopped_at).where(Address.address == "+31697000008")
    assert world.read(lambda s: s.scalars(stopped).one()) is not None
    assert "confirmed" == world.answer("A2")
    states = dict(world.read(lambda s: s.execute(select(Message.occasion, Message.state)).all()))
    reminded = {key: state for key, state in states.items() if key.startswith("afspraak:")}
    assert {"delivered": 2, "unknown": 1} == counts(
        state for key, state in reminded.items() if ":v1:1d" in key and "afspraak:4:" not in key
    )

    ready = requests.get(world.house.settings.public_url + "/readyz", timeout=10)
    assert (200, True) == (ready.status_code, ready.json()["ready"])
    assert "Er is een oudere back-up teruggezet: wat er na 01-12-2026 10:00" in ready.text

    tick(world, minutes=16)
    status = stap(world, monkeypatch, "status")
    assert 1 == status.exit_code
    assert "Er is een oudere back-up teruggezet" in status.stdout, status.stderr
    assert "Er staat niets in de weg." in status.stdout
    released = stap(world, monkeypatch, "release")
    assert (0, "") == (released.exit_code, released.stderr)
    world.tick()
    world.pass_(minutes=12)
    assert ["onbekend of aangekomen"] == [t for t in world.tasks() if t.startswith("onbekend")]

    # Dilan's, due this very morning, was in nobody's list; everyone else has what they had.
    after = {name: texts(world, name) for name in before}
    assert {name: after[name] for name in ("Mehmet", "Priya", "Rania")} == {
        name: before[name] for name in ("Mehmet", "Priya", "Rania")
    }
    world.at(local(2026, 12, 3, 15, 0))
    world.tick()
    assert had["Dilan"] + 1 == len(texts(world, "Dilan"))


def counts(states) -> dict[str, int]:
    found: dict[str, int] = {}
    for state in states:
        found[state] = found.get(state, 0) + 1
    return found


def test_what_was_due_and_never_went_goes_after_all(world, tmp_path, monkeypatch):
    """The house was down between the backup and now: two looks at the list show it."""
    person = world.person("Mehmet", "tr", "sms", "+31697000008")
    world.afspraak("A1", person, datetime(2026, 12, 3, 14, 30))
    until(lambda: world.read(lambda s: s.get(Installation, 1)))
    backup = Backup(world, tmp_path)

    disaster(world, backup, local(2026, 12, 2, 16, 0))
    tick(world, minutes=3)
    refused = stap(world, monkeypatch, "release")
    assert 1 == refused.exit_code, (refused.stdout, world.messages())
    assert "Nog na te kijken bij Twilio, twee keer, een kwartier na elkaar: 1" in refused.stderr
    tick(world, minutes=16)
    assert (["afspraak.reminder", "planned"], 0) == (list(world.messages()[0]), calls(world))
    assert 0 == stap(world, monkeypatch, "release").exit_code
    world.tick()

    assert [("afspraak.reminder", "delivered")] == world.messages()
    assert ["restored", "text"] == world.read(
        lambda s: s.scalars(select(Attempt.form).order_by(Attempt.number)).all()
    )


def test_a_worker_that_saw_the_newer_one_holds_the_older_while_it_runs(world, tmp_path):
    """The database is put back under a house that goes on: no claim comes before the hold."""
    person = world.person("Mehmet", "tr", "sms", "+31697000008")
    world.afspraak("A1", person, datetime(2026, 12, 3, 14, 30))
    until(lambda: world.read(lambda s: s.get(Installation, 1)))
    backup = Backup(world, tmp_path)
    world.engine.pulse.beat()
    world.at(local(2026, 12, 2, 14, 30))
    world.tick()
    assert 1 == calls(world)
    seen = world.engine.pulse.seen

    backup.put_back()
    world.at(local(2026, 12, 2, 15, 0))
    work.remind(world.house, 200)
    world.engine.wake()
    until(lambda: world.read(installation.on_hold))

    identity, why = world.read(
        lambda s: s.execute(select(Installation.identity, Installation.held_why)).one()
    )
    assert (1, "restored") == (calls(world), why)
    assert identity not in (seen.identity, *seen.former)


def test_a_copy_of_production_reaches_nobody_off_the_list_elsewhere(world, monkeypatch):
    """With its database and its keys: the most likely mistake there is."""
    person = world.person("Mehmet", "tr", "sms", "+31697000008")
    tester = world.person("Tester", "en", "sms", "+31697000099")
    for number, who in enumerate((person, tester), 1):
        world.afspraak(f"A{number}", who, datetime(2026, 12, 3, 14, 30))
    world.engine.stop()
    with world.house.database.session() as session:
        session.get_one(Installation, 1).environment = "production"
    settings = world.house.settings.model_copy(
        update={"environment": "staging", "allowed_recipients": ("+31697000099",)}
    )
    world.house = replace(world.house, settings=settings)
    world.at(local(2026, 12, 2, 14, 30))
    webhook = object()
    world.server.providers.telegram.webhook = webhook
    asked = len(world.ground.log)
    world.engine = Engine(world.house)
    world.engine.start()
    until(lambda: world.read(installation.on_hold))
    tick(world)
    tick(world, minutes=6)

    assert [0, webhook] == [calls(world), world.server.providers.telegram.webhook]
    assert asked == len(world.ground.log), "nothing at all is asked of the providers"
    assert "Deze database is van production, en dit is staging" in str(
        world.read(lambda s: installation.told(installation.found(s), "staging"))
    )

    with world.house.database.session() as session:
        installation.release(session, world.house)
    world.engine.pulse.beat()
    world.tick()

    assert [1, 1] == [calls(world), len(texts(world, "Tester"))]
    assert ["blocked", "delivered"] == sorted(state for _, state in world.messages())
