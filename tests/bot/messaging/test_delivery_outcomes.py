"""What a call came to, what is told afterwards, and in which order that may arrive."""

from __future__ import annotations

from itertools import permutations

import pytest
from post_office import NOT_SENT, REFUSED, UNKNOWN
from sqlalchemy import select

from bot.channels.base import Cause, Certainty, SendError, StatusChange
from bot.messaging import delivery, steps
from bot.models.messages import TRANSITIONS, Attempt, ForbiddenStep, Message
from bot.models.people import Address
from bot.outreach import tasks


def refused(cause, code="1"):
    return SendError(Certainty.REJECTED, cause, code=code)


def not_sent(cause, retry_after=None):
    return SendError(Certainty.NOT_SENT, cause, retry_after=retry_after)


@pytest.mark.parametrize(
    ("outcome", "state", "recorded", "address"),
    [
        pytest.param("SM1", "accepted", "accepted", "open", id="taken"),
        pytest.param(NOT_SENT, "planned", "not_sent", "open", id="429"),
        pytest.param(not_sent(Cause.OUR_FAULT, 60), "planned", "not_sent", "open", id="wrong key"),
        pytest.param(not_sent(Cause.OUR_FAULT), "planned", "not_sent", "open", id="no connection"),
        pytest.param(UNKNOWN, "unknown", "unknown", "open", id="no answer"),
        pytest.param(refused(Cause.OUR_FAULT), "failed", "rejected", "open", id="our fault"),
        pytest.param(refused(Cause.BAD_NUMBER), "failed", "rejected", "bad", id="no such number"),
        pytest.param(refused(Cause.NOT_ON_WHATSAPP), "failed", "rejected", "bad", id="no WhatsApp"),
        pytest.param(refused(Cause.STOPPED, "21610"), "failed", "rejected", "open", id="stopped"),
        pytest.param(refused(Cause.UNREACHABLE), "failed", "rejected", "open", id="unreachable"),
        pytest.param(refused(Cause.WINDOW_CLOSED), "failed", "rejected", "open", id="window shut"),
    ],
)
def test_an_outcome_becomes_a_state(office, outcome, state, recorded, address):
    """Only what provably did not go is planned again; what may have gone never is."""
    message = office.queue(office.person())
    office.settle(office.hand_over(), outcome)

    assert state == office.state(message)
    assert [recorded] == office.outcomes(message)
    assert address == office.read(lambda s: s.scalars(select(Address.state)).one())
    office.pass_(hours=1)
    assert (state == "planned") == (office.claim() != [])


def test_telegram_tells_nothing_later_so_that_taken_is_sent(office):
    message = office.queue(office.person(channel="telegram", address="1004"))
    office.settle(office.hand_over("telegram"), "1004:7")

    assert "sent" == office.state(message)


def test_a_stop_that_only_the_provider_knew_of_holds_here_too(office):
    """They sent STOP while we were away; Twilio refuses, and what else was planned is off."""
    person = office.person()
    first, second = office.queue(person, "first"), office.queue(person, "second")
    office.settle(office.hand_over(), refused(Cause.STOPPED, "21610"))

    assert ("failed", "cancelled") == (office.state(first), office.state(second))
    assert office.read(lambda s: s.scalars(select(Address.stopped_at)).one()) is not None


def test_a_bot_that_was_blocked_closes_that_address_and_is_no_stop(office):
    """Whoever lets the bot in again has not said START; nothing had to be started."""
    office.queue(office.person(channel="telegram", address="1004"))
    office.settle(office.hand_over("telegram"), refused(Cause.STOPPED, "403"))

    assert ("blocked", None) == office.read(
        lambda s: tuple(s.execute(select(Address.state, Address.stopped_at)).one())
    )


def test_it_takes_longer_each_time_until_five_minutes(office):
    office.queue(office.person())
    waited = []
    for _ in range(8):
        office.settle(office.hand_over(), not_sent(Cause.OUR_FAULT))
        failed, again = office.read(
            lambda s: s.execute(select(Message.changed_at, Message.not_before)).one()
        )
        waited.append(round((again - failed).total_seconds()))
        office.at(again)

    assert [5, 10, 20, 40, 80, 160, 300, 300] == waited


def test_a_message_that_is_no_longer_unknown_has_no_cause(office):
    """The reaper was faster than the answer: what was unknown became known."""
    message = office.queue(office.person())
    prepared = office.hand_over()
    office.leases_run_out()
    office.reap()
    office.settle(prepared)

    assert ("accepted", None) == (office.state(message), office.cause(message))
    assert ["accepted"] == office.outcomes(message)


# ------------------------------------------------------------------ late records


def test_a_late_record_of_an_older_claim_changes_nothing(office):
    """A worker that was believed dead wakes up; meanwhile another one did the work."""
    message = office.queue(office.person())
    old = office.hand_over()
    office.settle(old, NOT_SENT)
    office.pass_(seconds=5)
    office.settle(office.hand_over(), "SM2")

    for late in (UNKNOWN, REFUSED, NOT_SENT, "SM1"):
        office.settle(old, late)
        assert "accepted" == office.state(message)
    assert ["not_sent", "accepted"] == office.outcomes(message)
    assert "SM2" == office.read(lambda s: s.get_one(Message, message).provider_ref)


@pytest.mark.parametrize(
    "late", [UNKNOWN, REFUSED, NOT_SENT], ids=["unknown", "refused", "not sent"]
)
def test_a_callback_that_came_first_is_not_overwritten_by_a_failure(office, late):
    """The provider reports on it, so it was taken, whatever our own line says."""
    message = office.queue(office.person())
    prepared = office.hand_over()
    office.told(message, "delivered")
    office.settle(prepared, late)

    assert "delivered" == office.state(message)
    assert ["accepted"] == office.outcomes(message)


def test_a_call_that_was_never_made_is_planned_again_even_if_it_was_given_up(office):
    message = office.queue(office.person())
    prepared = office.hand_over()
    office.leases_run_out()
    office.reap()
    with office.database.session() as session:
        delivery.not_called(session, prepared)

    assert ("planned", None) == (office.state(message), office.cause(message))
    assert ["not_sent"] == office.outcomes(message)
    assert 2 == office.hand_over().outgoing.attempt


# ------------------------------------------------------------------ what is told later


def test_callbacks_in_any_order_and_twice_only_move_a_message_up(office):
    """Receipts overtake each other and our own record; the first final one holds."""
    person = office.person()
    statuses = ("queued", "sent", "delivered", "undelivered", "read")
    every = 1 if office.database.url.get_backend_name() == "sqlite" else 7
    orders = list(permutations(statuses))[::every]
    messages = [office.queue(person, f"order {n}") for n in range(len(orders))]

    with office.database.session() as session:
        for number, (message, order) in enumerate(zip(messages, orders, strict=True)):
            [(claimed, epoch)] = delivery.claim(session, "sms", 1)
            session.flush()
            assert message == claimed
            prepared, _ = delivery.prepare(session, office.house, message, epoch)
            ref = f"SM{number}"
            own_record = number % (len(order) + 1)
            for position, status in enumerate((*order, None)):
                if position == own_record:
                    delivery.settle(session, office.house, prepared, ref)
                if status is not None:
                    change = StatusChange(ref=ref, status=status)
                    delivery.apply(session, message, 1, change)
                    delivery.apply(session, message, 1, change)

    def expected(order):
        return "undelivered" if order.index("undelivered") == min(
            order.index(final) for final in ("undelivered", "delivered", "read")
        ) else "read"  # fmt: skip

    assert [expected(order) for order in orders] == office.states()
    assert {"accepted"} == set(office.read(lambda s: s.scalars(select(Attempt.outcome)).all()))


@pytest.mark.parametrize("status", ["undelivered", "failed", "delivered", "sent", "read", "queued"])
def test_a_status_that_overtakes_our_own_record_leaves_nothing_hanging(office, status):
    """A message stuck in 'sending' would hold up all that is ever said to that address."""
    person = office.person()
    message = office.queue(person)
    prepared = office.hand_over()
    office.told(message, status, cause=Cause.UNREACHABLE)
    office.settle(prepared)

    assert {"queued": "accepted"}.get(status, status) == office.state(message)
    after = office.queue(person, "two")
    assert [after] == [number for number, _ in office.claim()]


def test_an_unknown_is_adopted_by_its_callback(office):
    """It carries our own number, so it proves a send whose answer we never got."""
    message = office.queue(office.person())
    office.settle(office.hand_over(), UNKNOWN)
    office.told(message, "sent", "SM9")

    assert ("sent", None) == (office.state(message), office.cause(message))
    assert ["accepted"] == office.outcomes(message)
    assert "SM9" == office.read(lambda s: s.get_one(Message, message).provider_ref)


def test_a_callback_with_anothers_id_changes_nothing(office):
    message = office.queue(office.person())
    office.settle(office.hand_over(), "SM1")
    office.told(message, "delivered", "SM2")

    assert "accepted" == office.state(message)


@pytest.mark.parametrize("number", [0, 2])
def test_a_callback_of_an_attempt_that_never_was_changes_nothing(office, number):
    message = office.queue(office.person())
    office.settle(office.hand_over(), "SM1")
    office.told(message, "delivered", number=number)
    office.told(message + 1, "delivered")

    assert "accepted" == office.state(message)


def test_a_status_nobody_knows_changes_nothing(office):
    message = office.queue(office.person())
    prepared = office.hand_over()
    office.told(message, "teleported")
    office.settle(prepared)

    assert "accepted" == office.state(message)


def test_what_was_provably_not_sent_has_nothing_to_report(office):
    """A report on it speaks of something else; the next attempt's claim is left alone."""
    message = office.queue(office.person())
    office.settle(office.hand_over(), NOT_SENT)
    office.pass_(seconds=5)
    [(_, epoch)] = office.claim()
    office.told(message, "delivered")

    assert office.prepare(message, epoch) is not None


def test_what_fails_later_is_told_to_staff_with_what_to_do(office):
    afspraak = office.afspraak(person := office.person())
    message = office.queue(person, about=f"afspraak:{afspraak}", version=1)
    office.settle(office.hand_over())
    with office.database.session() as session:
        change = StatusChange("SM1", "undelivered", code="30003", cause=Cause.UNREACHABLE)
        failed = delivery.apply(session, message, 1, change)
        tasks.not_delivered(session, failed)
        assert "De telefoon is niet bereikbaar. Probeer het later of bel." == tasks.reason(failed)
        assert delivery.apply(session, message, 1, change) is None, "and only once"

    assert [tasks.NOT_DELIVERED] == office.tasks()


# ------------------------------------------------------------------ the table of steps


def test_no_other_step_is_taken():
    message = Message(id=1, state="unknown")
    for state in set(TRANSITIONS) - TRANSITIONS["unknown"]:
        with pytest.raises(ForbiddenStep):
            message.become(state, None)


def test_the_table_never_lets_go_of_what_may_have_been_sent():
    """From what may have left there is one way back to planned: proof that it did not."""
    back = {state for state, steps in TRANSITIONS.items() if "planned" in steps}
    final = {state for state, steps in TRANSITIONS.items() if not steps}

    assert {"claimed", "sending", "unknown"} == back
    assert {"read", "undelivered", "failed", "blocked", "expired", "cancelled"} == final
    assert set(TRANSITIONS) == set(TRANSITIONS) | {
        s for steps in TRANSITIONS.values() for s in steps
    }


def test_whatever_the_provider_says_of_a_call_under_way_is_a_step():
    assert set() == set(steps.STATES.values()) - TRANSITIONS["sending"] - {"accepted"}
    assert set() == set(steps.STATES.values()) - TRANSITIONS["unknown"]
