"""Answers to an invitation: yes, yes with childcare, later, no, a question; and too late."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import wraps
from typing import Any

from sqlalchemy import delete

from bot import moments
from bot.conversation import general
from bot.conversation.turn import Turn
from bot.models.dialogues import Dialogue
from bot.models.voortrajecten import Deelname
from bot.outreach import tasks, voortraject
from bot.told import Told, tell

Answer = Callable[[Turn, Deelname], None]

MOST_CHILDREN = 20
"""A larger number was not meant as a number of children: a person reads it."""


def _about_a_deelname(answer: Answer) -> Callable[[Turn], None]:
    """Let *answer* have the deelname that the turn is about, unless the group has begun."""

    @wraps(answer)
    def act(turn: Turn) -> None:
        deelname = _deelname(turn)
        _close(turn)
        if deelname is None:
            general.nothing_open(turn)
        elif voortraject.first_meeting(deelname.voortraject) <= moments.now():
            _begun(turn, deelname)
        else:
            answer(turn, deelname)

    return act


def _deelname(turn: Turn) -> Deelname | None:
    about = turn.question.about if turn.question else turn.data.get("about")
    noun, _, number = (about or "").partition(":")
    return turn.session.get(Deelname, int(number)) if noun == "deelname" else None


def _close(turn: Turn) -> None:
    """End the dialogue with this address, also one that a tapped question passed by.

    A number that comes later must not be taken for an answer to it.
    """
    turn.end()
    turn.session.execute(delete(Dialogue).where(Dialogue.address_id == turn.address.id))


def _begun(turn: Turn, deelname: Deelname) -> None:
    """Too late to be settled by itself: a yes or a no is for staff, and changes nothing."""
    _ask_staff(turn, deelname, tasks.LATE_ANSWER, tell("Antwoordde toen de groep al was begonnen."))
    turn.say("answer.human")


def _ask_staff(turn: Turn, deelname: Deelname, kind: str, note: Told) -> None:
    tasks.raise_task(
        turn.session,
        kind,
        about=deelname.about,
        person=deelname.person,
        address=turn.address,
        note=tell("%(what)s Groep: %(theme)s.", what=note, theme=deelname.voortraject.theme),
        reply=turn.reply,
    )


def _say(turn: Turn, key: str, deelname: Deelname, **more: Any) -> None:
    """Answer with *key*, about this deelname, its days in the language of the text."""
    language = turn.house.catalogue.text(key, turn.language).language
    turn.say(
        key,
        {**voortraject.values_of(deelname.voortraject, language), **more},
        about=deelname.about,
        version=deelname.voortraject.version,
        data={"about": deelname.about},
    )


def _waiting(turn: Turn, deelname: Deelname) -> None:
    _say(turn, "voortraject.waiting", deelname, number=voortraject.number(turn.session, deelname))


@_about_a_deelname
def confirm(turn: Turn, deelname: Deelname) -> None:
    """They join, if there is a place; else they wait for one, with a number."""
    before = deelname.state
    late = before == "lapsed" and not general.misunderstood_before(
        turn, "voortraject.offer_expired"
    )
    if late and not voortraject.has_place(turn.session, deelname):
        _say(turn, "voortraject.offer_expired", deelname)
        return
    if voortraject.accept(turn.session, deelname) == "waiting":
        _waiting(turn, deelname)
    elif before == "accepted":
        _say(turn, "voortraject.already", deelname)
    else:
        _say(turn, "voortraject.accepted", deelname)


@_about_a_deelname
def childcare(turn: Turn, deelname: Deelname) -> None:
    """They join if there is childcare: a need that staff look into, and never a no."""
    given = voortraject.accept(turn.session, deelname, childcare=True)
    voortraject.ask_childcare(turn.session, deelname, turn.reply)
    if given == "waiting":
        _waiting(turn, deelname)
    else:
        _say(turn, "voortraject.accepted_childcare", deelname)


@_about_a_deelname
def children(turn: Turn, deelname: Deelname) -> None:
    """For how many children: a count, for staff. Whatever else they wrote, staff read."""
    count = turn.said.number or _count(turn.reply.text)
    if count is None or not 1 <= count <= MOST_CHILDREN:
        tasks.add_reply(turn.session, tasks.CHILDCARE, deelname.about, turn.reply)
        turn.say("answer.human")
        return
    voortraject.ask_childcare(turn.session, deelname, turn.reply, count)
    _say(turn, "voortraject.childcare_noted", deelname, children=count)


def _count(text: str) -> int | None:
    """Return the only number in *text*, in whatever digits; None if there is none, or more."""
    found = re.findall(r"\d+", unicodedata.normalize("NFKC", text))
    return int(found[0]) if len(found) == 1 and len(found[0]) < 4 else None


@_about_a_deelname
def decline(turn: Turn, deelname: Deelname) -> None:
    """They do not join, or no longer."""
    voortraject.decline(turn.session, turn.house, deelname)
    tasks.withdraw(turn.session, tasks.CHILDCARE, deelname.about)
    _say(turn, "voortraject.declined", deelname)


@_about_a_deelname
def later(turn: Turn, deelname: Deelname) -> None:
    """Not now; they can still say yes."""
    voortraject.later(turn.session, turn.house, deelname)
    _say(turn, "voortraject.later", deelname)


@_about_a_deelname
def unclear(turn: Turn, deelname: Deelname) -> None:
    """Not understood: asked again with the answers shown; the second time a person helps."""
    if general.misunderstood_before(turn, "voortraject.unclear"):
        general.hand_over(turn)
    else:
        _say(turn, "voortraject.unclear", deelname)


def question(turn: Turn) -> None:
    """A question about the group, which staff answer; the invitation stays open."""
    deelname = _deelname(turn)
    if deelname is None or turn.said.need is not None:
        general.human(turn)
        return
    _ask_staff(
        turn, deelname, tasks.QUESTION, tell("Heeft een vraag over de groep. Lees het bericht.")
    )
    turn.say("voortraject.question")
