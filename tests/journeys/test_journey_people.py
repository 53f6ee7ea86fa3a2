"""What people do beside answering: danger, another language, a shared phone, no thanks for ever."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from bot import moments
from bot.models.people import Address, Inburgeraar


def local(*parts: int) -> datetime:
    return moments.from_local(datetime(*parts))


def test_s13_danger_gets_the_fixed_safety_answer_at_night_and_staff_are_alerted(world):
    """An unknown number: nothing about afspraken, nothing of what they wrote, mass messages off."""
    world.at(local(2026, 12, 1, 23, 0))
    phone = world.ground.add("Onbekend", "fa", "telegram", "1013")
    hand = world.phone(phone.name)
    hand.say("کمک! شوهرم من را می‌زند")

    assert "112" in hand.last.text
    assert "0800-2000" in hand.last.text
    assert ["noodgeval"] == world.tasks()
    assert world.read(lambda s: s.scalars(select(Address.bulk_locked_at)).one()) is not None


def test_a_question_about_money_goes_to_a_person_who_phones(world):
    """Somebody else may see the phone: the answer does not name it, the task does."""
    person = world.person("Priya", "en", "sms", "+31697000004")
    world.afspraak("A1", person, datetime(2026, 12, 3, 9, 30))
    world.at(local(2026, 12, 2, 14, 30))
    world.tick()
    phone = world.phone("Priya")
    phone.say("how do I get money back for the train")

    assert ["vraag geld"] == world.tasks()
    assert "money" not in phone.last.text.casefold()
    assert "answer.money" in [key for key, _ in world.messages()]
    assert "none" == world.answer("A1")


def test_s02_one_dutch_word_is_understood_and_changes_no_language(world):
    person = world.person("Maryam", "fa", "telegram", "1002")
    world.afspraak("A2", person, datetime(2026, 12, 3, 10, 0))
    world.at(local(2026, 12, 2, 10, 0))
    world.tick()
    phone = world.phone("Maryam")

    phone.say("ja ik kom")
    assert "confirmed" == world.answer("A2")
    assert "پنجشنبه" in phone.last.text

    phone.say("nederlands")
    assert "nl" == world.read(lambda s: s.scalars(select(Inburgeraar.language)).one())
    assert "donderdag" in phone.last.text
    phone.tap(phone.last.buttons[-1].title)
    assert "پنجشنبه" in phone.last.text, "one tap leads back"


def test_two_people_on_one_phone_are_asked_who_writes_before_anything_is_stored(world):
    """A mother and her son share a phone, and agreed on short names; both have an afspraak."""
    mother = world.person("Hodan", "en", "sms", "+31697000011", short_name="Mama")
    son = world.person("Ali", "en", "sms", "+31697000011", phone=False, short_name="Ali B")
    world.afspraak("A1", mother, datetime(2026, 12, 3, 10, 0))
    world.afspraak("A2", son, datetime(2026, 12, 3, 14, 0))
    world.at(local(2026, 12, 2, 14, 0))
    world.tick()
    phone = world.phone("Hodan")
    assert ["Hello Mama.", "Hello Ali B."] == [b.text.splitlines()[1] for b in phone.received]

    phone.say("yes")
    assert ["none", "none"] == [world.answer("A1"), world.answer("A2")]
    assert "2026" not in phone.last.text, "nothing of either afspraak is said"
    line = next(line for line in phone.last.text.splitlines() if "Ali B" in line)
    phone.say(line.split(" ")[0])

    assert ["none", "confirmed"] == [world.answer("A1"), world.answer("A2")]
    assert "14:00" in phone.last.text


def test_not_understood_twice_a_person_helps(world):
    person = world.person("Priya", "en", "sms", "+31697000004")
    world.afspraak("A1", person, datetime(2026, 12, 3, 14, 30))
    world.at(local(2026, 12, 2, 14, 30))
    world.tick()
    phone = world.phone("Priya")

    phone.say("blue bicycle")
    assert "14:30" in phone.last.text, "the first time it is asked again"
    phone.say("green bicycle")

    assert ["onduidelijk antwoord"] == world.tasks()
    assert "none" == world.answer("A1")


def test_two_machines_that_answer_each_other_fall_silent(world):
    person = world.person("Priya", "en", "sms", "+31697000004")
    phone = world.phone("Priya")
    assert person

    for number in range(8):
        phone.say(f"This mailbox is not read ({number})")

    assert 3 >= len(phone.received)


def test_silence_means_nothing(world):
    person = world.person("Priya", "en", "sms", "+31697000004")
    world.afspraak("A1", person, datetime(2026, 12, 3, 14, 30))
    world.at(local(2026, 12, 2, 14, 30))
    world.tick()
    world.at(local(2026, 12, 5, 14, 30))
    world.tick()

    assert "none" == world.answer("A1")
    assert [] == world.tasks()
