"""What is made of a message of which nobody knows whether it went."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from post_office import TUESDAY, UNKNOWN
from sqlalchemy import select

from bot import moments
from bot.channels.base import Cause, Certainty, Heard, SendError
from bot.channels.twilio import Listed
from bot.messaging import reconcile
from bot.messaging.steps import Verdict
from bot.models.afspraken import Afspraak
from bot.models.messages import Attempt, Message, Reply
from bot.models.people import Address, PersonAddress

OURS = "+3197000000000"
PRIYA = "+31697000004"


def lose(office, occasion="one", channel="sms", **more: Any) -> int:
    """Send something of which the answer is lost; return the message."""
    message = office.queue(more.pop("person", None) or office.person(), occasion, **more)
    office.settle(office.hand_over(channel), UNKNOWN)
    return message


def row(office, message, **more: Any) -> Listed:
    """What the list says if it has *message*."""
    body, at = office.read(
        lambda s: s.execute(
            select(Message.body, Attempt.started_at)
            .join(Attempt, Attempt.message_id == Message.id)
            .where(Message.id == message)
            .order_by(Attempt.number.desc())
        ).first()
    )
    given: dict[str, Any] = {
        "ref": "SM1",
        "direction": "outbound-api",
        "to": PRIYA,
        "from_": OURS,
        "service": "",
        "body": body,
        "status": "delivered",
        "code": "",
        "created": at,
        "segments": 1,
        "media": 0,
    }
    return Listed(**{**given, **more})


def turn(office) -> list[int]:
    with office.database.session() as session:
        return [q.message for q in reconcile.questions(session, ["sms", "whatsapp"], 10)]


def look(office, *listed: Listed, message: int | None = None) -> Verdict:
    """Look for the unknown whose turn it is."""
    with office.database.session() as session:
        asked = reconcile.questions(session, ["sms", "whatsapp"], 10)
        [question] = [q for q in asked if message in (None, q.message)]
        channel = office.house.channels[question.channel]
        return reconcile.decide(session, channel, question, listed).verdict


def follow(office) -> tuple[int, int]:
    """Follow up what is due; return how many repeats and how many tasks that gave."""
    with office.database.session() as session:
        before = len(session.scalars(select(Message.id)).all())
        told = [
            reconcile.follow_up(session, office.house, number)
            for number in reconcile.to_follow(session, 10)
        ]
        repeats = len(session.scalars(select(Message.id)).all()) - before
        return repeats, len([message for message in told if message is not None])


def give_up(office) -> int:
    with office.database.session() as session:
        return len(
            [
                number
                for number in reconcile.to_give_up(session, 10)
                if reconcile.give_up(session, number)
            ]
        )


# ------------------------------------------------------------------ in the provider's list


def test_the_list_is_looked_at_after_two_minutes_and_then_every_quarter(office):
    message = lose(office)
    assert [] == turn(office)
    office.pass_(minutes=2)
    assert [message] == turn(office)
    look(office)
    assert [] == turn(office)
    office.pass_(minutes=15)
    assert [message] == turn(office)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("queued", "accepted"),
        ("sent", "sent"),
        ("delivered", "delivered"),
        ("dreaming", "accepted"),
    ],
)
def test_one_in_the_list_is_taken_as_ours(office, status, state):
    """Twilio has it: what it says of it holds, whatever became of its answer to us."""
    message = lose(office)
    office.pass_(minutes=2)

    assert Verdict.ADOPTED is look(office, row(office, message, status=status))
    assert state == office.state(message)
    assert ["accepted"] == office.outcomes(message)
    assert "SM1" == office.read(lambda s: s.get_one(Message, message).provider_ref)


def test_one_in_the_list_that_failed_has_failed(office):
    message = lose(office)
    office.pass_(minutes=2)
    failed = row(office, message, status="undelivered", code="30003")

    with office.database.session() as session:
        [question] = reconcile.questions(session, ["sms"], 10)
        found = reconcile.decide(session, office.house.channels["sms"], question, [failed])

    assert (message, "unreachable") == (found.message.id, found.message.cause)
    assert "undelivered" == office.state(message)


def test_nothing_in_the_list_twice_is_not_sent_and_goes_again_once(office):
    """Twice, a quarter of an hour apart: the list runs behind."""
    message = lose(office)
    office.pass_(minutes=2)
    assert Verdict.OPEN is look(office)
    assert [] == office.claim()
    office.pass_(minutes=15)
    assert Verdict.NOT_SENT is look(office)

    assert ("planned", None) == (office.state(message), office.cause(message))
    again = office.hand_over()
    assert (message, 2) == (again.outgoing.message, again.outgoing.attempt)
    assert ["not_sent", None] == office.outcomes(message)


def test_two_looks_at_the_same_time_are_one(office):
    """Two machines may tick at once."""
    message = lose(office)
    office.pass_(minutes=2)
    with office.database.session() as session:
        [question] = reconcile.questions(session, ["sms"], 10)
    for _ in range(2):
        with office.database.session() as session:
            found = reconcile.decide(session, office.house.channels["sms"], question, [])
            assert Verdict.OPEN is found.verdict

    assert "unknown" == office.state(message)


def test_what_has_no_point_any_more_is_not_sent_again(office):
    message = lose(office, expires_at=TUESDAY + timedelta(minutes=10))
    office.pass_(minutes=2)
    look(office)
    office.pass_(minutes=15)
    look(office)
    [(claimed, epoch)] = office.claim()

    assert office.prepare(claimed, epoch) is None
    assert "expired" == office.state(message)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"direction": "outbound-reply"}, id="Twilio's own answer"),
        pytest.param({"direction": "inbound"}, id="what they wrote"),
        pytest.param({"from_": "+3197000000009"}, id="another sender"),
        pytest.param({"created": TUESDAY - timedelta(hours=27)}, id="long before"),
        pytest.param({"created": TUESDAY + timedelta(hours=27)}, id="long after"),
    ],
)
def test_what_is_not_ours_is_as_good_as_nothing(office, other):
    message = lose(office)
    for minutes in (2, 15):
        office.pass_(minutes=minutes)
        verdict = look(office, row(office, message, **other))

    assert Verdict.NOT_SENT is verdict


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"body": "Iets anders."}, id="another text"),
        pytest.param({"body": ""}, id="a text that Twilio does not keep"),
        pytest.param({"created": TUESDAY + timedelta(minutes=20)}, id="an odd moment"),
        pytest.param({"created": TUESDAY + timedelta(days=1)}, id="our clock was a day behind"),
    ],
)
def test_an_unexplained_message_of_ours_keeps_it_unknown(office, other):
    """It may be this one, its text changed or its clock wrong: that proves nothing."""
    message = lose(office)
    for minutes in (2, 15, 15):
        office.pass_(minutes=minutes)
        assert Verdict.OPEN is look(office, row(office, message, **other))

    assert "unknown" == office.state(message)


def test_what_another_message_was_adopts_nobody_twice(office):
    person = office.person()
    office.queue(person, "known")
    office.settle(office.hand_over(), "SM1")
    message = lose(office, person=person)
    for minutes in (2, 15):
        office.pass_(minutes=minutes)
        verdict = look(office, row(office, message, ref="SM1"))

    assert Verdict.NOT_SENT is verdict


def test_two_that_fit_are_for_staff_to_look_at_once(office):
    message = lose(office)
    office.pass_(minutes=2)
    listed = [row(office, message), row(office, message, ref="SM2")]
    with office.database.session() as session:
        [question] = reconcile.questions(session, ["sms"], 10)
        found = reconcile.decide(session, office.house.channels["sms"], question, listed)
        assert (Verdict.SEVERAL, message) == (found.verdict, found.message.id)
        again = reconcile.decide(session, office.house.channels["sms"], question, listed)
        assert (Verdict.SEVERAL, None) == (again.verdict, again.message)

    assert "unknown" == office.state(message)


def test_one_that_fits_two_unknowns_is_neithers(office):
    """The same text to the same phone, twice: which of them it is nobody can say."""
    person = office.person()
    first = lose(office, "first", person=person)
    lose(office, "second", person=person)
    office.pass_(minutes=2)

    assert Verdict.SEVERAL is look(office, row(office, first), message=first)


def test_a_clock_that_was_set_meanwhile_lets_it_be_neithers_too(office):
    """Three hours ahead of its second call, the machine takes that for the first one's."""
    person = office.person()
    first = lose(office, "first", person=person)
    office.pass_(hours=3)
    lose(office, "second", person=person)
    office.pass_(minutes=2)

    taken = row(office, first, created=TUESDAY + timedelta(minutes=1))
    assert Verdict.SEVERAL is look(office, taken, message=first)


def test_two_that_say_the_same_are_both_there_if_the_list_has_two(office):
    person = office.person()
    first = lose(office, "first", person=person)
    office.pass_(hours=3)
    second = lose(office, "second", person=person)
    office.pass_(minutes=2)
    listed = [row(office, first), row(office, second, ref="SM2")]

    assert Verdict.ADOPTED is look(office, *listed, message=first)
    assert Verdict.ADOPTED is look(office, *listed, message=second)


def test_whatever_twilio_does_to_spaces_it_is_the_same_text(office):
    message = lose(office)
    office.pass_(minutes=2)
    body = office.read(lambda s: s.get_one(Message, message).body)

    listed = row(office, message, body=body.replace("\n", "  \n") + "\n")
    assert Verdict.ADOPTED is look(office, listed)


def test_a_report_on_what_the_list_did_not_hold_is_believed(office):
    """The list ran behind for longer than we waited: it is not sent a second time."""
    message = lose(office)
    for minutes in (2, 15):
        office.pass_(minutes=minutes)
        look(office)
    assert "planned" == office.state(message)

    office.told(message, "delivered", "SM1")

    assert ("delivered", ["accepted"]) == (office.state(message), office.outcomes(message))
    assert [] == office.claim()


def test_a_report_counts_also_if_the_message_was_claimed_again(office):
    message = lose(office)
    for minutes in (2, 15):
        office.pass_(minutes=minutes)
        look(office)
    [(claimed, epoch)] = office.claim()

    office.told(message, "sent", "SM1")

    assert office.prepare(claimed, epoch) is None
    assert "sent" == office.state(message)


def test_a_report_on_what_was_never_called_stays_unbelieved(office):
    """No call was made: whoever reports on it is mistaken."""
    message = office.queue(office.person())
    refused = SendError(Certainty.NOT_SENT, Cause.OUR_FAULT, detail="ClientConnectorError")
    office.settle(office.hand_over(), refused)

    office.told(message, "delivered", "SM1")

    assert "planned" == office.state(message)


# ------------------------------------------------------------------ what nobody can tell


def test_a_reminder_of_which_nobody_knows_is_repeated_once_and_says_so(office):
    person = office.person(channel="telegram", address="1004")
    message = lose(office, person=person, channel="telegram")
    office.pass_(minutes=29)
    assert (0, 0) == follow(office)
    office.pass_(minutes=1)
    assert (1, 0) == follow(office)
    assert (0, 0) == follow(office)

    again = office.hand_over("telegram")
    assert again.outgoing.body.startswith("This message may be a repeat.\n")
    assert "afspraak.reminder" == office.read(lambda s: s.get_one(Message, message).key)
    assert (message, "one:repeat") == office.read(
        lambda s: s.execute(
            select(Message.repeats_id, Message.occasion).where(Message.id == again.outgoing.message)
        ).one()
    )


def test_a_repeat_is_not_repeated(office):
    lose(office, person=office.person(channel="telegram", address="1004"), channel="telegram")
    office.pass_(minutes=30)
    follow(office)
    office.settle(office.hand_over("telegram"), UNKNOWN)
    office.pass_(minutes=30)

    assert (0, 1) == follow(office)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param({}, (1, 0), id="in two days"),
        pytest.param({"expires_at": TUESDAY + timedelta(hours=3)}, (0, 1), id="soon"),
    ],
)
def test_what_is_near_is_for_staff_to_call_about(office, given, expected):
    person = office.person(channel="telegram", address="1004")
    lose(office, person=person, channel="telegram", **given)
    office.pass_(minutes=30)

    assert expected == follow(office)


def test_an_invitation_is_never_repeated(office):
    person = office.person(channel="telegram", address="1004")
    office.allow(person)
    invitation = {
        "key": "voortraject.invitation",
        "values": {
            "theme": "Actief in de wijk",
            "place": "Buurthuis De Brug",
            "address": "Brugstraat 4",
            "days": "maandag, 09:00-11:30",
            "starts": "maandag 7 december",
            "weeks": 26,
            "yields": "",
        },
    }
    message = lose(office, person=person, channel="telegram", **invitation)
    office.pass_(hours=20)
    assert (0, 0) == follow(office)
    office.pass_(hours=4)
    assert 1 == give_up(office), "staff hear of it once"
    assert "unknown_final" == office.state(message)


def test_who_answered_has_it(office):
    person = office.person(channel="telegram", address="1004")
    message = lose(office, person=person, channel="telegram")
    event = office.wrote("telegram:1", lane="telegram:1004", state="done")
    with office.database.session() as session:
        session.add(
            Reply(
                event_id=event.id,
                address_id=session.scalars(select(Address.id)).one(),
                channel="telegram",
                text="1",
                media=[],
                message_id=message,
                at=moments.now(),
            )
        )
    office.pass_(minutes=30)

    assert (0, 0) == follow(office)


def test_on_twilio_the_repeat_waits_for_the_second_look(office):
    """One look found nothing: the next one decides, and till then a repeat is one too many."""
    message = lose(office)
    office.pass_(hours=1)
    look(office)
    assert (0, 0) == follow(office)
    office.pass_(minutes=15)

    assert Verdict.NOT_SENT is look(office)
    assert "planned" == office.state(message)


def test_what_was_repeated_is_not_sent_again_when_it_turns_out_not_to_have_gone(office):
    """The list could not be read for an hour; the repeat stands in for the message."""
    message = lose(office)
    office.pass_(hours=1)
    assert (1, 0) == follow(office)
    look(office)
    office.pass_(minutes=15)
    look(office)

    assert ("cancelled", "repeated") == (office.state(message), office.cause(message))


def test_outside_the_window_whatsapp_has_no_words_for_a_repeat(office):
    """A template was approved as it is: staff call instead."""
    person = office.person(channel="whatsapp", address=PRIYA, last_inbound_at=TUESDAY)
    lose(office, person=person, channel="whatsapp")
    office.pass_(minutes=30)
    with office.database.session() as session:
        session.scalars(select(Address)).one().last_inbound_at = TUESDAY - timedelta(days=2)

    assert (0, 1) == follow(office)


def test_after_a_day_it_is_unknown_for_good_and_evidence_still_counts(office):
    message = lose(office)
    office.pass_(hours=24)
    follow(office)
    assert 0 == give_up(office), "the repeat was the answer to it"
    assert "unknown_final" == office.state(message)
    assert [] == turn(office)

    office.told(message, "delivered", "SM1")
    assert "delivered" == office.state(message)


# ------------------------------------------------------------------ shown by its reader


def heard(body, **more: Any) -> Heard:
    given = {"quoted": "1004:7", "quoted_text": body, "quoted_at": TUESDAY, **more}
    return Heard(channel="telegram", address="1004", ref="1", **given)


def prove(office, said: Heard) -> int | None:
    with office.database.session() as session:
        address = session.scalars(select(Address)).one()
        message = reconcile.proven(session, address, said)
        return message.id if message else None


@pytest.mark.parametrize("late", [False, True])
def test_who_taps_a_message_has_it(office, late):
    person = office.person(channel="telegram", address="1004")
    message = lose(office, person=person, channel="telegram")
    body = office.read(lambda s: s.get_one(Message, message).body)
    if late:
        office.pass_(hours=25)
        give_up(office)

    assert message == prove(office, heard(body))
    assert ("sent", ["accepted"]) == (office.state(message), office.outcomes(message))
    assert "1004:7" == office.read(lambda s: s.get_one(Message, message).provider_ref)


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"quoted_text": "iets anders"}, id="another text"),
        pytest.param({"quoted_at": TUESDAY - timedelta(days=1)}, id="an earlier one like it"),
        pytest.param({"quoted": ""}, id="nothing quoted"),
    ],
)
def test_what_does_not_fit_proves_nothing(office, more):
    person = office.person(channel="telegram", address="1004")
    message = lose(office, person=person, channel="telegram")
    body = office.read(lambda s: s.get_one(Message, message).body)

    assert prove(office, heard(body, **more)) is None
    assert "unknown" == office.state(message)


# ------------------------------------------------------------------ no receipt


def receipts(office) -> int:
    with office.database.session() as session:
        return reconcile.no_receipts(session, office.house, 10)


@pytest.mark.parametrize("status", ["queued", "sent"])
def test_three_days_without_a_receipt_is_a_state_of_its_own(office, status):
    message = office.queue(office.person())
    office.settle(office.hand_over(), "SM1")
    office.told(message, status)
    office.pass_(hours=71)
    assert 0 == receipts(office)
    office.pass_(hours=1, minutes=1)

    assert 1 == receipts(office)
    assert "no_receipt" == office.state(message)
    office.told(message, "delivered")
    assert "delivered" == office.state(message), "late evidence moves it up"


def test_telegram_gives_no_receipts_so_none_is_missed(office):
    message = office.queue(office.person(channel="telegram", address="1004"))
    office.settle(office.hand_over("telegram"), "1004:7")
    office.pass_(days=10)

    assert 0 == receipts(office)
    assert "sent" == office.state(message)


# ------------------------------------------------------------------ another address


def second(office, person, channel="sms", address="+31697000014", **more: Any) -> None:
    """Let *person* have one more address."""
    with office.database.session() as session:
        place = Address(
            channel=channel,
            address=address,
            created_at=moments.now(),
            **{"state": "open", **more},
        )
        session.add(place)
        session.flush()
        rank = len(session.scalars(select(PersonAddress.id)).all())
        session.add(PersonAddress(person_id=person, address_id=place.id, rank=rank))


def elsewhere(office, message) -> str | None:
    """Return where *message* is tried next."""
    with office.database.session() as session:
        found = reconcile.elsewhere(session, office.house, session.get_one(Message, message))
        return found.address.address if found and found.address else None


def fail(office, cause=Cause.UNREACHABLE, channel="sms", **more: Any) -> tuple[int, int]:
    """Send what certainly does not arrive; return the person and the message."""
    person = more.pop("person", None) or office.person()
    message = office.queue(person, **more)
    office.settle(office.hand_over(channel), SendError(Certainty.REJECTED, cause, code="1"))
    return person, message


def test_after_a_certain_failure_the_next_address_is_tried_once(office):
    person, message = fail(office)
    second(office, person, "telegram", "1004")

    assert "1004" == elsewhere(office, message)
    assert elsewhere(office, message) is None
    assert "failed" == office.state(message), "the earlier attempt stays visible"


def test_each_address_is_tried_once_and_then_staff_are_told(office):
    person, message = fail(office)
    second(office, person, address="+31697000014")
    second(office, person, address="+31697000024")
    for expected in ("+31697000014", "+31697000024"):
        assert expected == elsewhere(office, message)
        prepared = office.hand_over()
        office.settle(prepared, SendError(Certainty.REJECTED, Cause.UNREACHABLE, code="1"))
        message = prepared.outgoing.message

    assert elsewhere(office, message) is None


@pytest.mark.parametrize(
    "more", [{"stopped_at": TUESDAY}, {"state": "closed"}], ids=["stopped", "someone else's"]
)
def test_an_address_that_may_not_be_used_is_no_next_address(office, more):
    person, message = fail(office)
    second(office, person, **more)

    assert elsewhere(office, message) is None


def test_after_an_unknown_nothing_goes_elsewhere(office):
    """It may have arrived: a second message would be one too many, and not be marked."""
    person = office.person()
    second(office, person, "telegram", "1004")
    message = lose(office, person=person)

    assert elsewhere(office, message) is None
    office.pass_(hours=24)
    give_up(office)
    assert elsewhere(office, message) is None


def test_a_stop_is_about_us_and_not_about_a_number(office):
    person, message = fail(office, Cause.STOPPED)
    second(office, person, "telegram", "1004")

    assert elsewhere(office, message) is None


def test_blocking_the_bot_is_about_telegram_alone(office):
    person = office.person(channel="telegram", address="1004")
    _, message = fail(office, Cause.STOPPED, "telegram", person=person)
    second(office, person)

    assert "+31697000014" == elsewhere(office, message)


def test_where_it_is_switched_off_staff_are_told(office):
    person, message = fail(office)
    second(office, person, "telegram", "1004")
    office.house = replace(office.house, gemeente=replace(office.house.gemeente, fallback=False))

    assert elsewhere(office, message) is None


def test_a_repeat_stays_where_it_is(office):
    person = office.person(channel="telegram", address="1004")
    second(office, person)
    lose(office, person=person, channel="telegram")
    office.pass_(minutes=30)
    follow(office)
    prepared = office.hand_over("telegram")
    office.settle(prepared, SendError(Certainty.REJECTED, Cause.UNREACHABLE, code="1"))

    assert elsewhere(office, prepared.outgoing.message) is None


def test_what_is_overtaken_is_not_sent_elsewhere_either(office):
    """The gates are asked again: the copy speaks of the same version of the afspraak."""
    person = office.person()
    afspraak = office.afspraak(person)
    about = {"about": f"afspraak:{afspraak}", "version": 1}
    _, message = fail(office, person=person, **about)
    second(office, person)
    assert "+31697000014" == elsewhere(office, message)
    with office.database.session() as session:
        session.get_one(Afspraak, afspraak).version = 2
    [(copy, epoch)] = office.claim()

    assert office.prepare(copy, epoch) is None
    assert ("cancelled", "superseded") == (office.state(copy), office.cause(copy))
