"""Harm to who sends: killed, stopped, cheated with the time, and several at once."""

from __future__ import annotations

import os
import signal
import time
from datetime import timedelta
from typing import Any

from bot import moments
from bot.engine.clock import Clock
from bot.engine.embedded import Engine
from proof.campaign import jobs, points
from proof.campaign.ground import Stuck, until
from proof.campaign.turn import Turn
from proof.play import Broken

TIMES = 2
"""How often each point has its turn before all is healed."""

STANDS_STILL = 600.0
"""Seconds, longer than every lease and patience there is."""

RESUMED = 60.0
"""Seconds after a death within which the next message must go."""


def kills(turn: Turn) -> None:
    """kill -9 at every point between claim and record."""
    order = [*points.POINTS] * TIMES
    turn.chance.shuffle(order)
    for point in order:
        turn.plan(turn.chance.choice((1, 2, 3)))
        turn.kill(point)
        turn.done[f"kill: {point}"] += 1
        if turn.chance.random() < 0.3:
            turn.tables.leases_run_out()  # the next one finds what this one left
    turn.heal()


def stops(turn: Turn) -> None:
    """SIGSTOP at a point, ten minutes in which others do its work, SIGCONT."""
    frozen: list[int] = []
    for point in points.STOPPABLE:
        turn.plan(1)
        frozen.append(turn.freeze(point, STANDS_STILL))
        turn.tables.leases_run_out(of_messages=False)
        turn.done[f"SIGSTOP: {point}"] += 1
    turn.later(seconds=STANDS_STILL)
    turn.recover()
    turn.thaw(frozen)
    turn.check()


def stands(turn: Turn) -> None:
    """The same with ten minutes of the wall's clock: every lease runs out by itself."""
    frozen: list[int] = []
    for point in points.STOPPABLE:
        turn.plan(1)
        frozen.append(turn.freeze(point, 0.0))
        turn.done[f"SIGSTOP for ten real minutes: {point}"] += 1
    engine, clock = Engine(turn.house), Clock(turn.house)
    engine.start()
    clock.start()
    time.sleep(STANDS_STILL)
    clock.stop()
    engine.stop()
    if held := {n: s for n, s in turn.restless().items() if s in ("claimed", "sending")}:
        raise Broken("I19", f"after ten minutes a stopped process still has {held}")
    turn.thaw(frozen)
    turn.heal()


def jumps(turn: Turn) -> None:
    """The clock of one machine is set an hour or a day wrong, in the middle of the work."""
    wrong = {"an hour ahead": 1, "an hour behind": -1, "a day behind": -24}
    for name, hours in wrong.items():
        point = turn.chance.choice(points.STOPPABLE)
        turn.plan(2)
        pid = turn.fork(jobs.send_with_wrong_clock, point, hours)
        turn.wait(pid, f"the clock jumped at {point}")
        turn.tables.leases_run_out(of_messages=False)
        turn.done[f"clock: {name}"] += 1
    turn.heal()


def rivals(turn: Turn) -> None:
    """Two or eight workers with one database; now and then one of them is killed."""
    [name] = turn.least(("workers: two", "workers: eight"))
    turn.plan(24)
    pids = [turn.fork(jobs.send_all) for _ in range(2 if name == "workers: two" else 8)]
    victim = turn.chance.choice([None, *pids])
    if victim is not None:
        last = turn.chance.randint(1, 20)

        def kill(_taken: Any) -> None:
            if len(turn.standin.taken) == last:
                os.kill(victim, signal.SIGKILL)
                turn.tables.leases_run_out(of_messages=False)

        turn.standin.on_taken = kill
    ended = {pid: turn.ground.zygote.wait(pid) for pid in pids}
    killed = victim is not None and ended.pop(victim) == -signal.SIGKILL
    turn.must_have_ended(ended.values(), {0}, name)
    turn.heal()
    turn.done[name] += 1
    turn.done["kill: one of several workers"] += killed


def resumes(turn: Turn) -> None:
    """The one that sends is killed; another, or one begun anew, goes on when its leases run out."""
    name = turn.chance.choice(("another goes on", "it is begun anew"))
    turn.plan(300)
    pids = [turn.fork(jobs.send_on)]
    until(lambda: len(turn.standin.taken) >= 20, "nobody sends")
    if name == "another goes on":
        pids.append(turn.fork(jobs.send_on))
        time.sleep(1.0)
    died = time.monotonic()
    os.kill(pids[0], signal.SIGKILL)
    turn.was_killed(pids.pop(0), name)
    time.sleep(0.1)  # what it had written may still be on its way to be taken
    before = len(turn.standin.taken)
    if not pids:
        pids.append(turn.fork(jobs.send_on))
    until(lambda: len(turn.standin.taken) > before, "nobody goes on")
    took = turn.standin.taken[before].at - died
    os.kill(pids[0], signal.SIGKILL)
    turn.was_killed(pids[0], name)
    if took > RESUMED:
        raise Stuck(f"{name} after {took:.1f} s")
    turn.heal()
    turn.done[f"kill: {name}"] += 1
    turn.worst[f"from a kill until {name}"] = took


def schedulers(turn: Turn) -> None:
    """Two schedulers tick at the same time: everybody is reminded once."""
    begins = moments.now() + timedelta(days=6)
    for number, channel in turn.somebody(12).items():
        jobs.remember(turn.house, number, channel, begins)
        turn.planned += 1
    turn.later(days=3, minutes=turn.chance.randint(0, 300))
    pids = [turn.fork(jobs.tick) for _ in range(2)]
    for pid in pids:
        turn.wait(pid, "a scheduler")
    turn.heal()
    turn.done["two schedulers"] += 1
