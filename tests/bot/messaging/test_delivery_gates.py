"""What may not go, must wait, or has no point any more: looked at in the moment before the call."""

from __future__ import annotations

from datetime import timedelta

import pytest
from post_office import AFSPRAAK, TUESDAY
from sqlalchemy import select, update
from test_delivery_claim import INVITATION

from bot import moments
from bot.channels.base import Button
from bot.messaging import delivery, route, templates
from bot.models.afspraken import Afspraak
from bot.models.messages import Attempt, Message
from bot.models.people import Address, PersonAddress
from bot.models.templates import Template
from bot.outreach import tasks

NIGHT = TUESDAY.replace(hour=21)
MORNING = moments.from_local(moments.datetime(2026, 12, 2, 9, 0))


def after_the_gates(office, channel="sms"):
    """Claim what is due and let it come to its gates, telling staff as the engine does."""
    [(message, epoch)] = office.claim(channel)
    with office.database.session() as session:
        prepared, held = delivery.prepare(session, office.house, message, epoch)
        if held is not None:
            tasks.not_delivered(session, held)
    return prepared


def set_address(office, **values):
    with office.database.session() as session:
        session.execute(update(Address).values(**values))


def test_with_every_gate_open_one_attempt_is_written_before_the_call(office):
    message = office.queue(office.person())
    prepared = after_the_gates(office)

    outgoing = prepared.outgoing
    assert (message, 1, "+31697000004") == (outgoing.message, outgoing.attempt, outgoing.address)
    assert "03-12-2026" in outgoing.body
    assert f"m={message}&a=1&k=" in outgoing.callback_url
    assert "sending" == office.state(message)
    assert [("text", None)] == office.read(
        lambda s: [tuple(row) for row in s.execute(select(Attempt.form, Attempt.outcome))]
    )
    assert prepared.in_time


def test_a_stop_between_claim_and_gates_holds(office):
    """STOP is in force from its commit: here one that came in the last moment."""
    message = office.queue(office.person())
    [(_, epoch)] = office.claim()
    office.stop()

    assert office.prepare(message, epoch) is None
    assert ("blocked", "stopped") == (office.state(message), office.cause(message))
    assert [] == office.outcomes(message)


def test_a_stop_takes_back_all_that_is_planned_there(office):
    message = office.queue(office.person())
    office.stop()

    assert ("cancelled", "stopped") == (office.state(message), office.cause(message))


def test_the_one_message_after_a_stop_says_so(office):
    person = office.person()
    office.stop()
    last = office.answered(person, "stop", address=_address(office))
    with office.database.session() as session:
        session.execute(update(Message).values(key="consent.stopped"))

    assert last == after_the_gates(office).outgoing.message


def _address(office):
    with office.database.session() as session:
        return session.scalars(select(Address)).one()


@pytest.mark.parametrize("state", ["closed", "blocked", "bad"])
def test_an_address_that_is_not_open_gets_nothing(office, state):
    message = office.queue(office.person())
    set_address(office, state=state)

    assert after_the_gates(office) is None
    assert ("blocked", state) == (office.state(message), office.cause(message))
    assert [tasks.CALL_OR_WRITE] == office.tasks()


def test_outside_the_allow_list_nobody_is_reached(make_office):
    """A test run on a copy of real people, with real credentials."""
    office = make_office(allowed_recipients="+31697000009")
    message = office.queue(office.person())

    assert after_the_gates(office) is None
    assert ("blocked", "not_allowed") == (office.state(message), office.cause(message))


def test_a_channel_that_was_switched_off_is_said_so(make_office):
    office = make_office(telegram_bot_token="")
    message = office.queue(office.person(channel="telegram", address="1004"))

    assert after_the_gates(office, "telegram") is None
    assert ("blocked", "no_channel") == (office.state(message), office.cause(message))


# ------------------------------------------------------------------ time


def test_in_quiet_hours_a_message_waits_for_the_morning(office):
    message = office.queue(office.person())
    office.at(NIGHT)

    assert after_the_gates(office) is None
    assert ("planned", "quiet") == (office.state(message), office.cause(message))
    assert MORNING == office.read(lambda s: s.get_one(Message, message).not_before)
    assert [] == office.claim()
    assert [] == office.tasks(), "nothing is wrong"
    office.at(MORNING)
    assert after_the_gates(office) is not None
    assert office.cause(message) is None


def test_an_answer_does_not_wait_for_the_morning(office):
    person = office.person()
    office.at(NIGHT)
    office.answered(person, "hello")

    assert after_the_gates(office) is not None


def test_what_quiet_hours_hold_until_it_is_too_late_is_told_to_staff(office):
    """Staff move tomorrow's half past eight at nine in the evening: somebody has to call."""
    office.at(NIGHT)
    soon = moments.from_local(moments.datetime(2026, 12, 2, 8, 30))
    message = office.queue(office.person(), expires_at=soon)

    assert after_the_gates(office) is None
    assert ("expired", "quiet_too_long") == (office.state(message), office.cause(message))
    assert [tasks.CALL_OR_WRITE] == office.tasks()


@pytest.mark.parametrize(
    "late", [timedelta(), timedelta(days=3), -delivery.LEAST_VALIDITY], ids=str
)
def test_what_has_no_point_any_more_is_not_sent_and_troubles_nobody(office, late):
    """The worker was away for three days; the afspraak has been."""
    message = office.queue(office.person())
    office.at(AFSPRAAK["begins"] + late)

    assert after_the_gates(office) is None
    assert ("expired", "expired") == (office.state(message), office.cause(message))
    assert [] == office.tasks()


def test_the_provider_may_keep_it_no_longer_than_it_is_of_use(office):
    """Twilio's own queue would deliver a reminder after the afspraak."""
    office.queue(office.person(), expires_at=TUESDAY + timedelta(minutes=30))
    assert 1800 == pytest.approx(after_the_gates(office).outgoing.useful_for, abs=2)


def test_the_provider_keeps_nothing_longer_than_ten_hours(make_office):
    office = make_office(quiet_hours="")
    office.queue(office.person())
    assert 36_000 == after_the_gates(office).outgoing.useful_for


def test_the_provider_keeps_nothing_into_the_hours_of_rest(office):
    """A phone that is on again at three in the night does not ring for a reminder."""
    office.at(TUESDAY.replace(hour=18))  # 19:00 in Amsterdam; it rests from 20:00
    office.queue(office.person())
    assert 3600 == pytest.approx(after_the_gates(office).outgoing.useful_for, abs=2)


def test_what_somebody_asked_for_may_come_to_them_in_the_hours_of_rest(office):
    office.at(TUESDAY.replace(hour=18))
    office.answered(office.person(), "a", expires_at=TUESDAY + timedelta(days=1))
    assert after_the_gates(office).outgoing.useful_for > 3600


def test_in_the_last_seconds_before_the_hours_of_rest_it_is_too_late_to_begin(office):
    office.at(TUESDAY.replace(hour=18, minute=59, second=55))
    message = office.queue(office.person())

    assert after_the_gates(office) is None
    assert ("planned", "quiet") == (office.state(message), office.cause(message))
    assert MORNING == office.read(lambda s: s.get_one(Message, message).not_before)


# ------------------------------------------------------------------ what it speaks of


def test_a_reminder_of_an_afspraak_that_moved_is_void(office):
    afspraak = office.afspraak(person := office.person())
    message = office.queue(person, about=f"afspraak:{afspraak}", version=1)
    with office.database.session() as session:
        session.execute(update(Afspraak).values(version=2))

    assert after_the_gates(office) is None
    assert ("cancelled", "superseded") == (office.state(message), office.cause(message))
    assert [] == office.tasks()


def test_a_reminder_of_an_afspraak_that_is_gone_is_void(office):
    message = office.queue(office.person(), about="afspraak:999", version=1)

    assert after_the_gates(office) is None
    assert "superseded" == office.cause(message)


@pytest.mark.parametrize(("said", "why"), [("declined", "declined"), ("reschedule", "other_day")])
def test_who_answered_meanwhile_is_not_asked_as_though_nothing_was_said(office, said, why):
    afspraak = office.afspraak(person := office.person())
    message = office.queue(person, about=f"afspraak:{afspraak}", version=1)
    with office.database.session() as session:
        session.execute(update(Afspraak).values(answer=said))

    assert after_the_gates(office) is None
    assert ("cancelled", why) == (office.state(message), office.cause(message))


def test_a_void_message_to_an_address_that_stopped_makes_no_task(office):
    """Nobody has to call about an old time."""
    afspraak = office.afspraak(person := office.person())
    office.queue(person, about=f"afspraak:{afspraak}", version=1)
    [(message, epoch)] = office.claim()
    office.stop()
    with office.database.session() as session:
        session.execute(update(Afspraak).values(version=2))
        _, held = delivery.prepare(session, office.house, message, epoch)
        tasks.not_delivered(session, held)

    assert [] == office.tasks()


def test_a_person_who_left_the_address_is_not_written_to_there(office):
    """The number is somebody else's now: what was queued for it is told to staff instead."""
    message = office.queue(office.person())
    with office.database.session() as session:
        session.execute(update(PersonAddress).values(person_id=_other(session)))

    assert after_the_gates(office) is None
    assert ("blocked", "person_gone") == (office.state(message), office.cause(message))
    assert [tasks.CALL_OR_WRITE] == office.tasks()


def test_an_answer_that_speaks_to_who_left_the_address_is_not_sent_there(office):
    """It may have waited while the provider was away; the number is somebody else's by now."""
    message = office.answered(office.person(), "hello")
    with office.database.session() as session:
        session.execute(update(PersonAddress).values(person_id=_other(session)))

    assert after_the_gates(office) is None
    assert ("blocked", "person_gone") == (office.state(message), office.cause(message))


def _other(session):
    from bot.models.people import Inburgeraar

    other = Inburgeraar(kenmerk="P-X", first_name="X", language="nl", created_at=moments.now())
    session.add(other)
    session.flush()
    return other.id


# ------------------------------------------------------------------ consent


def test_an_invitation_needs_a_yes_that_still_stands(office):
    person = office.person()
    office.allow(person)
    message = office.queue(person, key="voortraject.invitation", values=INVITATION)
    office.allow(person, given=False)

    assert after_the_gates(office) is None
    assert ("blocked", "no_consent") == (office.state(message), office.cause(message))


def test_no_mass_message_goes_to_a_phone_on_which_somebody_was_in_danger(office):
    person = office.person()
    office.allow(person)
    invitation = office.queue(person, "a", key="voortraject.invitation", values=INVITATION)
    set_address(office, bulk_locked_at=moments.now())

    assert after_the_gates(office) is None
    assert "bulk_locked" == office.cause(invitation)
    office.queue(person, "b")
    assert after_the_gates(office) is not None, "a reminder still goes"


def test_a_no_to_invitations_is_no_no_to_reminders(office):
    office.allow(person := office.person(), given=False)
    office.queue(person)

    assert after_the_gates(office) is not None


# ------------------------------------------------------------------ the form on WhatsApp


def approve(office, key="afspraak.reminder", language="en"):
    with office.database.session() as session:
        for want in templates.wanted(office.house):
            if (want.key, want.language) == (key, language):
                templates.use(session, want, f"HX{key}{language}")


@pytest.fixture
def whatsapp(office):
    office.person(channel="whatsapp", address="+31697000001")
    return office


def queue_there(office, **more):
    person = office.read(lambda s: s.scalars(select(PersonAddress.person_id)).one())
    return office.queue(person, **more)


def test_before_they_wrote_only_an_approved_template_goes(whatsapp):
    approve(whatsapp)
    queue_there(whatsapp)
    outgoing = after_the_gates(whatsapp, "whatsapp").outgoing

    assert "HXafspraak.reminderen" == outgoing.content_sid
    assert "03-12-2026" in outgoing.variables.values()


def test_within_a_day_of_their_word_free_text_goes(whatsapp):
    set_address(whatsapp, last_inbound_at=moments.now() - timedelta(hours=23))
    queue_there(whatsapp)
    outgoing = after_the_gates(whatsapp, "whatsapp").outgoing

    assert ("", ()) == (outgoing.content_sid, outgoing.buttons)
    assert "1 = " in outgoing.body, "without content for buttons, they are numbers"


def test_a_template_that_is_not_approved_yet_is_waited_for(whatsapp):
    """The first day: WhatsApp takes hours to decide. A reminder is not lost for that."""
    message = queue_there(whatsapp)

    assert after_the_gates(whatsapp, "whatsapp") is None
    assert ("planned", "awaits_template") == (whatsapp.state(message), whatsapp.cause(message))
    assert [tasks.CALL_OR_WRITE] == whatsapp.tasks()
    assert [] == whatsapp.claim("whatsapp")

    whatsapp.pass_(minutes=10)
    approve(whatsapp)
    assert after_the_gates(whatsapp, "whatsapp") is not None
    assert whatsapp.cause(message) is None


def test_staff_hear_once_that_a_message_waits_for_its_template(whatsapp):
    """Whoever called and closed the task is not asked again every ten minutes."""
    queue_there(whatsapp)
    after_the_gates(whatsapp, "whatsapp")
    with whatsapp.database.session() as session:
        session.execute(update(tasks.Task).values(done_at=moments.now()))
    for _ in range(3):
        whatsapp.pass_(minutes=10)
        after_the_gates(whatsapp, "whatsapp")

    assert [] == whatsapp.tasks()


def test_a_template_that_never_comes_ends_with_the_afspraak(whatsapp):
    message = queue_there(whatsapp, expires_at=moments.now() + timedelta(minutes=25))
    states = []
    for _ in range(3):
        after_the_gates(whatsapp, "whatsapp")
        states.append(whatsapp.state(message))
        whatsapp.pass_(minutes=10)

    assert ["planned", "planned", "blocked"] == states
    assert "no_form" == whatsapp.cause(message)


def test_an_answer_for_which_the_window_shut_is_not_kept(whatsapp):
    """The worker was away for a day. When they write again they say something else."""
    set_address(whatsapp, last_inbound_at=moments.now() - route.WINDOW)
    person = whatsapp.read(lambda s: s.scalars(select(PersonAddress.person_id)).one())
    message = whatsapp.answered(person, "hello")

    assert after_the_gates(whatsapp, "whatsapp") is None
    assert ("blocked", "no_form") == (whatsapp.state(message), whatsapp.cause(message))
    assert [] == whatsapp.tasks()


def test_a_message_that_cannot_be_prepared_is_set_aside(office):
    message = office.queue(person := office.person())
    [(_, epoch)] = office.claim()
    with office.database.session() as session:
        held = delivery.set_aside(session, message, epoch)
        tasks.not_delivered(session, held)
        assert delivery.set_aside(session, message, epoch) is None

    assert ("blocked", "our_fault") == (office.state(message), office.cause(message))
    assert [tasks.CALL_OR_WRITE] == office.tasks()
    after = office.queue(person, "two")
    assert [after] == [number for number, _ in office.claim()]


@pytest.mark.parametrize("cause", sorted(delivery.WHY_NOT))
def test_every_cause_is_a_dutch_sentence(cause):
    assert delivery.WHY_NOT[cause].endswith(".")


def test_buttons_ride_along_where_the_channel_shows_them(office):
    office.queue(office.person(channel="telegram", address="1004"))

    assert (Button("yes", "Yes"),) == after_the_gates(office, "telegram").outgoing.buttons[:1]


def test_a_template_of_other_words_is_not_taken_for_this_one(whatsapp):
    """The text changed since it was approved: what WhatsApp would show is not what we say."""
    approve(whatsapp)
    with whatsapp.database.session() as session:
        session.execute(update(Template).values(digest="0" * 64))
    message = queue_there(whatsapp)

    assert after_the_gates(whatsapp, "whatsapp") is None
    assert "awaits_template" == whatsapp.cause(message)
