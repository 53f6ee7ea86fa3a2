"""WhatsApp's templates and session buttons: which are wanted, and what became of them.

One template per text and language that Meta has a code for; a Dutch opener per language that
it has none for; and content for every set of buttons inside the window, which needs no
approval. The digest of the wording tells a changed text from the one that was approved.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import moments
from bot.channels.base import Button
from bot.house import House
from bot.messaging import media, route
from bot.models.templates import Template
from bot.wording import render
from bot.wording.languages import languages, shipped

DUTCH = "nl"

PENDING = frozenset({"unsubmitted", "received", "pending"})

SAMPLE_PICTURE = "media/afspraak.png"
"""Which picture Twilio is shown, of those that may stand there."""

SESSION = "session"
"""The status of content that needs no approval."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One content resource that should be at Twilio."""

    key: str
    language: str
    digest: str
    name: str
    meta_language: str
    body: str
    buttons: tuple[Button, ...]
    samples: dict[str, str]
    category: str | None  # None for session content
    listed: bool = False  # its buttons are the rows of a list, the first is what opens it
    picture: str = ""  # the address of its picture, the last part of it a variable

    @property
    def types(self) -> dict[str, Any]:
        """Return the content types as Twilio's Content API takes them."""
        if self.picture:
            return self._with_picture
        if not self.buttons:
            return {"twilio/text": {"body": self.body}}
        if self.listed:
            label, *rows = self.buttons
            items = [{"item": row.title, "id": row.id} for row in rows]
            return {
                "twilio/list-picker": {"body": self.body, "button": label.title, "items": items}
            }
        actions = [{"title": b.title, "id": b.id} for b in self.buttons]
        return {"twilio/quick-reply": {"body": self.body, "actions": actions}}

    @property
    def _with_picture(self) -> dict[str, Any]:
        """Return a picture with the text below it; with buttons that is a card."""
        shown = {"body": self.body, "media": [self.picture]}
        if not self.buttons:
            return {"twilio/media": shown}
        actions = [{"type": "QUICK_REPLY", "title": b.title, "id": b.id} for b in self.buttons]
        if self.category is None:
            card = {"title": self.body, "media": [self.picture], "actions": actions}
            return {"twilio/card": card}
        return {"whatsapp/card": {**shown, "actions": actions}}


def wanted(house: House) -> Iterator[Wanted]:
    """Yield what should be at Twilio for the texts as they are now."""
    for key, entry in sorted(house.catalogue.entries.items()):
        for code in shipped():
            if entry.template is not None and _has_template(house, key, code):
                yield _template(house, key, code)
    button_sets = {
        tuple(entry.buttons)
        for entry in house.catalogue.entries.values()
        if entry.buttons and not entry.only
    }
    for names in sorted(button_sets):
        for code in shipped():
            yield _session(house, names, code)
    below_pictures = {
        tuple(entry.buttons)
        for entry in house.catalogue.entries.values()
        if entry.buttons and entry.picture and not entry.only
    }
    for names in sorted(below_pictures):
        for code in shipped():
            yield _card(house, names, code)
    yield from map(_list, sorted(_list_sizes()))
    for code in shipped():
        yield _way_back(code)


def _has_template(house: House, key: str, code: str) -> bool:
    entry = house.catalogue.entries[key]
    own_code = languages()[code].meta is not None
    if entry.only:
        return not own_code or code == entry.only
    return own_code and house.catalogue.text(key, code).language == code


def _template(house: House, key: str, code: str) -> Wanted:
    entry = house.catalogue.entries[key]
    written_in = entry.only or code
    body, _ = render.template_body(key, written_in, catalogue=house.catalogue)
    buttons = route.template_buttons(house.catalogue, key, code)
    if entry.template is None:
        raise ValueError(f"{key} is no template")
    samples = render.template_samples(key, written_in, catalogue=house.catalogue)
    where = picture = ""
    if entry.picture:
        where, at = route.picture_address(house.settings), str(len(samples) + 1)
        picture = f"{where}{{{{{at}}}}}"
        samples[at] = media.signed(house.settings, entry.picture)
    digest = route.template_digest(body, buttons, where)
    return Wanted(
        key=key,
        language=code,
        digest=digest,
        name=f"{entry.template.name}_{code}_{digest[:8]}",
        meta_language=languages()[written_in].meta or DUTCH,
        body=body,
        buttons=buttons,
        samples=samples,
        category=entry.template.category,
        picture=picture,
    )


def _session(house: House, names: tuple[str, ...], code: str) -> Wanted:
    titles = render.buttons(names, code, catalogue=house.catalogue)
    return _in_window("_".join(names), code, tuple(Button(*pair) for pair in titles))


def _card(house: House, names: tuple[str, ...], code: str) -> Wanted:
    """Return the same below a picture, which is a variable as in a template."""
    plain, where = _session(house, names, code), route.picture_address(house.settings)
    digest = route.card_digest([button.title for button in plain.buttons], where)
    return replace(
        plain,
        key=plain.key + route.WITH_PICTURE,
        digest=digest,
        name=f"beeld_{'_'.join(names)}_{code}_{digest[:8]}",
        samples={**plain.samples, "2": media.signed(house.settings, SAMPLE_PICTURE)},
        picture=f"{where}{{{{2}}}}",
    )


def _way_back(code: str) -> Wanted:
    """The one button that leads back to the language of before, by its own name."""
    buttons = tuple(route.language_buttons([languages()[code]]))
    return _in_window(f"taal_{code}", route.OWN_NAMES, buttons)


def _in_window(name: str, code: str, buttons: tuple[Button, ...]) -> Wanted:
    digest = route.digest("{{1}}", [b.title for b in buttons])
    return Wanted(
        key=route.session_key(button.id for button in buttons),
        language=code,
        digest=digest,
        name=f"knoppen_{name}_{code}_{digest[:8]}",
        meta_language=languages()[code].meta or DUTCH,
        body="{{1}}",
        buttons=buttons,
        samples={"1": "Kom je?"},
        category=None,
    )


def _list_sizes() -> set[int]:
    """Return how many rows the lists have that we send: those of the languages, page by page."""
    sizes, more = set(), ""
    while True:
        rows = route.list_rows(route.language_buttons(shipped().values(), more))
        sizes.add(len(rows))
        if not rows[-1].id.startswith(route.MORE_LANGUAGES):
            return sizes
        more = rows[-1].id


def _list(rows: int) -> Wanted:
    places = [f"{{{{{at}}}}}" for at in range(1, 3 + 2 * rows)]
    body, label, *words = places
    ids, titles = words[::2], words[1::2]
    samples = ["Kies je taal.", "Taal", *(f"{n}" for n in range(1, 2 * rows + 1))]
    digest = route.list_digest(rows)
    return Wanted(
        key=route.list_key(rows),
        language=route.OWN_NAMES,
        digest=digest,
        name=f"lijst_{rows}_{digest[:8]}",
        meta_language=DUTCH,
        body=body,
        buttons=(Button("", label), *map(Button, ids, titles)),
        samples=dict(zip((place.strip("{}") for place in places), samples, strict=True)),
        category=None,
        listed=True,
    )


def known(session: Session, want: Wanted) -> Template | None:
    """Return what is recorded of exactly this wording, or None."""
    return session.scalars(
        select(Template).where(
            Template.key == want.key,
            Template.language == want.language,
            Template.digest == want.digest,
        )
    ).one_or_none()


def use(session: Session, want: Wanted, sid: str) -> Template:
    """Record a template that was made and approved elsewhere."""
    row = known(session, want)
    if row is None:
        row = Template(key=want.key, language=want.language, digest=want.digest)
        session.add(row)
    row.name, row.content_sid, row.category = want.name, sid, want.category
    row.status, row.reason = ("approved" if want.category else SESSION), None
    row.changed_at = moments.now()
    return row
