"""Every text of the console that has to be said in English, found in the code itself.

``make locales`` brings locales/en/…/console.po up to these; nothing here runs with the console.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

from bot.channels.base import ADVICE
from bot.messaging.delivery import WHY_NOT
from bot.models import staff
from bot.outreach import audience, broadcasts, tasks
from bot.outreach import reports as figures
from bot.outreach.figures import DUTCH
from bot.outreach.intake import report
from console import (
    ambassadeurs,
    broadcast_form,
    guard,
    inbox,
    intake,
    login_words,
    merging,
    people,
    reports,
    voortrajecten,
    words,
)

ROOT = Path(__file__).parents[1]
ROOMS = (
    "console", "bot/channels", "bot/messaging", "bot/outreach", "bot/privacy", "bot/conversation",
)  # fmt: skip
"""Where Python says something to staff."""

KEYWORDS = {
    "_": None,
    "gettext": None,
    "tell": None,
    "Status": (1,),
    "Item": (3,),
    "wrong": (2,),
    "doubt": (2,),
    "Refused": None,
    "NotNow": None,
    "RuleError": None,
    "BadNumber": None,
    "Unreadable": None,
}
"""Calls whose text is to be said in English, and which argument it is, if not the first."""

HEADER = """\
# What staff read in the console, in English. The Dutch stands in the pages themselves.
msgid ""
msgstr ""
"Project-Id-Version: Stap Vooruit\\n"
"Language: en\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""


def texts() -> list[str]:
    """Return every text, in the order of the files it stands in; none twice."""
    return list(dict.fromkeys([*_written(), *_from_tables()]))


def refreshed(po_file: Path) -> bytes:
    """Return *po_file* with exactly the texts of now; a new one has no English yet."""
    before = english(po_file)
    catalog = Catalog()
    for text in texts():
        catalog.add(text, before.get(text, ""))
    written = BytesIO()
    write_po(written, catalog, 1_000_000, omit_header=True)
    return HEADER.encode() + written.getvalue()


def english(po_file: Path) -> dict[str, str]:
    """Return the English of each Dutch text that *po_file* has."""
    if not po_file.exists():
        return {}
    with po_file.open("rb") as file:
        return {str(each.id): str(each.string) for each in read_po(file) if each.id}


def _written() -> Iterator[str]:
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            yield from _of("python", path)
    for path in sorted((ROOT / "bot" / "outreach" / "intake").glob("*.py")):
        yield from _of("python", path, {"ValueError": None})
    for path in sorted((ROOT / "console" / "templates").rglob("*.html")):
        yield from _of("jinja2.ext:babel_extract", path)


def _of(method: str, path: Path, keywords: Mapping[str, Any] = KEYWORDS) -> Iterator[str]:
    with path.open("rb") as file:
        for _, text, _, _ in extract(method, file, keywords, options={"silent": "false"}):
            yield str(text)


def _from_tables() -> Iterable[str]:
    """Return the words that stand in a table and are looked up by what a row holds."""
    for room in (tasks, audience):
        for name, word in vars(room).items():
            if name.isupper() and isinstance(word, str) and not name.startswith("_"):
                yield word
    yield from (tasks.explain(cause) for cause in (*WHY_NOT, *ADVICE))
    yield from (advice.dutch for advice in ADVICE.values())
    yield from staff.ROLES
    tables: tuple[Mapping[str, object] | Iterable[object], ...] = (
        broadcasts.STATES,
        broadcasts.BLANKS,
        DUTCH,
        figures.LATE,
        guard.REFUSALS,
        inbox.REFUSALS,
        login_words.FAULTS,
        login_words.NEWS,
        report.UNITS,
        tuple(report.UNITS),
        ambassadeurs.FLAGS,
        ambassadeurs.HEADS,
        broadcast_form.MODES,
        broadcast_form.LIMITS,
        broadcast_form.GROUPS,
        intake.LABELS,
        tuple(merging.ROWS),
        people.CHANGES,
        people.CHECKS,
        reports.GROUPS,
        reports.ANSWERED,
        reports.WAYS,
        voortrajecten.STEPS,
        words.INTENTS,
        words.CONSENTS,
        words.EVIDENCE,
        words.TEXTS,
        words.KINDS,
    )
    for table in tables:
        yield from _words(table)
    yield from (each for word, _, _, meaning in words.FIGURES.values() for each in (word, meaning))


def _words(table: Mapping[str, object] | Iterable[object]) -> Iterator[str]:
    for value in table.values() if isinstance(table, Mapping) else table:
        if isinstance(value, str):
            yield value
        elif isinstance(value, tuple):
            yield from (each for each in value if isinstance(each, str))
