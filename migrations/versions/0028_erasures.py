"""Who was erased, as keyed hashes; and on SQLite no number is ever given out twice.

PostgreSQL never does. SQLite gave the highest, once its row was deleted, to the next row: what the
audit log or a late callback says of one would then be about another.
"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

SPOKEN_OF = (
    "inburgeraar", "address", "message", "reply", "afspraak", "deelname", "aanmelding", "task",
    "voice_note",
)  # fmt: skip
"""Tables whose rows are deleted and spoken of by number elsewhere."""

PLAIN, NEVER_AGAIN = "PRIMARY KEY (id)", "PRIMARY KEY (id AUTOINCREMENT)"


def upgrade() -> None:
    op.create_table(
        "erasure",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("mark", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Integer(), nullable=True),
        sa.Column("how", sa.String(), nullable=False),
        sa.Column("erased", sa.JSON(), nullable=False),
        sa.Column("stayed", sa.JSON(), nullable=False),
        sa.Column("searched_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("found", sa.JSON(), nullable=False),
        sa.Column("again_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasure")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_erasure_mark"), "erasure", ["mark"])
    op.create_table(
        "forgotten_address",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("mark", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("stopped", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("locked", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forgotten_address")),
        sa.UniqueConstraint("mark", name=op.f("uq_forgotten_address_mark")),
    )
    if op.get_bind().dialect.name == "sqlite":
        _rewrite(PLAIN, NEVER_AGAIN)
        for table in SPOKEN_OF:  # names that stand above, as in `downgrade`
            highest = f"SELECT '{table}', max(id) FROM {table} HAVING max(id) IS NOT NULL"  # noqa: S608
            op.execute(f"INSERT INTO sqlite_sequence (name, seq) {highest}")


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        names = ", ".join(f"'{table}'" for table in SPOKEN_OF)
        op.execute(f"DELETE FROM sqlite_sequence WHERE name IN ({names})")  # noqa: S608
        _rewrite(NEVER_AGAIN, PLAIN)
    op.drop_table("forgotten_address")
    op.drop_index(op.f("ix_erasure_mark"), table_name="erasure")
    op.drop_table("erasure")


def _rewrite(before: str, after: str) -> None:
    """Let what SQLite keeps of these tables say *after*: of the rows themselves nothing changes.

    A table cannot be made anew here, as others refer to it with ON DELETE CASCADE.
    Source: https://www.sqlite.org/lang_altertable.html section 7.
    """
    connection = op.get_bind()
    version = connection.execute(sa.text("PRAGMA schema_version")).scalar_one()
    connection.execute(sa.text("PRAGMA writable_schema = ON"))
    for table in SPOKEN_OF:
        connection.execute(
            sa.text(
                "UPDATE sqlite_schema SET sql = replace(sql, :before, :after)"
                " WHERE type = 'table' AND name = :name"
            ),
            {"before": before, "after": after, "name": table},
        )
    connection.execute(sa.text(f"PRAGMA schema_version = {version + 1}"))
    connection.execute(sa.text("PRAGMA writable_schema = RESET"))
