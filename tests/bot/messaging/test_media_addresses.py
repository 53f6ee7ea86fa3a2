"""Addresses of pictures and sounds: signed, without a way up, and nothing personal in them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import gemeente
from bot.messaging import media
from bot.settings import load
from bot.wording.catalogue import catalogue
from bot.wording.languages import CONTENT

SETTINGS = load(None, secret_key="s" * 32, public_url="https://stap.example")
PICTURE = "media/plekken/wijkcentrum.png"


def test_an_address_leads_back_to_its_file():
    address = media.address(SETTINGS, PICTURE)

    assert address.startswith("https://stap.example/m/")
    assert media.believed(SETTINGS, address.removeprefix("https://stap.example/m/")) == PICTURE


@given(st.text())
def test_what_we_did_not_sign_is_not_believed(told):
    assert media.believed(SETTINGS, told) is None


@pytest.mark.parametrize(
    "name",
    ["../gemeente.yaml", "media/../gemeente.yaml", "/etc/passwd", "a.png/", ".env", "", "é.png"],
)
def test_there_is_no_way_up(name):
    """Not even with our own signature."""
    with pytest.raises(ValueError, match="no name of a picture"):
        media.signed(SETTINGS, name)
    proof = media._proof(SETTINGS, name)

    assert media.believed(SETTINGS, f"{proof}-{name.replace('/', '~')}") is None


def test_another_key_signs_another_address():
    other = load(None, secret_key="t" * 32)

    assert media.believed(other, media.signed(SETTINGS, PICTURE)) is None


@pytest.mark.parametrize(
    ("given", "reached"),
    [
        ({"public_url": "https://stap.example"}, True),
        ({"public_url": "http://127.0.0.1:8000"}, False),
        (
            {
                "public_url": "http://127.0.0.1:8000",
                "twilio_api_url": "http://127.0.0.1:8001",
                "twilio_content_url": "http://127.0.0.1:8001",
                "telegram_api_url": "http://127.0.0.1:8001",
            },
            True,
        ),
    ],
)
def test_a_provider_on_the_internet_cannot_come_to_this_machines_own_name(given, reached):
    """With a picture that cannot be fetched a message would fail, and be sent again without."""
    assert reached == media.can_be_fetched(load(None, **given))


def test_every_picture_of_a_place_is_there():
    """Also those of the gemeenten that come with it."""
    names = [None, *(path.stem for path in (CONTENT / "gemeenten").glob("*.yaml"))]
    places = [place for name in names for place in gemeente.gemeente(name).places if place.picture]

    assert places
    assert [] == [place.picture for place in places if not (CONTENT / place.picture).is_file()]


def test_every_picture_can_be_asked_for():
    texts = catalogue()
    pictures = {entry.picture for entry in texts.entries.values() if entry.picture}

    assert pictures
    assert [] == [name for name in pictures if not media.signed(SETTINGS, name)]


def test_who_may_be_in_danger_gets_no_picture():
    """Somebody else may see the phone; a picture says more at a glance than a text."""
    entries = catalogue().entries

    assert {None} == {entries[key].picture for key in ("answer.emergency", "answer.money")}
