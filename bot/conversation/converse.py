"""One event: read, written down, understood, acted on, answered. One transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from bot import moments
from bot.channels.base import Heard
from bot.conversation import flows, general, listening
from bot.conversation.actions import ACTIONS
from bot.conversation.turn import QUESTIONS, Turn
from bot.conversation.understand import Understood, understand
from bot.house import House
from bot.messaging import delivery, inbox, reconcile, voices
from bot.models.afspraken import Afspraak
from bot.models.dialogues import Dialogue
from bot.models.messages import InboxEvent, Message, Reply
from bot.models.people import Address, Inburgeraar
from bot.models.voortrajecten import Deelname
from bot.outreach import aftermath, ambassadeurs, people, replies, trials, voortraject
from bot.outreach import voices as readers
from bot.outreach.afspraken import TOLD
from bot.privacy import consent, erasure
from bot.told import tell
from bot.wording.languages import find, shipped

DIALOGUE_LASTS = timedelta(days=7)
"""A dialogue left alone for longer is forgotten: a digit means something else by then."""

HEARD_ALWAYS = frozenset(
    {
        "consent.stop",
        "signup.start",
        "answer.emergency",
        "people.wrong_number",
        "language.change",
        "language.choose",
    }
)
"""Actions that we take also where a colleague has the conversation."""

OPEN = "open"
"""The button below what announces that a colleague said something: that is their answer to it."""

TALK = frozenset(
    {
        "answer.thanks",
        "answer.help",
        "answer.human",
        "answer.unclear",
        "answer.nothing_open",
        "answer.media",
        "answer.choose_again",
        "answer.ask_which",
        "afspraak.unclear",
        "voortraject.unclear",
        "voortraject.question",
    }
)
"""Actions that are nothing but talk: a colleague does that better."""

ASKED_LASTS = timedelta(days=90)
"""Questions older than this are not looked back to."""

PASSED_LASTS = timedelta(days=7)
"""How long after an afspraak or a first meeting an answer is still taken as one to it."""


def handle(session: Session, house: House, event: InboxEvent) -> tuple[str, str] | None:
    """Act on one stored event; return channel and id of a tap that waits for an answer.

    Raises NotUnderstood for what cannot be read (yet).
    """
    heard = inbox.read(house, event)
    if isinstance(heard, inbox.Report):
        failed = delivery.apply(session, heard.message, heard.attempt, heard.change)
        aftermath.known(session, heard.message)
        if failed is not None:
            aftermath.not_arrived(session, house, failed)
        inbox.forget_strays(session, [event.id], [heard.message])
        return None
    address = inbox.address_of(session, heard, event.received_at)
    key = house.settings.signing_key
    if address.last_inbound_at is None and not erasure.meet(
        session, key, address, event.received_at
    ):
        erasure.too_late(session, key, address, event, stop=_says_stop(heard))
        return None
    if heard.reachable is False:
        people.blocked_us(session, address)
        return None
    if heard.reachable is True:
        people.unblocked_us(address)
        return None
    people.unblocked_us(address)  # whoever writes to us has let us in again
    shown = reconcile.proven(session, address, heard)
    if shown is not None:
        aftermath.known(session, shown.id)
    reply = inbox.write_down(session, event, heard, address)
    waited = replies.waiting(session, address)
    tap = _answer(session, house, event, heard, address, reply, waited)
    if waited:
        replies.let_go(session, address, waited, event)
    return tap


def _answer(
    session: Session,
    house: House,
    event: InboxEvent,
    heard: Heard,
    address: Address,
    reply: Reply,
    waited: Sequence[Message],
) -> tuple[str, str] | None:
    """Act on what was said at *address*; return channel and id of a tap that waits for an answer.

    *waited* is what colleagues said there before, and goes after this.
    """
    if heard.provider_stop:
        _mirror(session, heard, address, reply)
        if heard.provider_answered and not _wants_in(heard, address):
            return None
    turn = _turn(session, house, event, heard, address, reply)
    turn.waited = waited
    if trials.claim(session, address, event, heard.text):
        turn.said = Understood("human", "a colleague ties the phone that they test on")
        turn.say("colleague.test_phone")
        reply.intent, reply.why = turn.said.intent, turn.said.why
        return None
    reply.intent, reply.why = turn.said.intent, turn.said.why
    _act(turn, heard)
    reply.message_id = turn.question.id if turn.question else None
    if turn.person is not None:
        reply.person_id = turn.person.id
    return (heard.channel, heard.callback) if heard.callback else None


def _mirror(session: Session, heard: Heard, address: Address, reply: Reply) -> None:
    """Hold the same as the provider, which has stopped or started this number by itself."""
    evidence = f"provider keyword, reply {reply.id}"
    if heard.provider_stop == "stop":
        reply.intent, reply.why = "stop", "the provider stopped this number itself"
        session.execute(delete(Dialogue).where(Dialogue.address_id == address.id))
        note = tell("Stuurde een stopwoord van de provider. Bel of schrijf een brief.")
        people.stop(session, address, evidence, note, reply)
    else:
        reply.intent, reply.why = "start", "the provider started this number itself"
        people.start_again(session, address, evidence, reply.at)


def _says_stop(heard: Heard) -> bool:
    said = understand(heard.text, language="nl", asks=None, button=heard.button or None)
    return heard.provider_stop == "stop" or said.intent == "stop"


def _wants_in(heard: Heard, address: Address) -> bool:
    """Say whether START comes from somebody unknown: the provider's word is no sign-up."""
    return heard.provider_stop == "start" and not people.household(address)


def _turn(
    session: Session, house: House, event: InboxEvent, heard: Heard, address: Address, reply: Reply
) -> Turn:
    """Find out who speaks, in which language, about which question, and what it says."""
    household = people.household(address)
    person = household[0] if len(household) == 1 else None
    quoted = inbox.quoted_message(session, reply)
    if quoted is not None and not _theirs(session, address, [quoted]):
        quoted = None
    if quoted is not None and quoted.person_id is not None:
        person = session.get(Inburgeraar, quoted.person_id)
    dialogue = _dialogue(session, address)
    unnamed = len(household) > 1 and person is None
    if unnamed and dialogue is not None:
        person = _about_whom(session, dialogue.data.get("about"), household)
    hint = find(heard.language_hint)
    language = (person.language if person else None) or address.language
    if language is None and household:
        language = _spoken_here(session, address, household)
    language = language or (hint.code if hint else "nl")
    if language not in shipped():
        language = "nl"
    asked_about_something = quoted is not None and quoted.asks in QUESTIONS
    candidates = [quoted] if quoted and asked_about_something else _open(session, address)
    if dialogue is not None and any(m.created_at > dialogue.changed_at for m in candidates):
        # We have asked something since: what they say now answers that.
        session.delete(dialogue)
        session.flush()
        dialogue = None
    if dialogue is not None and not asked_about_something:
        step, kind = dialogue.step, "menu"
        if step in ("preference",):
            kind = "afspraak"
    else:
        step = (candidates[0].asks if candidates else None) or flows.NOTHING
        kind = step
        dialogue = None if asked_about_something else dialogue
    asks = kind if kind in ("afspraak", "voortraject", "menu") else None
    said = understand(heard.text, language=language, asks=asks, button=heard.button or None)
    turn = Turn(
        session=session,
        house=house,
        event=event,
        reply=reply,
        address=address,
        person=person,
        language=language,
        said=said,
        question=candidates[0] if len(candidates) == 1 and dialogue is None else None,
        dialogue=dialogue,
        candidates=candidates,
        unnamed=unnamed,
    )
    turn.choice = heard.button or _typed_choice(turn, step)
    if turn.choice is not None and not heard.button:
        tapped = understand("", language=language, button=turn.choice)
        if tapped.intent in flows.steps()[flows.ALWAYS]:
            turn.said = tapped  # the number of a button that holds at every moment, such as stop
    if turn.question is not None and turn.person is None and turn.question.person_id is not None:
        turn.person = session.get(Inburgeraar, turn.question.person_id)
        if turn.person is not None and turn.person.language in shipped():
            turn.language = turn.person.language
    return turn


def _about_whom(
    session: Session, about: str | None, household: Sequence[Inburgeraar]
) -> Inburgeraar | None:
    """Return who of *household* the dialogue under way is about, if it is about one of them."""
    noun, _, number = (about or "").partition(":")
    kind = {"afspraak": Afspraak, "deelname": Deelname}.get(noun)
    found = session.get(kind, int(number)) if kind is not None else None
    whose = found.person_id if isinstance(found, Afspraak | Deelname) else None
    return next((person for person in household if person.id == whose), None)


def _spoken_here(
    session: Session, address: Address, household: Sequence[Inburgeraar]
) -> str | None:
    """Return the language of those who share *address*, or the last one they were written to in."""
    languages = {person.language for person in household}
    if len(languages) == 1:
        return languages.pop()
    return session.scalars(
        select(Message.language)
        .where(Message.address_id == address.id)
        .order_by(Message.id.desc())
        .limit(1)
    ).one_or_none()


def _typed_choice(turn: Turn, step: str) -> str | None:
    """Return the id of the button that a typed number stands for, at a step with buttons."""
    number = turn.said.number
    if number is None or step in QUESTIONS:
        return None
    last = turn.session.scalars(
        select(Message)
        .where(Message.address_id == turn.address.id, Message.asks == step)
        .order_by(Message.id.desc())
        .limit(1)
    ).one_or_none()
    ids = turn.house.catalogue.entries[last.key].buttons if last is not None else ()
    return ids[number - 1] if 1 <= number <= len(ids) else None


def _dialogue(session: Session, address: Address) -> Dialogue | None:
    dialogue = session.scalars(
        select(Dialogue).where(Dialogue.address_id == address.id)
    ).one_or_none()
    if dialogue is not None and dialogue.changed_at < moments.now() - DIALOGUE_LASTS:
        session.delete(dialogue)
        session.flush()
        return None
    return dialogue


def _open(session: Session, address: Address) -> list[Message]:
    """Return the questions that an answer from *address* could be meant for.

    Those that still wait for an answer; if none does, the last one that was answered and can
    be corrected; if there is none, the last that is over. Never an old one beside a new one.
    """
    asked = session.scalars(
        select(Message)
        .where(
            Message.address_id == address.id,
            Message.asks.in_(QUESTIONS),
            Message.about.is_not(None),
            Message.state.in_(TOLD),
            Message.created_at > moments.now() - ASKED_LASTS,
        )
        .order_by(Message.id.desc())
        .limit(50)
    ).all()
    asked = _theirs(session, address, asked)
    waiting: list[Message] = []
    answered: list[Message] = []
    over: list[Message] = []
    seen: set[str] = set()
    for message in asked:
        if message.about is None or message.about in seen:
            continue
        seen.add(message.about)
        pile = {"waiting": waiting, "answered": answered, "over": over}.get(
            _standing(session, message)
        )
        if pile is not None:
            pile.append(message)
    return waiting or answered[:1] or over[:1]


def _theirs(session: Session, address: Address, asked: Sequence[Message]) -> list[Message]:
    """Return those of *asked* that whoever has *address* now may answer, or hear about."""
    if address.state == "closed":
        return []
    reached = {link.person_id for link in address.people}
    if all(message.person_id in reached for message in asked):
        return list(asked)
    former = consent.former(session, address)
    return [message for message in asked if message.person_id not in former]


def _standing(session: Session, message: Message) -> str:
    """Say how what *message* asked about stands: waiting, answered, over or gone."""
    noun, _, number = (message.about or "").partition(":")
    if noun == "afspraak":
        afspraak = session.get(Afspraak, int(number))
        if afspraak is None or afspraak.begins < moments.now() - PASSED_LASTS:
            return "gone"
        if afspraak.begins <= moments.now() or afspraak.status != "gepland":
            return "over"
        return "waiting" if afspraak.answer == "none" else "answered"
    deelname = session.get(Deelname, int(number)) if noun == "deelname" else None
    if deelname is None:
        return "gone"
    begins = voortraject.first_meeting(deelname.voortraject)
    if begins < moments.now() - PASSED_LASTS:
        return "gone"
    if begins <= moments.now() or deelname.state == "lapsed":
        return "over"
    return "waiting" if deelname.state in ("invited", "offered") else "answered"


def _act(turn: Turn, heard: Heard) -> None:
    """Lead to the action, asking first whom or which it concerns where that is not clear."""
    if heard.media and not heard.text and not heard.button:
        if turn.dialogue is not None and turn.dialogue.step == readers.STEP and _spoke(heard):
            ACTIONS["ambassadeur.recorded"](turn)
            return
        if _spoke(heard):
            voices.note(turn.session, turn.reply)
        shared_own = heard.phone and all(part.kind == "contact" for part in heard.media)
        turn.person = None if turn.unnamed else turn.person
        action = "people.own_number" if shared_own else "answer.media"
        if not _left_to_colleague(turn, heard, action):
            ACTIONS[action](turn)
        return
    if turn.dialogue is None and ambassadeurs.asks_stand(turn.session, turn.address, heard.text):
        turn.said = Understood("human", "an ambassadeur asks how it stands")
        turn.reply.intent, turn.reply.why = turn.said.intent, turn.said.why
        ACTIONS["ambassadeur.stand"](turn)
        return
    wished = listening.wished(turn.session, turn.address, heard.text)
    if wished is not None:
        ACTIONS[wished](turn)
        return
    step = flows.NOTHING
    if turn.dialogue is not None:
        step = turn.dialogue.step
    elif turn.candidates:
        step = turn.candidates[0].asks or flows.NOTHING
    action = flows.move(step, turn.said, turn.choice)
    if turn.dialogue is None and len(turn.candidates) > 1 and _concerns_one(action):
        action = "answer.ask_which"
    elif turn.unnamed and not _concerns_one(action):
        turn.person = None  # a question, a voice note: either of them may have sent it
    if _left_to_colleague(turn, heard, action):
        return
    following: str | None = action
    while following is not None:
        following = ACTIONS[following](turn)


def _left_to_colleague(turn: Turn, heard: Heard, action: str) -> bool:
    """Say whether a colleague has this conversation, or answered it by now; then we do not.

    What holds at every moment holds here too, and so does a tap: it can mean one thing alone. A
    typed yes is to whoever spoke last.
    """
    if action in HEARD_ALWAYS:
        return False
    task = replies.taken(turn.session, turn.address, turn.person)
    if task is None and not turn.waited:
        return False
    tapped = bool(heard.button or (turn.reply.quoted and turn.candidates))
    if action not in TALK and (tapped or not replies.spoke_last(turn.session, turn.address)):
        return False
    if task is not None:
        general.left_to_colleague(turn, task)
    elif turn.choice != OPEN:
        general.for_a_colleague(turn)
    return True


def _spoke(heard: Heard) -> bool:
    return any(part.kind in ("voice", "audio") for part in heard.media)


def _concerns_one(action: str) -> bool:
    """Say whether *action* is about one question, so that it must be known which."""
    return action.partition(".")[0] in QUESTIONS
