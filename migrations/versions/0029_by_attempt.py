"""What went out lately is found by when it did; answers, by the message they answer."""

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f("ix_attempt_started_at"), "attempt", ["started_at"])
    op.create_index(op.f("ix_reply_message_id"), "reply", ["message_id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_reply_message_id"), table_name="reply")
    op.drop_index(op.f("ix_attempt_started_at"), table_name="attempt")
