"""Courses and who takes part."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "voortraject",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kenmerk", sa.String(), nullable=False),
        sa.Column("theme", sa.String(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=True),
        sa.Column("days", sa.String(), nullable=False),
        sa.Column("begins", sa.String(), nullable=False),
        sa.Column("ends", sa.String(), nullable=False),
        sa.Column("starts", sa.Date(), nullable=False),
        sa.Column("weeks", sa.Integer(), nullable=False),
        sa.Column("seats", sa.Integer(), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.Column("offer_hours", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "taken >= 0 AND taken <= seats", name=op.f("ck_voortraject_never_overfull")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_voortraject")),
        sa.UniqueConstraint("kenmerk", name=op.f("uq_voortraject_kenmerk")),
    )
    op.create_table(
        "deelname",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("voortraject_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("waiting_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("offered_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("needs_childcare", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["inburgeraar.id"],
            name=op.f("fk_deelname_person_id_inburgeraar"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["voortraject_id"],
            ["voortraject.id"],
            name=op.f("fk_deelname_voortraject_id_voortraject"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deelname")),
        sa.UniqueConstraint(
            "voortraject_id", "person_id", name=op.f("uq_deelname_voortraject_id_person_id")
        ),
    )
    op.create_index(op.f("ix_deelname_person_id"), "deelname", ["person_id"], unique=False)
    op.create_index(
        op.f("ix_deelname_state_offered_until"),
        "deelname",
        ["state", "offered_until"],
        unique=False,
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_deelname_person_id"), table_name="deelname")
    op.drop_index(op.f("ix_deelname_state_offered_until"), table_name="deelname")
    op.drop_table("deelname")
    op.drop_table("voortraject")
