"""How many people a figure is about, at least."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("figure", sa.Column("people", sa.Integer(), server_default="1", nullable=False))


def downgrade() -> None:
    op.drop_column("figure", "people")
