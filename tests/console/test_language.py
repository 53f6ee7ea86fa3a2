"""Staff read the console in Dutch, or in English if they choose so; the choice is theirs alone."""

from __future__ import annotations

import io
import re
from collections import Counter
from datetime import timedelta
from html import unescape

import flask
import pytest
from desks import Desk
from group_house import TUESDAY, be, deelname, voortraject
from group_house import person as known
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import moments
from bot.channels.base import ADVICE
from bot.messaging.delivery import WHY_NOT
from bot.models.afspraken import Afspraak
from bot.models.ambassadeurs import Aanmelding, Ambassadeur
from bot.models.messages import InboxEvent, Message, Reply
from bot.models.people import Inburgeraar
from bot.models.staff import ROLES, StaffMember
from bot.outreach import afspraken, ambassadeurs, broadcasts, tasks
from bot.outreach import people as people_
from bot.outreach.voortraject import ask_childcare
from bot.told import tell
from console import ambassadeurs as ambassadeur_pages
from console import extraction, texts
from console.texts import ENGLISH
from console.voortrajecten import DEELNAMES
from console.words import STATES

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
    heard = re.findall(r'(?:aria-label|title|placeholder|alt|data-l)="([^"]*)"', page)
    shown = unescape("\n".join([re.sub(r"<[^>]*>", "\n", page), *heard]))
    english = extraction.english(ENGLISH)
    dutch = {said for said, told in english.items() if said != told and said not in ROLES}
    there = {line.strip() for line in shown.splitlines()} - {"", *english.values()}
    filled = [form for form, said in texts.filled_in() if said in dutch]
    return sorted(
        line for line in there if line in dutch or any(form.fullmatch(line) for form in filled)
    )


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


# ------------------------------------------------------------------ a house in which much happened


@pytest.fixture
def busy(make_desk) -> Desk:
    """Every state and cause of a message, every kind of task, and group messages of all kinds."""
    desk = make_desk()
    be(TUESDAY)
    desk.hire("everyone", ["coordinator", "klantmanager", "communicatie", "beheerder"])
    now = moments.now()
    with desk.house.database.session() as session:
        group = voortraject(session, seats=40)
        for state in DEELNAMES:
            deelname(session, group, f"deelname-{state}", state)
        people = [known(session, f"N{n}", "ti", wijk="Noord", channel="sms") for n in range(30)]
        for number, cause in enumerate((*WHY_NOT, *ADVICE)):
            message(session, people[number % 30], "failed" if cause in ADVICE else "blocked", cause)
        for state in STATES:
            message(session, people[0], state, None)
        for kind in kinds():
            tasks.raise_task(session, kind, about=f"test:{kind}", person=people[1])
        tasks.channel_down(session, "sms", "connect", 12)
        heard = reply(session, people[2], "stop")
        stopped = tell("Stuurde STOP. Bel of schrijf een brief.")
        people_.stop(session, people[2].addresses[0].address, "reply 1", stopped, heard)
        theirs = reply(session, people[3], "لا")
        people_.close_number(session, people[3].addresses[0].address, theirs)
        ask_childcare(session, deelname(session, group, "Hodan"), heard, 2)
        for number, said in enumerate(("confirmed", "reschedule", "declined", "none")):
            afspraken.record(
                session, desk.house, kenmerk=f"A-{number}", person=people[number], minutes=30,
                begins=now + timedelta(days=2, hours=number), soort="gesprek", place="Wijkcentrum",
                address=None, staff="everyone", status="gepland",
            )  # fmt: skip
            if said != "none":
                made = select(Afspraak).where(Afspraak.kenmerk == f"A-{number}")
                afspraken.answer(session, session.scalars(made).one(), said, heard)
        for what in ("paused", "done", "stopped", "draft"):
            group_message(session, desk, what)
        one = Ambassadeur(kenmerk="AMB-1", first_name="Yordanos", phone="+31697002000",
                          languages=["ti"], wijk="Noord", created_at=now)  # fmt: skip
        session.add(one)
        session.flush()
        for number, flag in enumerate(ambassadeur_pages.FLAGS):
            session.add(
                Aanmelding(
                    link_id=ambassadeurs.link_for(session, one).id, person_id=people[number].id,
                    counted=False, flags=[flag], at=now - timedelta(days=1),
                )
            )  # fmt: skip
    return desk


def kinds() -> list[str]:
    return [word for name, word in vars(tasks).items() if name.isupper() and isinstance(word, str)]


def message(session: Session, person: Inburgeraar, state: str, cause: str | None) -> None:
    now = moments.now()
    session.add(
        Message(
            occasion=f"test:{person.id}:{state}:{cause}", person_id=person.id, channel="sms",
            address_id=person.addresses[0].address_id, purpose="public task",
            key="afspraak.reminder", language="ti", values={}, body="ሰላም", buttons=[], priority=1,
            state=state, cause=cause, attempts=1, not_before=now - timedelta(minutes=1),
            expires_at=now, created_at=now, changed_at=now,
        )
    )  # fmt: skip


def reply(session: Session, person: Inburgeraar, said: str) -> Reply:
    now, address = moments.now(), person.addresses[0].address
    event = InboxEvent(key=f"test:{person.id}", source="twilio", lane="x", fingerprint="x",
                       payload={}, state="done", not_before=now, received_at=now)  # fmt: skip
    session.add(event)
    session.flush()
    one = Reply(event_id=event.id, person_id=person.id, address_id=address.id, channel="sms",
                text=said, media=[], intent="stop", at=now)  # fmt: skip
    session.add(one)
    session.flush()
    return one


def group_message(session: Session, desk: Desk, state: str) -> None:
    """Let there be one that was written, changed, started, and then came to be in *state*."""
    one = broadcasts.draft(
        session, desk.house, by="everyone", name=f"Over {state}", key="voortraject.invitation",
        voortraject_id=1, audience="wijk=Noord", first=2,
    )  # fmt: skip
    if state == "draft":
        return
    one.approved_count, one.approved_by, one.started_at = 20, "goedkeurder", moments.now()
    one.state = "sending"
    if state == "done":
        one.window_until = moments.now()
    if state == "stopped":
        broadcasts.stop(session, one, by="everyone")
    else:  # of one that changed since it was approved the rest is held
        broadcasts.tick(session, desk.house, 100)
    assert state == one.state


def test_what_lies_in_a_row_is_recognised_whatever_was_filled_in(desk: Desk):
    """A room below wrote plain Dutch; who reads English has it in English all the same."""
    missed = []
    with desk.app.test_request_context():
        flask.session["ui"] = "en"
        for _, sentence in texts.filled_in():
            places = set(texts.PLACE.findall(sentence))
            told = tell(sentence, **{name: f"({n})" for n, name in enumerate(sorted(places))})
            if texts.said(told) != texts.said(str(told)):
                missed.append(sentence)
        assert "Zomaar iets." == texts.said("Zomaar iets.")

    assert [] == missed


MOST = 3
"""Pages of one kind that are looked at: the fourth afspraak is like the third."""


def test_no_page_that_can_be_clicked_to_says_anything_in_dutch(busy: Desk):
    """From Vandaag along every link: also what lay in a row since a Dutch room wrote it."""
    browser = english(busy, "everyone")
    found, seen, waiting = {}, Counter(), ["/"]
    while waiting:
        path = waiting.pop(0)
        answer = browser.get(path)
        if "text/html" not in answer.content_type:
            continue
        if said := set(dutch_in(answer.text)) - {busy.house.gemeente.sender}:
            found[path] = sorted(said)
        for link in re.findall(r'href="/console(/[^"#]*)"', answer.text):
            shape = re.sub(r"\d+", "0", unescape(link))
            seen[unescape(link)] += 1
            if seen[unescape(link)] > 1 or "/static/" in link or seen[shape, ""] >= MOST:
                continue
            seen[shape, ""] += 1
            waiting.append(unescape(link))

    assert {} == found
    assert len([each for each in seen if isinstance(each, str)]) > 60
