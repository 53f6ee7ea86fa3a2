"""What calls came to while the database was away: recorded before the reaper, once, of this one."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from post_office import NOT_SENT, REFUSED, UNKNOWN, Office
from sqlalchemy import select

from bot import moments
from bot.channels.base import SendError
from bot.engine import spooled, work
from bot.messaging import installation, spool
from bot.messaging.delivery import Prepared
from bot.messaging.installation import Evidence
from bot.messaging.spool import DAMAGED, OUTCOME, Spool
from bot.models.installation import Installation
from bot.models.messages import Attempt, Message


@pytest.fixture
def office(make_office) -> Office:
    opened = make_office()
    with opened.database.session() as session:
        installation.check_in(session, opened.house, Evidence())
    return opened


def disk(office: Office) -> Spool:
    return Spool(office.house.settings.spool)


def keep(office: Office, prepared: Prepared, told: str | SendError | None, **other) -> None:
    """Keep what a call came to, as a worker does that cannot reach the database."""
    identity = office.read(lambda s: s.get_one(Installation, 1).identity)
    sent = prepared.outgoing
    entry = spool.outcome(identity, sent.message, sent.attempt, prepared.epoch, told)
    disk(office).keep(replace(entry, **other))


def told(office: Office) -> tuple[str, str | None, str | None]:
    """Return the state of the one message, and outcome and provider's id of its last attempt."""
    return office.read(
        lambda s: tuple(
            s.execute(
                select(Message.state, Attempt.outcome, Attempt.provider_ref)
                .join(Attempt, Attempt.message_id == Message.id)
                .order_by(Attempt.number.desc())
            ).first()
        )
    )


@pytest.mark.parametrize(
    ("came_to", "then"),
    [
        ("SM7", ("accepted", "accepted", "SM7")),
        (NOT_SENT, ("planned", "not_sent", None)),
        (REFUSED, ("failed", "rejected", None)),
        (UNKNOWN, ("unknown", "unknown", None)),
        (None, ("planned", "not_sent", None)),
    ],
    ids=["accepted", "not sent", "rejected", "unknown", "not called"],
)
def test_what_a_call_came_to_is_recorded_late_as_it_would_have_been_in_time(office, came_to, then):
    office.queue(office.person())
    prepared = office.hand_over()
    keep(office, prepared, came_to)
    for _ in range(2):
        spooled.put_in(office.house)

        assert then == told(office)
        assert not disk(office).waits(OUTCOME)
    assert (["niet bezorgd"] if came_to is REFUSED else []) == office.tasks()


def test_it_is_recorded_before_the_reaper_says_that_nobody_knows(office):
    office.queue(office.person())
    keep(office, office.hand_over(), "SM7")
    office.leases_run_out()
    work.reap(office.house, 100)

    assert ("accepted", "accepted", "SM7") == told(office)


def test_a_reaper_elsewhere_that_was_first_changes_nothing(office):
    """Of another machine's disk it knows nothing; what is known later moves it up."""
    office.queue(office.person())
    keep(office, office.hand_over(), "SM7")
    office.leases_run_out()
    office.reap()
    assert ("unknown", "unknown", None) == told(office)
    spooled.put_in(office.house)

    assert ("accepted", "accepted", "SM7") == told(office)


def test_a_callback_that_was_first_stands(office):
    message = office.queue(office.person())
    keep(office, office.hand_over(), UNKNOWN)
    office.told(message, "delivered", ref="SM7")
    spooled.put_in(office.house)

    assert ("delivered", "accepted", "SM7") == told(office)


@pytest.mark.parametrize(
    "other", [{"identity": "another"}, {"epoch": 9}, {"attempt": 2}, {"message": 999}]
)
def test_of_another_database_claim_or_message_it_changes_nothing(office, other):
    """After a backup was put back the same number is another message."""
    office.queue(office.person())
    keep(office, office.hand_over(), "SM7", **other)
    spooled.put_in(office.house)

    assert ("sending", None, None) == told(office)
    assert not disk(office).waits(OUTCOME), "it would never be of use"


def test_a_damaged_one_is_kept_and_holds_up_no_other(office):
    office.queue(office.person())
    keep(office, office.hand_over(), "SM7")
    folder = disk(office).folder
    [good] = disk(office).outcomes()
    (folder / f"0-1-1{OUTCOME}").write_bytes(good.read_bytes()[:-2])
    (folder / f"1-9-1{OUTCOME}").write_bytes(b"")
    spooled.put_in(office.house)

    assert ("accepted", "accepted", "SM7") == told(office)
    assert (False, 2) == (disk(office).waits(OUTCOME), disk(office).count(DAMAGED))


def test_what_a_call_came_to_says_nothing_of_anybody(office):
    office.queue(office.person())
    prepared = office.hand_over()
    keep(office, prepared, REFUSED)
    [path] = disk(office).outcomes()
    content = path.read_text()

    assert "+316" not in content
    assert prepared.outgoing.body[:20] not in content


def test_what_was_half_written_goes_after_a_minute(office):
    """Its writer died; nobody was told that it is safe, and somebody's words may be in it."""
    folder = disk(office).folder
    folder.mkdir(parents=True)
    half = folder / f"0011{spool.BESIDE}"
    half.write_text("ik ben z")
    disk(office).sweep()
    assert half.exists()
    old = (moments.now() - moments.practice_offset()).timestamp() - 61
    os.utime(half, (old, old))
    disk(office).sweep()

    assert not half.exists()
