"""What Prometheus is told, what it costs to tell, and what /readyz says in words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from post_office import AFSPRAAK, REFUSED, UNKNOWN, Office
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import insert, update

from app import create_app
from bot import moments
from bot.channels.base import Cause
from bot.db import clock
from bot.engine import work
from bot.messaging import delivery, installation
from bot.messaging.spool import ARRIVAL, DAMAGED, Spool
from bot.models.messages import InboxEvent, Message, Sender
from bot.models.tasks import Task
from bot.models.ticks import Tick

LABELS = ("channel", "state", "kind", "source", "tick", "cause")


@pytest.fixture
def office(database_url, tmp_path) -> Iterator[Office]:
    made = Office(database_url, spool_dir=str(tmp_path / "spool"))
    yield made
    made.close()


@pytest.fixture
def app(office) -> Flask:
    return create_app(office.house)


def told(app: Flask) -> dict[tuple[str, ...], float]:
    """Return every figure by its name and the values of its labels, as they are now."""
    app.extensions["figures"]._until = 0.0
    answer = app.test_client().get("/metrics")
    assert 200 == answer.status_code
    return {
        (
            sample.name,
            *(sample.labels[each] for each in LABELS if each in sample.labels),
        ): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def event_row(number: int, state: str = "new", age: float = 0) -> dict[str, object]:
    at = moments.now() - timedelta(seconds=age)
    return {
        "key": f"k{number}", "source": "twilio", "lane": f"l{number}", "fingerprint": "",
        "payload": {}, "state": state, "not_before": at, "received_at": at,
    }  # fmt: skip


# ------------------------------------------------------------------ what is told


def test_an_empty_house_is_well(app):
    found = told(app)

    assert 1 == found["stap_database_up",] == found["stap_schema_current",]
    assert 0 == found["stap_due", "sms", "reminder"] == found["stap_inbox_waiting",]
    assert 0 == found["stap_unknown_oldest_seconds",]
    assert abs(found["stap_clock_offset_seconds",]) < 5


def test_what_is_due_and_how_late_is_told_by_channel_and_kind(app, office):
    """What waits for later is not late."""
    person = office.person()
    office.queue(person, "a")
    office.queue(person, "b", not_before=moments.now() + timedelta(hours=1))
    office.pass_(minutes=5)
    office.queue(person, "c")

    found = told(app)
    assert 2 == found["stap_due", "sms", "reminder"]
    assert 300 <= found["stap_due_oldest_seconds", "sms", "reminder"] < 360
    assert 0 == found["stap_due", "whatsapp", "reminder"] == found["stap_due", "sms", "answer"]
    assert 2 == found["stap_messages_made_total",] - 1


def test_how_late_is_told_of_the_first_and_of_all_but_one_in_twenty(app, office):
    """One message that hangs must not hide that the others go on time, nor the other way round."""
    for number in range(21):
        office.queue(office.person(f"P{number}", address=f"+316970000{number:02}"), f"o{number}")
        office.pass_(seconds=60 if number == 0 else 0)
    office.pass_(seconds=10)

    found = told(app)
    assert 70 <= found["stap_due_oldest_seconds", "sms", "reminder"] < 130
    assert 10 <= found["stap_due_p95_seconds", "sms", "reminder"] < 60

    [(message, epoch)] = office.claim(limit=1)
    assert office.prepare(message, epoch) is not None
    assert 70 <= told(app)["stap_late_p95_seconds", "sms", "reminder"] < 130


def test_a_hold_and_a_lease_that_ran_out_are_told(app, office):
    office.queue(office.person())
    office.hand_over()
    assert (0, 0) == (told(app)["stap_on_hold",], told(app)["stap_leases_run_out",])

    office.leases_run_out()
    with office.database.session() as session:
        installation.check_in(session, office.house, installation.Evidence())
        installation.ask(session, "oefening")
    assert (1, 1) == (told(app)["stap_on_hold",], told(app)["stap_leases_run_out",])


def test_what_became_of_messages_is_told_by_channel_state_and_cause(app, office):
    for number, outcome in enumerate(("SM1", REFUSED, UNKNOWN)):
        office.queue(office.person(f"P{number}", address=f"+3169700000{number}"), f"o{number}")
        office.settle(office.hand_over(), outcome)
    office.pass_(minutes=1)
    office.queue(office.person("Q", address="+31697000009"), "under way")
    office.hand_over()

    found = told(app)
    assert 1 == found["stap_messages", "sms", "accepted"]
    assert 1 == found["stap_messages", "sms", "failed"]
    assert 1 == found["stap_messages_not_arrived", "sms", "failed", Cause.OUR_FAULT.value]
    assert 1 == found["stap_unknown", "sms", Cause.UNKNOWN.value]
    assert 60 <= found["stap_unknown_oldest_seconds",] < 120
    assert 1 == found["stap_under_way", "sms"]
    assert 4 == found["stap_calls_total",]
    assert found["stap_sms_parts_today",] >= 4
    assert found["stap_sms_euros_today",] > 0


def test_of_yesterday_only_what_still_matters_is_told(app, office):
    """The unknown stay; what ended is history."""
    for number, outcome in enumerate(("SM1", UNKNOWN)):
        office.queue(office.person(f"P{number}", address=f"+3169700000{number}"), f"o{number}")
        office.settle(office.hand_over(), outcome)
    for hours in range(0, 30, 5):
        office.pass_(hours=5)
        office.queue(office.person(f"R{hours}", address=f"+316970001{hours:02}"), f"r{hours}",
                     expires_at=AFSPRAAK["begins"] + timedelta(days=9))  # fmt: skip

    found = told(app)
    assert ("stap_messages", "sms", "accepted") not in found
    assert 1 == found["stap_unknown", "sms", Cause.UNKNOWN.value]
    assert 5 == found["stap_messages", "sms", "planned"]


def test_the_inbox_tells_how_long_the_first_waits_and_what_nobody_understood(app, office):
    with office.database.session() as session:
        session.execute(
            insert(InboxEvent), [event_row(1, age=90), event_row(2), event_row(3, "kept")]
        )

    found = told(app)
    assert 2 == found["stap_inbox_waiting",]
    assert 90 <= found["stap_inbox_oldest_seconds",] < 150
    assert 1 == found["stap_inbox_kept", "twilio"]


def test_senders_tell_who_holds_them_rests_and_breaks(app, office):
    with office.database.session() as session:
        assert delivery.hold(session, "sms", "worker-1")
        session.add(
            Sender(
                channel="whatsapp",
                failures=5,
                paused_until=clock(session) + timedelta(seconds=60),
                pause_cause=Cause.TOO_FAST.value,
                broken_since=clock(session) - timedelta(seconds=30),
            )
        )

    found = told(app)
    assert (1, 0) == (found["stap_sender_held", "sms"], found["stap_sender_held", "whatsapp"])
    assert 0 < found["stap_sender_lease_seconds", "sms"] <= 5
    assert 30 < found["stap_sender_paused_seconds", "whatsapp", Cause.TOO_FAST.value] <= 60
    assert 30 <= found["stap_breaker_open_seconds", "whatsapp"] < 90
    assert 0 == found["stap_breaker_open_seconds", "sms"]
    assert 5 == found["stap_sender_failures", "whatsapp"]


def test_work_that_stays_undone_ages(app, office):
    work.note(office.house, ["remind", "reap"])
    with office.database.session() as session:
        session.execute(
            update(Tick).where(Tick.name == "reap").values(at=clock(session) - timedelta(hours=1))
        )
    work.note(office.house, ["remind"])

    found = told(app)
    assert found["stap_tick_age_seconds", "remind"] < 60
    assert 3600 <= found["stap_tick_age_seconds", "reap"] < 3660


def test_tasks_broadcasts_and_the_disk_are_counted(app, office):
    with office.database.session() as session:
        since = moments.now() - timedelta(hours=2)
        session.add(Task(kind="vraag", subject="vraag:a", since=since))
        session.add(Task(kind="vraag", subject="vraag:b", since=since, done_at=moments.now()))
    spool = Spool(office.house.settings.spool)
    spool.write("1" + ARRIVAL, b"x")
    spool.write("2" + DAMAGED, b"x")

    found = told(app)
    assert 1 == found["stap_tasks_open", "vraag"]
    assert 7200 <= found["stap_tasks_oldest_seconds", "vraag"] < 7260
    assert (1, 0, 1) == tuple(found["stap_spool", k] for k in ("arrival", "outcome", "damaged"))


def test_a_cause_that_is_not_ours_makes_no_label_of_its_own(app, office):
    """Each label is a series that is kept for ever; what a provider writes may be anything."""
    office.queue(office.person())
    with office.database.session() as session:
        session.execute(update(Message).values(state="failed", cause="+31697000001 zei nee"))

    found = told(app)
    assert 1 == found["stap_messages_not_arrived", "sms", "failed", "other"]
    assert not any("697" in part for name in found for part in name)
