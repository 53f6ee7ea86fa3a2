"""What the pages show: the right people, in plain Dutch, and nothing that a person wrote runs."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta

import pytest
from desks import Desk
from sqlalchemy import select

from bot import moments
from bot.models.afspraken import Afspraak
from bot.models.people import Inburgeraar
from bot.models.staff import AuditEntry
from bot.outreach import afspraken, tasks
from bot.privacy import audit, consent

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{7*7}}",
    "javascript:alert(1)",
    "\u202egnp.exe",
    "a" * 500,
]


def afspraak(desk: Desk, kenmerk: str, person: str) -> None:
    """Let *person* have an afspraak today at three."""
    noon = moments.from_local(datetime.combine(moments.local(moments.now()).date(), time(15)))
    with desk.house.database.session() as session:
        found = session.scalars(select(Inburgeraar).where(Inburgeraar.kenmerk == person)).one()
        afspraken.record(
            session, desk.house, kenmerk=kenmerk, person=found, begins=noon, minutes=30,
            soort="gesprek", place="Wijkcentrum", address=None, staff=None, status="gepland",
        )  # fmt: skip


def test_today_shows_the_afspraken_of_ones_own_people_and_the_tasks_of_all(any_desk: Desk):
    desk = any_desk
    afspraak(desk, "A-1", "P-1")
    afspraak(desk, "A-2", "P-2")
    with desk.house.database.session() as session:
        tasks.raise_task(session, tasks.QUESTION, about="test", note="Bel terug.")

    page = desk.as_("klantmanager").get("/").text

    assert "Selam" in page
    assert "Rania" not in page
    assert "Geen antwoord" in page
    assert "Bel terug." in page


def test_the_answers_at_a_glance_add_up(desk: Desk):
    """Who will not come must not be missing from the figures above the list."""
    afspraak(desk, "A-1", "P-1")
    with desk.house.database.session() as session:
        session.scalars(select(Afspraak)).one().answer = "declined"

    tiles = re.findall(r"<b>(\d+)</b>", desk.as_("klantmanager").get("/").text)

    assert 1 == sum(int(each) for each in tiles)


def test_looking_at_other_peoples_people_is_written_down_and_at_ones_own_is_not(desk: Desk):
    browser = desk.as_("klantmanager")
    browser.get("/mensen/P-1")
    other = browser.get("/mensen/P-2").text

    assert "is vastgelegd" in other
    with desk.house.database.reading() as session:
        looked = session.scalars(
            select(AuditEntry.subject).where(AuditEntry.action == "person.looked")
        ).all()
        other_id = session.scalars(select(Inburgeraar.id).where(Inburgeraar.kenmerk == "P-2")).one()
    assert [f"person:{other_id}"] == list(looked)


def test_a_number_is_masked_until_shown_and_showing_is_written_down(any_desk: Desk):
    desk = any_desk
    browser = desk.as_("klantmanager")
    assert "+31697000001" not in browser.get("/mensen/P-1").text

    with desk.house.database.reading() as session:
        person = session.scalars(select(Inburgeraar).where(Inburgeraar.kenmerk == "P-1")).one()
        address = person.addresses[0].address_id
    shown = browser.post(f"/mensen/P-1/nummer/{address}").text

    assert "+31697000001" in shown
    with desk.house.database.reading() as session:
        assert "address.shown" in session.scalars(select(AuditEntry.action)).all()


def test_a_number_of_somebody_else_is_not_shown_under_this_person(desk: Desk):
    with desk.house.database.reading() as session:
        other = session.scalars(select(Inburgeraar).where(Inburgeraar.kenmerk == "P-2")).one()
        address = other.addresses[0].address_id

    assert 404 == desk.as_("klantmanager").post(f"/mensen/P-1/nummer/{address}").status_code


def test_every_yes_and_no_stands_on_the_page_of_a_person_with_how_we_know(desk: Desk):
    """A STOP is of the number; who looks at the person must see it all the same."""
    with desk.house.database.session() as session:
        person = session.scalars(select(Inburgeraar).where(Inburgeraar.kenmerk == "P-1")).one()
        source = "import people.csv"
        consent.record(session, person, given=True, channel=None, evidence=source)
        consent.want_fewer(session, person, "reply 7")
        consent.stop(session, person.addresses[0].address, "reply 8")

    page = desk.as_("klantmanager").get("/mensen/P-1").text

    assert "uit een bestand" in page
    assert "Hoogstens één herinnering per dag" in page
    assert page.index("Alle berichten") < page.index("Uitnodigingen</dt>")  # newest first
    assert 2 == page.count("zei het zelf")


@pytest.mark.parametrize("listens", [False, True])
def test_the_page_of_a_person_says_whether_they_would_rather_listen(desk: Desk, listens: bool):
    with desk.house.database.session() as session:
        person = session.scalars(select(Inburgeraar).where(Inburgeraar.kenmerk == "P-1")).one()
        person.listens = listens

    assert listens == ("tekst en spraak" in desk.as_("klantmanager").get("/mensen/P-1").text)


@pytest.mark.parametrize("name", HOSTILE)
def test_what_somebody_is_called_never_runs(desk: Desk, name: str):
    desk.person("P-9", name, klantmanager="klantmanager", phone="+31697000009")
    browser = desk.as_("klantmanager")
    for page in (browser.get("/mensen").text, browser.get("/mensen/P-9").text):
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert 'onerror=alert(1)>"' not in page
        assert "49" not in page or "{{7*7}}" not in name


@pytest.mark.parametrize(
    ("asked", "count"), [("wie=alle", 3), ("", 1), ("q=P-", 3), ("q=sel", 1), ("q=nobody", 0)]
)
def test_the_list_says_how_many_it_is_of(desk: Desk, asked: str, count: int):
    assert f"{count} gevonden" in desk.as_("klantmanager").get(f"/mensen?{asked}").text


@pytest.mark.parametrize("asked", ["sel", "P-1", "%", "_", "'", "\\", "ሰ" * 200])
def test_any_question_gets_a_page(desk: Desk, asked: str):
    """Signs that mean something to a database mean themselves here."""
    answer = desk.as_("klantmanager").get("/mensen", query_string={"q": asked})

    assert 200 == answer.status_code
    assert ("Selam" in answer.text) == (asked in ("sel", "P-1"))


@pytest.mark.parametrize("typed", ["+31697000001", "06 9700 0001", "0031-697000001"])
def test_who_calls_is_found_by_the_whole_number_however_it_is_typed(any_desk: Desk, typed: str):
    """And not by a part of it, which would tell whose numbers begin so."""
    browser = any_desk.as_("klantmanager")
    found = browser.get("/mensen", query_string={"q": typed}).text
    part = browser.get("/mensen", query_string={"q": "9700"}).text

    assert ("Selam" in found, "Mehmet" in found) == (True, False)
    assert "Selam" not in part
    with any_desk.house.database.reading() as session:
        searched = select(AuditEntry.subject).where(AuditEntry.action == "number.searched")
        assert ["people"] == list(session.scalars(searched)), "the number itself is not in it"


def test_a_page_before_the_first_is_the_first(any_desk: Desk):
    """An address is typed over, and a database refuses to begin before its beginning."""
    assert "Selam" in any_desk.as_("klantmanager").get("/mensen?wie=alle&na=-50").text


def test_somebody_who_is_not_there_gets_a_page_that_says_so(desk: Desk):
    answer = desk.as_("klantmanager").get("/mensen/P-404")

    assert 404 == answer.status_code
    assert "Die pagina is er niet" in answer.text


def test_a_row_of_the_log_that_was_changed_or_taken_out_is_named(any_desk: Desk):
    """Each row seals the one before: whoever edits one breaks it, or the next."""
    desk = any_desk
    key = desk.house.settings.signing_key
    with desk.house.database.session() as session:
        for number in range(4):
            audit.record(session, key, 1, "tried", f"thing:{number}")
        assert [] == list(audit.broken(session, key))
        entries = session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
        entries[1].subject = "thing:99"
        session.flush()
        assert [entries[1].id] == list(audit.broken(session, key))
        entries[1].subject = "thing:1"
        session.delete(entries[2])
        session.flush()
        assert [entries[3].id] == list(audit.broken(session, key))


def test_the_log_cut_short_shows_against_the_seal_that_was_kept(desk: Desk):
    key = desk.house.settings.signing_key
    with desk.house.database.session() as session:
        audit.record(session, key, 1, "tried", "thing:1")
        audit.record(session, key, 1, "tried", "thing:2")
        kept = audit.newest(session)
        last = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
        session.delete(last)
        session.flush()
        assert kept != audit.newest(session)


def test_practice_moves_the_day_that_is_shown(make_desk):
    desk = make_desk()
    moments.set_practice_offset(timedelta(days=400))

    assert str(moments.local(moments.now()).year) in desk.as_("klantmanager").get("/").text
