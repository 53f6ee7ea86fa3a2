"""The campaign: `make campaign MINUTES=60`.

Round after round of harm to real processes on both databases, until the time is over. What was
counted is added to docs/campaign.json, and the table in docs/reliability.md is written anew from
it. Ends with 1 if a law was broken; the seed of a round plays its chances again, but no machine
interleaves two processes twice in the same way.
"""

from __future__ import annotations

import argparse
import logging
import os
import random
import secrets
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import structlog

from proof.campaign import book
from proof.campaign.book import Book
from proof.campaign.ground import Ground, Stuck
from proof.campaign.houses import DATABASES, Place
from proof.campaign.rounds import ROUNDS
from proof.campaign.turn import Turn

SERVER = os.environ.get("TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/postgres")


def main() -> int:
    """Play rounds until the time is over; return 1 if a law was broken or a round got stuck."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--once", action="store_true", help="one round of each, and no more")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    parser.add_argument("--rounds", default=",".join(n for n, kind in ROUNDS.items() if kind.share))
    parser.add_argument("--databases", default=",".join(DATABASES))
    parser.add_argument("--keep-no-book", action="store_true", help="leave the files as they are")
    given = parser.parse_args()
    run = Run(given.rounds.split(","), tuple(given.databases.split(",")), given.seed)
    # What those say that are harmed stands in a file of theirs.
    logging.disable(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        run.play(given.minutes * 60, once=given.once)
    except KeyboardInterrupt:
        print("Ended by hand; what was counted so far counts.")
    finally:
        run.close()
        if not given.keep_no_book:
            book.add(run.found, run.seconds / 60, given.seed, commit())
    print(book.table(run.found if given.keep_no_book else book.read()))
    for each in run.found.broken:
        print(f"BROKEN: {each}")
    return 1 if run.found.broken else 0


class Run:
    """One campaign: which rounds are played, and what they counted."""

    def __init__(self, names: list[str], databases: tuple[str, ...], seed: int) -> None:
        self.names, self.databases = names, databases
        self.chance = random.Random(seed)
        memory = Path("/dev/shm")
        self.folder = Path(tempfile.mkdtemp("", "campaign-", memory if memory.is_dir() else None))
        name = f"stap_campaign_{secrets.token_hex(4)}"
        self.place = Place(self.folder, SERVER, name, databases)
        self.found, self.before = Book(), book.read()
        self._took: Counter[str] = Counter()
        self._began = time.monotonic()
        self.ground = Ground(self.place)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    def play(self, seconds: float, *, once: bool) -> None:
        """Play rounds for *seconds*: always the one that had least of its part of the time."""
        turns = [(name, database) for name in self.names for database in self.databases]
        while turns if once else self.seconds < seconds:
            name, database = turns.pop(0) if once else self._next()
            began, seed = time.monotonic(), self.chance.randrange(1_000_000)
            try:
                self._round(name, database, seed)
            except Exception as error:  # the campaign's own faults must be told as well
                said = f"{name} on {database}, seed {seed}: {type(error).__name__} {error}"
                self.found.broken.append(said)
                print(said, flush=True)
                traceback.print_exc(limit=-3)
                if isinstance(error, Stuck):
                    print(self._last_words(), flush=True)
            self._took[f"{name} {database}"] += time.monotonic() - began  # type: ignore[assignment]

    def _next(self) -> tuple[str, str]:
        return min(
            ((name, database) for name in self.names for database in self.databases),
            key=lambda each: self._took[f"{each[0]} {each[1]}"] / (ROUNDS[each[0]].share or 1.0),
        )

    def _round(self, name: str, database: str, seed: int) -> None:
        before = self.before.of(database) + self.found.of(database)
        turn = Turn(self.ground, database, seed, before)
        ROUNDS[name].play(turn)
        self.found.take(database, turn.done, turn.worst)

    def _last_words(self) -> str:
        log = self.folder / "victims.log"
        return log.read_text(errors="replace")[-2000:] if log.exists() else ""

    def close(self) -> None:
        """Clear everything away."""
        self.ground.close()


def commit() -> str:
    """Return the commit that was played, marked if the files were not those of it."""
    told = subprocess.run(
        ["git", "log", "-1", "--format=%h", "--abbrev=9"],
        capture_output=True,
        text=True,
        check=False,
    )
    changed = subprocess.run(["git", "diff", "--quiet", "HEAD", "--", ":!docs"], check=False)
    return told.stdout.strip() + "+" * changed.returncode


if __name__ == "__main__":
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC", flush=True)
    sys.exit(main())
