"""Messages that are too old are found by when they were written, among as many as there may be."""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        op.f("ix_message_told"),
        "message",
        ["created_at"],
        sqlite_where=sa.text("body <> ''"),
        postgresql_where=sa.text("body <> ''"),
    )
    op.create_index(
        op.f("ix_message_emptied"),
        "message",
        ["created_at"],
        sqlite_where=sa.text("body = ''"),
        postgresql_where=sa.text("body = ''"),
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_message_emptied"), table_name="message")
    op.drop_index(op.f("ix_message_told"), table_name="message")
