"""The languages people are written to in: content/languages.yaml as frozen data.

Our own codes (``prs``, ``ary``) stay in the database, in files and in the names of folders;
the Babel locale serves day and month names only, the Meta code WhatsApp templates only.
"""

import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

CONTENT = Path(__file__).parents[2] / "content"
"""Where languages.yaml and messages/ lie; the locales folder lies beside it."""


@dataclass(frozen=True)
class Language:
    """One language, as content/languages.yaml tells it."""

    code: str
    """Ours, e.g. ``prs``: what a person's row holds."""
    name: str
    """What its speakers call it; what a button shows."""
    dutch: str
    """What staff call it."""
    english: str
    also: tuple[str, ...]
    """More names that a file or a person may use for it."""
    script: str
    """ISO 15924: Latn, Arab, Ethi or Cyrl."""
    rtl: bool
    locale: str
    """The Babel locale its day names come from."""
    months: tuple[str, ...]
    """The Babel locales whose month names are printed side by side; mostly just the one."""
    weekdays: tuple[str, ...]
    """The same, for the names of the days."""
    day: str
    """How a day is written, in CLDR letters: weekday, day of the month, month."""
    digits: str
    """The ten digits its speakers may type besides 0123456789; what we print is Latin."""
    meta: str | None
    """Its code for WhatsApp templates; None where Meta has none."""
    machine: str | None
    """The voice of espeak-ng that may read it aloud; None where that has none of this language."""
    shipped: bool
    """True once its texts belong to a release: from then on a missing text is a fault."""


@cache
def languages() -> dict[str, Language]:
    """Return every known language by its code, in the order of content/languages.yaml."""
    described = yaml.safe_load((CONTENT / "languages.yaml").read_text(encoding="utf-8"))
    return {code: _language(code, entry) for code, entry in described.items()}


@cache
def shipped() -> dict[str, Language]:
    """Return the languages whose texts belong to this release, Dutch first."""
    return {code: language for code, language in languages().items() if language.shipped}


def find(text: str) -> Language | None:
    """Return the language called *text*, or None.

    A name may be our code, a Babel or Meta code (``fa_AF``, ``ar-SY``), or the language's
    name in Dutch, in English or in itself; case and accents make no difference.
    """
    wanted = bare(text).replace("-", "_")
    return _by_name().get(wanted) or _by_name().get(wanted.split("_")[0])


def bare(text: str) -> str:
    """Return *text* in small letters, without accents, invisible marks and idle spaces."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(sign for sign in apart if unicodedata.category(sign) not in {"Mn", "Cf"})
    return " ".join(kept.split())


@cache
def _by_name() -> dict[str, Language]:
    names: dict[str, Language] = {}
    for language in languages().values():
        codes = (language.code, language.locale, language.meta or language.code)
        for name in (*codes, language.name, language.dutch, language.english, *language.also):
            names.setdefault(bare(name).replace("-", "_"), language)
    return names


def _language(code: str, entry: dict[str, Any]) -> Language:
    return Language(
        code=code,
        name=entry["name"],
        dutch=entry["dutch"],
        english=entry["english"],
        also=tuple(entry["also"]),
        script=entry["script"],
        rtl=entry["direction"] == "rtl",
        locale=entry["locale"],
        months=tuple(entry.get("months", [entry["locale"]])),
        weekdays=tuple(entry.get("weekdays", [entry["locale"]])),
        day=entry["day"],
        digits=entry.get("digits", "0123456789"),
        meta=entry["meta"],
        machine=entry["machine"],
        shipped=entry["shipped"],
    )
