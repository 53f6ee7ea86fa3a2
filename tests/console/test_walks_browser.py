"""Whole ways through the console, walked in a real browser as staff walk them."""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import xlsxwriter
import zxingcpp
from axe_playwright_python.sync_playwright import Axe
from desks import PASSWORD, Desk
from group_house import TUESDAY, be
from group_house import person as known
from passlib.totp import TOTP
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select
from werkzeug.serving import make_server
from windows import log_in, windows

from bot import moments
from bot.models.afspraken import Afspraak
from bot.models.messages import InboxEvent, Message, Reply
from bot.models.people import Inburgeraar
from bot.outreach import afspraken, tasks
from console.login import first_link

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

STAGING = {"environment": "staging", "secret_key": "0123456789abcdef" * 2}
"""Where a second step is asked for, as in production."""


@pytest.fixture
def served() -> Iterator[Callable[[Desk], str]]:
    """Serve a desk; give the address of its console."""
    servers = []

    def serve(desk: Desk) -> str:
        scheme = desk.house.settings.public_url.partition(":")[0]
        tls = "adhoc" if scheme == "https" else None
        servers.append(make_server("127.0.0.1", 0, desk.app, threaded=True, ssl_context=tls))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"{scheme}://127.0.0.1:{servers[-1].server_port}/console"

    yield serve
    for server in servers:
        server.shutdown()


@pytest.fixture
def walk(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Open a window of its own; what its page complained about fails the test."""
    with windows(chromium, ignore_https_errors=True) as opened:
        yield opened.open


def scanned(page: Page) -> str:
    """Return the key that an authenticator app reads from the square on the page."""
    picture = Image.open(io.BytesIO(page.locator("#qrcode").screenshot()))
    [code] = zxingcpp.read_barcodes(picture)
    found = re.search(r"secret=([A-Z2-7]+)", code.text)
    assert found, code.text
    return found[1]


def test_the_first_log_in_ends_with_recovery_codes_and_one_opens_the_door_without_the_phone(
    make_desk, served, walk
):
    """Link, password, square, code, recovery codes; then the phone is lost."""
    desk = make_desk(**STAGING, public_url="https://127.0.0.1")
    console = served(desk)
    chosen = "an own sentence of words"
    with desk.app.app_context():
        link = first_link(desk.app, "frontlijn@voorbeeldstad.example")

    page = walk()
    page.goto(console + link.partition("/console")[2])
    page.fill("[name=password]", chosen)
    page.fill("[name=password_confirm]", chosen)
    page.get_by_role("button", name="Bewaar").click()
    log_in(page, console, "frontlijn", chosen)
    page.check("[value=authenticator]")
    page.get_by_role("button", name="Ga verder").click()
    page.fill("[name=code]", TOTP(key=scanned(page)).generate().token)
    page.get_by_role("button", name="Klaar").click()

    page.wait_for_url(re.compile("/console/herstelcodes"))
    page.get_by_role("button", name="Maak nieuwe codes").click()
    codes = page.locator("ul.tn bdi").all_inner_texts()
    assert 8 == len(set(codes))
    page.get_by_role("link", name="Naar Vandaag").click()
    assert "Vandaag" in page.title()
    assert 0 == page.get_by_text("U heeft nog geen herstelcodes").count()

    elsewhere = walk()
    log_in(elsewhere, console, "frontlijn", chosen)
    elsewhere.get_by_role("link", name="Gebruik een herstelcode").click()
    elsewhere.fill("[name=code]", codes[0])
    elsewhere.get_by_role("button", name="Log in").click()
    elsewhere.wait_for_url(re.compile("/console/$"))


def test_a_session_that_was_ended_elsewhere_is_dead_at_the_next_click(make_desk, served, walk):
    """A new password, set on one machine, shuts out whoever sits at another one."""
    desk = make_desk(public_url="http://127.0.0.1")
    console = served(desk)
    mine, theirs = walk(), walk()
    for page in (mine, theirs):
        log_in(page, console, "klantmanager", PASSWORD)
        page.wait_for_url(re.compile("/console/$"))

    mine.goto(f"{console}/wachtwoord-wijzigen")
    mine.fill("[name=password]", PASSWORD)
    mine.fill("[name=new_password]", "another sentence of words")
    mine.fill("[name=new_password_confirm]", "another sentence of words")
    mine.get_by_role("button", name="Bewaar").click()
    mine.wait_for_load_state()

    theirs.get_by_role("link", name="Mensen", exact=True).click()
    assert "/inloggen" in theirs.url
    mine.goto(f"{console}/mensen")
    assert "/mensen" in mine.url


def spoiled() -> bytes:
    """A workbook as a Dutch Excel hands it over: numbers rounded, zeros gone, a date for a name."""
    told = io.BytesIO()
    book = xlsxwriter.Workbook(told, {"in_memory": True})
    sheet = book.add_worksheet("Blad1")
    sheet.write_row(0, 0, ["Kenmerk", "Voornaam", "Taal", "Mobiel", "Wijk", "Toestemming"])
    sheet.write_row(1, 0, ["W-1", "Amina", "Arabisch", "06 97000151", "Noord", "ja"])
    sheet.write_row(2, 0, ["W-2", "Yonas", "Tigrina", 697000152, "Oost", "ja"])
    sheet.write_row(3, 0, ["W-3", "Elif", "Turks", "3,17E+10", "Zuid", "nee"])
    book.close()
    return told.getvalue()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_a_file_that_excel_spoiled_is_mended_on_the_page(make_desk, served, walk, scripts):
    desk = make_desk(public_url="http://127.0.0.1")
    console = served(desk)
    page = walk(java_script_enabled=scripts)
    log_in(page, console, "frontlijn", PASSWORD)
    page.get_by_role("link", name="Inlezen").click()
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    file = {"name": "mensen.xlsx", "mimeType": kind, "buffer": spoiled()}
    page.set_input_files("#bestand", file)
    page.get_by_role("button", name="Controleer").click()

    main = page.locator("main")
    expect(main).to_contain_text("er is nog niets opgeslagen")
    page.fill("#cel-3-taal", "ti")
    page.fill("#cel-4-telefoon", "06 97000153")
    page.get_by_role("button", name="Controleer opnieuw").click()
    expect(main).to_contain_text("3 rijen gelezen: 3 nieuw")
    page.get_by_role("button", name="Sla de goede rijen op").click()
    expect(main).to_contain_text("Opgeslagen")

    with desk.house.database.reading() as session:
        there = session.scalars(select(Inburgeraar).where(Inburgeraar.kenmerk.like("W-%")))
        found = {one.kenmerk: one.addresses[0].address.phone for one in there}
    assert {f"W-{n}": f"+3169700015{n}" for n in (1, 2, 3)} == found


@pytest.fixture
def morning(make_desk, served) -> tuple[Desk, str]:
    """A Tuesday: Selam has an afspraak later today, and Amina asked something on WhatsApp."""
    be(TUESDAY)
    desk = make_desk(public_url="http://127.0.0.1")
    now = moments.now()
    with desk.house.database.session() as session:
        selam = session.scalars(select(Inburgeraar).where(Inburgeraar.kenmerk == "P-1")).one()
        afspraken.record(
            session, desk.house, kenmerk="A-1", person=selam, begins=now + timedelta(hours=5),
            minutes=30, soort="gesprek", place="Wijkcentrum", address=None, staff="klantmanager",
            status="gepland",
        )  # fmt: skip
        amina = known(session, "A", "ar", channel="whatsapp")
        amina.first_name, amina.klantmanager = "Amina", "klantmanager"
        address = amina.addresses[0].address
        address.last_inbound_at = now - timedelta(hours=1)
        event = InboxEvent(
            key="walk", source="twilio", lane="x", fingerprint="x", payload={}, state="done",
            not_before=now, received_at=now,
        )  # fmt: skip
        session.add(event)
        session.flush()
        reply = Reply(
            event_id=event.id, person_id=amina.id, address_id=address.id, channel="whatsapp",
            text="هل يمكنك الاتصال بي؟", media=[], intent="human", at=now - timedelta(hours=1),
        )  # fmt: skip
        session.add(reply)
        session.flush()
        tasks.raise_task(
            session, tasks.QUESTION, about="walk", person=amina, address=address, reply=reply
        )
    return desk, served(desk)


def test_the_morning_of_a_klantmanager(morning, walk):
    """Vandaag, somebody who asks, an answer on WhatsApp, an afspraak moved: all by clicking."""
    desk, console = morning
    page = walk(timezone_id="Europe/Amsterdam", locale="nl-NL")
    log_in(page, console, "klantmanager", PASSWORD)
    page.wait_for_url(re.compile("/console/$"))
    assert "Selam" in page.inner_text(".agenda")
    assert "Amina" in page.inner_text(".tasks")

    page.get_by_role("link", name="Alles in Postvak").click()
    page.locator(".it a", has_text="Amina").click()
    assert "Vrij antwoorden kan tot" not in page.inner_text(".ph")
    page.get_by_role("button", name="Neem op u").click()
    assert "De automaat zwijgt" in page.inner_text(".taken")
    page.check("#zin-1")
    page.get_by_role("button", name="Verstuur deze zin").click()
    said = page.locator(".msg--out").last
    assert "rtl" == said.locator(".bub__t").get_attribute("dir")
    assert "Ik bel je vandaag." in said.inner_text()
    page.get_by_role("button", name="Sluit af").click()

    page.goto(f"{console}/mensen/P-1")
    page.get_by_role("link", name="Verzet of zeg af").click()
    page.fill("#tijd", "16:45")
    page.get_by_role("button", name="Bekijk wat er uitgaat").click()
    assert "Er is nog niets veranderd" in page.inner_text("main")
    page.get_by_role("button", name="Bewaar de afspraak").click()
    assert "16:45" in page.inner_text(".next")

    with desk.house.database.reading() as session:
        moved = session.scalars(select(Afspraak).where(Afspraak.kenmerk == "A-1")).one()
        assert ("16:45", 2) == (f"{moments.local(moved.begins):%H:%M}", moved.version)
        answer = session.scalars(select(Message).where(Message.key == "colleague.call_today")).one()
        assert ("whatsapp", "ar") == (answer.channel, answer.language)


def test_a_report_is_printed_with_a_button_and_without_the_menu(morning, walk):
    """The button is there only where a script can print."""
    _, console = morning
    page = walk()
    log_in(page, console, "coordinator", PASSWORD)
    page.goto(f"{console}/rapporten")
    page.evaluate("window.print = () => { window.printed = true }")
    page.get_by_role("button", name="Print").click()
    assert page.evaluate("window.printed")
    page.emulate_media(media="print")
    assert not page.locator(".chrome").is_visible()
    assert not page.get_by_role("button", name="Print").is_visible()

    bare = walk(java_script_enabled=False)
    log_in(bare, console, "coordinator", PASSWORD)
    bare.goto(f"{console}/rapporten")
    assert not bare.get_by_role("button", name="Print").is_visible()


@pytest.mark.parametrize("scripts", [True, False])
def test_who_asks_for_it_is_erased_and_the_receipt_is_a_page_to_print(
    make_desk, served, walk, scripts
):
    """Looked at, pressed and proven, on the narrowest phone; axe looks at each page."""
    be(TUESDAY)
    desk = make_desk(public_url="http://127.0.0.1")
    console = served(desk)
    with desk.house.database.session() as session:
        known(session, "D-77", "ti", channel="sms").first_name = "Kanarieke"
    page = walk(
        viewport={"width": 320, "height": 700}, java_script_enabled=scripts, bypass_csp=scripts
    )
    log_in(page, console, "coordinator", PASSWORD)
    page.wait_for_url(re.compile("/console/$"))

    page.goto(f"{console}/mensen/D-77")
    page.get_by_role("link", name="Wis deze persoon op eigen verzoek").click()
    narrow_and_clean(page, scripts)
    page.get_by_label("Een geldig paspoort").check()
    page.get_by_label("Typ het kenmerk over").fill("D-77")
    page.get_by_role("button", name="Wis voorgoed").click()

    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("Bewijs van wissen"))
    expect(page.get_by_text("Er is niets gevonden")).to_be_visible()
    assert "Kanarieke" not in page.content()
    narrow_and_clean(page, scripts)
    page.emulate_media(media="print")
    expect(page.get_by_role("button", name="Zoek alles door")).to_be_hidden()
    expect(page.get_by_text("Back-ups, uiterlijk tot")).to_be_visible()
    page.goto(f"{console}/mensen/D-77")
    assert "Misschien is de persoon gewist" in page.content()
    page.emulate_media(media="screen")
    for path in ("/gewist", "/mensen/P-1/samenvoegen", "/mensen/P-1/samenvoegen?met=P-3"):
        page.goto(console + path)
        narrow_and_clean(page, scripts)


def narrow_and_clean(page: Page, scripts: bool) -> None:
    """Fail where a page is wider than its window, or axe has something to say of it."""
    if not scripts:
        return
    root = "document.documentElement"
    assert not page.evaluate(f"{root}.scrollWidth > {root}.clientWidth"), page.url
    result = Axe().run(page)
    assert 0 == result.violations_count, result.generate_report()
