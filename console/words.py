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

CONSENTS: dict[str, str] = {
    "invitation": "Uitnodigingen",
    "all": "Alle berichten",
    "fewer": "Hoogstens één herinnering per dag",
    "number": "Dit nummer is van deze persoon",
}

EVIDENCE: dict[str, str] = {
    # How the evidence of a yes or a no begins -> how we know. The first that fits.
    "reply": "zei het zelf",
    "provider keyword": "zei het zelf",
    "provider": "gemeld door de provider",
    "import console": "opgeschreven door een collega",
    "import": "uit een bestand",
    "staff": "opgeschreven door een collega",
}


def evidence(told: str) -> str:
    """Say in Dutch how we know of a yes or a no; nothing where it cannot be told."""
    return next((word for begin, word in EVIDENCE.items() if told.startswith(begin)), "")


TASK_ICONS: dict[str, str] = {
    "noodgeval": "siren",
    "vraag": "message-circle",
    "vraag geld": "wallet",
    "onduidelijk antwoord": "circle-question-mark",
    "spraakbericht": "mic",
    "nummer controleren": "user-x",
    "terugbellen": "phone",
    "wij schrijven": "send",
    "kinderopvang": "baby",
    "andere dag": "calendar-clock",
    "komt niet": "circle-x",
    "bel of brief": "phone",
    "niet bezorgd": "circle-x",
    "onbekend of aangekomen": "circle-question-mark",
    "geen berichten, bel of brief": "octagon-x",
}
"""Any other kind gets the general one: a page never fails over a new kind of task."""

TEXTS: dict[str, str] = {
    # Catalogue texts that a group message may bring, as staff call them.
    "voortraject.invitation": "Uitnodiging voor een voortraject",
    "voortraject.correction": "Correctie van een uitnodiging",
    "voortraject.place_free": "Er is een plek vrij",
    "voortraject.first_meeting": "Herinnering aan de eerste keer",
    "afspraak.cancelled": "Een afspraak gaat niet door",
    "broadcast.own": "Eigen tekst",
}

KINDS: dict[str, str] = {
    # What else goes out by itself, as staff call it; anything else answers what somebody wrote.
    "afspraak.reminder": "Herinnering",
    "afspraak.reminder_confirmed": "Herinnering",
    "afspraak.reminder_other_day": "Herinnering",
    "afspraak.changed": "Afspraak veranderd",
    "colleague.has_message": "Melding dat er een bericht is",
}


def kind(key: str) -> str:
    """Return what staff call a message with this text of the catalogue, in Dutch."""
    return KINDS.get(key) or TEXTS.get(key) or "Antwoord"


TEXT_STATES: dict[str, Status] = {
    "source": Status("Bron", "check", "safe"),
    "reviewed": Status("Nagekeken", "check", "safe"),
    "unreviewed": Status("Nog niet nagekeken", "eye", "neutral"),
    "stale": Status("Verouderd", "history", "warning"),
    "missing": Status("Ontbreekt", "circle-x", "danger"),
}

BROADCASTS: dict[str, Status] = {
    "draft": Status("Concept", "pencil", "inactive"),
    "approved": Status("Goedgekeurd", "circle-check", "safe"),
    "sending": Status("Wordt verstuurd", "radio", "safe"),
    "holding": Status("De eersten hebben het", "hourglass", "neutral"),
    "paused": Status("Stopte zelf", "octagon-pause", "warning"),
    "stopped": Status("Gestopt", "octagon-pause", "warning"),
    "done": Status("Klaar", "check-check", "safe"),
}

FIGURES: dict[str, tuple[str, str, str, str]] = {
    # Figure -> word, icon, colour, what it means. In the order of a message's life.
    "planned": ("Gepland", "clock", "none", "staat klaar, nog niet weg"),
    "under_way": ("In de lucht", "send", "teal2", "wordt nu aangeboden"),
    "offered": ("Aangeboden", "check", "teal2", "bij WhatsApp, sms of Telegram"),
    "delivered": ("Afgeleverd", "check-check", "teal", "op de telefoon"),
    "read": ("Gelezen", "eye", "good", "geopend"),
    "failed": ("Mislukt", "circle-x", "bad", "zeker niet aangekomen"),
    "unknown": ("Onbekend", "circle-question-mark", "warn", "misschien verstuurd"),
    "no_receipt": (
        "Geen ontvangstbewijs",
        "circle-question-mark",
        "warn",
        "verstuurd, nooit bevestigd",
    ),
    "held": ("Tegengehouden", "hand", "none", "niet verstuurd"),
}
