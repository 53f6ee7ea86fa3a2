"""Answers to a question about an afspraak: yes, another day, no; too late; about an old time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps

from bot import moments
from bot.conversation import describe, flows, general
from bot.conversation.turn import Turn
from bot.conversation.understand import Understood
from bot.messaging import route
from bot.models.afspraken import Afspraak, Slot
from bot.models.messages import Message
from bot.models.people import Inburgeraar
from bot.outreach import afspraken, reminders, slots, tasks
from bot.told import Told, tell

Answer = Callable[[Turn, Afspraak], None]


def _about_an_afspraak(answer: Answer) -> Callable[[Turn], None]:
    """Let *answer* have the afspraak as it is now, unless it is over, cancelled or moved."""

    @wraps(answer)
    def act(turn: Turn) -> None:
        afspraak = turn.afspraak()
        if afspraak is None:
            general.nothing_open(turn)
        elif afspraak.status != "gepland":
            turn.end()
            turn.say("afspraak.no_longer", _values(turn, afspraak))
        elif afspraak.begins <= moments.now():
            _passed(turn, afspraak)
        elif _spoke_of(turn) not in (None, afspraak.version):
            # What they said yes to is not what stands: never taken for an answer to it.
            turn.say(
                "afspraak.outdated",
                reminders.values(afspraak),
                about=afspraak.about,
                version=afspraak.version,
            )
        else:
            answer(turn, afspraak)

    return act


def _spoke_of(turn: Turn) -> int | None:
    """Return the version that they answer to, where that is known."""
    if turn.question is not None:
        return turn.question.version
    version = turn.data.get("version")
    return version if isinstance(version, int) else None


def _values(turn: Turn, afspraak: Afspraak) -> dict[str, object]:
    """Return what texts may say of *afspraak*, as the question spoke of it."""
    if turn.question is not None and afspraak.status != "gepland":
        return dict(general.spoken_of(turn.question))
    return reminders.values(afspraak)


def _passed(turn: Turn, afspraak: Afspraak) -> None:
    """Too late to be an answer: it is kept for staff and changes nothing."""
    tasks.raise_task(
        turn.session,
        tasks.LATE_ANSWER,
        about=afspraak.about,
        person=afspraak.person,
        address=turn.address,
        note=tell("Antwoordde toen de afspraak voorbij was."),
        reply=turn.reply,
    )
    turn.say("afspraak.passed", reminders.values(afspraak), data={"about": afspraak.about})


def _echo(turn: Turn, afspraak: Afspraak, said: str, key: str) -> None:
    afspraken.answer(turn.session, afspraak, said, turn.reply)
    turn.end()
    turn.say(
        key,
        reminders.values(afspraak),
        about=afspraak.about,
        version=afspraak.version,
        data={"about": afspraak.about},
    )


@_about_an_afspraak
def confirm(turn: Turn, afspraak: Afspraak) -> None:
    """They come."""
    _echo(turn, afspraak, "confirmed", "afspraak.confirmed")


@_about_an_afspraak
def decline(turn: Turn, afspraak: Afspraak) -> None:
    """They do not come; staff make a new appointment."""
    _echo(turn, afspraak, "declined", "afspraak.declined")


@_about_an_afspraak
def reschedule(turn: Turn, afspraak: Afspraak) -> None:
    """They want another day: free times to choose from, or else the question which day."""
    afspraken.answer(turn.session, afspraak, "reschedule", turn.reply)
    turn.end()
    offered = slots.offer(turn.session, afspraak)
    if offered:
        _offer(turn, afspraak, offered, "afspraak.slots")
    else:
        _which_day(turn, afspraak)


def _which_day(turn: Turn, afspraak: Afspraak) -> None:
    turn.say(
        "afspraak.reschedule",
        reminders.values(afspraak),
        about=afspraak.about,
        version=afspraak.version,
        data={"about": afspraak.about},
    )


def _offer(turn: Turn, afspraak: Afspraak, offered: Sequence[Slot], key: str) -> None:
    """Let them choose from *offered* by number; the last number is: none of these."""
    options = route.beside(
        {"options": _options(turn, offered, turn.language)},
        {"options": _options(turn, offered, "nl")},
    )
    turn.say(
        key,
        {**reminders.values(afspraak), **options},
        data={
            "about": afspraak.about,
            "version": afspraak.version,
            "slots": [slot.id for slot in offered],
            **options,
        },
    )


def _options(turn: Turn, offered: Sequence[Slot], language: str) -> list[str]:
    titles = [describe.moment(slot.begins, language) for slot in offered]
    none_fits = turn.house.catalogue.text("button.other_day", language).body
    return general.numbered([*titles, none_fits])


@_about_an_afspraak
def slot(turn: Turn, afspraak: Afspraak) -> None:
    """They chose a free time by its number: it is theirs, unless somebody was first."""
    held, at = turn.data.get("slots", []), turn.said.number or 0
    if at == len(held) + 1:
        _no_slot(turn, afspraak)
    elif not 1 <= at <= len(held):
        general.choose_again(turn)
    elif slots.take(turn.session, turn.house, afspraak, held[at - 1], turn.reply):
        turn.end()
        turn.reply.intent, turn.reply.why = "reschedule", "chose a free time by its number"
        turn.say(
            "afspraak.slot_taken",
            reminders.values(afspraak),
            about=afspraak.about,
            version=afspraak.version,
        )
    elif rest := slots.offer(turn.session, afspraak):
        _offer(turn, afspraak, rest, "afspraak.slot_gone")
    else:
        turn.end()
        turn.say("afspraak.slots_gone", data={"about": afspraak.about})


@_about_an_afspraak
def no_slot(turn: Turn, afspraak: Afspraak) -> None:
    """None of the free times will do: which day would?"""
    _no_slot(turn, afspraak)


def _no_slot(turn: Turn, afspraak: Afspraak) -> None:
    afspraken.answer(turn.session, afspraak, "reschedule", turn.reply)
    slots.let_go(turn.session, afspraak)
    turn.end()
    _which_day(turn, afspraak)


def preference(turn: Turn) -> None:
    """Which day would suit: kept as they wrote it, for staff to read."""
    afspraak = turn.afspraak()
    turn.end()
    if afspraak is not None:
        slots.let_go(turn.session, afspraak)
        tasks.add_reply(turn.session, tasks.OTHER_DAY, afspraak.about, turn.reply)
    turn.say("afspraak.preference_noted")


@_about_an_afspraak
def unclear(turn: Turn, afspraak: Afspraak) -> None:
    """Not understood: asked again with the answers shown; the second time a person helps."""
    if general.misunderstood_before(turn, "answer.unclear"):
        general.hand_over(turn)
        return
    turn.say(
        "answer.unclear",
        reminders.values(afspraak),
        about=afspraak.about,
        version=afspraak.version,
    )


def wants_new(turn: Turn) -> None:
    """The afspraak is over and they want a new one."""
    _after(turn, tasks.OTHER_DAY, tell("De afspraak is voorbij. Wil een nieuwe afspraak."))


def was_there(turn: Turn) -> None:
    """They say they were there: staff look it up, nothing is changed by itself."""
    _after(turn, tasks.CHECK_PRESENCE, tell("Zegt dat hij of zij er was. Controleer het."))


def _after(turn: Turn, kind: str, note: Told) -> None:
    afspraak = turn.afspraak()
    turn.end()
    if afspraak is not None:
        tasks.raise_task(
            turn.session,
            kind,
            about=afspraak.about,
            person=afspraak.person,
            address=turn.address,
            note=note,
            reply=turn.reply,
        )
    turn.say("afspraak.passed_noted")


def which(turn: Turn) -> str | None:
    """They chose one of the open questions by its number; now the answer can be acted on."""
    numbers = turn.data.get("messages", [])
    at = turn.said.number or 0
    question = turn.session.get(Message, numbers[at - 1]) if 1 <= at <= len(numbers) else None
    if question is None:
        general.choose_again(turn)
        return None
    return _resume(turn, [question])


def who(turn: Turn) -> str | None:
    """They said which of the household writes; their own open questions are left."""
    people = turn.data.get("people", [])
    at = turn.said.number or 0
    person = turn.session.get(Inburgeraar, people[at - 1]) if 1 <= at <= len(people) else None
    if person is None:
        general.choose_again(turn)
        return None
    turn.person, turn.language = person, person.language
    asked = [turn.session.get_one(Message, n) for n in turn.data.get("messages", [])]
    return _resume(turn, [question for question in asked if question.person_id == person.id])


def _resume(turn: Turn, questions: list[Message]) -> str:
    """Go on with the answer that was given before we asked what it was about."""
    meant = turn.data
    turn.end()
    turn.said = Understood(meant["intent"], f"said before we asked which: {meant['intent']}")
    turn.choice = meant.get("choice")
    turn.candidates = questions
    if len(questions) > 1:
        return "answer.ask_which"
    turn.question = questions[0]
    if turn.question.person_id is not None:
        turn.person = turn.session.get(Inburgeraar, turn.question.person_id)
    return flows.move(turn.question.asks or flows.NOTHING, turn.said, turn.choice)
