"""Who we write to, where, and what they allowed."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "inburgeraar",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kenmerk", sa.String(), nullable=False),
        sa.Column("first_name", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("wijk", sa.String(), nullable=True),
        sa.Column("groep", sa.String(), nullable=True),
        sa.Column("klantmanager", sa.String(), nullable=True),
        sa.Column("interest", sa.String(), nullable=True),
        sa.Column("household", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inburgeraar")),
        sa.UniqueConstraint("kenmerk", name=op.f("uq_inburgeraar_kenmerk")),
    )
    op.create_table(
        "address",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("phone", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("bulk_locked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_inbound_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("language", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_address")),
        sa.UniqueConstraint("channel", "address", name=op.f("uq_address_channel_address")),
    )
    op.create_index(op.f("ix_address_phone"), "address", ["phone"], unique=False)
    op.create_table(
        "person_address",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("address_id", sa.Integer(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["address_id"], ["address.id"], name=op.f("fk_person_address_address_id_address")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["inburgeraar.id"],
            name=op.f("fk_person_address_person_id_inburgeraar"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person_address")),
        sa.UniqueConstraint(
            "person_id", "address_id", name=op.f("uq_person_address_person_id_address_id")
        ),
    )
    op.create_index(
        op.f("ix_person_address_address_id"), "person_address", ["address_id"], unique=False
    )
    op.create_table(
        "consent",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("address_id", sa.Integer(), nullable=True),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=True),
        sa.Column("given", sa.Boolean(), nullable=False),
        sa.Column("evidence", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["address_id"], ["address.id"], name=op.f("fk_consent_address_id_address")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["inburgeraar.id"],
            name=op.f("fk_consent_person_id_inburgeraar"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent")),
    )
    op.create_index(
        op.f("ix_consent_person_id_purpose"), "consent", ["person_id", "purpose"], unique=False
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_consent_person_id_purpose"), table_name="consent")
    op.drop_table("consent")
    op.drop_index(op.f("ix_person_address_address_id"), table_name="person_address")
    op.drop_table("person_address")
    op.drop_index(op.f("ix_address_phone"), table_name="address")
    op.drop_table("address")
    op.drop_table("inburgeraar")
