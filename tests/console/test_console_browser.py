"""The console in a real browser: with and without scripts, on the smallest phone, and inert."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from desks import PASSWORD, Desk
from group_house import TUESDAY, be, voortraject
from group_house import person as known
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select
from werkzeug.serving import make_server
from windows import log_in, windows

from bot import moments
from bot.models.broadcasts import Broadcast
from bot.models.messages import InboxEvent, Message, Reply
from bot.models.people import Inburgeraar
from bot.models.tasks import Task
from bot.outreach import broadcasts, tasks
from console import counting

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

HOSTILE = (
    "<script>window.hit=1</script>",
    '"><img src=x onerror="window.hit=1">',
    "<svg/onload=window.hit=1>",
    "</textarea><script>window.hit=1</script>",
    "' onmouseover='window.hit=1",
    "{{7*7}}${7*7}",
    "javascript:window.hit=1",
    "\u202e\u2066\u200fevil\u0301" * 3,
    "W" * 2000,
    "%(n)s %s {0}",
)
"""What residents may write: as a name, a wijk, a message."""

NARROWEST = 320


@pytest.fixture(scope="module")
def desk(sqlite_template, tmp_path_factory) -> Iterator[Desk]:
    """One desk for all of this file, with a group, people and what hostile ones wrote."""
    path = tmp_path_factory.mktemp("console") / "stap.db"
    shutil.copy(sqlite_template, path)
    desk = Desk(f"sqlite:///{path}", public_url="http://127.0.0.1")
    be(TUESDAY)
    with desk.house.database.session() as session:
        voortraject(session, seats=40)
        for number in range(30):
            channel = ("sms", "telegram", "whatsapp")[number % 3]
            known(session, f"N{number}", ("nl", "ar", "ti")[number % 3], channel=channel)
        for number, text in enumerate(HOSTILE):
            evil = known(session, f"H-{number}", "ar", wijk=text, groep=text, channel="sms")
            evil.first_name, evil.klantmanager = text, text
            _wrote(session, evil, text)
    yield desk
    desk.close()


def _wrote(session: Any, person: Inburgeraar, text: str) -> None:
    """Let *person* have written *text*, and let it wait for a person."""
    now = moments.now()
    event = InboxEvent(
        key=f"browser:{person.id}", source="twilio", lane="x", fingerprint="x", payload={},
        state="done", not_before=now, received_at=now,
    )  # fmt: skip
    session.add(event)
    session.flush()
    address = person.addresses[0].address
    address.last_inbound_at = now
    reply = Reply(
        event_id=event.id, person_id=person.id, address_id=address.id, channel="sms",
        text=text, button=text, media=[], intent="human", at=now - timedelta(hours=1),
    )  # fmt: skip
    session.add(reply)
    session.flush()
    tasks.raise_task(
        session, tasks.QUESTION, about=f"browser:{person.id}", person=person, address=address,
        note=f"Let op: {text}", reply=reply,
    )  # fmt: skip


@pytest.fixture
def address(desk: Desk) -> Iterator[str]:
    """Where the console is served, on a Tuesday."""
    be(TUESDAY)
    server = make_server("127.0.0.1", 0, desk.app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/console"
    server.shutdown()


@pytest.fixture
def open_as(chromium: Browser, address: str) -> Iterator[Callable[..., Page]]:
    """Log somebody in; what the browser complained about, in its console too, fails the test."""
    with windows(chromium, base_url=address) as opened:

        def open_(name: str, **context: Any) -> Page:
            page = opened.open(**context)
            page.on("console", lambda message: opened.complaints.append(message.text))
            log_in(page, address, name, PASSWORD)
            page.wait_for_url(re.compile(r"/console/$"))
            return page

        yield open_


def visit(page: Page, address: str, path: str) -> None:
    page.goto(address + path)


def written(page: Page, address: str, name: str) -> int:
    """Write a group message about the group; return its number."""
    visit(page, address, "/groepsberichten/nieuw")
    page.fill("#name", name)
    page.select_option("#voortraject", "V1")
    page.click("text=Bewaar en bekijk het voorbeeld")
    return int(re.findall(r"\d+", page.url)[-1])


def approved(page: Page, address: str, number: int) -> None:
    visit(page, address, f"/groepsberichten/{number}/akkoord?taal=ar&taal=ti")
    said = page.text_content("#aantal-d") or ""
    page.fill("#aantal", said.split(":")[1].strip())
    page.click("text=Keur goed en begin")


def tick(desk: Desk) -> None:
    with desk.house.database.session() as session:
        broadcasts.tick(session, desk.house, 100)


def test_s21_a_groepsbericht_from_writing_to_correction_without_a_script(desk, address, open_as):
    """Written, approved by another, stopped in the middle, gone on with, stopped, put right."""
    writer = open_as("communicatie", java_script_enabled=False)
    number = written(writer, address, "Koffie en praten")
    assert writer.locator(".phone").count() >= 4
    approved(open_as("goedkeurder", java_script_enabled=False), address, number)
    tick(desk)
    with desk.house.database.session() as session:
        for message in session.scalars(select(Message).where(Message.broadcast_id == number)):
            message.state = "delivered"

    visit(writer, address, f"/groepsberichten/{number}")
    writer.click("text=Stop verzenden")
    assert "Er gaat niets meer weg." in (writer.text_content("#stand") or "")
    label = writer.text_content("text=/Ga verder met \\d+/") or ""
    left = re.findall(r"Ga verder met ([\d.]+)", writer.content())
    assert label
    writer.fill("#verder", left[-1])
    writer.click(f"button:has-text('Ga verder met {left[-1]}')")
    assert writer.locator(".stopbtn").count() == 1
    writer.click("text=Stop verzenden")
    writer.click("text=Schrijf correctie")
    assert "alleen naar wie groepsbericht" in writer.content()
    writer.click("text=Bewaar en bekijk het voorbeeld")
    assert "20" == writer.text_content(".sum .big")


def test_a_reply_is_sent_without_a_script(desk, address, open_as):
    page = open_as("klantmanager", java_script_enabled=False)
    with desk.house.database.session() as session:
        number = session.scalars(select(Task.id).order_by(Task.id)).first()
    visit(page, address, f"/postvak/{number}")
    page.click("text=Neem op u")
    page.check("#zin-1")
    page.click("text=Verstuur deze zin")

    assert page.locator(".msg--out").count() == 1


def pages(desk: Desk, page: Page, address: str) -> list[str]:
    """Return the pages that show what people wrote, and those with forms."""
    with desk.house.database.session() as session:
        waiting = session.scalars(select(Task.id).where(Task.person_id.is_not(None))).all()
    evil = [f"/mensen/H-{number}" for number in range(len(HOSTILE))]
    return [
        "/", "/postvak", "/mensen?wie=alle", "/mensen/nieuw", "/inlezen", "/groepsberichten/nieuw",
        "/mensen/H-1/wijzig", "/mensen/H-1/afspraak/0", *evil,
        *(f"/postvak/{number}" for number in waiting),
    ]  # fmt: skip


def test_what_people_wrote_runs_nowhere_and_widens_no_page(desk, address, open_as):
    """Names, wijken and messages: nothing of it is a script, and the narrowest phone holds it."""
    page = open_as("coordinator", viewport={"width": NARROWEST, "height": 700})
    hit, wide = [], []
    for path in pages(desk, page, address):
        visit(page, address, path)
        if page.evaluate("window.hit"):
            hit.append(path)
        root = "document.documentElement"
        if page.evaluate(f"{root}.scrollWidth > {root}.clientWidth"):
            wide.append(path)

    assert ([], []) == (hit, wide)


@pytest.mark.parametrize("width", [390, 1360])
def test_axe_finds_nothing_on_the_pages_of_writing_and_answering(desk, address, open_as, width):
    size = {"width": width, "height": 900}
    axe, found = Axe(), {}
    writer = open_as("coordinator", viewport=size, bypass_csp=True)
    number = written(writer, address, f"Voor axe {width}")
    approver = open_as("goedkeurder", viewport=size, bypass_csp=True)
    look = [
        (writer, "/groepsberichten"),
        (writer, "/groepsberichten/nieuw"),
        (writer, f"/groepsberichten/{number}/voorbeeld"),
        (approver, f"/groepsberichten/{number}/akkoord?taal=ar&taal=ti"),
        (writer, "/inlezen"),
        (writer, "/mensen/nieuw"),
        (writer, "/mensen/N1"),
        (writer, "/mensen/N1/afspraak/0"),
        (writer, "/postvak"),
    ]
    for page, path in look:
        visit(page, address, path)
        result = axe.run(page)
        if result.violations_count:
            found[path] = result.generate_report()
    approved(approver, address, number)
    result = axe.run(approver)
    if result.violations_count:
        found["live"] = result.generate_report()

    assert {} == found


EVERY_OTHER = (
    "/", "/mensen", "/mensen?wie=alle", "/mensen/N1/wijzig", "/mensen/N1/gegevens", "/afspraken",
    "/voortrajecten", "/voortrajecten/V1", "/ambassadeurs", "/premie", "/rapporten",
    "/tweede-stap", "/herstelcodes", "/toegangssleutels", "/wachtwoord-wijzigen",
)  # fmt: skip


@pytest.mark.parametrize("language", ["nl", "en"])
def test_axe_finds_nothing_on_every_other_page_in_either_language(desk, address, open_as, language):
    axe, found = Axe(), {}
    page = open_as("coordinator", viewport={"width": 390, "height": 900}, bypass_csp=True)
    if language == "en":
        page.locator("[popovertarget=menu]").click()
        page.get_by_role("button", name="English").click()
    for path in EVERY_OTHER:
        page.goto(address + path)
        assert language == page.get_attribute("html", "lang"), path
        result = axe.run(page)
        if result.violations_count:
            found[path] = result.generate_report()

    assert {} == found


# ------------------------------------------------------------------ with a keyboard alone

FOCUSED = """() => {
    const one = document.activeElement, all = [...document.querySelectorAll("*")]
    const box = one.getBoundingClientRect(), style = getComputedStyle(one)
    const ring = parseFloat(style.outlineWidth) >= 2 && style.outlineStyle !== "none"
    return {
        at: all.indexOf(one), what: one.outerHTML.slice(0, 90), page: one === document.body,
        seen: ring && box.width > 1 && box.height > 1
            && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
    }
}"""
"""What has the focus: where it stands in the document, and whether one sees that it has it."""

ONE_BY_ONE = (
    "/", "/postvak", "/mensen", "/mensen/N1", "/mensen/N1/wijzig", "/mensen/N1/afspraak/0",
    "/mensen/nieuw", "/mensen/N1/gegevens", "/inlezen", "/afspraken", "/groepsberichten",
    "/groepsberichten/nieuw", "/voortrajecten/V1", "/ambassadeurs", "/premie", "/rapporten",
    "/tweede-stap", "/herstelcodes",
)  # fmt: skip
MANY_TABS = 150


@pytest.mark.parametrize("width", [1360, 390])
def test_tab_goes_through_every_page_as_it_is_read_and_one_sees_where(address, open_as, width):
    page = open_as("coordinator", viewport={"width": width, "height": 900})
    back, unseen = [], []
    for path in ONE_BY_ONE:
        visit(page, address, path)
        before = -1
        for number in range(MANY_TABS):
            page.keyboard.press("Tab")
            now = page.evaluate(FOCUSED)
            if now["page"] or (number and "nl-skip-link" in now["what"]):
                break  # it has been everywhere
            if now["at"] < before:
                back.append((path, now["what"]))
            if not now["seen"]:
                unseen.append((path, now["what"]))
            before = now["at"]
        else:
            back.append((path, "no end"))

    assert ([], []) == (back, unseen)


def test_the_first_tab_offers_to_skip_the_menu(address, open_as):
    page = open_as("coordinator")
    for path in ("/", "/mensen", "/groepsberichten/nieuw"):
        visit(page, address, path)
        page.keyboard.press("Tab")
        assert "#main" == page.evaluate("document.activeElement.getAttribute('href')")
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.closest('#main') !== null"), path


def test_escape_closes_the_menu_of_a_phone_and_gives_the_focus_back(address, open_as):
    page = open_as("coordinator", viewport={"width": 390, "height": 800})
    button, menu = page.locator("[popovertarget=menu]"), page.locator("#menu")
    button.focus()
    page.keyboard.press("Enter")
    expect(menu).to_be_visible()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('#menu') !== null")
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    expect(button).to_be_focused()


def test_a_page_that_brings_itself_up_to_date_leaves_the_focus_where_it_is(desk, address, open_as):
    """Every five seconds the figures of a group message come anew, under the eyes of whoever
    reads them with a keyboard or aloud."""
    number = written(open_as("communicatie"), address, "Blijft staan")
    page = open_as("goedkeurder")
    approved(page, address, number)
    tick(desk)
    visit(page, address, f"/groepsberichten/{number}")
    table = page.locator("#stand .tw").first
    table.focus()
    page.evaluate("document.activeElement.setAttribute('data-mine', '')")
    for _ in range(2):
        with page.expect_response(lambda answer: answer.url.endswith(f"/{number}")):
            pass
    page.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")

    expect(table).to_be_focused()
    with desk.house.database.session() as session:
        broadcasts.stop(session, session.get_one(Broadcast, number), by="goedkeurder")
    expect(page.locator("#stand")).to_contain_text("Er gaat niets meer weg.", timeout=30_000)
    expect(table).to_be_focused()
    assert page.locator("#stand").get_attribute("hx-get") is None, "and it asks no more"


@pytest.mark.parametrize("path", ["voorbeeld", "akkoord"])
def test_what_counts_for_long_leaves_the_focus_where_it_is(address, open_as, monkeypatch, path):
    """While it counts there is one link; afterwards the focus is on the one that counts again."""
    number = written(open_as("communicatie"), address, f"Telt {path}")
    monkeypatch.setattr(counting, "FEW", 0)
    page, asked = open_as("goedkeurder"), []
    page.route("**/*tel=1*", lambda route: asked.append(route))
    visit(page, address, f"/groepsberichten/{number}/{path}")
    page.get_by_role("link", name="Tel nu").focus()
    page.wait_for_function("document.activeElement.id === 'tel'")
    asked[0].continue_()

    expect(page.get_by_role("link", name="Tel opnieuw")).to_be_focused()


@pytest.mark.parametrize("path", ONE_BY_ONE)
def test_at_twice_its_size_a_page_needs_no_scrolling_sideways(address, open_as, path):
    """A window of 1280 pixels at 200 % is 640 wide (WCAG 1.4.4 and 1.4.10)."""
    page = open_as("coordinator", viewport={"width": 640, "height": 400}, device_scale_factor=2)
    visit(page, address, path)
    root = "document.documentElement"

    assert not page.evaluate(f"{root}.scrollWidth > {root}.clientWidth")
