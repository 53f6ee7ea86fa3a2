"""Personal links: made once, counted without a trace, and whom they bring in and what counts."""

from __future__ import annotations

import random
import threading
from itertools import count

import pytest
from group_house import TUESDAY, house_at
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, select

from bot import moments
from bot.db import Database
from bot.house import build
from bot.models.ambassadeurs import Aanmelding, Ambassadeur, Click, Link
from bot.models.people import Address, Inburgeraar, PersonAddress
from bot.outreach import ambassadeurs
from bot.settings import load

FATUMA = "+31697000050"


@pytest.fixture
def house(database_url):
    built = house_at(database_url, TUESDAY)
    yield built
    built.database.close()


_numbers = count(1)


def a_link(session, phone=FATUMA, **more):
    one = Ambassadeur(
        kenmerk=f"AMB{next(_numbers)}",
        first_name="Fatuma",
        phone=phone,
        languages=["ar"],
        created_at=moments.now(),
        **more,
    )
    session.add(one)
    session.flush()
    return ambassadeurs.link_for(session, one)


def a_person(session, address, channel="sms", *, phone=None, **more):
    """Let somebody be known at a place of their own, or at one that is there already."""
    place = session.scalars(
        select(Address).where(Address.channel == channel, Address.address == address)
    ).one_or_none() or Address(
        channel=channel,
        address=address,
        phone=phone or (address if address.startswith("+") else None),
        created_at=moments.now(),
    )
    person = Inburgeraar(
        kenmerk=f"P{next(_numbers)}",
        first_name="Omar",
        language="nl",
        created_at=moments.now(),
        **more,
    )
    session.add_all([place, person])
    session.flush()
    session.add(PersonAddress(person_id=person.id, address_id=place.id, rank=0))
    session.flush()
    return person, place


def flags(session, house, link, person, place, **more):
    made = ambassadeurs.attribute(session, house, link, person, place, **more)
    assert made is not None
    assert made.counted == (made.flags == [])
    return made.flags


# ------------------------------------------------------------------ links


def test_a_code_is_fifty_bits_that_nobody_misreads():
    """Ten signs of 32, without those that look alike on paper."""
    codes = {ambassadeurs.new_code() for _ in range(1000)}

    assert 1000 == len(codes)
    assert set("".join(codes)) == set(ambassadeurs.ALPHABET)
    assert {10} == {len(code) for code in codes}
    assert set("ILOU").isdisjoint(ambassadeurs.ALPHABET)


def test_an_ambassadeur_keeps_one_link(house):
    """Posters hang for months: asking again gives the same code."""
    with house.database.session() as session:
        link = a_link(session)
        assert link is ambassadeurs.link_for(session, link.ambassadeur)


def test_a_code_is_found_as_it_is_read_from_paper(house):
    """Small letters, dashes, an I for a 1: paper is read by people."""
    with house.database.session() as session:
        link = a_link(session)
        link.code = "K1Q2M9TX0F"
        session.flush()
        assert link is ambassadeurs.find(session, "klq2-m9tx-of")
        assert ambassadeurs.find(session, "K1Q2M9TX00") is None


def test_following_counts_per_channel_and_day_and_an_unknown_code_nothing(house):
    """A count that no other count can be told from: no who, no when but the day."""
    with house.database.session() as session:
        code = a_link(session).code
    for at in (TUESDAY, TUESDAY, TUESDAY + moments.timedelta(days=1)):
        moments.set_practice_offset(at - (moments.now() - moments.practice_offset()))
        with house.database.session() as session:
            ambassadeurs.follow(session, code, "sms")
            ambassadeurs.follow(session, "0000000000", "sms")

    with house.database.reading() as session:
        assert [2, 1] == list(session.scalars(select(Click.count).order_by(Click.day)))


def at_once(database_url, *tasks):
    """Do *tasks* at the same moment, each in a transaction of its own; raise what they raise."""
    gate, wrong = threading.Barrier(len(tasks)), []

    def do(task):
        database = Database(database_url)
        try:
            gate.wait()
            with database.session() as session:
                task(session)
        except Exception as error:
            wrong.append(error)
        finally:
            database.close()

    threads = [threading.Thread(target=do, args=(task,)) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [] == wrong


def test_no_tap_is_lost_where_many_come_at_once(house, database_url):
    """A link in a group chat: thirty people tap in the same minute."""
    with house.database.session() as session:
        code = a_link(session).code

    at_once(database_url, *[lambda session: ambassadeurs.follow(session, code, "sms")] * 12)

    with house.database.reading() as session:
        assert 12 == session.scalars(select(Click.count)).one()


# ------------------------------------------------------------------ who came in


def test_a_person_comes_in_once_and_the_first_link_wins(house):
    """Whoever shares the next link hears nothing of it, and earns nothing by it."""
    with house.database.session() as session:
        first, second = a_link(session), a_link(session, "+31697000059")
        person, place = a_person(session, "+31697000051")

        assert [] == flags(session, house, first, person, place)
        assert ambassadeurs.attribute(session, house, second, person, place) is None
        assert ambassadeurs.attribute(session, house, None, person, place) is None
        assert [first.id] == list(session.scalars(select(Aanmelding.link_id)))


def test_of_two_links_at_the_same_moment_one_wins(house, database_url):
    """Two phones, two links, one person: one attribution, whatever the order."""
    with house.database.session() as session:
        links = [a_link(session).id, a_link(session, "+31697000059").id]
        person, place = (each.id for each in a_person(session, "+31697000051"))

    def claim(number):
        return lambda session: ambassadeurs.attribute(
            session,
            house,
            session.get_one(Link, number),
            session.get_one(Inburgeraar, person),
            session.get_one(Address, place),
        )

    at_once(database_url, *[claim(number) for number in links * 3])

    with house.database.reading() as session:
        assert 1 == session.scalar(select(func.count()).select_from(Aanmelding))


def test_of_two_people_on_one_number_at_the_same_moment_one_counts(house, database_url):
    """WhatsApp and SMS of one phone, two links, one second: one premie."""
    with house.database.session() as session:
        claims = [
            (a_link(session, phone).id, *(each.id for each in a_person(session, number, channel)))
            for phone, channel, number in (
                (FATUMA, "sms", "+31697000051"),
                ("+31697000059", "whatsapp", "+31697000051"),
            )
        ]

    def claim(link, person, place):
        return lambda session: ambassadeurs.attribute(
            session,
            house,
            session.get_one(Link, link),
            session.get_one(Inburgeraar, person),
            session.get_one(Address, place),
        )

    at_once(database_url, *[claim(*each) for each in claims])

    with house.database.reading() as session:
        assert [False, True] == sorted(session.scalars(select(Aanmelding.counted)))


def test_a_number_that_was_forgotten_earns_no_second_premie(house):
    """Whoever asks to be forgotten is; only a keyed hash of the number stays, for this."""
    with house.database.session() as session:
        link = a_link(session)
        person, place = a_person(session, "+31697000051")
        assert [] == flags(session, house, link, person, place)
        session.execute(delete(PersonAddress))
        session.execute(delete(Aanmelding))
        session.execute(delete(Inburgeraar))
        session.execute(delete(Address))
        session.expunge_all()

    with house.database.session() as session:
        link = session.scalars(select(Link)).one()
        again, place = a_person(session, "+31697000051", "whatsapp")
        assert ["shared_number"] == flags(session, house, link, again, place)


WRITTEN = ("0697000050", "06-970 000 50", "+31 (0)6 97000050", "0031697000050", "٠٦٩٧٠٠٠٠٥٠")


@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize("channel", ["sms", "whatsapp", "telegram"])
def test_ones_own_number_is_seen_however_it_is_written(house, written, channel):
    """In the file, on another channel, or shared as a contact on Telegram."""
    with house.database.session() as session:
        link = a_link(session, written)
        place = "1050" if channel == "telegram" else FATUMA
        person, address = a_person(session, place, channel, phone=FATUMA)

        assert ["own_number"] == flags(session, house, link, person, address)


def test_a_second_channel_of_ones_own_number_is_seen(house):
    """The address they came in by is another; the number is theirs all the same."""
    with house.database.session() as session:
        link = a_link(session)
        person, _ = a_person(session, FATUMA)
        other = Address(channel="telegram", address="1050", created_at=moments.now())
        session.add(other)
        session.flush()

        assert ["own_number"] == flags(session, house, link, person, other)


def test_a_household_is_seen_by_its_key_or_by_a_phone_that_is_shared(house):
    """A brother with a key, a sister on the phone of the ambassadeur's second number."""
    with house.database.session() as session:
        link = a_link(session, household="H7")
        themselves, _ = a_person(session, FATUMA)
        brother, his = a_person(session, "+31697000061", household="H7")
        second = Address(channel="sms", address="+31697000062", created_at=moments.now())
        session.add(second)
        session.flush()
        session.add(PersonAddress(person_id=themselves.id, address_id=second.id, rank=1))
        sister, hers = a_person(session, "+31697000062")
        stranger, theirs = a_person(session, "+31697000063", household="H8")

        assert ["own_household"] == flags(session, house, link, brother, his)
        assert ["own_household"] == flags(session, house, link, sister, hers)
        assert [] == flags(session, house, link, stranger, theirs)


def test_a_household_is_seen_by_the_key_of_the_ambassadeurs_own_row(house):
    """The file of ambassadeurs has no household; that of the people has."""
    with house.database.session() as session:
        link = a_link(session)
        a_person(session, FATUMA, household="H7")
        brother, his = a_person(session, "+31697000061", household="H7")

        assert ["own_household"] == flags(session, house, link, brother, his)


def test_the_second_on_a_shared_phone_and_whom_we_knew_are_marked(house):
    """They may be real; staff look before a premie is paid."""
    with house.database.session() as session:
        link = a_link(session)
        first, place = a_person(session, "+31697000051")
        second, _ = a_person(session, "+31697000051")
        known, known_place = a_person(session, "+31697000052")

        assert [] == flags(session, house, link, first, place)
        assert ["shared_number"] == flags(session, house, link, second, place)
        assert ["known_person"] == flags(session, house, link, known, known_place, known=True)


def test_nobody_without_a_number_is_taken_for_somebody_else(house):
    """Telegram people hide their number: no number is no number in common."""
    with house.database.session() as session:
        link = a_link(session, None)
        for chat in ("1006", "1007"):
            assert [] == flags(session, house, link, *a_person(session, chat, "telegram"))


@settings(deadline=None, max_examples=40)
@given(order=st.permutations(range(6)), seed=st.integers(0, 3))
def test_of_each_number_one_counts_whatever_the_order(sqlite_once, order, seed):
    """Six sign-ups on three numbers, by two links, on any channel: three premies."""
    choose = random.Random(seed)
    house = sqlite_once
    with house.database.session() as session:
        links = [a_link(session, None) for _ in range(2)]
        base = 31_697_000_000
        counted = 0
        for at in order:
            number = f"+{base + at // 2}"
            person, place = a_person(session, number, ("sms", "whatsapp")[at % 2])
            made = ambassadeurs.attribute(session, house, choose.choice(links), person, place)
            counted += made is not None and made.counted
        assert 3 == counted
        session.rollback()


@pytest.fixture(scope="module")
def sqlite_once(tmp_path_factory):
    from bot import migrate

    built = build(load(None, database_url=f"sqlite:///{tmp_path_factory.mktemp('own')}/a.db"))
    migrate.upgrade(built.database)
    yield built
    built.database.close()


# ------------------------------------------------------------------ what an ambassadeur hears


@pytest.mark.parametrize("text", ["stand", "Stand", " STAND? ", "/stand"])
def test_an_ambassadeur_asks_with_one_word(house, text):
    """From their own number, on whatever channel shows it."""
    with house.database.session() as session:
        a_link(session)
        _, own = a_person(session, FATUMA, "whatsapp")
        _, other = a_person(session, "+31697000051")

        assert ambassadeurs.asks_stand(session, own, text)
        assert not ambassadeurs.asks_stand(session, other, text)
        assert not ambassadeurs.asks_stand(session, own, "hoe is de stand")


def test_the_stand_is_two_counts_of_ones_own_links(house):
    """Whoever is flagged is not counted, and another's link is another's."""
    with house.database.session() as session:
        link, other = a_link(session), a_link(session, "+31697000059")
        for number in range(3):
            ambassadeurs.count(session, link, ambassadeurs.CHAT)
            who = a_person(session, f"+3169700006{number}")
            ambassadeurs.attribute(session, house, link, *who, known=number == 2)
        ambassadeurs.follow(session, link.code, "sms")
        ambassadeurs.count(session, other, ambassadeurs.CHAT)

        assert ambassadeurs.Stand(3, 2) == ambassadeurs.stand(session, [link.ambassadeur])
