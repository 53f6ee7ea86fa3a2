"""Free times that staff offer to who wants another day."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "slot",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kenmerk", sa.String(), nullable=False),
        sa.Column("begins", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends", sa.DateTime(timezone=True), nullable=False),
        sa.Column("staff", sa.String(), nullable=True),
        sa.Column("place", sa.String(), nullable=True),
        sa.Column("address", sa.String(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("afspraak_id", sa.Integer(), nullable=True),
        sa.Column("instead_of", sa.DateTime(timezone=True), nullable=True),
        sa.Column("held_for", sa.Integer(), nullable=True),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["afspraak_id"],
            ["afspraak.id"],
            name=op.f("fk_slot_afspraak_id_afspraak"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["held_for"],
            ["afspraak.id"],
            name=op.f("fk_slot_held_for_afspraak"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slot")),
        sa.UniqueConstraint("kenmerk", name=op.f("uq_slot_kenmerk")),
        sa.UniqueConstraint("afspraak_id", name=op.f("uq_slot_afspraak_id")),
    )
    op.create_index(
        "ix_slot_free",
        "slot",
        ["begins"],
        sqlite_where=sa.text("afspraak_id IS NULL"),
        postgresql_where=sa.text("afspraak_id IS NULL"),
    )
    op.create_index(op.f("ix_slot_held_for"), "slot", ["held_for"])


def downgrade() -> None:
    op.drop_table("slot")
