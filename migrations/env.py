"""Alembic's entry: the tables of bot.models against the database of the settings."""

from alembic import context
from sqlalchemy import Connection

import bot.models  # noqa: F401  # importing it registers every table
from bot.db import Base, Database
from bot.settings import load


def _run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()


given: Connection | None = context.config.attributes.get("connection")
if given is not None:
    _run(given)
else:
    database = Database(load().database_url)
    with database.engine.connect() as connection:
        _run(connection)
        connection.commit()
