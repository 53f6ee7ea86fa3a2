"""What several doors bring at once is all inserted; each learns what became of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from faults import locked
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from bot import moments
from bot.db import AWAY, Database
from bot.inserts import insert_alone
from bot.models.messages import InboxEvent

PATIENCE = 60


@pytest.fixture
def database(database_url):
    database = Database(database_url)
    yield database
    database.close()


def event(key: str | None) -> dict[str, Any]:
    now = moments.now()
    return {
        "key": key,
        "source": "twilio",
        "lane": "sms:+31697000001",
        "signature": None,
        "fingerprint": str(key),
        "payload": {"Body": "ja"},
        "not_before": now,
        "received_at": now,
    }


def keys(database: Database) -> list[str]:
    with database.reading() as session:
        return list(session.scalars(select(InboxEvent.key).order_by(InboxEvent.key)))


def brought_at_once(
    database: Database, *brought: str | None, then: Callable[[], None] = lambda: None
) -> list[Future[bool]]:
    """Bring one after the other while the database is locked, so that none is in before the last.

    Calls *then* before the lock is gone.
    """
    with ThreadPoolExecutor(len(brought)) as threads, locked(database):
        told = []
        for key in brought:
            waiting = len(database._brought)
            told.append(
                threads.submit(insert_alone, database, InboxEvent, event(key), wait=PATIENCE)
            )
            settled(lambda waiting=waiting: database._led and len(database._brought) != waiting)
        then()
    return told


def settled(true: Callable[[], bool]) -> None:
    """Wait a moment for *true*: who leads may have taken its own already."""
    done = threading.Event()
    for _ in range(20):
        if true():
            return
        done.wait(0.02)


def test_each_is_there_once_and_one_who_brought_it_is_told_so(database):
    brought = ["a", "b", "c", "b", "d", "a"]
    told = brought_at_once(database, *brought)

    made = [key for key, each in zip(brought, told, strict=True) if each.result()]
    assert ["a", "b", "c", "d"] == sorted(made) == keys(database)


def test_one_that_cannot_be_stored_takes_no_other_down(database):
    told = brought_at_once(database, "a", "b", None, "c")

    assert isinstance(told[2].exception(), IntegrityError)
    assert [True, True, True] == [told[at].result() for at in (0, 1, 3)]
    assert ["a", "b", "c"] == keys(database)


def test_who_gives_up_is_not_waited_for_by_who_comes_after(database):
    def one_gives_up() -> None:
        with pytest.raises(AWAY):
            insert_alone(database, InboxEvent, event("hasty"), wait=0.05)

    told = brought_at_once(database, "a", "b", then=one_gives_up)
    after = [insert_alone(database, InboxEvent, event(key), wait=PATIENCE) for key in ("c", "d")]

    assert [True] * 4 == [each.result() for each in told] + after
    assert ["a", "b", "c", "d"] == [key for key in keys(database) if key != "hasty"]


def test_while_it_is_locked_nobody_waits_for_ever(database):
    with locked(database), ThreadPoolExecutor(6) as threads:
        told = [
            threads.submit(insert_alone, database, InboxEvent, event(str(n)), wait=0.2)
            for n in range(6)
        ]
        assert all(isinstance(each.exception(timeout=PATIENCE), AWAY) for each in told)

    assert insert_alone(database, InboxEvent, event("after"), wait=PATIENCE)
