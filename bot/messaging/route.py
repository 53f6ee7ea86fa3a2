"""Which address and channel a message takes, and in which form it may go there.

The form is decided in the transaction before the call, from the address's last inbound
and the approved templates: a window that was open when a text was queued may be shut now.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache, partial
from typing import Any, Protocol, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import moments
from bot.channels.base import SMS, TELEGRAM, WHATSAPP, Button
from bot.house import House
from bot.messaging import media
from bot.models.messages import Message
from bot.models.people import Address, Inburgeraar
from bot.models.templates import Template
from bot.privacy import consent
from bot.settings import Settings
from bot.wording import render
from bot.wording.catalogue import Catalogue
from bot.wording.languages import Language, languages

WINDOW = timedelta(hours=24)
WINDOW_MARGIN = timedelta(minutes=5)
"""The window counts as shut this much before it is: the provider's clock is the one that counts."""

LANGUAGE_BUTTON = "language:"
MORE_LANGUAGES = "language:more:"
"""Id of the row that leads to the rest of the languages, with the code of the first behind it."""

QUICK_REPLIES = 3
"""Buttons that WhatsApp shows within the window without approval; more are rows of a list."""
CARD_LENGTH = 1024
"""Characters of the text on a card: picture, text and buttons. A longer one has no picture.

Within the window it needs no approval as long as all its buttons are quick replies.
Source: twilio.com/docs/content/session-definitions.
"""
WITH_PICTURE = ":picture"
"""Behind the key of buttons that stand below a picture."""
LIST_ROWS = 10
"""Rows of WhatsApp's list, in all."""
ROW_TITLE = 24
"""Characters of a row."""
SOUND_TRIES = 3
"""How often a voice note is tried."""

LIST_LABEL = "button.languages"
"""The key of what opens the list: so far only the languages are so many."""

_VARIABLE = re.compile(r"\{\{(\d+)\}\}")
"""A variable of a template."""


class Place(Protocol):
    """What of an `Address` says whether it may be used: a whole one, or a row of these columns."""

    @property
    def channel(self) -> str:
        """See `Address.channel`."""

    @property
    def state(self) -> str:
        """See `Address.state`."""

    @property
    def stopped_at(self) -> datetime | None:
        """See `Address.stopped_at`."""


APlace = TypeVar("APlace", bound=Place)


def usable(places: Iterable[APlace], may_invite: Callable[[str], bool] | None) -> APlace | None:
    """Return the first of a person's *places* that may be used, or None.

    *may_invite* says of a channel whether they said yes to invitations there; None if it is about
    something that needs no yes.
    """
    for place in places:
        if place.state != "open" or place.stopped_at is not None:
            continue
        if may_invite is not None and not may_invite(place.channel):
            continue
        return place
    return None


def address_for(session: Session, person: Inburgeraar, *, invitation: bool) -> Address | None:
    """Return the first address of *person* that may be used for this purpose, or None.

    Whether its channel is set up is for the sending worker to say: a command that queues
    need not know the providers.
    """
    may_invite = partial(consent.may_invite, session, person) if invitation else None
    return usable((link.address for link in person.addresses), may_invite)


@dataclass(frozen=True, slots=True)
class Form:
    """How one message goes out: as text with buttons or numbers, or as content at Twilio."""

    name: str  # "text", "session", "template" or "opener"
    body: str  # as its reader gets it, whoever puts it together
    buttons: tuple[Button, ...] = ()
    content_sid: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    picture: str = ""
    """Its file, see `media`; of a template it is one of the variables instead."""
    voice: str = ""
    """The same of a sound, which goes without a text."""


def window_open(address: Address, at: datetime | None = None) -> bool:
    """Say whether WhatsApp takes free text for *address*: 24 hours from their last message."""
    return window_open_since(address.last_inbound_at, at or moments.now())


def window_open_since(last_inbound_at: datetime | None, at: datetime) -> bool:
    """Say whether WhatsApp takes free text at *at* for who last wrote then; None: never."""
    return last_inbound_at is not None and at < last_inbound_at + WINDOW - WINDOW_MARGIN


class Templates:
    """The templates at WhatsApp, as they stand: those of a key are looked up once."""

    def __init__(self, session: Session, house: House) -> None:
        self.house, self._session = house, session
        self._found: dict[str, dict[tuple[str, str], Template]] = {}

    def known(self, key: str, language: str, wording: str) -> Template | None:
        """Return the template of *key* in *language* with exactly this wording, if there is one."""
        if key not in self._found:
            rows = self._session.scalars(select(Template).where(Template.key == key))
            self._found[key] = {(row.language, row.digest): row for row in rows}
        return self._found[key].get((language, wording))

    def approved(self, key: str, language: str, wording: str) -> Template | None:
        """Return the same if WhatsApp has approved it."""
        found = self.known(key, language, wording)
        return found if found is not None and found.status == "approved" else None


def can_open(templates: Templates, key: str, language: str) -> bool:
    """Say whether the text *key* may open a conversation in *language*: itself or its opener."""
    house, entry = templates.house, templates.house.catalogue.entries[key]
    where = picture_address(house.settings)
    own = key if languages()[language].meta is not None else None
    ways = [house.catalogue.entries[way] for way in (own, entry.opener) if way is not None]
    return any(
        templates.approved(
            way.key,
            language,
            _worded(house.catalogue, way.key, language, where if way.picture else "")[2],
        )
        for way in ways
    )


def form(templates: Templates, message: Message, address: Address) -> Form | None:
    """Return the form in which *message* may go to *address* now; None if in no form at all."""
    if message.voice is not None:
        return _voice(message, address)
    buttons = tuple(Button(*pair) for pair in message.buttons)
    if address.channel == SMS:
        return Form("text", message.body)
    if address.channel == TELEGRAM:
        return Form("text", message.body, buttons, picture=_picture(templates.house, message))
    if window_open(address):
        return _in_window(templates, message, buttons)
    return _template(templates, message) or _opener(templates, message)


def _voice(message: Message, address: Address) -> Form | None:
    """A sound alone, where that is free to be sent: no template can hold one.

    What it says has gone as a text: one that is refused is not tried for ever.
    """
    if message.attempts >= SOUND_TRIES:
        return None
    may = address.channel == TELEGRAM or (address.channel == WHATSAPP and window_open(address))
    return Form("voice", "", voice=message.voice or "") if may else None


def _in_window(templates: Templates, message: Message, buttons: tuple[Button, ...]) -> Form:
    """Free text; buttons need content at Twilio, and are typed as numbers until it is there."""
    if not buttons:
        return Form("text", message.body, picture=_picture(templates.house, message))
    if len(buttons) > QUICK_REPLIES:
        return _list(templates, message, buttons)
    key = session_key(button.id for button in buttons)
    own_names = all(button.id.startswith(LANGUAGE_BUTTON) for button in buttons)
    written_in = OWN_NAMES if own_names else message.language
    card = _card(templates, message, key, buttons)
    if card is not None:
        return card
    known = templates.known(key, written_in, digest("{{1}}", [b.title for b in buttons]))
    if known is None:
        return Form("text", render.with_numbers(message.body, [b.title for b in buttons]))
    return Form("session", message.body, buttons, known.content_sid, {"1": message.body})


def _card(
    templates: Templates, message: Message, key: str, buttons: tuple[Button, ...]
) -> Form | None:
    """Picture, text and buttons in one; None without a picture, or until there is such content."""
    settings, picture = templates.house.settings, _picture(templates.house, message)
    if not picture or len(message.body) > CARD_LENGTH:
        return None
    wording = card_digest([button.title for button in buttons], picture_address(settings))
    known = templates.known(key + WITH_PICTURE, message.language, wording)
    if known is None:
        return None
    variables = {"1": message.body, "2": media.signed(settings, picture)}
    return Form("session", message.body, buttons, known.content_sid, variables)


def _list(templates: Templates, message: Message, buttons: tuple[Button, ...]) -> Form:
    """A list to choose from; every number of rows has content of its own, for all lists alike."""
    rows = list_rows(buttons)
    known = templates.known(list_key(len(rows)), OWN_NAMES, list_digest(len(rows)))
    if known is None:
        return Form("text", render.with_numbers(message.body, [b.title for b in buttons]))
    label = templates.house.catalogue.text(LIST_LABEL, message.language).body
    filling = [message.body, label, *(word for row in rows for word in (row.id, row.title))]
    variables = {str(at): word for at, word in enumerate(filling, 1)}
    return Form("session", message.body, rows, known.content_sid, variables)


def _picture(house: House, message: Message) -> str:
    """Return the picture that goes with *message*, or ``""``.

    Only the first time that it is tried: a picture that cannot be had may hold up no text.
    """
    entry = house.catalogue.entries.get(message.key)
    if entry is None or message.attempts or not media.can_be_fetched(house.settings):
        return ""
    return media.picture_of(house, entry, message.values)


def _template(templates: Templates, message: Message) -> Form | None:
    entry = templates.house.catalogue.entries[message.key]
    if entry.template is None or languages()[message.language].meta is None:
        return None
    return _approved(templates, message, message.key, message.language, "template")


def _opener(templates: Templates, message: Message) -> Form | None:
    """The short Dutch opener, whose third button asks for the reader's own language."""
    opener = templates.house.catalogue.entries[message.key].opener
    if opener is None:
        return None
    return _approved(templates, message, opener, message.language, "opener")


def _approved(
    templates: Templates, message: Message, key: str, language: str, name: str
) -> Form | None:
    house = templates.house
    catalogue, entry = house.catalogue, house.catalogue.entries[key]
    written_in = entry.only or language
    where = picture_address(house.settings) if entry.picture else ""
    body, buttons, wording = _worded(catalogue, key, language, where)
    known = templates.approved(key, language, wording)
    if known is None:
        return None
    variables = render.template_variables(
        key, written_in, unpack(message.values), catalogue=catalogue
    )
    shown = _VARIABLE.sub(lambda number: variables[number[1]], body)
    if entry.picture:
        picture = media.picture_of(house, entry, message.values)
        variables[str(len(variables) + 1)] = media.signed(house.settings, picture)
    return Form(name, shown, buttons, known.content_sid, variables)


@lru_cache(maxsize=1024)
def _worded(
    catalogue: Catalogue, key: str, language: str, where: str
) -> tuple[str, tuple[Button, ...], str]:
    """Return body, buttons and digest of the template for *key*: the same for all its readers.

    *where* is the address that its picture is below, ``""`` if it has none.
    """
    written_in = catalogue.entries[key].only or language
    body, _ = render.template_body(key, written_in, catalogue=catalogue)
    buttons = template_buttons(catalogue, key, language)
    return body, buttons, template_digest(body, buttons, where)


def template_digest(body: str, buttons: Iterable[Button], where: str) -> str:
    """Return what tells a template from another; *where* is the address its picture is below."""
    return digest(body, [*(button.title for button in buttons), *filter(None, [where])])


def picture_address(settings: Settings) -> str:
    """Return what stands before the one variable in the address of a template's picture."""
    return settings.public_url + media.PATH


def template_buttons(catalogue: Catalogue, key: str, language: str) -> tuple[Button, ...]:
    """Return the buttons of the template for *key*; an opener adds the reader's language."""
    entry = catalogue.entries[key]
    written_in = entry.only or language
    titles = render.buttons(entry.buttons, written_in, catalogue=catalogue)
    buttons = tuple(Button(*pair) for pair in titles)
    if entry.only and language != entry.only:
        buttons += tuple(language_buttons([languages()[language]]))
    return buttons


def language_buttons(spoken: Iterable[Language], choice: str = "") -> list[Button]:
    """Return a button for each language, with its own name; *choice* of more begins further on."""
    buttons = [Button(LANGUAGE_BUTTON + language.code, language.name) for language in spoken]
    first = choice.replace(MORE_LANGUAGES, LANGUAGE_BUTTON)
    return buttons[next((at for at, each in enumerate(buttons) if each.id == first), 0) :]


def list_rows(buttons: Sequence[Button]) -> tuple[Button, ...]:
    """Return *buttons* as rows of a list; where they are too many, the last names what follows."""
    if len(buttons) <= LIST_ROWS:
        return tuple(buttons)
    shown, rest = buttons[: LIST_ROWS - 1], buttons[LIST_ROWS - 1 :]
    title = render.cut(", ".join(button.title for button in rest), ROW_TITLE)
    return (*shown, Button(rest[0].id.replace(LANGUAGE_BUTTON, MORE_LANGUAGES), title))


OWN_NAMES = "nl"
"""As which language content is kept whose buttons are the languages, each by its own name."""


def list_key(rows: int) -> str:
    """Return how `Template` names the content of a list of so many rows inside the window."""
    return f"session:list:{rows}"


def list_digest(rows: int) -> str:
    """Return what tells the content of this list from another: all in it is a variable."""
    return digest("{{1}}", [f"{{{{{at}}}}}" for at in range(2, 3 + 2 * rows)])


def session_key(button_ids: Iterable[str]) -> str:
    """Return how `Template` names the content of these buttons inside the window."""
    return "session:" + ",".join(button_ids)


def card_digest(titles: Iterable[str], where: str) -> str:
    """Return what tells the content of this card from another; see `template_digest`."""
    return digest("{{1}}", [*titles, where])


def digest(body: str, titles: Iterable[str]) -> str:
    """Return what tells one wording of a template from the next."""
    return hashlib.sha256("\x1f".join([body, *titles]).encode()).hexdigest()


def digests(templates: Templates, message: Message, address: Address) -> list[str]:
    """Return the `body_digest` of every form in which *message* may have gone to *address*."""
    if message.voice is not None:
        return [body_digest("")]
    bodies = [message.body]
    if address.channel == WHATSAPP and message.key in templates.house.catalogue.entries:
        bodies.append(render.with_numbers(message.body, [title for _, title in message.buttons]))
        forms = (_template(templates, message), _opener(templates, message))
        bodies += [form.body for form in forms if form is not None]
    return list(dict.fromkeys(map(body_digest, bodies)))


def body_digest(body: str) -> str:
    """Return what tells one text from another, whatever a provider does to its spaces."""
    return hashlib.sha256(" ".join(body.split()).encode()).hexdigest()


def pack(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return *values* as JSON can hold them: a moment becomes ``{"at": …}``."""
    return {
        name: {"at": value.isoformat()} if isinstance(value, datetime) else value
        for name, value in values.items()
    }


def unpack(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `pack` was given."""
    return {
        name: datetime.fromisoformat(value["at"]) if isinstance(value, dict) else value
        for name, value in values.items()
    }


DUTCH = "_nl"
"""How the name of a value ends that says in Dutch what the one without it says to its reader."""


def beside(said: Mapping[str, Any], dutch: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values *said* in the reader's language, with what the same is in *dutch*."""
    return {**said, **{f"{name}{DUTCH}": value for name, value in dutch.items()}}


def in_dutch(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return *values* as who reads Dutch would have had them."""
    told = {name: value for name, value in values.items() if name.endswith(DUTCH)}
    return {**values, **{name.removesuffix(DUTCH): value for name, value in told.items()}}


def numbered(channel: str) -> bool:
    """Say whether answers are typed as numbers on *channel*, for want of buttons."""
    return channel not in (WHATSAPP, TELEGRAM)
