"""Phones on which members try what others will get."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "staff_phone",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("address_id", sa.Integer(), nullable=True),
        sa.Column("event_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["staff_id"],
            ["staff_member.id"],
            name=op.f("fk_staff_phone_staff_id_staff_member"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["address_id"],
            ["address.id"],
            name=op.f("fk_staff_phone_address_id_address"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["event_id"], ["inbox_event.id"], name=op.f("fk_staff_phone_event_id_inbox_event")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_phone")),
        sa.UniqueConstraint("address_id", name=op.f("uq_staff_phone_address_id")),
        sa.UniqueConstraint("code", name=op.f("uq_staff_phone_code")),
    )
    op.create_index(op.f("ix_staff_phone_staff_id"), "staff_phone", ["staff_id"])


def downgrade() -> None:
    op.drop_table("staff_phone")
