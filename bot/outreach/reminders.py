"""Which reminders are due now.

Every afspraak carries the moment of its next step, so a tick costs what is due and not what
there is. A tick that was missed is late, never lost; one that runs twice finds its occasion.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

import structlog
from sqlalchemy import exists, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from bot import logs, moments
from bot.house import House
from bot.messaging import outbox
from bot.models.afspraken import Afspraak
from bot.models.messages import Message
from bot.models.people import Inburgeraar
from bot.outreach import tasks
from bot.outreach.plan import TOO_CLOSE, Step, steps
from bot.privacy import consent
from bot.told import tell

log = structlog.get_logger()

REMINDER = "afspraak.reminder"
KEYS = {
    "confirmed": "afspraak.reminder_confirmed",
    "reschedule": "afspraak.reminder_other_day",
}
"""What a reminder says to who answered an earlier one: never as though nothing had been said."""

TRY_AGAIN = timedelta(minutes=10)
"""When an afspraak that could not be reminded of is looked at again."""


def plan(house: House, afspraak: Afspraak) -> list[Step]:
    """Return the reminders of this version of *afspraak*, first one first."""
    if afspraak.status != "gepland":
        return []
    return steps(
        afspraak.begins,
        afspraak.known_at,
        house.gemeente.plan(afspraak.soort),
        house.quiet,
        told=afspraak.version > 1,
    )


def plan_next(house: House, afspraak: Afspraak) -> None:
    """Set the moment of the first step that lies at or after the moment this version came."""
    coming = plan(house, afspraak)
    afspraak.next_step_at = coming[0].at if coming else None


def ahead(house: House, afspraak: Afspraak) -> list[Step]:
    """Return the reminders of *afspraak* that the clock has yet to queue, if nothing changes."""
    if afspraak.next_step_at is None or afspraak.answer == "declined":
        return []
    return [step for step in plan(house, afspraak) if step.at >= afspraak.next_step_at]


def values(afspraak: Afspraak) -> dict[str, Any]:
    """Return what texts may say of *afspraak*: when, where, with whom. Never why."""
    return {
        "begins": afspraak.begins,
        "place": afspraak.place,
        "address": afspraak.address or "",
        "staff": afspraak.staff or "",
    }


def tick(session: Session, house: House, limit: int) -> int:
    """Queue the reminders that are due, of up to *limit* afspraken; return of how many.

    One that cannot be reminded of is logged and comes back later: it holds up no other.
    """
    now = moments.now()
    found = session.scalars(
        select(Afspraak)
        .where(Afspraak.next_step_at.is_not(None), Afspraak.next_step_at <= now)
        .order_by(Afspraak.next_step_at)
        .limit(limit)
        .with_for_update(skip_locked=True, key_share=True)
    ).all()
    for afspraak in found:
        try:
            with session.begin_nested():
                _take_step(session, house, afspraak)
        except OperationalError:
            raise  # the database's fault and not this afspraak's
        except Exception as error:
            log.error("no reminder", about=afspraak.about, fault=logs.fault(error))
            afspraak.next_step_at = now + TRY_AGAIN
    return len(found)


def _take_step(session: Session, house: House, afspraak: Afspraak) -> None:
    """Remind of *afspraak* if that is of use now, and set when its next step is due."""
    now = moments.now()
    planned = plan(house, afspraak)
    overdue = [step for step in planned if step.at <= now]
    coming = [step for step in planned if step.at > now]
    if overdue and afspraak.begins > now and afspraak.answer != "declined":
        # After an outage: not a late one and then the next one almost at once.
        late = now - overdue[-1].at > TOO_CLOSE
        if not (late and coming and coming[0].at - now <= TOO_CLOSE):
            _remind(session, house, afspraak, overdue[-1])
    afspraak.next_step_at = coming[0].at if coming else None


def _enough_today(session: Session, person: Inburgeraar) -> bool:
    """Say whether *person* wants one reminder a day, and has had today's."""
    if not consent.wants_fewer(session, person):
        return False
    today = moments.local(moments.now()).date()
    return bool(
        session.scalar(
            select(
                exists().where(
                    Message.address_id.in_([link.address_id for link in person.addresses]),
                    Message.person_id == person.id,
                    Message.purpose == "public task",
                    Message.in_reply_to.is_(None),
                    Message.state.not_in(("blocked", "cancelled", "expired", "failed")),
                    Message.created_at >= moments.from_local(datetime.combine(today, time())),
                )
            )
        )
    )


def _remind(session: Session, house: House, afspraak: Afspraak, step: Step) -> None:
    if _enough_today(session, afspraak.person):
        tasks.raise_task(
            session,
            tasks.CALL_OR_WRITE,
            about=afspraak.about,
            person=afspraak.person,
            note=tell(
                "Wil hoogstens een herinnering per dag. Deze is niet verstuurd; bel als het moet."
            ),
        )
        return
    message = outbox.queue(
        session,
        house,
        occasion=f"{afspraak.about}:v{afspraak.version}:{step.label}",
        key=_worded(afspraak),
        person=afspraak.person,
        values=values(afspraak),
        about=afspraak.about,
        version=afspraak.version,
        expires_at=afspraak.begins,
    )
    if message is not None:
        if message.state == "planned":
            _take_the_place(session, afspraak, message)
        tasks.not_delivered(session, message)


def _worded(afspraak: Afspraak) -> str:
    return KEYS.get(afspraak.answer, REMINDER)


def said_again(session: Session, question: Message) -> str:
    """Return the text that says *question* once more: a reminder knows what was answered since."""
    noun, _, number = (question.about or "").partition(":")
    if noun != "afspraak" or question.key not in (REMINDER, *KEYS.values()):
        return question.key
    afspraak = session.get(Afspraak, int(number))
    return question.key if afspraak is None else _worded(afspraak)


def _take_the_place(session: Session, afspraak: Afspraak, message: Message) -> None:
    """Let go of earlier reminders of *afspraak* that still wait: nobody is told twice at once."""
    session.execute(
        update(Message)
        .where(
            Message.about == afspraak.about,
            Message.key.in_((REMINDER, *KEYS.values())),
            Message.state == "planned",
            Message.id < message.id,
        )
        .values(state="cancelled", cause="later_step", changed_at=moments.now())
    )
