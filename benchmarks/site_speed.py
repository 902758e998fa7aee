"""How large the site of a large run is and how fast its leaderboard: python benchmarks/site_speed.py

A made-up store of 20 methods on 500 images with 8 metrics becomes a site, which headless chromium opens from the disk.
The page's own clock measures: until it is loaded, and until a sort or a choice of another view is laid out.
"""

import json
import os
import shutil
import time
from argparse import ArgumentParser
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from large_store import make, reported
from playwright.sync_api import Browser, Page, sync_playwright

from bench_core.store.store import Store

OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
TIMES = 5
"""Each is measured so often; the median counts."""
CLOCK = """() => new Promise(done => {
    const began = performance.now();
    ACTION;
    document.body.getBoundingClientRect();
    requestAnimationFrame(() => setTimeout(() => done(performance.now() - began)));
})"""
"""Milliseconds until what ACTION changed is laid out and painted."""
SORT = "document.querySelectorAll('thead button')[2].click()"
FILTER = """
    const choice = document.querySelector('select[name=part]');
    choice.selectedIndex = 1 + choice.selectedIndex % 3;
    choice.dispatchEvent(new Event('change', { bubbles: true }));
"""


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--variants", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--metrics", type=int, default=8)
    size = parser.parse_args()
    with TemporaryDirectory() as folder:
        store, site = Path(folder) / "store", Path(folder) / "site"
        make(Store(store), size)
        seconds, peak = reported(str(store), ["--format", "html", "-o", str(site)])
        found = {**vars(size), "seconds_to_write": round(seconds, 1), "gib_to_write": round(peak, 2)}
        found["megabytes"] = round(sum(path.stat().st_size for path in site.rglob("*") if path.is_file()) / 1e6, 2)
        print(json.dumps({**found, "processors": os.cpu_count(), "seconds": measured(site / "index.html")}, indent=1))


def measured(page: Path) -> dict[str, float]:
    """Medians, in seconds of the page's own clock."""
    executable = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=executable, args=OPTIONS)
        found = [_once(browser, page) for _ in range(TIMES)]
        browser.close()
    return {name: round(median(each[name] for each in found) / 1000, 3) for name in found[0]}


def _once(browser: Browser, path: Path) -> dict[str, Any]:
    """In a window of its own, in milliseconds."""
    page: Page = browser.new_page()
    page.goto(path.as_uri(), wait_until="load")
    time.sleep(0.5)  # the plots come after the page
    (navigation,) = page.evaluate("performance.getEntriesByType('navigation').map(each => each.toJSON())")
    times = {"interactive": navigation["domInteractive"], "loaded": navigation["loadEventEnd"]}
    times |= {"sorted": _timed(page, SORT), "filtered": _timed(page, FILTER)}
    page.close()
    return times


def _timed(page: Page, action: str) -> float:
    return page.evaluate(CLOCK.replace("ACTION", action))


if __name__ == "__main__":
    main()
