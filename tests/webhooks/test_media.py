"""GET /m/: what a provider fetches for a message."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from app import create_app
from bot import house as houses
from bot import settings
from bot.messaging import media


@pytest.fixture
def house(sqlite_url):
    built = houses.build(settings.load(None, database_url=sqlite_url, environment="practice"))
    yield built
    built.database.close()


@pytest.fixture
def client(house):
    return create_app(house).test_client()


def at(house: houses.House, name: str) -> str:
    return media.PATH + media.signed(house.settings, name)


@pytest.mark.parametrize("name", ["media/afspraak.png", "media/plekken/wijkcentrum.png"])
def test_a_picture_is_handed_out_to_whoever_has_its_address(client, house, name):
    """Providers bring no log-in; they may keep it for a day."""
    answer = client.get(at(house, name))

    assert (200, "image/png") == (answer.status_code, answer.mimetype)
    assert "public, max-age=86400" == answer.headers["Cache-Control"]
    assert "nosniff" == answer.headers["X-Content-Type-Options"]
    assert (800, 418) == Image.open(io.BytesIO(answer.data)).size
    assert (
        304
        == client.get(
            at(house, name), headers={"If-None-Match": answer.headers["ETag"]}
        ).status_code
    )


@pytest.mark.parametrize(
    "told",
    [
        "afspraak.png",
        "0" * 32 + "-media~afspraak.png",
        "..%2f..%2fgemeente.yaml",
        "%00",
        "é-media~afspraak.png",
    ],
)
def test_an_address_that_we_did_not_make_is_404(client, told):
    assert 404 == client.get(media.PATH + told).status_code


@pytest.mark.parametrize("name", ["media/nowhere.png", "media/afspraak.svg", "gemeente.yaml"])
def test_what_is_no_picture_is_404_even_when_signed(client, house, name):
    """The door hands out pictures, not whatever lies below content/."""
    assert 404 == client.get(at(house, name)).status_code


def test_a_machine_may_fetch_it_by_any_name(client, house):
    """A provider comes by way of a proxy, as it does to our doors."""
    answer = client.get(at(house, "media/afspraak.png"), headers={"Host": "10.0.0.5:8000"})

    assert 200 == answer.status_code
