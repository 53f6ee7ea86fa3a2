"""`stap doctor`: every line says what is wrong and what to do about it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from click.testing import CliRunner
from post_office import Office
from sqlalchemy import update

from bot import moments
from bot.__main__ import main
from bot.messaging.spool import ARRIVAL, DAMAGED
from bot.models.messages import Message


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
