"""Screenshots of a site for README and docs: python reports/quick/screenshots.py SITE"""

import os
import shutil
import sys
from pathlib import Path
from typing import Literal

from playwright.sync_api import sync_playwright

ASSETS = Path(__file__).resolve().parents[2] / "docs" / "assets"
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
VIEWS: dict[str, tuple[str, Literal["light", "dark"]]] = {
    "leaderboard": ("index.html", "light"),
    "method": ("methods/gated-*.html", "dark"),
    "gallery": ("gallery.html", "light"),
}
"""Pattern and colour scheme of each page."""


def main(site: Path) -> None:
    executable = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=executable, args=OPTIONS)
        for name, (pattern, colours) in VIEWS.items():
            (path,) = site.glob(pattern)
            page = browser.new_page(viewport={"width": 1280, "height": 1040}, color_scheme=colours)
            page.goto(path.absolute().as_uri(), wait_until="networkidle")
            page.screenshot(path=ASSETS / f"{name}.png")
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
