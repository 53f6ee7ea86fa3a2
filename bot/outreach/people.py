"""What people tell about themselves: who they are, their language, that a number is not theirs."""

from __future__ import annotations

import secrets
from datetime import datetime

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from bot import moments
from bot.models.dialogues import Dialogue
from bot.models.messages import Reply
from bot.models.people import Address, Consent, Inburgeraar, PersonAddress
from bot.models.tasks import Task
from bot.outreach import replies, tasks
from bot.privacy import consent
from bot.told import Told, tell

UNSAID = tell(
    "Stuurde STOP. Het bericht van een collega ging niet meer uit. Bel of schrijf een brief."
)
"""What staff read of a stop that came while something which a colleague said was waiting."""


def change_language(address: Address, person: Inburgeraar | None, language: str) -> None:
    """Speak *language* from now on: to the person if known, and to this address."""
    address.language = language
    if person is not None:
        person.language = language


def prefer_listening(person: Inburgeraar, listens: bool) -> bool:
    """Send *person* sounds beside texts, or not any more; return False if that was so already."""
    news = person.listens != listens
    person.listens = listens
    return news


def close_number(session: Session, address: Address, reply: Reply) -> None:
    """Someone else has this number: nothing is sent there any more, and staff check it.

    That goes for every channel of it, and what was under way there is forgotten.
    """
    note = tell("Iemand anders heeft dit nummer. Vraag het juiste nummer.")
    for each in [address, *_same_number(session, address)]:
        each.state = "closed"
        each.language = None  # it was chosen by whoever had the number before
        consent.cancel_planned(session, each, "closed")
        session.execute(delete(Dialogue).where(Dialogue.address_id == each.id))
        _ask_staff(session, tasks.CHECK_NUMBER, each, note, reply)


def open_again(session: Session, address: Address, reply: Reply) -> None:
    """Let whoever has a closed number now come in, as somebody new: it is no longer theirs who
    had it before.
    """
    if address.state == "closed":
        consent.not_theirs(session, address, f"reply {reply.id}")
    address.state = "open"


def household(address: Address) -> list[Inburgeraar]:
    """Return who is reached at *address*, oldest first; nobody once it is somebody else's."""
    if address.state == "closed":
        return []
    return sorted((link.person for link in address.people), key=lambda person: person.id)


def _same_number(session: Session, address: Address) -> list[Address]:
    number = address.phone or (address.address if address.address.startswith("+") else None)
    if number is None:
        return []
    return list(
        session.scalars(
            select(Address)
            .where(
                Address.id != address.id,
                or_(Address.phone == number, Address.address == number),
            )
            .order_by(Address.id)
            .with_for_update(key_share=True)
        )
    )


def stop(session: Session, address: Address, evidence: str, note: Told, reply: Reply) -> bool:
    """Send nothing more here, and let staff call or write instead; False if that was so already."""
    unsaid = replies.waiting(session, address)
    if not consent.stop(session, address, evidence):
        return False
    _ask_staff(session, tasks.STOPPED, address, UNSAID if unsaid else note, reply)
    return True


def start_again(session: Session, address: Address, evidence: str, said_at: datetime) -> bool:
    """Let future messages come here again; False if nothing held them.

    What staff were asked to do because of the stop is asked no more.
    """
    if not consent.start(session, address, evidence, said_at):
        return False
    for link in address.people:
        tasks.withdraw(session, tasks.STOPPED, _subject(link))
    return True


def _ask_staff(
    session: Session, kind: str, address: Address, note: Told, reply: Reply | None = None
) -> None:
    """Raise a task for each person who is reached at *address*."""
    for link in address.people:
        tasks.raise_task(
            session,
            kind,
            about=_subject(link),
            person=link.person,
            address=address,
            note=note,
            reply=reply,
        )


def _subject(link: PersonAddress) -> str:
    return f"address:{link.address_id}:person:{link.person_id}"


PAUSED_BY = "staff "
"""How the evidence of a stop begins that a colleague wrote down; nobody else may lift another."""


def pause(session: Session, person: Inburgeraar, evidence: str) -> list[Address]:
    """Send *person* nothing more, because they told a colleague so or it is better for now.

    Returns the addresses that this leaves alone: somebody else reads there too.
    """
    shared = []
    for link in person.addresses:
        if len(link.address.people) > 1:
            shared.append(link.address)
        else:
            consent.stop(session, link.address, f"{PAUSED_BY}{evidence}")
    return shared


def go_on(session: Session, person: Inburgeraar, evidence: str) -> list[Address]:
    """Let messages reach *person* again where a colleague paused them.

    Returns the addresses that stay silent: there they sent STOP themselves.
    """
    silent = []
    for link in person.addresses:
        if link.address.stopped_at is None:
            continue
        if not _paused(session, link.address):
            silent.append(link.address)
        else:
            start_again(session, link.address, f"{PAUSED_BY}{evidence}", moments.now())
    return silent


def invite_again(session: Session, address: Address) -> bool:
    """Lift what danger told from this phone holds back; say whether, for not while it is open."""
    open_still = select(Task.id).where(
        Task.kind == tasks.EMERGENCY, Task.address_id == address.id, Task.done_at.is_(None)
    )
    if session.scalar(select(open_still.exists())):
        return False
    address.bulk_locked_at = None
    return True


def _paused(session: Session, address: Address) -> bool:
    """Say whether the last stop at *address* was a colleague's."""
    last = session.scalars(
        select(Consent)
        .where(Consent.address_id == address.id, Consent.purpose == consent.ALL)
        .order_by(Consent.id.desc())
        .limit(1)
    ).first()
    return last is not None and not last.given and last.evidence.startswith(PAUSED_BY)


def blocked_us(session: Session, address: Address) -> None:
    """They blocked the bot: as good as STOP, for this channel alone."""
    if address.state != "open":
        return
    address.state = "blocked"
    consent.cancel_planned(session, address, "blocked")
    note = tell("Deze persoon heeft de bot geblokkeerd. Bel of schrijf een brief.")
    _ask_staff(session, tasks.CALL_OR_WRITE, address, note)


def unblocked_us(address: Address) -> None:
    """They let the bot in again: future messages go, what was missed is not sent after all."""
    if address.state == "blocked":
        address.state = "open"


def sign_up(
    session: Session,
    address: Address,
    *,
    first_name: str,
    language: str,
    wijk: str | None,
    interest: str | None,
) -> Inburgeraar:
    """Let somebody who told us about themselves be known, reachable at *address*."""
    person = Inburgeraar(
        kenmerk=f"A-{secrets.token_hex(4).upper()}",
        first_name=first_name,
        language=language,
        wijk=wijk,
        interest=interest,
        created_at=moments.now(),
    )
    session.add(person)
    session.flush()
    _reach(session, [person], address)
    return person


def join_by_number(session: Session, address: Address) -> list[Inburgeraar]:
    """Return whom we know by the same proven number on another channel; put *address* to them.

    Without this, one who signs up on WhatsApp and later by SMS would be two people.
    """
    if address.phone is None:
        return []
    known = list(
        session.scalars(
            select(Inburgeraar)
            .join(PersonAddress, PersonAddress.person_id == Inburgeraar.id)
            .join(Address, Address.id == PersonAddress.address_id)
            .where(
                Address.id != address.id,
                Address.state != "closed",
                or_(Address.phone == address.phone, Address.address == address.phone),
            )
            .order_by(Inburgeraar.id)
            .distinct()
        )
    )
    _reach(session, known, address)
    return known


def _reach(session: Session, known: list[Inburgeraar], address: Address) -> None:
    for person in known:
        last = max((link.rank for link in person.addresses), default=-1)
        session.add(PersonAddress(person=person, address=address, rank=last + 1))
    session.flush()
