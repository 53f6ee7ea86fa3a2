"""START and signing up: language, leave to write, year of birth, first name, wijk, interest.

Nothing of it is kept before the last answer, and of somebody under age nothing ever. What was
said so far lies in the dialogue, which is deleted when it ends.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from bot import moments
from bot.conversation import general
from bot.conversation.lexicon import lexicon, spell
from bot.conversation.turn import Turn
from bot.models.ambassadeurs import Link
from bot.models.people import Inburgeraar
from bot.outreach import ambassadeurs, people
from bot.privacy import consent
from bot.wording.languages import shipped
from bot.wording.render import JOINERS

ADULT = 18
EARLIEST = 1900
"""An earlier year is a slip, or a year of another calendar."""

LONGEST_NAME = 40
MOST_NAMES = 4

_NAME = re.compile(r"[^\W\d_]")
_IN_A_NAME = frozenset(" -'’ʼ.·" + JOINERS)

ASK = "signup.ask"
"""The action that asks the question under way; a choice of language ends with it."""


# ------------------------------------------------------------------ START


def start(turn: Turn) -> None:
    """START, with the code of a link or without: come back, come in, or go on where we were."""
    code = turn.said.code
    link = ambassadeurs.find(turn.session, code) if code else None
    if turn.data.get("resume") == ASK:
        _once_more(turn, link)
        return
    known = people.household(turn.address)
    known = known or people.join_by_number(turn.session, turn.address)
    if known:
        _come_back(turn, known, link)
        return
    turn.end()
    people.open_again(turn.session, turn.address, turn.reply)
    people.start_again(turn.session, turn.address, f"reply {turn.reply.id}", turn.reply.at)
    data: dict[str, Any] = {"resume": ASK, "ask": "signup.welcome", "first": turn.reply.id}
    if link is not None:
        data["link"] = link.id
        ambassadeurs.count(turn.session, link, ambassadeurs.CHAT)
    if turn.address.language is None:
        general.ask_language(turn, data)
    else:
        _ask(turn, "signup.welcome", data)


def _once_more(turn: Turn, link: Link | None) -> None:
    """START while signing up: the question once more. The link they came by first stays."""
    data = turn.data
    if link is not None and "link" not in data:
        data["link"] = link.id
        ambassadeurs.count(turn.session, link, ambassadeurs.CHAT)
    if "codes" in data:
        general.ask_language(turn, data)
    else:
        _ask(turn, data["ask"], data)


def _come_back(turn: Turn, known: list[Inburgeraar], link: Link | None) -> None:
    """Somebody we know: messages may come again, and a link is noted as no news to us."""
    restarted = people.start_again(
        turn.session, turn.address, f"reply {turn.reply.id}", turn.reply.at
    )
    person = known[0] if len(known) == 1 else None
    if person is None or turn.said.code is None:
        turn.say("consent.started")
        return
    turn.person, turn.language = person, person.language
    noted = ambassadeurs.attribute(turn.session, turn.house, link, person, turn.address, known=True)
    if noted is not None and link is not None:
        ambassadeurs.count(turn.session, link, ambassadeurs.CHAT)
    if restarted:
        turn.say("consent.started")
    elif consent.may_invite(turn.session, person, turn.address.channel):
        turn.say("signup.known")
    else:
        turn.say("consent.ask", data={"person": person.id})


# ------------------------------------------------------------------ the questions


def ask(turn: Turn) -> None:
    """Ask the question under way, in the language of now."""
    _ask(turn, turn.data["ask"], turn.data)


def ask_again(turn: Turn) -> None:
    """Not understood: ask once more; the second time a person helps."""
    _unread(turn, turn.data["ask"])


def agree(turn: Turn) -> None:
    """They allow us to write."""
    _ask(turn, "signup.year", {**turn.data, "agreed": turn.reply.id})


def decline(turn: Turn) -> None:
    """They do not. Fine; nothing is kept."""
    turn.end()
    turn.say("signup.declined")


def year(turn: Turn) -> None:
    """Read the year of birth, and keep no more of it than that it will do."""
    born = _year(turn.reply.text)
    if born is None and _is_a_childs_age(turn.reply.text):
        _turn_away(turn)
    elif born is None:
        _unread(turn, "signup.repeat_year")
    elif _this_year() - born <= ADULT:
        # Eighteen this year may be seventeen today: nothing of a minor is ever kept.
        _turn_away(turn)
    else:
        _ask(turn, "signup.first_name", turn.data)


def first_name(turn: Turn) -> str | None:
    """Take the first name, if it can be one.

    Frans is French and a first name: here it is the name.
    """
    spelled = spell(turn.reply.text)
    named_so = lexicon().first_names.find(" ".join(spelled.exact), " ".join(spelled.bare))
    wanted = turn.said.intent == "language" and turn.said.language in (None, *shipped())
    if wanted and not named_so:
        return "language.change"
    name = _name(turn.reply.text)
    if name is None:
        _unread(turn, "signup.first_name")
    else:
        _ask(turn, "signup.wijk", {**turn.data, "first_name": name})
    return None


def wijk(turn: Turn) -> None:
    """Take the wijk by its number or name. Who finds none in the list twice goes on without."""
    at = turn.said.number or 0
    wijken = turn.house.gemeente.wijken
    chosen = wijken[at - 1] if 1 <= at <= len(wijken) else None
    chosen = chosen or turn.house.gemeente.wijk(turn.reply.text)
    if chosen is None and not _misread(turn):
        general.choose_again(turn)
        return
    data = {**turn.data, "wijk": chosen.name if chosen else ""}
    if turn.house.gemeente.themes:
        _ask(turn, "signup.interest", data)
    else:
        _finish(turn, data)


def interest(turn: Turn) -> None:
    """Take what they would like, by its number or name; this is the last question."""
    themes = turn.house.gemeente.themes
    at, said = turn.said.number or 0, turn.reply.text.strip().casefold()
    chosen = themes[at - 1] if 1 <= at <= len(themes) else None
    chosen = chosen or next((each for each in themes if each.name.casefold() == said), None)
    if chosen is None and not _misread(turn):
        general.choose_again(turn)
        return
    _finish(turn, {**turn.data, "interest": chosen.name if chosen else ""})


def _ask(turn: Turn, key: str, data: Mapping[str, Any], *, unread: int = 0) -> None:
    kept = {name: value for name, value in data.items() if name != "codes"}
    turn.say(key, _options(turn, key), data={**kept, "ask": key})
    if turn.dialogue is not None:
        turn.dialogue.misunderstood = unread


def _options(turn: Turn, key: str) -> dict[str, Any]:
    names = {
        "signup.wijk": [wijk.name for wijk in turn.house.gemeente.wijken],
        "signup.interest": [theme.name for theme in turn.house.gemeente.themes],
    }.get(key)
    return {"options": [f"{n} = {name}" for n, name in enumerate(names, 1)]} if names else {}


def _misread(turn: Turn) -> bool:
    return turn.dialogue is not None and turn.dialogue.misunderstood >= 1


def _unread(turn: Turn, key: str) -> None:
    if _misread(turn):
        general.hand_over(turn)
    else:
        _ask(turn, key, turn.data, unread=1)


# ------------------------------------------------------------------ the end


def _turn_away(turn: Turn) -> None:
    data = turn.data
    turn.end()
    turn.say("signup.minor", {"youth_contact": turn.house.gemeente.youth_contact})
    ambassadeurs.turned_away(turn.session, _link(turn, data), turn.address, data["first"])


def _finish(turn: Turn, data: Mapping[str, Any]) -> None:
    """Only now there is somebody to keep."""
    turn.end()
    person = people.sign_up(
        turn.session,
        turn.address,
        first_name=data["first_name"],
        language=turn.language,
        wijk=data["wijk"] or None,
        interest=data.get("interest") or None,
    )
    consent.record(
        turn.session,
        person,
        given=True,
        channel=turn.address.channel,
        evidence=f"reply {data['agreed']}",
    )
    ambassadeurs.attribute(turn.session, turn.house, _link(turn, data), person, turn.address)
    turn.person = person
    turn.say("signup.done", {"wijk": person.wijk or "", "interest": person.interest or ""})


def _link(turn: Turn, data: Mapping[str, Any]) -> Link | None:
    return turn.session.get(Link, data["link"]) if "link" in data else None


# ------------------------------------------------------------------ leave to invite


def consent_agree(turn: Turn) -> None:
    """Somebody we know says yes to invitations."""
    _said(turn, given=True)


def consent_refuse(turn: Turn) -> None:
    """Somebody we know says no to invitations; messages about afspraken go on."""
    _said(turn, given=False)


def _said(turn: Turn, *, given: bool) -> None:
    asked = turn.session.get(Inburgeraar, turn.data.get("person", 0)) or turn.person
    turn.end()
    if asked is None:
        # Whose yes it is nobody knows: it counts for nobody, and a colleague asks.
        general.human(turn)
        return
    turn.person = asked
    consent.record(
        turn.session,
        asked,
        given=given,
        channel=turn.address.channel,
        evidence=f"reply {turn.reply.id}",
    )
    turn.say("consent.agreed" if given else "consent.refused")


# ------------------------------------------------------------------ reading


def _this_year() -> int:
    return moments.local(moments.now()).year


def _year(text: str) -> int | None:
    """Return the one year in *text* that somebody can be born in; None if that is not clear."""
    found = {int(word) for word in spell(text).exact if re.fullmatch(r"[12][0-9]{3}", word)}
    possible = {each for each in found if EARLIEST <= each <= _this_year()}
    return possible.pop() if len(possible) == 1 else None


def _is_a_childs_age(text: str) -> bool:
    """Whether the only number in *text* is an age below 18: 16, I am 15. Of 07 nobody knows."""
    found = [word for word in spell(text).exact if word.isdigit()]
    return len(found) == 1 and re.fullmatch(r"[5-9]|1[0-7]", found[0]) is not None


def _name(text: str) -> str | None:
    """Return *text* as a first name, or None if it cannot be one.

    Letters of any script with what belongs among them; no figures, signs or addresses, which
    could turn a greeting into somebody else's message.
    """
    whole = unicodedata.normalize("NFC", text)
    visible = (" " if each.isspace() else each for each in whole)
    kept = "".join(
        each
        for each in visible
        if each in JOINERS or unicodedata.category(each) not in ("Cc", "Cf")
    )
    name = " ".join(kept.split()).strip(".")
    if not 1 <= len(name) <= LONGEST_NAME or len(name.split()) > MOST_NAMES:
        return None
    if not _NAME.search(name):
        return None
    fits = all(each in _IN_A_NAME or unicodedata.category(each)[0] in "LM" for each in name)
    return name if fits else None
