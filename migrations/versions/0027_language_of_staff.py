"""Staff choose the language that they read the console in."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("staff_member", sa.Column("ui", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("staff_member", "ui")
