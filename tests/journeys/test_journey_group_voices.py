"""Who would rather listen hears a group message too: its sound follows the text."""

from __future__ import annotations

import pytest
from group_house import voortraject
from sqlalchemy import select, update
from test_journey_voices import heard, kinds, read_everything

from bot.models.broadcasts import Broadcast
from bot.models.messages import Message
from bot.models.people import Inburgeraar
from bot.outreach import broadcasts, preview
from bot.outreach.figures import by_channel, figures, spoken
from bot.wording.languages import languages


@pytest.fixture
def listeners(world) -> int:
    """Selam and Rania listen, on Telegram and by SMS; Mehmet reads. Return the draft's number."""
    read_everything(world, "ti")
    world.person("Selam", "ti", "telegram", "1003", invitations=True)
    world.person("Rania", "ti", "sms", "+31697000006", invitations=True)
    world.person("Mehmet", "ti", "telegram", "1008", invitations=True)
    with world.house.database.session() as session:
        names = ("Selam", "Rania")
        session.execute(
            update(Inburgeraar).where(Inburgeraar.first_name.in_(names)).values(listens=True)
        )
        voortraject(session, seats=40)
        made = broadcasts.draft(
            session, world.house, by="An", name="Koffie", key="voortraject.invitation",
            voortraject_id=1, window_until=None, hold_minutes=0,
        )  # fmt: skip
        return made.id


def look(world, number: int) -> preview.Preview:
    with world.house.database.reading() as session:
        found = session.get_one(Broadcast, number)
        return preview.preview(session, world.house, found, frozenset(languages()))


def begin(world, number: int) -> None:
    seen = look(world, number)
    with world.house.database.session() as session:
        found = session.get_one(Broadcast, number)
        broadcasts.approve(session, world.house, found, seen, by="Bo", count=seen.count)
        broadcasts.send(session, world.house, found, by="Bo")


def test_the_sound_follows_the_text_for_who_listens_and_the_figures_count_people(world, listeners):
    seen = look(world, listeners)
    assert (2, 1) == (seen.listening, seen.heard), "an SMS takes no sound"

    begin(world, listeners)
    for _ in range(3):
        world.tick()

    with world.house.database.reading() as session:
        told = spoken(session, session.get_one(Broadcast, listeners))
    assert {"offered": 1} == dict(told), "Telegram gives no receipts"
    sound = world.phone("Selam").received[-1]
    assert heard(sound).seconds > 2
    assert kinds(world.phone("Selam"))[-1] == "voice"
    assert "voice" not in kinds(world.phone("Mehmet"))
    assert "voice" not in kinds(world.phone("Rania"))
    with world.house.database.reading() as session:
        found = session.get_one(Broadcast, listeners)
        counted = figures(session, found)
        assert "done" == found.state
        assert 3 == counted.total == counted.counts.total()
        assert 3 == sum(each.counts.total() for each in by_channel(session, found).values())


def test_a_stop_holds_the_sound_too_and_going_on_brings_it_once(world, listeners):
    begin(world, listeners)
    with world.house.database.session() as session:
        assert 3 == broadcasts.tick(session, world.house, 100)
        broadcasts.stop(session, session.get_one(Broadcast, listeners), by="Bo")
    world.tick()
    assert [] == world.phone("Selam").received

    with world.house.database.session() as session:
        found = session.get_one(Broadcast, listeners)
        assert 3 == preview.count_left(session, found)
        broadcasts.resume(session, world.house, found, by="Bo")
    for _ in range(3):
        world.tick()

    assert 1 == kinds(world.phone("Selam")).count("voice")
    with world.house.database.reading() as session:
        states = session.scalars(select(Message.state).where(Message.voice.is_not(None))).all()
    assert ["sent"] == list(states)
