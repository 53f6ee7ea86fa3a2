"""One phone, two people; and one number that is no longer theirs who had it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select

from bot import moments
from bot.models.messages import Message, Reply
from bot.models.people import Address, Consent, Inburgeraar, PersonAddress
from bot.models.tasks import Task
from bot.outreach import people
from bot.outreach.intake.reading import parse
from bot.outreach.intake.storing import store

PHONE = "+31697000011"


def local(*parts: int) -> datetime:
    return moments.from_local(datetime(*parts))


def told_of(world, kind: str) -> set[str | None]:
    """Who the open tasks of this *kind* are about, by name."""
    return set(
        world.read(
            lambda s: s.scalars(
                select(Inburgeraar.first_name)
                .select_from(Task)
                .outerjoin(Inburgeraar, Inburgeraar.id == Task.person_id)
                .where(Task.kind == kind, Task.done_at.is_(None))
            ).all()
        )
    )


def test_stop_on_a_shared_phone_is_for_both_and_start_brings_both_back(world):
    """Hodan reads Somali and her son Ali English; one of them has enough of it."""
    mother = world.person("Hodan", "so", "sms", PHONE)
    son = world.person("Ali", "en", "sms", PHONE, phone=False)
    world.afspraak("A1", mother, datetime(2026, 12, 3, 10, 0))
    world.afspraak("A2", son, datetime(2026, 12, 10, 14, 0))
    world.at(local(2026, 12, 2, 10, 0))
    world.tick()
    phone = world.phone("Hodan")

    phone.say("Can somebody help me with a letter?")
    assert {None} == told_of(world, "vraag"), "either of them may have asked it"
    assert [None] == world.read(lambda s: s.scalars(select(Reply.person_id)).all())

    phone.say("STOP")
    assert {"Hodan", "Ali"} == told_of(world, "geen berichten, bel of brief")
    heard = len(phone.received)
    world.at(local(2026, 12, 9, 14, 0))
    world.tick()
    assert heard == len(phone.received), "nothing for either of them"

    phone.say("START")
    phone.say("START")
    assert set() == told_of(world, "geen berichten, bel of brief")
    assert [False, True] == world.read(
        lambda s: s.scalars(select(Consent.given).order_by(Consent.id)).all()
    ), "one word each, however often it is said"
    world.at(local(2026, 12, 10, 12, 0))
    world.tick()
    assert "10-12-2026" in phone.last.text
    assert 2 == world.read(lambda s: s.scalar(select(func.count()).select_from(PersonAddress)))


def test_without_names_that_both_agreed_to_no_name_is_said_and_the_day_tells_whom_it_is_about(
    world,
):
    """Only Hodan agreed to a short name. Two afspraken at one time are told apart by colleague."""
    mother = world.person("Hodan", "en", "sms", PHONE, short_name="Mama")
    son = world.person("Ali", "en", "sms", PHONE, phone=False)
    alone = world.person("Priya", "en", "telegram", "1004", short_name="Pri")
    for kenmerk, person, staff in (("A1", mother, "Jansen"), ("A2", son, "De Boer")):
        world.afspraak(kenmerk, person, datetime(2026, 12, 3, 10, 0), staff=staff)
    world.afspraak("A3", alone, datetime(2026, 12, 3, 10, 0))
    world.at(local(2026, 12, 2, 10, 0))
    world.tick()
    phone = world.phone("Hodan")

    assert 2 == len(phone.received)
    said = phone.say("1")
    assert said is not None
    assert ["none", "none"] == [world.answer("A1"), world.answer("A2")]
    lines = [line for line in said.text.splitlines() if " = " in line]
    assert 2 == len(lines)
    phone.say(next(line for line in lines if "De Boer" in line)[0])
    assert ["none", "confirmed"] == [world.answer("A1"), world.answer("A2")]

    everything = " ".join(bubble.text for bubble in phone.received)
    assert [] == [name for name in ("Hodan", "Ali", "Mama") if name in everything]
    assert "Hello Priya." in world.phone("Priya").last.text, "who is alone has a name"


def test_a_recycled_number_hears_nothing_of_who_had_it_and_may_sign_up_itself(world):
    """Mehmet had the number for years, on two channels; now it is somebody else's."""
    person = world.person("Mehmet", "tr", "sms", "+31697000008")
    with world.house.database.session() as session:
        also = Address(
            channel="whatsapp",
            address="+31697000008",
            phone="+31697000008",
            state="open",
            created_at=moments.now(),
        )
        session.add(also)
        session.flush()
        mehmet = session.scalars(select(Inburgeraar)).one()
        session.add(PersonAddress(person_id=mehmet.id, address_id=also.id, rank=1))
    world.afspraak("A1", person, datetime(2026, 12, 3, 14, 30))
    world.afspraak("A2", person, datetime(2026, 12, 10, 14, 30))
    world.at(local(2026, 12, 2, 14, 30))
    world.tick()
    phone = world.phone("Mehmet")
    private = ("Mehmet", "2026", "14:30", "Wijkcentrum", "Jansen")

    said = phone.say("verkeerd nummer")
    assert said is not None
    assert [] == [word for word in private if word in said.text]
    assert {"Mehmet"} == told_of(world, "nummer controleren")
    assert ["closed", "closed"] == world.read(lambda s: s.scalars(select(Address.state)).all())
    heard = len(phone.received)
    phone.say("1")
    phone.say("Wie is dit?")
    world.at(local(2026, 12, 9, 14, 30))
    world.tick()
    assert heard == len(phone.received), "closed is closed"
    assert ["none", "none"] == [world.answer("A1"), world.answer("A2")]
    assert [] == world.read(
        lambda s: s.scalars(select(Message).where(Message.state == "planned")).all()
    )

    phone.say("START")
    phone.say("1")  # the first language of the list: Nederlands
    phone.say("1")
    assert [] == [word for word in private if any(word in b.text for b in phone.received[heard:])]
    phone.say("1990")
    phone.say("Johan")
    phone.say("1")
    phone.say("1")
    assert "none" == world.answer("A1")
    reached = world.read(
        lambda s: {
            (link.person.first_name, link.address.channel)
            for link in s.scalars(select(PersonAddress))
        }
    )
    assert {("Johan", "sms"), ("Mehmet", "whatsapp")} == reached

    sheet = "kenmerk;voornaam;taal;telefoon;kanaal\nP-Mehmet;Mehmet;tr;+31697000008;sms\n"
    with world.house.database.session() as session:
        report = store(session, world.house, parse(sheet.encode(), "people", "people.csv"))
    assert "dit nummer is van iemand anders; vraag het juiste nummer" in [
        warning.said for warning in report.warnings
    ]
    assert reached == world.read(
        lambda s: {
            (link.person.first_name, link.address.channel)
            for link in s.scalars(select(PersonAddress))
        }
    )
    assert ["Johan"] == world.read(
        lambda s: [
            each.first_name
            for place in s.scalars(select(Address).where(Address.channel == "sms"))
            for each in people.household(place)
        ]
    )
