"""queue(): one row per occasion, rendered for its reader, whether or not it can be sent."""

from __future__ import annotations

from datetime import timedelta

import pytest
from post_office import AFSPRAAK
from sqlalchemy import select

from bot import moments
from bot.messaging import outbox, route
from bot.models.messages import Message
from bot.models.people import Address, Inburgeraar, PersonAddress


def row(office, message):
    with office.database.session() as session:
        return session.get_one(Message, message)


def test_the_same_occasion_is_planned_once(office):
    person = office.person()
    first, again = (
        office.queue(person, "afspraak:1:v1:1d"),
        office.queue(person, "afspraak:1:v1:1d"),
    )

    assert first is not None
    assert again is None
    assert ["planned"] == office.states()


def test_it_is_rendered_when_queued_in_the_readers_language(office):
    """What staff previewed is what is sent, whatever the catalogue says tomorrow."""
    message = row(office, office.queue(office.person("Mehmet", language="tr")))

    assert "tr" == message.language
    assert "Mehmet" in message.body
    assert "03-12-2026" in message.body
    assert "14:30" in message.body
    assert AFSPRAAK["begins"] == route.unpack(message.values)["begins"]


@pytest.mark.parametrize(
    ("channel", "typed", "tapped"),
    [("sms", True, 0), ("telegram", False, 3), ("whatsapp", False, 3)],
)
def test_answers_are_numbers_where_there_are_no_buttons(office, channel, typed, tapped):
    message = row(office, office.queue(office.person(channel=channel, address="+31697000001")))

    assert typed == ("1 = " in message.body)
    assert tapped == len(message.buttons)


def test_what_has_nowhere_to_go_is_written_down_as_blocked(office):
    """Staff must be able to see what was not sent, and to whom."""
    person = office.person()
    office.stop()
    message = row(office, office.queue(person))

    assert ("blocked", "no_address", None) == (message.state, message.cause, message.address_id)
    assert "03-12-2026" in message.body


def test_an_invitation_without_a_yes_has_nowhere_to_go(office):
    person = office.person()
    values = {"theme": "x", "place": "x", "address": "x", "days": "x", "starts": "x", "weeks": 1,
              "yields": ""}  # fmt: skip
    queued = [
        office.queue(person, name, key="voortraject.invitation", values=values) for name in ("a",)
    ]
    office.allow(person)
    queued.append(office.queue(person, "b", key="voortraject.invitation", values=values))

    assert ["blocked", "planned"] == [row(office, message).state for message in queued]


def test_the_next_address_is_taken_where_the_first_may_not_be_used(office):
    """STOP on one channel is no STOP on another that they also gave us."""
    person = office.person()
    with office.database.session() as session:
        second = Address(channel="telegram", address="1004", state="open", created_at=moments.now())
        session.add(second)
        session.flush()
        session.add(PersonAddress(person_id=person, address_id=second.id, rank=1))
    assert "sms" == row(office, office.queue(person, "a")).channel
    office.stop()
    assert "telegram" == row(office, office.queue(person, "b")).channel


def test_a_language_that_an_address_was_spoken_to_in_serves_where_nobody_is_known(office):
    office.person()
    with office.database.session() as session:
        address = session.scalars(select(Address)).one()
        address.language = "tr"
        message = outbox.queue(
            session,
            office.house,
            occasion="reply:1",
            key="answer.thanks",
            address=address,
            expires_at=moments.now() + timedelta(hours=1),
        )
        assert ("tr", None) == (message.language, message.person_id)


def test_nothing_is_planned_for_who_rolls_back(office):
    """Queueing is part of what caused it: both happen or neither."""
    person = office.person()

    def queue_and_fail():
        with office.database.session() as session:
            outbox.queue(
                session,
                office.house,
                occasion="one",
                key="afspraak.reminder",
                person=session.get_one(Inburgeraar, person),
                values=AFSPRAAK,
                expires_at=AFSPRAAK["begins"],
            )
            raise RuntimeError

    with pytest.raises(RuntimeError):
        queue_and_fail()

    assert [] == office.states()
    assert office.queue(person, "one") is not None


def test_a_text_that_is_not_there_is_an_error_and_not_a_message(office):
    with pytest.raises(KeyError):
        office.queue(office.person(), key="no.such.text")
    assert [] == office.states()
