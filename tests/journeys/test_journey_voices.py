"""Who would rather listen hears it; ambassadeurs read it aloud, and staff decide what is heard."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner
from sqlalchemy import func, select

from bot import moments
from bot.commands.voices import voices_
from bot.engine import work
from bot.messaging import media
from bot.models.ambassadeurs import Ambassadeur
from bot.models.messages import Message, Reply
from bot.models.people import Inburgeraar
from bot.models.tasks import Task
from bot.models.voices import Recording, VoiceNote
from bot.outreach import voices as readers
from bot.privacy import staff
from bot.wording import ogg

NOTE = Path(__file__).resolve().parents[2] / "phones" / "static" / "voice.ogg"
EMAIL = "marieke@voorbeeldstad.example"


def local(*parts: int) -> datetime:
    return moments.from_local(datetime(*parts))


def read_everything(world, language: str, *, but: str = "") -> None:
    """Let every piece of *language* be recorded and approved, except one."""
    whole = ogg.read(NOTE.read_bytes())
    short = ogg.Sound(whole.packets[:20], whole.channels, whole.pre_skip)
    with world.house.database.session() as session:
        for piece in readers.wanted(world.house, language):
            if piece.key != but:
                row = readers.brought(session, world.house, language, piece, short)
                readers.approve(session, row, None)


def heard(bubble) -> ogg.Sound:
    """Return what a phone plays, fetched as a provider does."""
    assert "voice" == bubble.kind
    answer = requests.get(bubble.media_url, timeout=10)
    assert "audio/ogg" in answer.headers["Content-Type"]
    return ogg.read(answer.content)


def remind(world, person: str) -> None:
    world.afspraak("A1", person, datetime(2026, 12, 3, 14, 30))
    world.at(local(2026, 12, 2, 14, 30))
    world.tick()


def kinds(phone) -> list[str]:
    return [bubble.kind for bubble in phone.received]


# ------------------------------------------------------------------ listening


@pytest.mark.parametrize("address", ["1003", "+31697000003"])
def test_who_would_rather_listen_gets_a_voice_note_after_every_text(world, address):
    """A picture of a loudspeaker is all that one need send; it is remembered of the person."""
    channel = "whatsapp" if address.startswith("+") else "telegram"
    read_everything(world, "ti")
    person = world.person("Selam", "ti", channel, address)
    phone = world.phone("Selam")
    phone.say("🔊")

    assert ["image", "voice"] == kinds(phone)
    assert world.read(lambda s: s.scalars(select(Inburgeraar.listens)).one())

    world.at(local(2026, 12, 2, 14, 0))
    phone.say("taal?")  # opens WhatsApp's window
    before = len(phone.received)
    remind(world, person)
    text, sound = phone.received[before:]
    assert "03-12-2026" in text.text
    assert heard(sound).seconds > 5

    phone.say("1")
    assert "confirmed" == world.answer("A1")
    assert "voice" == phone.last.kind
    assert [] == [m for m in world.messages() if m[1] in ("failed", "blocked")]


def test_s03_who_speaks_and_would_rather_listen_hears_our_answer(world):
    """She cannot read, so what can be tapped is said aloud too."""
    read_everything(world, "so")
    person = world.person("Fadumo", "so", "telegram", "1003")
    phone = world.phone("Fadumo")
    phone.say("🔊")
    remind(world, person)
    before = len(phone.received)

    phone.voice()
    text, sound = phone.received[before:]
    assert 3 == len(text.buttons)
    assert heard(sound).seconds > 2
    phone.say("👍🏾")
    assert "confirmed" == world.answer("A1")


def test_outside_the_window_whatsapp_gets_the_template_alone(world):
    """No template can hold a sound; the text has gone, so nobody is bothered about it."""
    world.templates()
    read_everything(world, "ar")
    person = world.person("Rania", "ar", "whatsapp", "+31697000003")
    with world.house.database.session() as session:
        session.scalars(select(Inburgeraar)).one().listens = True
    remind(world, person)

    assert ["image"] == kinds(world.phone("Rania"))
    assert ["read", "cancelled"] == [state for _, state in world.messages()]
    assert [] == world.tasks()


def test_where_one_piece_is_missing_nothing_is_said(world):
    """Half a sentence, or a day without its month, is worse than a text."""
    read_everything(world, "ti", but="maand:12")
    person = world.person("Selam", "ti", "telegram", "1003")
    with world.house.database.session() as session:
        session.scalars(select(Inburgeraar)).one().listens = True
    remind(world, person)

    assert ["image"] == kinds(world.phone("Selam"))


def test_where_nothing_is_recorded_we_say_so_and_remember(world):
    world.person("Selam", "ti", "telegram", "1003")
    phone = world.phone("Selam")
    phone.say("🔊")

    assert ["voice.none"] == [key for key, _ in world.messages()]
    assert world.read(lambda s: s.scalars(select(Inburgeraar.listens)).one())
    phone.say("📖")
    assert not world.read(lambda s: s.scalars(select(Inburgeraar.listens)).one())


def test_an_open_question_is_said_again_when_somebody_chooses_to_listen(world):
    read_everything(world, "ti")
    person = world.person("Selam", "ti", "telegram", "1003")
    remind(world, person)
    phone = world.phone("Selam")
    phone.say("🔊")

    assert ["image", "image", "voice"] == kinds(phone)
    phone.tap(phone.received[1].buttons[0].title)
    assert "confirmed" == world.answer("A1")


def test_a_sound_that_was_taken_back_is_heard_no_more(world):
    read_everything(world, "ti")
    world.person("Selam", "ti", "telegram", "1003")
    phone = world.phone("Selam")
    phone.say("🔊")
    address = f"{world.house.settings.public_url}{media.PATH}" + media.signed(
        world.house.settings, "stem/1.ogg"
    )
    assert 200 == requests.get(address, timeout=10).status_code

    with world.house.database.session() as session:
        readers.drop(session, world.house, session.get_one(Recording, 1))
    assert 404 == requests.get(address, timeout=10).status_code
    assert [] == [name for name in os.listdir(world.house.settings.voices) if ".half" in name]


def test_a_sound_that_telegram_cannot_have_is_given_up_in_peace(world):
    """The text has gone: nobody is called about it, and it is not tried until tomorrow."""
    read_everything(world, "ti")
    world.person("Selam", "ti", "telegram", "1003")
    for path in world.house.settings.voices.iterdir():
        path.unlink()
    world.phone("Selam").say("🔊")
    for _ in range(4):
        world.pass_(seconds=30)

    assert ["image"] == kinds(world.phone("Selam"))
    assert [("voice.on", "sent"), ("voice.on", "cancelled")] == world.messages()
    assert [] == world.tasks()


# ------------------------------------------------------------------ reading aloud


def stap(world, *arguments: str, code: int = 0) -> str:
    """Run `stap voices` beside the house, on its database."""
    told = CliRunner().invoke(
        voices_,
        arguments,
        env={
            "DATABASE_URL": world.house.settings.database_url,
            "VOICE_DIR": str(world.house.settings.voices),
        },
    )
    assert code == told.exit_code, told.output
    return told.output


@pytest.fixture
def reader(world):
    """An ambassadeur who speaks Tigrinya, with a phone, and a colleague who listens."""
    with world.house.database.session() as session:
        session.add(
            Ambassadeur(
                kenmerk="AMB1",
                first_name="Yonas",
                phone="+31697000009",
                languages=["nl", "ti"],
                created_at=moments.now(),
            )
        )
        staff.put(session, EMAIL, "Marieke", ["beheerder"])
    world.ground.add("Yonas", "ti", "whatsapp", "+31697000009")
    return world.phone("Yonas")


def test_an_ambassadeur_reads_aloud_and_staff_let_it_be_heard(world, reader):
    reader.say("🎤")
    first = readers.wanted(world.house, "ti")[0]
    assert first.says in reader.last.text
    reader.voice()
    world.tick()
    assert first.says not in reader.last.text, "the next one is asked for"
    assert ["opname beluisteren"] == world.tasks()
    assert first.says in stap(world, "list")

    stap(world, "refuse", "1", "--by", EMAIL, "--why", "Te veel ruis.")
    world.tick()
    assert "Te veel ruis." in reader.last.text
    assert first.says in reader.last.text
    reader.voice()
    world.tick()
    listened = world.house.settings.voices.parent / "listened.ogg"
    stap(world, "play", "2", str(listened))
    assert 3 == int(ogg.read(listened.read_bytes()).seconds)
    stap(world, "approve", "2", "--by", EMAIL)

    assert [("refused", "ti", first.key, 1, 1), ("approved", "ti", first.key, 1, 1)] == world.read(
        lambda s: [
            (row.state, row.language, row.piece, row.ambassadeur_id, row.decided_by)
            for row in s.scalars(select(Recording).order_by(Recording.id))
        ]
    )
    listened.unlink()


def test_what_was_copied_here_is_deleted_at_twilio(world, reader):
    """No voice leaves the installation, nor stays where it came by."""
    reader.say("🎤")
    reader.voice()
    world.tick()

    [note] = world.read(lambda s: [r.media[0] for r in s.scalars(select(Reply)) if r.media])
    own = world.ground.accounts
    answer = requests.get(note["ref"], auth=(own.twilio_sid, own.twilio_token), timeout=10)
    assert 404 == answer.status_code
    assert "new" == world.read(lambda s: s.scalars(select(Recording.state)).one())


def test_who_is_no_ambassadeur_cannot_record(world):
    world.person("Selam", "ti", "telegram", "1003")
    phone = world.phone("Selam")
    phone.say("🎤")
    phone.voice()

    assert 0 == world.read(lambda s: s.scalar(select(func.count()).select_from(Recording)))


def test_a_colleague_that_we_do_not_know_approves_nothing(world, reader):
    reader.say("🎤")
    reader.voice()
    world.tick()

    assert "staat niet bij de collega's" in stap(
        world, "approve", "1", "--by", "iemand@elders.example", code=1
    )
    assert "new" == world.read(lambda s: s.scalars(select(Recording.state)).one())


# ------------------------------------------------------------------ what residents say


@pytest.mark.parametrize("address", ["1003", "+31697000003"])
def test_a_residents_voice_note_is_kept_here_and_deleted_in_time(world, address):
    channel = "whatsapp" if address.startswith("+") else "telegram"
    world.person("Selam", "ti", channel, address)
    world.phone("Selam").voice()
    world.tick()
    folder = world.house.settings.voices

    [(state, file, reply)] = world.read(
        lambda s: [(note.state, note.file, note.reply_id) for note in s.scalars(select(VoiceNote))]
    )
    assert "kept" == state
    assert NOTE.read_bytes() == (folder / file).read_bytes()
    assert 0o600 == (folder / file).stat().st_mode & 0o777
    written = folder.parent / "note.ogg"
    stap(world, "play", "--note", str(reply), str(written))
    written.unlink()

    with world.house.database.session() as session:
        for task in session.scalars(select(Task)):
            task.done_at = moments.now()  # staff have listened
    world.at(moments.now() + timedelta(days=15))
    os.utime(folder / file, (0, 0))
    work.erase(world.house)
    assert [] == world.read(lambda s: list(s.scalars(select(VoiceNote))))
    assert [] == os.listdir(folder)


def test_who_does_not_listen_gets_no_sound(world):
    read_everything(world, "ti")
    person = world.person("Selam", "ti", "telegram", "1003")
    remind(world, person)

    assert ["image"] == kinds(world.phone("Selam"))
    assert [None] == world.read(lambda s: list(s.scalars(select(Message.voice))))
