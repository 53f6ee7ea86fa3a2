"""Who may open what: every page of the console, for every role and for nobody."""

from __future__ import annotations

from typing import Any

import pytest
from desks import Desk
from flask import Flask

from bot.models.staff import ROLES
from console.guard import RULES

MATRIX = {
    # Written by hand, so that a rule that was loosened by accident is seen: endpoint -> who.
    "console.today": "klantmanager frontlijn coordinator communicatie goedkeurder beheerder",
    "console.inbox": "klantmanager coordinator",
    "console.conversation": "klantmanager coordinator",
    "console.take": "klantmanager coordinator",
    "console.write": "klantmanager coordinator",
    "console.give_back": "klantmanager coordinator",
    "console.close": "klantmanager coordinator",
    "console.say": "klantmanager coordinator",
    "console.withdraw": "klantmanager coordinator",
    "console.snooze": "klantmanager coordinator",
    "console.people": "klantmanager frontlijn coordinator",
    "console.person": "klantmanager frontlijn coordinator",
    "console.show_number": "klantmanager frontlijn coordinator",
    "console.voice_note": "klantmanager frontlijn coordinator",
    "console.voortrajecten": "klantmanager coordinator",
    "console.one_voortraject": "klantmanager coordinator",
    "console.answer_for": "coordinator",
    "console.intake": "frontlijn coordinator beheerder",
    "console.check_intake": "frontlijn coordinator beheerder",
    "console.store_intake": "frontlijn coordinator beheerder",
    "console.refused_intake": "frontlijn coordinator beheerder",
    "console.intake_template": "frontlijn coordinator beheerder",
    "console.ask_rights": "klantmanager coordinator",
    "console.show_rights": "klantmanager coordinator",
    "console.ask_erase": "klantmanager coordinator",
    "console.erase": "coordinator",
    "console.erasures": "coordinator beheerder",
    "console.erased": "coordinator beheerder",
    "console.search_erased": "coordinator",
    "console.ask_merge": "coordinator",
    "console.merge": "coordinator",
    "console.unmerge": "coordinator",
    "console.new_person": "klantmanager frontlijn coordinator",
    "console.add_person": "klantmanager frontlijn coordinator",
    "console.edit_person": "klantmanager frontlijn coordinator",
    "console.change_person": "klantmanager frontlijn coordinator",
    "console.say_consent": "klantmanager coordinator",
    "console.pause_person": "klantmanager coordinator",
    "console.drop_note": "klantmanager coordinator",
    "console.write_note": "klantmanager coordinator",
    "console.invite_again": "klantmanager coordinator",
    "console.edit_afspraak": "klantmanager coordinator",
    "console.change_afspraak": "klantmanager coordinator",
    "console.broadcasts": "communicatie goedkeurder coordinator",
    "console.new_broadcast": "communicatie coordinator",
    "console.write_broadcast": "communicatie coordinator",
    "console.edit_broadcast": "communicatie coordinator",
    "console.change_broadcast": "communicatie coordinator",
    "console.preview_broadcast": "communicatie goedkeurder coordinator",
    "console.agree_broadcast": "communicatie goedkeurder coordinator",
    "console.test_broadcast": "communicatie goedkeurder coordinator",
    "console.tie_phone": "communicatie goedkeurder coordinator",
    "console.untie_phone": "communicatie goedkeurder coordinator",
    "console.approve_broadcast": "goedkeurder",
    "console.broadcast": "communicatie goedkeurder coordinator",
    "console.start_broadcast": "communicatie goedkeurder coordinator",
    "console.stop_broadcast": "communicatie goedkeurder coordinator",
    "console.resume_broadcast": "communicatie goedkeurder coordinator",
    "console.correct_broadcast": "communicatie coordinator",
    "console.ambassadeurs": "coordinator",
    "console.one_ambassadeur": "coordinator",
    "console.show_ambassadeur_number": "coordinator",
    "console.ambassadeur_state": "coordinator",
    "console.change_ambassadeur": "coordinator",
    "console.make_link": "coordinator",
    "console.end_link": "coordinator",
    "console.decide": "coordinator",
    "console.premies": "coordinator goedkeurder",
    "console.premie_file": "coordinator goedkeurder",
    "console.draw_up": "coordinator",
    "console.approve_premie": "coordinator goedkeurder",
    "console.calendar": "klantmanager coordinator",
    "console.presence": "klantmanager coordinator",
    "console.reports": "klantmanager coordinator communicatie goedkeurder beheerder",
    "console.remake_report": "klantmanager coordinator communicatie goedkeurder beheerder",
    "console.report_file": "klantmanager coordinator communicatie goedkeurder beheerder",
}

VALUES: dict[str, Any] = {
    "kenmerk": "P-1",
    "address_id": 1,
    "task_id": 1,
    "name": "css/base.css",
    "deelname_id": 1,
    "number": 1,
    "link_id": 1,
    "aanmelding_id": 1,
    "premie_id": 1,
    "afspraak_id": 1,
    "note_id": 1,
    "kind": "csv",
    "what": "people",
}


def pages(app: Flask) -> list[tuple[str, str, str]]:
    """Return (endpoint, method, path) of every page, with values filled in."""
    with app.test_request_context():
        adapter = app.url_map.bind("localhost")
        return [
            (rule.endpoint, method, adapter.build(rule.endpoint, VALUES, method=method))
            for rule in app.url_map.iter_rules()
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
            if rule.endpoint.startswith("console.") and rule.arguments <= set(VALUES)
        ]


def test_every_page_stands_in_the_table_and_the_table_names_no_other(desk):
    endpoints = {rule.endpoint for rule in desk.app.url_map.iter_rules()}

    assert endpoints == set(RULES)
    everybodys = {"console.static", "console.language_of_console"}
    assert {e for e in endpoints if e.startswith("console.")} - everybodys == set(MATRIX)


def test_every_page_is_open_to_exactly_the_roles_of_the_matrix(desk: Desk):
    tried = wrong = 0
    for role in ROLES:
        browser = desk.as_(role)
        for endpoint, method, path in pages(desk.app):
            if endpoint not in MATRIX:
                continue
            there = path.removeprefix("/console")
            answer = browser.get(there) if method == "GET" else browser.post(there)
            tried += 1
            wrong += (answer.status_code == 403) == (role in MATRIX[endpoint].split())

    assert 0 == wrong
    assert tried == len(ROLES) * sum(e in MATRIX for e, _, _ in pages(desk.app))


def test_who_is_not_logged_in_ends_at_the_one_form(desk: Desk):
    for endpoint, method, path in pages(desk.app):
        if endpoint not in MATRIX:
            continue
        browser = desk.browser()
        there = path.removeprefix("/console")
        answer = browser.get(there) if method == "GET" else browser.post(there)

        assert (endpoint, 302) == (endpoint, answer.status_code)
        assert answer.location.startswith("/console/inloggen")


def test_a_form_without_our_token_changes_nothing(desk: Desk):
    """Somebody else's page may send a form; it cannot know the token."""
    browser = desk.as_("klantmanager")
    for endpoint, method, path in pages(desk.app):
        if method == "POST" and endpoint in MATRIX:
            bare = browser.client.post(path)
            wrong = browser.client.post(path, data={"csrf_token": "guess"})
            assert (400, 400) == (bare.status_code, wrong.status_code), endpoint


@pytest.mark.parametrize(
    "sent_by", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}]
)
def test_a_form_from_another_site_is_refused_even_with_the_token(desk: Desk, sent_by):
    browser = desk.as_("klantmanager")

    assert 403 == browser.post("/taal-van-de-pagina", headers=sent_by).status_code


def test_a_page_without_a_row_is_refused_to_everybody(desk: Desk, monkeypatch):
    """A new page that nobody thought about is closed, not open."""
    monkeypatch.delitem(RULES, "console.people")
    browser = desk.as_("klantmanager")

    assert 403 == browser.get("/mensen").status_code


def test_every_page_says_what_a_browser_may_load(desk: Desk):
    answer = desk.as_("klantmanager").get("/")

    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "no-store" == answer.headers["Cache-Control"]
