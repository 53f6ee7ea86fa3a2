"""Where runs are played: a house, its clocks, and tables that are emptied for every run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from tempfile import TemporaryDirectory

from post_office import TUESDAY, Office
from sqlalchemy import event

from bot import migrate
from proof.clocks import Clocks, driven
from proof.desk import Desk, Tables
from proof.play import Play
from proof.shelf import Shelf


class Stage:
    """Gives one run after the other; the clocks of the last one are those that the house asks."""

    def __init__(self, postgres_url: str | None = None) -> None:
        self.clocks = Clocks(TUESDAY)
        self._folder = TemporaryDirectory(prefix="stage-")
        self._offices: dict[str, Office] = {"sqlite": _in_a_file(self._folder.name)}
        if postgres_url is not None:
            self._offices["postgres"] = Office(postgres_url, spool_dir=self._folder.name)
        self._tables = {name: Tables(each.database) for name, each in self._offices.items()}

    def new(self, where: str = "shelf", at: datetime = TUESDAY) -> Play:
        """Begin a run on the ``shelf``, on ``sqlite`` or on ``postgres``."""
        self.clocks = clocks = Clocks(at)
        if where == "shelf":
            return Play(Shelf(self._offices["sqlite"].house, clocks), clocks)
        return Play(Desk(self._offices[where], clocks, self._tables[where]), clocks)

    def close(self) -> None:
        """Let all connections go."""
        for tables in self._tables.values():
            tables.empty()  # others use it after this
            tables.close()
        for office in self._offices.values():
            office.close()
        self._folder.cleanup()


def _in_a_file(folder: str) -> Office:
    """Runs are many, and nothing here is about the disk: it is never waited for."""
    # In a file all the same: one in memory goes with the connection that made it.
    office = Office(f"sqlite:///{folder}/stage.db", spool_dir=folder)
    event.listen(
        office.database.engine,
        "connect",
        lambda connection, _record: connection.execute("PRAGMA synchronous=OFF"),
    )
    migrate.upgrade(office.database)
    return office


@contextmanager
def stage(postgres_url: str | None = None) -> Iterator[Stage]:
    """Set everything up, and clear it away."""
    with ExitStack() as stack:
        one = Stage(postgres_url)
        stack.callback(one.close)
        stack.enter_context(driven(lambda: one.clocks))
        yield one
