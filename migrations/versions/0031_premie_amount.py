"""What a premie comes to is written down when it is drawn up."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("premie", sa.Column("cents", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("premie", "cents")
