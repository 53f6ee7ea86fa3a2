"""A run of failures that say the channel is ill keeps the rest back, until it is well again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from post_office import NOT_SENT, REFUSED, TUESDAY, UNKNOWN
from sqlalchemy import select, update

from bot.channels.base import Cause, Certainty, SendError
from bot.db import clock
from bot.engine import work
from bot.messaging import breaker, delivery
from bot.messaging.breaker import Turn
from bot.models.messages import Sender

NO_LINE = SendError(Certainty.NOT_SENT, Cause.OUR_FAULT, detail="ClientConnectorError")
NO_SUCH_NUMBER = SendError(Certainty.REJECTED, Cause.BAD_NUMBER, code="21211")


def feel(office, *outcomes):
    with office.database.session() as session:
        return breaker.feel(session, "sms", outcomes)


def sender(office):
    """Return how many failures in a row, since when it is open, and the seconds of rest left."""
    return office.read(
        lambda s: next(
            (row.failures, row.broken_since, (row.paused_until or clock(s)) - clock(s))
            for row in s.scalars(select(Sender).where(Sender.channel == "sms"))
        )
    )


def rest_left(office):
    return sender(office)[2].total_seconds()


def rested(office):
    with office.database.session() as session:
        session.execute(update(Sender).values(paused_until=clock(session)))


@pytest.mark.parametrize("error", [UNKNOWN, NO_LINE], ids=["nobody knows", "no connection"])
def test_a_run_of_failures_opens_it_and_the_sender_rests(office, error):
    assert feel(office, *[error] * (breaker.RUN - 1)) is None
    assert Turn.OPENED == feel(office, error)

    assert sender(office)[1] is not None
    assert 0 < rest_left(office) <= 5
    with office.database.session() as session:
        assert not delivery.hold(session, "sms", "a")


@pytest.mark.parametrize(
    "between", ["SM1", REFUSED, NO_SUCH_NUMBER], ids=["taken", "refused", "no such number"]
)
def test_an_answer_of_the_provider_ends_the_run(office, between):
    """It answers, and knows us: what it says is about one person or one text."""
    run = [UNKNOWN] * (breaker.RUN - 1)
    assert feel(office, *run, between, *run) is None
    assert breaker.RUN - 1 == sender(office)[0]


@pytest.mark.parametrize("between", [NOT_SENT, None], ids=["too fast", "not called"])
def test_what_says_nothing_of_its_health_neither_counts_nor_ends_the_run(office, between):
    assert feel(office, between, *[UNKNOWN, between] * (breaker.RUN - 1)) is None
    assert Turn.OPENED == feel(office, UNKNOWN)


def test_people_who_cannot_be_reached_do_not_open_it(office):
    """A list of old numbers is no reason to keep everybody waiting."""
    assert feel(office, *[NO_SUCH_NUMBER] * 100) is None
    assert 0 == sender(office)[0]


def test_every_try_that_fails_doubles_the_rest_up_to_five_minutes(office):
    feel(office, *[UNKNOWN] * breaker.RUN)
    rests = []
    for _ in range(8):
        rested(office)
        assert feel(office, UNKNOWN) is None, "it was open already"
        rests.append(round(rest_left(office)))

    assert [10, 20, 40, 80, 160, 300, 300, 300] == rests


def test_one_that_is_taken_closes_it(office):
    feel(office, *[UNKNOWN] * breaker.RUN)
    rested(office)

    assert Turn.CLOSED == feel(office, "SM1")
    assert (0, None) == sender(office)[:2]
    with office.database.session() as session:
        assert delivery.hold(session, "sms", "a")


def test_it_does_not_shorten_a_rest_that_the_provider_asked_for(office):
    with office.database.session() as session:
        delivery.sender_of(session, "sms")
        delivery.pause(session, "sms", 60, "too_fast")
    feel(office, *[UNKNOWN] * breaker.RUN)

    assert rest_left(office) > 50


# ------------------------------------------------------------------ what waits meanwhile


def open_it(office):
    feel(office, *[UNKNOWN] * breaker.RUN)
    with office.database.session() as session:
        delivery.pause(session, "sms", 300, "test")


def test_what_waits_is_kept_and_no_attempt_is_spent_on_it(office):
    message = office.queue(office.person())
    open_it(office)
    work.reap(office.house, 10)

    assert ("planned", []) == (office.state(message), office.outcomes(message))


def test_what_waits_until_it_is_of_no_use_becomes_a_task(office):
    """Staff hear of it while they can still call."""
    message = office.queue(office.person(), expires_at=TUESDAY + timedelta(minutes=30))
    open_it(office)
    office.pass_(minutes=30)
    work.reap(office.house, 10)

    assert ("expired", "channel_down") == (office.state(message), office.cause(message))
    assert ["bel of brief"] == office.tasks()


def test_what_is_late_by_a_pause_alone_just_expires(office):
    message = office.queue(office.person(), expires_at=TUESDAY + timedelta(minutes=30))
    with office.database.session() as session:
        delivery.sender_of(session, "sms")
        delivery.pause(session, "sms", 300, "too_fast")
    office.pass_(minutes=30)
    work.reap(office.house, 10)

    assert ("expired", "expired") == (office.state(message), office.cause(message))
    assert [] == office.tasks()


def test_a_sender_that_works_has_its_gates_for_that(office):
    message = office.queue(office.person(), expires_at=TUESDAY + timedelta(minutes=30))
    office.pass_(minutes=30)
    work.reap(office.house, 10)

    assert "planned" == office.state(message)
