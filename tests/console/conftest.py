"""Desks to work at."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from desks import Desk


@pytest.fixture
def make_desk(sqlite_url) -> Iterator[Callable[..., Desk]]:
    yield from making(sqlite_url)


@pytest.fixture
def desk(make_desk) -> Desk:
    return make_desk()


@pytest.fixture
def any_desk(database_url) -> Iterator[Desk]:
    """A desk on each kind of database, for what one of them may do differently."""
    for make in making(database_url):
        yield make()


def making(database_url: str) -> Iterator[Callable[..., Desk]]:
    made: list[Desk] = []

    def make(**settings: object) -> Desk:
        made.append(Desk(database_url, **settings))
        return made[-1]

    yield make
    for each in made:
        each.close()
