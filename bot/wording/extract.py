"""What translators get: content/messages/*.yaml as gettext, the key as context.

`content` lets ``pybabel extract -F babel.cfg .`` read the texts. `refreshed` brings one
language's file up to date. It goes by key alone, where ``pybabel update`` would guess by
likeness and could put the text of one message under another; and it says nothing that
changes by itself, no date and no line number, so a file changes when a text does.
"""

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import denormalize, read_po, write_po

from bot.wording import entries
from bot.wording.catalogue import REVIEWED

UNWRAPPED = 1_000_000
"""One line of a text is one line of the file: a changed line shows as one."""
_HEADER = """\
msgid ""
msgstr ""
"Project-Id-Version: Stap Vooruit\\n"
"Language: {language}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""


@dataclass(frozen=True, slots=True)
class Change:
    """What a translator or reader brings for one text."""

    text: str
    review: str | None
    """The remark that says who read it, and when; None if nobody did."""


def content(
    stream: IO[bytes], keywords: object, comment_tags: object, options: object
) -> Iterator[tuple[int, str, tuple[str, str], list[str]]]:
    """Yield every translatable text of one file of messages: an extraction method for Babel.

    Line, ``pgettext``, (key, Dutch text), [the note].
    """
    for key, entry, line in entries.read(stream):
        if "only" not in entry:
            yield line, "pgettext", (key, entry["text"].strip()), _note(entry)


def refreshed(
    directory: Path, po_file: Path, language: str, changes: Mapping[str, Change] | None = None
) -> bytes:
    """Return *po_file* as it should be, given the texts of *directory*; new if it is not there.

    A text whose Dutch changed keeps its translation, marked fuzzy, beside the Dutch it was
    made from; who reviewed it no longer counts. A text that is gone is kept as obsolete. So
    are the translators' remarks at the top of the file. *changes* by key come in place of what
    was there; they are made from the Dutch of now.
    """
    before = _read(po_file)
    catalog = Catalog()
    for path in sorted((directory / "messages").glob("*.yaml")):
        with path.open("rb") as stream:
            for line, _, (key, text), notes in content(stream, (), (), {}):
                place = (path.relative_to(directory).as_posix(), line)
                _carry(
                    catalog.add(text, locations=[place], auto_comments=notes, context=key),
                    before.pop(key, None),
                )
    for message in catalog:
        if change := (changes or {}).get(str(message.context)):
            _bring(message, change)
    for key, message in before.items():
        if message.string:
            catalog.obsolete[key] = message
    written = BytesIO()
    write_po(
        written, catalog, UNWRAPPED, omit_header=True, include_previous=True, include_lineno=False
    )
    head = _remarks(po_file) + _HEADER.format(language=language)
    return head.encode() + written.getvalue()


def _remarks(po_file: Path) -> str:
    """Return what translators wrote above the first text: how they address people, who read it."""
    if not po_file.exists():
        return ""
    lines = po_file.read_text(encoding="utf-8").splitlines(keepends=True)
    return "".join(itertools.takewhile(lambda line: line.startswith("#"), lines))


def _carry(message: Message, before: Message | None) -> None:
    """Give *message* the translation that its key had *before*."""
    if before is None or not before.string:
        return
    changed = before.id != message.id
    made_from, comments = _made_from(before.user_comments)
    message.string = before.string
    message.user_comments = [said for said in comments if not (changed and REVIEWED.match(said))]
    if changed or before.fuzzy:
        message.flags.add("fuzzy")
        message.previous_id = made_from or [str(before.id)] * changed


def _bring(message: Message, change: Change) -> None:
    """Give *message* the translation of *change*; remarks that are no review stay."""
    message.string = change.text
    message.flags.discard("fuzzy")
    message.previous_id = []
    kept = [said for said in message.user_comments if not REVIEWED.match(said)]
    message.user_comments = [*kept, change.review] if change.review else kept


def _made_from(comments: list[str]) -> tuple[list[str], list[str]]:
    """Return the older Dutch that stands in *comments*, if any, and the other comments.

    Babel writes it (``#| msgid "Jawel"``) but reads it back as a comment like any other.
    """
    older = " ".join(said for said in comments if said.startswith("| ") and "msgctxt" not in said)
    strings = re.findall(r'"(?:[^"\\]|\\.)*"', older)
    text = "".join(map(denormalize, strings))
    return [text] if text else [], [said for said in comments if not said.startswith("| ")]


def _read(po_file: Path) -> dict[str, Message]:
    if not po_file.exists():
        return {}
    with po_file.open("rb") as stream:
        catalog = read_po(stream, abort_invalid=True)
    known = [*catalog.obsolete.values(), *catalog]
    return {str(message.context): message for message in known if message.id}


def _note(entry: Mapping[str, Any]) -> list[str]:
    note = " ".join(entry.get("note", "").split())
    return [note] if note else []
