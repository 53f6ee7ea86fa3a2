"""How content/messages/*.yaml is read: one entry per text, Dutch, validated with no mercy.

A mapping of key -> entry; the key is the context a translator sees, the note explains it.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple, get_args

import yaml

Purpose = Literal["public task", "invitation", "answer", "page", "button"]
"""Why a text is said. Only the first three are messages; an invitation needs consent."""
Category = Literal["utility", "marketing"]

PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)\}")
BUTTON_LENGTH = 20
"""Characters of a button's title; WhatsApp's limit for a quick reply."""


class MetaTemplate(NamedTuple):
    """Under which name and in which category WhatsApp approves a text."""

    name: str
    category: Category


@dataclass(frozen=True)
class Entry:
    """One text in Dutch, with all that is the same in every language."""

    key: str
    file: str
    """Below content/, e.g. ``messages/afspraak.yaml``: where to go and change it."""
    purpose: Purpose
    text: str
    """The Dutch text, the source of every translation."""
    note: str = ""
    """For the translator."""
    asks: str | None = None
    """The flow whose question this text opens."""
    buttons: tuple[str, ...] = ()
    """Keys below ``button.``; their order is the number people may type."""
    template: MetaTemplate | None = None
    opener: str | None = None
    """The key of the Dutch text that opens a conversation where Meta lacks the language."""
    announced_by: str | None = None
    """The key of the text that goes first where WhatsApp takes no free text: this one waits until
    its reader answers that, or writes anything."""
    picture: str | None = None
    """Its file, below content/."""
    shows_place: bool = False
    """Is it the door of the place instead, where the gemeente has a picture of that?"""
    spoken: bool = False
    """Is it said aloud too, for who would rather listen? See `spoken`."""
    max: int | None = None
    """The longest length in characters."""
    ascii: bool = False
    """May an SMS be spelled without accents, if that makes it cheaper? A translator may say no."""
    only: str | None = None
    """``nl`` for a text that exists in Dutch alone."""
    allow: tuple[str, ...] = ()
    """Kinds of forbidden words (content/forbidden.yaml) that this text has a reason to use."""

    @property
    def only_free(self) -> bool:
        """True where nothing can be sent in its place while WhatsApp takes no free text."""
        return self.template is None and self.opener is None and self.announced_by is None


class Fault(NamedTuple):
    """One thing wrong, or doubtful, with the content. As a string: Dutch, and where to look."""

    where: str
    """A file, with the language behind it where there is one."""
    key: str
    """Empty if the problem is not with one text."""
    problem: str

    def __str__(self) -> str:
        return f"{self.where}{self.key and ', ' + self.key}: {self.problem}"


class ContentError(Exception):
    """The content cannot be used. Its message lists everything wrong, in Dutch."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(map(str, self.faults)))


def placeholders(text: str) -> tuple[str, ...]:
    """Return the names that *text* leaves open, once each, by first appearance."""
    return tuple(dict.fromkeys(PLACEHOLDER.findall(text)))


def load(directory: Path) -> dict[str, Entry]:
    """Return the entries of *directory*/messages by key; ContentError with all that is wrong."""
    faults: list[Fault] = []
    entries: dict[str, Entry] = {}
    for path in sorted((directory / "messages").glob("*.yaml")):
        file = path.relative_to(directory).as_posix()
        with path.open("rb") as stream:
            try:
                described = list(read(stream))
            except (yaml.YAMLError, UnicodeDecodeError) as error:
                faults.append(Fault(file, "", f"is niet te lezen: {error}"))
                continue
        for key, described_entry, _ in described:
            problems = list(_problems(key, described_entry))
            if key in entries:
                problems.append(f"staat ook in {entries[key].file}")
            faults += (Fault(file, key, problem) for problem in problems)
            if not problems:
                entries[key] = _entry(key, file, described_entry)
    if faults := faults or list(_dangling(entries)):
        raise ContentError(faults)
    return entries


def read(stream: IO[bytes]) -> Iterator[tuple[str, Any, int]]:
    """Yield key, entry as written, and line number for every text in a file of messages.

    yaml.YAMLError if it is no YAML or no mapping, or if one key stands in it twice.
    """
    loader = _Loader(stream)
    try:
        root = loader.get_single_node()
        if root is None:
            return
        if not isinstance(root, yaml.MappingNode):
            raise yaml.constructor.ConstructorError(None, None, "geen sleutels", root.start_mark)
        for key, value in root.value:
            yield key.value, loader.construct_document(value), key.start_mark.line + 1
    finally:
        loader.dispose()


class _Loader(yaml.SafeLoader):
    """YAML in which ``yes`` and ``no`` are words (they are names of buttons)."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = [key.value for key, _ in node.value]
        if twice := sorted({str(name) for name in names if names.count(name) > 1}):
            raise yaml.constructor.ConstructorError(
                None, None, f"staat er twee keer: {', '.join(twice)}", node.start_mark
            )
        return super().construct_mapping(node, deep=deep)


_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(true|false)$"), list("tf"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^[0-9]+$"), list("0123456789"))

_FIELDS: dict[str, type] = {
    "purpose": str,
    "note": str,
    "text": str,
    "asks": str,
    "buttons": list,
    "whatsapp_template": dict,
    "opener": str,
    "announced_by": str,
    "picture": str,
    "shows_place": bool,
    "spoken": bool,
    "max": int,
    "ascii": bool,
    "only": str,
    "allow": list,
}
_TYPE_NAMES = {str: "tekst", list: "een lijst", dict: "een groep", int: "een getal", bool: "true"}


def _problems(key: str, entry: Any) -> Iterator[str]:
    if not isinstance(entry, dict):
        yield "is geen groep van velden"
        return
    for name, value in entry.items():
        wanted = _FIELDS.get(name)
        if wanted is None:
            yield f"kent geen veld '{name}'"
        elif type(value) is not wanted:
            yield f"'{name}' moet {_TYPE_NAMES[wanted]} zijn"
        elif isinstance(value, list) and not all(isinstance(item, str) for item in value):
            yield f"'{name}' moet een lijst woorden zijn"
    if entry.get("purpose") not in get_args(Purpose):
        yield f"'purpose' moet een van deze zijn: {', '.join(get_args(Purpose))}"
    if entry.get("only", "nl") != "nl":
        yield "'only' kan alleen nl zijn: Nederlands is de bron"
    text = entry.get("text")
    if not isinstance(text, str) or not text.strip():
        yield "heeft geen tekst"
    elif problem := loose_braces(text):
        yield problem
    template = entry.get("whatsapp_template")
    if isinstance(template, dict) and not (
        template.keys() == {"name", "category"}
        and re.fullmatch(r"[a-z0-9_]{1,512}", str(template["name"]))
        and template["category"] in get_args(Category)
    ):
        yield "'whatsapp_template' moet {name: kleine_letters, category: utility|marketing} zijn"


def loose_braces(text: str) -> str | None:
    """Return what is wrong with the braces of *text*, or None."""
    rest = PLACEHOLDER.sub("", text)
    return f"heeft een losse accolade bij '{rest.strip()[:40]}'" if set("{}") & set(rest) else None


def _entry(key: str, file: str, entry: dict[str, Any]) -> Entry:
    template = entry.get("whatsapp_template")
    longest = BUTTON_LENGTH if entry["purpose"] == "button" else None
    return Entry(
        key=key,
        file=file,
        purpose=entry["purpose"],
        text=entry["text"].strip(),
        note=" ".join(entry.get("note", "").split()),
        asks=entry.get("asks"),
        buttons=tuple(entry.get("buttons", ())),
        template=MetaTemplate(**template) if template else None,
        opener=entry.get("opener"),
        announced_by=entry.get("announced_by"),
        picture=entry.get("picture"),
        shows_place=entry.get("shows_place", False),
        spoken=entry.get("spoken", False),
        max=entry.get("max", longest),
        ascii=entry.get("ascii", False),
        only=entry.get("only"),
        allow=tuple(entry.get("allow", ())),
    )


def _dangling(entries: dict[str, Entry]) -> Iterator[Fault]:
    """Yield what points at a text that is not there, and names used for two templates."""
    templates: dict[str, str] = {}
    for entry in entries.values():
        for button in entry.buttons:
            if f"button.{button}" not in entries:
                yield Fault(entry.file, entry.key, f"er is geen knop 'button.{button}'")
        if entry.opener is not None and entry.opener not in entries:
            yield Fault(entry.file, entry.key, f"er is geen tekst '{entry.opener}' als opener")
        if entry.announced_by is not None and entry.announced_by not in entries:
            problem = f"er is geen tekst '{entry.announced_by}' als melding"
            yield Fault(entry.file, entry.key, problem)
        if entry.template:
            first = templates.setdefault(entry.template.name, entry.key)
            if first != entry.key:
                problem = f"de template '{entry.template.name}' is al van {first}"
                yield Fault(entry.file, entry.key, problem)
