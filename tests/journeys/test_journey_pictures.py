"""Pictures go with messages where a phone shows them, and never hold a text up."""

from __future__ import annotations

from datetime import datetime

import pytest
import requests
from sqlalchemy import select

from bot import moments
from bot.models.messages import Attempt


def local(*parts: int) -> datetime:
    return moments.from_local(datetime(*parts))


def remind(world, language: str, channel: str, address: str, **more):
    person = world.person("Selam", language, channel, address)
    world.afspraak("A1", person, datetime(2026, 12, 3, 14, 30), **more)
    world.at(local(2026, 12, 2, 14, 30))
    world.tick()
    return world.phone("Selam")


@pytest.mark.parametrize(
    ("place", "shown"), [("Wijkcentrum", "wijkcentrum.png"), ("Ergens anders", "afspraak.png")]
)
def test_a_reminder_on_whatsapp_shows_the_door_or_else_what_it_is_about(world, place, shown):
    """An approved card: picture, text and buttons in one message, since each is paid."""
    world.templates()
    phone = remind(world, "ar", "whatsapp", "+31697000003", place=place)

    assert 1 == len(phone.received)
    assert 3 == len(phone.last.buttons)
    assert phone.last.media_url.endswith("~" + shown)
    assert 200 == requests.get(phone.last.media_url, timeout=10).status_code
    phone.tap(phone.last.buttons[0].title)
    assert "confirmed" == world.answer("A1")
    assert phone.last.media_url.endswith("~komt.png")


@pytest.mark.parametrize("language", ["ar", "ti"])
def test_within_the_window_picture_text_and_buttons_come_in_one(world, language):
    """Also in a language that WhatsApp has no templates in: nothing of it needs approval."""
    world.templates()
    person = world.person("Selam", language, "whatsapp", "+31697000003")
    world.afspraak("A1", person, datetime(2026, 12, 3, 14, 30))
    world.at(local(2026, 12, 2, 14, 0))
    phone = world.phone("Selam")
    phone.say("👋")
    before = len(phone.received)
    world.pass_(minutes=31)

    assert before + 1 == len(phone.received)
    assert "03-12-2026" in phone.last.text
    assert phone.last.template is None or phone.last.template.get("language") == language
    assert phone.last.media_url.endswith("~wijkcentrum.png")
    phone.tap(phone.last.buttons[0].title)
    assert "confirmed" == world.answer("A1")
    assert all(x.valid for x in world.ground.log), [x.complaint for x in world.ground.log]


def test_who_has_no_language_at_whatsapp_sees_a_picture_above_the_dutch(world):
    world.templates()
    phone = remind(world, "ti", "whatsapp", "+31697000003")

    assert "nl" == phone.last.template["language"]
    assert phone.last.media_url.endswith("~wijkcentrum.png")


def test_telegram_shows_it_above_text_and_buttons(world):
    phone = remind(world, "fa", "telegram", "1003")

    assert 1 == len(phone.received)
    assert "image" == phone.last.kind
    assert "03-12-2026" in phone.last.text
    phone.tap(phone.last.buttons[0].title)
    assert "confirmed" == world.answer("A1")


def test_an_sms_is_words_alone(world):
    """A Dutch SMS would get a bare link."""
    phone = remind(world, "ar", "sms", "+31697000003")

    assert (None, "text") == (phone.last.media_url, phone.last.kind)


def test_a_picture_that_telegram_cannot_have_holds_up_no_text(world, monkeypatch):
    """Refused before anything went: the same message goes again without it."""
    monkeypatch.setattr("webhooks.media.TYPES", {})
    phone = remind(world, "fa", "telegram", "1003")
    world.pass_(seconds=10)

    assert 1 == len(phone.received)
    assert "text" == phone.last.kind
    assert "03-12-2026" in phone.last.text
    assert [("not_sent", "media refused"), ("accepted", None)] == world.read(
        lambda s: [
            tuple(r)
            for r in s.execute(select(Attempt.outcome, Attempt.detail).order_by(Attempt.id))
        ]
    )


def test_nothing_personal_stands_in_the_address(world):
    phone = remind(world, "fa", "telegram", "1003")
    fetched = [entry.path for entry in world.ground.log if "/m/" in entry.path]

    assert fetched
    assert [] == [
        path
        for path in fetched
        for told in ("Selam", "1003", "A1", "42")
        if told in path.split("-", 1)[1]
    ]
    assert phone.last.media_url
