"""Passkeys in a real browser, with an authenticator that Chromium itself plays."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from desks import PASSWORD, Desk
from playwright.sync_api import Browser, Page
from sqlalchemy import select

from bot.models.staff import AuditEntry, Passkey
from bot.web import WebServer
from console.login import FREE_TRIES

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def there(world: Desk) -> Iterator[str]:
    """Where the console is served. A browser allows passkeys on localhost, not on 127.0.0.1."""
    server = WebServer(world.app, "127.0.0.1", 0)
    server.start()
    yield f"http://localhost:{server.port}/console"
    server.close()


@pytest.fixture
def view(chromium: Browser) -> Iterator[Page]:
    """A page whose browser holds an authenticator; it fails the test over any complaint."""
    page = chromium.new_page()
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2", "transport": "internal", "hasResidentKey": True,
                "hasUserVerification": True, "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )  # fmt: skip
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    page.close()
    assert [] == complaints


def log_in(view: Page, there: str, name: str) -> None:
    view.goto(f"{there}/inloggen")
    view.fill("input[name=email]", f"{name}@voorbeeldstad.example")
    view.fill("input[name=password]", PASSWORD)
    view.press("input[name=password]", "Enter")
    view.wait_for_url(f"{there}/")


def register(view: Page, there: str, usage: str) -> None:
    view.goto(f"{there}/toegangssleutels")
    view.fill("input[name=name]", "Mijn telefoon")
    view.check(f"input[name=usage][value={usage}]")
    view.click("#wan-register-form button")
    view.locator("li", has_text="Mijn telefoon").wait_for()


def test_a_passkey_is_made_and_opens_the_door_alone(view: Page, there: str, world: Desk):
    log_in(view, there, "klantmanager")
    register(view, there, "first")
    with world.house.database.reading() as session:
        assert ["first"] == session.scalars(select(Passkey.usage)).all()

    view.goto(f"{there}/")
    view.click(".me__out")
    view.goto(f"{there}/toegangssleutel")
    view.click("#wan-signin-form button")
    view.wait_for_url(f"{there}/")

    assert "klantmanager" in view.inner_text(".me__t")
    with world.house.database.reading() as session:
        details = session.scalars(
            select(AuditEntry.detail).where(AuditEntry.action == "login").order_by(AuditEntry.id)
        ).all()
    assert ["webauthn"] == [each["how"][0] for each in details][-1:]


def test_who_has_a_passkey_comes_in_while_somebody_guesses_at_the_password(
    view: Page, there: str, world: Desk
):
    """Whoever guesses makes the account wait for passwords and codes; its owner need not."""
    log_in(view, there, "coordinator")
    register(view, there, "first")
    view.goto(f"{there}/")
    view.click(".me__out")
    for _ in range(FREE_TRIES + 2):
        world.browser().log_in("coordinator", "a guess")
    assert 200 == world.browser().log_in("coordinator").status_code

    view.goto(f"{there}/toegangssleutel")
    view.click("#wan-signin-form button")
    view.wait_for_url(f"{there}/")
    assert "coordinator" in view.inner_text(".me__t")


def test_somebody_without_one_is_told_so_and_stays_outside(view: Page, there: str):
    """The authenticator holds nothing: the browser says no, and the page says what to do."""
    view.goto(f"{there}/toegangssleutel", wait_until="networkidle")
    view.click("#wan-signin-form button")
    view.wait_for_function("document.getElementById('wan-errors').textContent !== ''")

    view.wait_for_load_state("networkidle")
    assert "/toegangssleutel" in view.url
    assert view.get_by_text("Liever met wachtwoord en code").is_visible()
    view.goto(f"{there}/")
    assert "/inloggen" in view.url


def test_a_passkey_is_taken_away_again(view: Page, there: str, world: Desk):
    log_in(view, there, "beheerder")
    register(view, there, "first")
    view.goto(f"{there}/toegangssleutels")
    view.fill("#delete-name", "Mijn telefoon")
    view.click("form[name=wan_delete_form] button")
    view.wait_for_load_state()

    with world.house.database.reading() as session:
        names = session.scalars(
            select(Passkey.name).join(Passkey.user).where(Passkey.user.has(name="beheerder"))
        ).all()
    assert [] == names
