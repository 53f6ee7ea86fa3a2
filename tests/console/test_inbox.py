"""Postvak: danger first, one taker, and nothing that was seen to comes back."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from desks import Desk
from sqlalchemy import select

from bot import moments
from bot.messaging import templates
from bot.models.messages import Message
from bot.models.people import Inburgeraar
from bot.models.staff import AuditEntry
from bot.models.tasks import Task
from bot.outreach import replies, tasks


def ask(desk: Desk, kind: str, kenmerk: str = "P-1", note: str = "Let op.") -> int:
    """Let something wait for a person; return its number."""
    with desk.house.database.session() as session:
        person = session.scalars(select(Inburgeraar).where(Inburgeraar.kenmerk == kenmerk)).one()
        tasks.raise_task(
            session, kind, about=f"{kind}:{kenmerk}", person=person,
            address=person.addresses[0].address, note=note,
        )  # fmt: skip
        return session.scalars(select(Task.id).order_by(Task.id.desc())).first() or 0


def task(desk: Desk, number: int) -> Task:
    with desk.house.database.session() as session:
        return session.get_one(Task, number)


def test_danger_stands_above_who_waits_longer_and_its_words_stay_out_of_the_list(desk: Desk):
    ask(desk, tasks.QUESTION, "P-1")
    ask(desk, tasks.EMERGENCY, "P-2", note="This must not be read over a shoulder.")
    page = desk.as_("klantmanager").get("/postvak").text

    assert page.index("Mogelijk noodgeval") < page.index("Vraag</span>")
    assert "over a shoulder" not in page


def test_a_task_is_taken_given_back_and_closed_and_each_is_written_down(desk: Desk):
    number = ask(desk, tasks.QUESTION)
    browser = desk.as_("klantmanager")

    assert 303 == browser.post(f"/postvak/{number}/neem").status_code
    assert "klantmanager" == task(desk, number).taken_by
    assert "U heeft dit gesprek" in browser.get(f"/postvak/{number}").text
    browser.post(f"/postvak/{number}/geef-terug")
    assert task(desk, number).taken_by is None
    browser.post(f"/postvak/{number}/sluit")
    assert task(desk, number).done_at is not None
    assert "Hier staat niets" in browser.get("/postvak").text
    with desk.house.database.reading() as session:
        said = session.scalars(
            select(AuditEntry.action).where(AuditEntry.subject == f"task:{number}")
        ).all()
    assert ["task.taken", "task.given_back", "task.closed"] == list(said)


def test_what_a_colleague_has_is_neither_taken_nor_closed(desk: Desk):
    number = ask(desk, tasks.QUESTION)
    desk.as_("coordinator").post(f"/postvak/{number}/neem")
    browser = desk.as_("klantmanager")

    for what in ("neem", "sluit", "geef-terug"):
        answer = browser.post(f"/postvak/{number}/{what}", follow_redirects=True)
        assert 'role="alert"' in answer.text
    kept = task(desk, number)
    assert ("coordinator", None) == (kept.taken_by, kept.done_at)


def test_of_two_who_click_at_once_one_has_it(any_desk: Desk):
    number = ask(any_desk, tasks.QUESTION)

    def take(who: str) -> bool:
        with any_desk.house.database.session() as session:
            return tasks.take(session, number, who)

    with ThreadPoolExecutor(8) as pool:
        took = list(pool.map(take, [f"colleague {n}" for n in range(8)]))

    assert 1 == sum(took)


def test_a_task_that_is_not_there_gets_a_page_that_says_so(desk: Desk):
    browser = desk.as_("klantmanager")

    assert 404 == browser.get("/postvak/999").status_code
    assert 404 == browser.post("/postvak/999/neem").status_code


# ---------------------------------------------------------------------- what a colleague says


def answer(desk: Desk, browser, number: int, **form: str):
    """Send the reply box as the page has it, with *form* filled in."""
    page = browser.get(f"/postvak/{number}").text
    once = re.search(r'name="keer" value="(\w+)"', page)
    given = {"keer": once.group(1) if once else "none", **form}
    return browser.post(f"/postvak/{number}/antwoord", given)


def said(desk: Desk) -> list[tuple[str, str, str]]:
    with desk.house.database.reading() as session:
        rows = session.scalars(select(Message).order_by(Message.id))
        return [(each.key, each.language, each.body) for each in rows]


def test_the_reply_box_shows_what_goes_where_and_a_sentence_goes_once(desk: Desk):
    number = ask(desk, tasks.QUESTION)
    browser = desk.as_("klantmanager")
    assert "Neem het gesprek op u" in browser.get(f"/postvak/{number}").text
    browser.post(f"/postvak/{number}/neem")
    page = browser.get(f"/postvak/{number}").text

    assert "De automaat zwijgt" in page
    assert "Ik bel je vandaag." in page
    assert "ሎሚ ክድውለልኩም እየ።" in page
    assert "sms-delen" in page
    twice = {"keer": "the same press", "zin": "colleague.call_today"}
    for _ in range(2):
        assert 303 == browser.post(f"/postvak/{number}/antwoord", twice).status_code
    ((key, language, body),) = said(desk)
    assert ("colleague.call_today", "ti") == (key, language)
    assert "klantmanager (Gemeente Voorbeeldstad)" in body
    assert "ሎሚ ክድውለልኩም እየ።" in browser.get(f"/postvak/{number}").text


def test_own_words_are_kept_as_they_were_written_and_never_run(desk: Desk):
    number = ask(desk, tasks.QUESTION)
    browser = desk.as_("klantmanager")
    browser.post(f"/postvak/{number}/neem")
    words = "Tot morgen <script>alert(1)</script>\u202e"
    answer(desk, browser, number, zin="colleague.words", tekst=words)

    ((_, _, body),) = said(desk)
    assert "Tot morgen <script>alert(1)</script>" in body
    assert "\u202e" not in body
    assert "<script>alert" not in browser.get(f"/postvak/{number}").text


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("", "Schrijf eerst iets"),
        ("Je krijgt een boete.", "boete"),
        ("lang " * 200, "hoogstens 600 tekens"),
    ],
)
def test_words_that_should_not_be_said_stay_in_the_box_with_the_reason(desk: Desk, words, told):
    number = ask(desk, tasks.QUESTION)
    browser = desk.as_("klantmanager")
    browser.post(f"/postvak/{number}/neem")
    refused = answer(desk, browser, number, zin="colleague.words", tekst=words)

    assert 422 == refused.status_code
    assert told in refused.text
    assert words.strip()[:200] in refused.text
    assert [] == said(desk)


def test_nothing_is_said_by_who_does_not_have_the_conversation(desk: Desk):
    number = ask(desk, tasks.QUESTION)
    desk.as_("coordinator").post(f"/postvak/{number}/neem")
    refused = answer(desk, desk.as_("klantmanager"), number, zin="colleague.call_today")

    assert 422 == refused.status_code
    assert "Neem het gesprek eerst op u" in refused.text
    assert [] == said(desk)


def test_after_stop_or_with_the_window_shut_the_box_says_why_and_says_nothing(desk: Desk):
    number = ask(desk, tasks.QUESTION)
    browser = desk.as_("klantmanager")
    browser.post(f"/postvak/{number}/neem")
    for change, told in (
        ({"channel": "whatsapp"}, "keurde onze melding in deze taal nog niet goed"),
        ({"channel": "sms", "stopped_at": moments.now()}, "stuurde STOP"),
    ):
        with desk.house.database.session() as session:
            address = session.get_one(Task, number).address
            for name, value in change.items():
                setattr(address, name, value)
        assert told in browser.get(f"/postvak/{number}").text
        refused = answer(desk, browser, number, zin="colleague.call_today")
        assert told in refused.text
    assert [] == said(desk)


def shut(desk: Desk, number: int) -> None:
    """Let the task be about somebody on WhatsApp who never wrote; what announces is approved."""
    with desk.house.database.session() as session:
        found = session.get_one(Task, number)
        assert found.address is not None
        found.address.channel = "whatsapp"
        for want in templates.wanted(desk.house):
            if want.key.startswith(replies.ANNOUNCEMENT):
                templates.use(session, want, f"HX{want.digest[:32]}")


def test_with_the_window_shut_the_box_says_that_an_answer_waits_and_what_goes_first(desk: Desk):
    number = ask(desk, tasks.QUESTION)
    shut(desk, number)
    browser = desk.as_("klantmanager")
    browser.post(f"/postvak/{number}/neem")
    page = browser.get(f"/postvak/{number}").text

    assert "Een collega heeft een bericht voor je." in page
    assert "binnen 7 dagen" in page
    assert "Zet deze zin klaar" in page
    assert "Ik bel je vandaag." not in page, "by the time they read it, that is another day"
    refused = answer(desk, browser, number, zin="colleague.call_today")
    assert 422 == refused.status_code
    assert [] == said(desk)


def test_a_number_that_nobody_is_known_by_is_not_asked_to_open_a_chat(desk: Desk):
    """What announces an answer speaks to somebody, and nobody knows who that would be."""
    number = ask(desk, tasks.QUESTION)
    shut(desk, number)
    with desk.house.database.session() as session:
        session.get_one(Task, number).person_id = None
    browser = desk.as_("klantmanager")
    browser.post(f"/postvak/{number}/neem")

    assert "wij weten niet van wie het is" in browser.get(f"/postvak/{number}").text
    assert 422 == answer(desk, browser, number, zin="colleague.settled").status_code
    assert [] == said(desk)


def test_an_answer_that_waits_says_so_in_the_thread_and_is_withdrawn_by_who_said_it(desk: Desk):
    number = ask(desk, tasks.QUESTION)
    shut(desk, number)
    browser = desk.as_("klantmanager")
    browser.post(f"/postvak/{number}/neem")
    answer(desk, browser, number, zin="colleague.settled")
    page = browser.get(f"/postvak/{number}").text
    assert "Gaat uit zodra deze persoon de melding opent of iets schrijft." in page
    waits = re.search(r'name="bericht" value="(\d+)"', page)
    assert waits is not None
    where = f"/postvak/{number}/trek-in"

    other = desk.as_("coordinator")
    assert "Trek in" not in other.get(f"/postvak/{number}").text
    refused = other.post(where, {"bericht": waits[1]}, follow_redirects=True).text
    assert "Neem het gesprek eerst op u" in refused
    told = browser.post(where, {"bericht": waits[1]}, follow_redirects=True).text
    assert "Dit bericht gaat niet meer uit" in told
    assert "Een collega trok dit in." in told
    again = browser.post(where, {"bericht": waits[1]}, follow_redirects=True).text
    assert "Dit bericht is al weg" in again
    assert "Een collega trok dit in." in desk.as_("klantmanager").get("/mensen/P-1").text


def test_what_is_put_aside_comes_back_by_itself_or_when_they_write(desk: Desk):
    number = ask(desk, tasks.QUESTION)
    browser = desk.as_("klantmanager")
    browser.post(f"/postvak/{number}/later", {"dagen": "3"})

    assert "Niemand wacht op een mens" in browser.get("/postvak").text
    assert f"/postvak/{number}?" in browser.get("/postvak?wie=later").text
    with desk.house.database.session() as session:
        found = session.get_one(Task, number)
        assert found.snoozed_until is not None
        assert 9 == moments.local(found.snoozed_until).hour
    ask(desk, tasks.QUESTION)
    assert f"/postvak/{number}?" in browser.get("/postvak").text


def test_danger_is_not_put_aside(desk: Desk):
    number = ask(desk, tasks.EMERGENCY)
    browser = desk.as_("klantmanager")
    page = browser.post(f"/postvak/{number}/later", {"dagen": "1"}, follow_redirects=True).text

    assert "Dit kan niet wachten" in page
    assert task(desk, number).snoozed_until is None


def test_a_colleague_writes_first_to_somebody_who_asked_nothing(any_desk: Desk):
    """Most of the work begins so: nothing came in, and somebody is to be told something."""
    browser = any_desk.as_("klantmanager")
    assert "Schrijf bericht" in browser.get("/mensen/P-1").text

    place = browser.post("/mensen/P-1/schrijf").location.removeprefix("/console").split("#")[0]
    page = browser.get(place).text
    once = re.search(r'name="keer" value="([^"]+)"', page)
    assert once, page
    sent = {"zin": "colleague.call_today", "keer": once[1]}
    browser.post(f"{place}/antwoord", sent)

    assert "U heeft dit gesprek" in page
    with any_desk.house.database.reading() as session:
        said = session.execute(select(Message.key, Message.state)).all()
    assert [("colleague.call_today", "planned")] == [tuple(each) for each in said]


def test_who_writes_first_twice_has_one_conversation_and_a_colleague_sees_whose_it_is(desk: Desk):
    browser = desk.as_("klantmanager")
    first, again = (browser.post("/mensen/P-1/schrijf").location for _ in range(2))
    other = desk.as_("coordinator").post("/mensen/P-1/schrijf", follow_redirects=True)

    assert first == again
    assert "heeft dit gesprek en antwoordt" in other.text


def test_who_has_a_question_of_somebody_writes_in_that_conversation(desk: Desk):
    number = ask(desk, tasks.QUESTION)
    browser = desk.as_("klantmanager")
    browser.post(f"/postvak/{number}/neem")

    assert browser.post("/mensen/P-1/schrijf").location.endswith(f"/postvak/{number}#rp")


def test_what_ones_own_people_ask_has_a_tab_and_comes_first_on_vandaag(any_desk: Desk):
    """Whoever guides eighty people must find theirs among all that waits."""
    ask(any_desk, tasks.QUESTION, "P-3", note="Van een ander.")
    own = ask(any_desk, tasks.CALL_BACK, "P-1", note="Van mijn mensen.")
    put_aside = ask(any_desk, tasks.CHILDCARE, "P-1", note="Opzij gezet.")
    browser = any_desk.as_("klantmanager")
    browser.post(f"/postvak/{put_aside}/later", {"dagen": "3"})

    today, tab = browser.get("/").text, browser.get("/postvak?wie=mensen").text

    assert today.index("Van mijn mensen") < today.index("Van een ander")
    assert "Opzij gezet." not in today
    assert ("Van mijn mensen" in tab, "Van een ander" in tab) == (True, False)
    for page in (today, browser.get("/mensen/P-1").text):
        assert f'href="/console/postvak/{own}"' in page


def test_who_is_in_danger_is_told_to_get_nothing_by_itself(desk: Desk):
    ask(desk, tasks.EMERGENCY, "P-1")
    browser = desk.as_("klantmanager")

    assert "sturen wij niets vanzelf" in browser.get("/mensen/P-1").text
    assert "sturen wij niets vanzelf" not in browser.get("/mensen/P-2").text
