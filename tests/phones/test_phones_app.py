"""The server as a whole: control routes, the clock it shares with the house, the command line."""

import ast
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

import phones
from phones.app import serve
from phones.state import Accounts, Ground

ROOT = Path(phones.__file__).parent
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def test_the_practice_ground_imports_nothing_of_the_house():
    """It is a stand-in for the outside world, and the outside world has no such import."""
    house = {"bot", "webhooks", "console", "content", "app", "migrations"}
    climbs = [
        (path.name, name)
        for path in ROOT.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
        if name.split(".")[0] in house
    ]

    assert [] == climbs


def test_phones_are_added_shown_and_taken_away(practice):
    people = [
        {"name": "Selam", "language": "ti", "channel": "whatsapp", "address": "+31697000001"},
        {"name": "Rania", "language": "ar", "channel": "telegram", "address": "1006"},
    ]
    answer = requests.post(f"{practice.url}/phones", json=people, timeout=10)
    assert (201, ["selam", "rania"]) == (answer.status_code, answer.json())

    assert 204 == requests.delete(f"{practice.url}/phones/selam", timeout=10).status_code
    assert 404 == requests.delete(f"{practice.url}/phones/selam", timeout=10).status_code
    state = requests.get(f"{practice.url}/state.json", timeout=10).json()
    assert ["rania"] == [phone["id"] for phone in state["phones"]]


def test_a_phone_that_lacks_something_is_refused(practice):
    answer = practice.post("/phones", name="Selam", channel="sms")

    assert 409 == answer.status_code
    assert "address" in answer.json()["error"]


def test_everything_can_be_read_as_json(practice, mehmet, house):
    practice.do("/faults", kind="late", phone="mehmet")
    practice.do("/phones/mehmet/say", text="evet")
    state = requests.get(f"{practice.url}/state.json", timeout=10).json()
    log = requests.get(f"{practice.url}/log.json", timeout=10).json()

    assert ("evet", True) == (
        state["phones"][0]["bubbles"][0]["text"],
        state["phones"][0]["bubbles"][0]["mine"],
    )
    assert None is state["fault"]
    assert datetime.fromisoformat(state["now"]).tzinfo is not None
    assert [] == log


def test_a_browser_without_script_goes_back_to_where_it_was(practice, mehmet):
    answer = requests.post(
        f"{practice.url}/phones/mehmet/say",
        data={"text": "evet"},
        headers=BROWSER | {"Referer": f"{practice.url}/?from=24"},
        allow_redirects=False,
        timeout=10,
    )

    assert (303, "/?from=24#mehmet") == (answer.status_code, answer.headers["Location"])
    assert ["evet"] == [bubble.text for bubble in mehmet.bubbles]


@pytest.mark.parametrize(
    ("why", "back", "status", "path", "fields"),
    [
        ("Het bericht is leeg.", "/#mehmet", 409, "/phones/mehmet/say", {"text": ""}),
        ("is er niet meer", "/#niemand", 404, "/phones/niemand/say", {"text": "evet"}),
        ("niet goed ingevuld", "/", 409, "/clock", {"minutes": "morgen"}),
    ],
)
def test_a_browser_without_script_reads_why_not_and_finds_the_way_back(
    practice, mehmet, why, back, status, path, fields
):
    answer = requests.post(f"{practice.url}{path}", data=fields, headers=BROWSER, timeout=10)

    assert status == answer.status_code
    assert "text/html; charset=utf-8" == answer.headers["Content-Type"]
    assert why in answer.text
    assert f'<a href="{back}">Terug' in answer.text


@pytest.mark.parametrize(
    ("path", "fields", "status"),
    [
        ("/phones/niemand/say", {"text": "x"}, 404),
        ("/phones/mehmet/say", {"text": ""}, 409),
        ("/phones/mehmet/say", {"text": "x", "quoted": "b0"}, 404),
        ("/phones/mehmet/tap", {"bubble": "b0", "button": "x"}, 404),
        ("/phones/mehmet/edit", {"bubble": "b0", "text": "x"}, 404),
        ("/phones/mehmet/contact", {}, 409),
        ("/phones/mehmet/group", {"text": "x"}, 409),
        ("/faults", {"kind": "regen"}, 409),
        ("/clock", {"minutes": "morgen"}, 409),
    ],
)
def test_what_cannot_be_done_is_answered_plainly(practice, mehmet, path, fields, status):
    answer = practice.post(path, **fields)

    assert status == answer.status_code
    assert answer.json()["error"]


@pytest.mark.parametrize(
    ("phone", "kind"), [("mehmet", "63016"), ("rania", "63016"), ("rania", "21610")]
)
def test_a_fault_that_a_channel_does_not_have_is_not_armed_for_its_phone(
    practice, mehmet, rania, phone, kind
):
    """It would stay armed for ever."""
    answer = practice.post("/faults", kind=kind, phone=phone)

    assert 409 == answer.status_code
    assert "bestaat niet bij" in answer.json()["error"]
    assert None is practice.ground.fault


def test_an_edit_on_sms_is_told_to_nobody(practice, mehmet):
    practice.do("/phones/mehmet/say", text="evet")

    answer = practice.post("/phones/mehmet/edit", bubble=mehmet.bubbles[0].id, text="x")

    assert 409 == answer.status_code


def test_the_page_stands_at_the_root(practice, mehmet):
    answer = requests.get(practice.url, timeout=10)

    assert 200 == answer.status_code
    assert "Mehmet" in answer.text


def test_the_voice_note_of_a_bubble_can_be_played(practice, selam):
    practice.do("/phones/selam/voice")
    got = requests.get(selam.bubbles[0].media_url, timeout=10)

    assert b"OggS" == got.content[:4]


# -- the clock -----------------------------------------------------------------------------


def clock_of(house, now, planned=None):
    told = {"now": now.isoformat(), "next": planned and planned.isoformat()}
    house.files["/practice/clock"] = ("application/json", json.dumps(told).encode())
    house.answer = house.files["/practice/clock"]


def test_the_house_owns_the_time(practice, house):
    """The phones ask; what they cannot hear they keep."""
    later = practice.ground.now() + timedelta(days=3)
    clock_of(house, later, later + timedelta(hours=2))
    assert practice.server.providers.clock.read()
    assert abs(practice.ground.now() - later) < timedelta(seconds=2)
    assert later + timedelta(hours=2) == practice.ground.next_moment

    house.files.clear()
    assert not practice.server.providers.clock.read()
    assert abs(practice.ground.now() - later) < timedelta(seconds=5)


@pytest.mark.parametrize(
    ("asked", "form"),
    [({"minutes": 60}, {"minutes": "60.0"}), ({"to": "next"}, {"to": "next"})],
)
def test_the_house_is_asked_to_move_the_clock(practice, house, asked, form):
    later = practice.ground.now() + timedelta(hours=1)
    clock_of(house, later)
    answer = practice.do("/clock", **asked)

    assert ("/practice/clock", form) == (house.heard[0].path, house.heard[0].form)
    assert abs(datetime.fromisoformat(answer["now"]) - later) < timedelta(seconds=2)


def test_moving_the_clock_lets_late_messages_go(practice, mehmet, house):
    practice.do("/faults", kind="late")
    practice.do("/phones/mehmet/say", text="evet")
    clock_of(house, practice.ground.now() + timedelta(hours=1))
    practice.do("/clock", minutes=60)
    practice.settle()

    assert ["/practice/clock", "/webhooks/twilio/reply"] == [r.path for r in house.heard]


def test_a_house_that_is_away_leaves_the_clock_alone(practice, house):
    house.statuses = [503]

    assert 409 == practice.post("/clock", minutes=60).status_code
    assert abs(practice.ground.now() - datetime.now(UTC)) < timedelta(seconds=5)


def test_without_a_house_the_ground_moves_its_own_clock():
    ground = Ground(Accounts(delay=0.0))
    server = serve(ground)
    try:
        before = ground.now()
        requests.post(f"{server.url}/clock", json={"minutes": 60}, timeout=10)
        assert ground.now() - before >= timedelta(hours=1)
        assert (
            409 == requests.post(f"{server.url}/clock", json={"to": "next"}, timeout=10).status_code
        )
    finally:
        server.close()


def test_a_house_that_hangs_does_not_keep_the_ground_open():
    """Whoever stops the practice ground waits a few seconds for it, no more."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        ground = Ground(Accounts(house=f"http://127.0.0.1:{silent.getsockname()[1]}", delay=0.0))
        ground.add("Mehmet", "tr", "sms", "+31697000008")
        server = serve(ground)
        requests.post(f"{server.url}/phones/mehmet/say", json={"text": "evet"}, timeout=10)
        closer = threading.Thread(target=server.close)
        closer.start()
        closer.join(10)

    assert not closer.is_alive()


def test_an_open_page_does_not_keep_the_ground_open():
    """A browser listens for news all the time."""
    ground = Ground(Accounts(delay=0.0))
    server = serve(ground)
    with requests.get(f"{server.url}/events", params={"seen": 0}, stream=True, timeout=10) as news:
        next(news.iter_lines())
        closer = threading.Thread(target=server.close)
        closer.start()
        closer.join(5)

        assert not closer.is_alive()
        assert b"" == b"".join(line for line in news.iter_lines() if line.startswith(b"data"))


# -- the command line ----------------------------------------------------------------------


def test_it_starts_with_people_and_stops_when_told(tmp_path):
    people = tmp_path / "people.json"
    people.write_text(
        json.dumps(
            [{"name": "Selam", "language": "ti", "channel": "whatsapp", "address": "+31697000001"}]
        ),
        encoding="utf-8",
    )
    with subprocess.Popen(
        [sys.executable, "-m", "phones", "--port", "0", "--people", str(people)],
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT.parent,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    ) as process:
        url = process.stderr.readline().split()[-1]
        state = requests.get(f"{url}/state.json", timeout=10).json()
        process.send_signal(signal.SIGTERM)
        code = process.wait(10)

    assert ["selam"] == [phone["id"] for phone in state["phones"]]
    assert 0 == code


def test_a_people_file_that_is_not_there_is_named(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "phones", "--port", "0", "--people", str(tmp_path / "weg.json")],
        capture_output=True,
        text=True,
        cwd=ROOT.parent,
        check=False,
    )

    assert 1 == done.returncode
    assert "weg.json" in done.stderr
