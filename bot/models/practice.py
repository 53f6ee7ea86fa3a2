"""The practice ground's clock: how far practice time runs ahead of the real one."""

from __future__ import annotations

from sqlalchemy.orm import Mapped, mapped_column

from bot.db import Base


class PracticeClock(Base):
    """One row, shared by every process of a practice ground; absent elsewhere."""

    __tablename__ = "practice_clock"

    id: Mapped[int] = mapped_column(primary_key=True)
    ahead_seconds: Mapped[float]
