"""The short name that somebody agreed to be called by on a phone that is shared."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("inburgeraar", sa.Column("short_name", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("inburgeraar", "short_name")
