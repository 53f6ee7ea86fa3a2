"""Rules with a name, so that the same kind of people is chosen with one press."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from bot import moments
from bot.models.broadcasts import SavedGroup
from bot.outreach import audience
from bot.outreach.audience import RuleError
from bot.outreach.broadcasts import Refused
from bot.told import tell

LONGEST_NAME = 60
MOST = 200


def all_of_them(session: Session) -> Sequence[SavedGroup]:
    """Return them by name."""
    return session.scalars(select(SavedGroup).order_by(func.lower(SavedGroup.name))).all()


def save(session: Session, name: str, rule: str, *, by: str) -> SavedGroup:
    """Give *rule* a name; the rule that had it before goes. Raises Refused, in Dutch."""
    name = " ".join(name.split())
    if not 0 < len(name) <= LONGEST_NAME:
        raise Refused(tell("Geef de groep een naam van hoogstens %(n)s letters.", n=LONGEST_NAME))
    if not rule:
        raise Refused("Kies eerst wie erbij hoort. Zonder keuze is het iedereen.")
    try:
        audience.parse(rule)
    except RuleError as error:
        raise Refused(tell("De regel klopt niet. %(error)s", error=error.args[0])) from error
    found = session.scalars(select(SavedGroup).where(SavedGroup.name == name)).one_or_none()
    if found is None:
        if (session.scalar(select(func.count()).select_from(SavedGroup)) or 0) >= MOST:
            raise Refused("Er zijn al veel bewaarde groepen. Gooi er eerst een weg.")
        found = SavedGroup(name=name)
        session.add(found)
    found.rule, found.saved_by, found.saved_at = rule, by, moments.now()
    session.flush()
    return found


def drop(session: Session, number: int) -> None:
    """Forget the name; group messages that used its rule keep that."""
    session.execute(delete(SavedGroup).where(SavedGroup.id == number))
