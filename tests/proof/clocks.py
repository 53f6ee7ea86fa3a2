"""Three clocks that a run moves by hand: the wall's, the database's, and one nobody sets back."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import lru_cache
from types import ModuleType
from typing import Any

from bot import db, moments
from bot.messaging.pace import Pace


class Clocks:
    """What time it is. The wall's clock may jump; the other two only go on."""

    def __init__(self, at: datetime) -> None:
        self.wall, self.database, self.seconds = at, at, 0.0

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        step = timedelta(seconds=seconds)
        self.wall += step
        self.database += step
        self.seconds += seconds

    @property
    def is_behind(self) -> bool:
        """Say whether the wall's clock was set back already."""
        return self.wall < self.database - timedelta(hours=12)

    def jump(self, seconds: float) -> None:
        """Let somebody set the clock of this machine."""
        self.wall += timedelta(seconds=seconds)


@contextmanager
def driven(clocks: Callable[[], Clocks]) -> Iterator[None]:
    """Let the house ask the clocks that *clocks* returns, as long as this lasts."""
    undo = [
        replace(moments.now, lambda: clocks().wall),
        replace(moments.machine_now, lambda: clocks().wall),
        replace(db.clock, lambda session: clocks().database),
    ]
    real, Pace.clock = Pace.clock, staticmethod(lambda: clocks().seconds)  # type: ignore[method-assign]
    try:
        yield
    finally:
        Pace.clock = staticmethod(real)  # type: ignore[method-assign]
        for each in undo:
            each()


def replace(ours: Any, theirs: Any) -> Callable[[], None]:
    """Put *theirs* in the place of *ours* wherever the house has it; return what undoes that.

    The house has it under its own name everywhere: looking through all would copy the memory of a
    process that was just forked. *theirs* goes by that name from then on.
    """
    name = theirs.__name__ = ours.__name__
    places = [each for each in _house(len(sys.modules)) if vars(each).get(name) is ours]
    assert places, f"the house has no {name}"
    for module in places:
        setattr(module, name, theirs)

    def undo() -> None:
        for module in places:
            setattr(module, name, ours)

    return undo


@lru_cache(maxsize=1)
def _house(_modules: int) -> list[ModuleType]:
    """Return the modules of the house that are loaded, found once for so many in all."""
    return [
        module
        for name, module in list(sys.modules.items())
        if name.split(".")[0] in ("bot", "webhooks", "app")
    ]
