"""What is said aloud: sentences that ambassadeurs read for us, and notes that residents spoke."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from bot.db import Base


class Recording(Base):
    """One piece of a text, read aloud in one language. Heard by nobody until staff approved it."""

    __tablename__ = "recording"
    __table_args__ = (
        Index("ix_recording_piece", "language", "piece", "state"),
        Index(
            "ix_recording_coming",
            "id",
            sqlite_where=text("state = 'coming'"),
            postgresql_where=text("state = 'coming'"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    language: Mapped[str]
    piece: Mapped[str]
    """See `wording.spoken`, e.g. ``weekdag:3``, or ``zin:`` and a digest of the sentence: one
    whose words changed wants another recording."""
    says: Mapped[str]
    """The words, as they were read."""
    state: Mapped[str]
    """``coming`` (not fetched yet), ``new`` (staff must listen), ``approved`` or ``refused``."""
    why: Mapped[str | None]
    """Why it was refused: in Dutch, and told to who read it."""
    machine: Mapped[bool] = mapped_column(default=False)
    """Spoken by a computer, which is always said."""
    file: Mapped[str | None]
    """Its name below VOICE_DIR without ending: ``.ogg``, and ``.m4a`` where that could be made."""
    seconds: Mapped[int | None]
    """How long it takes to hear it, rounded up."""
    ambassadeur_id: Mapped[int | None] = mapped_column(
        ForeignKey("ambassadeur.id", ondelete="SET NULL")
    )
    """Who read it."""
    reply_id: Mapped[int | None] = mapped_column(ForeignKey("reply.id", ondelete="SET NULL"))
    """The voice note that it came in."""
    decided_by: Mapped[int | None] = mapped_column(
        ForeignKey("staff_member.id", ondelete="SET NULL")
    )
    decided_at: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(default=0)
    made_at: Mapped[datetime]


class VoiceNote(Base):
    """A copy of what a resident said aloud, for staff to hear; deleted after a while."""

    __tablename__ = "voice_note"
    __table_args__ = (
        Index(
            "ix_voice_note_coming",
            "id",
            sqlite_where=text("state = 'coming'"),
            postgresql_where=text("state = 'coming'"),
        ),
        Index(None, "said_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    reply_id: Mapped[int] = mapped_column(ForeignKey("reply.id", ondelete="CASCADE"), unique=True)
    state: Mapped[str]
    """``coming`` (not fetched yet), ``kept`` or ``lost`` (the provider does not give it)."""
    file: Mapped[str | None]
    """Its name below VOICE_DIR, with its ending."""
    tries: Mapped[int] = mapped_column(default=0)
    said_at: Mapped[datetime]
