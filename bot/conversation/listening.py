"""Who would rather listen, and who reads aloud for us: all by a picture, for want of words."""

from __future__ import annotations

from sqlalchemy.orm import Session

from bot.channels.base import SMS
from bot.conversation import general
from bot.conversation.turn import Turn
from bot.messaging import voices
from bot.models.people import Address, Inburgeraar
from bot.outreach import ambassadeurs, tasks
from bot.outreach import voices as readers
from bot.told import tell
from bot.wording import spoken
from bot.wording.languages import languages

LISTEN, READ, RECORD = "🔊🔉🔈🎧👂", "📖", "🎤🎙"

_UNSEEN = "\ufe0e\ufe0f🏻🏼🏽🏾🏿 \n"
"""How a picture is drawn, and in which skin."""


def wished(session: Session, address: Address, text: str) -> str | None:
    """Return the action that a message of pictures alone asks for; None for any other."""
    signs = {sign for sign in text if sign not in _UNSEEN}
    if not signs:
        return None
    if signs <= set(LISTEN):
        return "people.listen"
    if signs <= set(READ):
        return "people.read"
    if signs <= set(RECORD) and ambassadeurs.who_has(session, address):
        return "ambassadeur.record"
    return None


def listen(turn: Turn) -> None:
    """Say aloud from now on what is recorded; an open question is said again, to be heard."""
    turn.reply.intent, turn.reply.why = "human", "would rather listen"
    for person in _who(turn):
        person.listens = True
    waiting = turn.question or next(iter(turn.candidates), None)
    if turn.address.channel == SMS or not _anything(turn):
        turn.say("voice.none")
    elif waiting is None or not general.ask_again(turn, waiting):
        turn.say("voice.on")


def read(turn: Turn) -> None:
    """Send texts alone from now on."""
    turn.reply.intent, turn.reply.why = "human", "would rather read"
    for person in _who(turn):
        person.listens = False
    turn.say("voice.off")


def _who(turn: Turn) -> list[Inburgeraar]:
    return [turn.person] if turn.person else [link.person for link in turn.address.people]


def _anything(turn: Turn) -> bool:
    """Say whether anything at all can be heard in the language of now."""
    house = turn.house
    return any(
        voices.said(turn.session, house, pieces, turn.language)
        for key in spoken.texts_aloud(house.catalogue)
        if (pieces := spoken.sentences(key, turn.language, house.catalogue))
    )


def hint(turn: Turn) -> str:
    """Return how to choose to listen, as a line for a text; ``""`` where nothing can be heard."""
    if turn.address.channel == SMS or not _anything(turn):
        return ""
    return turn.house.catalogue.text("voice.hint", turn.language).body


def help_(turn: Turn) -> None:
    """Say who we are, and how to listen instead."""
    general.help_(turn, hint(turn))


# ------------------------------------------------------------------ reading aloud for us


def record(turn: Turn) -> None:
    """Ask an ambassadeur to read the next piece aloud."""
    turn.reply.intent, turn.reply.why = "human", "an ambassadeur reads aloud"
    _ask_next(turn)


def recorded(turn: Turn) -> None:
    """Keep what they read, for staff to listen to, and ask for the next."""
    turn.reply.intent, turn.reply.why = "human", "an ambassadeur read aloud what we asked"
    found, data = ambassadeurs.who_has(turn.session, turn.address), turn.data
    if not found or "piece" not in data:
        turn.end()
        general.media(turn)
        return
    piece = spoken.Piece(data["piece"], data["says"])
    readers.received(turn.session, found[0], data["language"], piece, turn.reply)
    tasks.raise_task(
        turn.session,
        tasks.LISTEN,
        about=data["language"],
        note=tell("Er is iets ingesproken. Luister en keur het goed: stap voices list"),
    )
    _ask_next(turn)


def _ask_next(turn: Turn) -> None:
    for ambassadeur in ambassadeurs.who_has(turn.session, turn.address):
        wanted = readers.next_for(turn.session, turn.house, ambassadeur)
        if wanted is not None:
            name = languages()[wanted.language].name
            values = {"language": name, "sentence": wanted.piece.says, "left": wanted.left}
            turn.say(
                "ambassadeur.voice_ask",
                values,
                data=readers.asked(wanted.language, wanted.piece),
            )
            return
    turn.end()
    turn.say("ambassadeur.voice_done")
