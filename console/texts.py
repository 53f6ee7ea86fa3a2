"""The console in two languages: Dutch as it is written, English from locales/en/…/console.po.

Pages ask for their texts with ``_()``; what rooms below say comes as `Told` or from a table of
words, and is said here in the language of the reader.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Flask, session
from flask_babel import Babel, Domain, get_locale, gettext
from flask_security.babel import FsDomain

from bot.told import Told
from bot.wording.languages import Language

LANGUAGES = {"nl": "Nederlands", "en": "English"}
"""What staff choose from, each as its readers call it."""

ENGLISH = Path(__file__).parents[1] / "locales" / "en" / "LC_MESSAGES" / "console.po"


def language() -> str:
    """Return the language of this reader: Dutch, or English for who chose it."""
    return "en" if session.get("ui") == "en" else "nl"


def said(text: object) -> str:
    """Say what a room below said, a text or an exception with one, to this reader."""
    if isinstance(text, Exception):
        text = text.args[0] if text.args else ""
    if isinstance(text, Told):
        values = {name: _filled(value) for name, value in text.values.items()}
        return str(gettext(text.sentence, **values))
    return str(gettext(text)) if text else ""


def called(one: Language) -> str:
    """Name a language for this reader, e.g. ``Arabisch``, or ``Arabic`` in English."""
    return one.english if language() == "en" else one.dutch


def _filled(value: object) -> object:
    return said(value) if isinstance(value, Told) else value


@cache
def _english() -> Translations:
    """Read the English texts, as the catalogue is read: straight from the .po (ADR 7)."""
    with ENGLISH.open("rb") as file:
        catalog = read_po(file, locale="en")
    compiled = BytesIO()
    write_mo(compiled, catalog)
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
