"""What needs a person: raised once per subject, taken over, closed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.orm import Session

from bot import moments
from bot.channels.base import ADVICE, Cause
from bot.inserts import insert_once
from bot.messaging.delivery import WHY_NOT
from bot.models import tasks as kinds
from bot.models.messages import Message, Reply
from bot.models.people import Address, Inburgeraar
from bot.models.tasks import Task
from bot.told import Told, tell

CALL_OR_WRITE = "bel of brief"
OTHER_DAY = "andere dag"
CHOSE = "koos zelf een tijd"
QUESTION = "vraag"
MONEY = "vraag geld"
UNCLEAR = "onduidelijk antwoord"
SPOKEN = "spraakbericht"
LISTEN = "opname beluisteren"
CHECK_NUMBER = "nummer controleren"
EMERGENCY = kinds.EMERGENCY
UPSET = kinds.UPSET
CALL_BACK = "terugbellen"
WRITE = "wij schrijven"
CHILDCARE = "kinderopvang"
CHECK_PRESENCE = "aanwezigheid controleren"
LATE_ANSWER = "antwoord na de afspraak"
NOT_DELIVERED = "niet bezorgd"
UNKNOWN = "onbekend of aangekomen"
LOOK_AT_TWILIO = "nakijken bij Twilio"
STOPPED = "geen berichten, bel of brief"
DECLINED = "komt niet"
BROADCAST = "groepsbericht staat stil"
MANY_STRANGERS = "veel onbekende nummers"
NOT_REACHED = "groepsbericht niet bezorgd"
CHANNEL_DOWN = "kanaal ligt stil"


FIRST = (EMERGENCY, UPSET)
"""What staff see before all else."""


def raise_task(
    session: Session,
    kind: str,
    *,
    about: str,
    person: Inburgeraar | None = None,
    address: Address | None = None,
    note: Told | None = None,
    reply: Reply | None = None,
) -> None:
    """Ask staff for something, unless the same is open already.

    *about* names the subject, e.g. ``afspraak:42``; *note* is never what a person wrote.
    """
    made = insert_once(
        session,
        Task,
        {
            "kind": kind,
            "subject": f"{kind}:{about}",
            "person_id": person.id if person else None,
            "address_id": address.id if address else None,
            "note": note,
            "reply_id": reply.id if reply else None,
            "since": moments.now(),
        },
    )
    if made is None:  # it is open: who asks again is not kept waiting
        session.execute(
            update(Task)
            .where(Task.subject == f"{kind}:{about}", Task.done_at.is_(None))
            .values(snoozed_until=None)
        )


def add_reply(session: Session, kind: str, about: str, reply: Reply) -> None:
    """Point the open task at what the person wrote since; staff read it there."""
    session.execute(
        update(Task)
        .where(Task.subject == f"{kind}:{about}", Task.done_at.is_(None))
        .values(reply_id=reply.id, snoozed_until=None)
    )


def still_open(session: Session, subjects: Collection[str]) -> Sequence[str]:
    """Return those of *subjects*, each a kind and what it is about, that wait for somebody."""
    return session.scalars(
        select(Task.subject).where(Task.subject.in_(subjects), Task.done_at.is_(None))
    ).all()


def withdraw(session: Session, kind: str, about: str) -> None:
    """Close what is no longer wanted."""
    session.execute(
        update(Task)
        .where(Task.subject == f"{kind}:{about}", Task.done_at.is_(None))
        .values(done_at=moments.now())
    )


def take(session: Session, task_id: int, who: str) -> bool:
    """Let *who* see to an open task; False if somebody has it, or it is closed."""
    return _change(session, task_id, Task.taken_by.is_(None), taken_by=who)


def write(session: Session, person: Inburgeraar, who: str) -> int:
    """Give *who* a conversation to write to *person* in; return its number.

    One that they have already, else a new one. A colleague who began one keeps it.
    """
    theirs = select(Task.id).where(Task.person_id == person.id, Task.done_at.is_(None))
    had = session.scalars(theirs.where(Task.taken_by == who).order_by(Task.id.desc())).first()
    if had is not None:
        return had
    about = f"person:{person.id}"
    raise_task(session, WRITE, about=about, person=person)
    begun = session.scalars(theirs.where(Task.subject == f"{WRITE}:{about}")).one()
    take(session, begun, who)
    return begun


def give_back(session: Session, task_id: int, who: str) -> bool:
    """Let anybody take the task that *who* had; False if they did not have it."""
    return _change(session, task_id, Task.taken_by == who, taken_by=None)


def close(session: Session, task_id: int, who: str) -> bool:
    """Close a task that nobody else has; False if somebody has, or it is closed already."""
    free = or_(Task.taken_by.is_(None), Task.taken_by == who)
    return _change(session, task_id, free, taken_by=who, done_at=moments.now())


def snooze(session: Session, task_id: int, who: str, until: datetime) -> bool:
    """Put a task aside that nobody else has; danger cannot wait. False if that cannot be."""
    free = and_(or_(Task.taken_by.is_(None), Task.taken_by == who), Task.kind != EMERGENCY)
    return _change(session, task_id, free, taken_by=who, snoozed_until=until)


def waits(now: datetime) -> ColumnElement[bool]:
    """Say of a task that it waits for a person at *now*: open, and not put aside."""
    awake = or_(Task.snoozed_until.is_(None), Task.snoozed_until <= now)
    return and_(Task.done_at.is_(None), awake)


def _change(session: Session, task_id: int, only: ColumnElement[bool], **values: object) -> bool:
    """Change an open task if *only* holds, in one statement: two people may click at once."""
    changed = session.scalars(
        update(Task)
        .where(Task.id == task_id, Task.done_at.is_(None), only)
        .values(**values)
        .returning(Task.id)
    )
    return changed.one_or_none() is not None


def not_delivered(session: Session, message: Message) -> None:
    """Tell staff of a message that will not arrive, why, and what to do.

    Left out are messages that a gate held because they had no point any more, and answers to
    what was just said that it held: the person has just said stop. An answer that was refused
    counts: they wait for it. A mass message asks for its readers in one go, when it is done.
    """
    if message.broadcast_id is not None:
        return
    failed = message.state in ("failed", "undelivered")
    held = message.state == "blocked" or message.cause in (
        "awaits_template",
        "danger",
        "quiet_too_long",
        "channel_down",
        "not_opened",
    )
    answer = message.purpose == "answer"
    just_asked = answer and message.in_reply_to is not None
    if not (failed or (held and not just_asked)):
        return
    alone = f"address:{message.address_id}" if answer else f"message:{message.id}"
    raise_task(
        session,
        NOT_DELIVERED if failed else CALL_OR_WRITE,
        about=message.about or alone,
        person=message.person,
        address=message.address,
        note=reason(message),
    )


def channel_down(session: Session, channel: str, cause: str, waiting: int) -> None:
    """Tell staff that nothing goes out by *channel* for now."""
    raise_task(
        session,
        CHANNEL_DOWN,
        about=f"channel:{channel}",
        note=tell(
            "%(channel)s: de provider werkt niet (%(cause)s). Berichten wachten (%(waiting)s) en "
            "gaan vanzelf uit zodra het weer kan. Bel wie niet kan wachten; vraag de beheerder om "
            "`stap doctor`.",
            channel=channel,
            cause=cause,
            waiting=waiting,
        ),
    )


def channel_up(session: Session, channel: str) -> None:
    """Close the task about *channel*: it works again."""
    withdraw(session, CHANNEL_DOWN, f"channel:{channel}")


def reason(message: Message) -> Told | None:
    """Say why *message* did not arrive, and what to do next; None if nobody knows."""
    return None if message.cause is None else explain(message.cause)


def explain(cause: str) -> Told:
    """Say what the *cause* of a message means, and what to do next."""
    if cause in WHY_NOT:
        return tell(WHY_NOT[cause])
    advice = ADVICE[Cause(cause)]
    return tell(f"{advice.dutch} {advice.next_step}")
