"""The database is away, locked, full or read-only while a webhook comes: nothing is lost by it."""

from __future__ import annotations

import stat
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
import structlog
from faults import FAULTS, WITHOUT_INBOX, locked
from knocking import STATUS, Doors, form, sid, signed, update
from sqlalchemy import select

from bot.channels.twilio import callback_url
from bot.db import AWAY
from bot.messaging.spool import ARRIVAL, DAMAGED, Spool
from bot.models.messages import InboxEvent, Reply
from bot.models.people import Address
from webhooks import keeper

PATIENCE = 60
TWILIO_WAITS = 15


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "it did not come to be"
        time.sleep(0.02)


def spool_of(doors: Doors) -> Spool:
    return Spool(doors.house.settings.spool)


def healed(doors: Doors) -> None:
    until(lambda: not spool_of(doors).waits(ARRIVAL))


@pytest.fixture
def impatient(monkeypatch) -> None:
    monkeypatch.setattr(keeper, "WAIT", 0.2)
    monkeypatch.setattr(keeper, "TRY_AGAIN", 0.05)


def big(number: int) -> list[tuple[str, str]]:
    """A message that needs a page of its own."""
    return form(MessageSid=sid(number), Body=f"{number} " + "x" * 9000)


@pytest.mark.parametrize(("kind", "fault"), FAULTS + WITHOUT_INBOX)
def test_what_was_answered_2xx_while_the_database_was_away_is_there_once(
    request, impatient, kind, fault
):
    """Twilio forgets a webhook that it got no 2xx for, and with it perhaps a STOP."""
    doors = Doors(request.getfixturevalue(f"{kind}_url"))
    before = doors.knock(big(1)).status_code
    with structlog.testing.capture_logs() as logs, fault(doors.house.database):
        away = [doors.knock(big(number)).status_code for number in (2, 3, 2, 4)]
        away += [doors.told(update(update_id=7)).status_code for _ in range(2)]
        assert 4 == spool_of(doors).count(ARRIVAL)
    healed(doors)
    after = [doors.knock(big(number)).status_code for number in (3, 5)]

    assert [204] + [204] * 4 + [200] * 2 + [204] * 2 == [before, *away, *after]
    assert {f"twilio:{sid(n)}" for n in (1, 2, 3, 4, 5)} | {"telegram:1000:7"} == {
        each.key for each in doors.events
    }
    assert 6 == doors.count()
    assert ["the database is away"] == [line["event"] for line in logs if "away" in line["event"]]
    doors.close()


def test_everyone_together_waits_less_than_the_provider_does(request, sqlite_url, monkeypatch):
    """Locked for a minute, ten a second come: only the first wait for it, the others know."""
    assert keeper.WAIT * 2 < TWILIO_WAITS
    waited: list[float] = []
    doors = Doors(sqlite_url)
    insert = doors.house.database.insert_alone

    def noting(statement, row, *, wait):
        waited.append(wait)
        return insert(statement, row, wait=0.2)

    monkeypatch.setattr(doors.house.database, "insert_alone", noting)
    with locked(doors.house.database):
        answers = [doors.knock(form(MessageSid=sid(number))).status_code for number in range(1, 21)]
        assert [keeper.WAIT] == waited
    healed(doors)

    assert [204] * 20 == answers
    assert [f"twilio:{sid(number)}" for number in range(1, 21)] == [e.key for e in doors.events]
    doors.close()


def test_what_was_said_first_is_stored_first_also_when_the_database_is_back(
    impatient, database_url
):
    """START and then STOP, seconds apart: the other way round she would go on getting messages."""
    doors = Doors(database_url)
    with locked(doors.house.database):
        doors.knock(form(MessageSid=sid(1), Body="START"))
        doors.knock(form(MessageSid=sid(2), Body="ja"))
    doors.knock(form(MessageSid=sid(3), Body="STOP"))
    healed(doors)
    doors.work()

    assert ["START", "ja", "STOP"] == [reply.text for reply in doors.replies]
    assert [True] == [a.stopped_at is not None for a in doors.read(select(Address))]
    doors.close()


def test_it_was_heard_when_it_was_said_and_not_when_it_was_put_in(impatient, database_url):
    doors = Doors(database_url)
    with locked(doors.house.database):
        doors.knock(form())
        [[path]] = spool_of(doors).arrivals()
        said = spool_of(doors).read(path).at
    healed(doors)
    doors.work()

    assert ([said], [said]) == (
        [each.received_at for each in doors.events],
        doors.read(select(Reply.at)),
    )
    doors.close()


def test_a_status_that_came_meanwhile_counts(impatient, database_url):
    """It may be all that proves a send."""
    doors = Doors(database_url)
    path = callback_url("", doors.house.settings.signing_key, 9, 1).partition("#")[0]
    report = form("sms_status_delivered")
    with locked(doors.house.database):
        forged = doors.knock(report, path.replace("m=9", "m=8"))
        answer = doors.knock(report, path)
    healed(doors)

    assert (403, 204) == (forged.status_code, answer.status_code)
    assert [(9, 1)] == [(e.payload["_message"], e.payload["_attempt"]) for e in doors.events]
    doors.close()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda doors: doors.knock(form(), signature="AAAA"),
        lambda doors: doors.told(update(), secret="wrong"),
        lambda doors: doors.knock(form(), STATUS),
    ],
)
def test_what_is_forged_is_refused_without_a_database_too(impatient, sqlite_url, spoil):
    doors = Doors(sqlite_url)
    with locked(doors.house.database):
        assert 403 == spoil(doors).status_code
        assert 0 == spool_of(doors).count(ARRIVAL)
    doors.close()


def test_one_signature_for_two_things_counts_for_the_first_only(impatient, sqlite_url):
    """What a captured signature is used for a second time is found out when both are put in."""
    doors = Doors(sqlite_url)
    doors.knock(form(MessageSid=sid(1)))
    [first] = doors.events
    with locked(doors.house.database):
        doors.app.extensions["keeper"].close()
        doors.knock(form(MessageSid=sid(2)))
        [[path]] = spool_of(doors).arrivals()
        entry = spool_of(doors).read(path)
        path.unlink()
        spool_of(doors).keep(replace(entry, signature=first.signature))
        doors.knock(form(MessageSid=sid(3)))
    with structlog.testing.capture_logs() as logs:
        after = Doors(sqlite_url)
        healed(after)

    assert ["a signature used before, for something else"] == [
        line["why"] for line in logs if line["event"] == "forged"
    ]
    assert [f"twilio:{sid(1)}", f"twilio:{sid(3)}"] == [e.key for e in doors.events]
    doors.close()
    after.close()


def test_only_its_own_user_may_read_what_waits_and_it_goes_when_it_is_stored(impatient, sqlite_url):
    doors = Doors(sqlite_url)
    folder = doors.house.settings.spool
    with locked(doors.house.database):
        doors.knock(form(Body="ik ben ziek"))
        [path] = folder.iterdir()
        assert 0o600 == stat.S_IMODE(path.stat().st_mode)
        assert 0o700 == stat.S_IMODE(folder.stat().st_mode)
        assert signed(form(Body="ik ben ziek")) not in path.read_text(), "a signature is a key"
        assert "+316" not in path.name
    healed(doors)
    until(lambda: [] == list(folder.iterdir()))
    doors.close()


def test_where_neither_takes_it_the_provider_is_asked_to_come_back(
    impatient, database_url, tmp_path
):
    blocked = tmp_path / "a file where a folder should be"
    blocked.write_text("")
    doors = Doors(database_url, spool_dir=str(blocked))
    with structlog.testing.capture_logs() as logs, locked(doors.house.database):
        answers = [doors.knock(form()), doors.told(update())]

    assert [503, 503] == [answer.status_code for answer in answers]
    assert ["5", "5"] == [answer.headers["Retry-After"] for answer in answers]
    assert "neither database nor disk" in {line["event"] for line in logs}
    assert 204 == doors.knock(form()).status_code
    assert 1 == doors.count()
    doors.close()


def test_what_a_dead_process_left_is_put_in_by_the_next(impatient, database_url):
    doors = Doors(database_url)
    with locked(doors.house.database):
        doors.app.extensions["keeper"].close()
        doors.knock(form())
    assert (1, 0) == (spool_of(doors).count(ARRIVAL), doors.count())
    woken = threading.Event()
    after = Doors(database_url, wake=woken.set)
    healed(after)

    assert woken.wait(PATIENCE)
    assert 1 == after.count()
    doors.close()
    after.close()


def test_a_damaged_file_is_kept_and_holds_up_no_other(impatient, sqlite_url):
    """A bad disk: what can still be read is read, and the rest is there to be looked at."""
    doors = Doors(sqlite_url)
    spool = spool_of(doors)
    with locked(doors.house.database):
        doors.app.extensions["keeper"].close()
        for number in (1, 2, 3):
            doors.knock(form(MessageSid=sid(number)))
        [[first, second, _]] = spool.arrivals()
        first.write_bytes(first.read_bytes()[:-1])
        second.write_bytes(second.read_bytes().replace(sid(2).encode(), sid(9).encode()))
    after = Doors(sqlite_url)
    healed(after)

    assert [f"twilio:{sid(3)}"] == [each.key for each in after.events]
    assert 2 == spool.count(DAMAGED)
    doors.close()
    after.close()


def test_eight_at_once_lose_and_double_nothing(impatient, database_url):
    """Everything by turns: stored at once, kept, put in, while others come."""
    doors = Doors(database_url)
    answers: Counter[int] = Counter()

    def knock(numbers: range) -> None:
        for number in numbers:
            answers[doors.knock(form(MessageSid=sid(number))).status_code] += 1

    threads = [
        threading.Thread(target=knock, args=(range(first, first + 15),))
        for first in range(100, 900, 100)
    ]
    for thread in threads[:4]:
        thread.start()
    with locked(doors.house.database):
        for thread in threads[4:]:
            thread.start()
        until(lambda: spool_of(doors).count(ARRIVAL) > 20)
    for thread in threads:
        thread.join()
    healed(doors)

    assert {204: 120} == dict(answers)
    assert 120 == doors.count()
    assert 120 == len(set(doors.read(select(InboxEvent.key))))
    doors.close()


def test_a_full_disk_of_the_server_is_one_that_is_away():
    """It cannot be filled in a test; that it is told in a class that we wait for can be seen."""
    errors = (
        psycopg.errors.DiskFull,
        psycopg.errors.CannotConnectNow,
        psycopg.errors.AdminShutdown,
    )
    names = {error.__mro__[1].__name__ for error in errors}

    assert names <= {each.__name__ for each in AWAY}


def test_the_spool_of_an_sqlite_file_lies_beside_it(monkeypatch):
    from bot.settings import load

    monkeypatch.delenv("SPOOL_DIR")

    assert Path("var/spool") == load(None).spool
    assert Path("/data/spool") == load(None, database_url="sqlite:////data/stap.db").spool
    assert Path("here/spool") == load(None, database_url="sqlite:///here/stap.db").spool
    assert Path("var/spool") == load(None, database_url="postgresql+psycopg://u@h/stap").spool
    assert Path("/elsewhere") == load(None, spool_dir="/elsewhere").spool
