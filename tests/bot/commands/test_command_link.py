"""`stap link`: one line with the link, and a QR code that scans."""

from __future__ import annotations

import zxingcpp
from click.testing import CliRunner
from PIL import Image

from bot import moments
from bot.__main__ import main
from bot.db import Database
from bot.models.ambassadeurs import Ambassadeur


def test_a_link_is_printed_and_drawn_and_stays_the_same(sqlite_url, monkeypatch, tmp_path):
    """The card in the pocket and the poster on the wall lead to one place."""
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    monkeypatch.setenv("PUBLIC_URL", "https://stap.example")
    database = Database(sqlite_url)
    with database.session() as session:
        session.add(
            Ambassadeur(
                kenmerk="AMB1", first_name="Fatuma", languages=["ar"], created_at=moments.now()
            )
        )
    database.close()
    png, svg = tmp_path / "qr.png", tmp_path / "qr.svg"

    first = CliRunner().invoke(main, ["link", "AMB1", "--png", str(png), "--svg", str(svg)])
    again = CliRunner().invoke(main, ["link", "AMB1"])
    unknown = CliRunner().invoke(main, ["link", "AMB9"])
    nowhere = CliRunner().invoke(main, ["link", "AMB1", "--png", str(tmp_path / "no" / "qr.png")])

    assert (0, 0, 1, 1) == tuple(r.exit_code for r in (first, again, unknown, nowhere))
    assert first.stdout == again.stdout
    with Image.open(png) as picture:
        assert [first.stdout.strip()] == [code.text for code in zxingcpp.read_barcodes(picture)]
    assert "viewBox" in svg.read_text()
    assert "AMB9" in unknown.stderr
