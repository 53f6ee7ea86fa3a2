"""The verbs of an afspraak: made, moved, cancelled by staff; answered by the person.

A new time or place is a new version: what was planned about the old one is void, and so is
the answer that was given to it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import and_, exists, select, update
from sqlalchemy.orm import Session

from bot import moments
from bot.db import take_turns
from bot.house import House
from bot.messaging import outbox
from bot.models.afspraken import Afspraak, Slot
from bot.models.messages import Message, Reply
from bot.models.people import Inburgeraar
from bot.models.tasks import Task
from bot.outreach import reminders, tasks
from bot.told import tell

Recorded = Literal["new", "changed", "unchanged", "cancelled", "kept"]

TOLD = (
    "sending",
    "unknown",
    "accepted",
    "sent",
    "delivered",
    "read",
    "no_receipt",
    "unknown_final",
)
"""States in which a message has reached its reader, or may have."""


def note_presence(session: Session, afspraak: Afspraak, came: bool | None) -> bool:
    """Write down whether the person was there; None takes it back. Returns False where it is
    not over yet, or was called off."""
    session.refresh(afspraak, with_for_update=True)
    if afspraak.begins > moments.now() or afspraak.status != "gepland":
        return False
    afspraak.came = came
    session.flush()
    return True


TURN = 0x57A3
"""The kind of `take_turns` for free times."""


class Moved(Exception):
    """The afspraak changed while an answer to it was being written down: read it once more."""


def record(
    session: Session,
    house: House,
    *,
    kenmerk: str,
    person: Inburgeraar,
    begins: datetime,
    minutes: int,
    soort: str | None,
    place: str,
    address: str | None,
    staff: str | None,
    status: str,
    sequence: int | None = None,
) -> Recorded:
    """Write down an afspraak as staff have it now, and tell the person what changed.

    The same again changes nothing, and ``kept`` means that the person chose another time since,
    which staff have yet to put in the agenda that this comes from. *status* is ``gepland`` or
    ``afgezegd``; *sequence* is that of a calendar event, whose older versions are passed over.
    """
    afspraak = session.scalars(
        select(Afspraak)
        .where(Afspraak.kenmerk == kenmerk)
        .with_for_update(key_share=True)
        # Whoever read it before, such as an import of many, may have missed an answer since.
        .execution_options(populate_existing=True)
    ).one_or_none()
    details = {"minutes": minutes, "soort": soort, "address": address, "staff": staff}
    if afspraak is None:
        afspraak = Afspraak(
            kenmerk=kenmerk,
            person=person,
            begins=begins,
            place=place,
            status=status,
            sequence=sequence,
            version=1,
            answer="none",
            known_at=moments.now(),
            **details,
        )
        reminders.plan_next(house, afspraak)
        session.add(afspraak)
        session.flush()
        return "new"
    if None not in (sequence, afspraak.sequence) and sequence < afspraak.sequence:  # type: ignore[operator]
        return "unchanged"
    moved = (afspraak.begins, afspraak.place, afspraak.person_id) != (begins, place, person.id)
    reopened = afspraak.status == "afgezegd" and status == "gepland"
    cancelled = afspraak.status == "gepland" and status == "afgezegd"
    altered = any(getattr(afspraak, name) != value for name, value in details.items())
    stood = afspraak.status == "gepland"
    same_person = person.id == afspraak.person_id
    if stood and moved and same_person and not cancelled and _is_behind(session, afspraak, begins):
        return "kept"
    spoke_of, former = reminders.values(afspraak), afspraak.person
    for name, value in details.items():
        setattr(afspraak, name, value)
    afspraak.sequence = sequence if sequence is not None else afspraak.sequence
    if not (moved or reopened or cancelled):
        if altered:
            reminders.plan_next(house, afspraak)
        return "changed" if altered else "unchanged"
    tasks.withdraw(session, tasks.CHOSE, afspraak.about)  # the agenda has the last word again
    told = _was_told(session, afspraak)
    afspraak.begins, afspraak.place, afspraak.status, afspraak.person = (
        begins,
        place,
        status,
        person,
    )
    afspraak.version += 1
    afspraak.answer, afspraak.answered_at, afspraak.came = "none", None, None
    afspraak.known_at = moments.now()
    session.flush()
    _give_back(session, afspraak)
    reminders.plan_next(house, afspraak)
    if told and stood and (cancelled or former is not person):
        # The notice names the time that the person knows, not one they never heard of.
        _tell(session, house, afspraak, former, "afspraak.cancelled", spoke_of)
    if status == "gepland":
        _tell(session, house, afspraak, person, "afspraak.changed", reminders.values(afspraak))
    return "cancelled" if cancelled else "changed"


def turn(session: Session) -> None:
    """Let nobody else change a free time until this transaction ends."""
    take_turns(session, TURN, [1])


def _give_back(session: Session, afspraak: Afspraak) -> None:
    """Let others be offered the free time that *afspraak* had, if it has it no more.

    And those it was choosing from. It is locked before, as by who takes one.
    """
    turn(session)
    had = Slot.afspraak_id == afspraak.id
    if afspraak.status == "gepland":
        had = and_(had, Slot.begins != afspraak.begins)
    session.execute(update(Slot).where(had).values(afspraak_id=None, instead_of=None))
    session.execute(
        update(Slot).where(Slot.held_for == afspraak.id).values(held_for=None, held_until=None)
    )


def _was_told(session: Session, afspraak: Afspraak) -> bool:
    return (
        session.scalar(
            select(
                exists().where(
                    Message.about == afspraak.about,
                    Message.purpose == "public task",
                    Message.state.in_(TOLD),
                )
            )
        )
        is True
    )


def _tell(
    session: Session,
    house: House,
    afspraak: Afspraak,
    person: Inburgeraar,
    key: str,
    values: dict[str, Any],
) -> None:
    begins = values["begins"]
    if begins <= moments.now():
        return
    message = outbox.queue(
        session,
        house,
        occasion=f"{afspraak.about}:v{afspraak.version}:{key.partition('.')[2]}",
        key=key,
        person=person,
        values=values,
        about=afspraak.about,
        version=afspraak.version,
        expires_at=begins,
    )
    if message is not None:
        tasks.not_delivered(session, message)


def lock(session: Session, afspraak: Afspraak) -> None:
    """Hold *afspraak* as it is; raise Moved if staff changed time or place since it was read."""
    meant = afspraak.version
    session.refresh(afspraak, with_for_update={"key_share": True})
    if afspraak.version != meant:
        raise Moved(f"{afspraak.about}: v{meant} -> v{afspraak.version}")


def choose(session: Session, house: House, afspraak: Afspraak, slot: Slot, reply: Reply) -> None:
    """Give a locked *afspraak* the time of the *slot* that its person chose: they come.

    A new version, so that what was planned about the old time is void; staff put it in their own
    agenda, which knows nothing of this yet.
    """
    now = moments.now()
    afspraak.begins, afspraak.known_at = slot.begins, now
    afspraak.minutes = int((slot.ends - slot.begins).total_seconds()) // 60
    if slot.place is not None:
        afspraak.place, afspraak.address = slot.place, slot.address
    afspraak.staff = slot.staff or afspraak.staff
    afspraak.version += 1
    afspraak.answer, afspraak.answered_at = "confirmed", now
    session.flush()
    reminders.plan_next(house, afspraak)
    for kind in (tasks.DECLINED, tasks.OTHER_DAY, tasks.CHOSE):
        tasks.withdraw(session, kind, afspraak.about)
    tasks.raise_task(
        session,
        tasks.CHOSE,
        about=afspraak.about,
        person=afspraak.person,
        note=tell(
            "Koos zelf %(at)s. Zet het in de agenda; de oude tijd is weer vrij.",
            at=f"{moments.local(slot.begins):%d-%m-%Y %H:%M}",
        ),
        reply=reply,
    )


def in_agenda(session: Session, afspraak: Afspraak, slot: Slot | None) -> datetime:
    """Return the start that staff's own agenda shows for *afspraak*, which has *slot* if any."""
    if slot is None or slot.instead_of is None or not _to_be_copied(session, afspraak):
        return afspraak.begins
    return slot.instead_of


def _is_behind(session: Session, afspraak: Afspraak, begins: datetime) -> bool:
    """Say whether *begins* is but the time before the one that the person chose themselves."""
    chosen = session.scalars(select(Slot).where(Slot.afspraak_id == afspraak.id)).one_or_none()
    return (
        chosen is not None
        and (chosen.begins, chosen.instead_of) == (afspraak.begins, begins)
        and _to_be_copied(session, afspraak)
    )


def _to_be_copied(session: Session, afspraak: Afspraak) -> bool:
    """Say whether staff have yet to put in their agenda what the person chose."""
    return (
        session.scalar(
            select(
                exists().where(
                    Task.subject == f"{tasks.CHOSE}:{afspraak.about}", Task.done_at.is_(None)
                )
            )
        )
        is True
    )


def answer(session: Session, afspraak: Afspraak, said: str, reply: Reply) -> None:
    """Keep what the person answered to this version: confirmed, declined, reschedule.

    A later answer takes the place of an earlier one, and of the task that it left. Raises Moved
    if staff gave the afspraak another time or place since it was read.
    """
    lock(session, afspraak)
    for kind in (tasks.DECLINED, tasks.OTHER_DAY):
        tasks.withdraw(session, kind, afspraak.about)
    afspraak.answer, afspraak.answered_at = said, moments.now()
    if said == "declined":
        tasks.raise_task(
            session,
            tasks.DECLINED,
            about=afspraak.about,
            person=afspraak.person,
            note=tell("Komt niet op deze afspraak. Maak een nieuwe of bel."),
            reply=reply,
        )
    elif said == "reschedule":
        tasks.raise_task(
            session,
            tasks.OTHER_DAY,
            about=afspraak.about,
            person=afspraak.person,
            note=tell("Wil een andere dag. Bel voor een nieuwe tijd."),
            reply=reply,
        )
