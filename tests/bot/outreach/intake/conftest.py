"""The desk, with an empty database behind it, at a moment that stands still."""

import pytest
from intake_desk import NOW, Desk
from sqlalchemy.orm import Session

from bot import house, moments, settings


@pytest.fixture
def now(monkeypatch):
    monkeypatch.setattr(moments, "now", lambda: NOW)
    return NOW


@pytest.fixture
def desk(sqlite_url, now):
    here = house.build(settings.load(None, database_url=sqlite_url))
    with Session(here.database.engine) as session:
        yield Desk(here, session)
    here.database.close()
