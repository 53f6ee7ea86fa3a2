"""Reports as they were made: nothing in one is about fewer than ten people."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON
from sqlalchemy.orm import Mapped, mapped_column

from bot.db import Base


class Report(Base):
    """The figures of one quarter, kept so that a look at them counts nothing."""

    __tablename__ = "report"

    id: Mapped[int] = mapped_column(primary_key=True)
    quarter: Mapped[date] = mapped_column(unique=True)
    """Its first day."""
    figures: Mapped[dict[str, Any]] = mapped_column(JSON)
    """See `outreach.reports.make`."""
    made_at: Mapped[datetime]
    seconds: Mapped[float]
    """How long that took."""
