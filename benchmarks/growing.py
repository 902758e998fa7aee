"""Work of any size, for `benchmarks.growth`: judging so many images, and building a table of so many cells."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from bench_core import seeds
from bench_core.evaluation import Evaluation
from bench_core.judging import Judge
from bench_core.mask_sets.holes import open_sets
from bench_core.pairs import TestPairs
from bench_core.plugins import Plugins
from bench_core.protocol import MaskSet, Protocol
from bench_core.specs import Metric, resolve
from bench_core.store import Entry, Run, Store, as_rows

SIDE, BATCH = 64, 8
IMAGES, METRICS = 100, 8
"""Of every cell of a table."""
BASELINE = "mean_color"


def light(plugins: Plugins) -> list[Metric]:
    """Metrics of single pictures that need no network."""
    return [each for each in plugins.records("metrics").values() if each.per == "image" and each.weights is None]


def rules(metrics: list[Metric]) -> Protocol:
    return Protocol(
        name="growth",
        image_set="noise",
        size=SIDE,
        masks={"m": MaskSet(family="free_form")},
        steps=0,
        batch=1,
        metrics=tuple(metric.definition for metric in metrics),
    )


class Noise:
    """An image set of 8-bit noise, drawn when it is asked for."""

    def __init__(self, count: int) -> None:
        self.names = [str(number) for number in range(count)]

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> np.ndarray:
        return seeds.generator("noise", index).integers(0, 256, (SIDE, SIDE, 3), np.uint8)


@dataclass(frozen=True)
class Judging:
    """A baseline paints so many images, and all light metrics judge it."""

    count: int
    device: str = "cpu"

    def __call__(self, advance: Callable[..., None]) -> None:
        plugins = Plugins.find()
        metrics = light(plugins)
        protocol = rules(metrics)
        (holes,) = open_sets(protocol.masks, plugins.records("masks")).values()
        method = resolve(plugins.model(BASELINE).build)("paper", 3).eval()
        judge, pairs = (
            Judge(metrics, torch.device(self.device), protocol),
            TestPairs(protocol, Noise(self.count), holes),
        )
        about = {"method": BASELINE, "variant": BASELINE, "seed": 0, "mask_set": "m"}
        advance()
        while True:
            Evaluation(judge, method, pairs, BATCH, 0).judged(judge.usable, lambda done: None).rows(about)
            advance()


@dataclass(frozen=True)
class Reporting:
    """A table is built of so many cells in a store."""

    count: int
    device: str = "cpu"

    def __call__(self, advance: Callable[..., None]) -> None:
        plugins = Plugins.find()
        metrics = light(plugins)[:METRICS]
        build = resolve("bench_reports.table:build")
        with TemporaryDirectory() as folder:
            store = Store(Path(folder))
            entries = [cell(store, f"method-{number}", metrics) for number in range(self.count)]
            run = Run(rules(metrics), "noise", IMAGES, entries, {})
            advance()
            while True:
                build(store, [run], plugins.records("metrics"))
                advance()


def cell(store: Store, name: str, metrics: list[Metric]) -> Entry:
    """A method's cell with random values of all metrics."""
    values = seeds.generator(name).gamma(2, 0.1, (len(metrics), IMAGES))
    about = {"method": name, "variant": name, "seed": 0, "mask_set": "m", "mask_set_hash": "m", "hole_ratio": 0.25}
    folder = store.cell({"variant": name, "seed": 0})
    records = (
        {
            **about,
            "metric": metric.definition,
            "version": metric.version,
            "region": metric.region,
            "source": metric.source,
            "image": str(image),
            "value": value,
        }
        for metric, row in zip(metrics, values, strict=True)
        for image, value in enumerate(row)
    )
    folder.add_rows("judgement", as_rows(records))
    return Entry(name, name, 0, "done", folder.path.name, judgements={"m": "judgement"})
