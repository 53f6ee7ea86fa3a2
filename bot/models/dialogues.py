"""Where a longer conversation stands, such as signing up."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from bot.db import Base


class Dialogue(Base):
    """One flow under way with one address. Deleted when it ends: it is no record."""

    __tablename__ = "dialogue"

    id: Mapped[int] = mapped_column(primary_key=True)
    address_id: Mapped[int] = mapped_column(ForeignKey("address.id"), unique=True)
    flow: Mapped[str]
    """A name in content/flows/."""
    step: Mapped[str]
    data: Mapped[dict[str, Any]] = mapped_column(JSON)
    """What was said so far; goes with the row."""
    misunderstood: Mapped[int] = mapped_column(default=0)
    changed_at: Mapped[datetime]
