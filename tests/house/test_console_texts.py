"""The console speaks Dutch and English: every text has both, and none stands outside gettext."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from jinja2 import Environment, nodes

from console import extraction
from console.texts import ENGLISH

TEMPLATES = Path(__file__).parents[2] / "console" / "templates"
PLACEHOLDER = re.compile(r"%\((\w+)\)s|%%")
SAME = {
    "STOP", "Stap Vooruit", "CSV", "Excel", "csv", "Sms", "WhatsApp", "Telegram", "RadioField",
}  # fmt: skip
"""What is called so in both languages, and the class of a field."""

SPOKEN = re.compile(r"""(?:aria-label|title|placeholder|alt)="([^"]*)\"""")


def english() -> dict[str, str]:
    return extraction.english(ENGLISH)


def test_every_text_of_the_console_has_an_english_one_and_there_are_no_others():
    """``make locales`` puts new texts into console.po; their English is written there by hand."""
    wanted, there = extraction.texts(), english()

    assert [] == [text for text in wanted if not there.get(text)]
    assert [] == sorted(set(there) - set(wanted))


def test_an_english_text_fills_in_what_the_dutch_one_does():
    def filled(text: str) -> set[str]:
        return set(PLACEHOLDER.findall(text))

    assert [] == [dutch for dutch, told in english().items() if filled(dutch) != filled(told)]


@pytest.mark.parametrize("path", sorted(TEMPLATES.rglob("*.html")), ids=lambda path: path.stem)
def test_no_words_of_a_template_stand_outside_gettext(path: Path):
    tree = Environment(extensions=["jinja2.ext.do"]).parse(path.read_text(encoding="utf-8"))
    markup = "".join(
        node.data if isinstance(node, nodes.TemplateData) else "\0"
        for output in tree.find_all(nodes.Output)
        for node in output.nodes
    )
    between = re.sub(r"<[^<>]*>", "\0", markup)
    heard = "\0".join(SPOKEN.findall(markup))
    said = {bit.strip(" .,:;·–()%\n") for bit in (between + "\0" + heard).split("\0")}

    assert [] == sorted(each for each in said - SAME if is_prose(each))
    assert [] == [text for text in strings_that_are_said(tree) if text not in SAME]


def is_prose(text: str) -> bool:
    return bool(re.search(r"[^\W\d_]{3,}", text)) and not re.search(r"[<>{}=]|main--", text)


def strings_that_are_said(tree: nodes.Template) -> list[str]:
    """Return the string constants that read as a sentence and are not given to ``_()``."""
    translated = {
        id(const)
        for call in tree.find_all(nodes.Call)
        if isinstance(call.node, nodes.Name) and call.node.name == "_"
        for const in call.find_all(nodes.Const)
    }
    return [
        const.value
        for const in tree.find_all(nodes.Const)
        if isinstance(const.value, str)
        and id(const) not in translated
        and re.fullmatch(r"[A-ZÉ][\w’',: –-]*[a-zé]\w*[ .?!\w’',:-]*", const.value)
        and not const.value.isupper()
    ]
