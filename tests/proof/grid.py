"""Every race there is between one worker and the world, in small: where it stands still, what
happens meanwhile, whether it goes on, for each kind of message, channel and answer.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from proof.play import Broken, Play
from proof.provider import CLASSES, Mode

LEASE = 31
"""Seconds; a little longer than the lease of the shipped code."""

HOUR = 3600

KINDS = ("reminder", "invitation", "broadcast", "answer")
PAUSES = (1, 2, 3)
"""After the claim, after the gates, after the call: before each of the next steps."""

FAULTS = (
    # What happens behind the back of a worker that stands still. Numbers are seconds that pass.
    "stop",
    "stop 2",
    "2",
    f"{LEASE}",
    f"{LEASE} reap",
    "rival",
    f"{LEASE} reap rival",
    f"{LEASE} reap 180 look 960 look rival",
    "night",
    f"{27 * HOUR}",
    "lost",
    "heal",
    "ahead",
    "back",
)
UNSEEN = frozenset({"night", "lost", "heal", "ahead", "back", "lagging"})
"""What by itself changes nothing in the tables."""

OF_KIND = {
    "reminder": ("move", "move 2", "gone 2"),
    "invitation": ("no", "no 2"),
    "broadcast": ("halt 2", "edit 2"),
    "answer": ("start", "gone 2"),
}
OF_TWILIO = (
    "told sent",
    "told delivered told sent",
    "told undelivered",
    "told sent foreign delivered",
    f"{LEASE} reap told delivered",
    "lagging",
)


@dataclass(frozen=True, slots=True)
class Case:
    """One race."""

    kind: str
    channel: str
    mode: Mode
    pause: int
    faults: str
    goes_on: bool

    def __str__(self) -> str:
        """Say it so that it can be played again."""
        end = "goes on" if self.goes_on else "dies"
        return (
            f"{self.kind} by {self.channel}, provider {self.mode.name}, stands still after step "
            f"{self.pause}: {self.faults}; worker {end}"
        )


def cases(
    kinds: Iterable[str] = KINDS,
    channels: Iterable[str] = ("sms", "telegram"),
    *,
    pairs: bool = True,
) -> Iterator[Case]:
    """Give every race; with *pairs*, two things happen one after the other as well."""
    turn = 0
    for kind, channel in product(kinds, channels):
        single = faults_of(kind, channel)
        every = [*single, *(f"{a} {b}" for a in single for b in single if pairs and fit(a, b))]
        for modes, pause, faults, goes_on in product(
            CLASSES.values(), PAUSES, every, (True, False)
        ):
            turn += 1
            yield Case(kind, channel, modes[turn % len(modes)], pause, faults, goes_on)


def fit(one: str, other: str) -> bool:
    """Say whether these two may follow each other; a clock is not set wrong twice."""
    return one != other or one not in ("ahead", "back")


def shuffled(channels: Iterable[str] = ("sms", "telegram")) -> list[Case]:
    """Return every race, in an order that is the same each time and meets a mistake sooner."""
    every = list(cases(channels=channels))
    random.Random(7).shuffle(every)
    return every


def faults_of(kind: str, channel: str) -> Sequence[str]:
    """Return what may happen to a message of *kind* on *channel*; Telegram reports nothing."""
    return (*FAULTS, *OF_KIND[kind], *(OF_TWILIO if channel != "telegram" else ()))


def play(case: Case, play: Play) -> None:
    """Play one race to its end. Raises Broken."""
    try:
        message = play.desk.first(case.kind, case.channel)
        play.mode = case.mode
        race(play, message, case.pause, case.faults, goes_on=case.goes_on)
        play.rest()
    except Broken as broken:
        broken.add_note(str(case))
        raise


def race(play: Play, message: int, pause: int, faults: str, *, goes_on: bool) -> None:
    """Stop a worker at a step, let things happen behind its back; then it goes on, or is dead."""
    channel = play.desk.sent(message).channel
    # A batch is taken in one go: it stands still after its gates for the first time.
    worker = play.worker(channel) if pause == 1 else play.batch(channel)
    for _ in range(pause if pause == 1 else pause - 1):
        if next(worker, None) is None:
            break
    words = iter(faults.split())
    for word in words:
        happen(play, message, word, words)
        if word not in UNSEEN and not word.isdigit():
            play.check()
    if goes_on:
        for _ in worker:
            pass
    worker.close()
    play.check()


def happen(play: Play, message: int, word: str, words: Iterator[str]) -> None:
    """Let one thing happen."""
    clocks, channel = play.clocks, play.desk.sent(message).channel
    if word.isdigit():
        clocks.advance(int(word))
    elif word == "night":
        wall = clocks.wall
        clocks.advance((wall.replace(hour=20, minute=0) - wall).seconds)
    elif word == "ahead":
        clocks.jump(HOUR)
    elif word == "back" and not clocks.is_behind:
        # A second time it would be two days wrong, of which nothing is promised.
        clocks.jump(-24 * HOUR)
    elif word == "rival":
        for _ in play.batch(channel, "b"):
            pass
    elif word == "reap":
        play.reap()
    elif word == "look":
        play.look()
    elif word == "lost":
        play.mode = CLASSES["answer lost"][0]
    elif word == "heal":
        play.mode = CLASSES["ok"][0]
    elif word == "lagging":
        play.lagging = True
    elif word in ("told", "foreign"):
        play.report(message, next(words), foreign=word == "foreign")
    elif word == "no":
        play.say(message, yes=False)
    elif word != "back":
        getattr(play, word)(message)
