"""Personal links: made, followed, and whom they brought in.

A link brings a person in once, the first link wins, and what looks like one's own number or
household earns nothing until staff have looked. An ambassadeur hears counts, never who.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterator
from dataclasses import dataclass

import segno
from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.orm import Session

from bot import moments
from bot.channels import numbers
from bot.house import House
from bot.inserts import insert_once
from bot.models.ambassadeurs import (
    STATES,
    Aanmelding,
    Ambassadeur,
    AmbassadeurStap,
    BroughtIn,
    Click,
    Link,
)
from bot.models.figures import Figure
from bot.models.messages import InboxEvent, Reply
from bot.models.people import Address, Inburgeraar, PersonAddress

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O or U, so that a code can be read from paper."""

LENGTH = 10
"""Signs of a code: 50 bits. A million guesses find one of a thousand links once in a million."""

QUIET = 4
"""Modules of nothing around a QR code."""

INK = "#04302e"
"""The colour of a QR code: as good as black."""

CHAT = "chat"
"""What `Click` counts under this name: the code arrived in a conversation."""

STOPPED = "gestopt"

_MISREAD = str.maketrans("ILO", "110")


@dataclass(frozen=True, slots=True)
class Stand:
    """What an ambassadeur may know."""

    started: int
    """How often a conversation was begun with one of the links."""
    signed_up: int
    """How many people signed up, without those that are flagged."""


# ------------------------------------------------------------------ links


def new_code() -> str:
    """Return ten signs that nobody can guess."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


class Stopped(Exception):
    """This ambassadeur has stopped: no link is made for them."""


def link_for(session: Session, ambassadeur: Ambassadeur) -> Link:
    """Return the link of *ambassadeur* that works, made if there is none.

    Raises Stopped for who has stopped.
    """
    session.refresh(ambassadeur, with_for_update=True)  # two who ask at once get the same one
    if ambassadeur.state == STOPPED:
        raise Stopped
    link = session.scalars(
        select(Link)
        .where(Link.ambassadeur_id == ambassadeur.id, Link.ended_at.is_(None))
        .order_by(Link.id)
        .limit(1)
    ).one_or_none()
    if link is None:
        link = Link(ambassadeur_id=ambassadeur.id, code=new_code(), created_at=moments.now())
        session.add(link)
        session.flush()
    return link


def end_link(session: Session, link: Link) -> bool:
    """Let *link* bring nobody in any more; return False if that was so already.

    Who began to sign up before still counts.
    """
    ended = session.execute(
        update(Link)
        .where(Link.id == link.id, Link.ended_at.is_(None))
        .values(ended_at=moments.now())
        .returning(Link.id)
    ).one_or_none()
    return ended is not None


def become(session: Session, ambassadeur: Ambassadeur, state: str, by: str) -> bool:
    """Let *ambassadeur* be in *state*, as *by* says; return False if that was so already.

    Who stops has no link any more. Raises ValueError for what is no state.
    """
    if state not in STATES:
        raise ValueError(state)
    session.refresh(ambassadeur, with_for_update=True)
    if ambassadeur.state == state:
        return False
    ambassadeur.state = state
    at = moments.now()
    session.add(AmbassadeurStap(ambassadeur_id=ambassadeur.id, state=state, by=by, at=at))
    if state == STOPPED:
        session.execute(
            update(Link)
            .where(Link.ambassadeur_id == ambassadeur.id, Link.ended_at.is_(None))
            .values(ended_at=at)
        )
    session.flush()
    return True


def find(session: Session, code: str) -> Link | None:
    """Return the link that works with this *code*, however it was typed; None if there is none."""
    return session.scalars(
        select(Link).where(Link.code == spelled(code), Link.ended_at.is_(None))
    ).one_or_none()


def spelled(code: str) -> str:
    """Return *code* as we print it: capitals, without dashes, I and L read as 1, O as 0."""
    return code.replace("-", "").replace(" ", "").upper().translate(_MISREAD)


def address_of(house: House, code: str) -> str:
    """Return the address of the page of a link."""
    return f"{house.settings.public_url}/a/{code}"


def qr(content: str) -> segno.QRCode:
    """Return *content* as a QR code that a scratched or folded print still gives back.

    Level M restores 15 % of it. Draw it with QUIET modules of nothing around. Source: ISO/IEC
    18004, sections 5.1 and 9.1.
    """
    return segno.make(content, error="m", micro=False)


def follow(session: Session, code: str, channel: str) -> None:
    """Count that *channel* was chosen on the page of this link; an unknown code counts nothing."""
    link = find(session, code)
    if link is not None:
        count(session, link, channel)


def count(session: Session, link: Link, channel: str) -> None:
    """Add one to today's count of *channel*, a channel of the page or CHAT. Nobody's trace."""
    day = moments.local(moments.now()).date()
    insert_once(session, Click, {"link_id": link.id, "channel": channel, "day": day, "count": 0})
    session.execute(
        update(Click)
        .where(Click.link_id == link.id, Click.channel == channel, Click.day == day)
        .values(count=Click.count + 1)
    )


def turned_away(session: Session, link: Link | None, address: Address, first: int) -> None:
    """Count somebody under age, and blank what *address* told us from reply *first* on.

    The raw events go too: they hold the name of a profile. Only the count is kept.
    """
    if link is not None:
        session.execute(update(Link).where(Link.id == link.id).values(minors=Link.minors + 1))
    told = select(Reply).where(Reply.address_id == address.id, Reply.id >= first)
    for reply in session.scalars(told):
        reply.text, reply.button, reply.media = "", None, []
        reply.why = None  # it may repeat a number
        session.get_one(InboxEvent, reply.event_id).payload = {}
    address.language = None


# ------------------------------------------------------------------ who came in


def attribute(
    session: Session,
    house: House,
    link: Link | None,
    person: Inburgeraar,
    address: Address,
    *,
    known: bool = False,
) -> Aanmelding | None:
    """Write down that *person* came in by *link*, at *address*; None if that was not news.

    A person is brought in once: the first link wins, whoever shares the next one. *known* says
    that the gemeente knew the person before.
    """
    if link is None:
        return None
    made = insert_once(
        session,
        Aanmelding,
        {
            "link_id": link.id,
            "person_id": person.id,
            "counted": False,
            "flags": [],
            "at": moments.now(),
        },
    )
    if made is None:
        return None
    aanmelding = session.get_one(Aanmelding, made)
    aanmelding.flags = sorted(_flags(session, house, link.ambassadeur, person, address, known))
    aanmelding.counted = not aanmelding.flags
    session.flush()
    return aanmelding


def _flags(
    session: Session,
    house: House,
    ambassadeur: Ambassadeur,
    person: Inburgeraar,
    address: Address,
    known: bool,
) -> Iterator[str]:
    theirs = {each.id: each for each in (address, *_addresses(session, person))}
    phones = {phone for each in theirs.values() for phone in _phones(each)}
    own = _canonical(ambassadeur.phone)
    if known:
        yield "known_person"
    if own is not None and own in phones:
        yield "own_number"
    if _share_a_household(session, ambassadeur, own, person, set(theirs), phones):
        yield "own_household"
    chats = {each.address for each in theirs.values() if not each.address.startswith("+")}
    # All are marked, whichever is known; sorted, so that two at once do not block each other.
    new = [_is_new(session, house, place) for place in sorted(phones | chats)]
    if not all(new):
        yield "shared_number"


def _is_new(session: Session, house: House, place: str) -> bool:
    """Mark *place*, a number or a chat; return whether nobody came in by it before.

    One statement: of two who come in by one number at once, one is the second.
    """
    mark = hmac.new(house.settings.signing_key, f"brought in {place}".encode(), "sha256")
    values = {"mark": mark.hexdigest(), "at": moments.now()}
    return insert_once(session, BroughtIn, values) is not None


def _share_a_household(
    session: Session,
    ambassadeur: Ambassadeur,
    own: str | None,
    person: Inburgeraar,
    places: set[int],
    phones: set[str],
) -> bool:
    """Say whether *person* lives with the ambassadeur, as far as keys and phones can tell."""
    if person.household and person.household == ambassadeur.household:
        return True
    if own is None:
        return False
    themselves = (
        select(PersonAddress.person_id)
        .join(Address, Address.id == PersonAddress.address_id)
        .where(PersonAddress.person_id != person.id, or_(*_at_phones({own})))
    )
    near = [_is_at(places, phones)]
    if person.household:
        near.append(Inburgeraar.household == person.household)
    beside = (
        select(Inburgeraar.id)
        .join(PersonAddress, PersonAddress.person_id == Inburgeraar.id)
        .join(Address, Address.id == PersonAddress.address_id)
        .where(Inburgeraar.id.in_(themselves), or_(*near))
    )
    return session.scalars(beside.limit(1)).first() is not None


def _addresses(session: Session, person: Inburgeraar) -> list[Address]:
    return list(
        session.scalars(
            select(Address)
            .join(PersonAddress, PersonAddress.address_id == Address.id)
            .where(PersonAddress.person_id == person.id)
        )
    )


def _phones(address: Address) -> set[str]:
    """Return the numbers of *address*: its own, and the one it is known to belong to."""
    told = (address.phone, address.address if address.address.startswith("+") else None)
    return {phone for each in told if (phone := _canonical(each)) is not None}


def _canonical(phone: str | None) -> str | None:
    """Return *phone* as E.164, or as it stands if it is no number; None for none."""
    if not phone:
        return None
    try:
        return numbers.canonical(phone)
    except numbers.BadNumber:
        return phone


def _at_phones(phones: set[str]) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return (Address.phone.in_(phones), Address.address.in_(phones))


def _is_at(places: set[int], phones: set[str]) -> ColumnElement[bool]:
    return or_(Address.id.in_(places), *_at_phones(phones))


# ------------------------------------------------------------------ what an ambassadeur hears


def asks_stand(session: Session, address: Address, text: str) -> bool:
    """Say whether *text* is an ambassadeur's "stand", from a number that is theirs."""
    if text.strip(" .!?/").casefold() != "stand":
        return False
    return bool(who_has(session, address))


def who_has(session: Session, address: Address) -> list[Ambassadeur]:
    """Return the ambassadeurs whose number *address* is."""
    phones = _phones(address)
    return list(
        session.scalars(
            select(Ambassadeur).where(Ambassadeur.phone.in_(phones)).order_by(Ambassadeur.id)
        )
    )


def stand(session: Session, ambassadeurs: list[Ambassadeur]) -> Stand:
    """Return the counts of all links of *ambassadeurs*."""
    links = select(Link.id).where(Link.ambassadeur_id.in_([each.id for each in ambassadeurs]))
    started = session.scalar(
        select(func.sum(Click.count)).where(Click.link_id.in_(links), Click.channel == CHAT)
    )
    signed_up = session.scalar(
        select(func.count())
        .select_from(Aanmelding)
        .where(Aanmelding.link_id.in_(links), Aanmelding.counted)
    )
    names = [f"link:{number}" for number in session.scalars(links)]
    gone = session.scalar(
        select(func.sum(Figure.count)).where(
            Figure.kind == "aanmelding", Figure.state == "counted", Figure.about.in_(names)
        )
    )
    return Stand(started or 0, (signed_up or 0) + (gone or 0))
