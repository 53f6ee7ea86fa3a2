"""Draw docs/picture.png, the first thing a reader of the README sees.

    python scripts/picture.py [FILE]

Three practice phones in a scene that this script holds, photographed in a browser at 1600x900.
"""

import io
import logging
import shutil
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flask import Flask, Response, render_template
from PIL import Image
from playwright.sync_api import sync_playwright
from werkzeug.serving import make_server

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from phones.keyboards import KEYBOARDS  # noqa: E402 - the repository is no installed package
from phones.page import AMSTERDAM, page, unit_of  # noqa: E402
from phones.segments import meter  # noqa: E402
from phones.state import Button, Ground, Phone  # noqa: E402

SIZE = {"width": 1600, "height": 900}
NOW = datetime(2026, 12, 2, 13, 32, tzinfo=UTC)
SENDER = "Voorbeeldstad"
CALENDAR = """\
<svg xmlns="http://www.w3.org/2000/svg" width="300" height="112" viewBox="0 0 300 112">
<rect width="300" height="112" rx="10" fill="#fdebd2"/>
<g transform="translate(58 14)">
<rect width="84" height="84" rx="10" fill="#fff" stroke="#16232b" stroke-width="4"/>
<path d="M2 12a10 10 0 0 1 10-10h60a10 10 0 0 1 10 10v14H2z" fill="#c2543a"/>
<path d="M22-6v14M62-6v14" stroke="#16232b" stroke-width="5" stroke-linecap="round"/>
<path d="M31 44c3-7 22-7 22 3 0 7-7 8-11 8 5 0 13 2 13 9 0 12-22 12-25 3" fill="none"
 stroke="#16232b" stroke-width="6" stroke-linecap="round" stroke-linejoin="round"/></g>
<g transform="translate(206 56)">
<circle r="40" fill="#fff" stroke="#16232b" stroke-width="4"/>
<path d="M0-33v5M0 28v5M-33 0h5M28 0h5" stroke="#5d6d78" stroke-width="3" stroke-linecap="round"/>
<path d="M0 0L20-5.400" stroke="#0a5f5b" stroke-width="6" stroke-linecap="round"/>
<path d="M0 0V26" stroke="#16232b" stroke-width="4" stroke-linecap="round"/>
<circle r="4" fill="#16232b"/></g></svg>"""
"""The third, half past two."""


def scene(origin: str) -> Ground:
    """Return the three phones; *origin* serves the calendar and the sound."""
    ground = Ground()
    ground.set_clock(NOW, None)

    def house(phone: Phone, minute: int, text: str = "", **rest: object) -> None:
        bubble = ground.show(phone, text, mine=False, state="delivered", **rest)  # type: ignore[arg-type]
        bubble.at = NOW - timedelta(minutes=minute)
        bubble.tapped = bubble.buttons[0].id if bubble.buttons and phone is selam else None
        bubble.segments = meter(text) if phone.channel == "sms" else None

    def person(phone: Phone, minute: int, text: str) -> None:
        ground.show(phone, text, mine=True).at = NOW - timedelta(minutes=minute)

    def buttons(*titles: str) -> list[Button]:
        return [Button(str(number), title) for number, title in enumerate(titles, 1)]

    selam = ground.add("Selam", "ti", "whatsapp", "+31697000001", sender=SENDER)
    house(
        selam,
        1,
        "ሰላም Selam። ቆጸራ ኣለኩም፦\nሓሙስ 3 ታሕሳስ (03-12-2026) 14:30\n"
        "Wijkcentrum, Voorbeeldstraat 12\nትመጹ ዶ?",
        kind="image",
        media_url=f"{origin}/calendar.svg",
        buttons=buttons("እወ", "ካልእ መዓልቲ", "ኣይፋል"),
    )
    house(selam, 1, kind="voice", media_url=f"{origin}/look/voice.ogg")
    person(selam, 0, "እወ")
    house(selam, 0, "ጽቡቕ። ሓሙስ 3 ታሕሳስ (03-12-2026) 14:30 ንርአ። ንምቕያር 2 ጽሓፉ።")

    rania = ground.add("Rania", "ar", "telegram", "1006", sender=SENDER)
    house(
        rania,
        2,
        "مرحبًا Rania، لديكم موعد:\nالخميس 3 كانون الأول / ديسمبر\n\u206603-12-2026 · 11:30\u2069\n"
        "Wijkcentrum\nVoorbeeldstraat 12\nهل يناسبكم؟",
        buttons=buttons("نعم", "يوم آخر", "لا"),
    )
    house(rania, 2, kind="voice", media_url=f"{origin}/look/voice.ogg")
    person(rania, 0, "١")
    house(
        rania,
        0,
        "شكرًا. نراكم يوم الخميس 3 كانون الأول \u2066(03-12-2026)\u2069 الساعة 11:30.\n"
        "للتغيير أرسلوا ٢.",
    )

    mehmet = ground.add("Mehmet", "tr", "sms", "+31697000008", sender="+31697000000")
    house(
        mehmet,
        2,
        "Merhaba Mehmet, yarın randevunuz var: 3 Aralık Perşembe (03-12-2026) 13:15. "
        "Wijkcentrum, Voorbeeldstraat 12. Geliyor musunuz? 1 evet, 2 başka gün, 3 hayır.",
    )
    person(mehmet, 1, "1")
    house(
        mehmet,
        1,
        "Teşekkürler. 3 Aralık Perşembe (03-12-2026) 13:15'te bekliyoruz. "
        "Değiştirmek için 2 yazın.",
    )
    return ground


def photograph(origin: str) -> bytes:
    """Return the scene as PNG, once its fonts, pictures and sounds are there."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        view = browser.new_page(viewport=SIZE)
        view.goto(f"{origin}/hero")
        view.wait_for_function("document.fonts.status === 'loaded'")
        view.wait_for_function(
            "[...document.images].every(i => i.complete && i.naturalWidth)"
            " && [...document.querySelectorAll('audio')].every(a => a.readyState > 0)"
        )
        taken = view.screenshot()
        browser.close()
    return taken


def main(target: Path) -> None:
    """Serve the scene on this machine, photograph it, and write it as small as it gets."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    app = Flask("picture", static_folder=None)
    app.register_blueprint(page)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    origin = f"http://127.0.0.1:{server.port}"
    ground = app.extensions["ground"] = scene(origin)

    @app.get("/calendar.svg")
    def calendar() -> Response:
        return Response(CALENDAR, mimetype="image/svg+xml")

    @app.get("/hero")
    def hero() -> str:
        now = NOW.astimezone(AMSTERDAM)
        return render_template(
            "hero.html",
            units=[unit_of(phone, index, now) for index, phone in enumerate(ground.phones)],
            clock=f"{now:%H:%M}",
            names=[keyboard.own_name for keyboard in KEYBOARDS.values()],
        )

    threading.Thread(target=server.serve_forever, daemon=True).start()
    taken = photograph(origin)
    server.shutdown()
    target.parent.mkdir(exist_ok=True)
    Image.open(io.BytesIO(taken)).convert("RGB").save(target, optimize=True)
    print(f"{target}: {target.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "picture.png")
