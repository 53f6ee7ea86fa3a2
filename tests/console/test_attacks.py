"""What somebody outside tries on the console, one after the other: each is refused."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Callable
from urllib.parse import quote, urljoin, urlsplit

import argon2.low_level
import pytest
from desks import PASSWORD, Browser, Desk
from sqlalchemy import select, update
from test_guard import VALUES
from test_login import REAL, Phone, Secure, enrolled, open_

from bot.models.staff import ROLES, StaffMember, StaffSession
from bot.outreach import trials
from console import LARGEST_UPLOAD, login
from console.guard import RULES

ELSEWHERE = (
    "https://evil.example/", "//evil.example", "///evil.example", "/\\evil.example",
    "\\\\evil.example", "https:evil.example", "http:///evil.example", "\t//evil.example",
    "javascript:alert(1)", "https://localhost@evil.example/", "/%09/evil.example",
)  # fmt: skip


@pytest.fixture
def strict(make_desk: Callable[..., Desk]) -> Desk:
    """A desk outside practice, where a second step is asked for."""
    return make_desk(**REAL)


def everybody(desk: Desk) -> Browser:
    desk.hire("everybody", ROLES)
    return desk.as_("everybody")


def ways(desk: Desk) -> list[tuple[str, str, str]]:
    """Return (endpoint, method, path) of every way in, of our own and of logging in."""
    values = {**VALUES, "token": "x", "filename": "x"}
    with desk.app.test_request_context():
        adapter = desk.app.url_map.bind("localhost")
        return [
            (rule.endpoint, method, adapter.build(rule.endpoint, given, method=method))
            for rule in desk.app.url_map.iter_rules()
            for given in [{name: values[name] for name in rule.arguments}]
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
        ]


# ------------------------------------------------------------------ guesses


def test_guessing_recovery_codes_makes_the_account_wait(strict: Desk):
    """Who has the password and not the phone has eight codes to guess at."""
    browser = Secure(strict.app.test_client())
    phone_and_codes(browser)
    code = codes(browser)[0]
    thief = Secure(strict.app.test_client())
    thief.log_in("klantmanager")
    for guess in range(login.FREE_TRIES + 4):
        thief.post("/herstelcode", {"code": f"{guess:04}-0000-0000"})
    thief.post("/herstelcode", {"code": code})

    assert not open_(thief)
    with strict.house.database.reading() as session:
        assert login.FREE_TRIES < session.scalar(
            select(StaffMember.failures).where(StaffMember.name == "klantmanager")
        )


def phone_and_codes(browser: Secure) -> None:
    browser.log_in("klantmanager")
    phone = Phone(browser.post("/tweede-stap", {"setup": "authenticator"}).text)
    browser.post("/code", {"code": phone.code()})


def codes(browser: Secure) -> list[str]:
    shown = browser.post("/herstelcodes", {"generate_new_codes": "1"}).text
    found = re.findall(r'<li><bdi dir="ltr">([^<]+)</bdi>', shown)
    assert 8 == len(found)
    return found


def test_of_each_code_there_are_so_many_that_a_million_guesses_find_none(strict: Desk):
    """The arithmetic, for what no test can wait for; how often one may guess is told elsewhere.

    Of a code that ties a phone a hundred may wait at once, each for half an hour. A recovery code
    is one of eight, and wrong ones make the account wait as wrong passwords do.
    """
    browser = Secure(strict.app.test_client())
    phone_and_codes(browser)
    signs = {len(code.replace("-", "")) for code in codes(browser)}

    assert 1_000_000 * 100 / len(trials.ALPHABET) ** trials.LENGTH < 1e-3
    assert 1_000_000 * 8 / 16 ** min(signs) < 1e-6


def test_a_wrong_password_and_an_unknown_address_are_as_much_work(desk: Desk, monkeypatch):
    """Who measures how long an answer takes learns nothing: each is one hash, of the same cost."""
    done: list[str] = []
    for name in ("hash_secret", "verify_secret"):
        work = getattr(argon2.low_level, name)
        monkeypatch.setattr(
            argon2.low_level, name,
            lambda *given, _work=work, **more: (done.append("hash"), _work(*given, **more))[1],
        )  # fmt: skip
    spent = []
    for name in ("klantmanager", "nobody"):
        browser = desk.browser()
        browser.token()
        done.clear()
        browser.log_in(name, "not the password")
        spent.append(list(done))

    assert [["hash"], ["hash"]] == spent


def test_who_asks_for_a_new_password_is_told_the_same_whoever_they_are(desk: Desk):
    told = [
        desk.browser().post("/wachtwoord", {"email": f"{name}@voorbeeldstad.example"})
        for name in ("klantmanager", "nobody")
    ]

    assert told[0].status_code == told[1].status_code
    assert told[0].location == told[1].location
    without = [re.sub(r'value="[^"]*"', "", each.text) for each in told]
    assert without[0] == without[1]


# ------------------------------------------------------------------ forms of others


def test_no_form_works_without_our_token_and_none_by_a_link(desk: Desk):
    """Of every page there is, those of logging in too; a new one is among them by itself."""
    browser, open_ways = everybody(desk), []
    changing = [each for each in ways(desk) if each[1] != "GET"]
    for endpoint, method, path in changing:
        bare = browser.client.open(path, method=method)
        foreign = browser.client.open(
            path, method=method, data={"csrf_token": browser.token()},
            headers={"Origin": "https://evil.example"},
        )  # fmt: skip
        if (bare.status_code, foreign.status_code) != (400, 403):
            open_ways.append((endpoint, method, bare.status_code, foreign.status_code))

    assert [] == open_ways
    assert {endpoint for endpoint, *_ in changing} <= set(RULES)
    pages = {path for _, method, path in ways(desk) if method == "GET"}
    for endpoint, _, path in changing:
        if path not in pages:
            assert 405 == browser.client.get(path).status_code, endpoint


def test_no_form_makes_anybody_more_than_they_are(desk: Desk):
    """What a form does not have is not read from it: roles are given on the command line alone."""
    browser = desk.as_("klantmanager")
    more = {
        "roles": "beheerder",
        "role": "beheerder",
        "active": "1",
        "staff_id": "1",
        "us_totp": "",
    }
    for endpoint, method, path in ways(desk):
        if method == "POST" and "logout" not in endpoint:
            browser.client.post(path, data={"csrf_token": browser.token(), **more})

    with desk.house.database.reading() as session:
        one = session.scalars(select(StaffMember).where(StaffMember.name == "klantmanager")).one()
        assert ["klantmanager"] == [role.name for role in one.roles]


# ------------------------------------------------------------------ sessions


def test_what_cannot_be_undone_asks_once_more_who_it_is(desk: Desk):
    """Five minutes after the last proof; who finds an open screen does nothing of it."""
    browser = everybody(desk)
    with desk.house.database.session() as session:
        for row in session.scalars(select(StaffSession).where(StaffSession.staff_id.is_not(None))):
            stale = time.time() - login.FRESH.total_seconds() - 1
            row.data = {**row.data, "fs_paa": stale, "fs_gexp": None}

    asked, fresh = {}, {endpoint for endpoint, rule in RULES.items() if rule.fresh}
    for endpoint, method, path in ways(desk):
        if endpoint in fresh:
            there = path.removeprefix("/console")
            answer = browser.get(there) if method == "GET" else browser.post(there)
            asked[endpoint, method] = (answer.location or "").startswith("/console/nog-even-u")

    assert fresh == {endpoint for endpoint, _ in asked}
    assert [] == [each for each, held in asked.items() if not held]


def test_another_second_step_ends_every_other_session(strict: Desk):
    """Whoever took over a session sees it end once its owner has a new telephone."""
    phone = enrolled(strict)
    here, elsewhere = (Secure(strict.app.test_client()) for _ in range(2))
    for browser in (here, elsewhere):
        a_minute_later(strict)
        browser.log_in("klantmanager")
        browser.post("/code", {"code": phone.code()})
        assert open_(browser)

    chosen = here.post("/tweede-stap", {"setup": "authenticator"}).text
    confirm = re.search(r'action="/console(/tweede-stap/[^"]+)"', chosen)
    assert confirm, chosen
    a_minute_later(strict)
    here.post(confirm[1], {"code": Phone(chosen).code()})

    assert open_(here)
    assert not open_(elsewhere)


def a_minute_later(desk: Desk) -> None:
    """Let the codes of now be new ones."""
    with desk.house.database.session() as session:
        session.execute(update(StaffMember).values(totp_counter=None))


# ------------------------------------------------------------------ pages and where they lead


def test_every_page_says_who_may_frame_it_and_is_kept_by_nobody(desk: Desk):
    browser, wrong = everybody(desk), []
    for endpoint, method, path in ways(desk):
        if method == "GET" and not endpoint.endswith(".static") and "logout" not in endpoint:
            headers = browser.client.get(path).headers
            policy = headers["Content-Security-Policy"]
            if "no-store" != headers["Cache-Control"] or "frame-ancestors 'none'" not in policy:
                wrong.append(endpoint)

    assert [] == wrong


@pytest.mark.parametrize("there", ELSEWHERE)
def test_logging_in_leads_to_a_page_of_ours_alone(desk: Desk, there: str):
    browser = desk.browser()
    given = {"email": "klantmanager@voorbeeldstad.example", "password": PASSWORD, "next": there}
    answer = browser.post(f"/inloggen?next={quote(there)}", given)

    assert "localhost" == reached(answer.location or "")


def reached(location: str) -> str | None:
    """Return the host that a browser goes to from a page of ours, as browsers read an address."""
    read = re.sub(r"[\t\r\n]", "", location).replace("\\", "/")
    return urlsplit(urljoin("http://localhost/console/inloggen", read)).hostname


@pytest.mark.parametrize("there", ELSEWHERE)
def test_a_form_leads_back_to_a_page_of_ours_alone(desk: Desk, there: str):
    browser = desk.as_("klantmanager")
    token = {"csrf_token": browser.token(), "ui": "en"}
    answer = browser.client.post(
        "/console/taal-van-de-pagina", data=token, headers={"Referer": there.strip()}
    )

    assert "/console/" == answer.location


# ------------------------------------------------------------------ files


def test_a_file_that_is_too_large_is_refused_before_it_is_read(desk: Desk):
    browser = desk.as_("frontlijn")
    answer = browser.client.post(
        "/console/inlezen", data=b"--x", content_type="multipart/form-data; boundary=x",
        environ_overrides={"CONTENT_LENGTH": str(LARGEST_UPLOAD + 1)},
    )  # fmt: skip

    assert 413 == answer.status_code
    assert "hoogstens 20 MB" in answer.text


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "..\\..\\x.csv", "a\0b.csv", "x" * 5000 + ".csv", "<script>.csv"]
)
def test_what_a_file_is_called_leads_nowhere(desk: Desk, name: str):
    """Nothing is written under its name, and the name is shown as it is."""
    browser = desk.as_("frontlijn")
    file = (io.BytesIO(b"kenmerk;voornaam;taal;telefoon\nF-9;Amina;ar;+31697000009\n"), name)
    answer = browser.post("/inlezen", {"soort": "people", "bestand": file})

    assert 200 == answer.status_code
    assert "<script>" not in answer.text
