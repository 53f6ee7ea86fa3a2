"""Every route, and who may use it: a new one without a row here fails."""

from __future__ import annotations

from typing import Literal

import pytest
from flask import Flask

import console
from app import create_app
from bot import front, house, settings
from bot.front import client_of

Guard = Literal["signed", "public", "here", "practice"]

ROUTES: dict[tuple[str, str], Guard] = {
    # signed: only what the provider signed goes in. public: anybody, and it tells nothing of
    # anyone. here: only from this machine. practice: is not there outside the practice ground.
    ("POST", "/webhooks/twilio/reply"): "signed",
    ("POST", "/webhooks/twilio/status"): "signed",
    ("POST", "/webhooks/telegram"): "signed",
    ("GET", "/a/<code>"): "public",
    ("GET", "/a/<code>/poster"): "public",
    ("GET", "/a/<code>/cards"): "public",
    ("POST", "/a/<code>/<channel>"): "public",
    ("GET", "/static/link/<path:name>"): "public",
    ("GET", "/m/<told>"): "public",
    ("GET", "/healthz"): "public",
    ("GET", "/readyz"): "public",
    ("GET", "/metrics"): "here",
    ("GET", "/practice/clock"): "practice",
    ("POST", "/practice/clock"): "practice",
}

REAL = {
    "environment": "production",
    "secret_key": "0123456789abcdef0123456789abcdef",
    "public_url": "https://stap.example",
    "twilio_account_sid": "AC" + "0" * 32,
    "twilio_auth_token": "the-token",
    "twilio_sms_from": "+3197000000000",
    "telegram_bot_token": "1000:token",
    "telegram_webhook_secret": "the-secret",
}


@pytest.fixture
def make_app(sqlite_url):
    houses = []

    def make(**given: object) -> Flask:
        houses.append(house.build(settings.load(None, database_url=sqlite_url, **given)))
        return create_app(houses[-1])

    yield make
    for each in houses:
        each.database.close()


def routes(app: Flask) -> set[tuple[str, str]]:
    return {
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def test_every_route_stands_in_the_table(make_app):
    assert set(ROUTES) == routes(make_app(environment="practice"))


def test_outside_practice_its_routes_are_not_there(make_app):
    """Moving the clock of a real house would send everybody their reminders."""
    assert {route for route, guard in ROUTES.items() if guard != "practice"} == routes(
        make_app(**REAL)
    )


@pytest.mark.parametrize("route", [route for route, guard in ROUTES.items() if guard == "signed"])
@pytest.mark.parametrize("given", [REAL, {"environment": "practice"}], ids=["real", "bare"])
def test_an_unsigned_request_is_turned_away_at_every_provider_door(make_app, route, given):
    """Also where the channel is not set up: then there is nobody to believe."""
    method, path = route
    client = make_app(**given).test_client()

    unsigned = client.open(path, method=method, data={"Body": "STOP", "From": "+31697000001"})
    wrong = client.open(
        path,
        method=method,
        json={"update_id": 1},
        headers={"X-Twilio-Signature": "AAAA", "X-Telegram-Bot-Api-Secret-Token": "guess"},
    )

    assert (403, 403) == (unsigned.status_code, wrong.status_code)


def asks(app: Flask, path: str, remote: str = "127.0.0.1", **headers: str) -> int:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    client = app.test_client()
    return client.get(path, headers=given, environ_base={"REMOTE_ADDR": remote}).status_code


@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Real-IP", "Forwarded", "Via"])
def test_figures_are_for_this_machine_alone(make_app, header):
    """A proxy beside us asks from this machine too, on behalf of anybody."""
    app = make_app(**REAL)

    assert 200 == asks(app, "/metrics")
    assert 404 == asks(app, "/metrics", **{header: "127.0.0.1"})
    assert 404 == asks(app, "/metrics", "203.0.113.7")
    assert 404 == asks(app, "/metrics", "10.0.0.7")
    assert 404 == asks(app, "/metrics", Authorization="Bearer ", X_Forwarded_For="1.1.1.1")


def test_figures_are_for_who_was_named_or_brings_the_token(make_app):
    app = make_app(**REAL, metrics_from="10.0.0.0/24,2001:db8::7", metrics_token="t" * 16)

    assert 200 == asks(app, "/metrics", "10.0.0.7")
    assert 200 == asks(app, "/metrics", "2001:db8::7")
    assert 404 == asks(app, "/metrics", "10.0.1.7")
    assert 404 == asks(app, "/metrics", "10.0.0.7", X_Forwarded_For="10.0.0.7")
    assert 200 == asks(app, "/metrics", "203.0.113.7", Authorization="Bearer " + "t" * 16)
    assert 404 == asks(app, "/metrics", "203.0.113.7", Authorization="Bearer " + "t" * 15)
    assert 404 == asks(app, "/metrics", "203.0.113.7", Authorization="Bearer é")


@pytest.mark.parametrize(
    ("name", "value"),
    [("metrics_from", "10.0.0.7/24"), ("metrics_token", "short"), ("proxies", "-1")],
)
def test_a_setting_of_who_may_see_is_checked(name, value):
    with pytest.raises(settings.SettingsError, match=name.upper()):
        settings.load(None, **{name: value})


# ------------------------------------------------------------------ what every request meets

EVERYWHERE = (
    "/healthz",
    "/readyz",
    "/metrics",
    "/a/K7Q2ABCD34",
    "/static/link/link.css",
    "/nowhere",
    "/webhooks/twilio/reply",
    "/console/",
    "/console/inloggen",
    "/console/nergens",
)
NAMES = {*front.HEADERS, "Strict-Transport-Security"}


@pytest.mark.parametrize("path", EVERYWHERE)
def test_every_answer_carries_the_headers_that_keep_a_browser_safe(make_app, path):
    """Also one that says no: an error page can be framed and sniffed like any other."""
    answer = make_app(**REAL).test_client().get(path, base_url="https://stap.example")

    assert set() == NAMES - set(answer.headers.keys())
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "DENY" == answer.headers["X-Frame-Options"]
    assert "max-age=31536000" == answer.headers["Strict-Transport-Security"]


def test_a_browser_is_bound_to_https_only_where_there_is_https(make_app):
    """Whoever practises on this machine could not reach it any more."""
    answer = make_app(environment="practice").test_client().get("/a/K7Q2ABCD34")

    assert "Strict-Transport-Security" not in answer.headers


@pytest.mark.parametrize("path", ["/a/K7Q2ABCD34", "/nowhere", "/console/inloggen"])
@pytest.mark.parametrize(
    ("host", "trusted"),
    [
        ("stap.example", True),
        ("stap.example:8443", True),
        ("balie.example", True),
        ("127.0.0.1:8000", True),
        ("localhost", True),
        ("[::1]:8000", True),
        ("evil.example", False),
        ("stap.example.evil.example", False),
        ("evil-stap.example", False),
        ("x:99999", False),
        ("stap.example/x", False),
        ("[::1", False),
        ("", False),
    ],
)
def test_pages_are_shown_under_our_own_names_alone(make_app, path, host, trusted):
    """A page under another name is how a link in a cache or a mail leads elsewhere."""
    app = make_app(**REAL, trusted_hosts="balie.example")
    answer = app.test_client().get(path, headers={"Host": host})

    assert trusted == (answer.status_code != 400)


@pytest.mark.parametrize("host", ["10.0.0.5:8000", "x:99999", "web-7.internal"])
def test_machines_may_call_a_machine_by_any_name(make_app, host):
    """A load balancer knows addresses; a provider signs what we configured, not what it calls."""
    client = make_app(**REAL).test_client()

    assert 200 == client.get("/healthz", headers={"Host": host}).status_code
    assert 403 == client.post("/webhooks/telegram", headers={"Host": host}).status_code


def test_who_is_not_logged_in_brings_little(make_app):
    """Also at the page where one logs in, which reads a form of whoever asks."""
    client = make_app(**REAL).test_client()
    too_much = b"x=" + b"y" * 65_536
    form = "application/x-www-form-urlencoded"

    for path in ("/console/inloggen", "/a/K7Q2ABCD34/sms", "/webhooks/twilio/reply"):
        answer = client.post(path, data=too_much, content_type=form)
        assert 200 != answer.status_code
    assert 413 == client.post("/console/inloggen", data=too_much, content_type=form).status_code


def test_cookies_are_for_https_and_for_us_alone(make_app):
    app = make_app(**REAL)
    behind: console.Behind = app.wsgi_app
    for each in (app, behind.console):
        assert each.config["SESSION_COOKIE_SECURE"]
        assert each.config["SESSION_COOKIE_HTTPONLY"]
        assert "Lax" == each.config["SESSION_COOKIE_SAMESITE"]
    given = app.test_client().get("/console/inloggen", base_url="https://stap.example")
    cookies = given.headers.getlist("Set-Cookie")
    assert cookies
    for cookie in cookies:
        assert cookie.startswith("__Host-")
        assert all(flag in cookie for flag in ("Secure", "HttpOnly", "Path=/", "SameSite="))
        assert "Domain" not in cookie


@pytest.mark.parametrize(
    ("remote", "forwarded", "proxies", "client"),
    [
        ("203.0.113.9", "", 1, "203.0.113.9"),
        ("8.8.8.8", "10.0.0.1", 1, "8.8.8.8"),
        ("127.0.0.1", "1.1.1.1, 9.9.9.9", 1, "9.9.9.9"),
        ("127.0.0.1", "6.6.6.6, 1.1.1.1, 10.0.0.2", 2, "1.1.1.1"),
        ("127.0.0.1", "1.1.1.1", 2, "1.1.1.1"),
        ("127.0.0.1", "1.1.1.1", 0, "127.0.0.1"),
        ("127.0.0.1", "nonsense", 1, "127.0.0.1"),
        ("2a02:a440::1", "", 1, "2a02:a440::/64"),
        ("2a02:a440::ffff:1", "", 1, "2a02:a440::/64"),
        (None, "", 1, ""),
    ],
)
def test_a_client_is_who_our_own_proxy_says_it_is(remote, forwarded, proxies, client):
    """Anybody can write a header; only the proxy beside us is believed, and only its own entry."""
    assert client == client_of(remote, forwarded, proxies)
