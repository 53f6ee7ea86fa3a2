"""The console in two languages: Dutch as it is written, English from locales/en/…/console.po.

Pages ask for their texts with ``_()``; what rooms below say comes as `Told` or from a table of
words, and is said here in the language of the reader.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Flask, session
from flask_babel import Babel, Domain, get_locale, gettext
from flask_security.babel import FsDomain

from bot.told import Told, tell
from bot.wording.languages import Language

LANGUAGES = {"nl": "Nederlands", "en": "English"}
"""What staff choose from, each as its readers call it."""

ENGLISH = Path(__file__).parents[1] / "locales" / "en" / "LC_MESSAGES" / "console.po"


def language() -> str:
    """Return the language of this reader: Dutch, or English for who chose it."""
    return "en" if session.get("ui") == "en" else "nl"


def said(text: object) -> str:
    """Say what a room below said, a text or an exception with one, to this reader.

    A row holds plain Dutch: what somebody once told is recognised by its words.
    """
    if isinstance(text, Exception):
        text = text.args[0] if text.args else ""
    if not text:
        return ""
    if not isinstance(text, Told):
        text = _recognised(str(text))
    values = {name: _filled(value) for name, value in text.values.items()}
    return str(gettext(text.sentence, **values))


def called(one: Language) -> str:
    """Name a language for this reader, e.g. ``Arabisch``, or ``Arabic`` in English."""
    return one.english if language() == "en" else one.dutch


def _recognised(text: str) -> Told:
    """Return *text* as whoever wrote it told it, where it is one of our sentences filled in."""
    if language() == "en" and text not in _sentences():
        for pattern, sentence in filled_in():
            if found := pattern.fullmatch(text):
                told = {name: _recognised(value) for name, value in found.groupdict().items()}
                return tell(sentence, **told)
    return tell(text)


PLACE = re.compile(r"%\((\w+)\)s")
LEAST = 8
"""Letters of its own that a sentence needs to be recognised by."""


@cache
def filled_in() -> list[tuple[re.Pattern[str], str]]:
    """Return what each sentence with places looks like when they are filled in, longest first."""
    own = {each: len(PLACE.sub("", each)) for each in _sentences() if PLACE.search(each)}
    longest = sorted(own, key=own.__getitem__, reverse=True)
    return [(_pattern(each), each) for each in longest if own[each] >= LEAST]


def _pattern(sentence: str) -> re.Pattern[str]:
    parts, seen = PLACE.split(sentence), set[str]()
    written = re.escape(parts[0].replace("%%", "%"))
    for name, after in zip(parts[1::2], parts[2::2], strict=True):
        written += f"(?P={name})" if name in seen else f"(?P<{name}>.*)"
        written += re.escape(after.replace("%%", "%"))
        seen.add(name)
    return re.compile(written, re.DOTALL)


def _filled(value: object) -> object:
    return said(value) if isinstance(value, Told) else value


@cache
def _catalog() -> Catalog:
    """Read the English texts, as the catalogue is read: straight from the .po (ADR 7)."""
    with ENGLISH.open("rb") as file:
        return read_po(file, locale="en")


@cache
def _sentences() -> frozenset[str]:
    return frozenset(str(each.id) for each in _catalog() if each.id)


@cache
def _english() -> Translations:
    compiled = BytesIO()
    write_mo(compiled, _catalog())
    compiled.seek(0)
    return Translations(compiled)


class Words(Domain):  # type: ignore[misc]  # flask-babel ships no types
    """The texts of our own pages."""

    def get_translations(self) -> NullTranslations:
        """Return the English ones, or none at all: what is written is Dutch."""
        return _english() if str(get_locale()) == "en" else NullTranslations()


class LoginWords(FsDomain):
    """What Flask-Security says: in Dutch its own catalogue, for what login_words leaves out."""

    def get_translations(self) -> NullTranslations:
        """Return ours for who reads English: they stand beside what login_words says in Dutch."""
        if str(get_locale()) == "en":
            return _english()
        found: NullTranslations = super().get_translations()
        return found


def login_words(app: Flask) -> FsDomain:
    """Return what Flask-Security says on *app*, in both languages."""
    make: Callable[[Flask], FsDomain] = LoginWords
    return make(app)


class Texts(Babel):  # type: ignore[misc]  # flask-babel ships no types
    """Flask-Babel with our own texts."""

    @property
    def domain_instance(self) -> Words:
        """Return where ``_()`` looks."""
        return Words()


LOCALES = {"nl": "nl", "en": "en_GB"}
"""Where days, months and numbers come from."""


def locale() -> str:
    """Return the locale that days, months and numbers are written in."""
    return LOCALES[language()]
