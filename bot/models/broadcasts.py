"""Mass messages: who wrote one, who approved exactly that, and to whom it goes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bot.db import Base
from bot.models.people import Address, Inburgeraar

RUNNING = frozenset({"sending", "holding", "done"})
"""States in which its messages may go out; of `done` too: one proven not sent comes back."""


class Broadcast(Base):
    """One catalogue text for many people. Goes out only as a second person approved it."""

    __tablename__ = "broadcast"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    """What staff call it."""
    key: Mapped[str]
    """The catalogue text, of purpose ``invitation`` or ``public task``."""
    values: Mapped[dict[str, str]] = mapped_column(JSON)
    """Words that fill the text, the same in every language, beside those of the voortraject."""
    voortraject_id: Mapped[int | None] = mapped_column(ForeignKey("voortraject.id"))
    """What it invites to: answers to it are answers to an invitation."""
    audience: Mapped[str]
    """The rule as typed; of a correction it narrows down those who were reached."""
    corrects: Mapped[int | None] = mapped_column(ForeignKey("broadcast.id"))
    """The broadcast that this one puts right: it goes only to who may have had that."""
    window_from: Mapped[datetime]
    window_until: Mapped[datetime]
    """Nothing of it goes out before the one, or is of any use after the other."""
    first: Mapped[int]
    """How many go out before the rest, to see whether it goes well."""
    hold_minutes: Mapped[int]
    most_failed: Mapped[float]
    """Percent of the first that may fail; above it the broadcast pauses itself."""
    most_stopped: Mapped[float]
    """Percent of the first that may answer with STOP."""
    most_unknown: Mapped[float]
    """Percent of the first of which nobody may know whether they arrived."""

    state: Mapped[str]
    """``draft approved sending holding paused stopped done``. The one column that is read again
    before every call: `stopped` and `paused` hold everything that is not handed over yet."""
    written_by: Mapped[str]
    """Who wrote it or changed it last."""
    approved_by: Mapped[str | None]
    approved_hash: Mapped[str | None]
    """What exactly was approved; see `messaging.approval`. None again after any edit."""
    approved_count: Mapped[int | None]
    """How many people were approved."""
    audience_hash: Mapped[str | None]
    """SHA-256 over who they are, where and in which language they get it."""
    languages: Mapped[list[str]] = mapped_column(JSON)
    """The languages in which it was approved."""
    unreviewed: Mapped[list[str]] = mapped_column(JSON)
    """Languages whose text nobody has reviewed, to which the approver said yes."""
    expanded_to: Mapped[dict[str, int]] = mapped_column(JSON)
    """Per channel the last recipient for whom a message was queued."""
    started_at: Mapped[datetime | None]
    hold_until: Mapped[datetime | None]
    """How long the rest waits after the first went out; None as long as they have not."""
    stopped_at: Mapped[datetime | None]
    why: Mapped[str | None]
    """Why it paused itself, in Dutch."""
    history: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    """Who did what when, oldest first: ``{"at": ..., "by": ..., "what": ...}``."""
    created_at: Mapped[datetime]

    @property
    def about(self) -> str:
        """How tasks and messages name it."""
        return f"broadcast:{self.id}"


class Recipient(Base):
    """One person of an approved audience, with the address and language they get it in.

    Written down at the approval: what was approved is what is sent. Who stops or takes back
    their yes since then is held by the gates before the call.
    """

    __tablename__ = "broadcast_recipient"
    __table_args__ = (
        UniqueConstraint("broadcast_id", "person_id"),
        Index(None, "broadcast_id", "channel", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    """Their turn: the first ones cover every language and channel."""
    broadcast_id: Mapped[int] = mapped_column(ForeignKey("broadcast.id", ondelete="CASCADE"))
    person_id: Mapped[int] = mapped_column(
        ForeignKey(Inburgeraar.id, ondelete="CASCADE"), index=True
    )
    address_id: Mapped[int] = mapped_column(ForeignKey(Address.id))
    channel: Mapped[str]
    language: Mapped[str]


class SavedGroup(Base):
    """A rule that staff gave a name, to choose the same kind of people another time.

    Not who they are: whom it means is found anew each time.
    """

    __tablename__ = "saved_group"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    rule: Mapped[str]
    """As typed; see `outreach.audience`."""
    saved_by: Mapped[str]
    saved_at: Mapped[datetime]
