"""`stap inbox`: what was not understood is tried again after the fix, on anybody's word."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from sqlalchemy import select, update

from bot import moments
from bot.__main__ import main
from bot.db import Database
from bot.engine import work
from bot.house import build
from bot.messaging import inbox
from bot.models.messages import InboxEvent
from bot.models.people import Address
from bot.settings import load

CANARY = "kanariezin over ziekte"


@pytest.fixture
def stap(sqlite_url, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", "1000:fictional")
    monkeypatch.setenv("TELEGRAM_API_URL", "http://127.0.0.1:9")

    def run(*words):
        return CliRunner().invoke(main, ["inbox", *words], catch_exceptions=False)

    return run


def told(database, number, text):
    """Store an update that cannot be read: nobody is in it, until that is put right."""
    with database.session() as session:
        update = {"update_id": number, "message": {"text": text}}
        inbox.store(session, inbox.from_update(update, "1000:fictional"))


def put_right(database, number, chat):
    """Stand in for a fix: from now on it can be read."""
    with database.session() as session:
        event = session.scalars(
            select(InboxEvent).where(InboxEvent.key == f"telegram:1000:{number}")
        ).one()
        at = int(moments.now().timestamp())
        message = {"message_id": 5, "date": at, "chat": {"id": chat, "type": "private"}}
        sender = {"id": chat, "is_bot": False, "first_name": "Rania"}
        event.payload = {
            **event.payload,
            "message": {**event.payload["message"], **message, "from": sender},
        }


def test_an_event_that_was_kept_is_acted_on_after_the_fix(stap, sqlite_url):
    """A STOP in a shape that nobody knew counts from the day that it is understood."""
    database = Database(sqlite_url)
    house = build(load(None))
    told(database, 1, "/stop")
    told(database, 2, CANARY)
    work.handle_inbox(house, 10)

    listed = stap("kept", "--json")
    assert [1, 2] == [row["id"] for row in json.loads(listed.stdout)]
    assert CANARY not in listed.stdout + stap("kept").stdout
    put_right(database, 1, 1006)
    tried = stap("retry", "1")
    work.handle_inbox(house, 10)

    assert (0, "Opnieuw te proberen: 1.\n") == (tried.exit_code, tried.stdout)
    with database.reading() as session:
        assert ["done", "kept"] == session.scalars(
            select(InboxEvent.state).order_by(InboxEvent.id)
        ).all()
        assert session.scalars(select(Address.stopped_at)).one() is not None
    house.database.close()
    database.close()


def test_all_that_was_kept_may_be_tried_and_what_is_done_never_again(stap, sqlite_url):
    database = Database(sqlite_url)
    for number, state in enumerate(("kept", "done", "ignored", "new", "kept"), 1):
        told(database, number, "")
        with database.session() as session:
            session.execute(
                update(InboxEvent).where(InboxEvent.id == number).values(state=state, tries=5)
            )
    assert "Opnieuw te proberen: 2.\n" == stap("retry").stdout
    with database.reading() as session:
        rows = session.execute(
            select(InboxEvent.state, InboxEvent.tries).order_by(InboxEvent.id)
        ).all()
    database.close()

    assert [("new", 0), ("done", 5), ("ignored", 5), ("new", 5), ("new", 0)] == rows


def test_a_number_that_was_not_kept_is_refused(stap):
    tried = stap("retry", "7")

    assert (1, "") == (tried.exit_code, tried.stdout)
    assert "stap inbox kept" in tried.stderr
