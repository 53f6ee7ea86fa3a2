"""What was said to a person and by them is found by the person."""

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f("ix_message_person_id_id"), "message", ["person_id", "id"])
    op.create_index(op.f("ix_reply_person_id_id"), "reply", ["person_id", "id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_reply_person_id_id"), table_name="reply")
    op.drop_index(op.f("ix_message_person_id_id"), table_name="message")
