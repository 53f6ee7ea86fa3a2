"""What the console calls things: plain Dutch for states, answers and causes, each with its icon.

Never colour alone: every status is an icon, a word and a colour.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Status:
    """A word, its icon, its tone (as utrecht-status-badge names them), and a shape of ours."""

    word: str
    icon: str
    tone: str
    shape: str = ""


ANSWERS: dict[str, Status] = {
    "confirmed": Status("Komt", "circle-check", "safe"),
    "reschedule": Status("Andere dag", "calendar-clock", "neutral"),
    "declined": Status("Komt niet", "circle-x", "danger"),
    "none": Status("Geen antwoord", "circle-dashed", "inactive"),
}

STATES: dict[str, Status] = {
    # The six words of delivery, always these; what else may be asked stands in the cause.
    "planned": Status("Gepland", "clock", "inactive"),
    "claimed": Status("Gepland", "clock", "inactive"),
    "sending": Status("Aangeboden", "send", "inactive"),
    "accepted": Status("Aangeboden", "send", "inactive"),
    "sent": Status("Aangeboden", "check", "inactive"),
    "delivered": Status("Afgeleverd", "check", "safe"),
    "read": Status("Gelezen", "check-check", "safe"),
    "undelivered": Status("Niet bezorgd", "circle-x", "danger"),
    "failed": Status("Niet bezorgd", "circle-x", "danger"),
    "unknown": Status("Onbekend", "circle-question-mark", "warning", "st--onb"),
    "unknown_final": Status("Onbekend", "circle-question-mark", "warning", "st--onb"),
    "no_receipt": Status("Geen ontvangstbewijs", "circle-question-mark", "warning", "st--onb"),
    "blocked": Status("Niet verstuurd", "ban", "warning"),
    "expired": Status("Verlopen", "hourglass", "inactive"),
    "cancelled": Status("Vervallen", "x", "inactive"),
}

ADDRESSES: dict[str, Status] = {
    "open": Status("Open", "lock-open", "safe"),
    "closed": Status("Van iemand anders", "user-x", "danger"),
    "blocked": Status("Blokkeerde ons", "ban", "danger"),
    "bad": Status("Klopt niet", "circle-x", "danger"),
}
STOPPED = Status("Stopte berichten", "octagon-x", "danger")

CHANNELS = {"whatsapp": "WhatsApp", "sms": "Sms", "telegram": "Telegram"}

INTENTS: dict[str, str] = {
    "confirm": "Ja, ik kom",
    "decline": "Nee, ik kom niet",
    "reschedule": "Graag een andere dag",
    "help": "Begrijpt het niet, of vraagt hoe het werkt",
    "stop": "Stop met berichten",
    "start": "Wil weer berichten",
    "language": "Vraagt een andere taal",
    "thanks": "Bedankt",
    "emergency": "Mogelijk noodgeval",
    "childcare": "Heeft kinderopvang nodig",
    "wrong_number": "Dit nummer is van iemand anders",
    "unclear": "Niet zeker begrepen",
    "human": "Een vraag voor een mens",
}

TASK_ICONS: dict[str, str] = {
    "noodgeval": "siren",
    "vraag": "message-circle",
    "vraag geld": "wallet",
    "onduidelijk antwoord": "circle-question-mark",
    "spraakbericht": "mic",
    "nummer controleren": "user-x",
    "terugbellen": "phone",
    "kinderopvang": "baby",
    "andere dag": "calendar-clock",
    "komt niet": "circle-x",
    "bel of brief": "phone",
    "niet bezorgd": "circle-x",
    "onbekend of aangekomen": "circle-question-mark",
    "geen berichten, bel of brief": "octagon-x",
}
"""Any other kind gets the general one: a page never fails over a new kind of task."""
