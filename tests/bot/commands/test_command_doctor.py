"""`stap doctor`: every line says what is wrong and what to do about it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from click.testing import CliRunner
from post_office import Office
from sqlalchemy import text, update

from bot import moments
from bot.__main__ import main
from bot.channels import dates
from bot.commands import machine
from bot.db import Database
from bot.db import clock as database_clock
from bot.engine import work
from bot.messaging.spool import ARRIVAL, DAMAGED
from bot.models.messages import Message
from bot.models.ticks import DISTRUST, Tick


@pytest.fixture
def office(sqlite_url, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    opened = Office(sqlite_url)
    moments.set_practice_offset(timedelta())
    yield opened
    opened.close()


def doctor():
    return CliRunner().invoke(main, ["doctor"], catch_exceptions=False).stdout


def put(office, occasion, state, ago=timedelta()):
    message = office.queue(office.person(occasion, address=f"+3169700{len(occasion):04}"), occasion)
    with office.database.session() as session:
        session.execute(
            update(Message)
            .where(Message.id == message)
            .values(state=state, changed_at=moments.now() - ago)
        )


def test_messages_of_which_nobody_knows_are_counted_with_what_to_do(office):
    put(office, "a", "unknown", timedelta(days=30))
    put(office, "bb", "unknown")
    put(office, "ccc", "unknown_final")
    put(office, "dddd", "no_receipt")
    put(office, "eeeee", "delivered")
    told = doctor()

    assert "Van 2 berichten is nog onbekend of het aankwam. De lijst van Twilio" in told
    assert "Van 1 bericht in de laatste 7 dagen blijft onbekend" in told
    assert "Van 1 bericht in de laatste 7 dagen kwam binnen drie dagen geen ontvangst" in told


def test_what_is_long_over_is_not_said_for_ever(office):
    put(office, "ccc", "unknown_final", timedelta(days=8))
    put(office, "dddd", "no_receipt", timedelta(days=8))
    told = doctor()

    assert "onbekend" not in told
    assert "ontvangstbewijs" not in told


def test_a_spool_that_cannot_be_written_is_said_before_it_is_needed(office, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SPOOL_DIR", str(tmp_path / "file"))

    assert f"In {tmp_path / 'file'} kan niet geschreven worden" in doctor()


def test_what_waits_on_the_disk_and_what_is_damaged_is_counted(office):
    folder = office.house.settings.spool
    folder.mkdir(parents=True)
    for number in range(3):
        (folder / f"{number}{ARRIVAL}").write_text("")
    (folder / f"4{ARRIVAL}{DAMAGED}").write_text("")
    told = doctor()

    assert f"In {folder} wachten 3 gebeurtenissen op de database." in told
    assert f"In {folder} liggen 1 bestanden" in told
    assert 4 == len(list(folder.iterdir())), "looking changes nothing"


# ------------------------------------------------------------------ the machine


def test_what_the_house_runs_on_is_told(office):
    told = doctor()

    assert "Database: SQLite 3." in told
    assert "WAL, FULL." in told
    assert "GB vrij bij" in told
    assert "Let op: nog niet nagelezen teksten:" in told


@pytest.mark.postgres
def test_a_postgresql_that_may_lose_what_it_confirmed_is_said(postgres_url):
    database = Database(postgres_url)
    told: list[str] = []
    with database.session() as session:
        session.execute(text("SET LOCAL synchronous_commit = on"))
        assert [] == [each for each in machine.database(session, told) if "commit" in each]
        session.execute(text("SET LOCAL synchronous_commit = off"))
        [wrong] = [each for each in machine.database(session, told) if "commit" in each]
    database.close()
    assert "Database: PostgreSQL 1" in told[0]
    assert "staat synchronous_commit uit" in wrong


@pytest.mark.parametrize(("ahead", "says"), [(90, "90 seconden achter"), (-3600, "voor")])
def test_a_clock_that_is_not_the_providers_is_said(office, monkeypatch, ahead, says):
    monkeypatch.setattr(
        dates, "told_by", lambda _origin: moments.machine_now() + timedelta(seconds=ahead)
    )
    told: list[str] = []
    [wrong, again] = machine.clocks(office.house, None, told)

    assert "De klok van deze machine loopt" in wrong
    assert says in wrong.replace("89 ", "90 ") or says in again
    assert "NTP" in wrong
    assert [] == told


def test_a_provider_that_does_not_say_what_time_it_is_is_no_fault(office):
    told: list[str] = []
    assert [] == list(machine.clocks(office.house, None, told))
    assert "Klok: 127.0.0.1 zegt niet hoe laat het is." in told


def test_that_nobody_works_any_more_is_said(office):
    work.note(office.house, ["remind"])
    assert "Er is niet gewerkt sinds" not in doctor()
    with office.database.session() as session:
        session.execute(update(Tick).values(at=database_clock(session) - timedelta(minutes=4)))
    assert "Er is niet gewerkt sinds" in doctor()


def test_a_worker_that_does_not_believe_its_clock_is_said(office):
    work.note(office.house, ["remind", DISTRUST])
    assert "gelooft de tijd van zijn machine niet" in doctor()


def test_a_disk_that_is_almost_full_is_said(office, monkeypatch):
    monkeypatch.setattr(machine, "LEAST_FREE", 2**60)
    assert "is bijna vol" in doctor()


def test_a_database_that_is_away_is_said_and_the_rest_goes_on(office, monkeypatch, tmp_path):
    monkeypatch.setenv("DATABASE_URL", "postgresql+psycopg://nobody@127.0.0.1:9/nothing")
    told = CliRunner().invoke(main, ["doctor"], catch_exceptions=False)
    assert 1 == told.exit_code
    assert "De database antwoordt niet (OperationalError). Kijk naar DATABASE_URL." in told.stdout
    assert "Schijf:" in told.stdout
