"""Logging in: once with each proof, slowly for who guesses, and over when it should be."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from click.testing import CliRunner
from desks import PASSWORD, Browser, Desk
from passlib.totp import TOTP
from sqlalchemy import select, update

from bot import moments
from bot.__main__ import main
from bot.models.staff import AuditEntry, StaffMember, StaffSession
from bot.privacy import staff
from console import login
from console.sessions import named

REAL = {
    "environment": "staging",
    "secret_key": "0123456789abcdef0123456789abcdef",
    "public_url": "https://stap.example",
}


def open_(browser: Browser) -> bool:
    """Say whether the first page opens in *browser*."""
    return browser.get("/").status_code == 200


def cookie(browser: Browser, name: str = "stap") -> str | None:
    found = browser.client.get_cookie(name)
    return found.value if found else None


# ---------------------------------------------------------------------- password


def test_the_right_password_opens_and_logging_out_closes(any_desk: Desk):
    desk = any_desk
    browser = desk.as_("klantmanager")
    assert open_(browser)
    kept = cookie(browser)

    assert 302 == browser.post("/uitloggen").status_code
    assert not open_(browser)

    thief = desk.browser()
    thief.client.set_cookie("stap", kept or "")
    assert not open_(thief)


def test_a_wrong_password_and_an_unknown_address_are_told_the_same(desk: Desk):
    """Whoever guesses may not learn who works here."""
    wrong = desk.browser().log_in("klantmanager", "not the password")
    nobody = desk.browser().log_in("nobody", "not the password")

    assert (200, 200) == (wrong.status_code, nobody.status_code)
    assert stripped(wrong.text) == stripped(nobody.text)


def stripped(page: str) -> str:
    return re.sub(r'value="[^"]*"', "", page)


def test_who_keeps_guessing_waits_even_with_the_right_password(any_desk: Desk):
    """Five slips are free; after that the wait doubles, up to an hour."""
    desk = any_desk
    for _ in range(login.FREE_TRIES + 4):
        desk.browser().log_in("klantmanager", "a guess")
    refused = desk.browser().log_in("klantmanager")
    assert 200 == refused.status_code

    moments.set_practice_offset(login.LONGEST_WAIT)
    assert 302 == desk.browser().log_in("klantmanager").status_code
    with desk.house.database.reading() as session:
        assert 0 == session.scalar(
            select(StaffMember.failures).where(StaffMember.name == "klantmanager")
        )


def test_a_million_guesses_take_longer_than_a_life():
    """The arithmetic behind the throttle, for the guesses that no test can wait for."""
    waits = [min(login.FIRST_WAIT * 2 ** min(n, 20), login.LONGEST_WAIT) for n in range(1_000_000)]

    assert sum(waits, timedelta()) > timedelta(days=100 * 365)


def test_an_account_that_was_closed_does_not_open(desk: Desk):
    browser = desk.as_("frontlijn")
    with desk.house.database.session() as session:
        staff.close(session, member(session, "frontlijn"))

    assert not open_(browser)
    assert 200 == desk.browser().log_in("frontlijn").status_code


def member(session, name: str) -> StaffMember:
    return session.scalars(select(StaffMember).where(StaffMember.name == name)).one()


# ---------------------------------------------------------------------- sessions


def test_a_session_has_a_new_name_once_somebody_is_logged_in(desk: Desk):
    """Whoever planted a name before gets nothing by it."""
    browser = desk.browser()
    browser.get("/inloggen")
    before = cookie(browser)
    browser.log_in("klantmanager")

    assert before != cookie(browser)
    planted = desk.browser()
    planted.client.set_cookie("stap", before or "none")
    assert not open_(planted)


def test_other_roles_end_every_session(any_desk: Desk):
    desk = any_desk
    browser = desk.as_("klantmanager")
    desk.hire("klantmanager", ["frontlijn"])

    assert not open_(browser)


def test_a_new_password_ends_every_other_session(desk: Desk):
    here, elsewhere = desk.as_("klantmanager"), desk.as_("klantmanager")
    new = "another long and fictional one"
    changed = here.post(
        "/wachtwoord-wijzigen",
        {"password": PASSWORD, "new_password": new, "new_password_confirm": new},
    )

    assert 302 == changed.status_code, changed.text
    assert open_(here)
    assert not open_(elsewhere)


@pytest.mark.parametrize(
    ("column", "after"),
    [("seen_at", staff.IDLE), ("created_at", staff.LONGEST)],
    ids=["idle", "whole"],
)
def test_a_session_ends_by_itself(any_desk: Desk, column: str, after: timedelta):
    """After half an hour without a click, and after twelve hours whatever happens."""
    desk = any_desk
    browser = desk.as_("klantmanager")
    with desk.house.database.session() as session:
        was = getattr(StaffSession, column)
        row = session.scalars(
            select(StaffSession).where(StaffSession.id == named(cookie(browser) or ""))
        ).one()
        session.execute(
            update(StaffSession)
            .where(StaffSession.id == row.id)
            .values({was: getattr(row, column) - after})
        )

    assert not open_(browser)
    with desk.house.database.session() as session:
        assert staff.sweep(session, 100) >= 1


def test_a_session_that_was_ended_while_a_page_was_made_stays_ended(desk: Desk):
    """The page that is answered last may not write the row back."""
    browser = desk.as_("klantmanager")
    sessions = desk.app.session_interface
    with desk.app.test_request_context(
        "/console/", headers={"Cookie": f"stap={cookie(browser)}"}
    ) as context:
        kept = sessions.open_session(desk.app, context.request)
        kept["ui"] = "en"
        with desk.house.database.session() as session:
            staff.end_sessions(session, member(session, "klantmanager"))
        sessions.save_session(desk.app, kept, desk.app.response_class())

    assert not open_(browser)


def test_outside_practice_the_cookie_is_for_https_and_scripts_cannot_read_it(make_desk):
    desk = make_desk(**REAL)
    browser = Browser(desk.app.test_client())
    answer = browser.get("/inloggen", base_url="https://stap.example")

    sent = answer.headers["Set-Cookie"]
    assert sent.startswith("__Host-stap=")
    for flag in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        assert flag in sent
    assert "Domain" not in sent


# ---------------------------------------------------------------------- the second step


class Phone:
    """An authenticator app: it has the key of the page, and knows the time."""

    def __init__(self, page: str) -> None:
        key = re.search(r"\b((?:[A-Z2-7]{4}[ -]){7}[A-Z2-7]{4})\b", page)
        assert key, page
        self.totp = TOTP(key=key.group(1).replace(" ", "").replace("-", ""))
        self.last = ""

    def code(self) -> str:
        self.last = self.totp.generate().token
        return self.last


@pytest.fixture
def strict(make_desk) -> Desk:
    return make_desk(**REAL)


class Secure(Browser):
    """A browser at the https address of the installation."""

    def get(self, path: str, **more):
        return super().get(path, base_url="https://stap.example", **more)

    def post(self, path: str, data=None, **more):
        given = {"csrf_token": self.token(), **(data or {})}
        return self.client.post(
            f"/console{path}", data=given, base_url="https://stap.example",
            headers={"Referer": "https://stap.example/console/"}, **more,
        )  # fmt: skip


def enrolled(desk: Desk) -> Phone:
    """Log klantmanager in for the first time, with a second step; return the phone that has it."""
    browser = Secure(desk.app.test_client())
    first = browser.log_in("klantmanager")
    assert first.location.startswith("/console/tweede-stap")
    chosen = browser.post("/tweede-stap", {"setup": "authenticator"})
    phone = Phone(chosen.text)
    done = browser.post("/code", {"code": phone.code()})
    assert 302 == done.status_code, done.text
    assert "/console/herstelcodes" == done.location
    assert open_(browser)
    return phone


def test_outside_practice_nobody_gets_in_without_a_second_step(strict: Desk):
    browser = Secure(strict.app.test_client())

    assert "/console/tweede-stap" in browser.log_in("klantmanager").location
    assert not open_(browser)


def test_what_stands_on_the_way_in_is_dutch(strict: Desk):
    """The first pages that a new colleague sees; nobody there reads English for their work."""
    browser = Secure(strict.app.test_client())
    assert "E-mailadres" in browser.get("/inloggen").text
    browser.log_in("klantmanager")
    asked = browser.get("/tweede-stap").text
    phone = Phone(browser.post("/tweede-stap", {"setup": "authenticator"}).text)
    wrong = browser.post("/code", {"code": "000000"}).text
    browser.post("/code", {"code": phone.code()})
    codes = browser.post("/herstelcodes", {"generate_new_codes": "1"}).text

    assert "Met een app op mijn telefoon" in asked
    assert "Deze code klopt niet" in wrong
    assert "Bewaar ze niet bij uw telefoon" in codes
    for page in (asked, wrong, codes, browser.get("/wachtwoord-wijzigen").text):
        assert not re.search(r"Password|Recovery|Two-Factor|Submit|authenticat(?!or)", page)


def test_vandaag_asks_for_recovery_codes_until_they_are_made(strict: Desk):
    browser = Secure(strict.app.test_client())
    browser.log_in("klantmanager")
    phone = Phone(browser.post("/tweede-stap", {"setup": "authenticator"}).text)
    browser.post("/code", {"code": phone.code()})

    assert "U heeft nog geen herstelcodes" in browser.get("/").text
    browser.post("/herstelcodes", {"generate_new_codes": "1"})
    assert "U heeft nog geen herstelcodes" not in browser.get("/").text


def test_who_lost_the_phone_comes_in_with_a_recovery_code_once(strict: Desk):
    browser = Secure(strict.app.test_client())
    browser.log_in("klantmanager")
    phone = Phone(browser.post("/tweede-stap", {"setup": "authenticator"}).text)
    browser.post("/code", {"code": phone.code()})
    shown = browser.post("/herstelcodes", {"generate_new_codes": "1"}).text
    code = re.search(r'<li><bdi dir="ltr">([^<]+)</bdi>', shown)
    assert code, shown

    def without_phone() -> bool:
        other = Secure(strict.app.test_client())
        other.log_in("klantmanager")
        assert "Gebruik een herstelcode" in other.get("/code").text
        other.post("/herstelcode", {"code": code[1]})
        return open_(other)

    assert (True, False) == (without_phone(), without_phone())


def test_who_lost_phone_and_codes_begins_anew_and_the_old_way_in_is_shut(strict: Desk, stap):
    enrolled(strict)
    path = stap("renew", "klantmanager@voorbeeldstad.example").partition("/console")[2].strip()

    browser = Secure(strict.app.test_client())
    assert 200 == browser.log_in("klantmanager").status_code, "the password is void"
    chosen = {"password": "a sentence of their own", "password_confirm": "a sentence of their own"}
    assert 302 == browser.post(path, chosen).status_code
    again = Secure(strict.app.test_client()).log_in("klantmanager", "a sentence of their own")
    assert again.location.startswith("/console/tweede-stap"), "and so is the second step"
    with strict.house.database.reading() as session:
        assert "staff.renewed" in session.scalars(select(AuditEntry.action)).all()


def test_who_left_is_shut_out_by_a_command_and_nobody_else_is(strict: Desk, stap):
    stap("close", "frontlijn@voorbeeldstad.example")

    assert 200 == Secure(strict.app.test_client()).log_in("frontlijn").status_code
    assert 302 == Secure(strict.app.test_client()).log_in("klantmanager").status_code
    assert "Er is niemand met" in stap("close", "niemand@voorbeeldstad.example", ends=1)
    assert "Er moet een beheerder blijven" in stap(
        "close", "beheerder@voorbeeldstad.example", ends=1
    )


@pytest.fixture
def stap(strict: Desk, monkeypatch):
    """`stap staff` on the same database; returns what it said."""
    for name, value in {**REAL, "database_url": strict.house.settings.database_url}.items():
        monkeypatch.setenv(name.upper(), value)

    def run(*words: str, ends: int = 0) -> str:
        done = CliRunner().invoke(main, ["staff", *words])
        assert ends == done.exit_code, done.output
        return done.stdout if ends == 0 else done.output

    return run


def test_a_code_is_good_once(strict: Desk):
    """Whoever looked over a shoulder has a code that was used."""
    phone = enrolled(strict)
    browser = Secure(strict.app.test_client())
    browser.log_in("klantmanager")
    browser.post("/code", {"code": phone.last})

    assert not open_(browser)


def test_guessing_codes_makes_the_account_wait(strict: Desk):
    phone = enrolled(strict)
    with strict.house.database.session() as session:
        session.execute(update(StaffMember).values(totp_counter=None))
    browser = Secure(strict.app.test_client())
    browser.log_in("klantmanager")
    for guess in range(login.FREE_TRIES + 4):
        browser.post("/code", {"code": f"{guess:06}"})

    browser.post("/code", {"code": phone.code()})
    assert not open_(browser)


# ---------------------------------------------------------------------- the first link


def test_a_first_link_lets_somebody_choose_a_password_once(any_desk: Desk):
    desk = any_desk
    with desk.house.database.session() as session:
        staff.put(session, "nieuw@voorbeeldstad.example", "nieuw", ["klantmanager"])
    with desk.app.app_context():
        link = login.first_link(desk.app, "nieuw@voorbeeldstad.example")
    path = link.partition("/console")[2]
    browser = desk.browser()
    chosen = {"password": PASSWORD, "password_confirm": PASSWORD}

    assert 302 == browser.post(path, chosen).status_code
    assert 302 == desk.browser().log_in("nieuw").status_code
    other = {"password": "yet another sentence", "password_confirm": "yet another sentence"}
    desk.browser().post(path, other)
    assert 200 == desk.browser().log_in("nieuw", "yet another sentence").status_code


def test_the_last_beheerder_stays(desk: Desk):
    """Or nobody could let anybody in any more."""
    with desk.house.database.session() as session:
        beheerder = member(session, "beheerder")
        with pytest.raises(staff.NotAllowed, match="beheerder"):
            staff.close(session, beheerder)
        with pytest.raises(staff.NotAllowed, match="beheerder"):
            staff.put(session, beheerder.email, "beheerder", ["klantmanager"])


def test_every_log_in_and_every_wrong_one_is_written_down(desk: Desk):
    desk.as_("klantmanager")
    desk.browser().log_in("klantmanager", "a guess")

    with desk.house.database.reading() as session:
        said = session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()
    assert ["login", "login.failed"] == list(said)
