"""The house was away: what people wrote meanwhile counts before anything goes out."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import select

from bot import moments
from bot.engine import reconciling
from bot.engine.embedded import Engine
from bot.models.messages import InboxEvent, Reply, Sender
from bot.models.people import Address
from bot.outreach import reminders
from phones.content import Refusal

NOBODY = "http://127.0.0.1:9"


def local(*parts: int) -> datetime:
    return moments.from_local(datetime(*parts))


@contextmanager
def away(world):
    """The house is down: its door is shut and nothing in it works."""
    open_door = world.ground.accounts.house
    world.engine.stop()
    world.ground.accounts = replace(world.ground.accounts, house=NOBODY)
    yield
    world.server.settle(20)
    world.ground.accounts = replace(world.ground.accounts, house=open_door)
    world.server.providers.telegram.webhook = None
    world.engine = Engine(world.house)
    world.engine.start()
    world._until(lambda: world.server.providers.telegram.webhook is not None)
    world._until(world.engine.caught_up.is_set)


def at(world, moment):
    """Let it be *moment*, also for the providers: nobody can ask the house for the time."""
    world.at(moment)
    world.ground.set_clock(moments.now(), None)


def say(world, name, text):
    """Let a person write while nobody listens."""
    phone = world.phone(name).phone
    world.server.providers.twilio.says(phone, text)


def due_meanwhile(world):
    """A reminder that became due while the house was away."""
    with world.house.database.session() as session:
        reminders.tick(session, world.house, 200)


def test_a_stop_sent_while_the_house_was_down_counts_before_the_first_send(world):
    """Twilio calls an SMS webhook twice and then forgets it; the person said STOP all the same."""
    person = world.person("Mehmet", "tr", "sms", "+31697000008")
    world.afspraak("A1", person, datetime(2026, 12, 3, 14, 30))
    with away(world):
        at(world, local(2026, 12, 2, 14, 30))
        due_meanwhile(world)
        say(world, "Mehmet", "dur")
    world.settle()

    assert [("afspraak.reminder", "cancelled"), ("consent.stopped", "delivered")] == (
        world.messages()
    )
    assert ["stop"] == world.intents()
    assert not any("03-12-2026" in bubble.text for bubble in world.phone("Mehmet").received)


def test_an_answer_sent_while_the_house_was_down_is_heard_as_it_was_said(world):
    """It opened the window when it was written, not when we read it."""
    world.templates()
    person = world.person("Priya", "en", "whatsapp", "+31697000004")
    world.afspraak("A1", person, datetime(2026, 12, 3, 14, 30))
    world.at(local(2026, 12, 2, 14, 30))
    world.tick()
    with away(world):
        at(world, local(2026, 12, 2, 16, 0))
        say(world, "Priya", "yes")
        at(world, local(2026, 12, 2, 18, 0))
    world.settle()

    assert "confirmed" == world.answer("A1")
    heard, opened = world.read(
        lambda s: (
            s.scalars(select(Reply.at)).one(),
            s.scalars(select(Address.last_inbound_at)).one(),
        )
    )
    assert heard == opened
    assert timedelta() <= heard - local(2026, 12, 2, 16, 0) < timedelta(minutes=1)


def test_a_voice_message_that_was_missed_brings_its_sound(world):
    world.person("Priya", "en", "whatsapp", "+31697000004")
    with away(world):
        world.server.providers.twilio.says(world.phone("Priya").phone, "", voice=True)
    world.settle()

    [media] = world.read(lambda s: s.scalars(select(Reply.media)).one())
    assert media["ref"].startswith(world.house.settings.twilio_api_url + "/2010-04-01/Accounts/")
    assert "audio/ogg" == media["content_type"]


def test_a_missed_message_whose_file_is_gone_is_heard_without_it(world, monkeypatch):
    """One that cannot be fetched must not keep the others from being heard."""
    world.person("Priya", "en", "whatsapp", "+31697000004")
    monkeypatch.setattr("phones.twilio.Twilio.find", lambda *_: refuse())
    with away(world):
        world.server.providers.twilio.says(world.phone("Priya").phone, "", voice=True)
        say(world, "Priya", "stop")
    world.settle()

    assert [[], []] == world.read(lambda s: s.scalars(select(Reply.media)).all())
    assert "stop" == world.intents()[-1]


def refuse():
    raise Refusal(20404, "The requested resource was not found", 404)


def test_what_came_by_webhook_is_not_heard_twice(world):
    world.person("Mehmet", "tr", "sms", "+31697000008")
    world.phone("Mehmet").say("merhaba")
    world.pass_(minutes=10)
    with away(world):
        pass
    world.settle()

    assert 1 == world.read(lambda s: len(s.scalars(select(Reply.id)).all()))


def test_a_missed_message_is_found_while_the_house_is_running(world):
    """One webhook was lost on its way; nothing else tells us."""
    world.person("Mehmet", "tr", "sms", "+31697000008")
    door = world.ground.accounts.house
    world.ground.accounts = replace(world.ground.accounts, house=NOBODY)
    say(world, "Mehmet", "dur")
    world.server.settle(20)
    world.ground.accounts = replace(world.ground.accounts, house=door)

    world.tick()
    assert [] == world.intents(), "it may still be on its way"
    world.pass_(minutes=5)

    assert ["stop"] == world.intents()
    [payload] = world.read(
        lambda s: s.scalars(
            select(InboxEvent.payload).where(InboxEvent.key.startswith("twilio:"))
        ).all()
    )
    assert payload["_gap"] is True


def test_start_that_was_missed_does_not_undo_a_later_stop(world):
    """Heard in the wrong order, the last word would be lost; silence is the safe side."""
    world.person("Mehmet", "tr", "sms", "+31697000008")
    world.phone("Mehmet").say("dur")
    door = world.ground.accounts.house
    world.ground.accounts = replace(world.ground.accounts, house=NOBODY)
    say(world, "Mehmet", "basla")
    world.server.settle(20)
    world.ground.accounts = replace(world.ground.accounts, house=door)
    world.phone("Mehmet").say("dur")
    world.pass_(minutes=5)

    assert world.read(lambda s: s.scalars(select(Address.stopped_at)).one()) is not None


def test_how_far_was_heard_is_remembered(world):
    world.person("Mehmet", "tr", "sms", "+31697000008")
    world.pass_(hours=3)

    until = world.read(
        lambda s: s.scalars(select(Sender.heard_until).where(Sender.channel != "telegram")).all()
    )
    assert 2 == len(until)
    assert all(reconciling.OVERLAP <= moments.now() - u < timedelta(minutes=16) for u in until)


def test_without_the_list_sending_waits_and_then_goes_on_loudly(world, monkeypatch):
    """A house that may never send again because one list cannot be read helps nobody."""
    monkeypatch.setattr(reconciling, "PATIENCE", 1.0)
    said: list[str] = []
    monkeypatch.setattr(reconciling.log, "error", lambda event, **more: said.append(event))
    person = world.person("Mehmet", "tr", "sms", "+31697000008")
    world.afspraak("A1", person, datetime(2026, 12, 3, 14, 30))

    def unreadable(*_args: object, **_more: object) -> None:
        raise ConnectionError

    with away(world):
        at(world, local(2026, 12, 2, 14, 30))
        due_meanwhile(world)
        monkeypatch.setattr("phones.twilio._page", unreadable)
    world.settle()

    assert [("afspraak.reminder", "delivered")] == world.messages()
    assert ["sending starts without what was missed"] == said


def test_a_list_that_twilio_refuses_holds_nothing_up(world, monkeypatch):
    """A key that may send but not read: waiting would not make it otherwise."""
    said: list[str] = []
    monkeypatch.setattr(reconciling.log, "error", lambda event, **more: said.append(event))
    person = world.person("Mehmet", "tr", "sms", "+31697000008")
    world.afspraak("A1", person, datetime(2026, 12, 3, 14, 30))

    def forbidden(*_args: object, **_more: object) -> None:
        raise Refusal(20404, "The requested resource was not found", 404)

    with away(world):
        at(world, local(2026, 12, 2, 14, 30))
        due_meanwhile(world)
        monkeypatch.setattr("phones.twilio._page", forbidden)
    world.settle()

    assert [("afspraak.reminder", "delivered")] == world.messages()
    assert ["sending starts without what was missed"] == said
