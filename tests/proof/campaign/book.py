"""What all campaigns counted together: kept in docs/campaign.json, told in docs/reliability.md."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[3] / "docs"
FILE, PAGE = DOCS / "campaign.json", DOCS / "reliability.md"

BEGIN, END = "<!-- campaign -->\n", "<!-- end of campaign -->\n"

NO_HARM = frozenset({"webhooks answered 2xx", "bad requests"})
"""What is counted by the thousand, and is no harm to a process."""


@dataclass
class Book:
    """All runs together."""

    counts: dict[str, Counter[str]]
    runs: list[dict[str, Any]]
    broken: list[str]


def read() -> Book:
    """Return what is in the file; nothing if there is none."""
    if not FILE.exists():
        return Book({}, [], [])
    kept = json.loads(FILE.read_text(encoding="utf-8"))
    counts = {name: Counter(each) for name, each in kept["counts"].items()}
    return Book(counts, kept["runs"], kept["broken"])


def add(
    counted: dict[str, Counter[str]], broken: list[str], minutes: float, seed: int, commit: str
) -> None:
    """Add one run to the file, and write the page anew."""
    book = read()
    for database, each in counted.items():
        book.counts[database] = book.counts.get(database, Counter()) + each
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    harms = {name: harm_of(each) for name, each in counted.items()}
    book.runs.append(
        {"day": day, "commit": commit, "minutes": round(minutes), "seed": seed, "harms": harms}
    )
    book.broken += [f"{day}, {commit}: {each}" for each in broken]
    kept = {
        "counts": {name: dict(sorted(each.items())) for name, each in sorted(book.counts.items())},
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
    return sum(count for name, count in counts.items() if name not in NO_HARM)


def most(harms: int, broken: int) -> float:
    """Return below what the rate of failures is, with 95 % confidence: 3/n if there was none."""
    return min(1.0, (3 + broken + 2 * math.sqrt(broken)) / harms) if harms else 1.0


def table(book: Book) -> str:
    """Return all that was counted, by fault and database, and what that shows."""
    if not book.counts:
        return "It was not run yet.\n"
    databases = sorted(book.counts, reverse=True)
    names = sorted({name for each in book.counts.values() for name in each})
    grouped: dict[str, dict[str, Counter[str]]] = {}
    for name in names:
        # Of the cells of providers only those of one answer are told together.
        row = name.rpartition(", ")[0] if name.startswith("provider: ") else name
        for database in databases:
            grouped.setdefault(row, {d: Counter() for d in databases})[database][row] += (
                book.counts[database][name]
            )
    lines = [
        f"| what was done | {' | '.join(databases)} |",
        f"|---|{'--:|' * len(databases)}",
    ]
    for row, by in grouped.items():
        cells = " | ".join(f"{by[database][row]:,}" for database in databases)
        lines.append(f"| {row} | {cells} |")
    harms = {database: harm_of(book.counts[database]) for database in databases}
    kills = {
        d: sum(n for name, n in book.counts[d].items() if name.startswith(("kill: ", "webhook: ")))
        for d in databases
    }
    lines.append(f"| **kill -9, all together** | {_cells(kills, databases)} |")
    lines.append(f"| **harms, all together** | {_cells(harms, databases)} |")
    broken = {d: sum(f" on {d}, seed" in each for each in book.broken) for d in databases}
    lines.append(f"| **rounds that broke a law or got stuck** | {_cells(broken, databases)} |")
    bounds = " | ".join(f"{most(harms[d], broken[d]):.2%}" for d in databases)
    lines.append(f"| **fails less often than (95 %)** | {bounds} |")
    minutes = sum(run["minutes"] for run in book.runs)
    if book.runs:
        last = book.runs[-1]
        lines += [
            "",
            f"{len(book.runs)} runs, {minutes} minutes; the last on {last['day']} of commit"
            f" `{last['commit']}`.",
        ]
    return "\n".join(lines) + "\n"


def _cells(counts: dict[str, int], databases: list[str]) -> str:
    return " | ".join(f"**{counts[database]:,}**" for database in databases)
