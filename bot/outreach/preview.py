"""What a mass message would do: for whom, in which languages, at what cost, and what is missing.

What an approver sees here is what they approve: `Preview.seen` names exactly that.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache, lru_cache, partial
from typing import Any

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from bot import moments
from bot.channels.base import SMS, WHATSAPP
from bot.house import House
from bot.messaging import approval, caps, route
from bot.messaging.outbox import VOICED, Press
from bot.models.broadcasts import Broadcast, Recipient
from bot.models.messages import Message
from bot.models.people import Address, Inburgeraar
from bot.models.voortrajecten import Deelname, Voortraject
from bot.outreach import audience, voortraject
from bot.outreach.audience import REACHED, Reach, Reached
from bot.outreach.clashes import Clash, clashes
from bot.wording.segments import segments

OWN = "broadcast.own"
"""The text of the catalogue that stands around what an author wrote."""
OWN_TEXT = "own:"
"""How ``values`` of a broadcast names an own text, with the code of its language behind it."""

STEP = timedelta(minutes=15)
"""How finely the hours of rest are looked at when the end is estimated."""


@dataclass(frozen=True, slots=True)
class Preview:
    """All that there is to know before a yes."""

    reach: Reach
    states: Mapping[str, str]
    """How the text stands in every language of the audience, also of those left out."""
    texts: Mapping[tuple[str, str], str]
    """What somebody reads, for every language and channel."""
    segments: Counter[str]
    """SMS parts, by language."""
    price: Decimal | None
    """Euros per part; None if the gemeente did not say."""
    no_template: Counter[str]
    """Languages of WhatsApp readers for whom no template is approved: these wait for it."""
    clash: int
    """How many of them get another mass message today."""
    others: Mapping[str, int]
    """The same by the name of that message."""
    bad_moments: tuple[Clash, ...]
    """What of the kalender it meets, and what it invites to."""
    rests: bool
    """Whether it waits for the end of the hours of rest."""
    full: int
    """How many of them had enough messages lately and get this one later, if it is of use then."""
    listening: int
    """How many would rather listen."""
    heard: int
    """How many of them hear it too: it is recorded, and their channel takes a sound."""
    begins: datetime
    """When the first would go: now at the earliest, and never in quiet hours."""
    ends: datetime
    """When the last would be out, at the pace of the slowest channel."""
    audience_hash: str
    languages: tuple[str, ...]
    unreviewed: tuple[str, ...]
    """Languages whose text nobody has reviewed and in which it would go out nevertheless."""
    unsayable: tuple[str, ...]
    """Languages of one that has begun, in which it cannot go on as the text stands now."""
    at: datetime
    """When it was counted."""
    seen: str
    """What exactly this is a preview of: the hash that would be approved."""

    @property
    def count(self) -> int:
        """Return how many people it would go to."""
        return len(self.reach.chosen)

    @property
    def cost(self) -> Decimal | None:
        """Return the euros that its SMS cost; None if nobody knows the price."""
        return None if self.price is None else self.price * self.segments.total()


def preview(
    session: Session, house: House, broadcast: Broadcast, unreviewed: Collection[str] = ()
) -> Preview:
    """Look at all that *broadcast* would do, if approved with these *unreviewed* languages.

    Changes nothing. Of one that has begun: who is left.
    """
    reach = Reach()
    press = press_of(session, house, broadcast)
    tally = _Tally(session, house, broadcast, press)
    for each in _walk(session, house, broadcast, unreviewed, reach):
        tally.add(each)
    languages = tuple(sorted({code for code, _ in reach.counts}))
    audience_hash = tally.audience_hash
    if broadcast.started_at is not None:
        audience_hash, languages = broadcast.audience_hash or "", tuple(broadcast.languages)
    states = {code: standing(house, broadcast, code) for code in languages}
    accepted = tuple(
        code for code in languages if states[code] == "unreviewed" and code in unreviewed
    )
    said = {"source", "reviewed"}
    begins, ends = _when(house, broadcast, tally.channels)
    met = {code for code, _ in reach.counts} | {code for _, code in reach.left_out}
    return Preview(
        reach=reach,
        states={code: standing(house, broadcast, code) for code in sorted(met)},
        texts=tally.texts,
        segments=tally.segments,
        price=house.gemeente.sms_price,
        no_template=+tally.no_template,
        clash=tally.clash,
        others={name: count for (_, name), count in tally.others.items()},
        bad_moments=clashes(_group(session, broadcast), begins, ends),
        rests=begins > max(moments.now(), broadcast.window_from),
        full=0 if broadcast.corrects is not None else caps.full_now(session, house, reach.people),
        listening=tally.listening,
        heard=tally.heard,
        begins=begins,
        ends=ends,
        audience_hash=audience_hash,
        languages=languages,
        unreviewed=accepted,
        unsayable=tuple(
            code for code in languages if states[code] not in said and code not in accepted
        ),
        at=moments.now(),
        seen=approval.fingerprint(session, house, broadcast, audience_hash, languages, accepted),
    )


class _Tally:
    """What is counted of the readers of a broadcast, one after the other."""

    def __init__(self, session: Session, house: House, broadcast: Broadcast, press: Press) -> None:
        self.texts: dict[tuple[str, str], str] = {}
        self.segments: Counter[str] = Counter()
        self.no_template: Counter[str] = Counter()
        self.channels: Counter[str] = Counter()
        self.listening = self.heard = 0
        self._is_recorded = cache(partial(_is_recorded, session, press))
        self.clash = 0
        self.others: Counter[tuple[int, str]] = Counter()
        self._others = _others(session, broadcast)
        self._hash = hashlib.sha256(b"[")
        self._now = moments.now()
        self._press = press
        self._parts = lru_cache(maxsize=8192)(self._count_parts)
        self._lacks_template = cache(partial(_lacks_template, session, house, press))

    def add(self, each: Reached) -> None:
        """Count one more."""
        told = (each.person, each.address, each.channel, each.language)
        self._hash.update(f"{', ' if self.channels else ''}{told}".encode())
        self.channels[each.channel] += 1
        if (each.language, each.channel) not in self.texts:
            self.texts[each.language, each.channel] = self._press.body(
                each.channel, each.language, each.first_name
            )
        if each.listens:
            self.listening += 1
            self.heard += self._takes_sound(each) and self._is_recorded(each.language)
        if each.channel == SMS:
            self.segments[each.language] += self._parts(each.language, each.first_name)
        elif each.channel == WHATSAPP and not route.window_open_since(
            each.last_inbound_at, self._now
        ):
            self.no_template[each.language] += self._lacks_template(each.language)
        met = [other for other, people in self._others.items() if each.person in people]
        self.others.update(met)
        self.clash += bool(met)

    def _takes_sound(self, each: Reached) -> bool:
        if each.channel != WHATSAPP:
            return each.channel in VOICED
        return route.window_open_since(each.last_inbound_at, self._now)

    @property
    def audience_hash(self) -> str:
        """SHA-256 over who they all are, where and in which language they get it."""
        whole = self._hash.copy()
        whole.update(b"]")
        return whole.hexdigest()

    def _count_parts(self, language: str, first_name: str) -> int:
        """Count the SMS parts of somebody's own text: a long name may cost one more."""
        return segments(self._press.body(SMS, language, first_name))


def own_texts(broadcast: Broadcast) -> dict[str, str]:
    """Return what the author wrote, by language code; nothing where it is a catalogue text."""
    return {
        name.removeprefix(OWN_TEXT): text
        for name, text in broadcast.values.items()
        if name.startswith(OWN_TEXT)
    }


def own_values(broadcast: Broadcast) -> Callable[[str], Mapping[str, Any]]:
    """Return what fills `OWN` around the own text of *broadcast*, by language code."""
    texts = {code: text.split("\n") for code, text in own_texts(broadcast).items()}
    dutch = {"own": texts.get("nl", [])}
    return lambda language: route.beside({"own": texts.get(language, [])}, dutch)


def values_of(session: Session, broadcast: Broadcast) -> Callable[[str], Mapping[str, Any]]:
    """Return what fills the text of *broadcast*, given the code of the language it is in."""
    if broadcast.key == OWN:
        return own_values(broadcast)
    group = _group(session, broadcast)

    def values(language: str) -> Mapping[str, Any]:
        """Return the values in one language."""
        told = voortraject.values_of(group, language) if group is not None else {}
        return {**told, **broadcast.values}

    return values


def _is_recorded(session: Session, press: Press, language: str) -> bool:
    return press.voice(session, language) is not None


def _group(session: Session, broadcast: Broadcast) -> Voortraject | None:
    number = broadcast.voortraject_id
    return session.get(Voortraject, number) if number is not None else None


def press_of(session: Session, house: House, broadcast: Broadcast) -> Press:
    """Return what writes *broadcast* for its readers."""
    return Press(house, broadcast.key, values_of(session, broadcast))


def left(session: Session, broadcast: Broadcast) -> Iterator[Reached]:
    """Yield those of the approved audience to whom nothing was handed over yet."""
    rows = session.execute(
        _left(
            broadcast,
            Recipient.person_id,
            Recipient.address_id,
            Recipient.channel,
            Recipient.language,
            Inburgeraar.first_name,
            Address.last_inbound_at,
            Inburgeraar.listens,
        )
        .join(Inburgeraar, Inburgeraar.id == Recipient.person_id)
        .join(Address, Address.id == Recipient.address_id)
        .order_by(Recipient.id),
        execution_options={"yield_per": audience.AT_ONCE},
    )
    return (Reached(*row) for row in rows)


def count_left(session: Session, broadcast: Broadcast) -> int:
    """Return how many those are."""
    return session.scalar(_left(broadcast, func.count())) or 0


def _left(broadcast: Broadcast, *columns: Any) -> Select[Any]:
    return (
        select(*columns)
        .select_from(Recipient)
        .outerjoin(
            Message,
            (Message.broadcast_id == Recipient.broadcast_id)
            & (Message.person_id == Recipient.person_id)
            & Message.voice.is_(None),
        )
        .where(
            Recipient.broadcast_id == broadcast.id,
            or_(Message.id.is_(None), Message.state.in_(("planned", "claimed"))),
        )
    )


def _walk(
    session: Session,
    house: House,
    broadcast: Broadcast,
    unreviewed: Collection[str],
    found: Reach,
) -> Iterator[Reached]:
    if broadcast.started_at is not None:
        for each in left(session, broadcast):
            found.add(each)
            yield each
        return
    only: set[int] | None = None
    already: set[int] = set()
    if broadcast.corrects is not None:
        only = set(
            session.scalars(
                select(Message.person_id).where(
                    Message.broadcast_id == broadcast.corrects,
                    Message.state.in_(REACHED),
                    Message.person_id.is_not(None),
                )
            )
        )
    elif house.catalogue.entries[broadcast.key].asks == "voortraject":
        already = set(
            session.scalars(
                select(Deelname.person_id).where(
                    Deelname.voortraject_id == broadcast.voortraject_id
                )
            )
        )
    yield from audience.walk(
        session,
        house,
        audience.parse(broadcast.audience),
        found,
        key=broadcast.key,
        state=partial(standing, house, broadcast),
        only=only,
        already=already,
        unreviewed=unreviewed,
        at=house.quiet.next_open(max(moments.now(), broadcast.window_from)),
    )


def standing(house: House, broadcast: Broadcast, language: str) -> str:
    """Say how the text stands; what an author wrote in another language nobody has reviewed."""
    state = house.catalogue.standing(broadcast.key, language)
    if broadcast.key != OWN or state in ("missing", "stale"):
        return state
    if language not in own_texts(broadcast):
        return "missing"
    return "source" if language == "nl" else "unreviewed"


def _lacks_template(session: Session, house: House, press: Press, language: str) -> bool:
    """Say whether WhatsApp takes the text in no form from who wrote nothing lately."""
    message = Message(
        key=press.key, language=language, **press.columns(WHATSAPP, language, first_name="")
    )
    shut = Address(channel=WHATSAPP, last_inbound_at=None)
    return route.form(route.Templates(session, house), message, shut) is None


def _others(session: Session, broadcast: Broadcast) -> dict[tuple[int, str], set[int]]:
    """Return the readers of every other broadcast of today, by its number and name."""
    midnight = moments.from_local(
        moments.local(moments.now()).replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0)
    )
    others = select(Broadcast.id, Broadcast.name).where(
        Broadcast.id != broadcast.id,
        Broadcast.id != func.coalesce(broadcast.corrects, 0),
        or_(
            Broadcast.state.in_(("approved", "sending", "holding")),
            Broadcast.started_at >= midnight,
        ),
    )
    theirs = select(Recipient.person_id)
    return {
        (number, name): set(session.scalars(theirs.where(Recipient.broadcast_id == number)))
        for number, name in session.execute(others).all()
    }


def _when(
    house: House, broadcast: Broadcast, channels: Mapping[str, int]
) -> tuple[datetime, datetime]:
    """Estimate when the first goes out and when the last has: at its pace, outside quiet hours."""
    begins = house.quiet.next_open(max(moments.now(), broadcast.window_from))
    seconds = max((count / pace(house, name) for name, count in channels.items()), default=0)
    waits = broadcast.hold_minutes * 60 if sum(channels.values()) > broadcast.first else 0
    remaining = timedelta(seconds=math.ceil(seconds) + waits)
    ends = begins
    while remaining:
        step = min(remaining, STEP)
        ends = house.quiet.next_open(ends) + step
        remaining -= step
    return begins, ends


def pace(house: House, channel: str) -> float:
    """Return how many messages a second go out on *channel*."""
    return float(getattr(house.settings, f"pace_{channel}"))
