"""The public page of a link: light, the same for every code, and nobody's trace."""

from __future__ import annotations

import re
from io import BytesIO

import pytest
from sqlalchemy import select

from bot import moments
from bot.models.ambassadeurs import Ambassadeur, Click, Link
from bot.outreach import ambassadeurs
from bot.wording.languages import shipped
from webhooks.links import BURST, RATE, STATIC, as_printed
from webhooks.throttle import Throttle

CODE = "K7Q2M9TX4F"
HEAVIEST = 300 * 1024
RANGE = re.compile(r"url\(\.\./fonts/([^)]+)\).*?unicode-range:([^}]+)")


@pytest.fixture
def code(doors) -> str:
    """The code of somebody's link."""
    with doors.house.database.session() as session:
        session.add(
            link := Link(
                code=CODE,
                created_at=moments.now(),
                ambassadeur=Ambassadeur(
                    kenmerk="AMB1",
                    first_name="Fatuma-Naam",
                    phone="+31697000050",
                    languages=["ar"],
                    created_at=moments.now(),
                ),
            )
        )
    return link.code


def clicks(doors):
    with doors.house.database.reading() as session:
        return [tuple(row) for row in session.execute(select(Click.channel, Click.count))]


def fonts_for(html: str) -> set[str]:
    """Return the files of the fonts that a browser fetches to show *html*.

    The names in the switch have small fonts of their own; test_links_browser sees it happen.
    """
    text = re.sub(r'<nav class="langs".*?</nav>', "", html, flags=re.DOTALL)
    found = {f"fonts/{file.name}" for file in (STATIC / "fonts").glob("names-*.woff2")}
    for file, ranges in RANGE.findall((STATIC / "css/fonts.css").read_text()):
        spans = [part.strip()[2:].split("-") for part in ranges.split(",")]
        if any(int(s[0], 16) <= ord(sign) <= int(s[-1], 16) for s in spans for sign in text):
            found.add(f"fonts/{file}")
    return found


@pytest.mark.parametrize("language", list(shipped()))
def test_the_page_is_light_in_every_language(doors, language):
    """A prepaid bundle and an old phone: all of it, fonts included and nothing compressed."""
    html = doors.client.get(f"/a/{CODE}?lang={language}").get_data(as_text=True)
    files = set(re.findall(r"/static/link/([^?\"]+)\?v=", html)) | fonts_for(html)

    weight = len(html.encode()) + sum((STATIC / file).stat().st_size for file in files)

    assert weight <= HEAVIEST
    assert f'lang="{language}" dir="{"rtl" if shipped()[language].rtl else "ltr"}"' in html


@pytest.mark.parametrize("page", ["", "/poster", "/cards"])
def test_a_page_has_no_script_no_cookie_and_nothing_from_elsewhere(doors, page):
    """Strict enough that a browser would refuse what a slip lets in."""
    response = doors.client.get(f"/a/{CODE}{page}")
    html = response.get_data(as_text=True)

    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert "noindex" == response.headers["X-Robots-Tag"]
    assert "no-referrer" == response.headers["Referrer-Policy"]
    assert "Set-Cookie" not in response.headers
    assert not re.search(r"<script|<style|style=|\son\w+=|javascript:", html)
    assert [] == [url for url in re.findall(r'(?:src|href)="([^"]+)"', html) if "//" in url]


@pytest.mark.parametrize("page", ["", "/poster", "/cards"])
def test_a_page_is_the_same_bytes_before_and_after_its_code_exists(doors, request, page):
    """Whether a code is somebody's cannot be read from the page, nor whose it is."""
    before = doors.client.get(f"/a/{CODE}{page}")
    request.getfixturevalue("code")
    after = doors.client.get(f"/a/{CODE}{page}")

    assert 200 == before.status_code == after.status_code
    assert before.data == after.data
    assert b"Fatuma-Naam" not in after.data


def test_looking_at_a_page_counts_nothing(doors, code):
    """Link previews of chat apps fetch every link that is shared."""
    for page in ("", "?lang=ar", "/poster", "/cards"):
        doors.client.get(f"/a/{code}{page}")
        doors.client.head(f"/a/{code}{page}")

    assert [] == clicks(doors)


@pytest.mark.parametrize(
    ("channel", "chat"),
    [
        ("whatsapp", f"https://wa.me/3197000000001?text=START%20{CODE}"),
        ("telegram", f"https://t.me/StapVooruitOefenBot?start={CODE}"),
        ("sms", f"sms:+3197000000000?&body=START%20{CODE}"),
    ],
)
def test_a_tap_is_counted_and_opens_the_chat(doors, code, channel, chat):
    """The code is filled in: nobody has to type ten signs."""
    unknown = doors.client.post(f"/a/0123456789/{channel}")
    answers = [doors.client.post(f"/a/{code}/{channel}") for _ in range(2)]

    assert [(303, chat)] * 2 == [(each.status_code, each.headers["Location"]) for each in answers]
    assert (303, chat.replace(CODE, "0123456789")) == (
        unknown.status_code,
        unknown.headers["Location"],
    )
    assert "Set-Cookie" not in answers[0].headers
    assert [(channel, 2)] == clicks(doors)


def test_only_channels_that_work_here_have_a_button(doors):
    """A sender of letters cannot be texted, and a bot without a name cannot be opened."""
    from knocking import Doors

    few = Doors(str(doors.house.database.url), twilio_sms_from="Voorbeeld", telegram_bot_name="")
    html = few.client.get(f"/a/{CODE}").get_data(as_text=True)
    asked = few.client.post(f"/a/{CODE}/sms")
    few.close()

    assert ["whatsapp"] == re.findall(rf'action="/a/{CODE}/(\w+)"', html)
    assert "SMS <code" not in html
    assert 404 == asked.status_code == doors.client.post(f"/a/{CODE}/letter").status_code


@pytest.mark.parametrize(
    ("asks", "header", "language"),
    [
        ("", "ti-ER,ti;q=0.9,nl;q=0.5", "ti"),
        ("", "eo,ar-SY;q=0.8,nl;q=0.5", "ar"),
        ("", "fa-AF", "prs"),
        ("?lang=tr", "ar", "tr"),
        ("?lang=xx", "eo", "nl"),
        ("?lang=%00'\"<", "", "nl"),
    ],
)
def test_the_page_is_in_the_visitors_language(doors, asks, header, language):
    """What was chosen goes before what the browser says, and that before Dutch."""
    html = doors.client.get(f"/a/{CODE}{asks}", headers={"Accept-Language": header})

    assert f'<html lang="{language}"' in html.get_data(as_text=True)


@pytest.mark.parametrize(
    ("typed", "printed"),
    [
        ("k7q2-m9tx-4f", CODE),
        ("kIq2m9txoF", "K1Q2M9TX0F"),
        ("<b>", "B000000000"),
        ("é" * 40, "0" * 10),
    ],
)
def test_a_code_is_printed_as_ten_signs_whatever_stood_in_the_address(doors, typed, printed):
    """Nothing of an address that somebody made up reaches the page."""
    assert printed == as_printed(typed)
    html = doors.client.get(f"/a/{typed}").get_data(as_text=True)
    assert f'action="/a/{printed}/sms"' in html


def test_static_files_are_kept_for_a_year_and_change_their_address_with_their_content(doors):
    """The second visit costs one small page."""
    html = doors.client.get(f"/a/{CODE}").get_data(as_text=True)
    sheet = re.search(r'href="(/static/link/css/link.css\?v=[0-9a-f]{8})"', html)[1]

    with doors.client.get(sheet) as response:
        assert "max-age=31536000" in response.headers["Cache-Control"]
    assert 404 == doors.client.get("/static/link/../links.py").status_code


def test_who_asks_too_often_waits_and_others_do_not(doors, code):
    """Guessing is slow; a neighbour behind another address notices nothing."""
    doors.client.application.extensions["links_throttle"] = Throttle(RATE, BURST, clock=lambda: 0)
    ours = {"REMOTE_ADDR": "192.0.2.7"}
    answers = [doors.client.get(f"/a/{code}", environ_base=ours) for _ in range(BURST + 1)]
    refused = doors.client.post(f"/a/{code}/sms", environ_base=ours)
    other = doors.client.get(f"/a/{code}", environ_base={"REMOTE_ADDR": "192.0.2.8"})

    assert [200] * BURST == [each.status_code for each in answers[:-1]]
    assert (429, 429, 200) == (answers[-1].status_code, refused.status_code, other.status_code)
    assert "14 0000" in answers[-1].get_data(as_text=True)
    assert "Retry-After" in refused.headers
    assert [] == clicks(doors)


def test_a_million_guesses_find_nothing():
    """At 50 a second for 20,000 seconds; 2**50 codes over what gets through is a long time."""
    at = [0.0]
    throttle = Throttle(RATE, BURST, clock=lambda: at[0])
    through = 0
    for guess in range(1_000_000):
        at[0] = guess / 50
        through += throttle.allows("192.0.2.7")

    assert through <= BURST + 20_000 * RATE
    assert 2**50 == len(ambassadeurs.ALPHABET) ** ambassadeurs.LENGTH


def test_the_throttle_remembers_no_more_than_it_should():
    """An attacker has more addresses than we have memory."""
    throttle = Throttle(1, 5, most=100)
    for number in range(1000):
        throttle.allows(str(number))

    assert 100 == len(throttle)


@pytest.mark.parametrize("size", [1, 3, 12])
def test_a_qr_code_reads_back(doors, size):
    """From a poster and from a scratched card: level M, four modules of nothing around."""
    import zxingcpp
    from PIL import Image

    address = ambassadeurs.address_of(doors.house, CODE)
    drawing = BytesIO()
    ambassadeurs.qr(address).save(drawing, kind="png", scale=size, border=ambassadeurs.QUIET)

    [found] = zxingcpp.read_barcodes(Image.open(drawing))

    assert (address, "M") == (found.text, found.ec_level)
