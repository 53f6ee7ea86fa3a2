"""Postvak: danger first, one taker, and nothing that was seen to comes back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from desks import Desk
from sqlalchemy import select

from bot.models.people import Inburgeraar
from bot.models.staff import AuditEntry
from bot.models.tasks import Task
from bot.outreach import tasks


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
    assert "U heeft deze taak" in browser.get(f"/postvak/{number}").text
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
