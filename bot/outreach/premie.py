"""What an ambassadeur is entitled to: flags that a person looked at, and months that two signed.

A flag is a question, not a verdict. Who draws a month up never approves it. Paying is elsewhere.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, datetime, time
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import moments
from bot.inserts import insert_once
from bot.models.ambassadeurs import Aanmelding, Ambassadeur, Link, Premie
from bot.models.figures import Figure
from bot.told import tell

COUNTED = "counted"
"""How a `Figure` says of an aanmelding that it counts."""


class NotNow(Exception):
    """It cannot be done as things stand; the text says why, in Dutch."""


def decide(session: Session, aanmelding: Aanmelding, *, counts: bool, by: str, why: str) -> None:
    """Write down that *by* looked at the flags, and whether it counts all the same.

    Raises NotNow where there is no flag or no reason, or the month was approved already.
    """
    session.refresh(aanmelding, with_for_update=True)
    if not aanmelding.flags:
        raise NotNow("Deze aanmelding heeft geen vlag: er valt niets te beslissen.")
    if not why.strip():
        raise NotNow("Schrijf kort op waarom. Een ander moet het kunnen volgen.")
    signed = session.scalar(
        select(Premie.id)
        .join(Link, Link.ambassadeur_id == Premie.ambassadeur_id)
        .where(
            Link.id == aanmelding.link_id,
            Premie.month == month_of(aanmelding.at),
            Premie.approved_by.is_not(None),
        )
    )
    if signed is not None:
        raise NotNow("De premie over die maand is al goedgekeurd. Overleg met wie goedkeurde.")
    aanmelding.counted, aanmelding.decided_by = counts, by
    aanmelding.decided_at, aanmelding.decided_why = moments.now(), why.strip()[:200]
    session.flush()


def draw_up(
    session: Session, ambassadeur: Ambassadeur, month: date, by: str, each: Decimal | None = None
) -> Premie:
    """Draw up the *month* of *ambassadeur* as it stands now; drawn up before, it is done anew.

    *each*: the euros for one that counts; what it comes to is fixed with it.

    Raises NotNow while the month runs, while a flag waits, when nothing counts, or once approved.
    """
    if span(month)[1] > moments.now():
        raise NotNow("Die maand is nog niet voorbij.")
    session.refresh(ambassadeur, with_for_update=True)
    counted, waiting = standing(session, ambassadeur, month)
    if waiting:
        raise NotNow(
            tell(
                "Er wachten nog %(waiting)s vlaggen over die maand. Beslis daar eerst over.",
                waiting=waiting,
            )
        )
    if not counted:
        raise NotNow("Over die maand telt geen aanmelding mee.")
    insert_once(
        session,
        Premie,
        {
            "ambassadeur_id": ambassadeur.id, "month": month, "count": counted,
            "drawn_by": by, "drawn_at": moments.now(),
        },
    )  # fmt: skip
    premie = session.scalars(
        select(Premie)
        .where(Premie.ambassadeur_id == ambassadeur.id, Premie.month == month)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    if premie.approved_by is not None:
        raise NotNow("Die maand is al goedgekeurd.")
    premie.count, premie.drawn_by, premie.drawn_at = counted, by, moments.now()
    premie.cents = None if each is None else int(counted * each * 100)
    session.flush()
    return premie


def approve(session: Session, premie: Premie, by: str) -> None:
    """Let *by* sign for exactly what was drawn up.

    Raises NotNow for who drew it up, for a second time, or when something changed since.
    """
    ambassadeur = session.get_one(Ambassadeur, premie.ambassadeur_id)
    session.refresh(ambassadeur, with_for_update=True)  # draw_up and approve take turns
    session.refresh(premie, with_for_update=True)
    if premie.approved_by is not None:
        raise NotNow("Een collega keurde dit al goed.")
    if premie.drawn_by == by:
        raise NotNow("Wie opstelt, kan niet zelf goedkeuren.")
    if standing(session, ambassadeur, premie.month) != (premie.count, 0):
        raise NotNow("Er is iets veranderd sinds het opstellen. Stel de maand opnieuw op.")
    premie.approved_by, premie.approved_at = by, moments.now()
    session.flush()


def standing(session: Session, ambassadeur: Ambassadeur, month: date) -> tuple[int, int]:
    """Return how many that came in by *ambassadeur* in *month* count, and how many flags wait."""
    begin, end = span(month)
    theirs = (
        select(Aanmelding.flags, Aanmelding.counted, Aanmelding.decided_by)
        .join(Link, Link.id == Aanmelding.link_id)
        .where(Link.ambassadeur_id == ambassadeur.id)
        .where(Aanmelding.at >= begin, Aanmelding.at < end)
    )
    rows = session.execute(theirs).all()
    erased = gone(session, month)
    return (
        sum(row.counted for row in rows) + erased[ambassadeur.id, month][COUNTED],
        sum(bool(row.flags) and row.decided_by is None for row in rows),
    )


def gone(session: Session, since: date) -> dict[tuple[int, date], Counter[str]]:
    """Return how many came in and were erased, by ambassadeur and month, from *since* on.

    Of each `COUNTED` and ``not counted``: who was forgotten still came in.
    """
    links = {
        f"link:{number}": one
        for number, one in session.execute(select(Link.id, Link.ambassadeur_id))
    }
    found: dict[tuple[int, date], Counter[str]] = defaultdict(Counter)
    for each in session.scalars(
        select(Figure).where(Figure.kind == "aanmelding", Figure.month >= since)
    ):
        if each.about in links:
            found[links[each.about], each.month][each.state] += each.count
    return found


def month_of(at: datetime) -> date:
    """Return the first day of the month of *at*, by the calendar here."""
    return moments.local(at).date().replace(day=1)


def after(month: date) -> date:
    """Return the first day of the next month."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def span(month: date) -> tuple[datetime, datetime]:
    """Return the moments at which *month* begins and ends here."""
    return (
        moments.from_local(datetime.combine(month, time())),
        moments.from_local(datetime.combine(after(month), time())),
    )
