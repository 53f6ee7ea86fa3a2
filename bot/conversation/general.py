"""What may be said at any moment: stop, start, help, another language, a voice note."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

from bot import moments
from bot.channels.base import WHATSAPP, Button
from bot.conversation.describe import in_one_line_each
from bot.conversation.turn import Turn
from bot.messaging import outbox, route
from bot.models.messages import Message
from bot.models.tasks import Task
from bot.models.voortrajecten import Deelname
from bot.outreach import people, reminders, replies, tasks, voortraject
from bot.outreach.afspraken import TOLD
from bot.privacy import consent
from bot.told import Told, tell
from bot.wording.languages import languages, shipped


def stop(turn: Turn) -> None:
    """Send nothing more here, from this commit on; say so once."""
    turn.end()
    note = tell("Stuurde STOP. Bel of schrijf een brief.")
    evidence = f"reply {turn.reply.id}"
    if people.stop(turn.session, turn.address, evidence, note, turn.reply):
        turn.say("consent.stopped")


def emergency(turn: Turn) -> None:
    """Give the fixed safety answer, alert staff, and keep mass messages off this phone."""
    turn.end()
    turn.address.bulk_locked_at = turn.address.bulk_locked_at or moments.now()
    tasks.raise_task(
        turn.session,
        tasks.EMERGENCY,
        about=f"address:{turn.address.id}",
        person=turn.person,
        address=turn.address,
        note=tell("Mogelijk in gevaar. Lees het bericht nu. Let op: misschien leest iemand mee."),
        reply=turn.reply,
    )
    turn.say("answer.emergency")


def wrong_number(turn: Turn) -> None:
    """Someone else has this number: close it at once and say nothing personal."""
    turn.end()
    people.close_number(turn.session, turn.address, turn.reply)
    turn.say("answer.wrong_number")


def language(turn: Turn) -> str | None:
    """Speak another language from now on; without a name, show the list."""
    wanted = turn.said.language
    if wanted == turn.language and turn.waited:
        return None  # they tapped it to read what waits, and that comes now
    if wanted is None or wanted not in shipped():
        ask_language(turn, _kept(turn))
        return None
    return _speak(turn, wanted)


def ask_language(turn: Turn, data: Mapping[str, Any]) -> None:
    """Show the languages by their own names; *data* is kept until one is chosen.

    ``resume`` in it names the action to go on with then. Whoever tapped *more* gets the rest.
    """
    buttons = route.language_buttons(shipped().values(), turn.choice or "")
    codes = [button.id.removeprefix(route.LANGUAGE_BUTTON) for button in buttons]
    turn.say("language.choose", buttons=buttons, data={**data, "codes": codes})


def choose_language(turn: Turn) -> str | None:
    """Take the number from the list of languages; not one of them: show it again, once."""
    codes = turn.data.get("codes", [])
    number = turn.said.number or 0
    if 1 <= number <= len(codes):
        return _speak(turn, codes[number - 1])
    if turn.dialogue is None or turn.dialogue.misunderstood >= 1:
        hand_over(turn)
    else:
        turn.dialogue.misunderstood += 1
        ask_language(turn, turn.data)
    return None


def _kept(turn: Turn) -> dict[str, Any]:
    if "resume" in turn.data:
        return turn.data
    about = turn.question.about if turn.question else turn.data.get("about")
    return {"about": about} if about else {}


def _speak(turn: Turn, wanted: str) -> str | None:
    """Speak *wanted*; an open question is asked again in it, which says all there is to say.

    One tap leads back, where there is room for one: a language is easily changed by mistake.
    """
    before = [languages()[turn.language]] if turn.language != wanted else []
    back = route.language_buttons(before) if not route.numbered(turn.address.channel) else []
    people.change_language(turn.address, turn.person, wanted)
    turn.language = wanted
    resume = turn.data.get("resume")
    if resume is not None:
        return str(resume)
    waiting = turn.question or next(iter(turn.candidates), None)
    turn.end()
    if waiting is None or not ask_again(turn, waiting, back):
        turn.say("language.changed", buttons=back)
    return None


def ask_again(turn: Turn, question: Message, buttons: Sequence[Button] = ()) -> bool:
    """Say *question* once more as it was, in the language of now; False if it is too late.

    Whoever has said yes is told so and not asked again. *buttons* come after its own where
    there is room.
    """
    key = reminders.said_again(turn.session, question)
    own = turn.house.catalogue.entries[key].buttons
    if turn.address.channel == WHATSAPP and len(own) + len(buttons) > route.QUICK_REPLIES:
        buttons = ()
    if question.expires_at <= moments.now():
        return False
    if turn.is_silent(key, question.about):
        return True
    return (
        outbox.queue(
            turn.session,
            turn.house,
            occasion=f"{question.occasion}:again:{turn.event.id}",
            key=key,
            person=question.person,
            address=turn.address,
            language=turn.language,
            values={**spoken_of(question), **_in_words_of(turn, question)},
            about=question.about,
            version=question.version,
            expires_at=question.expires_at,
            in_reply_to=turn.event,
            buttons=buttons,
        )
        is not None
    )


def _in_words_of(turn: Turn, question: Message) -> dict[str, object]:
    """Return what of a voortraject is said in words: those of the language of now."""
    noun, _, number = (question.about or "").partition(":")
    deelname = turn.session.get(Deelname, int(number)) if noun == "deelname" else None
    return voortraject.spoken(turn.house, question.key, deelname) if deelname else {}


def spoken_of(question: Message) -> dict[str, object]:
    """Return what *question* was filled with: the day and place as its reader knows them."""
    return route.unpack(question.values)


def thanks(turn: Turn) -> None:
    """Take thanks once; a question that is open stays open, and thanks for thanks is silence."""
    last = turn.session.scalars(
        select(Message.key)
        .where(Message.address_id == turn.address.id)
        .order_by(Message.id.desc())
        .limit(1)
    ).one_or_none()
    if last != "answer.thanks":
        turn.say("answer.thanks")


def help_(turn: Turn, hint: str = "") -> None:
    """Say who we are and whom to call, and let staff know that someone did not understand.

    *hint* is one more line: how to listen instead.
    """
    _task(turn, tasks.QUESTION, tell("Vraagt hoe dit werkt. Bel als het nodig is."))
    turn.say("answer.help", {"listen": hint})


def human(turn: Turn) -> None:
    """A question that only a person can answer."""
    if turn.said.need == "money":
        money(turn)
        return
    if turn.said.need == "distress":
        upset(turn)
        return
    if turn.said.intent == "childcare":
        _task(turn, tasks.CHILDCARE, tell("Vraagt naar kinderopvang."))
    else:
        _task(turn, tasks.QUESTION, tell("Heeft een vraag. Lees het bericht."))
    turn.say("answer.human")


def money(turn: Turn) -> None:
    """A question about money: a colleague phones, for somebody else may see the chat."""
    _task(turn, tasks.MONEY, tell("Vraagt naar geld. Bel. Schrijf er niet over in de chat."))
    turn.say("answer.money")


def upset(turn: Turn) -> None:
    """Angry or sad: say sorry, offer three ways out, and hold what can wait until staff looked."""
    week = moments.now() - timedelta(days=7)
    ours = (
        select(func.count())
        .select_from(Message)
        .where(
            Message.address_id == turn.address.id,
            Message.in_reply_to.is_(None),
            Message.state.in_(TOLD),
            Message.created_at > week,
        )
    )
    count = turn.session.scalar(ours) or 0
    note = tell(
        "Boos of verdrietig. Berichten van ons in de laatste 7 dagen: %(count)s. Lees het eerst.",
        count=count,
    )
    _task(turn, tasks.UPSET, note)
    turn.say("answer.sorry")


def fewer(turn: Turn) -> None:
    """From now on reminders of afspraken alone, and one a day at most."""
    turn.end()
    whose = [turn.person] if turn.person is not None else people.household(turn.address)
    for person in whose:
        evidence = f"reply {turn.reply.id}"
        consent.record(turn.session, person, given=False, channel=None, evidence=evidence)
        consent.want_fewer(turn.session, person, evidence)
    turn.say("consent.refused")


def call_noted(turn: Turn) -> None:
    """They want to be called."""
    turn.end()
    _task(turn, tasks.CALL_BACK, tell("Wil gebeld worden."))
    turn.say("answer.call_noted")


def unclear(turn: Turn) -> None:
    """Not understood and nothing open: a person reads it."""
    _task(turn, tasks.UNCLEAR, tell("Wij begrijpen dit bericht niet. Lees het."))
    turn.say("answer.unclear_plain")


def nothing_open(turn: Turn) -> None:
    """A yes or a no to nothing."""
    turn.say("answer.nothing_open")


def media(turn: Turn) -> None:
    """Keep a voice note or picture for staff and say so; the question stays open."""
    spoken = any(part["kind"] in ("voice", "audio") for part in turn.reply.media)
    turn.reply.intent, turn.reply.why = "human", "a voice note or picture: staff listen and look"
    _task(turn, tasks.SPOKEN if spoken else tasks.QUESTION, tell("Stuurde iets anders dan tekst."))
    if not spoken:
        turn.say("answer.human")
        return
    afspraak = turn.afspraak()
    if afspraak is not None and afspraak.begins > moments.now():
        turn.say(
            "answer.voice",
            reminders.values(afspraak),
            about=afspraak.about,
            version=afspraak.version,
        )
    else:
        turn.say("answer.voice_plain")


def left_to_colleague(turn: Turn, task: Task) -> None:
    """Be silent: a colleague has this conversation. Who that is, is said once."""
    replies.say_who_answers(
        turn.session,
        turn.house,
        task,
        address=turn.address,
        language=turn.language,
        event=turn.event,
        reply=turn.reply,
    )


def for_a_colleague(turn: Turn) -> None:
    """Be silent: what a colleague said goes now, and one reads what they wrote here."""
    note = tell("Schreef terug toen een antwoord klaarstond. Lees het bericht.")
    _task(turn, tasks.QUESTION, note)


def own_number(turn: Turn) -> None:
    """They shared their own number: kept with the address, and known by it if we knew it."""
    turn.reply.intent, turn.reply.why = "human", "shared their own number"
    if not turn.address.people:
        people.join_by_number(turn.session, turn.address)
    turn.say("answer.thanks")


def choose_again(turn: Turn) -> None:
    """Not a number of the list: show it again, once; then a person helps."""
    dialogue = turn.dialogue
    options = _options(turn.data) or _options(_last_values(turn))
    if dialogue is None or dialogue.misunderstood >= 1 or not options:
        hand_over(turn)
        return
    dialogue.misunderstood += 1
    turn.say("answer.choose_again", options)


def hand_over(turn: Turn) -> None:
    """Misunderstood twice: a person helps."""
    turn.end()
    _task(turn, tasks.UNCLEAR, tell("Wij begrijpen het antwoord niet. Help deze persoon."))
    turn.say("answer.two_misunderstood")


def _options(values: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the list to choose from that *values* hold, and what it is in Dutch; often none."""
    found = {name: values.get(name) for name in ("options", f"options{route.DUTCH}")}
    return {name: lines for name, lines in found.items() if lines and isinstance(lines, list)}


def _last_values(turn: Turn) -> Mapping[str, Any]:
    step = turn.dialogue.step if turn.dialogue else ""
    last = turn.session.scalars(
        select(Message)
        .where(Message.address_id == turn.address.id, Message.asks == step)
        .order_by(Message.id.desc())
        .limit(1)
    ).one_or_none()
    return last.values if last is not None else {}


def ask_which(turn: Turn) -> None:
    """More than one question is open: ask which, by day; or by name where two share a phone."""
    asked = sorted({m.person_id for m in turn.candidates if m.person_id is not None})
    meant = {"intent": turn.said.intent, "choice": turn.choice}
    there = consent.names_at(turn.session, [turn.address.id])
    names = [there.get((person, turn.address.id), "") for person in asked]
    if len(asked) > 1 and all(names):
        options = numbered(names)
        data = {"people": asked, "messages": [m.id for m in turn.candidates], **meant}
        turn.say("answer.shared", {"options": options}, data={**data, "options": options})
        return
    # Without names that all agreed to: by what was asked, which this phone has read already.
    lines = route.beside(
        {"options": _in_one_line_each(turn, turn.language)},
        {"options": _in_one_line_each(turn, "nl")},
    )
    data = {"messages": [m.id for m in turn.candidates], **meant}
    turn.say("afspraak.which", lines, data={**data, **lines})


def _in_one_line_each(turn: Turn, language: str) -> list[str]:
    return numbered(in_one_line_each(turn.session, turn.candidates, language))


def numbered(titles: Iterable[str]) -> list[str]:
    """Return lines to choose from by number: ``1 = Ja``."""
    return [f"{number} = {title}" for number, title in enumerate(titles, 1)]


def _task(turn: Turn, kind: str, note: Told) -> None:
    tasks.raise_task(
        turn.session,
        kind,
        about=f"address:{turn.address.id}",
        person=turn.person,
        address=turn.address,
        note=note,
        reply=turn.reply,
    )


def misunderstood_before(turn: Turn, key: str) -> bool:
    """Say whether the last thing we said here was *key*: then a person should help."""
    last = turn.session.scalars(
        select(Message.key)
        .where(Message.address_id == turn.address.id)
        .order_by(Message.id.desc())
        .limit(1)
    ).one_or_none()
    return last == key
