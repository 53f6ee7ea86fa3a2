"""Doors to knock at, on both databases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from knocking import Doors, Wire


@pytest.fixture
def doors(database_url) -> Iterator[Doors]:
    opened = Doors(database_url)
    yield opened
    opened.close()


@pytest.fixture
def wire(doors) -> Iterator[Wire]:
    opened = Wire(doors)
    yield opened
    opened.close()
