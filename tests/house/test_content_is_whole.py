"""The content of this release: every text, in every shipped language, fit to be said."""

import pytest

from bot.wording.catalogue import catalogue, faults
from bot.wording.languages import shipped


@pytest.mark.parametrize("language", list(shipped()))
def test_every_text_can_be_said_in_every_language_of_the_release(language):
    """Placeholders equal, buttons short, templates approvable, no word for a lock screen."""
    assert [] == [str(fault) for fault in faults(catalogue(), [language])]


@pytest.mark.parametrize("language", [code for code in shipped() if code != "nl"])
def test_no_translation_is_of_an_older_dutch(language):
    """Its reader would get Dutch, and the release notes would say otherwise."""
    texts = catalogue()

    assert [] == [key for key in texts.entries if texts.text(key, language).state == "stale"]
