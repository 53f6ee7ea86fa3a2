"""Words a message never carries: a lock screen shows it to whoever holds the phone.

The lists are content/forbidden.yaml: kind -> language -> words. ``boete*`` is any word that
begins so, ``*غرامة`` any that ends so; a phrase is its words with single spaces. Words below
``any`` count in every language.
"""

import re
from functools import cache

import yaml

from bot.wording.entries import PLACEHOLDER
from bot.wording.languages import CONTENT, bare


def found(text: str, language: str) -> dict[str, str]:
    """Return the kinds of forbidden words in *text*, each with the first such word as written."""
    plain = bare(PLACEHOLDER.sub(" ", text))
    hits = {kind: pattern.search(plain) for kind, pattern in _patterns(language).items()}
    return {kind: hit.group() for kind, hit in hits.items() if hit}


def kinds() -> frozenset[str]:
    """Return the kinds there are, e.g. ``boete``."""
    return frozenset(_lists())


@cache
def _lists() -> dict[str, dict[str, list[str]]]:
    lists: dict[str, dict[str, list[str]]] = yaml.safe_load(
        (CONTENT / "forbidden.yaml").read_text(encoding="utf-8")
    )
    return lists


@cache
def _patterns(language: str) -> dict[str, re.Pattern[str]]:
    patterns = {}
    for kind, lists in _lists().items():
        words = [*lists.get("any", ()), *lists.get(language, ())]
        if words:
            patterns[kind] = re.compile("|".join(map(_pattern, words)))
    return patterns


def _pattern(word: str) -> str:
    inner = re.escape(bare(word.strip("*"))).replace(r"\ ", r"\s+")
    before = r"\w*" if word.startswith("*") else r"(?<!\w)"
    after = r"\w*" if word.endswith("*") else r"(?!\w)"
    return f"{before}{inner}{after}"
