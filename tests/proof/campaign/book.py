"""What all campaigns counted together: kept in docs/campaign.json, told in docs/reliability.md."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[3] / "docs"
FILE, PAGE = DOCS / "campaign.json", DOCS / "reliability.md"

BEGIN, END = "<!-- campaign -->\n", "<!-- end of campaign -->\n"

NO_HARM = ("webhooks answered 2xx", "bad requests", "Twilio: nobody knew")
"""How that begins which is counted by the thousand, and is no harm to a process."""

KILLS = ("kill: ", "webhook: ")

CANNOT_BE = {
    # Why a row has no figure, where that is not for want of time.
    ("database: connections cut", "sqlite"): "¹",
    ("bad requests", "postgres"): "²",
}

NOTES = """\
¹ SQLite has no connections that another could cut. ² Bad requests are sent to a house on SQLite:
they are turned away before any database. A full disk under PostgreSQL is what its client sees of
one: the server's own error for every write.
"""


@dataclass
class Book:
    """All runs together."""

    counts: dict[str, Counter[str]] = field(default_factory=dict)
    worst: dict[str, dict[str, float]] = field(default_factory=dict)
    """Most seconds that something took, by database."""
    runs: list[dict[str, Any]] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def of(self, database: str) -> Counter[str]:
        """Return what was counted on *database*."""
        return self.counts.setdefault(database, Counter())

    def take(self, database: str, counts: Counter[str], worst: Mapping[str, float]) -> None:
        """Add what was counted, and what took longer than anything before."""
        self.of(database).update(counts)
        known = self.worst.setdefault(database, {})
        for name, seconds in worst.items():
            known[name] = round(max(seconds, known.get(name, 0.0)), 1)


def read() -> Book:
    """Return what is in the file; nothing if there is none."""
    if not FILE.exists():
        return Book()
    kept = json.loads(FILE.read_text(encoding="utf-8"))
    kept["counts"] = {name: Counter(each) for name, each in kept["counts"].items()}
    return Book(**kept)


def add(found: Book, minutes: float, seed: int, commit: str) -> None:
    """Add one run to the file, and write the page anew."""
    book = read()
    for database, counts in found.counts.items():
        book.take(database, counts, found.worst.get(database, {}))
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    harms = {name: harm_of(each) for name, each in found.counts.items()}
    book.runs.append(
        {"day": day, "commit": commit, "minutes": round(minutes), "seed": seed, "harms": harms}
    )
    book.broken += [f"{day}, {commit}: {each}" for each in found.broken]
    kept = {
        "counts": {name: dict(sorted(each.items())) for name, each in sorted(book.counts.items())},
        "worst": {name: dict(sorted(each.items())) for name, each in sorted(book.worst.items())},
        "runs": book.runs,
        "broken": book.broken,
    }
    FILE.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(told_in(page, book), encoding="utf-8")


def told_in(page: str, book: Book) -> str:
    """Return *page* with what is in *book* where it is told."""
    head, _, rest = page.partition(BEGIN)
    return f"{head}{BEGIN}\n{table(book)}\n{END}{rest.partition(END)[2]}"


def harm_of(counts: Counter[str]) -> int:
    """Return how many times a process was harmed."""
    return sum(count for name, count in counts.items() if not name.startswith(NO_HARM))


def most(harms: int, broken: int) -> float:
    """Return below what the rate of failures is, with 95 % confidence: 3/n if there was none."""
    return min(1.0, (3 + broken + 2 * math.sqrt(broken)) / harms) if harms else 1.0


def table(book: Book) -> str:
    """Return all that was counted, by fault and database, and what that shows."""
    if not book.counts:
        return "It was not run yet.\n"
    databases = sorted(book.counts, reverse=True)
    told = {name: _together(book.of(name)) for name in databases}
    lines = [f"| what was done | {' | '.join(databases)} |", f"|---|{'--:|' * len(databases)}"]
    for row in sorted({row for each in told.values() for row in each}):
        cells = [CANNOT_BE.get((row, name)) or f"{told[name][row]:,}" for name in databases]
        lines.append(f"| {row} | {' | '.join(cells)} |")
    for row in sorted({row for each in book.worst.values() for row in each}):
        seconds = [str(book.worst.get(name, {}).get(row, "–")) for name in databases]
        lines.append(f"| {row}: seconds, at most | {' | '.join(seconds)} |")
    harms = {name: harm_of(book.of(name)) for name in databases}
    kills = {
        name: sum(n for what, n in book.of(name).items() if what.startswith(KILLS))
        for name in databases
    }
    broken = {d: sum(f" on {d}, seed" in each for each in book.broken) for d in databases}
    bounds = " | ".join(f"{most(harms[name], broken[name]):.2%}" for name in databases)
    lines += [
        f"| **kill -9, all together** | {_cells(kills, databases)} |",
        f"| **harms, all together** | {_cells(harms, databases)} |",
        f"| **rounds that broke a law or got stuck** | {_cells(broken, databases)} |",
        f"| **fails less often than (95 %)** | {bounds} |",
        "",
        NOTES,
    ]
    if book.runs:
        minutes, last = sum(run["minutes"] for run in book.runs), book.runs[-1]
        lines.append(
            f"{len(book.runs)} runs, {minutes} minutes; the last on {last['day']} of commit"
            f" `{last['commit']}`.",
        )
    return "\n".join(lines) + "\n"


def _together(counts: Counter[str]) -> Counter[str]:
    """Tell of the cells of providers only those of one answer, together."""
    told: Counter[str] = Counter()
    for name, count in counts.items():
        told[name.rpartition(", ")[0] if name.startswith("provider: ") else name] += count
    return told


def _cells(counts: dict[str, int], databases: list[str]) -> str:
    return " | ".join(f"**{counts[database]:,}**" for database in databases)
