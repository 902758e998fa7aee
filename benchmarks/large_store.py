"""How long `bench report` takes on a large store, and how much memory: python benchmarks/large_store.py

The store is made in a temporary folder: a cell is one variant and seed, its values those of the image, the variant and
some noise. The command runs as a process of its own.
"""

import os
import subprocess
import sys
import time
from argparse import ArgumentParser, Namespace
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
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--variants", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--metrics", type=int, default=8, help=f"of {len(METRICS)}")
    parser.add_argument("report", nargs="*", help="options of `bench report`, after --")
    size = parser.parse_args()
    with TemporaryDirectory() as folder:
        make(Store(Path(folder)), size)
        seconds, peak = reported(folder, size.report)
    rows = size.variants * size.seeds * size.images * size.metrics
    print(
        f"{rows:,} rows of {size.variants} variants x {size.seeds} seeds x {size.images:,} images x {size.metrics} "
        f"metrics: {seconds:.1f} s, {peak:.2f} GiB at most"
    )


def make(store: Store, size: Namespace) -> None:
    """Write the cells, and a run of them all."""
    rng, metrics = np.random.default_rng(0), METRICS[: size.metrics]
    difficulty = rng.gamma(2, 0.02, (len(metrics), size.images))
    images = [f"{number:08}.jpg" for number in range(size.images)]
    frame = pd.DataFrame(
        {
            "image": np.tile(images, len(metrics)),
            "mask_set": "free-form",
            "mask_set_hash": "0" * 64,
            "hole_ratio": np.tile(rng.uniform(0.1, 0.5, size.images), len(metrics)),
            "metric": np.repeat([metric.definition for metric in metrics], size.images),
            "version": np.repeat([metric.version for metric in metrics], size.images),
            "region": "full",
            "source": "composite",
        }
    )
    entries = []
    for variant in range(size.variants):
        for seed in range(size.seeds):
            name = f"method-{variant}"
            values = difficulty + 0.0005 * variant + rng.normal(0, 0.01, difficulty.shape)
            cell = store.cell({"variant": name, "seed": seed})
            rows = frame.assign(method=name, variant=name, seed=seed, value=values.ravel())
            cell.add_rows("judgement", rows[list(COLUMNS)].astype(COLUMNS))
            entries.append(
                CellStatus(name, name, seed, "done", cell.path.name, evaluation_ids={"free-form": "judgement"})
            )
    protocol = Protocol.model_validate(
        {"name": "large", "image_set": "folder", "size": 256, "steps": 100_000, "batch": 16}
        | {"seeds": range(size.seeds), "metrics": [metric.definition for metric in metrics]}
        | {"masks": {"free-form": {"family": "free_form"}}}
    )
    store.write_run(Run(protocol, "digest of the images", size.images, entries, {}))


def reported(folder: str, options: list[str]) -> tuple[float, float]:
    """Seconds, and GiB at most, that the command took."""
    began = time.perf_counter()
    child = subprocess.Popen([sys.executable, "-m", "bench_core", "report", folder, *options])
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(child.returncode)
    return time.perf_counter() - began, usage.ru_maxrss / 2**20


if __name__ == "__main__":
    main()
