"""The name of every action that a flow may lead to, and the function that does it.

An action gets the turn; it returns the name of the action to go on with, or None.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bot.conversation import afspraak, ambassadeur, general, listening, signup, voortraject
from bot.conversation.turn import Turn

Action = Callable[[Turn], str | None]

ACTIONS: Mapping[str, Action] = {
    "consent.stop": general.stop,
    "people.wrong_number": general.wrong_number,
    "people.who": afspraak.who,
    "people.own_number": general.own_number,
    "language.change": general.language,
    "language.choose": general.choose_language,
    "answer.emergency": general.emergency,
    "answer.thanks": general.thanks,
    "answer.help": listening.help_,
    "people.listen": listening.listen,
    "people.read": listening.read,
    "ambassadeur.record": listening.record,
    "ambassadeur.recorded": listening.recorded,
    "answer.human": general.human,
    "answer.fewer": general.fewer,
    "answer.call_noted": general.call_noted,
    "answer.unclear": general.unclear,
    "answer.nothing_open": general.nothing_open,
    "answer.media": general.media,
    "answer.choose_again": general.choose_again,
    "answer.ask_which": general.ask_which,
    "afspraak.confirm": afspraak.confirm,
    "afspraak.decline": afspraak.decline,
    "afspraak.reschedule": afspraak.reschedule,
    "afspraak.slot": afspraak.slot,
    "afspraak.no_slot": afspraak.no_slot,
    "afspraak.preference": afspraak.preference,
    "afspraak.unclear": afspraak.unclear,
    "afspraak.which": afspraak.which,
    "afspraak.wants_new": afspraak.wants_new,
    "afspraak.was_there": afspraak.was_there,
    "voortraject.confirm": voortraject.confirm,
    "voortraject.childcare": voortraject.childcare,
    "voortraject.children": voortraject.children,
    "voortraject.decline": voortraject.decline,
    "voortraject.later": voortraject.later,
    "voortraject.question": voortraject.question,
    "voortraject.unclear": voortraject.unclear,
    "signup.start": signup.start,
    "signup.ask": signup.ask,
    "signup.ask_again": signup.ask_again,
    "signup.agree": signup.agree,
    "signup.decline": signup.decline,
    "signup.year": signup.year,
    "signup.first_name": signup.first_name,
    "signup.wijk": signup.wijk,
    "signup.interest": signup.interest,
    "consent.agree": signup.consent_agree,
    "consent.refuse": signup.consent_refuse,
    "ambassadeur.stand": ambassadeur.stand,
}
