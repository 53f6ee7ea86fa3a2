"""Nobody knows whether it went: Twilio's list, a repeat that says so, or staff."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy import select, update

from bot import moments
from bot.models.messages import Attempt, Message
from bot.models.people import Address, Inburgeraar, PersonAddress
from bot.models.tasks import Task


def local(*parts: int) -> datetime:
    return moments.from_local(datetime(*parts))


def remind(world, fault, *, name="Mehmet", language="tr", channel="sms", address="+31697000008"):
    """Let a reminder meet *fault* a day before its afspraak."""
    person = world.person(name, language, channel, address)
    world.afspraak("A1", person, datetime(2026, 12, 3, 14, 30))
    world.at(local(2026, 12, 2, 14, 30))
    world.ground.arm(fault)
    world.tick()
    return world.phone(name)


def outcomes(world):
    return world.read(lambda s: s.scalars(select(Attempt.outcome).order_by(Attempt.id)).all())


def add_address(world, name, channel, address, rank):
    """Let a person who is known have one more address, and a phone there."""
    with world.house.database.session() as session:
        person = session.scalars(select(Inburgeraar).where(Inburgeraar.first_name == name)).one()
        place = Address(
            channel=channel, address=address, state="open", created_at=moments.now(), phone=None
        )
        session.add(place)
        session.flush()
        session.add(PersonAddress(person_id=person.id, address_id=place.id, rank=rank))
    world.ground.add(f"{name} {channel}", "en", channel, address)


def test_what_twilio_took_in_silence_is_found_in_its_list(world):
    """Its answer was lost and it reports nothing: the list is all that knows."""
    phone = remind(world, "silent")
    assert [("afspraak.reminder", "unknown")] == world.messages()

    world.pass_(minutes=3)

    assert [("afspraak.reminder", "delivered")] == world.messages()
    assert 1 == len(phone.received)
    assert all(x.valid for x in world.ground.log), [x.complaint for x in world.ground.log]


@pytest.mark.parametrize("language", ["ti", "en"])
def test_a_template_is_known_again_by_what_its_reader_sees(world, language):
    """WhatsApp puts the text together; Twilio's list shows that and not what we asked for."""
    world.templates()
    more = {"name": "Selam", "language": language, "channel": "whatsapp"}
    phone = remind(world, "silent", address="+31697000001", **more)
    assert [("afspraak.reminder", "unknown")] == world.messages()

    world.pass_(minutes=3)

    assert [("afspraak.reminder", "read")] == world.messages()
    assert phone.last.template is not None


def test_what_twilio_never_took_is_sent_again_exactly_once(world):
    phone = remind(world, "dropped")
    world.pass_(minutes=3)
    world.pass_(minutes=10)
    assert ([], ["unknown"]) == (phone.received, outcomes(world)), "one look is no proof"

    world.pass_(minutes=6)
    world.pass_(hours=1)

    assert ["not_sent", "accepted"] == outcomes(world)
    assert [("afspraak.reminder", "delivered")] == world.messages()
    assert 1 == len(phone.received)


def test_a_reminder_on_telegram_is_repeated_and_says_so(world):
    """Telegram has neither reports nor a list: she may get it twice, and reads why."""
    phone = remind(world, "lost", name="Rania", language="ar", channel="telegram", address="1006")
    world.pass_(minutes=31)
    world.pass_(minutes=31)

    assert 2 == len(phone.received)
    assert phone.last.text.startswith("قد تكون هذه الرسالة مكررة.")
    assert [("afspraak.reminder", "unknown"), ("afspraak.reminder", "sent")] == world.messages()
    assert [] == world.tasks()


def test_a_tap_proves_that_the_message_arrived(world):
    phone = remind(world, "lost", name="Rania", language="ar", channel="telegram", address="1006")
    assert [("afspraak.reminder", "unknown")] == world.messages()
    phone.tap(phone.last.buttons[0].title)
    world.pass_(minutes=31)

    assert "confirmed" == world.answer("A1")
    assert [("afspraak.reminder", "sent"), ("afspraak.confirmed", "sent")] == world.messages()


def test_shortly_before_an_afspraak_staff_are_asked_to_call(world):
    person = world.person("Rania", "ar", "telegram", "1006")
    world.afspraak("A1", person, datetime(2026, 12, 3, 14, 30))
    world.at(local(2026, 12, 3, 12, 30))
    world.ground.arm("lost")
    world.tick()
    assert [] == world.tasks()
    world.pass_(minutes=31)

    assert ["onbekend of aangekomen"] == world.tasks()
    assert 1 == len(world.phone("Rania").received)
    [note] = world.read(lambda s: s.scalars(select(Task.note)).all())
    assert "Bel bij twijfel" in note

    world.phone("Rania").tap(world.phone("Rania").last.buttons[0].title)
    assert [] == world.tasks(), "it arrived after all: nobody need call"


def test_free_text_that_whatsapp_refuses_within_its_window_goes_again_as_a_template(world):
    """By our clock she wrote a moment ago; by WhatsApp's, which counts, too long ago."""
    world.templates()
    person = world.person("Priya", "en", "whatsapp", "+31697000004")
    world.afspraak("A1", person, datetime(2026, 12, 3, 14, 30))
    world.at(local(2026, 12, 2, 14, 29))
    phone = world.phone("Priya")
    phone.say("thank you")
    world.at(local(2026, 12, 2, 14, 30))
    world.ground.arm("63016")
    world.tick()

    assert [("afspraak.reminder", "failed"), ("afspraak.reminder", "read")] == [
        each for each in world.messages() if each[0] == "afspraak.reminder"
    ]
    assert ["session", "template"] == world.read(
        lambda s: s.scalars(
            select(Attempt.form)
            .join(Message, Message.id == Attempt.message_id)
            .where(Message.key == "afspraak.reminder")
            .order_by(Attempt.id)
        ).all()
    )
    assert [] == world.tasks()
    phone.tap("Yes")
    assert "confirmed" == world.answer("A1")


def test_while_the_list_cannot_be_read_everything_waits(world, monkeypatch):
    """No list is no proof of anything."""

    def unreadable(*_args: object, **_more: object) -> None:
        raise ConnectionError

    phone = remind(world, "dropped")
    with monkeypatch.context() as patched:
        patched.setattr("phones.twilio._page", unreadable)
        world.pass_(minutes=20)
    assert [("afspraak.reminder", "unknown")] == world.messages()

    world.pass_(minutes=1)
    world.pass_(minutes=16)
    assert [("afspraak.reminder", "delivered")] == world.messages()
    assert 1 == len(phone.received)


def test_a_day_without_evidence_is_unknown_for_good(world):
    person = world.person("Rania", "ar", "telegram", "1006")
    world.afspraak("A1", person, datetime(2026, 12, 9, 14, 30))
    world.at(local(2026, 12, 2, 14, 30))
    world.ground.arm("dropped")
    world.tick()
    world.pass_(minutes=31)
    world.pass_(hours=24)

    assert [("afspraak.reminder", "unknown_final"), ("afspraak.reminder", "sent")] == (
        world.messages()
    )


def test_three_days_without_a_receipt_is_said(world):
    """WhatsApp tells nobody that it was blocked."""
    world.templates()
    person = world.person("Priya", "en", "whatsapp", "+31697000004")
    world.phone("Priya").block()
    world.afspraak("A1", person, datetime(2026, 12, 9, 14, 30))
    world.at(local(2026, 12, 2, 14, 30))
    world.tick()
    assert [("afspraak.reminder", "sent")] == world.messages()
    world.at(local(2026, 12, 5, 14, 31))
    world.tick()

    assert ("afspraak.reminder", "no_receipt") == world.messages()[0]


def test_s15_a_reminder_goes_to_her_next_address_after_a_certain_failure(world):
    """She blocked the bot; the gemeente has her mobile number too, and staff put it there."""
    phone = remind(world, "403", name="Dilan", language="en", channel="telegram", address="1015")
    assert ["niet bezorgd"] == world.tasks(), "there is nowhere else"
    assert [] == phone.received

    with world.house.database.session() as session:
        session.execute(update(Task).values(done_at=moments.now()))
        session.execute(update(Address).values(state="open"))
    add_address(world, "Dilan", "sms", "+31697000015", 1)
    world.at(local(2026, 12, 3, 12, 30))
    world.ground.arm("403")
    world.tick()

    assert ("afspraak.reminder", "failed") == world.messages()[-2]
    assert ("afspraak.reminder", "delivered") == world.messages()[-1]
    assert 1 == len(world.phone("Dilan sms").received)
    assert [] == world.tasks()
    world.pass_(minutes=5)
    assert 1 == len(world.phone("Dilan sms").received), "no retry storm"


def test_after_an_unknown_nothing_goes_to_another_address(world):
    remind(world, "lost", name="Rania", language="ar", channel="telegram", address="1006")
    add_address(world, "Rania", "sms", "+31697000006", 1)
    world.pass_(minutes=31)
    world.pass_(hours=24)

    assert {"telegram"} == set(
        world.read(
            lambda s: s.scalars(
                select(Message.channel).where(Message.occasion.contains(":1d"))
            ).all()
        )
    )
