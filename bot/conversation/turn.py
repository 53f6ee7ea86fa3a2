"""One reply and all that is known when it is acted on; what actions are given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot import moments
from bot.channels.base import Button
from bot.conversation.understand import Understood
from bot.house import House
from bot.messaging import caps, outbox
from bot.models.afspraken import Afspraak
from bot.models.dialogues import Dialogue
from bot.models.messages import InboxEvent, Message, Reply
from bot.models.people import Address, Inburgeraar
from bot.outreach import tasks
from bot.told import tell

ANSWER_IS_USEFUL = timedelta(hours=24)

QUESTIONS = ("afspraak", "voortraject")
"""Questions about something that lasts. All others belong to the dialogue under way."""

EMPTY_ANSWERS = (
    "answer.unclear",
    "answer.unclear_plain",
    "answer.choose_again",
    "answer.human",
    "answer.help",
    "answer.thanks",
    "answer.nothing_open",
    "answer.two_misunderstood",
    "voortraject.unclear",
)
"""Answers that say nothing new. Two machines that answer each other must fall silent."""

ALWAYS = ("answer.emergency", "consent.stopped")
"""Answers that are never left out: whom to call in danger, and that we are silent from now on."""

MOST_EMPTY_ANSWERS = 3
"""Per address and hour."""


@dataclass(slots=True)
class Turn:
    """What one reply meets: who, where, what was asked, what was understood."""

    session: Session
    house: House
    event: InboxEvent
    reply: Reply
    address: Address
    person: Inburgeraar | None
    language: str
    said: Understood
    question: Message | None = None
    """Our message that it answers, if that asked about something."""
    dialogue: Dialogue | None = None
    choice: str | None = None
    """Id of the button, tapped or typed as its number."""
    candidates: list[Message] = field(default_factory=list)
    """Questions that could be meant, where nothing says which."""
    unnamed: bool = False
    """Several people share this address, and nothing but an answer can say which of them it is."""
    waited: Sequence[Message] = ()
    """What colleagues said, and goes now that they write: with it they are answered."""

    @property
    def data(self) -> dict[str, Any]:
        """What the dialogue under way has gathered."""
        return dict(self.dialogue.data) if self.dialogue else {}

    def afspraak(self) -> Afspraak | None:
        """Return the afspraak that the question is about, if it is about one of theirs."""
        about = self.question.about if self.question else self.data.get("about")
        noun, _, number = (about or "").partition(":")
        afspraak = self.session.get(Afspraak, int(number)) if noun == "afspraak" else None
        asked = self.question.person_id if self.question else None
        if afspraak is not None and asked not in (None, afspraak.person_id):
            return None  # staff gave it to somebody else since: theirs to hear about
        return afspraak

    def say(
        self,
        key: str,
        values: dict[str, Any] | None = None,
        *,
        about: str | None = None,
        version: int | None = None,
        data: dict[str, Any] | None = None,
        buttons: Sequence[Button] = (),
    ) -> Message | None:
        """Answer with the text *key*, in the reader's language, once per reply.

        A text that asks something of its own opens that step of the dialogue, with *data*;
        any other ends it. *buttons* come after those of the text itself. Returns None where
        silence is better, or it was said before.
        """
        if key in EMPTY_ANSWERS and self._said_enough():
            return None
        if self.is_silent(key, about):
            return None
        message = outbox.queue(
            self.session,
            self.house,
            occasion=f"reply:{self.event.id}:{key}",
            key=key,
            person=self.person,
            address=self.address,
            language=self.language,
            values=values,
            about=about,
            version=version,
            expires_at=moments.now() + ANSWER_IS_USEFUL,
            in_reply_to=self.event,
            buttons=buttons,
        )
        asks = self.house.catalogue.entries[key].asks
        if asks is not None and asks not in QUESTIONS:
            self.open(asks, data or {})
        return message

    def open(self, step: str, data: dict[str, Any]) -> None:
        """Let the dialogue with this address stand at *step*."""
        # A tap on an older question leaves the dialogue under way out of the turn.
        self.dialogue = (
            self.dialogue
            or self.session.scalars(
                select(Dialogue).where(Dialogue.address_id == self.address.id)
            ).one_or_none()
        )
        if self.dialogue is None:
            self.dialogue = Dialogue(address_id=self.address.id, misunderstood=0)
            self.session.add(self.dialogue)
        self.dialogue.flow = self.dialogue.step = step
        self.dialogue.data = data
        self.dialogue.changed_at = moments.now()
        self.session.flush()

    def end(self) -> None:
        """End the dialogue with this address; what it gathered goes with it."""
        if self.dialogue is not None:
            self.session.delete(self.dialogue)
            self.session.flush()
            self.dialogue = None

    def is_silent(self, key: str, about: str | None) -> bool:
        """Say whether *key* about this is one answer too many, here or for strangers like these."""
        if key in ALWAYS:
            return False
        why_not = caps.answers(self.session, self.house, self.address, key, about)
        self._let_staff_look(why_not)
        return why_not is not None

    def _let_staff_look(self, why_not: str | None) -> None:
        """Tell staff of silence that somebody may not expect. Of what was said already, nothing."""
        if why_not == "much":
            tasks.raise_task(
                self.session,
                tasks.QUESTION,
                about=f"address:{self.address.id}",
                person=self.person,
                address=self.address,
                note=tell(
                    "Schrijft heel veel. Wij antwoorden dit uur niet meer. Kijk of iets nodig is."
                ),
                reply=self.reply,
            )
        elif why_not == "stranger":
            tasks.raise_task(
                self.session,
                tasks.MANY_STRANGERS,
                about=f"day:{moments.local(moments.now()):%Y-%m-%d}",
                note=tell(
                    "Er schrijven vandaag ongewoon veel onbekende sms-nummers die op elkaar "
                    "lijken. Nieuwe krijgen vandaag geen antwoord meer. Zijn het echte mensen? "
                    "Verhoog dan caps in gemeente.yaml."
                ),
            )

    def _said_enough(self) -> bool:
        since = moments.now() - timedelta(hours=1)
        said = self.session.scalar(
            select(func.count())
            .select_from(Message)
            .where(
                Message.address_id == self.address.id,
                Message.key.in_(EMPTY_ANSWERS),
                Message.created_at > since,
            )
        )
        return (said or 0) >= MOST_EMPTY_ANSWERS
