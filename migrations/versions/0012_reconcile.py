"""What is known of an unknown attempt, which message repeats another, until when was heard."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

MOMENTS = ("looked_at", "missed_at", "followed_at")

INDEXES = (
    ("ix_message_unknown", ["id"], "state = 'unknown'"),
    ("ix_message_receipt", ["channel", "changed_at"], "state IN ('accepted', 'sent')"),
    ("ix_message_repeats", ["repeats_id"], "repeats_id IS NOT NULL"),
)


def upgrade() -> None:
    op.add_column("attempt", sa.Column("digest", sa.String(), nullable=True))
    for name in MOMENTS:
        op.add_column("attempt", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.add_column("sender", sa.Column("heard_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "message",
        sa.Column(
            "repeats_id",
            sa.Integer(),
            sa.ForeignKey("message.id", name=op.f("fk_message_repeats_id_message")),
            nullable=True,
        ),
        inline_references=True,
    )
    for name, columns, where in INDEXES:
        op.create_index(
            name, "message", columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where)
        )


def downgrade() -> None:
    for name, _, _ in INDEXES:
        op.drop_index(name, table_name="message")
    op.drop_column("message", "repeats_id")
    op.drop_column("sender", "heard_until")
    for name in (*MOMENTS, "digest"):
        op.drop_column("attempt", name)
