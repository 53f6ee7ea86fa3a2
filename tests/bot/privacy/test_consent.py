"""May this person be written to, here, for this? The last word counts, and STOP is for all."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from post_office import Office
from sqlalchemy import delete, select

from bot import moments
from bot.models.messages import Message
from bot.models.people import Address, Consent, Inburgeraar
from bot.privacy import consent


@pytest.fixture
def office(sqlite_url):
    office = Office(sqlite_url)
    yield office
    office.close()


@pytest.fixture
def priya(office):
    return office.person()


def at_address(office, do, *more):
    with office.database.session() as session:
        return do(session, session.scalars(select(Address)).one(), *more)


def words(office):
    return office.read(
        lambda s: [
            tuple(row)
            for row in s.execute(select(Consent.purpose, Consent.given).order_by(Consent.id))
        ]
    )


def test_a_stop_holds_once_and_is_written_down_with_its_evidence(office, priya):
    stopped = [at_address(office, consent.stop, f"reply {n}") for n in (1, 2)]

    assert [True, False] == stopped
    assert [("all", False)] == words(office)
    assert ["reply 1"] == office.read(lambda s: s.scalars(select(Consent.evidence)).all())


def test_a_stop_takes_back_what_is_planned_and_nothing_that_has_left(office, priya):
    gone = office.queue(priya, "gone")
    office.settle(office.hand_over())
    planned, under_way = office.queue(priya, "under way"), office.queue(priya, "planned")
    office.hand_over()
    at_address(office, consent.stop, "reply 1")

    assert ["accepted", "sending", "cancelled"] == office.states()
    assert {gone, planned, under_way} == set(office.read(lambda s: s.scalars(select(Message.id))))


def test_a_start_brings_back_only_what_comes_later(office, priya):
    office.queue(priya, "before")
    at_address(office, consent.stop, "reply 1")

    assert at_address(office, consent.start, "reply 2", moments.now())
    assert not at_address(office, consent.start, "reply 3", moments.now())
    assert ["cancelled"] == office.states()
    assert office.queue(priya, "after") is not None
    assert ["cancelled", "planned"] == office.states()
    assert [("all", False), ("all", True)] == words(office)


def test_a_stop_is_of_the_address_and_so_of_all_who_share_it(office, priya):
    arun = office.person("Arun")
    for person, occasion in ((priya, "a"), (arun, "b")):
        office.queue(person, occasion)
    at_address(office, consent.stop, "reply 1")

    assert ["cancelled", "cancelled"] == office.states()


def test_a_start_that_was_said_before_the_stop_does_not_undo_it(office, priya):
    """It lay at the provider while we were away; the STOP came later and was heard first."""
    with office.database.session() as session:
        address = session.scalars(select(Address)).one()
        address.last_inbound_at = moments.now()
        consent.stop(session, address, "reply 2")
        said = moments.now() - timedelta(hours=1)
        assert not consent.start(session, address, "reply 1", said)

    assert office.read(lambda s: s.scalars(select(Address.stopped_at)).one()) is not None


def test_who_was_never_asked_may_not_be_invited(office, priya):
    with office.database.session() as session:
        person = session.get_one(Inburgeraar, priya)
        assert consent.last_word(session, person, None) is None
        assert not consent.may_invite(session, person, "sms")


def test_the_same_word_again_is_not_written_down_again(office, priya):
    for _ in range(3):
        office.allow(priya)

    assert [("invitation", True)] == words(office)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    said=st.lists(st.tuples(st.sampled_from([None, "sms", "telegram"]), st.booleans()), max_size=6)
)
def test_the_last_word_that_concerns_a_channel_counts(office, priya, said):
    """A word about all channels counts for each; asked one by one or for everyone at once."""
    with office.database.session() as session:
        session.execute(delete(Consent))
        person = session.get_one(Inburgeraar, priya)
        for channel, given_ in said:
            session.add(
                Consent(
                    person_id=priya,
                    purpose=consent.INVITATION,
                    channel=channel,
                    given=given_,
                    evidence="test",
                    at=moments.now(),
                )
            )
            session.flush()
        at_once = consent.invitable(session, priya, priya)
        for asked in ("sms", "telegram"):
            heard = [given_ for channel, given_ in said if channel in (None, asked)]
            expected = bool(heard) and heard[-1]

            assert expected == consent.may_invite(session, person, asked)
            assert expected == at_once(priya, asked)


def test_words_are_only_ever_added(office, priya):
    """How we know that they said yes must be there years later."""
    for given_ in (True, False, True):
        office.allow(priya, given=given_)
        office.pass_(days=1)

    assert [True, False, True] == [given_ for _, given_ in words(office)]
    said = office.read(lambda s: s.scalars(select(Consent.at).order_by(Consent.id)).all())
    assert sorted(said) == said
    assert said[0] < moments.now() - timedelta(days=2)
