"""The practice phones in a real browser: drawn, typed on, and without JavaScript.

``demo_ground`` is also what pictures of the page are taken from: every state a phone can be in.
"""

import io
import json
import math
import struct
import threading
import wave
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.request import Request, urlopen

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask, Response
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from phones.app import Server, serve
from phones.segments import meter
from phones.state import Accounts, Button, Exchange, Ground

NOW = datetime(2026, 12, 2, 13, 32, tzinfo=UTC)
CALENDAR = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 300 112" width="300" height="112">'
    '<rect width="300" height="112" fill="#fdebd2"/><rect x="108" y="14" width="84" height="84" '
    'rx="10" fill="#fff" stroke="#16232b" stroke-width="4"/></svg>'
)
TURKISH = (
    "Merhaba Mehmet, yarın randevunuz var: 3 Aralık Perşembe (03-12-2026) 13:15. Wijkcentrum, "
    "Voorbeeldstraat 12. Geliyor musunuz? 1 evet, 2 başka gün, 3 hayır."
)
LONG = "Beste Jan, dit is een lang bericht dat een telefoon opvouwt. " * 14


def sound() -> bytes:
    """One second of a tone, as WAV."""
    held = io.BytesIO()
    with wave.open(held, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes(
            b"".join(
                struct.pack("<h", int(6000 * math.sin(step * 2 * math.pi * 440 / 8000)))
                for step in range(8000)
            )
        )
    return held.getvalue()


def ltr(text: str) -> str:
    return f"\u2066{text}\u2069"


def demo_ground(house: str = "") -> Ground:
    """Twelve phones, every state among them; *house* is where media are fetched."""
    ground = Ground(Accounts(telegram_name="VoorbeeldstadBot"))
    ground.set_clock(NOW, NOW + timedelta(hours=19))

    def theirs(phone, minute, text="", **rest):
        bubble = ground.show(phone, text, mine=False, state=rest.pop("state", "delivered"), **rest)
        bubble.at = NOW - timedelta(minutes=minute)
        if phone.channel == "sms":
            bubble.segments = meter(text)
        return bubble

    def own(phone, minute, text="", **rest):
        bubble = ground.show(phone, text, mine=True, state="read", **rest)
        bubble.at = NOW - timedelta(minutes=minute)
        return bubble

    selam = ground.add("Selam", "ti", "whatsapp", "+31697000001")
    selam.window_until = NOW + timedelta(hours=23, minutes=59)
    theirs(
        selam,
        2,
        f"Hallo Selam. Je hebt een afspraak: donderdag 3 december {ltr('(03-12-2026)')} 14:30. "
        "Kom je?",
        kind="image",
        media_url=f"{house}/kalender.svg",
        template={"name": "afspraak_opening", "category": "UTILITY", "language": "nl"},
        buttons=[Button("ja", "Ja"), Button("nee", "Nee"), Button("ti", "ትግርኛ")],
    ).tapped = "ti"
    own(selam, 1, "ትግርኛ")
    theirs(
        selam,
        1,
        f"ሰላም Selam። ቆጸራ ኣለኩም፦\nሓሙስ 3 ታሕሳስ {ltr('(03-12-2026)')} 14:30\nWijkcentrum, "
        "Voorbeeldstraat 12\nትመጹ ዶ?",
        buttons=[Button("1", "እወ"), Button("2", "ካልእ መዓልቲ"), Button("3", "ኣይፋል")],
    ).tapped = "1"
    theirs(selam, 1, kind="voice", media_url=f"{house}/welkom.wav")
    own(selam, 0, "እወ")
    theirs(selam, 0, f"ጽቡቕ። ሓሙስ 3 ታሕሳስ {ltr('(03-12-2026)')} 14:30 ንርአ። ንምቕያር 2 ጽሓፉ።")

    rania = ground.add("Rania", "ar", "telegram", "1006")
    theirs(
        rania,
        2,
        f"مرحبًا Rania، لديكم موعد:\nالخميس 3 كانون الأول / ديسمبر\n{ltr('03-12-2026')} · 11:30\n"
        "Wijkcentrum\nVoorbeeldstraat 12\nهل يناسبكم؟",
        buttons=[Button("1", "نعم"), Button("2", "يوم آخر"), Button("3", "لا")],
    )
    theirs(rania, 2, kind="voice", media_url=f"{house}/welkom.wav")
    own(rania, 0, "١")
    theirs(
        rania,
        0,
        f"شكرًا. نراكم يوم الخميس 3 كانون الأول {ltr('(03-12-2026)')} الساعة 11:30.\n"
        "للتغيير أرسلوا ٢.",
    ).edited = True

    mehmet = ground.add("Mehmet", "tr", "sms", "+31697000008")
    theirs(mehmet, 2, TURKISH)
    own(mehmet, 1, "1")
    theirs(
        mehmet,
        1,
        "Teşekkürler. 3 Aralık Perşembe (03-12-2026) 13:15'te bekliyoruz. "
        "Değiştirmek için 2 yazın.",
    )

    oksana = ground.add("Oksana", "uk", "whatsapp", "+31697000012")
    oksana.window_until = NOW - timedelta(hours=20)
    own(oksana, 44 * 60, "дякую")
    theirs(oksana, 1, "Вільний текст після 24 годин", state="undelivered", error_code=63016)
    theirs(
        oksana,
        0,
        "Вітаємо, Oksana! Запрошуємо вас на каву та розмову.\nщовівторка 09:30–11:30\nпочаток: "
        f"вівторок 8 грудня {ltr('(08-12-2026)')}\nBuurthuis De Brug, Brugstraat 4\nБезкоштовно. "
        "Прийдете?",
        template={"name": "voortraject_uitnodiging", "category": "MARKETING", "language": "uk"},
        buttons=[Button("1", "Так"), Button("2", "Так, якщо є няня"), Button("3", "Ні")],
    )

    amina = ground.add("Amina", "so", "whatsapp", "+31697000013")
    amina.blocked = True
    theirs(amina, 60, "Haye Amina, waxaad leedahay ballan.")
    theirs(amina, 2, "Haye Amina", state="failed", error_code=30004)

    ground.add("Farid", "fa", "telegram", "1007", started=False)
    ground.add("Hawa", "am", "whatsapp", "+31697000014")

    jan = ground.add("Jan", "nl", "sms", "+31697000015")
    theirs(jan, 5, LONG)
    theirs(jan, 1, "Beste Jan, tot morgen om 10:00.", state="queued")

    maria = ground.add("Maria", "es", "telegram", "1008")
    own(maria, 3, kind="voice", media_url=f"{house}/welkom.wav")
    theirs(maria, 2, "¿Quiere compartir su número?", asks_contact=True)

    ewa = ground.add("Ewa", "pl", "sms", "+31697000016")
    ewa.opted_out.add("+3197000000000")
    own(ewa, 3, "stop")
    theirs(ewa, 2, "Do zobaczenia jutro.", state="failed", error_code=21610)

    ground.add("Omar", "prs", "whatsapp", "NL.ab12")
    ground.add("Blerim", "en", "sms", "+31697000017")

    for minute, exchange in enumerate(_exchanges(oksana.id, rania.id, mehmet.id)):
        exchange.at = NOW - timedelta(seconds=30 - minute)
        ground.note(exchange)
    return ground


def _exchanges(oksana: str, rania: str, mehmet: str) -> Iterator[Exchange]:
    messages = "/2010-04-01/Accounts/AC0f0f/Messages.json"
    yield Exchange(
        NOW,
        "in",
        "POST",
        messages,
        {
            "To": "+31697000008",
            "From": "+3197000000000",
            "Body": TURKISH,
            "ValidityPeriod": "14400",
        },
        201,
        "queued",
        mehmet,
    )
    yield Exchange(
        NOW,
        "out",
        "POST",
        "/webhooks/telegram",
        {"update_id": 7, "message": {"text": "١", "chat": {"id": 1006, "type": "private"}}},
        200,
        "200",
        rania,
    )
    yield Exchange(
        NOW,
        "in",
        "POST",
        messages,
        {
            "To": "whatsapp:+31697000012",
            "From": "whatsapp:+3197000000001",
            "Body": "Вільний текст після 24 годин",
        },
        201,
        "queued",
        oksana,
        False,
        "vrije tekst, maar het venster is dicht (63016)",
    )
    yield Exchange(
        NOW,
        "out",
        "POST",
        "/webhooks/twilio/status?m=7f2&a=1&k=9c1",
        {"MessageStatus": "undelivered", "ErrorCode": "63016"},
        204,
        "204",
        oksana,
    )
    yield Exchange(
        NOW,
        "in",
        "POST",
        messages,
        {
            "To": "whatsapp:+31697000012",
            "ContentSid": "HX4f0c",
            "ContentVariables": '{"1":"Oksana","2":"вівторок 8 грудня"}',
        },
        201,
        "queued",
        oksana,
    )


def bot_asks(phones: Server, text: str, *words: str) -> None:
    """Ask Rania something with buttons, as the house does: through Telegram's own door."""
    row = [{"text": word, "callback_data": word} for word in words]
    body = {"chat_id": 1006, "text": text, "reply_markup": {"inline_keyboard": [row]}}
    request = Request(
        f"{phones.url}/bot{phones.ground.accounts.telegram_token}/sendMessage",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    with urlopen(request) as answer:
        assert 200 == answer.status


pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def house() -> Iterator[str]:
    """Whoever serves the pictures and sounds that messages point to."""
    app = Flask("house", static_folder=None)
    app.add_url_rule(
        "/kalender.svg", "picture", lambda: Response(CALENDAR, mimetype="image/svg+xml")
    )
    app.add_url_rule("/welkom.wav", "sound", lambda: Response(sound(), mimetype="audio/wav"))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def phones(house: str) -> Iterator[Server]:
    server = serve(demo_ground(house))
    yield server
    server.close()


@pytest.fixture
def view(chromium: Browser, phones: Server) -> Iterator[Page]:
    """The page, open; it fails the test if the console ever said anything."""
    page = chromium.new_page(viewport={"width": 1440, "height": 1060})
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(phones.url)
    yield page
    page.close()
    assert [] == complaints


@pytest.fixture
def plain(chromium: Browser, phones: Server) -> Iterator[Page]:
    """The page in a browser without JavaScript."""
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(phones.url)
    yield page
    context.close()


# -- how it looks ---------------------------------------------------------------------------


@pytest.mark.parametrize("width", [320, 390, 1024, 1440])
def test_the_page_never_scrolls_sideways(view, width):
    """Twelve phones side by side scroll in their own row."""
    view.set_viewport_size({"width": width, "height": 900})

    assert width == view.evaluate("document.documentElement.scrollWidth")
    assert view.evaluate(
        "(row => row.scrollWidth > row.clientWidth)(document.querySelector('main'))"
    )


@pytest.mark.parametrize("width", [390, 1440])
def test_axe_finds_nothing_on_any_state_of_a_phone(view, width):
    view.set_viewport_size({"width": width, "height": 1060})
    view.get_by_text("Wat de provider echt kreeg").click()
    view.locator("[data-grid] tbody tr").nth(2).click()
    expect(view.locator("#raw h3")).to_be_visible()

    found = Axe().run(view)

    assert 0 == found.violations_count, found.generate_report()


def test_axe_finds_nothing_on_a_ground_without_phones(chromium):
    """The first thing somebody sees who starts the practice ground by itself."""
    server = serve(Ground())
    page = chromium.new_page()
    page.goto(server.url)

    expect(page.get_by_role("heading", name="Nog geen telefoons")).to_be_visible()
    assert 0 == Axe().run(page).violations_count

    page.close()
    server.close()


def test_every_script_is_drawn_in_the_faces_that_ship_with_it(view):
    """A face that silently fails to load looks fine on the machine that has it installed."""
    for words in ("ሰላም", "مرحبًا", "Вітаємо", "Aralık Perşembe", "Bericht"):
        assert view.evaluate(
            "w => document.fonts.load('16px \"Stap Sans\"', w).then(f => f.length)", words
        )
        assert view.evaluate("w => document.fonts.check('16px \"Stap Sans\"', w)", words)


def test_nothing_is_asked_of_anybody_else(chromium, phones):
    """Pictures of messages too come through the practice ground."""
    page = chromium.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    answer = page.goto(phones.url)
    expect(page.locator("#selam img.pic")).to_have_js_property("naturalWidth", 300)

    assert answer
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert [] == [url for url in asked if not url.startswith(phones.url)]
    page.close()


def test_what_an_sms_costs_and_what_plain_letters_would_save_is_written_under_it(view):
    """Two Turkish letters turn one SMS into three."""
    first = view.locator("#mehmet .ray").first

    expect(first).to_contain_text("3 sms")
    expect(first).to_contain_text("UCS-2 · 155 tekens · € 0,27")
    expect(first).to_contain_text("zonder ı ş: 1 sms")
    expect(view.locator("#mehmet .meter")).to_contain_text("5 sms · € 0,45")


def test_the_window_says_how_long_it_is_open_or_since_when_it_is_shut(view):
    expect(view.locator("#selam .meter")).to_contain_text("Venster open")
    expect(view.locator("#selam .meter")).to_contain_text("nog 23:5")
    expect(view.locator("#oksana .meter")).to_contain_text("Venster dicht · alleen template")
    expect(view.locator("#oksana .meter")).to_contain_text("sinds di")
    expect(view.locator("#oksana .lost")).to_contain_text("63016 · vrije tekst buiten 24 uur")
    expect(view.locator("#oksana .ray")).to_contain_text("marketing · uk")


def test_arabic_runs_from_right_to_left(view):
    assert "rtl" == view.locator("#rania .screen").evaluate("el => getComputedStyle(el).direction")
    words = view.locator("#rania .b .words").first
    assert "rtl" == words.evaluate("el => getComputedStyle(el).direction")


def test_a_long_text_unfolds(view):
    view.locator("#jan .long summary").click()

    expect(view.locator("#jan .long > .words")).to_be_visible()


# -- what people do ---------------------------------------------------------------------------


def test_a_key_fills_the_box_and_only_send_sends(view, phones):
    """A tester who cannot write Tigrinya still sees what will be said before it is said."""
    view.locator("#selam .keys").get_by_text("፩").click()
    box = view.get_by_label("Bericht van Selam")

    expect(box).to_have_value("፩")
    assert "እወ" == [b.text for b in phones.ground.phone("selam").bubbles if b.mine][-1]

    box.press("Enter")

    expect(view.locator("#selam .m--me").last).to_contain_text("፩")
    expect(box).to_have_value("")
    assert "፩" == phones.ground.phone("selam").bubbles[-1].text


def test_a_message_arrives_while_somebody_types(view, phones):
    """Words half typed, and the place of the cursor, belong to the person at the keys."""
    box = view.get_by_label("Bericht van Selam")
    box.fill("ik ben nog aan het ty")
    box.focus()
    kept = view.locator("#selam .m").first.element_handle()

    phones.ground.show(phones.ground.phone("selam"), "ሰላም", mine=False, state="delivered")

    expect(view.locator("#selam .m").last).to_contain_text("ሰላም")
    expect(box).to_have_value("ik ben nog aan het ty")
    expect(box).to_be_focused()
    assert kept
    assert kept.evaluate("el => el.isConnected"), "bubbles that were there stay the same elements"


def test_a_tapped_button_answers_and_stays_marked(view, phones):
    bot_asks(phones, "Komt u?", "ja", "nee")
    button = view.locator("#rania .m").last.get_by_role("button", name="ja")
    button.click()

    expect(button).to_have_attribute("aria-pressed", "true")
    assert "ja" == phones.ground.phone("rania").bubbles[-1].tapped


def test_a_voice_message_is_recorded_thrown_away_and_sent(view, phones):
    unit = view.locator("#selam")
    unit.get_by_label("Spraakbericht sturen als Selam").click()
    expect(unit.get_by_role("timer")).to_be_visible()

    unit.get_by_label("Opname weggooien").click()
    expect(unit.get_by_role("timer")).to_be_hidden()

    unit.get_by_label("Spraakbericht sturen als Selam").click()
    unit.get_by_label("Verstuur als Selam").click()

    expect(unit.locator(".m--me").last.get_by_label("Spraakbericht afspelen")).to_be_visible()
    assert "voice" == phones.ground.phone("selam").bubbles[-1].kind


def test_the_sample_can_be_heard(view):
    view.get_by_label("Spraakbericht sturen als Selam").click()
    view.get_by_label("Verstuur als Selam").click()
    player = view.locator("#selam .m--me").last.locator("[data-voice]")
    expect(player.locator(".len")).to_have_text("0:03")

    player.get_by_label("Spraakbericht afspelen").click()

    expect(player).to_have_class("voice playing")


def test_who_blocks_the_house_goes_grey_and_can_come_back(view, phones):
    unit = view.locator("#selam")
    unit.get_by_label("Menu van het gesprek met Selam").click()
    unit.get_by_role("button", name="Blokkeer", exact=True).click()

    expect(unit.locator(".meter")).to_contain_text("Geblokkeerd")
    expect(unit.get_by_label("Bericht van Selam")).to_have_count(0)
    assert phones.ground.phone("selam").blocked

    unit.get_by_role("button", name="Deblokkeer").click()

    expect(unit.get_by_label("Bericht van Selam")).to_be_visible()
    assert not phones.ground.phone("selam").blocked


def test_a_bot_is_started_before_it_may_write(view, phones):
    unit = view.locator("#farid")
    expect(unit).to_contain_text("Nog geen berichten")

    unit.get_by_role("button", name="Start").click()

    expect(unit.get_by_label("Bericht van Farid")).to_be_visible()
    assert phones.ground.phone("farid").started


def test_a_number_is_shared_when_the_bot_asks_for_it(view, phones):
    before = len(phones.ground.phone("maria").bubbles)
    view.get_by_role("button", name="Deel mijn nummer").click()

    expect(view.get_by_role("button", name="Deel mijn nummer")).to_have_count(0)
    assert before + 1 == len(phones.ground.phone("maria").bubbles)


def test_one_fault_is_armed_at_a_time_and_lets_go(view, phones):
    faults = view.get_by_role("group", name="Volgend bericht bij")
    twice, busy = (faults.get_by_role("button", name=n) for n in ("dubbel bezorgd", "te snel"))
    twice.click()
    expect(twice).to_have_attribute("aria-pressed", "true")

    view.get_by_label("Storing voor").select_option("Rania")
    busy.click()

    expect(busy).to_have_attribute("aria-pressed", "true")
    expect(twice).to_have_attribute("aria-pressed", "false")
    assert ("429", "rania") == (phones.ground.fault.kind, phones.ground.fault.phone)

    busy.click()

    expect(busy).to_have_attribute("aria-pressed", "false")
    assert phones.ground.fault is None


def test_the_clock_moves_an_hour_and_to_the_next_reminder(view, phones):
    reminder = view.get_by_role("button", name="naar herinnering do 09:32")
    expect(reminder).to_be_visible()

    view.get_by_role("button", name="+1 uur").click()
    expect(view.get_by_label("Oefenklok").locator("b")).to_have_text("15:32")

    phones.ground.set_clock(phones.ground.now(), NOW + timedelta(hours=19))
    view.get_by_role("button", name="naar herinnering").click()
    expect(view.get_by_label("Oefenklok")).to_contain_text("donderdag 3 december 2026")


def test_a_click_that_cannot_be_done_says_why(chromium, phones):
    """Somebody else blocked the phone a moment ago; the page does not know yet."""
    page = chromium.new_page()
    page.goto(phones.url)
    phones.ground.phone("selam").blocked = True
    page.get_by_label("Bericht van Selam").fill("hallo")
    page.get_by_label("Bericht van Selam").press("Enter")

    expect(page.get_by_role("status")).to_contain_text("geblokkeerd")
    page.close()


def test_a_request_shows_all_its_fields_and_whether_it_kept_the_rules(view):
    view.get_by_text("Wat de provider echt kreeg").click()
    rows = view.locator("[data-grid] tbody tr")
    rows.nth(2).click()

    expect(rows.nth(2)).to_have_attribute("aria-selected", "true")
    expect(view.locator("#raw")).to_contain_text("whatsapp:+31697000012")
    expect(view.locator("#raw")).to_contain_text("vrije tekst, maar het venster is dicht (63016)")

    view.keyboard.press("ArrowUp")
    view.keyboard.press("ArrowUp")

    expect(rows.nth(0)).to_have_attribute("aria-selected", "true")
    expect(rows.nth(0).get_by_role("button")).to_be_focused()
    expect(view.locator("#raw")).to_contain_text("ContentVariables")
    expect(view.locator("#raw")).to_contain_text("Geldig volgens de regels van de provider")


def test_a_new_request_leaves_the_chosen_one_open(view, phones):
    view.get_by_text("Wat de provider echt kreeg").click()
    view.locator("[data-grid] tbody tr").nth(2).click()
    expect(view.locator("#raw")).to_contain_text("Вільний текст")

    phones.ground.note(Exchange(phones.ground.now(), "in", "GET", "/bot1/getMe", {}, 200))

    expect(view.locator("[data-grid] tbody tr")).to_have_count(6)
    expect(view.locator("#raw")).to_contain_text("Вільний текст")
    expect(view.locator("details.drawer")).to_have_attribute("open", "")


def test_a_server_that_went_away_and_came_back_is_no_longer_missed(chromium, house, tmp_path):
    """Whoever restarts the practice ground leaves the page open."""
    kept = tmp_path / "phones.json"
    first = serve(demo_ground(house), keep=kept)
    page = chromium.new_page()
    page.goto(first.url)
    first.close()
    page.get_by_label("Bericht van Selam").fill("እወ")
    page.get_by_label("Bericht van Selam").press("Enter")
    expect(page.get_by_role("status")).to_contain_text("antwoorden niet")

    again = serve(Ground(Accounts()), int(first.url.rsplit(":", 1)[1]), kept)
    expect(page.get_by_role("status")).to_be_empty()
    page.get_by_label("Bericht van Selam").press("Enter")
    expect(page.locator("#selam .m--me").last).to_contain_text("እወ")
    page.close()
    again.close()


# -- without JavaScript -------------------------------------------------------------------------


def test_people_answer_without_javascript(plain, phones):
    plain.get_by_label("Bericht van Selam").fill("እወ እወ")
    plain.get_by_label("Verstuur als Selam").click()
    expect(plain.locator("#selam .m--me").last).to_contain_text("እወ እወ")

    bot_asks(phones, "Komt u?", "ja", "nee")
    plain.reload()
    plain.locator("#rania .m").last.get_by_role("button", name="nee").click()
    assert "nee" == phones.ground.phone("rania").bubbles[-1].tapped

    plain.get_by_label("Spraakbericht sturen als Selam").click()
    expect(plain.locator("#selam .m--me").last.locator("audio")).to_be_visible()

    plain.get_by_label("Menu van het gesprek met Selam").click()
    plain.locator("#selam").get_by_role("button", name="Blokkeer", exact=True).click()
    expect(plain.locator("#selam")).to_contain_text("heeft dit gesprek geblokkeerd")


def test_why_not_is_readable_without_javascript(plain, phones):
    phones.ground.phone("selam").blocked = True
    plain.get_by_label("Bericht van Selam").fill("እወ")
    plain.get_by_label("Verstuur als Selam").click()
    expect(plain.get_by_role("main")).to_contain_text("Deze telefoon heeft de afzender geblokkeerd")

    plain.get_by_role("link", name="Terug naar de telefoons").click()
    expect(plain.locator("#selam")).to_be_in_viewport()


def test_axe_finds_nothing_where_a_form_is_refused(chromium, phones):
    page = chromium.new_page(viewport={"width": 390, "height": 844})
    page.set_content(f'<form method="post" action="{phones.url}/clock"><button>Ga</button></form>')
    page.get_by_role("button").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Dat lukte niet")

    assert [] == Axe().run(page).response["violations"]
    page.close()


def test_the_ground_is_steered_without_javascript(plain, phones):
    plain.get_by_role("button", name="dubbel bezorgd").click()
    expect(plain.get_by_role("button", name="dubbel bezorgd")).to_have_attribute(
        "aria-pressed", "true"
    )
    assert "double" == phones.ground.fault.kind

    plain.get_by_role("button", name="+1 dag").click()
    expect(plain.get_by_label("Oefenklok")).to_contain_text("donderdag 3 december 2026")

    plain.get_by_text("Wat de provider echt kreeg").click()
    plain.locator("[data-grid] tbody tr").nth(2).get_by_role("button").click()
    expect(plain.locator("#raw")).to_contain_text("vrije tekst, maar het venster is dicht (63016)")
