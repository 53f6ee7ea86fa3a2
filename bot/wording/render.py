"""Key, language and values become what a person reads: the reader's language, never the sender's.

Values are other people's words. They are filled in once, as they are, and are never read as
placeholders; what could break a line or turn its direction is taken out of them first.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache, partial

from babel.dates import format_date, get_day_names

from bot.moments import AMSTERDAM, local
from bot.wording.catalogue import MESSAGES, SAMPLES, Catalogue
from bot.wording.catalogue import catalogue as the_catalogue
from bot.wording.entries import BUTTON_LENGTH, PLACEHOLDER, placeholders
from bot.wording.languages import Language, languages
from bot.wording.segments import coding, fold, pays

Value = str | int | datetime | Sequence[str]
"""A word, a number, a moment, or lines of a list."""

LONGEST_VALUE = 200
"""Characters of one filled-in line; Twilio takes 255 in a template's variable."""
FALLBACK_NOTE = "fallback.note"
"""The key of the line that says, in the reader's language, that the rest is Dutch."""

LEFT_TO_RIGHT, FIRST_STRONG, END = "\u2066", "\u2068", "\u2069"
"""The isolates of Unicode's bidirectional algorithm (UAX #9)."""
MARK = "\u200e"
"""What an SMS has instead: old phones show isolates as boxes."""
JOINERS = "\u200c\u200d"
"""The two invisible letters that spelling needs, in Persian names for one."""

_SAMPLE_MOMENT = datetime.strptime(
    f"{SAMPLES['date']} {SAMPLES['time']}", "%d-%m-%Y %H:%M"
).replace(tzinfo=AMSTERDAM)
_GAP = "\0"
"""Stands around a name that is still to be filled in; no value can hold it."""
_OPTIONAL = re.compile(rf" ?{PLACEHOLDER.pattern}")


@dataclass(frozen=True)
class Rendered:
    """One text as its reader gets it."""

    body: str
    language: str
    """The code of the language *body* is in; ``nl`` after a fallback."""
    buttons: tuple[tuple[str, str], ...]
    """(id, title) of every button; empty if *body* has them as numbered lines."""
    fallback: bool
    """True if the reader's own language has no usable text: *body* is Dutch, and says so."""
    asks: str | None
    """The flow whose question this text opens."""


class Mould:
    """One text in one language, filled in but for what differs between the people who get it.

    For a broadcast: all that is the same is done once, so that a text for one more person
    costs a few microseconds. For a single text, `render`.
    """

    def __init__(
        self,
        key: str,
        language: str,
        values: Mapping[str, Value],
        differs: Collection[str] = (),
        *,
        buttons_as_numbers: bool,
        plain: bool,
        above: str | None = None,
        more: Sequence[str] = (),
        catalogue: Catalogue | None = None,
    ) -> None:
        """Fill in *values*; *differs* names the words that `pour` will bring.

        *above* is the key of a line that is said before all else, if any; *more* are titles
        that get a number after those of the text's own buttons.

        KeyError without such a key; ValueError if a value is missing or a moment has no zone.
        """
        texts = catalogue or the_catalogue()
        entry, text = texts.entries[key], texts.text(key, language)
        spoken = languages()[text.language]
        written = _written(values, spoken, plain)
        written |= {name: (f"{_GAP}{name}{_GAP}",) for name in differs}
        body = _fill(key, text.body, written)
        self.language = text.language
        self.fallback = text.state in {"missing", "stale"}
        self.asks = entry.asks
        self.buttons = buttons(entry.buttons, language, catalogue=texts)
        said = [text]
        if self.fallback and entry.purpose in MESSAGES and FALLBACK_NOTE in texts.entries:
            note = texts.text(FALLBACK_NOTE, language)
            if note.language == language:
                said.append(note)
                body = f"{note.body}\n\n{body}"
        if above is not None:
            said.append(texts.text(above, language))
            body = f"{said[-1].body}\n{body}"
        if buttons_as_numbers:
            body = with_numbers(body, [*(title for _, title in self.buttons), *more])
            self.buttons = ()
        self._direction = (spoken.rtl, plain)
        self._parts = body.split(_GAP)
        may_be_bare = plain and all(each.ascii for each in said)
        self._cheap_parts = _cheap_parts(self._parts) if may_be_bare else None
        self._anew = partial(
            render,
            key,
            language,
            buttons_as_numbers=buttons_as_numbers,
            plain=plain,
            above=above,
            more=more,
            catalogue=texts,
        )
        self._values = values

    def pour(self, words: Mapping[str, str]) -> str:
        """Return the body with *words* in it, one for every name that differs."""
        filled = {name: _line(word, *self._direction) for name, word in words.items()}
        if not all(filled.values()):  # a line may have to go
            return self._anew({**self._values, **words}).body
        body = _joined(self._parts, filled)
        if self._cheap_parts:
            cheap = {name: _cheap(word) for name, word in filled.items()}
            if all(cheap.values()) and pays(plain := _joined(self._cheap_parts, cheap), body):
                return plain
        return body


def render(
    key: str,
    language: str,
    values: Mapping[str, Value],
    *,
    buttons_as_numbers: bool,
    plain: bool,
    above: str | None = None,
    more: Sequence[str] = (),
    catalogue: Catalogue | None = None,
) -> Rendered:
    """Return the text of *key* for a reader of *language* (a code).

    A moment named ``begins`` gives {day}, {date} and {time}; any other, say ``ends``, gives
    {ends_day}, {ends_date} and {ends_time}. A line whose placeholders are all empty is left
    out. *plain* is for SMS: marks instead of isolates, and without accents where the text
    allows it, the whole of it then fits GSM-7 and that makes it cheaper (`segments.thrifty`).
    *above* is the key of a line that is said before all else, if any; *more* are titles that
    get a number after those of the text's own buttons.

    KeyError without such a key; ValueError if a value is missing or a moment has no zone.
    """
    mould = Mould(
        key,
        language,
        values,
        buttons_as_numbers=buttons_as_numbers,
        plain=plain,
        above=above,
        more=more,
        catalogue=catalogue,
    )
    return Rendered(mould.pour({}), mould.language, mould.buttons, mould.fallback, mould.asks)


def buttons(
    names: Iterable[str], language: str, *, catalogue: Catalogue | None = None
) -> tuple[tuple[str, str], ...]:
    """Return (id, title) for each of *names*, the keys below ``button.``; title <= 20 long."""
    texts = catalogue or the_catalogue()
    return tuple(
        (name, cut(texts.text(f"button.{name}", language).body, BUTTON_LENGTH)) for name in names
    )


def with_numbers(body: str, titles: Sequence[str]) -> str:
    """Return *body* with a line ``1 = Ja`` for every title: for channels without buttons."""
    return "\n".join([body, *(f"{number} = {title}" for number, title in enumerate(titles, 1))])


def cut(title: str, longest: int, trace: str = "…") -> str:
    """Return *title*, or its first words and a *trace* if it is longer than *longest*."""
    if len(title) <= longest:
        return title
    head = title[: longest - len(trace) + 1]
    words = head.rsplit(" ", 1)[0] if " " in head.strip() else head[:-1]
    return words.rstrip(" ,") + trace


def template_body(
    key: str, language: str, *, catalogue: Catalogue | None = None
) -> tuple[str, list[str]]:
    """Return the body of a WhatsApp template, ``{{1}}`` and on, and the names in that order.

    The same name keeps its number. Without a usable text in *language* this is the Dutch
    body: ask `Catalogue.text` for its language before a template is made of it.
    """
    body = (catalogue or the_catalogue()).text(key, language).body
    order = list(placeholders(body))
    return PLACEHOLDER.sub(lambda name: f"{{{{{order.index(name[1]) + 1}}}}}", body), order


def template_variables(
    key: str, language: str, values: Mapping[str, Value], *, catalogue: Catalogue | None = None
) -> dict[str, str]:
    """Return what fills ``{{1}}`` and on in the template of *key*, as `render` would fill it.

    A template cannot leave a line out and WhatsApp refuses an empty variable: an empty value
    is a dash. It refuses line breaks too: lines of a list are parted by commas.
    """
    text = (catalogue or the_catalogue()).text(key, language)
    spoken = languages()[text.language]
    order = placeholders(text.body)
    written = _written(values, spoken, plain=False)
    _require(key, order, written)
    return {str(at): ", ".join(written[name]) or "-" for at, name in enumerate(order, 1)}


def template_samples(
    key: str, language: str, *, catalogue: Catalogue | None = None
) -> dict[str, str]:
    """Return an example for every variable of a template; Meta approves none without."""
    text = (catalogue or the_catalogue()).text(key, language)
    samples = {**SAMPLES, "day": spoken_day(_SAMPLE_MOMENT, text.language)}
    order = placeholders(text.body)
    return {str(at): samples.get(name, name) for at, name in enumerate(order, 1)}


def spoken_day(moment: datetime, language: str) -> str:
    """Return weekday, day and month in Amsterdam, e.g. ``donderdag 3 december``.

    ValueError if *moment* has no time zone.
    """
    return _day(local(moment).date(), language)


def spoken_weekday(number: int, language: str) -> str:
    """Return what readers of *language* call a day of the week; Monday is 0."""
    locales = languages()[language].weekdays
    names = (get_day_names("wide", locale=locale)[number] for locale in locales)
    return " / ".join(dict.fromkeys(names))


def spoken_date(moment: datetime) -> str:
    """Return the date in Amsterdam in Latin digits, ``03-12-2026``, the same for everyone.

    Calendars and names of months differ between readers of one language; this decides.
    """
    return f"{local(moment):%d-%m-%Y}"


def spoken_time(moment: datetime) -> str:
    """Return the time in Amsterdam on a 24-hour clock, ``14:30``, the same for everyone."""
    return f"{local(moment):%H:%M}"


@lru_cache(maxsize=4096)
def _day(day: date, code: str) -> str:
    language = languages()[code]
    said = (_said(day, part, language) for part in _PARTS.split(language.day))
    return " ".join("".join(said).split())


_PARTS = re.compile("(E{4}|M{4}|L{4})")


def _said(day: date, part: str, language: Language) -> str:
    """Return *day* in CLDR letters; names of days and months side by side where there are more."""
    if not part.strip():
        return part
    if part == "EEEE":
        return spoken_weekday(day.weekday(), language.code)
    locales = language.months if _PARTS.fullmatch(part) else (language.locale,)
    return " / ".join(dict.fromkeys(format_date(day, part, locale=each) for each in locales))


def _fill(key: str, body: str, written: Mapping[str, tuple[str, ...]]) -> str:
    """Return *body* with its placeholders filled in a single pass, empty lines left out."""
    _require(key, placeholders(body), written)

    def filled(name: re.Match[str]) -> str:
        lines = written[name[1]]
        space = name[0].startswith(" ") and bool(lines)
        return " " * space + "\n".join(lines)

    kept = [
        _OPTIONAL.sub(filled, line)
        for line in body.split("\n")
        if not (names := placeholders(line)) or any(written[name] for name in names)
    ]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip()


def _joined(parts: Sequence[str], words: Mapping[str, str]) -> str:
    """Return *parts* as one text; every second part is the name of a word."""
    if len(parts) == 3:
        return f"{parts[0]}{words[parts[1]]}{parts[2]}"
    said = list(parts)
    said[1::2] = [words[name] for name in parts[1::2]]
    return "".join(said)


def _cheap_parts(parts: Sequence[str]) -> list[str] | None:
    """Return *parts* as an SMS without accents, or None if they cannot be spelled so."""
    cheap = [part if at % 2 else fold(part) for at, part in enumerate(parts)]
    return cheap if coding("".join(cheap[::2])) == "GSM-7" else None


@lru_cache(maxsize=8192)
def _cheap(word: str) -> str:
    """Return *word* in GSM-7, or nothing if it cannot be spelled so."""
    folded = fold(word)
    return folded if coding(folded) == "GSM-7" else ""


def _require(key: str, names: Iterable[str], values: Mapping[str, object]) -> None:
    if missing := [name for name in names if name not in values]:
        raise ValueError(f"{key} cannot be said without {', '.join(missing)}")


def _written(
    values: Mapping[str, Value], language: Language, plain: bool
) -> dict[str, tuple[str, ...]]:
    """Return the lines of every value, harmless and isolated; none for an empty value."""
    written: dict[str, Sequence[str]] = {}
    for name, value in values.items():
        if isinstance(value, datetime):
            prefix = "" if name == "begins" else f"{name}_"
            written[f"{prefix}day"] = [spoken_day(value, language.code)]
            written[f"{prefix}date"] = [spoken_date(value)]
            written[f"{prefix}time"] = [spoken_time(value)]
        else:
            written[name] = [str(value)] if isinstance(value, str | int) else value
    return {
        name: tuple(filter(None, (_line(line, language.rtl, plain) for line in lines)))
        for name, lines in written.items()
    }


@lru_cache(maxsize=32768)
def _line(value: str, rtl: bool, plain: bool) -> str:
    """Return *value* on one line, not endless, and without power over the line it stands in."""
    printable = value if value.isprintable() else "".join(map(_harmless, value))
    line = cut(" ".join(printable.split()), LONGEST_VALUE, "...")
    if (rtl or not plain) and _NUMBER.fullmatch(line):
        line = line.replace(" ", "\u00a0")
    return _isolated(line, rtl, plain)


_NUMBER = re.compile(r"\+?[\d() ]+")
"""A phone number is not cut by the end of a line, which turns 14 0000 into 14 and 0000. An SMS in
Latin letters keeps its space: a no-break one is not in its alphabet and doubles the price."""


def _harmless(sign: str) -> str:
    """Return *sign*, a space for a break of line, nothing for a mark of direction."""
    match unicodedata.category(sign):
        case "Cc" | "Zl" | "Zp":
            return " "
        case "Cf" | "Cs" if sign not in JOINERS:
            return ""
        case _:
            return sign


def _isolated(value: str, rtl: bool, plain: bool) -> str:
    """Return *value* so that it keeps its own direction and leaves its line's alone."""
    directions = set() if value.isascii() else set(map(unicodedata.bidirectional, value))
    has_rtl = not directions.isdisjoint({"R", "AL", "AN"})
    at_home = has_rtl and "L" not in directions if rtl else not has_rtl
    if at_home or not value:
        return value
    if plain:
        return f"{MARK}{value}{MARK}"
    return f"{FIRST_STRONG if has_rtl else LEFT_TO_RIGHT}{value}{END}"
