"""A small catalogue on disk: what content/ and locales/ look like, in one folder each."""

from pathlib import Path

import pytest

from bot.wording.catalogue import Catalogue, catalogue

BUTTONS = """
button.yes: {purpose: button, text: Ja}
button.no: {purpose: button, text: Nee}
fallback.note: {purpose: answer, text: Dit is in het Nederlands.}
"""


class Shelf:
    """Writes texts as staff and translators do, and opens them as the house does."""

    def __init__(self, root: Path) -> None:
        self.content = root / "content"
        (self.content / "messages").mkdir(parents=True)
        self.locales = root / "locales"

    def dutch(self, texts: str, file: str = "afspraak.yaml") -> None:
        (self.content / "messages" / file).write_text(texts, encoding="utf-8")

    def po_file(self, language: str) -> Path:
        return self.locales / language / "LC_MESSAGES" / "bot.po"

    def translation(self, language: str, key: str, dutch: str, text: str, above: str = "") -> None:
        """Add one entry to a .po file; *above* is what stands before it (comments, flags)."""
        path = self.po_file(language)
        path.parent.mkdir(parents=True, exist_ok=True)
        start = path.read_text("utf-8") if path.exists() else 'msgid ""\nmsgstr ""\n'
        lines = (f'msgctxt "{key}"', f"msgid {quoted(dutch)}", f"msgstr {quoted(text)}")
        path.write_text("\n".join([start, *above.splitlines(), *lines, ""]), "utf-8")

    def open(self) -> Catalogue:
        return catalogue(self.content)


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


@pytest.fixture
def shelf(tmp_path):
    shelf = Shelf(tmp_path)
    shelf.dutch(BUTTONS, "buttons.yaml")
    return shelf
