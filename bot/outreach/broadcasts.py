"""The verbs of a mass message: written, approved by another, sent, stopped, resumed, put right.

    draft ─approve→ approved ─send→ sending (the first) → holding → sending (the rest) → done
                                    stop, or a limit ─→ stopped, paused ─resume→ on from there

A message is queued only shortly before its turn, so that a stop leaves little behind. Each
recipient has one occasion, and each channel a mark of how far it got: what runs twice finds
what is there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, delete, exists, func, or_, select, true
from sqlalchemy.orm import Session

from bot import moments
from bot.channels.base import SMS, TELEGRAM, WHATSAPP
from bot.house import House
from bot.inserts import insert_new
from bot.messaging import approval, caps, outbox
from bot.messaging.outbox import Copy, Press
from bot.models.broadcasts import Broadcast, Recipient
from bot.models.messages import BROADCASTS, Message
from bot.models.people import Address, Inburgeraar
from bot.models.voortrajecten import Voortraject
from bot.outreach import audience, tasks, voortraject
from bot.outreach.audience import AT_ONCE, Chosen, RuleError
from bot.outreach.intake.when import impossible
from bot.outreach.preview import (
    OWN,
    OWN_TEXT,
    Preview,
    own_texts,
    own_values,
    pace,
    press_of,
)
from bot.privacy import consent
from bot.told import Told, tell
from bot.wording import forbidden
from bot.wording.catalogue import SAMPLES
from bot.wording.entries import Entry, placeholders
from bot.wording.languages import languages, shipped
from bot.wording.render import LONGEST_VALUE, spoken_date, spoken_time
from bot.wording.segments import segments

CORRECTION = "voortraject.correction"

LOOK_AHEAD = timedelta(seconds=10)
"""How far queueing runs ahead of the pace: so much, at most, is there to be held by a stop."""

OPEN = ("planned", "claimed", "sending")
FAILED = ("failed", "undelivered")
UNKNOWN = ("unknown", "unknown_final")
AWAITS_TEMPLATE = and_(
    Message.state == "planned", func.coalesce(Message.cause, "") == "awaits_template"
)
"""Not refused, yet nothing that one can wait for within a few minutes."""
WAITS_FOR_LONG = or_(
    AWAITS_TEMPLATE,
    and_(Message.state == "planned", func.coalesce(Message.cause, "").in_(caps.WHY_NOT)),
)

CHANNELS = (WHATSAPP, TELEGRAM, SMS)

SETTINGS = (
    "name",
    "key",
    "values",
    "voortraject_id",
    "audience",
    "window_from",
    "window_until",
    "first",
    "hold_minutes",
    "most_failed",
    "most_stopped",
    "most_unknown",
)
"""What its author decides."""

AUDIENCE = ("key", "voortraject_id", "audience")
"""What can no longer be changed once the first have it."""


class Refused(Exception):
    """A broadcast cannot do this now. The message says in Dutch why, and what to do instead."""


# ------------------------------------------------------------------ written


def draft(session: Session, house: House, *, by: str, **settings: Any) -> Broadcast:
    """Write a broadcast down; nothing is sent. Raises Refused, in Dutch.

    *settings* are those of `SETTINGS`: ``name``, ``key`` and ``window_until`` (None: until the
    voortraject begins) are needed, the others have a default.
    """
    broadcast = Broadcast(
        **{
            "values": {},
            "voortraject_id": None,
            "audience": "",
            "window_from": moments.now(),
            "first": 20,
            "hold_minutes": 10,
            "most_failed": 10.0,
            "most_stopped": 3.0,
            "most_unknown": 1.0,
            **settings,
        },
        state="draft",
        written_by=_name(by),
        languages=[],
        unreviewed=[],
        expanded_to={},
        history=[],
        created_at=moments.now(),
    )
    _complete(session, house, broadcast)
    session.add(broadcast)
    _note(broadcast, by, tell("geschreven"))
    session.flush()
    return broadcast


def change(
    session: Session, house: House, broadcast: Broadcast, *, by: str, **settings: Any
) -> None:
    """Change some of the `SETTINGS`; whoever approved it must do so again. Raises Refused."""
    _lock(session, broadcast)
    if broadcast.state not in ("draft", "approved", "stopped", "paused"):
        raise Refused(
            tell(
                "Groepsbericht %(id)s is %(state)s. Stop het eerst.",
                id=broadcast.id,
                state=tell(STATES[broadcast.state]),
            )
        )
    altered = [name for name, value in settings.items() if getattr(broadcast, name) != value]
    if broadcast.started_at is not None and (fixed := set(altered) & set(AUDIENCE)):
        raise Refused(
            tell(
                "Groepsbericht %(id)s is al begonnen; %(which)s staat vast. Maak een nieuw "
                "groepsbericht.",
                id=broadcast.id,
                which=", ".join(sorted(fixed)),
            )
        )
    with session.no_autoflush:  # what is left open is filled in first
        for name in altered:
            setattr(broadcast, name, settings[name])
        _complete(session, house, broadcast)
    broadcast.written_by = _name(by)
    _void(broadcast)
    what = ", ".join(altered) or tell("niets")
    _note(broadcast, by, tell("veranderd: %(what)s", what=what))


def correct(
    session: Session, house: House, broadcast: Broadcast, *, by: str, **settings: Any
) -> Broadcast:
    """Write the correction of *broadcast*, for exactly those who have it or may have it.

    Raises Refused while the mistake still goes out.
    """
    _lock(session, broadcast)
    if broadcast.state in ("sending", "holding"):
        raise Refused(tell("Groepsbericht %(id)s loopt nog. Stop het eerst.", id=broadcast.id))
    if broadcast.started_at is None:
        raise Refused(
            tell(
                "Groepsbericht %(id)s is nog niet verstuurd. Verander het gewoon.", id=broadcast.id
            )
        )
    return draft(
        session,
        house,
        by=by,
        **{
            "name": f"Correctie van {broadcast.name}",
            "key": CORRECTION,
            "values": broadcast.values,
            "voortraject_id": broadcast.voortraject_id,
            "window_until": broadcast.window_until,
            "first": broadcast.first,
            "hold_minutes": broadcast.hold_minutes,
            "most_failed": broadcast.most_failed,
            "most_stopped": broadcast.most_stopped,
            "most_unknown": broadcast.most_unknown,
            **settings,
            "corrects": broadcast.id,
        },
    )


STATES: Mapping[str, str] = {
    "draft": "nog niet goedgekeurd",
    "approved": "goedgekeurd en niet gestart",
    "sending": "bezig",
    "holding": "bezig: de eersten hebben het, de rest wacht",
    "paused": "zelf gestopt",
    "stopped": "gestopt",
    "done": "klaar",
}
"""States, as staff read them."""


def _complete(session: Session, house: House, broadcast: Broadcast) -> None:
    """Fill in what follows from the rest. Raises Refused at the first thing that is wrong."""
    if not broadcast.name.strip():
        raise Refused("Geef het groepsbericht een naam.")
    entry = house.catalogue.entries.get(broadcast.key)
    if entry is None or not _is_for_many(entry):
        keys = ", ".join(for_many(house))
        raise Refused(
            tell(
                "%(key)s is geen tekst voor een groepsbericht. Kies uit: %(keys)s.",
                key=repr(broadcast.key),
                keys=keys,
            )
        )
    try:
        audience.parse(broadcast.audience)
    except RuleError as error:
        raise Refused(tell("De regel klopt niet. %(error)s", error=error.args[0])) from error
    group = session.get(Voortraject, broadcast.voortraject_id) if broadcast.voortraject_id else None
    _fill(house, entry, broadcast, group)
    _window(broadcast, group)
    if broadcast.first < 1 or broadcast.hold_minutes < 0:
        raise Refused("Stuur het eerst aan minstens 1 iemand, en wacht 0 minuten of meer.")
    if not all(
        0 <= percent <= 100
        for percent in (broadcast.most_failed, broadcast.most_stopped, broadcast.most_unknown)
    ):
        raise Refused("Een grens is een percentage van 0 tot 100.")


def for_many(house: House) -> list[str]:
    """Return the keys of the texts that a broadcast may bring."""
    return [key for key, entry in house.catalogue.entries.items() if _is_for_many(entry)]


BLANKS = {
    "theme": "Thema",
    "day": "Dag",
    "date": "Datum",
    "time": "Tijd",
    "place": "Plaats",
    "address": "Adres",
    "staff": "Met wie",
}
"""What staff call a blank of a text."""


def to_fill(house: House, key: str) -> list[str]:
    """Return what an author must fill in for the text *key*: the rest is known or is the group's.

    An own text is filled in by language instead; see `own`.
    """
    entry = house.catalogue.entries[key]
    if key == OWN or entry.asks == "voortraject":
        return []
    known = {*outbox.known(house), "first_name"}
    return [name for name in placeholders(entry.text) if name not in known]


def own(texts: Mapping[str, str]) -> dict[str, str]:
    """Return an own text, given by language code, as the ``values`` of a broadcast hold it."""
    return {OWN_TEXT + code: text for code, text in texts.items()}


def _is_for_many(entry: Entry) -> bool:
    """Say whether a broadcast may bring this text: an afspraak is a person's own."""
    return (
        entry.purpose in ("invitation", "public task")
        and entry.only is None
        and entry.asks in (None, "voortraject")
    )


def _fill(house: House, entry: Entry, broadcast: Broadcast, group: Voortraject | None) -> None:
    if entry.asks == "voortraject":
        if group is None:
            raise Refused(tell("%(key)s nodigt uit voor een voortraject. Zeg welk.", key=entry.key))
        if broadcast.values:
            raise Refused(
                tell(
                    "%(key)s neemt alles uit het voortraject. Verander daar wat fout is.",
                    key=entry.key,
                )
            )
    for name, value in broadcast.values.items():
        if wrong := impossible(value):
            raise Refused(
                tell(
                    "%(name)s: %(wrong)s bestaat niet. Staat de dag er goed?",
                    name=name,
                    wrong=wrong,
                )
            )
    if entry.key == OWN:
        _own(house, broadcast)
        return
    there = {*outbox.known(house), "first_name", *broadcast.values}
    there |= set(voortraject.values_of(group, "nl")) if group is not None else set()
    if missing := [name for name in placeholders(entry.text) if name not in there]:
        which = ", ".join(BLANKS.get(name, name).lower() for name in missing)
        raise Refused(tell("Voor deze tekst ontbreekt nog: %(which)s.", which=which))


def _own(house: House, broadcast: Broadcast) -> None:
    """Hold an own text to what `stap content` asks of every text. Raises Refused."""
    texts = own_texts(broadcast)
    if broadcast.voortraject_id is not None:
        raise Refused(
            "Een eigen tekst nodigt niet uit voor een voortraject. Kies dan de catalogus."
        )
    if "nl" not in texts:
        raise Refused("Schrijf de eigen tekst ook in het Nederlands: daaruit lezen collega's.")
    if strange := sorted(set(broadcast.values) - set(own(dict.fromkeys(shipped(), "")))):
        raise Refused(tell("Een eigen tekst kent geen %(which)s.", which=", ".join(strange)))
    for code, text in texts.items():
        dutch = languages()[code].dutch
        if set("{}") & set(text):
            raise Refused(
                tell("%(language)s: gebruik geen accolades. Schrijf alles voluit.", language=dutch)
            )
        for kind, word in forbidden.found(text, code).items():
            raise Refused(
                tell(
                    "%(language)s: gebruikt %(word)s, een verboden woord (%(kind)s).",
                    language=dutch,
                    word=repr(word),
                    kind=kind,
                )
            )
        if long := next((each for each in text.split("\n") if len(each) > LONGEST_VALUE), None):
            raise Refused(
                tell(
                    "%(language)s: een regel is %(n)s tekens, hoogstens %(most)s. Begin "
                    "vaker een nieuwe regel.",
                    language=dutch,
                    n=len(long),
                    most=LONGEST_VALUE,
                )
            )
    press = Press(house, OWN, own_values(broadcast))
    for code in texts:
        cost = segments(press.body(SMS, code, SAMPLES["first_name"]))
        if cost > house.gemeente.max_segments:
            raise Refused(
                tell(
                    "%(language)s: een sms is %(cost)s delen, hoogstens %(most)s. Maak de "
                    "tekst korter.",
                    language=languages()[code].dutch,
                    cost=cost,
                    most=house.gemeente.max_segments,
                )
            )


def _window(broadcast: Broadcast, group: Voortraject | None) -> None:
    begins = voortraject.first_meeting(group) if group is not None else None
    if begins is not None and begins <= moments.now():
        raise Refused(
            tell("Het voortraject is al begonnen, op %(begins)s.", begins=_spoken(begins))
        )
    until = broadcast.window_until or begins
    if until is None:
        raise Refused("Zeg tot wanneer het bericht zin heeft.")
    broadcast.window_until = min(until, begins) if begins is not None else until
    if broadcast.window_until <= max(moments.now(), broadcast.window_from):
        raise Refused(
            tell(
                "Het bericht heeft zin tot %(at)s: dat is voorbij, of voor het begin.",
                at=_spoken(broadcast.window_until),
            )
        )


# ------------------------------------------------------------------ approved


def approve(
    session: Session, house: House, broadcast: Broadcast, seen: Preview, *, by: str, count: int
) -> None:
    """Let another person say yes to exactly what they have *seen*, for *count* people.

    The audience is written down with it. Of a broadcast that has begun, the yes is for those
    who are left. Raises Refused.
    """
    _lock(session, broadcast)
    begun = broadcast.started_at is not None
    if broadcast.state not in ("draft", "approved", "stopped", "paused"):
        raise Refused(
            tell(
                "Groepsbericht %(id)s is %(state)s.",
                id=broadcast.id,
                state=tell(STATES[broadcast.state]),
            )
        )
    if approval.holds(session, house, broadcast):
        raise Refused(tell("Groepsbericht %(id)s is al goedgekeurd.", id=broadcast.id))
    if _same(by, broadcast.written_by):
        raise Refused(
            tell(
                "%(by)s schreef dit groepsbericht zelf. Laat iemand anders het nalezen.",
                by=_name(by),
            )
        )
    current = approval.fingerprint(
        session, house, broadcast, seen.audience_hash, seen.languages, seen.unreviewed
    )
    if current != seen.seen:
        raise Refused("Er is intussen iets veranderd. Kijk eerst opnieuw.")
    if not seen.count:
        raise Refused("Niemand krijgt dit groepsbericht. Kijk waarom, en verander het.")
    if count != seen.count:
        raise Refused(
            tell(
                "Je typte %(count)s, maar het gaat naar %(people)s mensen. Kijk eerst opnieuw.",
                count=count,
                people=seen.count,
            )
        )
    most = house.gemeente.caps.per_broadcast
    if not begun and broadcast.corrects is None and seen.count > most:
        raise Refused(
            tell(
                "Een groepsbericht mag naar hoogstens %(most)s mensen, en dit gaat naar "
                "%(count)s. Maak de groep kleiner (caps.per_broadcast in gemeente.yaml).",
                most=most,
                count=seen.count,
            )
        )
    if broadcast.window_until <= moments.now():
        raise Refused(tell("Het bericht had zin tot %(at)s.", at=_spoken(broadcast.window_until)))
    if seen.unsayable:
        names = ", ".join(languages()[code].dutch for code in seen.unsayable)
        raise Refused(
            tell("De tekst kan zo niet uit in: %(names)s. Laat die nalezen.", names=names)
        )
    if not begun:
        _write_down(session, broadcast, seen.reach.chosen)
        broadcast.state = "approved"
        broadcast.audience_hash, broadcast.approved_count = seen.audience_hash, seen.count
        broadcast.languages = list(seen.languages)
    broadcast.unreviewed = list(seen.unreviewed)
    broadcast.approved_by, broadcast.approved_hash = _name(by), current
    _note(broadcast, by, tell("goedgekeurd: %(n)s mensen", n=seen.count))


def _write_down(session: Session, broadcast: Broadcast, chosen: Chosen) -> None:
    """Keep the audience, in the order of their turns: each language and channel by turns.

    So the first few tell how it goes for everyone, not for who came to us first.
    """
    session.execute(delete(Recipient).where(Recipient.broadcast_id == broadcast.id))
    turns = chosen.by_turns()
    while some := list(islice(turns, AT_ONCE)):
        insert_new(
            session,
            Recipient,
            [
                {
                    "broadcast_id": broadcast.id,
                    "person_id": person,
                    "address_id": address,
                    "channel": channel,
                    "language": language,
                }
                for person, address, channel, language in some
            ],
        )


def _void(broadcast: Broadcast) -> None:
    broadcast.approved_by = broadcast.approved_hash = None
    if broadcast.state == "approved":
        broadcast.state = "draft"


# ------------------------------------------------------------------ sent and stopped


def send(session: Session, house: House, broadcast: Broadcast, *, by: str) -> None:
    """Let it go: the worker queues it from now on. Raises Refused."""
    _lock(session, broadcast)
    if broadcast.state != "approved":
        raise Refused(
            tell(
                "Groepsbericht %(id)s is %(state)s; het kan nu niet starten.",
                id=broadcast.id,
                state=tell(STATES[broadcast.state]),
            )
        )
    _must_be_sound(session, house, broadcast)
    left = caps.left_for(session, house, broadcast.written_by)
    if broadcast.corrects is None and (broadcast.approved_count or 0) > left:
        raise Refused(
            tell(
                "De groepsberichten van %(who)s mogen vandaag nog naar %(left)s "
                "mensen, en dit gaat naar %(people)s. Start het morgen, of maak de "
                "groep kleiner (caps.per_staff_per_day in gemeente.yaml).",
                who=broadcast.written_by,
                left=left,
                people=broadcast.approved_count,
            )
        )
    broadcast.state, broadcast.started_at = "sending", moments.now()
    _note(broadcast, by, tell("gestart"))


def stop(session: Session, broadcast: Broadcast, *, by: str) -> None:
    """Hold all that is not handed over yet; after a second no call of it begins any more.

    Stopping what stands still changes nothing. Raises Refused if it never began.
    """
    _lock(session, broadcast)
    if broadcast.state in ("stopped", "done"):
        return
    if broadcast.started_at is None:
        raise Refused(tell("Groepsbericht %(id)s is nog niet gestart.", id=broadcast.id))
    _stand_still(session, broadcast, "stopped")
    _note(broadcast, by, tell("gestopt"))


def resume(session: Session, house: House, broadcast: Broadcast, *, by: str) -> None:
    """Go on where it stopped: who has it does not get it again. Raises Refused."""
    _lock(session, broadcast)
    if broadcast.state not in ("stopped", "paused"):
        raise Refused(
            tell(
                "Groepsbericht %(id)s is %(state)s; het staat niet stil.",
                id=broadcast.id,
                state=tell(STATES[broadcast.state]),
            )
        )
    _must_be_sound(session, house, broadcast)
    if _count(session, broadcast, Message.state == "claimed"):
        raise Refused("Een paar berichten worden nu nog tegengehouden. Probeer het zo weer.")
    was_holding = (
        broadcast.hold_until is not None
        and broadcast.stopped_at is not None
        and broadcast.hold_until > broadcast.stopped_at
    )
    broadcast.state = "holding" if was_holding else "sending"
    broadcast.stopped_at = broadcast.why = None
    outbox.take_up(
        session,
        press_of(session, house, broadcast),
        broadcast=broadcast.id,
        expires_at=broadcast.window_until,
    )
    tasks.withdraw(session, tasks.BROADCAST, broadcast.about)
    _note(broadcast, by, tell("hervat"))


def _must_be_sound(session: Session, house: House, broadcast: Broadcast) -> None:
    if not approval.holds(session, house, broadcast):
        raise Refused(
            tell(
                "Groepsbericht %(id)s is veranderd sinds de goedkeuring, of de tekst of "
                "het voortraject. Laat het opnieuw goedkeuren.",
                id=broadcast.id,
            )
        )
    if broadcast.window_until <= moments.now():
        raise Refused(tell("Het bericht had zin tot %(at)s.", at=_spoken(broadcast.window_until)))


def _stand_still(session: Session, broadcast: Broadcast, state: str) -> None:
    broadcast.state, broadcast.stopped_at = state, moments.now()
    session.flush()
    outbox.put_aside(session, broadcast.id)


def _pause(session: Session, broadcast: Broadcast, why: Told) -> None:
    """Stop by itself, and ask a person to look."""
    _stand_still(session, broadcast, "paused")
    broadcast.why = why
    _note(broadcast, None, tell("zelf gestopt: %(why)s", why=why))
    tasks.raise_task(
        session,
        tasks.BROADCAST,
        about=broadcast.about,
        note=tell(
            "Groepsbericht %(id)s (%(name)s) staat stil. %(why)s",
            id=broadcast.id,
            name=broadcast.name,
            why=why,
        ),
    )


# ------------------------------------------------------------------ the clock


def due(session: Session) -> bool:
    """Say whether any broadcast is under way: who only looks need not lock for it."""
    running = select(Broadcast.id).where(Broadcast.state.in_(("sending", "holding"))).limit(1)
    return session.scalar(running) is not None


def tick(session: Session, house: House, limit: int) -> int:
    """Queue what has its turn soon, judge the first, end what is done; at most *limit* messages.

    Returns how many were queued.
    """
    now = moments.now()
    running = session.scalars(
        select(Broadcast)
        .where(Broadcast.state.in_(("sending", "holding")))
        .order_by(Broadcast.id)
        .with_for_update(skip_locked=True, key_share=True)
        .execution_options(populate_existing=True)
    ).all()
    queued = 0
    for broadcast in running:
        if broadcast.window_until <= now:
            _end(session, broadcast)
        elif not approval.holds(session, house, broadcast):
            _pause(
                session,
                broadcast,
                tell("De tekst of het voortraject is veranderd sinds de goedkeuring."),
            )
        elif broadcast.state == "holding":
            _judge(session, broadcast)
        elif broadcast.window_from <= now and not house.quiet.is_quiet(now):
            queued += expand(session, house, broadcast, limit - queued)
    return queued


def expand(session: Session, house: House, broadcast: Broadcast, limit: int) -> int:
    """Queue up to *limit* messages of *broadcast*, no further ahead than `LOOK_AHEAD`.

    Returns how many. With them goes the mark of how far it came, in the caller's transaction:
    what is rolled back is done again, what was committed is not.
    """
    rest = _rest(session, broadcast) if broadcast.hold_until is None else None
    press = press_of(session, house, broadcast)
    queued = 0
    for channel in CHANNELS:
        room = min(limit - queued, _room(session, house, channel))
        turn = _next(session, broadcast, channel, rest, room)
        if turn:
            _queue(session, house, press, broadcast, turn)
            broadcast.expanded_to = {**broadcast.expanded_to, channel: turn[-1].id}
            queued += len(turn)
    if not queued and not any(_next(session, broadcast, each, rest, 1) for each in CHANNELS):
        _go_on(session, broadcast, rest)
    return queued


def write_out(session: Session, house: House, number: int, limit: int) -> int:
    """Queue up to *limit* of all that is left of broadcast *number*, whoever's turn it is.

    After a backup was put back: who may have got it since needs a row to be looked up by. Whether
    any of it still goes is for the gates to say.
    """
    broadcast = session.get_one(Broadcast, number, with_for_update={"key_share": True})
    press = press_of(session, house, broadcast)
    queued = 0
    for channel in CHANNELS:
        turn = _next(session, broadcast, channel, None, limit - queued)
        if turn:
            _queue(session, house, press, broadcast, turn)
            broadcast.expanded_to = {**broadcast.expanded_to, channel: turn[-1].id}
            queued += len(turn)
    return queued


def _rest(session: Session, broadcast: Broadcast) -> int | None:
    """Return the first recipient after those who get it first; None if those are everyone."""
    return session.scalar(
        select(Recipient.id)
        .where(Recipient.broadcast_id == broadcast.id)
        .order_by(Recipient.id)
        .offset(broadcast.first)
        .limit(1)
    )


def _room(session: Session, house: House, channel: str) -> int:
    """Return how many mass messages may still be queued for *channel* now."""
    waiting = session.scalar(
        select(func.count())
        .select_from(Message)
        .where(
            Message.state == "planned",
            Message.channel == channel,
            Message.priority == BROADCASTS,
            Message.not_before <= moments.now(),
        )
    )
    return math.ceil(LOOK_AHEAD.total_seconds() * pace(house, channel)) - (waiting or 0)


def _next(
    session: Session, broadcast: Broadcast, channel: str, rest: int | None, room: int
) -> Sequence[Row[*tuple[Any, ...]]]:
    """Return the next recipients on *channel*, up to *room* of them, before *rest*."""
    if room <= 0:
        return []
    return session.execute(
        select(
            Recipient.id,
            Recipient.person_id,
            Recipient.address_id,
            Recipient.channel,
            Recipient.language,
            Inburgeraar.first_name,
            Inburgeraar.listens,
        )
        .join(Inburgeraar, Inburgeraar.id == Recipient.person_id)
        .where(
            Recipient.broadcast_id == broadcast.id,
            Recipient.channel == channel,
            Recipient.id > broadcast.expanded_to.get(channel, 0),
            true() if rest is None else Recipient.id < rest,
        )
        .order_by(Recipient.id)
        .limit(room)
    ).all()


def _queue(
    session: Session,
    house: House,
    press: Press,
    broadcast: Broadcast,
    turn: Sequence[Row[*tuple[Any, ...]]],
) -> None:
    """Queue one message for everyone in *turn*; who was asked elsewhere meanwhile gets none."""
    asks = house.catalogue.entries[broadcast.key].asks == "voortraject"
    group = session.get(Voortraject, broadcast.voortraject_id) if broadcast.voortraject_id else None
    about = broadcast.about
    asked: Mapping[int, str] = {}
    if asks and group is not None:
        people = [each.person_id for each in turn]
        asked = voortraject.ask(session, group, people, again=broadcast.corrects is not None)
    shared = consent.names_at(session, [each.address_id for each in turn])
    outbox.queue_many(
        session,
        press,
        (
            Copy(
                person,
                address,
                channel,
                language,
                shared.get((person, address), first_name),
                asked.get(person, about),
                "already_asked" if asks and person not in asked else None,
                listens,
            )
            for _, person, address, channel, language, first_name, listens in turn
        ),
        broadcast=broadcast.id,
        version=group.version if group is not None else None,
        expires_at=broadcast.window_until,
    )


def _go_on(session: Session, broadcast: Broadcast, rest: int | None) -> None:
    """Take the next step once all that was queued has gone out: wait and see, or end."""
    if rest is None:
        if not _count(session, broadcast, Message.state.in_(OPEN)):
            _end(session, broadcast)
    elif not _count(session, broadcast, Message.state.in_(OPEN), ~WAITS_FOR_LONG):
        broadcast.state = "holding"
        broadcast.hold_until = moments.now() + timedelta(minutes=broadcast.hold_minutes)


def _judge(session: Session, broadcast: Broadcast) -> None:
    """Pause if the first went worse than was allowed; let the rest go when the wait is over."""
    first = _count(session, broadcast)
    went = {
        (tell("mislukte"), tell("mislukten")): (
            _count(session, broadcast, or_(Message.state.in_(FAILED), AWAITS_TEMPLATE)),
            broadcast.most_failed,
        ),
        (tell("antwoordde met STOP"), tell("antwoordden met STOP")): (
            _count(
                session,
                broadcast,
                exists().where(
                    Address.id == Message.address_id, Address.stopped_at >= broadcast.started_at
                ),
            ),
            broadcast.most_stopped,
        ),
        (tell("is onbekend"), tell("zijn onbekend")): (
            _count(session, broadcast, Message.state.in_(UNKNOWN)),
            broadcast.most_unknown,
        ),
    }
    for (one, more), (count, most) in went.items():
        if count * 100 > most * first:
            broadcast.hold_until = moments.now()
            _pause(
                session,
                broadcast,
                tell(
                    "Van de eerste %(first)s %(went)s er %(count)s; meer dan %(most)s%%.",
                    first=first,
                    went=one if count == 1 else more,
                    count=count,
                    most=f"{most:g}",
                ),
            )
            return
    if broadcast.hold_until is not None and broadcast.hold_until <= moments.now():
        broadcast.state = "sending"


def _end(session: Session, broadcast: Broadcast) -> None:
    """Close it, and ask a person to reach those whom it could not."""
    broadcast.state = "done"
    _note(broadcast, None, tell("klaar"))
    missed = _count(session, broadcast, Message.state.in_((*FAILED, *UNKNOWN)))
    queued = _count(session, broadcast)
    late = (broadcast.approved_count or 0) - queued
    if missed or late:
        tasks.raise_task(
            session,
            tasks.NOT_REACHED,
            about=broadcast.about,
            note=tell(
                "Groepsbericht %(id)s (%(name)s) is klaar. Niet of misschien niet aangekomen: "
                "%(missed)s. Niet op tijd verstuurd: %(late)s.",
                id=broadcast.id,
                name=broadcast.name,
                missed=missed,
                late=late,
            ),
        )


# ------------------------------------------------------------------ small things


def _lock(session: Session, broadcast: Broadcast) -> None:
    """Lock it and read it as it is now: another may have pressed a button at the same time."""
    session.flush()
    session.refresh(broadcast, with_for_update={"key_share": True})


def _count(session: Session, broadcast: Broadcast, *which: ColumnElement[bool]) -> int:
    counted = select(func.count()).select_from(Message)
    texts = counted.where(Message.broadcast_id == broadcast.id, Message.voice.is_(None))
    return session.scalar(texts.where(*which)) or 0


def _note(broadcast: Broadcast, by: str | None, what: Told) -> None:
    entry = {"at": moments.now().isoformat(), "by": by and _name(by), "what": what}
    broadcast.history = [*broadcast.history, entry]


def _name(by: str) -> str:
    name = " ".join(by.split())
    if not name:
        raise Refused("Zeg wie je bent: --by NAAM.")
    return name


def _same(one: str, other: str) -> bool:
    return _name(one).casefold() == _name(other).casefold()


def _spoken(moment: datetime) -> str:
    return f"{spoken_date(moment)} om {spoken_time(moment)}"
