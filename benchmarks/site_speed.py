"""Measure the size and speed of the result site of a large run: python -m benchmarks.site_speed

Headless Chromium opens the site of a synthetic store from disk. The page's own clock measures the time until it is
loaded, and until sorting or another view is laid out. Needs playwright and Chromium.
"""

import json
import os
import shutil
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from bench_core.store.store import Store
from benchmarks.report_speed import run_report, store_parser, write_store

OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
VISITS = 5
"""Visits of the page; medians of them are printed."""
CLOCK = """() => new Promise(done => {
    const began = performance.now();
    ACTION;
    document.body.getBoundingClientRect();
    requestAnimationFrame(() => setTimeout(() => done(performance.now() - began)));
})"""
"""Milliseconds from ACTION until the page is laid out and painted."""
SORT = "document.querySelectorAll('thead button')[2].click()"
FILTER = """
    const choice = document.querySelector('select[name=part]');
    choice.selectedIndex = 1 + choice.selectedIndex % 3;
    choice.dispatchEvent(new Event('change', { bubbles: true }));
"""


def main() -> None:
    args = store_parser(__doc__, seeds=1, images=500).parse_args()
    with TemporaryDirectory() as folder:
        store, site = Path(folder) / "store", Path(folder) / "site"
        write_store(Store(store), args.variants, args.seeds, args.images, args.metrics)
        seconds, peak = run_report(str(store), ["--format", "html", "-o", str(site)])
        result = {**vars(args), "seconds_to_write": round(seconds, 1), "gib_to_write": round(peak, 2)}
        result["megabytes"] = round(sum(path.stat().st_size for path in site.rglob("*") if path.is_file()) / 1e6, 2)
        print(json.dumps({**result, "processors": os.cpu_count(), "seconds": measure(site / "index.html")}, indent=1))


def measure(page: Path) -> dict[str, float]:
    """Return the median seconds of each action, by the page's own clock."""
    executable = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=OPTIONS)
        visits = [_visit(browser, page) for _ in range(VISITS)]
        browser.close()
    return {name: round(median(visit[name] for visit in visits) / 1000, 3) for name in visits[0]}


def _visit(browser: Browser, path: Path) -> dict[str, Any]:
    """Open the page in a new window, and return milliseconds."""
    page: Page = browser.new_page()
    page.goto(path.as_uri(), wait_until="load")
    time.sleep(0.5)  # plots are drawn after the page is loaded
    (navigation,) = page.evaluate("performance.getEntriesByType('navigation').map(each => each.toJSON())")
    times = {"interactive": navigation["domInteractive"], "loaded": navigation["loadEventEnd"]}
    times |= {
        name: page.evaluate(CLOCK.replace("ACTION", action))
        for name, action in (("sorted", SORT), ("filtered", FILTER))
    }
    page.close()
    return times


if __name__ == "__main__":
    main()
