"""Draw the pictures of docs/handleiding.md, from a practice ground of its own.

    python scripts/handleiding.py [--look FOLDER]

It starts `stap run --practice` on a free port with a database of its own, lets the made-up people
answer, works through the console as its staff do, and ends it. With --look every page is also
kept in FOLDER, whole, as wide as a desktop, at twice its size, and as wide as two phones: to be
looked at, not to be committed. It says which pages are wider than the window.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from bot.commands.practice import PASSWORD  # noqa: E402 - the repository is no installed package

PICTURES = ROOT / "docs" / "handleiding"
DESKTOP, TALL = 1360, 850
LOOKED_AT = (DESKTOP, DESKTOP // 2, 390, 320)
"""Widths: a desktop, the same at 200 %, a phone, and the narrowest one (WCAG 1.4.4 and 1.4.10)."""
COLOURS = 128
PATIENCE = 60
"""Seconds that anything may take to be there."""

JANSEN, BAKKER = "jansen@voorbeeldstad.example", "bakker@voorbeeldstad.example"

SAID = {
    # Who writes what, on a phone of the practice ground.
    "Rania": "نعم",
    "Selam": "2",
    "Mehmet": "Beni arayabilir misiniz?",
    "Priya": "My husband hits me, I am afraid",
}

BROUGHT = """\
kenmerk;voornaam;taal;telefoon;kanaal;wijk;klantmanager;toestemming
P-2001;Selam;Tigrinya;+31697000201;whatsapp;Noord;Jansen;ja
P-2002;Omar;Arabisch;+31697000202;whatsapp;Oost;Jansen;ja
P-2003;Maryam;Farsi;6 9700 0203;sms;Oost;De Boer;ja
P-2004;Elif;Turkx;+31697000204;sms;Zuid;De Boer;nee
P-2005;Maria;Engels;3,17E+10;sms;Zuid;Jansen;ja
"""
"""As Excel spoils a file."""


class Camera:
    """Takes one page for the handbook and, if asked, all of it at two widths."""

    def __init__(self, page: Page, look: Path | None) -> None:
        self.page = page
        self.look = look

    def take(self, name: str, *, top: str | None = None, keep: bool = True) -> None:
        """Photograph what is open; *top* is what stands at the upper edge."""
        self.page.set_viewport_size({"width": DESKTOP, "height": TALL})
        self.page.wait_for_function("document.fonts.status === 'loaded'")
        self.page.evaluate("document.activeElement.blur()")
        if top:
            self.page.locator(top).first.evaluate("one => one.scrollIntoView({block: 'start'})")
        if keep:
            save(self.page.screenshot(), PICTURES / f"{name}.png")
        if self.look is None:
            return
        for width in LOOKED_AT:
            self.page.set_viewport_size({"width": width, "height": TALL})
            self.page.evaluate("scrollTo(0, 0)")
            self.page.screenshot(path=self.look / f"{name}-{width}.png", full_page=True)
            root = "document.documentElement"
            if self.page.evaluate(f"{root}.scrollWidth > {root}.clientWidth"):
                print(f"{name}: wider than {width}")
        self.page.set_viewport_size({"width": DESKTOP, "height": TALL})


def save(taken: bytes, target: Path) -> None:
    """Write a picture with few colours: a page has few."""
    picture = Image.open(io.BytesIO(taken)).convert("RGB")
    picture = picture.quantize(COLOURS, dither=Image.Dither.NONE)
    target.parent.mkdir(exist_ok=True)
    picture.save(target, optimize=True)
    print(f"{target}: {target.stat().st_size // 1000} kB")


@contextmanager
def practice() -> Iterator[tuple[str, str]]:
    """Run a practice ground; give the addresses of the console and of the phones."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        running = subprocess.Popen(
            [sys.executable, "-m", "bot", "run", "--practice", "--port", str(port)],
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": f"sqlite:///{folder}/stap.db", "GEMEENTE": ""},
            stderr=subprocess.DEVNULL,
        )
        try:
            phones = f"http://127.0.0.1:{port + 1}"
            wait(lambda: len(bubbles(phones)) >= 3, "the first reminders")
            yield f"http://127.0.0.1:{port}/console", phones
        finally:
            running.terminate()
            running.wait(timeout=PATIENCE)


def free_port() -> int:
    """Return a port that is free, and so is the next one."""
    while True:
        with socket.socket() as one, socket.socket() as next_:
            one.bind(("127.0.0.1", 0))
            port: int = one.getsockname()[1]
            try:
                next_.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port


def wait(until: Callable[[], Any], what: str) -> Any:
    """Return what *until* gives once it gives something; a place that does not answer is none."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            if found := until():
                return found
        except OSError:
            pass
        time.sleep(0.5)
    raise TimeoutError(f"waited {PATIENCE} s for {what}")


def ask(address: str, **given: Any) -> Any:
    """Ask the phones something; with *given* it is a form."""
    body = json.dumps(given).encode() if given else None
    kind = {"Content-Type": "application/json"}
    asked = urllib.request.Request(address, body, kind)  # noqa: S310 - our own address
    with urllib.request.urlopen(asked, timeout=PATIENCE) as told:  # noqa: S310
        return json.load(told)


def bubbles(phones: str) -> list[Any]:
    """Return every phone on which a message of ours stands."""
    return [each for each in ask(f"{phones}/state.json")["phones"] if each["bubbles"]]


def answer(phones: str) -> None:
    """Let people write what they write."""
    for phone in ask(f"{phones}/state.json")["phones"]:
        if phone["name"] in SAID:
            ask(f"{phones}/phones/{phone['id']}/say", text=SAID[phone["name"]])


class Staff:
    """Somebody of the practice gemeente at the console."""

    def __init__(self, page: Page, console: str) -> None:
        self.page = page
        self.console = console

    def open(self, path: str) -> None:
        """Go to a page."""
        self.page.goto(self.console + path)

    def log_in(self, email: str) -> None:
        """Come in as somebody else."""
        self.page.context.clear_cookies()
        self.open("/inloggen")
        self.page.fill("[name=email]", email)
        self.page.fill("[name=password]", PASSWORD)
        self.page.get_by_role("button", name="Log in", exact=True).click()
        self.page.wait_for_url(f"{self.console}/")

    def press(self, name: str) -> None:
        """Press a button and wait for what comes."""
        self.page.get_by_role("button", name=name).first.click()
        self.page.wait_for_load_state()


def morning(staff: Staff, camera: Camera, phones: str) -> None:
    """Log in, and see to who asks for a person."""
    staff.open("/inloggen")
    camera.take("inloggen")
    staff.log_in(JANSEN)
    staff.open("/tweede-stap")
    camera.take("mijn-inlog", keep=False)
    staff.page.check("[value=authenticator]")
    staff.press("Ga verder")
    camera.take("tweede-stap")
    for path in ("herstelcodes", "toegangssleutels", "wachtwoord-wijzigen", "nog-even-u"):
        staff.open(f"/{path}")
        camera.take(path, keep=False)
    answer(phones)

    def waiting() -> int:
        staff.open("/postvak")
        return staff.page.locator(".it--nood").count() and staff.page.locator(".it").count() > 2

    wait(waiting, "tasks")
    ask(f"{phones}/clock", minutes=1320)
    staff.open("/")
    camera.take("vandaag")
    staff.open("/postvak")
    camera.take("postvak-leeg", keep=False)
    staff.page.locator(".it a", has_text="Mehmet").first.click()
    staff.press("Neem op u")
    camera.take("postvak")
    camera.take("postvak-antwoord", top=".reply")


def casework(staff: Staff, camera: Camera) -> None:
    """Find people, and move an afspraak."""
    for path, name in (
        ("/mensen?wie=alle", "mensen"),
        ("/mensen/D-1006", "persoon"),
        ("/afspraken", "afspraken"),
    ):
        staff.open(path)
        camera.take(name)
    for path, name in (
        ("/mensen/nieuw", "nieuw-persoon"),
        ("/mensen/D-1006/wijzig", "wijzig"),
        ("/mensen/D-1006/gegevens", "gegevens"),
    ):
        staff.open(path)
        camera.take(name, keep=False)
    staff.open("/mensen/D-1006")
    staff.page.get_by_role("link", name="Verzet of zeg af").click()
    staff.page.fill("#tijd", "16:30")
    staff.press("Bekijk wat er uitgaat")
    camera.take("afspraak")
    staff.open("/inlezen")
    camera.take("inlezen-leeg", keep=False)
    file = {"name": "mensen.csv", "mimeType": "text/csv", "buffer": BROUGHT.encode()}
    staff.page.set_input_files("#bestand", file)  # type: ignore[arg-type]
    staff.press("Controleer")
    camera.take("inlezen")


def group_message(staff: Staff, camera: Camera, phones: str) -> None:
    """Write to many, have somebody else say yes, and watch it go."""
    page = staff.page
    staff.open("/groepsberichten/nieuw")
    page.fill("#name", "Koffie en praten in De Brug")
    page.select_option("#voortraject", "V-1")
    camera.take("groepsbericht-schrijven")
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    page.fill("#first", "2")
    staff.press("Bewaar en bekijk het voorbeeld")
    camera.take("groepsbericht-voorbeeld")
    number = page.url.split("/")[-2]
    staff.log_in(BAKKER)
    staff.open(f"/groepsberichten/{number}/akkoord")
    for box in page.locator("[name=taal][type=checkbox]").all():
        box.check()
    staff.press("Tel opnieuw")
    page.fill("#aantal", page.locator(".sum .big").inner_text())
    camera.take("groepsbericht-akkoord", top="[aria-labelledby=ja]")
    staff.press("Keur goed en begin")
    ask(f"{phones}/clock", minutes=90)  # the quiet hours end at nine
    wait(lambda: page.reload() and page.locator("text=De eersten hebben het").count(), "the first")
    camera.take("groepsbericht-volgen")
    staff.press("Stop verzenden")
    camera.take("groepsbericht-gestopt", keep=False)
    staff.open("/groepsberichten")
    camera.take("groepsberichten", keep=False)


def write_first(staff: Staff, camera: Camera) -> None:
    """Write to somebody on WhatsApp who has not written for a day: it waits."""
    staff.log_in(JANSEN)
    staff.open("/mensen/D-1009")
    staff.press("Schrijf bericht")
    staff.page.check("[value='colleague.settled']")
    staff.press("Zet deze zin klaar")
    camera.take("postvak-wacht", top=".msg--out:last-child")


def the_rest(staff: Staff, camera: Camera) -> None:
    """Look at what a coordinator looks at now and then."""
    staff.log_in(JANSEN)
    for path, name, keep in (
        ("/voortrajecten", "voortrajecten", False),
        ("/voortrajecten/V-1", "voortraject", True),
        ("/ambassadeurs", "ambassadeurs", False),
        ("/ambassadeurs/AMB-1", "ambassadeur", True),
        ("/premie", "premie", False),
        ("/rapporten", "rapport", True),
    ):
        staff.open(path)
        camera.take(name, keep=keep)


def main() -> None:
    """Work through a morning at the console, and photograph it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--look", type=Path, help="keep every page here, whole, at four widths")
    look: Path | None = parser.parse_args().look
    if look is not None:
        look.mkdir(parents=True, exist_ok=True)
    with practice() as (console, phones), sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--lang=nl-NL"]
        )
        page = browser.new_page(locale="nl-NL", timezone_id="Europe/Amsterdam")
        page.set_default_timeout(PATIENCE * 1000)
        staff, camera = Staff(page, console), Camera(page, look)
        morning(staff, camera, phones)
        casework(staff, camera)
        group_message(staff, camera, phones)
        write_first(staff, camera)
        the_rest(staff, camera)
        browser.close()


if __name__ == "__main__":
    main()
