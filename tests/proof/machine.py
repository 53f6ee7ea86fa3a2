"""Runs at random: few messages and few people, so that steps run into each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from proof.grid import HOUR, KINDS, LEASE, faults_of, race
from proof.play import Play
from proof.provider import CLASSES, Mode

MODES = [mode for modes in CLASSES.values() for mode in modes]
REPORTS = ["queued", "sent", "delivered", "read", "undelivered", "failed"]


def machine(new: Callable[[], Play]) -> type[RuleBasedStateMachine]:
    """Return a machine that plays runs which *new* begins."""

    class Sending(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.play = new()
            self.workers: list[Any] = []

        def messages(self, *states: str) -> list[int]:
            found = self.play.desk.states().items()
            return [message for message, state in found if not states or state.state in states]

        @precondition(lambda self: len(self.messages("planned", "unknown")) < 4)
        @rule(
            kind=st.sampled_from(KINDS),
            number=st.integers(0, 2),
            channel=st.sampled_from(["sms", "sms", "telegram"]),
            wait=st.sampled_from([0, 0, 0, 1800]),
            lead=st.sampled_from([60, 480, 1800, 5 * HOUR, 26 * HOUR]),
            yes=st.sampled_from([None, True, True, False]),
        )
        def create(self, kind, number, channel, wait, lead, yes):  # type: ignore[no-untyped-def]
            # A phone is on one channel: what is said there first arrives there first.
            number = 2 * number + (channel == "telegram")
            message = self.play.desk.create(kind, number, channel, wait, lead)
            if yes is not None:
                self.play.say(message, yes=yes)

        @precondition(lambda self: self.messages("planned", "unknown"))
        @rule(
            data=st.data(),
            pause=st.integers(1, 3),
            count=st.integers(1, 3),
            goes_on=st.booleans(),
        )
        def race(self, data, pause, count, goes_on):  # type: ignore[no-untyped-def]
            message = data.draw(st.sampled_from(self.messages("planned", "unknown")))
            sent = self.play.desk.sent(message)
            faults = st.sampled_from(faults_of(sent.kind, sent.channel))
            words = " ".join(data.draw(faults) for _ in range(count))
            race(self.play, message, pause, words, goes_on=goes_on)

        @rule(
            channel=st.sampled_from(["sms", "telegram"]),
            owner=st.sampled_from("ab"),
            steps=st.integers(1, 4),
            alone=st.booleans(),
        )
        def work(self, channel, owner, steps, alone):  # type: ignore[no-untyped-def]
            how = self.play.worker if alone else self.play.batch
            worker = how(channel, owner)
            if [step for _, step in zip(range(steps), worker, strict=False)]:
                self.workers.append(worker)

        @precondition(lambda self: self.workers)
        @rule(data=st.data(), steps=st.integers(1, 3))
        def go_on(self, data, steps):  # type: ignore[no-untyped-def]
            worker = data.draw(st.sampled_from(self.workers))
            for _ in range(steps):
                next(worker, None)

        @precondition(lambda self: self.workers)
        @rule(data=st.data())
        def die(self, data):  # type: ignore[no-untyped-def]
            self.workers.remove(data.draw(st.sampled_from(self.workers)))

        @rule(seconds=st.sampled_from([1, 2, 6, LEASE, 600, HOUR, 12 * HOUR]))
        def advance(self, seconds):  # type: ignore[no-untyped-def]
            self.play.clocks.advance(seconds)

        @rule(mode=st.sampled_from(MODES))
        def provider(self, mode: Mode) -> None:
            self.play.mode = mode

        @rule(listing=st.booleans(), lagging=st.booleans())
        def provider_list(self, listing, lagging):  # type: ignore[no-untyped-def]
            self.play.listing, self.play.lagging = listing, lagging

        @precondition(lambda self: self.messages())
        @rule(
            data=st.data(),
            what=st.sampled_from(["stop", "start", "move", "halt", "edit"]),
        )
        def people_and_staff(self, data, what):  # type: ignore[no-untyped-def]
            getattr(self.play, what)(data.draw(st.sampled_from(self.messages())))

        @rule()
        def reap(self) -> None:
            self.play.reap()

        @rule()
        def look(self) -> None:
            self.play.look()

        @precondition(lambda self: self.play.calls)
        @rule(data=st.data(), status=st.sampled_from(REPORTS), ours=st.booleans())
        def report(self, data, status, ours):  # type: ignore[no-untyped-def]
            """Late, twice and out of order by construction; at times of another's message."""
            message = data.draw(st.sampled_from(self.play.calls)).message
            known = self.play.desk.states()[message].ref is not None
            if self.play.desk.sent(message).channel != "telegram" and (ours or known):
                self.play.report(message, status, foreign=not ours)

        @invariant()
        def holds(self) -> None:
            self.play.check()

        def teardown(self) -> None:
            self.play.rest()

    return Sending


def run(new: Callable[[], Play], runs: int, steps: int, *, seed: int | None = None) -> None:
    """Play *runs* runs of up to *steps* steps; the same each time unless there is a *seed*."""
    made = machine(new)
    if seed is not None:
        made._hypothesis_internal_use_seed = seed  # type: ignore[attr-defined]
    run_state_machine_as_test(
        made,
        settings=settings(
            max_examples=runs,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            derandomize=seed is None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate] if seed is None else [Phase.generate, Phase.shrink],
        ),
    )
