"""When each kind of work was last done; events that wait for a person are found at once."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tick",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tick")),
        sa.UniqueConstraint("name", name=op.f("uq_tick_name")),
    )
    op.create_index(
        "ix_inbox_event_kept",
        "inbox_event",
        ["id"],
        sqlite_where=sa.text("state = 'kept'"),
        postgresql_where=sa.text("state = 'kept'"),
    )


def downgrade() -> None:
    op.drop_index("ix_inbox_event_kept", table_name="inbox_event")
    op.drop_table("tick")
