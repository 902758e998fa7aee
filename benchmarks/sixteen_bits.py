"""What painting in bf16 costs a trained method: python -m benchmarks.sixteen_bits STORE

All cells of a store's last run paint their protocol's test pairs in 32 bits and again in bf16. Differences of the
metrics are paired, and follow from rounding alone, for weights are the same.
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
        weights = store.folder(entry).trained_weights()
        if weights:
            both = [_rows(plugins, runs[-1], entry, weights, precision) for precision in ("32-true", "bf16-mixed")]
            for row in _compared(*both):
                table.add_row(entry.variant, *row)
    Console().print(table)


def _rows(plugins: Plugins, run: Run, entry: CellStatus, weights: Path, precision: Precision) -> pd.DataFrame:
    """What the judge finds of a cell on all mask sets that it fills."""
    rules, known = run.protocol, plugins.records("metrics")
    judge = MetricSuite([known[name] for name in METRICS], CPU, rules)
    method = Inpainter.load(plugins.model(entry.method), weights, CPU).method
    method.generator = open_fabric("cpu", precision).setup_module(method.generator)
    images = resolve(plugins.records("image_sets")[rules.image_set].open)(None, "test")
    sets = open_sets({name: rules.masks[name] for name in entry.evaluation_ids}, plugins.records("masks"))
    frames = []
    for name, holes in sets.items():
        evaluation = Evaluator(judge, method, TestPairs(rules, images, holes), 8, 0)
        about = {"method": entry.method, "variant": entry.variant, "seed": entry.seed, "mask_set": name}
        frames.append(evaluation.evaluate(judge.usable, lambda done: None).rows(about))
    return pd.concat(frames)


def _compared(exact: pd.DataFrame, rounded: pd.DataFrame) -> list[tuple[str, ...]]:
    """A line for every mask set and metric: both means, and the largest change."""
    keys = ["mask_set", "metric", "image"]
    pairs = exact.set_index(keys)["value"].to_frame("exact").join(rounded.set_index(keys)["value"])
    groups = pairs.assign(change=(pairs["value"] - pairs["exact"]).abs()).groupby(["mask_set", "metric"], observed=True)
    return [
        (str(masks), str(metric), f"{of['exact'].mean():.5f}", f"{of['value'].mean():.5f}", f"{of['change'].max():.5f}")
        for (masks, metric), of in groups
    ]


if __name__ == "__main__":
    main()
