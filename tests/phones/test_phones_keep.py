"""What a restart leaves of the practice ground: all that a provider would still know."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

import phones
from phones.app import serve
from phones.keep import EVERY
from phones.state import Accounts, Ground

ROOT = Path(phones.__file__).parent.parent


@pytest.fixture
def kept(tmp_path) -> Path:
    return tmp_path / "var" / "phones.json"


@pytest.fixture
def opened(kept, house):
    """Opens practice grounds that keep the same file, each after the one before is closed."""
    servers = []

    def open_next(**accounts):
        if servers:
            servers.pop().close()
        servers.append(serve(Ground(Accounts(house=house.url, delay=0.0, **accounts)), keep=kept))
        return servers[-1]

    yield open_next
    for server in servers:
        server.close()


def post(server, path, **fields):
    answer = requests.post(server.url + path, json=fields, timeout=10)
    assert answer.ok, answer.text
    return answer.json()


def seen(server) -> dict:
    """What a person and a provider can see, without what runs on by itself."""
    state = requests.get(f"{server.url}/state.json", timeout=10).json()
    return {key: state[key] for key in ("phones", "fault")}


def template(server) -> str:
    """Make a template that Meta approves; return its SID."""
    accounts = server.ground.accounts
    auth = (accounts.twilio_sid, accounts.twilio_token)
    made = requests.post(
        f"{server.url}/v1/Content",
        json={
            "friendly_name": "afspraak",
            "language": "nl",
            "variables": {"1": "Selam"},
            "types": {
                "twilio/quick-reply": {
                    "body": "Dag {{1}}, kom je?",
                    "actions": [{"title": "Ja", "id": "confirm"}],
                }
            },
        },
        auth=auth,
        timeout=10,
    ).json()["sid"]
    requests.post(
        f"{server.url}/v1/Content/{made}/ApprovalRequests/whatsapp",
        json={"name": "afspraak", "category": "UTILITY"},
        auth=auth,
        timeout=10,
    )
    return made


def send(server, to: str, **fields: str) -> requests.Response:
    accounts = server.ground.accounts
    return requests.post(
        f"{server.url}/2010-04-01/Accounts/{accounts.twilio_sid}/Messages.json",
        data={"To": to, "From": "whatsapp:" + accounts.whatsapp_from, **fields},
        auth=(accounts.twilio_sid, accounts.twilio_token),
        timeout=10,
    )


def test_a_restart_leaves_everything_as_it_was(opened):
    """Conversations, windows, who blocked and who said STOP, and the fault that is armed."""
    first = opened()
    selam = first.ground.add("Selam", "ti", "whatsapp", "+31697000001")
    first.ground.add("Mehmet", "tr", "sms", "+31697000008")
    first.ground.add("Rania", "ar", "telegram", "1006", started=False)
    sid = template(first)
    send(first, "whatsapp:+31697000001", ContentSid=sid, ContentVariables='{"1": "Selam"}')
    post(first, "/phones/selam/tap", bubble=selam.bubbles[0].id, button="confirm")
    post(first, "/phones/selam/voice")
    post(first, "/phones/rania/say", text="/start")
    post(first, "/phones/rania/voice")
    post(first, "/phones/rania/block")
    post(first, "/phones/mehmet/say", text="STOP")
    post(first, "/faults", kind="late", phone="selam")
    assert first.settle()
    before = seen(first)

    again = opened()

    assert before == seen(again)
    assert again.ground.remembers
    assert len(again.ground.log_as_json())
    post(again, "/faults", kind="none")
    variables = '{"1": "Selam"}'
    told = send(again, "whatsapp:+31697000001", ContentSid=sid, ContentVariables=variables)
    assert 201 == told.status_code
    assert "Dag Selam, kom je?" == again.ground.phone("selam").bubbles[-1].text


def test_what_a_bot_uploaded_can_still_be_fetched(opened, house):
    """The house fetches a voice message later than it hears of it."""
    first = opened(telegram_secret="s3cret")
    first.ground.add("Rania", "ar", "telegram", "1006")
    post(first, "/phones/rania/voice")
    assert first.settle()
    file_id = house.heard[-1].json["message"]["voice"]["file_id"]

    again = opened(telegram_secret="s3cret")

    bot = f"bot{again.ground.accounts.telegram_token}"
    path = post(again, f"/{bot}/getFile", file_id=file_id)["result"]["file_path"]
    assert b"OggS" == requests.get(f"{again.url}/file/{bot}/{path}", timeout=10).content[:4]


def test_an_update_that_nobody_took_is_offered_again(opened, house):
    """Telegram keeps what it could not deliver for a day."""
    house.refuses = lambda heard: True
    first = opened(telegram_secret="s3cret")
    first.ground.add("Rania", "ar", "telegram", "1006")
    post(first, "/phones/rania/say", text="نعم")
    update = house.wait(1)[0].json

    house.refuses = None
    told = len(house.heard)
    again = opened(telegram_secret="s3cret")
    assert again.settle()

    assert update in [heard.json for heard in house.heard[told:]]
    assert {} == again.providers.telegram.pending


def test_a_message_on_its_way_still_arrives(opened, house):
    """The provider took it; that we closed in between is not the sender's concern."""
    first = opened()
    first.ground.add("Mehmet", "tr", "sms", "+31697000008")
    post(first, "/faults", kind="late")
    accounts = first.ground.accounts
    callback = f"{house.url}/webhooks/twilio/status"
    send(
        first,
        "+31697000008",
        From=accounts.sms_from,
        Body="Kom je?",
        StatusCallback=callback,
    )

    again = opened()
    assert again.settle()

    assert "delivered" == again.ground.phone("mehmet").bubbles[-1].state
    statuses = [heard.form["MessageStatus"] for heard in house.heard if heard.form]
    assert ["sent", "delivered"] == statuses


def test_no_number_is_given_twice(opened):
    """An update or message number that comes back would be taken for a repetition."""
    first = opened()
    for _ in range(50):
        last = first.ground.number()
    first.ground.add("Mehmet", "tr", "sms", "+31697000008")

    assert opened().ground.number() > last


def test_who_was_taken_away_stays_away_and_who_is_new_comes(kept):
    first = serve(Ground(Accounts(delay=0.0)), keep=kept)
    first.ground.add("Selam", "ti", "whatsapp", "+31697000001")
    first.ground.add("Mehmet", "tr", "sms", "+31697000008")
    first.ground.remove("selam")
    first.close()
    ground = Ground(Accounts(delay=0.0))
    for name, number in (("Selam", "1"), ("Mehmet", "8"), ("Priya", "4")):
        channel = "whatsapp" if name == "Selam" else "sms"
        ground.add(name, "nl", channel, f"+3169700000{number}")

    server = serve(ground, keep=kept)
    server.close()

    assert ["mehmet", "priya"] == [phone.id for phone in ground.phones]


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"version": 2}', '{"version": 1, "ground": {}}']
)
def test_a_file_that_cannot_be_read_is_set_aside(kept, opened, caplog, content):
    """Whoever starts to practise can practise; what was there is not thrown away."""
    kept.parent.mkdir()
    kept.write_text(content, encoding="utf-8")

    server = opened()

    aside = kept.with_name("phones.json.unreadable")
    assert content == aside.read_text(encoding="utf-8")
    assert str(aside) in caplog.text
    assert not server.ground.remembers


def test_a_port_that_is_taken_leaves_the_file_alone(opened, kept):
    """A second start by mistake must not write over what the first one keeps."""
    first = opened()
    first.ground.add("Mehmet", "tr", "sms", "+31697000008")
    port = int(first.url.rsplit(":", 1)[1])
    ground = Ground(Accounts(delay=0.0))

    with pytest.raises(OSError, match=r".+"):
        serve(ground, port, kept)

    assert not ground.remembers
    assert [] == ground.phones


def test_a_folder_that_cannot_be_written_stops_nobody(tmp_path, caplog):
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    server = serve(Ground(Accounts(delay=0.0)), keep=tmp_path / "file" / "phones.json")
    server.ground.add("Mehmet", "tr", "sms", "+31697000008")
    server.close()

    assert "could not be kept" in caplog.text


# -- the process ---------------------------------------------------------------------------


def start(*options: str, **rest) -> tuple[subprocess.Popen[str], str]:
    """Start ``python -m phones`` on a free port; return it with its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "phones", "--port", "0", "--delay", "0", *options],
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        **rest,
    )
    return process, process.stderr.readline().split()[-1]


def test_a_crash_loses_at_most_a_second(kept):
    """kill -9 asks nobody; what was said a second before is there."""
    people = kept.parent.with_name("people.json")
    mehmet = {"name": "Mehmet", "language": "tr", "channel": "sms", "address": "+31697000008"}
    people.write_text(json.dumps([mehmet]), encoding="utf-8")
    process, url = start("--people", str(people), "--keep", str(kept))
    with process:
        requests.post(f"{url}/phones/mehmet/say", json={"text": "evet"}, timeout=10)
        time.sleep(2 * EVERY)
        process.kill()
    process, url = start("--keep", str(kept))
    with process:
        told = requests.get(f"{url}/state.json", timeout=10).json()["phones"]
        process.send_signal(signal.SIGINT)

    assert 0 == process.returncode
    assert ["evet"] == [bubble["text"] for phone in told for bubble in phone["bubbles"]]


def test_it_ends_with_whoever_started_it():
    """A house that is killed says goodbye to nobody, and its port must come free."""
    process, _ = start("--until-eof", stdin=subprocess.PIPE)
    with process:
        process.stdin.close()
        code = process.wait(10)

    assert 0 == code


def test_who_started_it_and_tells_it_to_end_sees_no_fault():
    """Ctrl-C at `make run` is how everybody's first hour ends."""
    process, _ = start("--until-eof", stdin=subprocess.PIPE)
    with process:
        process.terminate()
        said = process.stderr.read()

    assert (0, "") == (process.returncode, said)
