"""Two at once: the same occasion, the same message, STOP against a send, an answer against a tick.

On SQLite writers queue up; on PostgreSQL they meet, and must neither send twice nor wait for
each other for ever.
"""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier, Event, Thread

import pytest
from post_office import AFSPRAAK
from sqlalchemy import event, func, select

from bot import moments
from bot.channels.base import Cause, Certainty, Heard, SendError, StatusChange
from bot.messaging import delivery, inbox
from bot.models.afspraken import Afspraak
from bot.models.messages import Message, Reply
from bot.models.people import Address, Inburgeraar
from bot.outreach import afspraken, reminders
from bot.privacy import consent

WORKERS = 8


def at_once(*work):
    """Do all of *work* at the same moment, each in a thread; return what each came to."""
    gate = Barrier(len(work))

    def run(one):
        gate.wait()
        return one()

    with ThreadPoolExecutor(len(work)) as threads:
        return [each.result(timeout=60) for each in [threads.submit(run, one) for one in work]]


def test_eight_who_queue_the_same_occasion_queue_one_message(office):
    """A tick that runs twice, a second clock, a command beside them: the person reads it once."""
    person = office.person()
    queued = at_once(*[lambda: office.queue(person, "afspraak:1:v1:1d")] * WORKERS)

    assert 1 == sum(message is not None for message in queued)
    assert 1 == office.read(lambda s: s.scalar(select(func.count(Message.id))))


def test_eight_workers_claim_a_message_once(office):
    office.queue(office.person())
    claims = at_once(*[office.claim] * WORKERS)

    assert 1 == sum(len(claimed) for claimed in claims)


def test_of_eight_workers_one_holds_the_sender(office):
    def hold(owner):
        def take():
            with office.database.session() as session:
                return delivery.hold(session, "sms", owner)

        return take

    assert 1 == sum(at_once(*[hold(f"worker {n}") for n in range(WORKERS)]))


def test_eight_who_prepare_one_claim_make_one_attempt(office):
    message = office.queue(office.person())
    [(_, epoch)] = office.claim()
    prepared = at_once(*[lambda: office.prepare(message, epoch)] * WORKERS)

    assert 1 == sum(each is not None for each in prepared)
    assert [None] == office.outcomes(message)


def test_a_stop_that_is_being_written_down_is_waited_for(office):
    """STOP has the address; whoever prepares a send waits for it and then sees it."""
    message = office.queue(office.person())
    [(_, epoch)] = office.claim()
    stopping, prepared = Event(), []

    def prepare():
        stopping.wait(10)
        prepared.append(office.prepare(message, epoch))

    thread = Thread(target=prepare)
    thread.start()
    with office.database.session() as session:
        heard = Heard(channel="sms", address="+31697000004", ref="SM2", text="STOP")
        address = inbox.address_of(session, heard, moments.now())
        stopping.set()
        thread.join(0.3)
        assert thread.is_alive(), "it waits"
        consent.stop(session, address, "reply 1")
    thread.join(30)

    assert [None] == prepared
    assert "stopped" == office.cause(message)


def test_a_stop_during_the_call_comes_too_late_for_that_one_message_only(office):
    """The window of a second that we state: gates checked, then STOP, then the call.

    What is under way cannot be called back; all that is planned behind it is.
    """
    person = office.person()
    message, behind = office.queue(person, "one"), office.queue(person, "two")
    prepared = office.hand_over()
    office.stop()
    assert prepared.in_time
    office.settle(prepared)

    assert ("accepted", "cancelled") == (office.state(message), office.state(behind))
    assert delivery.GAP == timedelta(seconds=1)


# ------------------------------------------------------------------ locks in one order
#
# A transaction goes as far as its first lock, the other one runs into it, and then the first
# goes on: with one order of locks, and none for a mere reference, both end.


@pytest.mark.postgres
def test_an_address_is_locked_before_its_messages(postgres_office):
    """As STOP does: two that lock in different orders can wait for each other for ever."""
    office = postgres_office
    locked: list[str] = []

    def note(_connection, _cursor, statement, *_rest):
        if "FOR NO KEY UPDATE" in statement and "SKIP LOCKED" not in statement:
            locked.append(re.search(r"\bFROM (\w+)", statement)[1])

    def at_each(step):
        locked.clear()
        result = step()
        assert ["address", "message"] == locked
        return result

    message = office.queue(office.person())
    [(_, epoch)] = office.claim()
    event.listen(office.database.engine, "after_cursor_execute", note)
    prepared = at_each(lambda: office.prepare(message, epoch))
    at_each(lambda: office.settle(prepared))
    at_each(lambda: office.told(message, "delivered"))


def meet(office, first, second):
    """Let *second* run while *first* stands still between its two steps; return both results."""
    begun, results = Event(), []

    def run():
        begun.wait(10)
        with office.database.session() as session:
            results.append(second(session))

    thread = Thread(target=run)
    thread.start()
    with office.database.session() as session:
        steps = first(session)
        next(steps)
        session.flush()
        begun.set()
        thread.join(0.5)
        for _ in steps:
            pass
    thread.join(60)
    assert not thread.is_alive()
    assert 1 == len(results), "the other one failed: see its traceback"
    return results[0]


def test_an_answer_while_the_next_reminder_is_queued(office):
    """The tick has the afspraak and refers to the address; the answer has it the other way."""
    person = office.person()
    afspraak = office.afspraak(person, moments.now() + timedelta(hours=2))
    with office.database.session() as session:
        row = session.get_one(Afspraak, afspraak)
        row.known_at = moments.now() - timedelta(days=30)
        reminders.plan_next(office.house, row)
    wrote = office.wrote("twilio:wrote")

    def answer(session):
        heard = Heard(channel="sms", address="+31697000004", ref="SM1", text="1")
        address = inbox.address_of(session, heard, moments.now())
        reply = inbox.write_down(session, session.merge(wrote), heard, address)
        yield
        afspraken.answer(session, session.get_one(Afspraak, afspraak), "confirmed", reply)

    assert 1 == meet(office, answer, lambda session: reminders.tick(session, office.house, 10))
    assert ["planned"] == office.states()
    assert "confirmed" == office.read(lambda s: s.get_one(Afspraak, afspraak).answer)


def test_a_stop_while_the_providers_refusal_is_recorded(office):
    """Both close the same address and take back what is planned there."""
    person = office.person()
    first = office.queue(person, "one")
    prepared = office.hand_over()
    office.queue(person, "two")

    def stop(session):
        heard = Heard(channel="sms", address="+31697000004", ref="SM2", text="STOP")
        address = inbox.address_of(session, heard, moments.now())
        yield
        consent.stop(session, address, "reply 1")

    refused = SendError(Certainty.REJECTED, Cause.STOPPED, code="21610")
    meet(
        office,
        stop,
        lambda session: delivery.settle(session, office.house, prepared, refused),
    )
    assert ("failed", ["failed", "cancelled"]) == (office.state(first), office.states())


def test_an_answer_to_a_message_of_which_a_failure_is_being_told(office):
    """The reply refers to the message; the callback has it, and wants the address."""
    message = office.queue(office.person())
    office.settle(office.hand_over())
    wrote = office.wrote("twilio:wrote")

    def answer(session):
        heard = Heard(channel="sms", address="+31697000004", ref="SM2", text="1")
        address = inbox.address_of(session, heard, moments.now())
        reply = inbox.write_down(session, session.merge(wrote), heard, address)
        yield
        reply.message_id = message
        session.flush()

    failed = StatusChange("SM1", "failed", code="30005", cause=Cause.BAD_NUMBER)
    meet(office, answer, lambda session: delivery.apply(session, message, 1, failed))

    assert ("failed", "bad") == (
        office.state(message),
        office.read(lambda s: s.scalars(select(Address.state)).one()),
    )
    assert [message] == office.read(lambda s: s.scalars(select(Reply.message_id)).all())


@pytest.mark.postgres
def test_a_message_is_queued_while_its_address_writes_to_us(postgres_office):
    """Only a reference to the address: whoever queues does not even wait."""
    office = postgres_office
    person = office.person()
    with office.database.session() as session:
        heard = Heard(channel="sms", address="+31697000004", ref="SM1", text="hoi")
        inbox.address_of(session, heard, moments.now())
        queued = ThreadPoolExecutor(1).submit(office.queue, person)

        assert queued.result(timeout=30) is not None


@pytest.mark.postgres
def test_a_yes_to_an_afspraak_that_is_being_moved_is_no_yes_to_the_new_time(postgres_office):
    """Staff save the new time in the very moment that the person says yes to the old one."""
    office = postgres_office
    afspraak = office.afspraak(person := office.person())
    wrote = office.wrote("twilio:wrote")

    with office.database.session() as session:
        seen = session.get_one(Afspraak, afspraak)
        with office.database.session() as staff:
            afspraken.record(
                staff,
                office.house,
                kenmerk=seen.kenmerk,
                person=staff.get_one(Inburgeraar, person),
                begins=AFSPRAAK["begins"] + timedelta(days=1),
                minutes=60,
                soort=None,
                place="Wijkcentrum",
                address=None,
                staff=None,
                status="gepland",
            )
        heard = Heard(channel="sms", address="+31697000004", ref="SM1", text="1")
        address = inbox.address_of(session, heard, moments.now())
        reply = inbox.write_down(session, session.merge(wrote), heard, address)
        with pytest.raises(afspraken.Moved):
            afspraken.answer(session, seen, "confirmed", reply)

    assert (2, "none") == office.read(
        lambda s: tuple(s.execute(select(Afspraak.version, Afspraak.answer)).one())
    )
