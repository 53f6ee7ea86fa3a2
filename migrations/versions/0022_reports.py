"""Who came to an afspraak, and reports that are kept as they were made."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("afspraak", sa.Column("came", sa.Boolean(), nullable=True))
    op.create_index(op.f("ix_afspraak_begins"), "afspraak", ["begins"])
    op.create_table(
        "report",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("quarter", sa.Date(), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report")),
        sa.UniqueConstraint("quarter", name=op.f("uq_report_quarter")),
    )


def downgrade() -> None:
    op.drop_table("report")
    op.drop_index(op.f("ix_afspraak_begins"), table_name="afspraak")
    op.drop_column("afspraak", "came")
