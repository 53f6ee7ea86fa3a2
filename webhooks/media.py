"""What a provider fetches for a message, and a page plays: pictures and sounds of ours."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from flask import Blueprint, Response, abort, current_app, request

from bot.house import House
from bot.messaging import media, voices

door = Blueprint("media", __name__)

A_DAY = 24 * 60 * 60

TYPES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg"}


@door.get(media.PATH + "<told>")
def fetched(told: str) -> Response:
    """Hand out one file whose address we signed; 404 for all else, without a word why."""
    house: House = current_app.extensions["house"]
    name = media.believed(house.settings, told)
    if name is None:
        abort(404)
    if name.startswith(voices.FOLDER):
        return _voice(house, name)
    return _picture(house.catalogue.directory, name)


def _voice(house: House, name: str) -> Response:
    with house.database.reading() as session:
        found = voices.content(session, house.settings, name)
    if found is None:
        abort(404)
    shown = _shown(*found)
    shown.headers["Cache-Control"] = "private, max-age=300"  # it may be taken back
    return shown


def _picture(directory: Path, name: str) -> Response:
    path = directory / name
    kind = TYPES.get(path.suffix)
    if kind is None or not path.is_file():
        abort(404)
    return _shown(path.read_bytes(), kind)


def _shown(content: bytes, kind: str) -> Response:
    """Return *content*, or the part of it that was asked for: a player asks for parts."""
    shown = Response(content, mimetype=kind, headers={"Cache-Control": f"public, max-age={A_DAY}"})
    shown.add_etag()
    return cast(
        Response,
        shown.make_conditional(request, accept_ranges=True, complete_length=len(content)),
    )
