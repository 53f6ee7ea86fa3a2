"""What /metrics and /readyz cost to ask, and what /readyz says in words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from post_office import Office
from sqlalchemy import event, text, update
from test_figures import told

from app import create_app
from bot import moments
from bot.db import Database, clock
from bot.engine import work
from bot.messaging import installation
from bot.messaging.spool import ARRIVAL, Spool
from bot.models.messages import Sender
from bot.models.ticks import Tick
from webhooks import figures, health


@pytest.fixture
def office(sqlite_url, tmp_path) -> Iterator[Office]:
    made = Office(sqlite_url, spool_dir=str(tmp_path / "spool"))
    yield made
    made.close()


@pytest.fixture
def app(office) -> Flask:
    return create_app(office.house)


# ------------------------------------------------------------------ what it costs


def statements(database: Database, ask) -> list[str]:
    said: list[str] = []

    def note(_connection, _cursor, statement, *_):
        said.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    ask()
    event.remove(database.engine, "before_cursor_execute", note)
    return said


def test_every_question_goes_by_an_index(office, app):
    """A million messages later it must take as long as today.

    SQLite tells plainly what it would do; the indexes on PostgreSQL are the same.
    """
    asked: list[tuple[str, object]] = []

    def note(_connection, _cursor, statement, parameters, *_):
        asked.append((statement, parameters))

    office.queue(office.person())
    event.listen(office.database.engine, "before_cursor_execute", note)
    told(app)
    event.remove(office.database.engine, "before_cursor_execute", note)
    selects = [each for each in asked if each[0].startswith("SELECT")]
    assert len(selects) > 20
    walks = []
    with office.database.engine.connect() as connection:
        for statement, parameters in selects:
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters):
                walks += [(row[3], statement)] if walks_through(row[3]) else []
    assert [] == walks


def walks_through(step: str) -> bool:
    """Say whether *step* of a plan reads all of a table that grows."""
    grows = ("message", "inbox_event", "attempt", "task")
    return any(step.startswith(f"SCAN {table}") for table in grows) and "INDEX ix_" not in step \
        and "uq_task_open" not in step  # fmt: skip


def test_figures_are_asked_for_once_in_a_few_seconds(app, office):
    """Whoever asks ten times a second costs no more than one who asks seldom."""
    told(app)
    client = app.test_client()

    again = statements(office.database, lambda: [client.get("/metrics") for _ in range(10)])

    assert [] == again


def test_a_database_that_is_away_is_a_figure_too(app, office, tmp_path):
    spool = Spool(office.house.settings.spool)
    spool.write("1" + ARRIVAL, b"x")
    away = Database(f"sqlite:///{tmp_path}/no/such/folder.db")
    (tmp_path / "no" / "such").rename(tmp_path / "gone")
    app.extensions["figures"] = figures.Figures(replace(office.house, database=away))

    found = told(app)
    away.close()
    assert 0 == found["stap_database_up",]
    assert 1 == found["stap_spool", "arrival"]
    assert ("stap_inbox_waiting",) not in found


# ------------------------------------------------------------------ whether it is ready


def ready(app: Flask, **headers: str) -> tuple[int, bool, dict[str, str]]:
    answer = app.test_client().get("/readyz", headers=headers)
    said = json.loads(answer.text)
    problems = {each["what"]: each["says"] for each in said.get("problems", [])}
    return answer.status_code, said["ready"], problems


def test_a_house_that_works_has_nothing_to_say(app, office):
    work.note(office.house, ["remind"])

    assert (200, True, {}) == ready(app)


def test_that_nobody_works_is_said_and_keeps_no_door_shut(app, office):
    assert (200, True, ["work"]) == (*ready(app)[:2], list(ready(app)[2]))
    work.note(office.house, ["remind"])
    with office.database.session() as session:
        session.execute(update(Tick).values(at=clock(session) - timedelta(minutes=4)))

    _, _, problems = ready(app)
    assert "Draaien werker en klok" in problems["work"]


def test_a_schema_that_is_behind_is_not_ready(app, office):
    with office.database.session() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '0001'"))

    status, is_ready, problems = ready(app)
    assert (503, False, ["migrations"]) == (status, is_ready, list(problems))
    assert "stap migrate" in problems["migrations"]


def test_a_database_that_is_away_is_not_ready(app, office, tmp_path):
    away = Database(f"sqlite:///{tmp_path}/no/such/folder.db")
    (tmp_path / "no" / "such").rename(tmp_path / "gone")
    app.extensions["house"] = replace(office.house, database=away)

    status, is_ready, problems = ready(app)
    away.close()
    assert (503, False, ["database"]) == (status, is_ready, list(problems))
    assert "OperationalError" in problems["database"]


def test_what_waits_on_the_disk_is_said(app, office):
    work.note(office.house, ["remind"])
    Spool(office.house.settings.spool).write("1" + ARRIVAL, b"x")

    status, is_ready, problems = ready(app)
    assert (200, True, ["spool"]) == (status, is_ready, list(problems))
    assert "wachten 1 gebeurtenissen" in problems["spool"]


def test_a_hold_is_said_and_keeps_the_doors_open(app, office):
    """What people write must still come in, a STOP above all."""
    work.note(office.house, ["remind"])
    with office.database.session() as session:
        installation.check_in(session, office.house, installation.Evidence())
        installation.ask(session, "oefening")

    status, is_ready, problems = ready(app)
    assert (200, True, ["hold"]) == (status, is_ready, list(problems))
    assert "Er wordt niets verstuurd" in problems["hold"]


def test_a_channel_that_lies_still_is_said(app, office):
    work.note(office.house, ["remind"])
    with office.database.session() as session:
        session.add(Sender(channel="sms", failures=5, broken_since=clock(session)))

    status, is_ready, problems = ready(app)
    assert (200, True, ["channel"]) == (status, is_ready, list(problems))


def test_a_clock_that_is_wrong_is_said(app, office, monkeypatch):
    work.note(office.house, ["remind"])
    machine = moments.machine_now
    monkeypatch.setattr(moments, "machine_now", lambda: machine() + timedelta(minutes=3))

    _, is_ready, problems = ready(app)
    assert (True, ["clock"]) == (is_ready, list(problems))
    assert "180 seconden voor" in problems["clock"] or "179 seconden voor" in problems["clock"]


def test_a_broker_that_is_away_is_said_and_asked_seldom(app, office):
    work.note(office.house, ["remind"])
    asked = []
    app.extensions["broker"] = health.Broker(lambda: asked.append(1) or "ConnectionRefusedError")

    _, is_ready, problems = ready(app)
    assert (True, ["broker"]) == (is_ready, list(problems))
    assert "ConnectionRefusedError" in problems["broker"]
    ready(app)
    assert [1] == asked


def test_the_world_is_told_only_whether(app, office):
    """What is wrong with a house is nothing for whoever looks for a way in."""
    assert (200, True, {}) == ready(app, **{"X-Forwarded-For": "203.0.113.7"})
    assert "problems" not in json.loads(
        app.test_client().get("/readyz", headers={"Via": "1.1 proxy"}).text
    )
