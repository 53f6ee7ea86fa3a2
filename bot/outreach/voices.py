"""Ambassadeurs read our texts aloud: what is still missing, what they sent, what staff decide."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import moments
from bot.house import House
from bot.messaging import outbox, voices
from bot.models.ambassadeurs import Ambassadeur
from bot.models.dialogues import Dialogue
from bot.models.messages import InboxEvent, Reply
from bot.models.people import Address
from bot.models.voices import Recording
from bot.wording import ogg, spoken
from bot.wording.languages import shipped

STEP = "record"
"""The step of the dialogue in which a voice note is a recording."""

SHORTEST, LONGEST = 0.3, 60
"""Seconds that a recording may take."""

LONGEST_WHY = 120
"""Characters in which staff say why."""

USEFUL = timedelta(days=2)
"""How long it is of use to ask for a sentence once more."""


class ToRead(NamedTuple):
    """What an ambassadeur is asked to read next."""

    language: str
    piece: spoken.Piece
    left: int
    """How many there are still to do in this language, this one among them."""


def missing(session: Session, house: House, language: str) -> list[spoken.Piece]:
    """Return what nobody has read yet in *language*, or that still waits for staff to listen."""
    done = set(
        session.scalars(
            select(Recording.piece).where(
                Recording.language == language,
                Recording.machine.is_(False),
                Recording.state.in_(("coming", "new", "approved")),
            )
        )
    )
    return [piece for piece in wanted(house, language) if piece.key not in done]


def next_for(session: Session, house: House, ambassadeur: Ambassadeur) -> ToRead | None:
    """Return what *ambassadeur* may read next, in the first of their languages that lacks any.

    Dutch comes last: it is the others that nobody else can read.
    """
    spoken_by = [code for code in ambassadeur.languages if code in shipped()]
    for language in sorted(spoken_by, key=lambda code: code == "nl"):
        left = missing(session, house, language)
        if left:
            return ToRead(language, left[0], len(left))
    return None


def received(
    session: Session, ambassadeur: Ambassadeur, language: str, piece: spoken.Piece, reply: Reply
) -> Recording:
    """Write down that *ambassadeur* read *piece*; the sound itself is fetched later."""
    recording = Recording(
        language=language,
        piece=piece.key,
        says=piece.says,
        state="coming",
        ambassadeur_id=ambassadeur.id,
        reply_id=reply.id,
        made_at=reply.at,
    )
    session.add(recording)
    session.flush()
    return recording


def checked(sound: ogg.Sound) -> str | None:
    """Return in Dutch what is wrong with a recording that can be seen without listening."""
    if sound.seconds < SHORTEST:
        return "Het bericht is te kort."
    if sound.seconds > LONGEST:
        return f"Het bericht is langer dan {LONGEST} seconden."
    return None


def wanted(house: House, language: str) -> tuple[spoken.Piece, ...]:
    """Return all that should be recorded in *language*."""
    return spoken.wanted(language, house.catalogue, house.gemeente)


def brought(
    session: Session,
    house: House,
    language: str,
    piece: spoken.Piece,
    sound: ogg.Sound,
    *,
    machine: bool = False,
) -> Recording:
    """Keep *sound* as a recording of *piece* that came by no voice note. Raises OSError."""
    recording = Recording(
        language=language,
        piece=piece.key,
        says=piece.says,
        state="new",
        machine=machine,
        file=voices.keep(house.settings, ogg.join([sound]), voices.OGG),
        seconds=int(sound.seconds + 1),
        made_at=moments.now(),
    )
    session.add(recording)
    session.flush()
    return recording


def approve(session: Session, recording: Recording, staff_id: int | None) -> None:
    """Let *recording* be heard from now on. The older ones of its piece stay, and are not used."""
    recording.state, recording.why = "approved", None
    recording.decided_by, recording.decided_at = staff_id, moments.now()
    session.flush()


def refuse(
    session: Session, house: House, recording: Recording, why: str, staff_id: int | None
) -> bool:
    """Let nobody hear *recording*, and ask who read it once more; False if they cannot be asked."""
    recording.state, recording.why = "refused", why
    recording.decided_by, recording.decided_at = staff_id, moments.now()
    session.flush()
    reply = session.get(Reply, recording.reply_id) if recording.reply_id else None
    address = session.get(Address, reply.address_id) if reply else None
    event = session.get(InboxEvent, reply.event_id) if reply else None
    if address is None or event is None:
        return False
    outbox.queue(
        session,
        house,
        occasion=f"recording:{recording.id}:again",
        key="ambassadeur.voice_again",
        address=address,
        values={"reason": why, "sentence": recording.says},
        expires_at=moments.now() + USEFUL,
        in_reply_to=event,
    )
    piece = spoken.Piece(recording.piece, recording.says)
    _open(session, address, asked(recording.language, piece))
    return True


def asked(language: str, piece: spoken.Piece) -> dict[str, str]:
    """Return what the dialogue keeps while *piece* is asked for."""
    return {"language": language, "piece": piece.key, "says": piece.says}


def _open(session: Session, address: Address, data: dict[str, str]) -> None:
    dialogue = session.scalars(
        select(Dialogue).where(Dialogue.address_id == address.id)
    ).one_or_none()
    if dialogue is None:
        dialogue = Dialogue(address_id=address.id, misunderstood=0)
        session.add(dialogue)
    dialogue.flow = dialogue.step = STEP
    dialogue.data, dialogue.changed_at = data, moments.now()
    session.flush()


def drop(session: Session, house: House, recording: Recording) -> None:
    """Take an approved *recording* back: from now on it is heard by nobody."""
    recording.state, recording.decided_at = "refused", moments.now()
    session.flush()
    if recording.file is not None:
        voices.discard(house.settings, recording.file)
        recording.file = None
