"""Show me (AVG): all that is kept about somebody and nothing of anybody else, for themselves."""

from __future__ import annotations

import json

import pytest
from desks import Desk
from sqlalchemy import inspect, select

from bot import moments
from bot.db import Base
from bot.models.messages import InboxEvent, Reply
from bot.models.people import Inburgeraar
from bot.models.staff import AuditEntry
from bot.outreach import tasks
from bot.privacy import consent, rights

SHOWN = {
    "afspraak", "deelname", "aanmelding", "message", "reply", "broadcast_recipient", "task",
    "consent", "person_address", "merged", "note",
}  # fmt: skip
"""Tables with a person in them, of which `rights.told` shows all."""


def test_every_table_that_knows_a_person_is_shown(desk: Desk):
    """A new one that nobody thought about is named here."""
    found = {
        table.name
        for table in Base.metadata.tables.values()
        if any(key.column.table.name == "inburgeraar" for key in table.foreign_keys)
    }
    assert inspect(desk.house.database.engine).has_table("inburgeraar")

    assert found <= SHOWN | {"premie"}, found - SHOWN


def wrote(desk: Desk, kenmerk: str, text: str) -> None:
    with desk.house.database.session() as session:
        person = session.scalars(select(Inburgeraar).where(Inburgeraar.kenmerk == kenmerk)).one()
        now = moments.now()
        event = InboxEvent(
            key=f"rights:{kenmerk}", source="twilio", lane="x", fingerprint="x", payload={},
            state="done", not_before=now, received_at=now,
        )  # fmt: skip
        session.add(event)
        session.flush()
        place = person.addresses[0].address
        reply = Reply(
            event_id=event.id, person_id=person.id, address_id=place.id, channel="sms",
            text=text, media=[], at=now,
        )  # fmt: skip
        session.add(reply)
        session.flush()
        tasks.raise_task(session, tasks.QUESTION, about=kenmerk, person=person, note=f"N {text}")
        consent.record(session, person, given=True, channel=None, evidence=f"E {text}")


def test_all_of_one_person_and_nothing_of_another_is_told_to_who_is_known(any_desk: Desk):
    desk = any_desk
    wrote(desk, "P-1", "mine <script>")
    wrote(desk, "P-2", "somebody else's")
    browser = desk.as_("klantmanager")
    page = browser.post("/mensen/P-1/gegevens", {"hoe": "paspoort"}).text

    for part in ("+31697000001", "mine &lt;script&gt;", "N mine", "E mine", "Vastgelegd onder"):
        assert part in page
    for part in ("somebody else", "+31697000006", "<script>mine"):
        assert part not in page
    file = browser.post("/mensen/P-1/gegevens", {"hoe": "paspoort", "als": "json"})
    assert "attachment" in file.headers["Content-Disposition"]
    assert "mine <script>" == json.loads(file.data)["Wat u schreef"][0]["tekst"]
    with desk.house.database.session() as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.action == "person.told_all"))
        assert [{"check": "paspoort"}] * 2 == [each.detail for each in entries]


@pytest.mark.parametrize("how", ["", "chat"])
def test_nothing_is_told_before_it_is_known_who_asks(desk: Desk, how: str):
    answer = desk.as_("klantmanager").post(
        "/mensen/P-1/gegevens", {"hoe": how}, follow_redirects=True
    )

    assert "Zeg eerst hoe u weet" in answer.text
    assert "+31697000001" not in answer.text


def test_a_value_is_said_in_words(desk: Desk):
    with desk.house.database.session() as session:
        person = session.scalars(select(Inburgeraar).where(Inburgeraar.kenmerk == "P-1")).one()
        told = rights.told(session, person)

    assert "Selam" == told["Persoon"][0]["voornaam"]
    assert "wijk" not in told["Persoon"][0]
    assert [] == told["Afspraken"]
