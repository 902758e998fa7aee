"""Measure how bf16 inference changes the metrics of trained methods: python -m benchmarks.half_precision STORE

Each trained cell of the store's last run predicts its protocol's test pairs in 32 bits and in bf16, with the same
weights. So all differences come from rounding.
"""

from argparse import ArgumentParser
from pathlib import Path

import pandas as pd
import torch
from rich.console import Console
from rich.table import Table

from bench_core.data.pairs import TestPairs
from bench_core.evaluation.evaluator import Evaluator
from bench_core.evaluation.metric_suite import MetricSuite
from bench_core.masks.mask_set import open_sets
from bench_core.methods.inpaint import Inpainter
from bench_core.plugins import Plugins
from bench_core.specs import resolve
from bench_core.store.store import CellStatus, Run, read_runs
from bench_core.system.devices import Precision, open_fabric

METRICS = ("l1@full", "psnr@full", "ssim@skimage", "lpips@alex")
CPU = torch.device("cpu")


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("store", type=Path)
    store, runs = read_runs(parser.parse_args().store)
    plugins = Plugins.all()
    table = Table("method", "masks", "metric", "32 bits", "bf16", "largest change of an image")
    for entry in (entry for entry in runs[-1].entries if entry.state == "done"):
        if weights := store.folder(entry).trained_weights():
            exact, rounded = (evaluate(plugins, runs[-1], entry, weights, each) for each in ("32-true", "bf16-mixed"))
            for row in compare(exact, rounded):
                table.add_row(entry.variant, *row)
    Console().print(table)


def evaluate(plugins: Plugins, run: Run, entry: CellStatus, weights: Path, precision: Precision) -> pd.DataFrame:
    """Evaluate a cell on its mask sets, and return one row per mask set, image and metric."""
    protocol, known = run.protocol, plugins.records("metrics")
    suite = MetricSuite([known[name] for name in METRICS], CPU, protocol)
    method = Inpainter.load(plugins.model(entry.method), weights, CPU).method
    method.generator = open_fabric("cpu", precision).setup_module(method.generator)
    images = resolve(plugins.records("image_sets")[protocol.image_set].open)(None, "test")
    sets = open_sets({name: protocol.masks[name] for name in entry.evaluation_ids}, plugins.records("masks"))
    frames = []
    for name, holes in sets.items():
        evaluator = Evaluator(suite, method, TestPairs(protocol, images, holes), 8, 0)
        columns = {"method": entry.method, "variant": entry.variant, "seed": entry.seed, "mask_set": name}
        frames.append(evaluator.evaluate(suite.usable, lambda done: None).rows(columns))
    return pd.concat(frames)


def compare(exact: pd.DataFrame, rounded: pd.DataFrame) -> list[tuple[str, ...]]:
    """Return mask set, metric, both means and the largest change of an image, as text."""
    keys = ["mask_set", "metric", "image"]
    pairs = exact.set_index(keys)["value"].to_frame("exact").join(rounded.set_index(keys)["value"])
    groups = pairs.assign(change=(pairs["value"] - pairs["exact"]).abs()).groupby(["mask_set", "metric"], observed=True)
    found = groups[["exact", "value"]].mean().assign(change=groups["change"].max())
    rows = zip(found.index, found.to_numpy(), strict=True)
    return [(*map(str, key), *(f"{value:.5f}" for value in values)) for key, values in rows]


if __name__ == "__main__":
    main()
