"""Notes: for colleagues, taken back by who wrote them, and no secret from the person."""

from __future__ import annotations

import pytest
from desks import Desk
from sqlalchemy import select

from bot.models.people import Note
from bot.models.staff import AuditEntry


def noted(desk: Desk) -> list[str]:
    with desk.house.database.reading() as session:
        return list(session.scalars(select(Note.text)))


def test_a_note_is_there_for_colleagues_with_who_wrote_it_and_runs_nothing(any_desk: Desk):
    browser = any_desk.as_("klantmanager")
    text = "Liever na 12:00. \r\n\r\n<script>alert(1)</script>"
    assert 303 == browser.post("/mensen/P-1/notitie", {"notitie": text}).status_code

    page = any_desk.as_("coordinator").get("/mensen/P-1").text

    assert "Liever na 12:00.<br>&lt;script&gt;" in page
    assert "Haal weg" not in page  # it is the klantmanager's
    with any_desk.house.database.reading() as session:
        assert "note.written" in session.scalars(select(AuditEntry.action)).all()
    frontlijn = any_desk.as_("frontlijn").get("/mensen/P-1")
    assert (200, False) == (frontlijn.status_code, "Liever na" in frontlijn.text)


def test_a_note_is_taken_back_by_who_wrote_it_alone(desk: Desk):
    """It may stand with the wrong person; that it stood there stays in the log."""
    browser = desk.as_("klantmanager")
    browser.post("/mensen/P-1/notitie", {"notitie": "Verkeerde persoon"})

    assert 403 == desk.as_("coordinator").post("/mensen/P-1/notitie/1/weg").status_code
    assert 404 == browser.post("/mensen/P-2/notitie/1/weg").status_code
    assert ["Verkeerde persoon"] == noted(desk)
    assert (
        "De notitie is weg" in browser.post("/mensen/P-1/notitie/1/weg", follow_redirects=True).text
    )
    assert [] == noted(desk)


@pytest.mark.parametrize("text", ["", " \n ", "a" * 501])
def test_an_empty_note_or_a_whole_story_is_not_kept(desk: Desk, text: str):
    browser = desk.as_("klantmanager")
    answer = browser.post("/mensen/P-1/notitie", {"notitie": text}, follow_redirects=True)

    assert "hoogstens 500 tekens" in answer.text
    assert [] == noted(desk)


def test_the_person_reads_what_was_noted(desk: Desk):
    browser = desk.as_("klantmanager")
    browser.post("/mensen/P-1/notitie", {"notitie": "Liever na 12:00."})

    assert "Liever na 12:00." in browser.post("/mensen/P-1/gegevens", {"hoe": "paspoort"}).text
