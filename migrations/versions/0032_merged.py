"""Who was merged with whom."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "merged",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kenmerk", sa.String(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("before", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["inburgeraar.id"],
            name=op.f("fk_merged_person_id_inburgeraar"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merged")),
        sa.UniqueConstraint("kenmerk", name=op.f("uq_merged_kenmerk")),
    )
    op.create_index(op.f("ix_merged_person_id"), "merged", ["person_id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_merged_person_id"), table_name="merged")
    op.drop_table("merged")
