"""Measure the time and memory of `bench report` on a large synthetic store: python -m benchmarks.report_speed

The store lies in a temporary folder, and the command runs in a process of its own.
"""

import os
import subprocess
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from bench_core.metrics import bench_metrics
from bench_core.protocol import Protocol
from bench_core.store.rows import COLUMNS
from bench_core.store.store import CellStatus, Run, Store

METRICS = [metric for metric in bench_metrics() if metric.per == "image"]


def main() -> None:
    parser = store_parser(__doc__, seeds=10, images=5000)
    parser.add_argument("report", nargs="*", help="options of `bench report`, after --")
    args = parser.parse_args()
    with TemporaryDirectory() as folder:
        write_store(Store(Path(folder)), args.variants, args.seeds, args.images, args.metrics)
        seconds, peak = run_report(folder, args.report)
    rows = args.variants * args.seeds * args.images * args.metrics
    print(
        f"{rows:,} rows of {args.variants} variants x {args.seeds} seeds x {args.images:,} images x {args.metrics} "
        f"metrics: {seconds:.1f} s, peak {peak:.2f} GiB"
    )


def store_parser(description: str, seeds: int, images: int) -> ArgumentParser:
    """Make a parser for the size of the store."""
    parser = ArgumentParser(description=description)
    parser.add_argument("--variants", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=seeds)
    parser.add_argument("--images", type=int, default=images)
    parser.add_argument("--metrics", type=int, default=8, help=f"at most {len(METRICS)}")
    return parser


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


def run_report(folder: str, options: list[str]) -> tuple[float, float]:
    """Run `bench report` in a child, and return its seconds and peak memory in GiB."""
    began = time.perf_counter()
    child = subprocess.Popen([sys.executable, "-m", "bench_core", "report", folder, *options])
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(child.returncode)
    return time.perf_counter() - began, usage.ru_maxrss / 2**20


if __name__ == "__main__":
    main()
