"""Who may send what next: claims, leases, order, and the sender that was asked to wait."""

from __future__ import annotations

from datetime import timedelta

import pytest
from post_office import NOT_SENT, TUESDAY, UNKNOWN
from sqlalchemy import select, update

from bot.channels.base import Cause, Certainty, SendError
from bot.db import clock
from bot.messaging import delivery
from bot.models.messages import InboxEvent, Message, Sender


def test_what_one_worker_claimed_another_does_not_get(office):
    office.queue(office.person())

    assert [1, 0] == [len(office.claim()), len(office.claim())]


def test_a_worker_that_died_before_it_sent_is_taken_over(office):
    """Nothing had left: another may claim it, and the first one's claim counts no more."""
    message = office.queue(office.person())
    [(_, first)] = office.claim()

    office.leases_run_out()
    assert 1 == office.reap()
    [(_, second)] = office.claim()

    assert first + 1 == second
    assert office.prepare(message, first) is None
    assert office.prepare(message, second) is not None


def test_a_worker_that_died_while_it_sent_leaves_an_unknown_and_no_second_try(office):
    """What was handed over may have arrived. It is shown to staff, never repeated."""
    message = office.queue(office.person())
    office.hand_over()

    office.leases_run_out()
    assert 1 == office.reap()

    assert ("unknown", "unknown") == (office.state(message), office.cause(message))
    assert ["unknown"] == office.outcomes(message)
    office.pass_(hours=1)
    assert [] == office.claim()


def test_a_lease_that_still_runs_is_left_alone(office):
    office.queue(office.person())
    office.hand_over()

    assert 0 == office.reap()


def test_a_call_has_a_whole_lease_from_its_gates_on(office):
    """One that waited long between its claim and its gates is not unknown while it is made."""
    message = office.queue(office.person())
    [(_, epoch)] = office.claim()
    with office.database.session() as session:
        session.execute(update(Message).values(lease_until=clock(session) + timedelta(seconds=1)))

    office.prepare(message, epoch)

    with office.database.session() as session:
        left = session.get_one(Message, message).lease_until - clock(session)
    assert left > delivery.LEASE - timedelta(seconds=10)


def test_a_message_is_not_claimed_before_its_moment(office):
    office.queue(office.person(), not_before=TUESDAY + timedelta(minutes=5))

    assert [] == office.claim()
    office.pass_(minutes=5)
    assert 1 == len(office.claim())


def test_answers_go_before_reminders_and_reminders_before_invitations(office):
    invited = office.person("Mehmet", address="+31697000008")
    office.allow(invited)
    reminded = office.person("Priya", address="+31697000004")
    writer = office.person("Rania", address="+31697000006")
    expected = [
        office.queue(invited, "c", key="voortraject.invitation", values=INVITATION),
        office.queue(reminded, "b"),
        office.answered(writer, "a"),
    ][::-1]

    assert expected == [message for message, _ in office.claim()]


INVITATION = {
    "theme": "Actief in de wijk",
    "place": "Buurthuis De Brug",
    "address": "Brugstraat 4",
    "days": "maandag, 09:00-11:30",
    "starts": "maandag 7 december",
    "weeks": 26,
    "yields": "",
}


def test_a_question_asked_again_in_ones_own_language_is_an_answer(office):
    """They just tapped that language: it does not wait behind the reminders of a whole city."""
    office.queue(office.person("Mehmet", address="+31697000008"), "first")
    person = office.person()
    again = office.answered(person, "again")
    with office.database.session() as session:
        event = session.scalars(select(InboxEvent)).one()
    asked = office.queue(person, "reminder again", in_reply_to=event)

    assert [again, asked] == office.read(
        lambda s: s.scalars(
            select(Message.id).where(Message.priority == 0).order_by(Message.id)
        ).all()
    )


def test_one_address_gets_one_message_at_a_time(office):
    """Two at once could arrive the wrong way round."""
    person = office.person()
    first, second = office.queue(person, "first"), office.queue(person, "second")

    prepared = office.hand_over()
    assert first == prepared.outgoing.message
    assert [] == office.claim()
    office.settle(prepared)
    assert [second] == [message for message, _ in office.claim()]


def test_two_people_on_one_phone_are_written_to_one_after_the_other(office):
    first = office.queue(office.person("Priya"), "first")
    office.queue(office.person("Arun"), "second")

    assert [first] == [message for message, _ in office.claim()]


def test_a_message_that_comes_back_is_not_overtaken_by_a_later_one(office):
    """The provider asked to wait: what was said first still arrives first."""
    person = office.person()
    first, second = office.queue(person, "first"), office.queue(person, "second")
    office.settle(office.hand_over(), NOT_SENT)

    assert [] == office.claim()
    office.pass_(seconds=5)
    prepared = office.hand_over()
    assert first == prepared.outgoing.message
    office.settle(prepared)
    assert [second] == [message for message, _ in office.claim()]


def test_a_message_that_comes_back_holds_up_nobody_else(office):
    other = office.person("Mehmet", address="+31697000008")
    office.queue(office.person(), "first")
    office.settle(office.hand_over(), NOT_SENT)
    second = office.queue(other, "second")

    assert [second] == [message for message, _ in office.claim()]


def test_after_an_unknown_the_next_message_goes(office):
    """It may have arrived or not; the one after it does not depend on that."""
    person = office.person()
    office.queue(person, "first")
    office.settle(office.hand_over(), UNKNOWN)
    second = office.queue(person, "second")

    assert [second] == [message for message, _ in office.claim()]


# ------------------------------------------------------------------ the sender


def hold(office, owner, channel="sms"):
    with office.database.session() as session:
        return delivery.hold(session, channel, owner)


def test_a_sender_has_one_owner_until_it_lets_go(office, monkeypatch):
    assert (True, False, True) == (hold(office, "a"), hold(office, "b"), hold(office, "a"))
    assert hold(office, "b", "whatsapp"), "another number is another sender"

    with office.database.session() as session:
        delivery.release(session, "sms", "b")
    assert not hold(office, "b"), "only its owner lets go of it"
    with office.database.session() as session:
        delivery.release(session, "sms", "a")
    assert not hold(office, "b"), "in no second do both send"
    monkeypatch.setattr(delivery, "APART", timedelta())
    assert hold(office, "b")


def lease(office, seconds):
    """Let the lease on the sender run for so much longer."""
    with office.database.session() as session:
        until = clock(session) + timedelta(seconds=seconds)
        session.execute(update(Sender).values(lease_until=until))


def test_a_sender_whose_owner_died_is_taken_over_a_second_after_its_lease(office):
    """Its last call may have been made in the last moment of that lease."""
    assert hold(office, "a")
    lease(office, -0.01)
    assert not hold(office, "b")
    lease(office, -1.06)
    assert hold(office, "b")


def test_a_lease_is_renewed_long_before_a_call_could_outlive_it(office):
    """Gates are checked under it, and the call comes up to a second after them."""

    def left():
        return office.read(
            lambda s: (s.scalars(select(Sender.lease_until)).one() - clock(s)).total_seconds()
        )

    hold(office, "a")
    lease(office, delivery.HOLD.total_seconds() * 2 / 3 - 0.01)
    assert hold(office, "a")
    assert left() > delivery.HOLD.total_seconds() * 2 / 3 > 2 * delivery.GAP.total_seconds()


@pytest.mark.parametrize(
    ("seconds", "may_send"), [(60, False), (0, True)], ids=["asked to wait", "waited long enough"]
)
def test_a_provider_that_asks_to_wait_pauses_the_whole_sender(office, seconds, may_send):
    hold(office, "a")
    office.queue(office.person())
    asked = SendError(Certainty.NOT_SENT, Cause.TOO_FAST, code="20429", retry_after=seconds)
    office.settle(office.hand_over(), asked)

    assert may_send == hold(office, "a")


def test_a_shorter_pause_does_not_end_a_longer_one(office):
    hold(office, "a")
    for seconds in (60, 0):
        with office.database.session() as session:
            delivery.pause(session, "sms", seconds, "too_fast")

    assert not hold(office, "a")
