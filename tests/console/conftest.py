"""Desks to work at."""

from __future__ import annotations

import shutil
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


@pytest.fixture(scope="module")
def world(sqlite_template, tmp_path_factory) -> Iterator[Desk]:
    """A desk that the tests of a file share: each adds its own people to it."""
    path = tmp_path_factory.mktemp("world") / "stap.db"
    shutil.copy(sqlite_template, path)
    for make in making(f"sqlite:///{path}"):
        yield make()


def making(database_url: str) -> Iterator[Callable[..., Desk]]:
    made: list[Desk] = []

    def make(**settings: object) -> Desk:
        made.append(Desk(database_url, **settings))
        return made[-1]

    yield make
    for each in made:
        each.close()
