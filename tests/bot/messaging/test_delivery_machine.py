"""Random and exhaustive runs of the send protocol on the real code, and mistakes they must catch.

`MACHINE=nightly` in the environment plays much longer.
"""

from __future__ import annotations

import inspect
import os
import random
import sys
from datetime import timedelta
from itertools import product
from types import ModuleType

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from post_office import Office
from send_protocol import MODES, REPORTS, Broken, Play
from sqlalchemy import event

from bot import migrate
from bot.messaging import delivery as real
from bot.messaging import steps
from bot.models.messages import ForbiddenStep

NIGHTLY = os.environ.get("MACHINE") == "nightly"
RUNS, STEPS = (5000, 50) if NIGHTLY else (12, 20)

LEASE, HOUR = 31, 3600
"""Seconds; a little longer than the lease of the real code."""


@pytest.fixture(scope="module")
def office():
    """In memory: nothing here is about the disk, and runs are many."""
    office = Office("sqlite:///:memory:")
    event.listen(
        office.database.engine,
        "connect",
        lambda connection, _record: connection.execute("PRAGMA synchronous=OFF"),
    )
    migrate.upgrade(office.database)
    yield office
    office.close()


# ------------------------------------------------------------------ one race


FAULTS = [
    # What happens behind the back of a worker that stands still. The number is in seconds.
    "stop",
    "stop 2",
    "no",
    "no 2",
    "move",
    "move 2",
    "2",
    f"{LEASE}",
    f"{LEASE} reap",
    f"{LEASE} reap rival",
    "rival",
    "night",
    f"{25 * HOUR}",
    "report sent",
    "report delivered report sent",
    "report undelivered",
    f"{LEASE} reap report delivered",
    "report sent foreign delivered",
]


def race(play: Play, message: int, before: int, faults: str, *, goes_on: bool) -> None:
    """Stop a worker at a step, let things happen behind its back; then it goes on, or is dead."""
    row = play.row(message)
    worker = play.worker(row.channel or "sms")
    for _ in range(before):
        if next(worker, None) is None:
            break
    words = iter(faults.split())
    for word in words:
        if word.isdigit():
            play.advance(int(word))
        elif word == "stop":
            play.stop(row.address_id or 0)
        elif word == "no":
            play.allow(play.kinds[message][1], given=False)
        elif word == "move":
            play.move(message)
        elif word == "reap":
            play.reap()
        elif word == "rival":
            list(play.worker(row.channel or "sms", "b"))
        elif word == "night":
            play.advance((play.now.replace(hour=22) - play.now).seconds)
        elif word in ("report", "foreign"):
            status = next(words)
            for call in [c for c in play.taken if c.message == message]:
                play.report(call, status, None if word == "report" else "SM-of-somebody-else")
        play.check()
    if goes_on:
        list(worker)
    worker.close()
    play.check()


def all_races(office: Office, delivery: ModuleType, monkeypatch) -> None:
    """Play every race there is: kind, channel and provider, step, faults, going on or dying."""
    faults = FAULTS + [f"{a} {b}" for a in FAULTS for b in FAULTS if NIGHTLY]
    some = [
        ("reminder", "sms", "ok"),
        ("reminder", "sms", "answer lost"),
        ("invitation", "telegram", "429"),
    ]
    every = product(("reminder", "invitation"), ("sms", "telegram"), MODES)
    races = list(product(every if NIGHTLY else some, (1, 2, 3), faults, (True, False)))
    random.Random(7).shuffle(races)  # the same each time, and a mistake is met sooner
    for (kind, channel, mode), before, what, goes_on in races:
        if ("report" in what or "foreign" in what) and (channel == "telegram" or before < 3):
            continue  # Telegram reports nothing, and nothing is reported before the call
        play = Play(office, delivery, monkeypatch)
        try:
            play.allow(play.person(5, channel))
            message = play.create(kind, 5, channel, lead=25 * 60)
            play.mode = mode
            race(play, message, before, what, goes_on=goes_on)
            play.rest()
        except Broken as broken:
            end = "goes on" if goes_on else "dies"
            how = f"{mode}: {kind} by {channel}, after step {before}: {what}, worker {end}"
            raise Broken(f"{broken} <- {how}") from None


def test_no_race_between_one_worker_and_the_world_breaks_a_rule(office, monkeypatch):
    all_races(office, real, monkeypatch)


# ------------------------------------------------------------------ at random


def machine(office: Office, monkeypatch) -> type[RuleBasedStateMachine]:
    class Sending(RuleBasedStateMachine):
        """Few messages and few people: steps must run into each other."""

        def __init__(self) -> None:
            super().__init__()
            self.play = Play(office, real, monkeypatch)
            self.workers: list = []

        def open_messages(self) -> list[int]:
            return [m for m in self.play.kinds if self.play.row(m).state in ("planned", "unknown")]

        @precondition(lambda self: len(self.open_messages()) < 4)
        @rule(
            kind=st.sampled_from(["reminder", "reminder", "invitation"]),
            number=st.integers(0, 3),
            channel=st.sampled_from(["sms", "sms", "telegram"]),
            wait=st.sampled_from([0, 0, 0, 30]),
            lead=st.sampled_from([1, 8, 30, 300, 1500]),
            said=st.sampled_from([None, True, True, False]),
        )
        def create(self, kind, number, channel, wait, lead, said):
            if said is not None:
                self.play.allow(self.play.person(number, channel), given=said)
            self.play.create(kind, number, channel, wait=wait, lead=lead)

        @precondition(lambda self: self.open_messages())
        @rule(
            data=st.data(),
            before=st.integers(1, 3),
            faults=st.lists(st.sampled_from(FAULTS), min_size=1, max_size=3),
            goes_on=st.booleans(),
        )
        def race(self, data, before, faults, goes_on):
            message = data.draw(st.sampled_from(self.open_messages()))
            race(self.play, message, before, " ".join(faults), goes_on=goes_on)

        @rule(
            channel=st.sampled_from(["sms", "telegram"]),
            owner=st.sampled_from("ab"),
            steps=st.integers(1, 4),
        )
        def work(self, channel, owner, steps):
            worker = self.play.worker(channel, owner)
            if [step for _, step in zip(range(steps), worker, strict=False)]:
                self.workers.append(worker)

        @precondition(lambda self: self.workers)
        @rule(data=st.data(), steps=st.integers(1, 3))
        def go_on(self, data, steps):
            worker = data.draw(st.sampled_from(self.workers))
            for _ in range(steps):
                next(worker, None)

        @precondition(lambda self: self.workers)
        @rule(data=st.data())
        def die(self, data):
            self.workers.remove(data.draw(st.sampled_from(self.workers)))

        @rule(seconds=st.sampled_from([1, 2, 6, LEASE, 600, HOUR, 12 * HOUR]))
        def advance(self, seconds):
            self.play.advance(seconds)

        @rule(mode=st.sampled_from(sorted(MODES)))
        def provider(self, mode):
            self.play.mode = mode

        @precondition(lambda self: self.play.kinds)
        @rule(data=st.data(), again=st.booleans())
        def stop_or_start(self, data, again):
            message = data.draw(st.sampled_from(sorted(self.play.kinds)))
            address = self.play.row(message).address_id
            if address is not None:
                (self.play.start if again else self.play.stop)(address)

        @precondition(lambda self: self.play.kinds)
        @rule(data=st.data())
        def staff_move(self, data):
            self.play.move(data.draw(st.sampled_from(sorted(self.play.kinds))))

        @rule()
        def reap(self):
            self.play.reap()

        @precondition(lambda self: self.play.taken)
        @rule(
            data=st.data(), status=st.sampled_from([*REPORTS, "queued", "read"]), ours=st.booleans()
        )
        def report(self, data, status, ours):
            """Late, twice and out of order by construction; at times of another's message."""
            call = data.draw(st.sampled_from(self.play.taken))
            known = self.play.row(call.message).provider_ref is not None
            if self.play.row(call.message).channel == "sms" and (ours or known):
                self.play.report(call, status, None if ours else "SM-of-somebody-else")

        @invariant()
        def holds(self):
            self.play.check()

        def teardown(self):
            self.play.rest()

    return Sending


def test_no_run_of_the_protocol_breaks_a_rule(office, monkeypatch):
    run_state_machine_as_test(
        lambda: machine(office, monkeypatch)(),
        settings=settings(
            max_examples=RUNS,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            derandomize=not NIGHTLY,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, Phase.shrink] if NIGHTLY else [Phase.generate],
        ),
    )


# ------------------------------------------------------------------ seeded mistakes

MISTAKES = {
    # What somebody might write one day -> the line of ours, and theirs.
    "retries a lost answer": (
        "if outcome.certainty is Certainty.NOT_SENT:",
        "if outcome.certainty is not Certainty.REJECTED:",
    ),
    "takes over what was being sent": (
        'if message.state == "claimed":\n        message.become("planned", at)',
        'if message.state in ("claimed", "sending"):\n        message.state = "planned"',
    ),
    "calls however long ago it looked": (
        "return Pace.clock() - self.checked <= GAP.total_seconds()",
        "return True",
    ),
    "looks at no gate before the call": (
        "held = _gate(known, house, message, address)",
        "held = None",
    ),
    "forgets STOP": (
        "if address.stopped_at is not None and not _last_word(message):",
        "if False:",
    ),
    "forgets quiet hours": ("if known.opens is not None:", "if False:"),
    "lets a provider keep it into the night": (
        "        until = min(until, known.rest)\n",
        "        pass\n",
    ),
    "forgets that it expires": (
        "if known.now + LEAST_VALIDITY >= message.expires_at:",
        "if False:",
    ),
    "forgets consent": (
        "if person is None or not known.may_invite(person, address.channel):",
        "if False:",
    ),
    "forgets that the afspraak moved": (
        "if version != message.version:",
        "if version is None:",
    ),
    "does not fence a late record": (
        " and attempt.outcome in (None, Certainty.UNKNOWN.value)",
        "",
    ),
    "goes down with a late receipt": (
        "if state not in TRANSITIONS[message.state]:\n        return False\n"
        "    message.become(state, at)",
        "message.state = state",
    ),
    "records a refusal as not sent": (
        "attempt.outcome = outcome.certainty.value",
        'attempt.outcome = "not_sent"',
    ),
    "frees nothing that the dead left": (
        '.where(Message.state.in_(("claimed", "sending")), Message.lease_until < now)',
        '.where(Message.state == "sending", Message.lease_until < now)',
    ),
    "leaves a call for ever under way": (
        '.where(Message.state.in_(("claimed", "sending")), Message.lease_until < now)',
        '.where(Message.state == "claimed", Message.lease_until < now)',
    ),
    "records what the dead handed over as not sent": (
        'attempt.outcome, attempt.detail = "unknown", "lease expired"',
        'attempt.outcome, attempt.detail = "not_sent", "lease expired"',
    ),
    "takes anybody's report": (
        "if attempt.provider_ref not in (None, change.ref):",
        "if False:",
    ),
}


def with_mistake(name: str) -> ModuleType:
    """Return the code of delivery with one of MISTAKES in it."""
    ours, theirs = MISTAKES[name]
    found = 0
    wrong = {}
    for module in (steps, real):
        source = inspect.getsource(module)
        found += source.count(ours)
        wrong[module] = ModuleType(module.__name__)
        sys.modules[f"{module.__name__}_with_a_mistake"] = wrong[module]
        wrong[module].__dict__["__file__"] = module.__file__
        exec(compile(source.replace(ours, theirs), "<a mistake>", "exec"), wrong[module].__dict__)
    assert 1 == found, f"{name}: that line is written otherwise now"
    wrong[real].__dict__["steps"] = wrong[steps]
    return wrong[real]


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_caught(office, monkeypatch, name):
    """Rules that catch nothing prove nothing."""
    with pytest.raises((Broken, ForbiddenStep)):
        all_races(office, with_mistake(name), monkeypatch)


def test_a_status_of_the_provider_has_a_step_from_every_call_under_way(monkeypatch, office):
    """The one mistake of these that was really made: 'undelivered' before our own record."""
    less = dict(steps.TRANSITIONS)
    less["sending"] = less["sending"] - {"undelivered"}
    monkeypatch.setattr("bot.models.messages.TRANSITIONS", less)
    monkeypatch.setattr(steps, "TRANSITIONS", less)

    with pytest.raises(Broken, match="I19"):
        all_races(office, real, monkeypatch)


def test_these_leases_run_out():
    assert timedelta(seconds=LEASE) > real.LEASE
