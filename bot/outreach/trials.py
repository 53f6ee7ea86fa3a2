"""A mass message on one's own phone first: as its readers will get it, and marked as a test.

The phone is proven: it sent a code that only its owner saw. So a log-in that was stolen writes to
nobody else, and what goes out is an answer to who asked for it. It counts in no figure.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from bot import moments
from bot.house import House
from bot.messaging import outbox, route
from bot.models.broadcasts import Broadcast
from bot.models.messages import InboxEvent, Message
from bot.models.people import Address, PersonAddress
from bot.models.staff import AuditEntry, StaffPhone
from bot.outreach.broadcasts import Refused
from bot.outreach.preview import press_of, standing
from bot.wording.languages import languages

WORD = "TEST"
"""What stands before the code, and in the place of somebody's name."""

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Without what can be read in two ways."""
LENGTH = 8

CODE_LASTS = timedelta(minutes=30)
USEFUL = timedelta(hours=1)

AN_HOUR = 60
"""Tests of one member in an hour: every language on every phone of theirs, once over."""

TESTED = "broadcast.tested"
"""What the audit calls it."""

SAYABLE = ("source", "reviewed", "unreviewed")


@dataclass(frozen=True, slots=True)
class Phone:
    """A phone of a member, and whether WhatsApp takes free text for it now."""

    number: int
    channel: str
    address: str
    open: bool


# ------------------------------------------------------------------ whose phone it is


def ask(session: Session, staff_id: int) -> StaffPhone:
    """Return the code that a phone of this member must send; an earlier one that is unused goes."""
    session.execute(
        delete(StaffPhone).where(StaffPhone.staff_id == staff_id, StaffPhone.address_id.is_(None))
    )
    code = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    phone = StaffPhone(staff_id=staff_id, code=code, created_at=moments.now())
    session.add(phone)
    session.flush()
    return phone


def asked(session: Session, staff_id: int) -> str | None:
    """Return what a phone of this member must send to be theirs, as long as that is good."""
    code = session.scalar(
        select(StaffPhone.code).where(
            StaffPhone.staff_id == staff_id,
            StaffPhone.address_id.is_(None),
            StaffPhone.created_at > moments.now() - CODE_LASTS,
        )
    )
    return code and f"{WORD} {code}"


def claim(session: Session, address: Address, event: InboxEvent, text: str) -> bool:
    """Let *address* be the phone of the member whose code it sent; say whether it was one.

    Never that of a resident. Of each channel a member has one: the last.
    """
    word, _, code = text.strip().upper().partition(" ")
    if word != WORD or len(code) != LENGTH or address.people:
        return False
    phone = session.scalars(
        select(StaffPhone).where(
            StaffPhone.code == code,
            StaffPhone.address_id.is_(None),
            StaffPhone.created_at > moments.now() - CODE_LASTS,
        )
    ).one_or_none()
    if phone is None:
        return False
    same_channel = select(Address.id).where(Address.channel == address.channel)
    session.execute(
        delete(StaffPhone).where(
            (StaffPhone.address_id == address.id)
            | (StaffPhone.staff_id == phone.staff_id) & StaffPhone.address_id.in_(same_channel)
        )
    )
    phone.address_id, phone.event_id = address.id, event.id
    return True


def forget(session: Session, staff_id: int, number: int) -> None:
    """Let phone *number* of this member be nobody's."""
    session.execute(
        delete(StaffPhone).where(StaffPhone.id == number, StaffPhone.staff_id == staff_id)
    )


def phones(session: Session, house: House, staff_id: int) -> list[Phone]:
    """Return the phones of this member that may be written to, by channel."""
    rows = session.execute(
        select(StaffPhone.id, Address)
        .join(Address, Address.id == StaffPhone.address_id)
        .where(StaffPhone.staff_id == staff_id)
        .order_by(Address.channel)
    )
    return [
        Phone(number, address.channel, address.address, route.window_open(address))
        for number, address in rows
        if address.channel in house.channels and house.settings.may_reach(address.address)
    ]


# ------------------------------------------------------------------ what is tried


def send(
    session: Session,
    house: House,
    broadcast: Broadcast,
    staff_id: int,
    wanted: Collection[tuple[str, str]],
) -> int:
    """Send *broadcast* to the member's own phones; *wanted* are pairs of language and channel.

    Returns how many went. Raises Refused, in Dutch.
    """
    mine = {
        address.channel: (address, session.get_one(InboxEvent, event))
        for address, event in session.execute(
            select(Address, StaffPhone.event_id)
            .join(StaffPhone, StaffPhone.address_id == Address.id)
            .where(StaffPhone.staff_id == staff_id)
        )
    }
    if not wanted:
        raise Refused("Kies minstens één taal om te testen.")
    for language, channel in wanted:
        if channel not in mine:
            raise Refused("Koppel eerst een eigen telefoon voor dit kanaal.")
        if language not in languages() or standing(house, broadcast, language) not in SAYABLE:
            raise Refused("In die taal is er geen tekst om te testen.")
        if session.scalar(
            select(func.count()).where(PersonAddress.address_id == mine[channel][0].id)
        ):
            raise Refused("Deze telefoon is nu van een inwoner. Koppel een andere.")
    if _in_an_hour(session, staff_id) + len(wanted) > AN_HOUR:
        raise Refused(f"Dat zijn meer dan {AN_HOUR} tests in een uur. Probeer het later weer.")
    press = press_of(session, house, broadcast)
    now = moments.now()
    for language, channel in sorted(wanted):
        address, event = mine[channel]
        outbox.queue_test(
            session,
            press,
            occasion=f"test:{broadcast.id}:{staff_id}:{now.isoformat()}:{language}:{channel}",
            about=_about(broadcast),
            above=f"{WORD} van groepsbericht {broadcast.id}. Alleen u krijgt dit, geen inwoner.",
            first_name=WORD,
            language=language,
            address=address,
            in_reply_to=event,
            expires_at=now + USEFUL,
        )
    return len(wanted)


def sent(session: Session, broadcast: Broadcast) -> Sequence[Message]:
    """Return the tests of *broadcast* as it is now, the newest first."""
    changed = [event["at"] for event in broadcast.history if event["what"].startswith(EDITS)]
    found = session.scalars(
        select(Message).where(Message.about == _about(broadcast)).order_by(Message.id.desc())
    )
    return [each for each in found if each.created_at.isoformat() >= max(changed, default="")]


EDITS = ("geschreven", "veranderd")
"""How the history of a broadcast speaks of what makes earlier tests worthless."""


def _about(broadcast: Broadcast) -> str:
    return f"test:{broadcast.about}"


def _in_an_hour(session: Session, staff_id: int) -> int:
    entries = session.scalars(
        select(AuditEntry).where(
            AuditEntry.staff_id == staff_id,
            AuditEntry.at > moments.now() - timedelta(hours=1),
            AuditEntry.action == TESTED,
        )
    )
    return sum(int(entry.detail["count"]) for entry in entries)
