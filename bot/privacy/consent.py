"""May this person be written to, here, for this? Stop, start, yes and no.

Consent is a log, only ever added to; the last word counts. Reminders rest on the public
task and need no yes. Stop is per address, for every purpose, and holds from its commit.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.orm import Session

from bot import moments
from bot.models.messages import Message
from bot.models.people import Address, Consent, Inburgeraar, PersonAddress

INVITATION = "invitation"
ALL = "all"
FEWER = "fewer"
NUMBER = "number"
"""The word of who has an address now: it is not, or no longer, this person's."""

NEVER = (0, False)
"""The last word, and its number, of who was never asked."""


def stop(session: Session, address: Address, evidence: str) -> bool:
    """Send nothing more to *address*; return False if that was so already.

    What was planned for it is cancelled in the same transaction.
    """
    if address.stopped_at is not None:
        return False
    at = moments.now()
    address.stopped_at = at
    session.add(Consent(address_id=address.id, purpose=ALL, given=False, evidence=evidence, at=at))
    cancel_planned(session, address, "stopped")
    return True


def start(session: Session, address: Address, evidence: str, said_at: datetime) -> bool:
    """Let future messages reach *address* again; return False if nothing held them.

    A word that reached us after later ones does not count: one of those may be the STOP.
    """
    if address.stopped_at is None:
        return False
    if address.last_inbound_at is not None and said_at < address.last_inbound_at:
        return False
    address.stopped_at = None
    session.add(
        Consent(address_id=address.id, purpose=ALL, given=True, evidence=evidence, at=moments.now())
    )
    return True


def cancel_planned(session: Session, address: Address, cause: str) -> None:
    """Take back what is planned for *address* and not yet handed over."""
    session.execute(
        update(Message)
        .where(Message.address_id == address.id, Message.state == "planned")
        .values(state="cancelled", cause=cause, changed_at=moments.now())
    )


def record(
    session: Session, person: Inburgeraar, *, given: bool, channel: str | None, evidence: str
) -> bool:
    """Write down a yes or a no to invitations; return False if that was the last word already."""
    if last_word(session, person, channel) == given:
        return False
    session.add(
        Consent(
            person_id=person.id,
            purpose=INVITATION,
            channel=channel,
            given=given,
            evidence=evidence,
            at=moments.now(),
        )
    )
    session.flush()
    return True


def names_at(session: Session, addresses: Collection[int]) -> dict[tuple[int, int], str]:
    """Return what to call people at those of *addresses* that they share, by person and address.

    The short name, where everybody there agreed to one and no two are the same; else nothing:
    whoever reads along has no business with it. Addresses of one person alone are left out.
    """
    # Asked by itself: PostgreSQL takes few of these for many, and reads every address there is.
    many = session.scalars(
        select(PersonAddress.address_id)
        .where(PersonAddress.address_id.in_(addresses))
        .group_by(PersonAddress.address_id)
        .having(func.count() > 1)
    ).all()
    if not many:
        return {}
    there: dict[int, list[tuple[int, str | None]]] = {}
    for person, address, name in session.execute(
        select(PersonAddress.person_id, PersonAddress.address_id, Inburgeraar.short_name)
        .join(Inburgeraar, Inburgeraar.id == PersonAddress.person_id)
        .where(PersonAddress.address_id.in_(many))
    ):
        there.setdefault(address, []).append((person, name))
    return {
        (person, address): name if agreed and name else ""
        for address, people in there.items()
        for agreed in [len({(name or "").casefold() for _, name in people} - {""}) == len(people)]
        for person, name in people
    }


def want_fewer(session: Session, person: Inburgeraar, evidence: str) -> None:
    """Write down that *person* wants no more than one reminder a day."""
    session.add(
        Consent(person_id=person.id, purpose=FEWER, given=True, evidence=evidence, at=moments.now())
    )
    session.flush()


def wants_fewer(session: Session, person: Inburgeraar) -> bool:
    """Say whether *person* wants no more than one reminder a day."""
    words = select(Consent.given).where(Consent.person_id == person.id, Consent.purpose == FEWER)
    return session.scalars(words.order_by(Consent.id.desc()).limit(1)).one_or_none() is True


def name_at(session: Session, person: Inburgeraar, address: Address | None) -> str:
    """Return what to call *person* in a message to *address*; nothing if others read it who have
    not agreed, or if it is another's.
    """
    if address is None:
        return person.first_name
    reached = select(PersonAddress.person_id).where(PersonAddress.address_id == address.id)
    there = set(session.scalars(reached))
    if len(there) <= 1:
        return "" if there - {person.id} else person.first_name
    return names_at(session, [address.id]).get((person.id, address.id), "")


def not_theirs(session: Session, address: Address, evidence: str) -> None:
    """Take *address* from whoever was reached there: it is somebody else's, who wrote to us.

    What was planned for it is void. It is remembered, so that no later file brings it back.
    """
    for link in list(address.people):
        session.add(
            Consent(
                person_id=link.person_id,
                address_id=address.id,
                purpose=NUMBER,
                given=False,
                evidence=evidence,
                at=moments.now(),
            )
        )
        session.delete(link)
    cancel_planned(session, address, "person_gone")
    session.flush()
    session.expire(address, ["people"])


def taken(session: Session, people: Collection[int]) -> set[tuple[int, int]]:
    """Return which addresses were taken from which of *people*: pairs of their ids."""
    if not people:
        return set()
    words = select(Consent.person_id, Consent.address_id).where(
        Consent.person_id.in_(people), Consent.purpose == NUMBER
    )
    return {(person, address) for person, address in session.execute(words) if person and address}


def former(session: Session, address: Address) -> set[int]:
    """Return the ids of the people from whom *address* was taken."""
    words = select(Consent.person_id).where(
        Consent.address_id == address.id, Consent.purpose == NUMBER
    )
    return {person for person in session.scalars(words) if person is not None}


def last_word(session: Session, person: Inburgeraar, channel: str | None) -> bool | None:
    """Return what *person* last said to invitations on *channel*; None if never asked.

    A word about all channels counts for each of them.
    """
    words = select(Consent.given).where(
        Consent.person_id == person.id, Consent.purpose == INVITATION
    )
    if channel is not None:
        words = words.where(or_(Consent.channel.is_(None), Consent.channel == channel))
    return session.scalars(words.order_by(Consent.id.desc()).limit(1)).one_or_none()


def may_invite(session: Session, person: Inburgeraar, channel: str) -> bool:
    """Say whether *person* said yes to invitations on *channel*, and did not take it back."""
    return last_word(session, person, channel) is True


def invitable(session: Session, first: int, last: int) -> Callable[[int, str], bool]:
    """Return `may_invite` for the people with these ids and all between: one question will do.

    What is returned takes the id of a person, and a channel.
    """
    return _may(session, Consent.person_id.between(first, last))


def said_yes(session: Session, people: Collection[int]) -> Callable[[int, str], bool]:
    """Return `may_invite` by the ids of *people*; asked in one question."""
    if not people:
        return lambda _person, _channel: False
    return _may(session, Consent.person_id.in_(people))


def _may(session: Session, whose: ColumnElement[bool]) -> Callable[[int, str], bool]:
    words: dict[tuple[int | None, str | None], tuple[int, bool]] = {}
    for number, person, channel, given in session.execute(
        select(Consent.id, Consent.person_id, Consent.channel, Consent.given)
        .where(Consent.purpose == INVITATION, whose)
        .order_by(Consent.id)
    ):
        words[person, channel] = number, given

    def may(person: int, channel: str) -> bool:
        """Say whether *person* said yes to invitations on *channel*; the last word counts."""
        return max(words.get((person, None), NEVER), words.get((person, channel), NEVER))[1]

    return may
