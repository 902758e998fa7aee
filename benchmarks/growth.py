"""Measure how time and memory grow with image size, batch, images and cells: python -m benchmarks.growth

Each point has a process of its own. It records the shortest of a few runs, and the peak memory beyond what was in use
before the first.
"""

from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, get_args

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from bench_core.data.pairs import TestPairs
from bench_core.evaluation.evaluator import Evaluator
from bench_core.evaluation.metric_suite import MetricSuite
from bench_core.masks.mask_set import open_sets
from bench_core.methods.compatibility import refused_size
from bench_core.plugins import Plugins
from bench_core.protocol import MaskSpec, Protocol
from bench_core.specs import Scale, resolve
from bench_core.store.store import Store, read_runs
from bench_core.system import files
from bench_core.system.allocator import tune_malloc
from bench_perf import machine
from bench_perf.cases.forward import InferenceCase
from bench_perf.noise_images import NoiseImages
from bench_perf.peak_memory import track_peak_memory
from bench_perf.settings import Settings
from benchmarks.report_speed import write_store

PARTS = ("size", "batch", "images", "cells")
METHODS = ("pconv", "gated", "dmfn:released")
SIZES, BATCHES = (64, 128, 256, 512, 1024), (1, 2, 4, 8)
IMAGES, MANY_IMAGES = (10, 100, 1000), 10_000
CELL = {"images": 100, "metrics": 8}
"""Rows of a table's cell."""
EVALUATED = {"size": 64, "batch": 8}
BASELINE = "mean_color"
MAX_RUNS, MAX_SECONDS = 3, 20.0
"""Runs of each point. No further run starts after the seconds are over."""

Work = Callable[[], AbstractContextManager[Callable[[], Any]]]
"""Prepares a computation on entry, and gives a function that runs it once."""


@dataclass(frozen=True)
class Curve:
    """Points of one computation, by the number that grows."""

    part: str
    name: str
    points: dict[int, Work]


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all if not given")
    parser.add_argument("--scale", default="paper", choices=get_args(Scale), help="scale of the networks")
    parser.add_argument("--most", type=int, help="skip points above this number")
    parser.add_argument("--long", action="store_true", help=f"also evaluate {MANY_IMAGES:,} images")
    parser.add_argument("--json", type=Path, help="also write all measurements to this file")
    args = parser.parse_args()
    tune_malloc()
    settings = Settings(Plugins.find(), METHODS, tuple(args.parts or PARTS), scale=args.scale, seconds=MAX_SECONDS)
    metadata = machine.metadata(settings)
    measured = [measure_curve(curve, args.most, settings.threads) for curve in curves(settings, args.long)]
    Console().print(table(measured))
    if args.json:
        files.write_json(args.json, {**metadata, "load_after": machine.load_average(), "curves": measured})


def curves(settings: Settings, long: bool) -> Iterator[Curve]:
    """Yield the curves of the requested parts, without sizes that a method does not support."""
    scale: Scale = settings.scale
    for name in settings.methods:
        model = settings.plugins.model(name)
        sizes = [size for size in SIZES if not refused_size(model, scale, size)]
        if "size" in settings.parts:
            yield Curve("size", name, {size: partial(inference, name, scale, size, 1) for size in sizes})
        if "batch" in settings.parts:
            yield Curve("batch", name, {batch: partial(inference, name, scale, 256, batch) for batch in BATCHES})
    if "images" in settings.parts:
        counts = (*IMAGES, MANY_IMAGES) if long else IMAGES
        yield Curve("images", "evaluation", {count: partial(evaluation, count) for count in counts})
    if "cells" in settings.parts:
        yield Curve("cells", "table", {10 * seeds: partial(report, 10, seeds, **CELL) for seeds in (1, 5, 20)})


@contextmanager
def inference(name: str, scale: Scale, size: int, batch: int) -> Iterator[Callable[[], Any]]:
    """Predict one batch with a method that has random weights."""
    subject, tensors = InferenceCase(name, scale, size, batch, "cpu").build()
    with torch.inference_mode():
        yield lambda: subject.method.predict(*tensors)


@contextmanager
def evaluation(num_images: int) -> Iterator[Callable[[], Any]]:
    """Evaluate a fast baseline with all network-free metrics."""
    plugins = Plugins.find()
    metrics = [each for each in plugins.records("metrics").values() if each.per == "image" and not each.weights]
    protocol = Protocol(
        name="growth",
        image_set="noise",
        masks={"m": MaskSpec(family="free_form")},
        steps=0,
        metrics=tuple(metric.definition for metric in metrics),
        **EVALUATED,
    )
    (holes,) = open_sets(protocol.masks, plugins.records("masks")).values()
    method = resolve(plugins.model(BASELINE).build)("paper", 3)
    suite = MetricSuite(metrics, torch.device("cpu"), protocol)
    pairs = TestPairs(protocol, NoiseImages(num_images, EVALUATED["size"]), holes)
    evaluator = Evaluator(suite, method, pairs, EVALUATED["batch"], 0)
    columns = {"method": BASELINE, "variant": BASELINE, "seed": 0, "mask_set": "m"}
    yield lambda: evaluator.evaluate(suite.usable, lambda done: None).rows(columns)


@contextmanager
def report(methods: int, seeds: int, images: int, metrics: int) -> Iterator[Callable[[], Any]]:
    """Build a result table of methods x seeds cells."""
    build, known = resolve("bench_reports.tables.table:build"), Plugins.find().records("metrics")
    with TemporaryDirectory() as folder:
        write_store(Store(Path(folder)), methods, seeds, images, metrics)
        yield lambda: build(*read_runs(Path(folder)), known)


def measure_curve(curve: Curve, most: int | None, threads: int) -> dict[str, Any]:
    """Measure a curve's points up to `most`, and fit the powers of its costs."""
    points = []
    for number, work in curve.points.items():
        if most is None or number <= most:
            points.append({"number": number, **measure_point(work, threads)})
            print(curve.name, curve.part, points[-1], flush=True)
    numbers = [point["number"] for point in points]
    powers = {cost: power(numbers, [point[cost] for point in points]) for cost in ("seconds", "mib")}
    return {"against": curve.part, "name": curve.name, "points": points, "powers": powers}


def measure_point(work: Work, threads: int) -> dict[str, Any]:
    """Measure a computation in a process of its own. If it fails, its costs are None and the reason is given."""
    # A forked process would start with its parent's memory, which hides its own.
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        try:
            return process.submit(_costs, work, threads).result()
        except Exception as error:  # a gap in the curve
            return {"seconds": None, "mib": None, "reason": f"{type(error).__name__}: {error}"}


def _costs(work: Work, threads: int) -> dict[str, float | None]:
    torch.set_num_threads(threads)
    with work() as run:
        read_peak, samples = track_peak_memory(torch.device("cpu")), []
        while len(samples) < MAX_RUNS and sum(samples) < MAX_SECONDS:
            began = perf_counter()
            run()
            samples.append(perf_counter() - began)
        return {"seconds": min(samples), "mib": read_peak()}


def power(numbers: Sequence[float], costs: Sequence[float | None]) -> float | None:
    """Fit the power with which costs grow: the log-log slope in the upper half of the measured points.

    Points whose cost is None or 0 are left out. Returns None if fewer than two remain.
    """
    known = [(number, cost) for number, cost in zip(numbers, costs, strict=True) if cost]
    if len(known) < 2:
        return None
    upper = np.log(known[min(len(known) // 2, len(known) - 2) :])
    return round(float(np.polyfit(*upper.T, 1)[0]), 2)


def table(curves: list[dict[str, Any]]) -> Table:
    """Make a table of each curve's last point and its powers."""
    shown = Table("case", "grows with", "up to", "s", "power", "MiB", "power", title="Growth of costs")
    for curve in curves:
        for last in curve["points"][-1:]:
            cells = (last["number"], last["seconds"], curve["powers"]["seconds"], last["mib"], curve["powers"]["mib"])
            shown.add_row(curve["name"], curve["against"], *("" if cell is None else f"{cell:.4g}" for cell in cells))
    return shown


if __name__ == "__main__":
    main()
