"""A colleague tries a group message on their own phones: nobody else gets it, it counts nowhere."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from group_house import TUESDAY, voortraject
from sqlalchemy import select

from bot import moments
from bot.models.broadcasts import Broadcast
from bot.models.messages import Message
from bot.models.staff import StaffPhone
from bot.outreach import broadcasts, figures, responses, trials
from bot.outreach.broadcasts import Refused
from bot.privacy import audit, staff

NUMBERS = {"whatsapp": "+31697000901", "sms": "+31697000902", "telegram": "2901"}


@pytest.fixture
def an(world) -> int:
    """An, who works here and has a phone for every channel; a draft for two residents."""
    world.templates()
    for channel, address in NUMBERS.items():
        world.ground.add(f"An-{channel}", "nl", channel, address)
    world.person("Rania", "ar", "whatsapp", "+31697000006", invitations=True)
    world.person("Selam", "ti", "sms", "+31697000001", invitations=True)
    with world.house.database.session() as session:
        voortraject(session, seats=40)
        broadcasts.draft(
            session, world.house, by="An", name="Koffie", key="voortraject.invitation",
            voortraject_id=1, window_until=None,
        )  # fmt: skip
        return staff.put(session, "an@voorbeeldstad.example", "An", ["communicatie"]).id


def code(world, staff_id: int) -> str:
    with world.house.database.session() as session:
        return f"test {trials.ask(session, staff_id).code.lower()}"


def tie(world, staff_id: int) -> None:
    """Let each of An's phones send the code that the console showed."""
    for channel in NUMBERS:
        world.phone(f"An-{channel}").say(code(world, staff_id))


def send(world, staff_id: int, *wanted: tuple[str, str]) -> int:
    with world.house.database.session() as session:
        broadcast = session.get_one(Broadcast, 1)
        count = trials.send(session, world.house, broadcast, staff_id, wanted)
        audit.record(
            session, world.house.settings.signing_key, staff_id, trials.TESTED, count=count
        )
    world.engine.wake_senders()
    world.settle()
    return count


def test_each_language_comes_on_each_phone_marked_as_a_test_and_to_no_resident(world, an):
    """Also by night: who asks for it is awake."""
    tie(world, an)
    assert "gekoppeld" in world.phone("An-sms").last.text
    world.at(moments.from_local(datetime(2026, 12, 1, 22, 0)))

    assert 4 == send(
        world, an, ("ar", "whatsapp"), ("ti", "sms"), ("nl", "telegram"), ("nl", "sms")
    )

    told = {channel: world.phone(f"An-{channel}").last for channel in NUMBERS}
    for bubble in told.values():
        assert "TEST van groepsbericht 1" in bubble.text
        assert "Buurthuis De Brug" in bubble.text
    assert "الاثنين والأربعاء" in told["whatsapp"].text
    assert told["whatsapp"].buttons
    assert "Hallo TEST." in told["telegram"].text
    assert [[], []] == [world.phone(name).received for name in ("Rania", "Selam")]
    with world.house.database.reading() as session:
        draft = session.get_one(Broadcast, 1)
        assert 4 == len(trials.sent(session, draft))
        assert 0 == figures.figures(session, draft).total
        rows = session.execute(
            select(Message.purpose, Message.person_id, Message.broadcast_id).where(
                Message.about == "test:broadcast:1"
            )
        )
        assert {("test", None, None)} == {tuple(row) for row in rows}
    assert all(x.valid for x in world.ground.log), [x.complaint for x in world.ground.log]


def test_a_tap_on_a_test_is_an_answer_of_nobody(world, an):
    tie(world, an)
    send(world, an, ("nl", "telegram"))
    phone = world.phone("An-telegram")

    phone.tap(next(b for b in reversed(phone.received) if b.buttons).buttons[0].title)

    with world.house.database.reading() as session:
        draft = session.get_one(Broadcast, 1)
        assert 0 == responses.responses(session, world.house, draft).answered


def test_outside_the_window_a_template_comes_with_test_for_a_name(world, an):
    tie(world, an)
    world.pass_(hours=25)
    send(world, an, ("ar", "whatsapp"))

    assert "TEST" in world.phone("An-whatsapp").last.text


def test_the_phone_of_a_resident_cannot_be_tied_nor_become_one_unseen(world, an):
    world.phone("Selam").say(code(world, an))
    tie(world, an)
    with world.house.database.reading() as session:
        assert 3 == len(trials.phones(session, world.house, an))
    world.person("Mehmet", "tr", "sms", NUMBERS["sms"], phone=False)

    with pytest.raises(Refused, match="van een inwoner"):
        send(world, an, ("nl", "sms"))


@pytest.mark.parametrize("late", [timedelta(minutes=31), timedelta(minutes=29)])
def test_a_code_is_good_for_half_an_hour_and_for_one_phone(world, an, late):
    told = code(world, an)
    world.at(TUESDAY + late)
    world.phone("An-sms").say(told)
    world.phone("An-telegram").say(told)

    with world.house.database.reading() as session:
        tied = session.scalars(select(StaffPhone.address_id)).all()
    assert (late > trials.CODE_LASTS) == (tied == [None])


def test_an_hour_holds_so_many_tests_and_no_more(world, an, monkeypatch):
    monkeypatch.setattr(trials, "AN_HOUR", 3)
    tie(world, an)
    send(world, an, ("nl", "sms"), ("nl", "telegram"))

    with pytest.raises(Refused, match="meer dan 3 tests"):
        send(world, an, ("nl", "sms"), ("nl", "telegram"))
    assert 1 == send(world, an, ("nl", "sms"))


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ((), "minstens één taal"),
        ((("nl", "sms"),), "eigen telefoon"),
        ((("xx", "sms"),), "telefoon"),
    ],
)
def test_what_cannot_be_tried_is_refused_in_dutch(world, an, wanted, told):
    with pytest.raises(Refused, match=told):
        send(world, an, *wanted)
