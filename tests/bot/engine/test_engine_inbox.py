"""Events are acted on one by one: one that fails leaves no trace and holds up no other lane."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from post_office import Office
from sqlalchemy import select, update

from bot import moments
from bot.engine import work
from bot.messaging import inbox
from bot.models.afspraken import Afspraak
from bot.models.messages import InboxEvent, Message, Reply
from bot.models.tasks import Task
from bot.outreach import aftermath


@pytest.fixture
def office(database_url):
    office = Office(database_url)
    yield office
    office.close()


def wrote(office, number, text, phone="+31697000004"):
    """Let an SMS lie in the inbox, as the door stored it."""
    office.wrote(
        f"twilio:SM{number:032x}",
        lane=f"sms:{phone}",
        payload={
            "MessageSid": f"SM{number:032x}",
            "From": phone,
            "To": "+3197000000000",
            "Body": text,
            "NumMedia": "0",
            "SmsStatus": "received",
        },
    )


def handle(office):
    """Act on all there is; return how many were looked at."""
    return work.handle_inbox(office.house, 50)


def events(office):
    return office.read(
        lambda s: [
            tuple(row)
            for row in s.execute(select(InboxEvent.state, InboxEvent.tries).order_by(InboxEvent.id))
        ]
    )


@pytest.fixture
def poisoned(office):
    """A question about an afspraak on a day that no calendar has: its echo cannot be written."""
    person = office.person()
    afspraak = office.afspraak(person)
    office.queue(person, about=f"afspraak:{afspraak}", version=1)
    office.settle(office.hand_over())
    with office.database.session() as session:
        session.execute(update(Afspraak).values(begins=datetime.max.replace(tzinfo=UTC)))
    return office


def test_an_event_that_fails_halfway_leaves_nothing_behind(poisoned):
    """The reply was written down when its answer failed: neither stays, the event does."""
    wrote(poisoned, 1, "1")
    handle(poisoned)

    assert [("new", 1)] == events(poisoned)
    assert [] == poisoned.read(lambda s: s.scalars(select(Reply)).all())
    assert ["none"] == poisoned.read(lambda s: s.scalars(select(Afspraak.answer)).all())
    assert "OverflowError" in poisoned.read(lambda s: s.scalars(select(InboxEvent.error)).one())


def test_what_fails_five_times_is_kept_and_its_lane_goes_on(poisoned):
    """Nothing that was answered 2xx is thrown away: it is there to be read after the fix."""
    wrote(poisoned, 1, "1")
    for _ in range(inbox.TRIES):
        handle(poisoned)
        poisoned.pass_(minutes=1)
    wrote(poisoned, 2, "STOP")
    handle(poisoned)

    assert [("kept", inbox.TRIES), ("done", 0)] == events(poisoned)
    assert ["STOP"] == poisoned.read(lambda s: s.scalars(select(Reply.text)).all())


def test_what_waits_for_another_try_keeps_the_later_words_of_that_person_waiting(poisoned):
    """First 1, then 3: understood the other way round it would be a no."""
    wrote(poisoned, 1, "1")
    wrote(poisoned, 2, "3")
    handle(poisoned)
    assert [("new", 1), ("new", 0)] == events(poisoned)

    begins = moments.from_local(datetime(2026, 12, 3, 14, 30))
    with poisoned.database.session() as session:
        session.execute(update(Afspraak).values(begins=begins))
    poisoned.pass_(seconds=2)
    handle(poisoned)
    assert [("done", 1), ("done", 0)] == events(poisoned)
    assert "declined" == poisoned.read(lambda s: s.scalars(select(Afspraak.answer)).one())


def test_another_persons_words_do_not_wait(poisoned):
    wrote(poisoned, 1, "1")
    wrote(poisoned, 2, "STOP", "+31697000008")
    handle(poisoned)

    assert [("new", 1), ("done", 0)] == events(poisoned)


def test_an_event_is_acted_on_once(office):
    office.person()
    wrote(office, 1, "1")

    assert (1, 0) == (handle(office), handle(office))
    assert 1 == office.read(lambda s: len(s.scalars(select(Message)).all()))


def test_a_failing_event_names_our_line_and_not_the_persons_words(poisoned):
    wrote(poisoned, 1, "1 ik ben ziek")
    handle(poisoned)

    error = poisoned.read(lambda s: s.scalars(select(InboxEvent.error)).one()) or ""
    assert "ziek" not in error


# ------------------------------------------------------------------ status callbacks


def reported(office, message, status, ref="SM1", attempt=1, **more):
    """Let a status callback lie in the inbox, as the door stored it."""
    office.wrote(
        f"status:{message}:{attempt}:{ref}:{status}",
        lane=f"status:{message}",
        payload={
            "AccountSid": "AC1",
            "From": "+3197000000000",
            "To": "+31697000004",
            "MessageSid": ref,
            "MessageStatus": status,
            "_message": message,
            "_attempt": attempt,
            **more,
        },
    )


def sent(office, count):
    """Let *count* messages be accepted by the provider, each to somebody else."""
    messages = []
    for number in range(count):
        person = office.person(f"Priya{number}", address=f"+316970001{number:02}")
        messages.append(office.queue(person, f"{number}"))
        office.settle(office.hand_over(), f"SM{number}")
    return messages


def test_what_was_reported_together_counts_as_it_would_one_by_one(office):
    """Also late, twice, out of order, or with somebody else's SID."""
    one, two, three = sent(office, 3)
    reported(office, one, "delivered", "SM0")
    reported(office, one, "sent", "SM0")
    reported(office, two, "undelivered", "SM1", ErrorCode="30003")
    reported(office, three, "delivered", "SM9")
    reported(office, 999, "delivered", "SM3")

    assert 5 == work.handle_reports(office.house, 100)
    assert ["delivered", "undelivered", "accepted"] == [office.state(m) for m in (one, two, three)]
    assert [("done", 0)] * 5 == events(office)
    assert 0 == work.handle_reports(office.house, 100)


def test_a_report_that_cannot_be_read_takes_no_other_with_it(office):
    one, two = sent(office, 2)
    reported(office, one, "delivered", "SM0")
    reported(office, two, "no word of Twilio's", "SM1")

    assert 2 == work.handle_reports(office.house, 100)
    assert ["delivered", "accepted"] == [office.state(m) for m in (one, two)]
    assert [("done", 0), ("kept", 1)] == events(office)


def test_what_somebody_said_is_left_to_who_acts_on_it_one_by_one(office):
    office.person()
    wrote(office, 1, "ja")

    assert 0 == work.handle_reports(office.house, 100)
    assert (True, False) == office.read(inbox.waiting)
    assert [("new", 0)] == events(office)


def test_reports_wait_for_nobody_and_hold_up_nobody(office):
    """Without them what people say is next, also if it came later."""
    [one] = sent(office, 1)
    reported(office, one, "delivered", "SM0")
    wrote(office, 1, "STOP", phone="+31697000100")

    assert (True, True) == office.read(inbox.waiting)
    assert 1 == work.handle_inbox(office.house, 50, reports=False)
    assert [("new", 0), ("done", 0)] == events(office)


def test_a_report_takes_back_what_staff_were_asked_about_it(office):
    [one, other] = sent(office, 2)
    with office.database.session() as session:
        for message in (one, other):
            aftermath.unknown(session, session.get_one(Message, message))
    reported(office, one, "delivered", "SM0")

    assert 1 == work.handle_reports(office.house, 100)
    assert [f"message:{other}"] == office.read(
        lambda s: [
            subject.partition(":")[2]
            for subject in s.scalars(select(Task.subject).where(Task.done_at.is_(None)))
        ]
    )
