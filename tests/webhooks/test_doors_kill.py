"""kill -9 at the worst moment: what was answered 2xx is there, and is acted on once."""

from __future__ import annotations

import http.client
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from urllib.parse import urlencode

import pytest
from knocking import REPLY, SETTINGS, Doors, form, sid, signed
from sqlalchemy import select

from bot.models.messages import Message, Reply

ROOT = Path(__file__).parents[2]
KILLS = 10
PATIENCE = 60


class House:
    """`stap run` as a process of its own."""

    def __init__(self, database_url: str, directory: Path) -> None:
        environment = {
            **{name.upper(): str(value) for name, value in SETTINGS.items()},
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "DATABASE_URL": database_url,
            "ALLOWED_RECIPIENTS": "",
            "TELEGRAM_BOT_TOKEN": "",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bot", "run", "--port", "0"],
            cwd=directory,
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.port = self._port()
        self.reader = threading.Thread(target=self.process.stderr.read, daemon=True)
        self.reader.start()

    def _port(self) -> int:
        said = []
        for line in self.process.stderr:
            said.append(line)
            if found := re.search(r"http://127\.0\.0\.1:(\d+)", line):
                return int(found[1])
        raise AssertionError(f"it did not start: {said}")

    def end(self, how: signal.Signals) -> None:
        self.process.send_signal(how)
        self.process.wait(timeout=PATIENCE)
        self.reader.join()
        self.process.stderr.close()


def stranger(number: int) -> str:
    """Nobody's number, each of another thousand: of one range only so many are answered a day."""
    return f"+3169{number:05d}00"


def knock_on(port: int, numbers: list[int], taken: list[int]) -> None:
    """Post one message after the other until nobody answers; note which were taken."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        while True:
            number = numbers.pop()
            pairs = form(Body="help", MessageSid=sid(number), From=stranger(number))
            connection.request(
                "POST",
                REPLY,
                urlencode(pairs),
                {
                    "Content-Type": "application/x-www-form-urlencoded",
                    "X-Twilio-Signature": signed(pairs),
                },
            )
            response = connection.getresponse()
            response.read()
            if response.status == 204:
                taken.append(number)
    except (OSError, http.client.HTTPException):
        return
    finally:
        connection.close()


@pytest.mark.timeout(300)
def test_what_was_answered_2xx_outlives_any_number_of_kills(database_url, tmp_path):
    """Before the insert, before the commit, before the answer, in the middle of the work."""
    numbers = list(range(1, 20_000))
    taken: list[int] = []
    chance = random.Random(20)
    for _ in range(KILLS):
        house = House(database_url, tmp_path)
        knocking = [
            threading.Thread(target=knock_on, args=(house.port, numbers, taken)) for _ in range(4)
        ]
        for thread in knocking:
            thread.start()
        time.sleep(chance.uniform(0.05, 0.5))
        house.end(signal.SIGKILL)
        for thread in knocking:
            thread.join()

    doors = Doors(database_url)
    try:
        stored = {event.key for event in doors.events}
        assert set() == {f"twilio:{sid(number)}" for number in taken} - stored
        assert len(taken) > KILLS, "they were killed at work, not before it"

        house = House(database_url, tmp_path)
        until = time.monotonic() + PATIENCE
        while "new" in doors.states and time.monotonic() < until:
            time.sleep(0.2)
        house.end(signal.SIGTERM)

        assert {"done": len(stored)} == dict(Counter(doors.states))
        once = {event.id: 1 for event in doors.events}
        assert once == Counter(doors.read(select(Reply.event_id)))
        assert once == Counter(doors.read(select(Message.in_reply_to)))
    finally:
        doors.close()
