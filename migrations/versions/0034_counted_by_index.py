"""How a mass message stands, and which people a page lists, is found in an index alone."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        op.f("ix_message_broadcast"),
        "message",
        ["broadcast_id", "state", "channel", "cause", "voice", "language", "person_id"],
        sqlite_where=sa.text("broadcast_id IS NOT NULL"),
        postgresql_where=sa.text("broadcast_id IS NOT NULL"),
    )
    op.drop_index(op.f("ix_message_broadcast_id_state"), table_name="message")
    op.create_index(op.f("ix_inburgeraar_first_name_id"), "inburgeraar", ["first_name", "id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_inburgeraar_first_name_id"), table_name="inburgeraar")
    op.create_index(
        op.f("ix_message_broadcast_id_state"),
        "message",
        ["broadcast_id", "state"],
        sqlite_where=sa.text("broadcast_id IS NOT NULL"),
        postgresql_where=sa.text("broadcast_id IS NOT NULL"),
    )
    op.drop_index(op.f("ix_message_broadcast"), table_name="message")
