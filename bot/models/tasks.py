"""What needs a person."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bot.db import Base
from bot.models.people import Address, Inburgeraar

UPSET = "boos bericht"
"""Of the kind of task that holds what can wait, until somebody has seen to it."""
EMERGENCY = "noodgeval"
"""Of the kind of task that holds all but answers: who hurts somebody may read along."""


class Task(Base):
    """Something only staff can do. Raised once per subject while it is open."""

    __tablename__ = "task"
    __table_args__ = (
        Index(
            "uq_task_open",
            "subject",
            unique=True,
            sqlite_where=text("done_at IS NULL"),
            postgresql_where=text("done_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    """In Dutch, as staff read it: ``andere dag``, ``vraag``, ``nummer controleren`` ..."""
    subject: Mapped[str]
    """Kind and what it is about, e.g. ``andere dag:afspraak:42``."""
    person_id: Mapped[int | None] = mapped_column(ForeignKey("inburgeraar.id", ondelete="CASCADE"))
    address_id: Mapped[int | None] = mapped_column(ForeignKey("address.id"))
    note: Mapped[str | None]
    """What staff need to know, in Dutch; never the text of the person."""
    reply_id: Mapped[int | None] = mapped_column(ForeignKey("reply.id"))
    since: Mapped[datetime]
    taken_by: Mapped[str | None]
    done_at: Mapped[datetime | None]
    snoozed_until: Mapped[datetime | None]
    """Until when it is put aside; whatever they write since brings it back."""

    person: Mapped[Inburgeraar | None] = relationship()
    address: Mapped[Address | None] = relationship()
