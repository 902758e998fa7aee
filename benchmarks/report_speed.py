"""Measure the time and memory of `bench report` on a large synthetic store: python -m benchmarks.report_speed

The store lies in a temporary folder, and the command runs in a process of its own. With `--site` the command writes the
result site, which headless Chromium opens from disk. The page's own clock measures the time until it is loaded, and
until sorting or another view is laid out. That needs playwright and Chromium.
"""

import os
import shutil
import subprocess
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bench_core.metrics import bench_metrics
from bench_core.protocol import Protocol
from bench_core.store.rows import COLUMNS
from bench_core.store.store import CellStatus, Run, Store

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUM = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
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
METRICS = [metric for metric in bench_metrics() if metric.per == "image"]


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--variants", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--metrics", type=int, default=8, help=f"at most {len(METRICS)}")
    parser.add_argument("--site", action="store_true", help="write the site, and measure it in Chromium")
    parser.add_argument("report", nargs="*", help="options of `bench report`, after --")
    args = parser.parse_args()
    with TemporaryDirectory() as folder:
        store, site = Path(folder) / "store", Path(folder) / "site"
        write_store(Store(store), args.variants, args.seeds, args.images, args.metrics)
        options = ["--format", "html", "-o", str(site)] if args.site else args.report
        seconds, peak = run_report(store, options)
        rows = args.variants * args.seeds * args.images * args.metrics
        print(
            f"{rows:,} rows of {args.variants} variants x {args.seeds} seeds x {args.images:,} images x {args.metrics} "
            f"metrics: {seconds:.1f} s, peak {peak:.2f} GiB"
        )
        if args.site:
            megabytes = sum(path.stat().st_size for path in site.rglob("*") if path.is_file()) / 1e6
            times = ", ".join(f"{name} {seconds:.3f} s" for name, seconds in measure_site(site / "index.html").items())
            print(f"site of {megabytes:.2f} MB on {os.cpu_count()} cores: {times}")


def write_store(store: Store, variants: int, seeds: int, images: int, metrics: int) -> None:
    """Write a run of variants x seeds cells. Values depend on image and variant, with some noise."""
    rng, definitions = np.random.default_rng(0), METRICS[:metrics]
    difficulty = rng.gamma(2, 0.02, (len(definitions), images))
    names = [f"{number:08}.jpg" for number in range(images)]
    frame = pd.DataFrame(
        {
            "image": np.tile(names, len(definitions)),
            "mask_set": "free-form",
            "mask_set_hash": "0" * 64,
            "hole_ratio": np.tile(rng.uniform(0.1, 0.5, images), len(definitions)),
            "metric": np.repeat([metric.definition for metric in definitions], images),
            "version": np.repeat([metric.version for metric in definitions], images),
            "code": "",
            "region": "full",
            "source": "composite",
        }
    )
    entries = []
    for variant in range(variants):
        for seed in range(seeds):
            name = f"method-{variant}"
            values = difficulty + 0.0005 * variant + rng.normal(0, 0.01, difficulty.shape)
            cell = store.cell({"variant": name, "seed": seed})
            rows = frame.assign(method=name, variant=name, seed=seed, value=values.ravel())
            cell.add_rows("all", rows[list(COLUMNS)].astype(COLUMNS))
            entries.append(CellStatus(name, name, seed, "done", cell.path.name, evaluation_ids={"free-form": "all"}))
    protocol = Protocol.model_validate(
        {"name": "large", "image_set": "folder", "size": 256, "steps": 100_000, "batch": 16}
        | {"seeds": range(seeds), "metrics": [metric.definition for metric in definitions]}
        | {"masks": {"free-form": {"family": "free_form"}}}
    )
    store.write_run(Run(protocol, "digest of the images", images, entries, {}))


def run_report(store: Path, options: list[str]) -> tuple[float, float]:
    """Run `bench report` in a child, and return its seconds and peak memory in GiB."""
    began = time.perf_counter()
    child = subprocess.Popen([sys.executable, "-m", "bench_core", "report", str(store), *options])
    # wait4 gives the peak of this child alone.
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(child.returncode)
    return time.perf_counter() - began, usage.ru_maxrss / 2**20


def measure_site(page: Path) -> dict[str, float]:
    """Return the median seconds of each action, by the page's own clock."""
    from playwright.sync_api import sync_playwright

    executable = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=CHROMIUM)
        visits = [_visit(browser, page) for _ in range(VISITS)]
        browser.close()
    return {name: round(median(visit[name] for visit in visits) / 1000, 3) for name in visits[0]}


def _visit(browser: "Browser", path: Path) -> dict[str, Any]:
    """Open the page in a new window, and return milliseconds."""
    page = browser.new_page()
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
