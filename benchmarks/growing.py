"""Work of any size, for `benchmarks.growth`: each is prepared on entry, and gives what does it once."""

from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from bench_core.data.pairs import TestPairs
from bench_core.evaluation.evaluator import Evaluator
from bench_core.evaluation.metric_suite import MetricSuite
from bench_core.masks.mask_set import open_sets
from bench_core.plugins import Plugins
from bench_core.protocol import MaskSpec, Protocol
from bench_core.specs import Scale, resolve
from bench_core.store.store import Store, read_runs
from bench_perf.inference_loop import InferenceCase
from benchmarks import large_store
from benchmarks.noise import Noise

Work = Callable[[], AbstractContextManager[Callable[[], Any]]]
SIDE, BATCH = 64, 8
BASELINE = "mean_color"


@contextmanager
def painting(name: str, scale: Scale, size: int, batch: int) -> Iterator[Callable[[], Any]]:
    """A method with random weights fills the holes of a batch."""
    subject, given = InferenceCase(name, scale, size, batch, "cpu").opened()
    with torch.inference_mode():
        yield lambda: subject.method.predict(*given)


@contextmanager
def judging(images: int) -> Iterator[Callable[[], Any]]:
    """A baseline paints so many images, and all metrics of pictures that need no network judge it."""
    plugins = Plugins.find()
    metrics = [each for each in plugins.records("metrics").values() if each.per == "image" and not each.weights]
    protocol = Protocol(
        name="growth",
        image_set="noise",
        size=SIDE,
        masks={"m": MaskSpec(family="free_form")},
        steps=0,
        batch=BATCH,
        metrics=tuple(metric.definition for metric in metrics),
    )
    (holes,) = open_sets(protocol.masks, plugins.records("masks")).values()
    method = resolve(plugins.model(BASELINE).build)("paper", 3)
    judge = MetricSuite(metrics, torch.device("cpu"), protocol)
    evaluation = Evaluator(judge, method, TestPairs(protocol, Noise(images, SIDE), holes), BATCH, 0)
    about = {"method": BASELINE, "variant": BASELINE, "seed": 0, "mask_set": "m"}
    yield lambda: evaluation.evaluate(judge.usable, lambda done: None).rows(about)


@contextmanager
def reporting(methods: int, seeds: int, images: int, metrics: int) -> Iterator[Callable[[], Any]]:
    """A table is built of a store that holds methods x seeds cells."""
    build, known = resolve("bench_reports.tables.table:build"), Plugins.find().records("metrics")
    with TemporaryDirectory() as folder:
        large_store.make(Store(Path(folder)), Namespace(variants=methods, seeds=seeds, images=images, metrics=metrics))
        yield lambda: build(*read_runs(Path(folder)), known)
