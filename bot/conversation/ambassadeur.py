"""An ambassadeur asks how it stands with their link."""

from __future__ import annotations

from bot.conversation.turn import Turn
from bot.outreach import ambassadeurs
from bot.wording.languages import shipped


def stand(turn: Turn) -> None:
    """Tell two counts, in the first language that they speak and we do. Never who."""
    found = ambassadeurs.who_has(turn.session, turn.address)
    if turn.person is None and turn.address.language is None:
        spoken = (each for ambassadeur in found for each in ambassadeur.languages)
        turn.language = next((each for each in spoken if each in shipped()), turn.language)
    counts = ambassadeurs.stand(turn.session, found)
    turn.say("ambassadeur.stand", {"started": counts.started, "signed_up": counts.signed_up})
