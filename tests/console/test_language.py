"""Staff read the console in Dutch, or in English if they choose so; the choice is theirs alone."""

from __future__ import annotations

import io
import re
from html import unescape

import pytest
from desks import Desk
from sqlalchemy import select

from bot.models.staff import ROLES, StaffMember
from bot.outreach import tasks
from console import extraction
from console.texts import ENGLISH

PAGES = (
    "/", "/postvak", "/mensen", "/mensen?wie=alle", "/mensen/P-1", "/mensen/nieuw",
    "/mensen/P-1/wijzig", "/mensen/P-1/gegevens", "/mensen/P-1/afspraak/0", "/inlezen",
    "/afspraken", "/groepsberichten", "/groepsberichten/nieuw", "/voortrajecten",
    "/ambassadeurs", "/premie", "/rapporten", "/nergens", "/wachtwoord-wijzigen", "/tweede-stap",
    "/herstelcodes", "/toegangssleutels",
)  # fmt: skip


def english(desk: Desk, role: str):
    browser = desk.as_(role)
    browser.post("/taal-van-de-pagina", {"ui": "en"})
    return browser


def choice(desk: Desk, name: str) -> str | None:
    with desk.house.database.reading() as session:
        return session.scalars(select(StaffMember.ui).where(StaffMember.name == name)).one()


def dutch_in(page: str) -> list[str]:
    """Return the Dutch sentences of the console that stand in *page* all the same."""
    page = re.sub(r'<(\w+)[^>]* lang="nl".*?</\1>', "", page, flags=re.DOTALL)
    shown = unescape(re.sub(r"<[^>]*>", "\n", page))
    there = {line.strip() for line in shown.splitlines()}
    return [
        dutch
        for dutch, told in extraction.english(ENGLISH).items()
        if dutch != told and dutch not in ROLES and "%" not in dutch and dutch in there
    ]


def test_the_console_is_dutch_until_somebody_chooses(desk: Desk):
    browser = desk.as_("klantmanager")

    assert '<html lang="nl"' in browser.get("/").text
    assert "Vandaag" in browser.get("/").text


def test_who_chose_english_has_it_again_in_another_browser_and_a_colleague_has_not(desk: Desk):
    english(desk, "klantmanager")

    elsewhere = desk.as_("klantmanager").get("/").text
    assert '<html lang="en"' in elsewhere
    assert '<html lang="nl"' in desk.as_("coordinator").get("/").text
    assert "en" == choice(desk, "klantmanager")


def test_who_goes_back_to_dutch_has_dutch_again(desk: Desk):
    browser = english(desk, "klantmanager")
    browser.post("/taal-van-de-pagina", {"ui": "nl"})

    assert '<html lang="nl"' in desk.as_("klantmanager").get("/").text


def test_the_page_of_logging_in_can_be_read_in_english_and_its_faults_too(desk: Desk):
    """The choice made there is that of who logs in for the first time."""
    browser = desk.browser()
    answer = browser.post(
        "/taal-van-de-pagina",
        {"ui": "en"},
        headers={"Referer": "http://localhost/console/inloggen"},
    )
    assert "/console/inloggen" == answer.location

    assert "Log in" in browser.get("/inloggen").text
    wrong = browser.log_in("frontlijn", "not this").text
    assert "Check your e-mail address" in wrong
    assert [] == dutch_in(wrong)
    browser.log_in("frontlijn")
    assert "en" == choice(desk, "frontlijn")


@pytest.mark.parametrize("path", PAGES)
def test_a_page_in_english_says_nothing_in_dutch(world: Desk, path: str):
    with world.house.database.session() as session:
        tasks.raise_task(session, tasks.QUESTION, about="language")
    if "everyone" not in names(world):
        world.hire("everyone", ["coordinator", "klantmanager", "communicatie", "beheerder"])
    page = english(world, "everyone").get(path).text

    assert '<html lang="en"' in page
    assert [] == dutch_in(page)


def names(desk: Desk) -> list[str]:
    with desk.house.database.reading() as session:
        return list(session.scalars(select(StaffMember.name)))


def test_why_something_cannot_be_is_said_in_english(desk: Desk):
    browser = english(desk, "frontlijn")
    added = browser.post("/mensen/nieuw", {"voornaam": "03-12-2026", "taal": "xx", "telefoon": "1"})
    assert 422 == added.status_code
    assert "This looks like a date; has Excel changed the name?" in added.text
    assert [] == dutch_in(added.text)

    read = browser.post("/inlezen", {"soort": "people"})
    assert "First choose a file." in read.text
    assert "You may not see that" in browser.get("/premie").text


def test_days_and_numbers_are_written_as_english_does(desk: Desk):
    page = english(desk, "klantmanager").get("/").text

    assert re.search(r"(Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day \d+ \w+ \d{4}", page)


def test_what_is_wrong_in_a_file_is_said_in_english(desk: Desk):
    """From the number that a spreadsheet rounded to the row that is there twice."""
    browser = english(desk, "frontlijn")
    rows = (
        "kenmerk;voornaam;taal;telefoon;hobby",
        "F-1;Amina;ar;3,17E+10;x",
        "F-1;Bo;nl;697000251;x",
        "F-2;3-12;klingon;06ab;x",
    )
    data = {"soort": "people", "bestand": (io.BytesIO("\n".join(rows).encode()), "people.csv")}
    page = browser.post("/inlezen", data).text

    assert "3 rows read: 0 new, 0 changed, 0 unchanged, 3 refused." in unescape(page)
    assert "has been rounded by a spreadsheet" in page
    assert "is also in row 2" in page
    assert "there are letters in the number" in page
    assert "Not read, because unknown: hobby." in page
    assert {"kenmerk", "taal"} == set(dutch_in(page)), "the columns are called so in the file"
