"""The public page in a real browser: light, whole on every screen, and its taps get through."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from knocking import Doors
from playwright.sync_api import Browser, Page

from bot.outreach import voices as readers
from bot.web import WebServer
from bot.wording import ogg, spoken
from bot.wording.languages import shipped

pytestmark = pytest.mark.browser

CODE = "K7Q2M9TX4F"
HEAVIEST = 300 * 1024
ONE_PER_SCRIPT = list({each.script: code for code, each in shipped().items()}.values())
"""What does not hang on how long a text is, is the same in all languages of a script."""


@pytest.fixture
def address(sqlite_url) -> Iterator[str]:
    """Where the page is served."""
    doors = Doors(sqlite_url)
    server = WebServer(doors.app, "127.0.0.1", 0)
    server.start()
    yield f"http://127.0.0.1:{server.port}/a/{CODE}"
    server.close()
    doors.close()


@pytest.fixture
def view(chromium: Browser) -> Iterator[Page]:
    """A page of a browser; it fails the test if the console ever said anything."""
    page = chromium.new_page(viewport={"width": 390, "height": 844})
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    page.close()
    assert [] == complaints


@pytest.mark.parametrize("language", list(shipped()))
def test_a_visit_is_light_and_never_scrolls_sideways(view, address, language):
    """All that comes over the line, then from the smallest phone to a desk, all of it opened."""
    weights: list[int] = []
    view.on("response", lambda response: weights.append(len(response.body())))

    view.goto(f"{address}?lang={language}")
    view.locator(".langs summary").click()
    view.wait_for_load_state("networkidle")

    assert sum(weights) <= HEAVIEST
    assert len(weights) > 8

    view.locator(".other summary").click()
    for width in (320, 390, 768, 1280):
        view.set_viewport_size({"width": width, "height": 844})
        assert width == view.evaluate("document.documentElement.scrollWidth")


@pytest.mark.parametrize(
    ("page", "language"),
    [*(("", each) for each in ONE_PER_SCRIPT), ("/poster", "ti"), ("/cards", "ar")],
)
def test_no_page_has_a_barrier(view, address, page, language):
    """For people who listen to it, who zoom, and who use a keyboard."""
    view.goto(f"{address}{page}?lang={language}")
    view.wait_for_load_state("networkidle")

    found = Axe().run(view)

    assert [] == [each["id"] for each in found.response["violations"]]


def test_arabic_runs_from_right_to_left(view, address):
    """The logo stands right, the arrows point left, phone numbers stay as they are dialled."""
    view.goto(f"{address}?lang=ar")

    assert "rtl" == view.evaluate("getComputedStyle(document.body).direction")
    assert view.locator(".from svg").bounding_box()["x"] > 300
    assert "ltr" == view.evaluate("getComputedStyle(document.querySelector('footer a')).direction")


@pytest.mark.parametrize("language", ["nl", "ar", "ti", "tr"])
def test_the_fonts_of_the_page_are_ours(view, address, language):
    """A slip in the sheet falls back to the reader's own font, and looks fine here."""
    view.goto(f"{address}?lang={language}")
    view.wait_for_load_state("networkidle")

    loaded = view.evaluate(
        "[...document.fonts].filter(f => f.status === 'loaded').map(f => f.family + f.weight)"
    )
    assert {'"Stap Sans"400', '"Stap Sans"700', '"Stap Names"400'} <= {
        face if face.startswith('"') else f'"{face[:-3]}"{face[-3:]}' for face in loaded
    }


@pytest.mark.parametrize(
    ("channel", "chat"),
    [
        ("wa", f"https://wa.me/3197000000001?text=START%20{CODE}"),
        ("tg", f"https://t.me/StapVooruitOefenBot?start={CODE}"),
        ("sms", f"sms:+3197000000000?&body=START%20{CODE}"),
    ],
)
def test_a_tap_leads_to_the_chat(chromium, address, channel, chat):
    """A browser holds the redirect of a form to our own policy: a slip there is a dead button.

    The chat itself is elsewhere, where no test goes; that it is asked for is enough.
    """
    page = chromium.new_page()
    said: list[str] = []
    asked: list[str] = []
    answers: list[tuple[int, str]] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("request", lambda request: asked.append(request.url))
    page.on(
        "response",
        lambda response: answers.append((response.status, response.headers.get("location", ""))),
    )
    page.goto(address)

    page.locator(f"button.{channel}").click()
    page.wait_for_timeout(500)
    page.close()

    assert (303, chat) in answers
    assert channel == "sms" or chat in asked
    assert [] == [text for text in said if "form-action" in text]


def test_poster_and_cards_fill_one_a4(chromium, address, tmp_path):
    """What comes out of the printer is one sheet, whatever the language."""
    page = chromium.new_page()
    for name in ("poster", "cards"):
        for language in shipped():
            page.goto(f"{address}/{name}?lang={language}")
            page.wait_for_load_state("networkidle")
            if language in ONE_PER_SCRIPT:
                printed = page.pdf(prefer_css_page_size=True)
                assert 1 == printed.count(b"/Type /Page\n") or 1 == printed.count(b"/Type /Page ")
            assert not page.evaluate(
                "[...document.querySelectorAll('.sheet')].some("
                "s => s.scrollHeight > s.clientHeight + 1 || s.scrollWidth > s.clientWidth + 1)"
            ), (name, language)
    page.close()


@pytest.mark.parametrize("page", ["poster", "cards"])
def test_what_is_printed_scans(chromium, address, page):
    """Read back from the picture of the page, as a phone would; it opens in that language."""
    import io

    import zxingcpp
    from PIL import Image

    view = chromium.new_page(viewport={"width": 842, "height": 1190})
    view.goto(f"{address}/{page}?lang=ti")
    view.wait_for_load_state("networkidle")
    picture = Image.open(io.BytesIO(view.screenshot()))
    found = {code.text for code in zxingcpp.read_barcodes(picture)}
    view.close()

    assert {f"https://stap.example/a/{CODE}?lang=ti"} == found


def test_the_page_is_read_aloud_without_a_script(chromium: Browser, sqlite_url, tmp_path):
    """The player is the browser's own, and what it plays comes from this page's own address."""
    doors = Doors(sqlite_url)
    note = ogg.read((Path(__file__).resolve().parents[2] / "phones/static/voice.ogg").read_bytes())
    with doors.house.database.session() as session:
        piece = spoken.page("ti", doors.house.catalogue)
        readers.approve(session, readers.brought(session, doors.house, "ti", piece, note), None)
    server = WebServer(doors.app, "127.0.0.1", 0)
    server.start()
    page = chromium.new_context(java_script_enabled=False).new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    with page.expect_response("**/m/*") as played:
        page.goto(f"http://127.0.0.1:{server.port}/a/{CODE}?lang=ti")
        page.locator("audio").focus()
        page.keyboard.press("Space")
    assert played.value.status in (200, 206)
    until = time.monotonic() + 60
    while not page.locator("audio").evaluate("player => player.currentTime > 0"):
        assert time.monotonic() < until, "it does not play"
        time.sleep(0.05)
    assert [] == complaints
    page.goto(f"http://127.0.0.1:{server.port}/a/{CODE}?lang=ar")
    assert 0 == page.locator("audio").count()
    page.context.close()
    server.close()
    doors.close()
