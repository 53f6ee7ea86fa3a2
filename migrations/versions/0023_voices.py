"""Recordings and voice notes; who would rather listen; which sounds a message is joined from."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "recording",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("piece", sa.String(), nullable=False),
        sa.Column("says", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=True),
        sa.Column("machine", sa.Boolean(), nullable=False),
        sa.Column("file", sa.String(), nullable=True),
        sa.Column("seconds", sa.Integer(), nullable=True),
        sa.Column("ambassadeur_id", sa.Integer(), nullable=True),
        sa.Column("reply_id", sa.Integer(), nullable=True),
        sa.Column("decided_by", sa.Integer(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["ambassadeur_id"],
            ["ambassadeur.id"],
            name=op.f("fk_recording_ambassadeur_id_ambassadeur"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["reply_id"],
            ["reply.id"],
            name=op.f("fk_recording_reply_id_reply"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["decided_by"],
            ["staff_member.id"],
            name=op.f("fk_recording_decided_by_staff_member"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recording")),
    )
    op.create_index("ix_recording_piece", "recording", ["language", "piece", "state"])
    op.create_index(
        "ix_recording_coming",
        "recording",
        ["id"],
        sqlite_where=sa.text("state = 'coming'"),
        postgresql_where=sa.text("state = 'coming'"),
    )
    op.create_table(
        "voice_note",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("reply_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("file", sa.String(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("said_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["reply_id"],
            ["reply.id"],
            name=op.f("fk_voice_note_reply_id_reply"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_voice_note")),
        sa.UniqueConstraint("reply_id", name=op.f("uq_voice_note_reply_id")),
    )
    op.create_index(
        "ix_voice_note_coming",
        "voice_note",
        ["id"],
        sqlite_where=sa.text("state = 'coming'"),
        postgresql_where=sa.text("state = 'coming'"),
    )
    op.create_index(op.f("ix_voice_note_said_at"), "voice_note", ["said_at"])
    op.add_column(
        "inburgeraar",
        sa.Column("listens", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.add_column("message", sa.Column("voice", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("message", "voice")
    op.drop_column("inburgeraar", "listens")
    op.drop_table("voice_note")
    op.drop_table("recording")
