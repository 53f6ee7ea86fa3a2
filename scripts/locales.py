"""Bring locales/*/LC_MESSAGES/bot.po up to date with content/, and console.po: make locales.

A language joins as soon as it has a folder below locales/ or is shipped.
"""

from bot.wording.catalogue import catalogue
from bot.wording.extract import refreshed
from bot.wording.languages import languages
from console import extraction
from console.texts import ENGLISH


def main() -> None:
    """Refresh every language that has texts; print the files that changed."""
    texts = catalogue()
    for code, language in languages().items():
        path = texts.po_file(code)
        if code == "nl" or not (language.shipped or path.exists()):
            continue
        wanted = refreshed(texts.directory, path, code)
        if path.exists() and path.read_bytes() == wanted:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(wanted)
        print(path.relative_to(texts.directory.parent))
    wanted = extraction.refreshed(ENGLISH)
    if not ENGLISH.exists() or ENGLISH.read_bytes() != wanted:
        ENGLISH.write_bytes(wanted)
        print(ENGLISH.relative_to(texts.directory.parent))


if __name__ == "__main__":
    main()
