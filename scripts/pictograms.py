"""Draw content/media/*.png from the drawings beside them.

    python scripts/pictograms.py [NAME ...]

A provider takes PNG and no SVG. The drawing is what one changes; this photographs it in a browser
at 800x418, the shape that WhatsApp shows whole above a text.
"""

import base64
import io
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

MEDIA = Path(__file__).resolve().parents[1] / "content" / "media"
SIZE = {"width": 800, "height": 418}
LETTERS = MEDIA.parents[1] / "webhooks" / "static" / "fonts" / "noto-sans-ethiopic-700.woff2"
"""For the one drawing with letters: few machines have these."""


def main(names: list[str]) -> None:
    """Draw the pictures called *names*, or all of them."""
    drawings = [path for path in sorted(MEDIA.rglob("*.svg")) if not names or path.stem in names]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        view = browser.new_page(viewport=SIZE)
        font = base64.b64encode(LETTERS.read_bytes()).decode()
        style = (
            "body{margin:0}svg{display:block}@font-face{font-family:Noto Sans Ethiopic;"
            f"src:url(data:font/woff2;base64,{font})}}"
        )
        for drawing in drawings:
            view.set_content(f"<style>{style}</style>{drawing.read_text('utf-8')}")
            view.evaluate("document.fonts.ready")
            picture = Image.open(io.BytesIO(view.screenshot())).convert("RGB").quantize(64)
            target = drawing.with_suffix(".png")
            picture.save(target, optimize=True)
            print(f"{target.relative_to(MEDIA)}: {target.stat().st_size // 1000} kB")
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])
