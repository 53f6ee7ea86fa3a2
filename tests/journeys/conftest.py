"""Journeys run over real HTTP, once on SQLite and once on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from world import World


@pytest.fixture
def make_world(database_url) -> Iterator[Callable[..., World]]:
    made: list[World] = []

    def make(**settings: object) -> World:
        made.append(World(database_url, **settings))
        return made[-1]

    yield make
    for world in made:
        world.close()


@pytest.fixture
def world(make_world, request) -> World:
    """A world; a test may say with which settings."""
    return make_world(**getattr(request, "param", {}))
