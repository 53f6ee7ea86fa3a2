"""Free times: offered to who wants another day, held while they choose, taken by one of them.

All that changes a slot takes its turn first, so that nobody waits for anybody in a circle.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.orm import Session

from bot import moments
from bot.house import House
from bot.models.afspraken import Afspraak, Slot
from bot.models.messages import Reply
from bot.outreach import afspraken

HELD = timedelta(hours=1)
"""How long a slot that was offered is kept for who was asked. After it, it may still be free."""

MOST = 4
"""Slots that are offered at once: a list that fits a small screen, and leaves some for others."""

SOON = timedelta(hours=2)
"""A slot that begins earlier than this is not offered: nobody could come, or prepare."""


def offer(session: Session, afspraak: Afspraak) -> list[Slot]:
    """Hold up to MOST free slots that fit *afspraak*, the earliest first, and return them.

    What was held for it before is let go.
    """
    afspraken.turn(session)
    _let_go(session, afspraak)
    now = moments.now()
    found = list(
        session.scalars(
            select(Slot)
            .where(
                _free(afspraak),
                Slot.begins >= now + SOON,
                Slot.begins != afspraak.begins,
                _with(afspraak),
                *_not_busy(session, afspraak),
            )
            .order_by(Slot.begins, Slot.id)
            .limit(MOST)
            .execution_options(populate_existing=True)
        )
    )
    for slot in found:
        slot.held_for, slot.held_until = afspraak.id, now + HELD
    session.flush()
    return found


def take(session: Session, house: House, afspraak: Afspraak, slot_id: int, reply: Reply) -> bool:
    """Move *afspraak* to the slot its person chose; False if that is not free any more.

    The slot it had is free again. Raises `afspraken.Moved` as an answer does.
    """
    afspraken.lock(session, afspraak)
    afspraken.turn(session)
    slot = session.get(Slot, slot_id, populate_existing=True)
    if slot is None or slot.begins < moments.now() + SOON:
        return False
    had = select(Slot).where(Slot.afspraak_id == afspraak.id)
    before = session.scalars(had.execution_options(populate_existing=True)).one_or_none()
    agenda = afspraken.in_agenda(session, afspraak, before)
    if before is not None and before.id != slot_id:
        before.afspraak_id = before.instead_of = None
        session.flush()
    taken = session.scalars(
        update(Slot)
        .where(Slot.id == slot_id, _free(afspraak))
        .values(afspraak_id=afspraak.id, instead_of=agenda, held_for=None, held_until=None)
        .returning(Slot)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if taken is None:
        if before is not None:
            before.afspraak_id, before.instead_of = afspraak.id, agenda
            session.flush()
        return False
    _let_go(session, afspraak)
    afspraken.choose(session, house, afspraak, taken, reply)
    return True


def let_go(session: Session, afspraak: Afspraak) -> None:
    """Let others be offered what was held for *afspraak*."""
    afspraken.turn(session)
    _let_go(session, afspraak)


def _let_go(session: Session, afspraak: Afspraak) -> None:
    session.execute(
        update(Slot)
        .where(Slot.held_for == afspraak.id)
        .values(held_for=None, held_until=None)
        .execution_options(synchronize_session="fetch")
    )


def _free(afspraak: Afspraak) -> ColumnElement[bool]:
    return and_(
        Slot.status == "vrij",
        Slot.afspraak_id.is_(None),
        or_(
            Slot.held_for.is_(None),
            Slot.held_for == afspraak.id,
            Slot.held_until <= moments.now(),
        ),
    )


def _with(afspraak: Afspraak) -> ColumnElement[bool]:
    """Return what makes a slot one with the same colleague, or with anybody."""
    whose = afspraak.staff or afspraak.person.klantmanager
    anybody = Slot.staff.is_(None)
    return anybody if not whose else or_(anybody, func.lower(Slot.staff) == whose.lower())


def _not_busy(session: Session, afspraak: Afspraak) -> Iterator[ColumnElement[bool]]:
    """Give what keeps a slot clear of what else its person has to do."""
    others: Sequence[Afspraak] = session.scalars(
        select(Afspraak).where(
            Afspraak.person_id == afspraak.person_id,
            Afspraak.id != afspraak.id,
            Afspraak.status == "gepland",
            Afspraak.begins > moments.now() - timedelta(days=1),
        )
    ).all()
    for other in others:
        ends = other.begins + timedelta(minutes=other.minutes)
        yield or_(Slot.begins >= ends, Slot.ends <= other.begins)
