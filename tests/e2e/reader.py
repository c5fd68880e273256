"""Somebody who reads pages in one language, and looks at each at any width, in any light.

With `PTX_SCREENSHOTS=FOLDER` each is also drawn: for a desk by day, in English, and for a telephone
by night, in French.
"""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page

from node.api.texts import texts_of
from node.config import PROJECT_ROOT

AXE = PROJECT_ROOT / "node_modules" / "axe-core" / "axe.min.js"
RUN_AXE = """
async () => {
  const { violations } = await axe.run(document, { resultTypes: ["violations"] });
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}
"""
WIDTHS = (320, 1280)
SCHEMES = ("light", "dark")
DRAWN = {("en", "light", 1280): "desk", ("fr", "dark", 320): "telephone"}
SCREENSHOTS = os.environ.get("PTX_SCREENSHOTS")
COLOURS = 256
"""So many are in a drawing, which takes half the room of all."""


class Reader:
    """Goes from page to page."""

    def __init__(self, page: Page, language: str) -> None:
        self.page = page
        self.language = language
        self.texts: dict[str, Any] = texts_of(language)

    def go(self, path: str) -> None:
        """Opens a page anew, in the reader's language."""
        address, mark, token = path.partition("#")
        joint = "&" if "?" in address else "?"
        self.page.goto("about:blank")
        self.page.goto(f"{address}{joint}lang={self.language}{mark}{token}")

    def press(self, text: str) -> None:
        """A button by what it says."""
        self.page.get_by_role("button", name=text).click()

    def check(self, state: str) -> None:
        """Axe finds nothing wrong with what is shown, and nothing is cut."""
        self.page.evaluate(
            "for (const each of document.querySelectorAll('details')) each.open = true"
        )
        for scheme in SCHEMES:
            self.page.emulate_media(color_scheme=scheme)
            for width in WIDTHS:
                self.page.set_viewport_size({"width": width, "height": 900})
                assert self.page.evaluate("document.documentElement.scrollWidth") <= width, state
                device = DRAWN.get((self.language, scheme, width))
                if SCREENSHOTS and device:
                    self._draw(Path(SCREENSHOTS) / f"{state}-{device}.png")
            self.page.evaluate(AXE.read_text(encoding="utf-8"))
            assert (found := self.page.evaluate(RUN_AXE)) == [], (state, scheme, found)

    def _draw(self, path: Path) -> None:
        shown = Image.open(BytesIO(self.page.screenshot(full_page=True))).convert("RGB")
        shown.quantize(COLOURS).save(path, optimize=True)
