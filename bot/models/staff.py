"""Who works with the console, how they prove who they are, and what they did or looked at."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary
from sqlalchemy.ext.mutable import MutableList
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bot.db import Base

ROLES: dict[str, str] = {
    # Name -> what it is for, as staff read it.
    "klantmanager": "Spreekt met de eigen inwoners en hun afspraken.",
    "frontlijn": "Schrijft mensen in aan de balie en ziet weinig.",
    "coordinator": "Regelt voortrajecten en ambassadeurs.",
    "communicatie": "Schrijft groepsberichten.",
    "goedkeurder": "Keurt groepsberichten van een ander goed.",
    "beheerder": "Beheert medewerkers, teksten en instellingen.",
}


class Role(Base):
    """One of `ROLES`, as Flask-Security looks it up."""

    __tablename__ = "role"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)

    def get_permissions(self) -> set[str]:
        """Return nothing: what a role may is in the console's one table."""
        return set()


class StaffRole(Base):
    """This member has this role."""

    __tablename__ = "staff_role"

    staff_id: Mapped[int] = mapped_column(
        ForeignKey("staff_member.id", ondelete="CASCADE"), primary_key=True
    )
    role_id: Mapped[int] = mapped_column(
        ForeignKey("role.id", ondelete="CASCADE"), primary_key=True
    )


class StaffMember(Base):
    """Somebody who may log in. The names of the columns are those of Flask-Security, which the
    console alone loads: a worker need not know how anybody proves who they are."""

    __tablename__ = "staff_member"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    """As colleagues know them, and as the files of the gemeente name a klantmanager."""
    password: Mapped[str | None]
    """Argon2id. None until they follow their first link."""
    active: Mapped[bool]
    fs_uniquifier: Mapped[str] = mapped_column(unique=True)
    """Changing it ends every session and every link that was handed out."""
    tf_primary_method: Mapped[str | None]
    tf_totp_secret: Mapped[str | None]
    """Encrypted with the installation's key."""
    totp_counter: Mapped[int | None]
    """The step of the last code that was used: none is good twice."""
    mf_recovery_codes: Mapped[list[str] | None] = mapped_column(MutableList.as_mutable(JSON()))
    """Encrypted with the installation's key; each is good once."""
    fs_webauthn_user_handle: Mapped[str | None] = mapped_column(unique=True)
    failures: Mapped[int] = mapped_column(default=0)
    """Wrong answers since the last right one."""
    locked_until: Mapped[datetime | None]
    """Until when passwords and codes are not even looked at; a passkey is."""
    ui: Mapped[str | None]
    """The code of the language they read the console in; None until they logged in once."""
    created_at: Mapped[datetime]

    roles: Mapped[list[Role]] = relationship(secondary="staff_role")
    webauthn: Mapped[list[Passkey]] = relationship(
        back_populates="user", cascade="all, delete-orphan"
    )


class Passkey(Base):
    """A passkey of a member. The names of the columns are those of Flask-Security."""

    __tablename__ = "passkey"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(
        ForeignKey("staff_member.id", ondelete="CASCADE"), index=True
    )
    credential_id: Mapped[bytes] = mapped_column(LargeBinary(1024), unique=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sign_count: Mapped[int | None] = mapped_column(default=0)
    transports: Mapped[list[str] | None] = mapped_column(MutableList.as_mutable(JSON()))
    backup_state: Mapped[bool]
    device_type: Mapped[str]
    extensions: Mapped[str | None]
    lastuse_datetime: Mapped[datetime]
    name: Mapped[str]
    usage: Mapped[str]

    # Who logs in is of a class of the console over the same row, which SQLAlchemy would refuse.
    user: Mapped[StaffMember] = relationship(back_populates="webauthn", enable_typechecks=False)

    def get_user_mapping(self) -> dict[str, Any]:
        """Return how Flask-Security finds whose it is."""
        return {"id": self.user_id}


class StaffSession(Base):
    """One browser that somebody works in. It dies with its row."""

    __tablename__ = "staff_session"
    __table_args__ = (Index(None, "seen_at"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    """SHA-256 of the cookie: who reads this table cannot take a session over."""
    staff_id: Mapped[int | None] = mapped_column(
        ForeignKey("staff_member.id", ondelete="CASCADE"), index=True
    )
    data: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]


class StaffPhone(Base):
    """A phone on which a member tries what others will get. It is theirs: it sent their code."""

    __tablename__ = "staff_phone"

    id: Mapped[int] = mapped_column(primary_key=True)
    staff_id: Mapped[int] = mapped_column(
        ForeignKey("staff_member.id", ondelete="CASCADE"), index=True
    )
    code: Mapped[str] = mapped_column(unique=True)
    """What the phone must send, soon after `created_at`, to be theirs."""
    address_id: Mapped[int | None] = mapped_column(
        ForeignKey("address.id", ondelete="CASCADE"), unique=True
    )
    """None until the code came."""
    event_id: Mapped[int | None] = mapped_column(ForeignKey("inbox_event.id"))
    """The event that brought it: every test is an answer to that."""
    created_at: Mapped[datetime]


class AuditEntry(Base):
    """Something a member did or looked at. Only ever added to, each row sealing the one before."""

    __tablename__ = "audit_entry"
    __table_args__ = (Index(None, "subject", "at"), Index(None, "staff_id", "at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    staff_id: Mapped[int | None]
    """Who; None for the command line. No foreign key: the log outlives the account."""
    action: Mapped[str]
    """A verb of ours, e.g. ``person.looked``, ``broadcast.approved``."""
    subject: Mapped[str | None]
    """What it was about, e.g. ``person:12``; no name or number, so that erasing breaks nothing."""
    detail: Mapped[dict[str, Any]] = mapped_column(JSON)
    seal: Mapped[str]
    """HMAC-SHA-256 over this row and the seal before it."""
