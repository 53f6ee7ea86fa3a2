"""Under a line that is not Dutch stands all of it in Dutch, or that it is not known."""

from __future__ import annotations

from datetime import timedelta

import pytest
from desks import Desk
from sqlalchemy import select

from bot import moments
from bot.messaging import outbox
from bot.models.messages import Message
from bot.models.people import Inburgeraar
from bot.models.voortrajecten import Voortraject
from bot.outreach import voortraject
from bot.outreach.preview import OWN
from console.thread import in_dutch


def dutch(desk: Desk, key: str, values: dict[str, object], language: str) -> str | None:
    """Let Selam be told *key*; return what her klantmanager reads under it."""
    with desk.house.database.session() as session:
        person = session.scalars(select(Inburgeraar).where(Inburgeraar.kenmerk == "P-1")).one()
        outbox.queue(
            session, desk.house, occasion="one", key=key, person=person, language=language,
            values=values, expires_at=moments.now() + timedelta(days=1),
        )  # fmt: skip
    with desk.house.database.reading() as session:
        return in_dutch(desk.house, session.scalars(select(Message)).one())


@pytest.mark.parametrize("language", ["ti", "ar", "tr"])
def test_the_days_of_a_voortraject_are_dutch_in_the_dutch(desk: Desk, language: str):
    """A weekday in Tigrinya tells a colleague nothing who is asked when it begins."""
    group = Voortraject(
        id=1, kenmerk="V-1", theme="Koffie", place="De Brug", days="mo,we", begins="09:00",
        ends="11:30", starts=moments.local(moments.now()).date().replace(month=12, day=14),
        weeks=26, seats=4,
    )  # fmt: skip
    values = voortraject.values_of(group, language)

    told = dutch(desk, "voortraject.invitation", values, language)

    assert told is not None
    assert "maandag en woensdag, 09:00-11:30" in told
    assert "14 december" in told


@pytest.mark.parametrize(
    ("own", "told"),
    [
        ({"own": ["Kapalı."], "own_nl": ["Gesloten."]}, "Gesloten."),
        ({"own": ["Kapalı."], "own_nl": []}, None),
    ],
)
def test_an_own_text_is_said_in_dutch_if_its_author_wrote_that_too(desk: Desk, own, told):
    found = dutch(desk, OWN, own, "tr")

    assert (told is None) == (found is None)
    assert "Kapalı" not in (found or "")
    assert (told or "") in (found or "")
