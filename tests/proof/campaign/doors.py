"""Harm to who listens: killed between a webhook and its answer, flooded, and told nonsense."""

from __future__ import annotations

import hashlib
import http.client
import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Collection
from pathlib import Path
from urllib.parse import urlencode

from app import create_app
from bot.engine import work
from bot.messaging.spool import ARRIVAL, Spool
from proof.campaign import jobs, points
from proof.campaign.ground import until
from proof.campaign.turn import Turn
from proof.play import Broken

TIMES = 4
"""How often each point has its turn before all is heard."""

KNOCKING = 8
"""Connections that write at once."""

BAD = 10_000
"""Bad requests at a time."""


def doors(turn: Turn) -> None:
    """kill -9 between a webhook's arrival and its answer, and during the work on it."""
    turn.begin("twilio")
    said: dict[str, str] = {}
    thanked: set[str] = set()
    order = [*points.DOORS] * TIMES
    turn.chance.shuffle(order)
    for point in order:
        sid = f"SM{len(said):032x}"
        said[sid] = jobs.address(len(said), "sms")
        pid = turn.fork(jobs.listen, point)
        with _Twilio(_port_of(turn, pid)) as twilio:
            if twilio.tells(sid, said[sid]):
                thanked.add(sid)
        turn.was_killed(pid, point)
        turn.done[f"webhook: {point}"] += 1
    _must_be_kept(turn, thanked)
    _hear(turn, said, thanked)


def flood(turn: Turn) -> None:
    """Many write at once, and the process is killed in the middle of it."""
    turn.begin("twilio")
    pid = turn.fork(jobs.listen, "")
    port = _port_of(turn, pid)
    thanked: list[str] = []
    end = time.monotonic() + turn.chance.uniform(5.0, 30.0)

    def write(first: int) -> None:
        with _Twilio(port) as twilio:
            for number in itertools.count(first, KNOCKING):
                sid = f"SM{number:032x}"
                if not twilio.tells(sid, jobs.address(number, "sms")):
                    return
                thanked.append(sid)

    writing = [threading.Thread(target=write, args=(number,)) for number in range(KNOCKING)]
    for thread in writing:
        thread.start()
    time.sleep(max(0.0, end - time.monotonic()))
    os.kill(pid, signal.SIGKILL)
    for thread in writing:
        thread.join()
    turn.was_killed(pid, "a flood")
    _must_be_kept(turn, thanked)
    turn.done["webhooks answered 2xx"] += len(thanked)
    turn.done["kill: under a flood of webhooks"] += 1


def fuzz(turn: Turn) -> None:
    """Webhooks as bad as can be, to a house of its own on SQLite: see scripts/fuzz_doors.py."""
    if turn.database != "sqlite":
        return
    script = Path(__file__).parents[3] / "scripts" / "fuzz_doors.py"
    seed = turn.chance.randrange(1_000_000)
    given = ["--count", str(BAD), "--seed", str(seed), "--threads", "2"]
    told = subprocess.run(
        [sys.executable, str(script), *given],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(script.parents[1])},
    )
    if told.returncode:
        raise Broken("I13", f"seed {seed}: {told.stdout[-2000:]}{told.stderr[-2000:]}")
    turn.done["bad requests"] += BAD


class _Twilio:
    """One connection to the doors, kept for as long as it lasts."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def __enter__(self) -> _Twilio:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def tells(self, sid: str, sender: str) -> bool:
        """Tell that *sender* wrote "help"; return whether that was thanked for."""
        form = jobs.webhook(sid, sender)
        try:
            self._connection.request(
                "POST",
                jobs.REPLY,
                urlencode(form),
                {"Content-Type": jobs.FORM, "X-Twilio-Signature": jobs.signed(form)},
            )
            answer = self._connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            return False
        return answer.status == 204


def _port_of(turn: Turn, pid: int) -> int:
    """Return where process *pid* serves the doors."""
    told = turn.ground.file(f"port-{pid}")
    until(told.exists, "it does not listen")
    port = int(told.read_text())
    told.unlink()
    return port


def _must_be_kept(turn: Turn, sids: Collection[str]) -> None:
    """Raise Broken if one of *sids* is neither in the database nor on the disk."""
    found = {key for (key,) in turn.tables.rows("SELECT key FROM inbox_event")}
    spool = turn.ground.place.spool(turn.database)
    missing = [
        sid
        for sid in sids
        if f"twilio:{sid}" not in found
        and not (spool / (hashlib.sha256(f"twilio:{sid}".encode()).hexdigest() + ARRIVAL)).exists()
    ]
    if missing:
        raise Broken("I13", f"of {len(sids)} answered 2xx were lost: {missing}")


def _hear(turn: Turn, said: dict[str, str], thanked: set[str]) -> None:
    """Let Twilio come back with what it was not thanked for, and act on all of it.

    Raises Broken unless everything *said* has exactly one effect.
    """
    app = create_app(turn.house)
    for sid, sender in said.items():
        if sid not in thanked:
            told = jobs.knock(app, sid, sender)
            if told != 204:
                raise Broken("I13", f"the second time it was answered {told}")
    spool = Spool(turn.house.settings.spool)
    until(lambda: not spool.waits(ARRIVAL), "what was on the disk stays there")
    app.extensions["keeper"].close()
    while work.handle_inbox(turn.house, 100):
        pass
    turn.recover()
    events = dict(turn.tables.rows("SELECT id, state FROM inbox_event"))
    if len(events) != len(said) or set(events.values()) != {"done"}:
        raise Broken("I13", f"{len(said)} were told of, and there are {events}")
    for table, column in (("reply", "event_id"), ("message", "in_reply_to")):
        found = [row[0] for row in turn.tables.rows(f"SELECT {column} FROM {table}")]
        if sorted(found) != sorted(events):
            raise Broken("I13", f"of {sorted(events)} came {table} {sorted(found)}")
    answered = sorted(taken.to for taken in turn.standin.taken)
    if answered != sorted(said.values()):
        raise Broken("I13", f"{sorted(said.values())} wrote, and {answered} got an answer")
