"""The way of an ambassadeur, links that end, who looked at a flag, and months of premie."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "ambassadeur",
        sa.Column("state", sa.String(), nullable=False, server_default="actief"),
    )
    op.add_column("link", sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("aanmelding", sa.Column("decided_by", sa.String(), nullable=True))
    op.add_column("aanmelding", sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("aanmelding", sa.Column("decided_why", sa.String(), nullable=True))
    op.create_table(
        "ambassadeur_stap",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ambassadeur_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["ambassadeur_id"],
            ["ambassadeur.id"],
            name=op.f("fk_ambassadeur_stap_ambassadeur_id_ambassadeur"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ambassadeur_stap")),
    )
    op.create_index(
        op.f("ix_ambassadeur_stap_ambassadeur_id"), "ambassadeur_stap", ["ambassadeur_id"]
    )
    op.create_table(
        "premie",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ambassadeur_id", sa.Integer(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("drawn_by", sa.String(), nullable=False),
        sa.Column("drawn_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("approved_by", sa.String(), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["ambassadeur_id"],
            ["ambassadeur.id"],
            name=op.f("fk_premie_ambassadeur_id_ambassadeur"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_premie")),
        sa.UniqueConstraint("ambassadeur_id", "month", name=op.f("uq_premie_ambassadeur_id_month")),
    )


def downgrade() -> None:
    op.drop_table("premie")
    op.drop_index(op.f("ix_ambassadeur_stap_ambassadeur_id"), table_name="ambassadeur_stap")
    op.drop_table("ambassadeur_stap")
    for column in ("decided_why", "decided_at", "decided_by"):
        op.drop_column("aanmelding", column)
    op.drop_column("link", "ended_at")
    op.drop_column("ambassadeur", "state")
