"""Who works with the console, and as what."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from bot import moments
from bot.db import clock
from bot.models.staff import ROLES, Role, StaffMember, StaffRole, StaffSession

IDLE = timedelta(minutes=30)
"""A session ends when nobody clicked for this long,"""
LONGEST = timedelta(hours=12)
"""and when it is this old, whatever happens. Both on the database's clock."""


class NotAllowed(Exception):
    """What was asked of an account cannot be; the message says why, in Dutch."""


def put(session: Session, email: str, name: str, roles: Collection[str]) -> StaffMember:
    """Add a member, or give the one with this e-mail address this name and exactly these roles.

    Raises NotAllowed for an unknown role, or where it would leave nobody as beheerder.
    """
    unknown = sorted(set(roles) - set(ROLES))
    if unknown:
        raise NotAllowed(f"Geen rol: {', '.join(unknown)}. Kies uit {', '.join(ROLES)}.")
    email = email.strip().lower()
    if "@" not in email.strip("@"):
        raise NotAllowed(f"{email!r} is geen e-mailadres.")
    member = session.scalars(select(StaffMember).where(StaffMember.email == email)).one_or_none()
    if member is None:
        member = StaffMember(
            email=email, name=name, active=True, fs_uniquifier=secrets.token_hex(32),
            fs_webauthn_user_handle=secrets.token_hex(32), failures=0, created_at=moments.now(),
        )  # fmt: skip
        session.add(member)
        session.flush()
    elif "beheerder" not in roles:
        _not_the_last(session, member)
    member.name = name
    member.roles = [_role(session, role) for role in roles]
    session.flush()
    end_sessions(session, member)
    return member


def find(session: Session, email: str) -> StaffMember:
    """Return the member with this e-mail address. Raises NotAllowed if there is none."""
    known = select(StaffMember).where(StaffMember.email == email.strip().lower())
    member = session.scalars(known).one_or_none()
    if member is None:
        raise NotAllowed(f"Er is niemand met {email.strip()!r}.")
    return member


def read_in(session: Session, staff_id: int, language: str) -> None:
    """Let the console be in this *language* for a member from now on, wherever they log in."""
    session.execute(update(StaffMember).where(StaffMember.id == staff_id).values(ui=language))


def close(session: Session, member: StaffMember) -> None:
    """Let *member* in no more. What they did stays known."""
    _not_the_last(session, member)
    member.active = False
    end_sessions(session, member)


def renew(session: Session, member: StaffMember) -> None:
    """Let nothing count any more by which *member* logged in: their telephone is lost, say."""
    member.active = True
    member.password = None
    member.tf_primary_method = member.tf_totp_secret = member.totp_counter = None
    member.mf_recovery_codes = None
    member.webauthn.clear()
    member.failures, member.locked_until = 0, None
    member.fs_uniquifier = secrets.token_hex(32)  # with it goes every link that was handed out
    end_sessions(session, member)


def end_sessions(session: Session, member: StaffMember) -> None:
    """Log *member* out everywhere."""
    session.query(StaffSession).filter(StaffSession.staff_id == member.id).delete()


def lives(row: StaffSession, now: datetime) -> bool:
    """Say whether the session *row* is still good at *now*."""
    return now - row.seen_at < IDLE and now - row.created_at < LONGEST


def sweep(session: Session, limit: int) -> int:
    """Delete up to *limit* sessions that nobody can use any more; return how many."""
    now = clock(session)
    over = session.scalars(
        select(StaffSession)
        .where(or_(StaffSession.seen_at <= now - IDLE, StaffSession.created_at <= now - LONGEST))
        .limit(limit)
    ).all()
    for row in over:
        session.delete(row)
    return len(over)


def _role(session: Session, name: str) -> Role:
    role = session.scalars(select(Role).where(Role.name == name)).one_or_none()
    if role is None:
        role = Role(name=name)
        session.add(role)
        session.flush()
    return role


def _not_the_last(session: Session, member: StaffMember) -> None:
    """Raise NotAllowed if nobody else could let anybody in."""
    others = session.scalar(
        select(func.count())
        .select_from(StaffMember)
        .join(StaffRole, StaffRole.staff_id == StaffMember.id)
        .join(Role, Role.id == StaffRole.role_id)
        .where(Role.name == "beheerder", StaffMember.active, StaffMember.id != member.id)
    )
    if not others and any(role.name == "beheerder" for role in member.roles):
        raise NotAllowed("Er moet een beheerder blijven. Maak eerst iemand anders beheerder.")
