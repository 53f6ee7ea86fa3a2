"""When each kind of work was last done, wherever that was."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Mapped, mapped_column

from bot.db import Base

DISTRUST = "distrust"
"""What is noted as long as a worker or clock does not believe the clock of its machine,"""
STILL = timedelta(minutes=1)
"""and how long after the last note that still holds."""


class Tick(Base):
    """One name of `engine.work`. Says nothing of what there was to do."""

    __tablename__ = "tick"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    at: Mapped[datetime]
    """By the database's clock, to a quarter of a minute."""
