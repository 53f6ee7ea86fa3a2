"""Another day: free times to choose from, in one's own digits; and what the reminders then say."""

from __future__ import annotations

from datetime import datetime

from click.testing import CliRunner
from sqlalchemy import select

from bot import moments
from bot.__main__ import main
from bot.models.afspraken import Afspraak, Slot
from bot.models.messages import Message, Reply
from console.thread import in_dutch

FILE = """kenmerk;wie;begin;einde;plek
S1;Jansen;vr 4-12-2026 10:00;11:00;Stadskantoor
S2;Jansen;7-12-2026 13:30;14:15;
S3;De Boer;8-12-2026 09:00;10:00;
"""


def local(*parts: int) -> datetime:
    return moments.from_local(datetime(*parts))


def begins(world, kenmerk: str) -> datetime:
    return world.read(
        lambda s: s.scalars(select(Afspraak.begins).where(Afspraak.kenmerk == kenmerk)).one()
    )


def test_a_slot_is_chosen_by_a_digit_of_ones_own_script_and_is_nobody_elses(
    world, tmp_path, monkeypatch
):
    """Selam reads Tigrinya and Rania Arabic; both want Friday."""
    monkeypatch.setenv("DATABASE_URL", world.house.settings.database_url)
    monkeypatch.setenv("ENVIRONMENT", "practice")
    file = tmp_path / "slots.csv"
    file.write_text(FILE, encoding="utf-8")
    told = CliRunner().invoke(main, ["intake", "slots", str(file)], catch_exceptions=False)
    assert (0, "3 rijen gelezen: 3 nieuw") == (told.exit_code, told.stdout[:24])

    selam = world.person("Selam", "ti", "telegram", "1001")
    rania = world.person("Rania", "ar", "sms", "+31697000006")
    world.afspraak("A1", selam, datetime(2026, 12, 3, 14, 30))
    world.afspraak("A2", rania, datetime(2026, 12, 3, 16, 0))
    world.at(local(2026, 12, 2, 16, 0))
    world.tick()
    her, other = world.phone("Selam"), world.phone("Rania")

    offered = her.say("፪")
    assert offered is not None
    assert "1 = ዓርቢ 4 ታሕሳስ (04-12-2026) 10:00" in offered.text
    assert "(07-12-2026) 13:30" in offered.text
    assert "08-12-2026" not in offered.text, "De Boer's, and her afspraak is with Jansen"
    meant = world.read(
        lambda s: in_dutch(
            world.house, s.scalars(select(Message).order_by(Message.id.desc()).limit(1)).one()
        )
    )
    assert "1 = vrijdag 4 december (04-12-2026) 10:00" in meant
    assert "ታሕሳስ" not in meant
    assert ["andere dag"] == world.tasks(), "until she has chosen, staff may call"
    asked = other.say("٢")
    assert asked is not None
    assert "04-12-2026" not in asked.text, "held for somebody else"
    assert "andere dag" == world.tasks()[-1]

    her.say("፩")
    assert local(2026, 12, 4, 10, 0) == begins(world, "A1")
    assert "04-12-2026" in her.last.text
    assert "10:00" in her.last.text
    assert "Stadskantoor" in her.last.text
    assert "confirmed" == world.answer("A1")
    assert ["andere dag", "koos zelf een tijd"] == sorted(world.tasks())
    assert ["reschedule"] * 2 == world.intents()[-3::2], "the digit is told as what it chose"

    other.say("Tuesday")  # which day would suit: for staff to read
    world.at(local(2026, 12, 2, 17, 30))
    other.say("٢")
    assert "1 = " in other.last.text
    assert "04-12-2026" not in other.last.text, "taken"
    assert "07-12-2026" in other.last.text
    with world.house.database.session() as session:
        session.scalars(select(Slot).where(Slot.kenmerk == "S2")).one().status = "vervallen"
    other.say("١")
    assert "reschedule" == world.answer("A2")
    assert local(2026, 12, 3, 16, 0) == begins(world, "A2"), "gone: it is said, nothing is moved"
    assert "1 = " not in other.last.text

    before = len(her.received)
    world.at(local(2026, 12, 3, 14, 0))
    world.tick()
    assert before + 1 == len(her.received)
    assert "04-12-2026" in her.last.text, "a day before the new time; the old one is forgotten"
    assert "afspraak.reminder_other_day" == world.messages()[-1][0], "Rania's, two hours before"
    assert "16:00" in other.last.text
    assert "يوم" in other.last.text
    assert all(x.valid for x in world.ground.log), [x.complaint for x in world.ground.log]


def test_none_of_the_free_times_will_do_and_what_they_write_goes_to_staff(world):
    person = world.person("Priya", "en", "sms", "+31697000004")
    world.afspraak("A1", person, datetime(2026, 12, 3, 14, 30))
    with world.house.database.session() as session:
        for number in (4, 7):
            at = datetime(2026, 12, number, 10, 0)
            session.add(
                Slot(
                    kenmerk=f"S{number}",
                    begins=moments.from_local(at),
                    ends=moments.from_local(at.replace(hour=11)),
                    status="vrij",
                )
            )
    world.at(local(2026, 12, 2, 14, 30))
    world.tick()
    phone = world.phone("Priya")

    phone.say("2")
    phone.say("7")
    assert "Sorry, that is not in the list." in phone.last.text
    assert "3 = Another day" in phone.last.text
    phone.say("3")
    assert "Which day is good for you?" in phone.last.text
    phone.say("Tuesday morning")
    assert ["andere dag"] == world.tasks()
    assert "Tuesday morning" == world.read(
        lambda s: s.scalars(select(Reply.text).order_by(Reply.id.desc()).limit(1)).one()
    )
    assert [None, None] == world.read(lambda s: s.scalars(select(Slot.held_for)).all())

    phone.say("another day please")
    phone.say("1")
    assert local(2026, 12, 4, 10, 0) == begins(world, "A1")
    phone.say("3")
    assert ("declined", "komt niet") == (world.answer("A1"), world.tasks()[-1])
