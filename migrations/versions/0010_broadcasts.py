"""Mass messages, their recipients, and which of them a message belongs to."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "broadcast",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("values", sa.JSON(), nullable=False),
        sa.Column("voortraject_id", sa.Integer(), nullable=True),
        sa.Column("audience", sa.String(), nullable=False),
        sa.Column("corrects", sa.Integer(), nullable=True),
        sa.Column("window_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("window_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("first", sa.Integer(), nullable=False),
        sa.Column("hold_minutes", sa.Integer(), nullable=False),
        sa.Column("most_failed", sa.Double(), nullable=False),
        sa.Column("most_stopped", sa.Double(), nullable=False),
        sa.Column("most_unknown", sa.Double(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("written_by", sa.String(), nullable=False),
        sa.Column("approved_by", sa.String(), nullable=True),
        sa.Column("approved_hash", sa.String(), nullable=True),
        sa.Column("approved_count", sa.Integer(), nullable=True),
        sa.Column("audience_hash", sa.String(), nullable=True),
        sa.Column("languages", sa.JSON(), nullable=False),
        sa.Column("unreviewed", sa.JSON(), nullable=False),
        sa.Column("expanded_to", sa.JSON(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("hold_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("why", sa.String(), nullable=True),
        sa.Column("history", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["voortraject_id"],
            ["voortraject.id"],
            name=op.f("fk_broadcast_voortraject_id_voortraject"),
        ),
        sa.ForeignKeyConstraint(
            ["corrects"], ["broadcast.id"], name=op.f("fk_broadcast_corrects_broadcast")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_broadcast")),
    )
    op.create_table(
        "broadcast_recipient",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("broadcast_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("address_id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["broadcast_id"],
            ["broadcast.id"],
            name=op.f("fk_broadcast_recipient_broadcast_id_broadcast"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["inburgeraar.id"],
            name=op.f("fk_broadcast_recipient_person_id_inburgeraar"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["address_id"], ["address.id"], name=op.f("fk_broadcast_recipient_address_id_address")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_broadcast_recipient")),
        sa.UniqueConstraint(
            "broadcast_id",
            "person_id",
            name=op.f("uq_broadcast_recipient_broadcast_id_person_id"),
        ),
    )
    op.create_index(op.f("ix_broadcast_recipient_person_id"), "broadcast_recipient", ["person_id"])
    op.create_index(
        op.f("ix_broadcast_recipient_broadcast_id_channel_id"),
        "broadcast_recipient",
        ["broadcast_id", "channel", "id"],
    )
    op.add_column(
        "message",
        sa.Column(
            "broadcast_id",
            sa.Integer(),
            sa.ForeignKey("broadcast.id", name=op.f("fk_message_broadcast_id_broadcast")),
            nullable=True,
        ),
        inline_references=True,
    )
    op.create_index(
        op.f("ix_message_broadcast_id_state"),
        "message",
        ["broadcast_id", "state"],
        sqlite_where=sa.text("broadcast_id IS NOT NULL"),
        postgresql_where=sa.text("broadcast_id IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_message_broadcast_id_state"), table_name="message")
    op.drop_column("message", "broadcast_id")
    op.drop_table("broadcast_recipient")
    op.drop_table("broadcast")
