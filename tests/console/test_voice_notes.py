"""What residents said aloud: heard by who may read the conversation, and written down."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from desks import Desk
from sqlalchemy import select

from bot import moments
from bot.messaging import voices
from bot.models.messages import InboxEvent, Reply
from bot.models.people import Inburgeraar
from bot.models.staff import AuditEntry
from bot.models.voices import VoiceNote

SOUND = b"OggS fictional"


def spoke(desk: Desk, kenmerk: str = "P-1", state: str = "kept", ending: str = ".ogg") -> int:
    """Let somebody have said something aloud; return the number of the note."""
    now = moments.now()
    with desk.house.database.session() as session:
        person = session.scalars(select(Inburgeraar).where(Inburgeraar.kenmerk == kenmerk)).one()
        event = InboxEvent(
            key=f"voice:{kenmerk}:{state}:{ending}", source="twilio", lane="x", fingerprint="x",
            payload={}, state="done", not_before=now, received_at=now,
        )  # fmt: skip
        session.add(event)
        session.flush()
        reply = Reply(
            event_id=event.id, person_id=person.id, address_id=person.addresses[0].address_id,
            channel="sms", text="", at=now,
            media=[{"kind": "voice", "ref": "r", "content_type": "audio/ogg"}],
        )  # fmt: skip
        session.add(reply)
        session.flush()
        file = voices.keep(desk.house.settings, SOUND, ending) + ending if state == "kept" else None
        note = VoiceNote(reply_id=reply.id, state=state, file=file, said_at=now)
        session.add(note)
        session.flush()
        return note.id


def heard(desk: Desk) -> list[Any]:
    with desk.house.database.reading() as session:
        log = select(AuditEntry.subject, AuditEntry.detail).where(
            AuditEntry.action == "voice.heard"
        )
        return [tuple(row) for row in session.execute(log)]


def test_a_voice_note_is_played_in_the_conversation_and_each_hearing_is_written_down(desk: Desk):
    number = spoke(desk)
    browser = desk.as_("klantmanager")
    page = browser.get("/mensen/P-1").text
    assert f'src="/console/geluid/{number}"' in page
    assert 'preload="none"' in page, "to look at a page is not to listen"
    assert [] == heard(desk)

    sound = browser.get(f"/geluid/{number}")
    assert (200, SOUND) == (sound.status_code, sound.data)
    assert "audio/ogg" == sound.headers["Content-Type"]
    assert sound.headers["Content-Disposition"].startswith('inline; filename="spraakbericht-')
    assert "no-store" == sound.headers["Cache-Control"]
    assert "media-src 'self'" in sound.headers["Content-Security-Policy"]
    assert [("person:1", {"note": number})] == heard(desk)


def test_what_no_browser_plays_is_taken_away_as_a_file(desk: Desk):
    number = spoke(desk, ending=".amr")
    browser = desk.as_("klantmanager")

    assert "<audio" not in browser.get("/mensen/P-1").text
    sound = browser.get(f"/geluid/{number}")
    assert sound.headers["Content-Disposition"].startswith("attachment;")
    assert "application/octet-stream" == sound.headers["Content-Type"]


@pytest.mark.parametrize(
    ("state", "told"), [("coming", "wordt opgehaald"), ("lost", "geeft het geluid niet")]
)
def test_a_sound_that_is_not_here_says_so(desk: Desk, state: str, told: str):
    number = spoke(desk, state=state)
    browser = desk.as_("klantmanager")

    assert told in browser.get("/mensen/P-1").text
    assert 404 == browser.get(f"/geluid/{number}").status_code
    assert [] == heard(desk)


def test_who_asks_what_is_kept_gets_the_sounds_too(desk: Desk):
    spoke(desk)
    spoke(desk, "P-2")
    browser = desk.as_("klantmanager")
    page = browser.post("/mensen/P-1/gegevens", {"hoe": "paspoort"}).text
    assert 1 == page.count("Ingesproken op")

    file = browser.post("/mensen/P-1/gegevens", {"hoe": "paspoort", "als": "json"})
    [note] = json.loads(file.data)["Wat u insprak"]
    kind, _, told = note["geluid"].partition(";base64,")
    assert SOUND == base64.b64decode(told)
    assert kind.startswith("data:audio/ogg")
