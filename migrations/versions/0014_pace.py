"""The next messages of a sender are found in their order, however many wait."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

INDEXES = (
    ("ix_message_next", ["channel", "priority", "not_before", "id"], "state = 'planned'"),
    ("ix_message_comes_back", ["address_id"], "state = 'planned' AND attempts > 0"),
)
BEFORE = ("ix_message_due", ["channel", "priority", "not_before"], "state = 'planned'")
"""The new one holds all of it; running workers need no stop."""


def _index(name: str, columns: list[str], where: str) -> None:
    op.create_index(
        name, "message", columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where)
    )


def upgrade() -> None:
    for index in INDEXES:
        _index(*index)
    op.drop_index(BEFORE[0], table_name="message")
    op.add_column("sender", sa.Column("failures", sa.Integer(), server_default="0", nullable=False))
    op.add_column("sender", sa.Column("broken_since", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("sender", "broken_since")
    op.drop_column("sender", "failures")
    _index(*BEFORE)
    for name, _, _ in INDEXES:
        op.drop_index(name, table_name="message")
