"""Rows of a batch as plain objects: read, changed, and written back by one statement for all.

For the send path alone. What a session does for each object it keeps takes longer than all else
that a send asks of the database.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import FunctionType
from typing import Any, Generic, TypeVar, cast

from sqlalchemy import Select, Table, bindparam, select, update
from sqlalchemy.orm import Session

from bot.db import Base

Row = TypeVar("Row", bound=Base)


class Rows(Generic[Row]):
    """The rows of one table. They have its columns and its model's methods, and no relations."""

    def __init__(
        self, model: type[Row], *, written: Sequence[str] = (), without: Sequence[str] = ()
    ) -> None:
        """*written* are the columns that `write` brings back, *without* those that nobody reads."""
        table = cast(Table, model.__table__)
        columns = [column for column in table.columns if column.key not in without]
        self._columns = tuple(column.key for column in columns)
        methods = {
            name: each
            for name, each in vars(model).items()
            if isinstance(each, FunctionType) and not name.startswith("_")
        }
        self._plain = type(model.__name__, (), {"__slots__": self._columns, **methods})
        self.select: Select[Any] = select(*columns)
        self._written = {"this": "id", **{f"new_{name}": name for name in written}}
        self._update = update(table).where(table.c.id == bindparam("this"))
        if written:
            self._update = self._update.values({name: bindparam(f"new_{name}") for name in written})

    def read(self, session: Session, query: Select[Any], asked: Mapping[str, Any]) -> list[Row]:
        """Return what *query*, made from `select`, finds."""
        session.flush()
        found = []
        for values in session.connection().execute(query, asked):
            row = self._plain()
            for name, value in zip(self._columns, values, strict=True):
                setattr(row, name, value)
            found.append(row)
        return found

    def write(self, session: Session, rows: Sequence[Row]) -> None:
        """Write *rows* back, also for whoever looks at them in this session afterwards."""
        if not rows:
            return
        session.flush()
        session.connection().execute(
            self._update,
            [
                {name: getattr(row, column) for name, column in self._written.items()}
                for row in rows
            ],
        )
        session.expire_all()
