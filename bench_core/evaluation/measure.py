"""Measurement of predictions with the metrics of a protocol."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from hashlib import sha256
from itertools import groupby
from math import isnan, nan
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from bench_core.data.loader import loader
from bench_core.data.pairs import Pairs, to_floats
from bench_core.evaluation.metric_suite import MetricSuite
from bench_core.methods.method import composite
from bench_core.metrics.code import features_name, metric_code
from bench_core.metrics.per_image import compute_metrics
from bench_core.metrics.regions import is_empty, region_arguments
from bench_core.specs import Metric, resolve
from bench_core.store.features import Features
from bench_core.store.rows import as_rows
from bench_core.system.tf32 import tf32


@dataclass(frozen=True)
class PredictionBatch:
    """A batch of pairs and the predictions for them, on the device of the metrics."""

    indexes: list[int]
    image: Tensor
    """(b, c, h, w) in [0, 1]: the ground truth."""
    hole: Tensor
    """(b, 1, h, w), 1 = missing."""
    prediction: Tensor
    """(b, c, h, w) in [0, 1]."""
    pixels: Tensor | None = None
    """uint8 (b, c, h, w) on the CPU: the ground truth as it was read. Without it nothing about it is cached."""

    @cached_property
    def keys(self) -> list[bytes]:
        """The sha256 of each ground truth, hashed without waiting for the device; empty if its pixels are not given."""
        pixels = [] if self.pixels is None else self.pixels
        return [sha256(f"{tuple(one.shape)}".encode() + one.numpy().tobytes()).digest() for one in pixels]

    def measured_image(self, source: str, quantised: bool) -> Tensor:
        """Return the composite or the whole prediction ("raw"), in 8 bits or in floats, as a metric sees it."""
        prediction = eight_bit(self.prediction) if quantised else self.prediction
        return prediction if source == "raw" else composite(self.image, self.hole, prediction)


def eight_bit(image: Tensor) -> Tensor:
    """Round to what a PNG holds, still as floats in [0, 1]."""
    return (image * 255).round() / 255


@dataclass(frozen=True)
class BatchMetrics:
    """Measurements of one batch, as plain data that one process can send to another."""

    records: list[dict[str, Any]]
    ratios: list[float]
    holes: bytes
    features: dict[str, np.ndarray]


@dataclass(frozen=True)
class StartedBatch:
    """Measurements of one batch on their device, which may still be computing them."""

    batch: PredictionBatch
    names: list[str]
    metrics: list[Metric]
    """Those of single images."""
    values: list[Tensor]
    """(b,) for each metric."""
    features: dict[str, Tensor]

    def fetch(self) -> BatchMetrics:
        """Wait for the device, and return its measurements.

        Raises:
            ValueError: a metric is NaN on an image in which its region is not empty.
        """
        hole = self.batch.hole
        empty = [is_empty(metric.region, hole) for metric in self.metrics]
        rows = torch.stack([each.double() for each in (hole.mean((1, 2, 3)), *self.values, *empty)])
        ratios, *found = rows.tolist()  # one transfer from the device for all metrics
        records = []
        for metric, values, no_pixel in zip(self.metrics, found, found[len(self.metrics) :], strict=False):
            for name, ratio, value, nothing in zip(self.names, ratios, values, no_pixel, strict=True):
                if isnan(value) and not nothing:
                    raise ValueError(f"{metric.definition} is NaN on the image {name}")
                records.append(record(metric, image=name, hole_ratio=ratio, value=nan if nothing else value))
        holes = np.packbits(hole.byte().flatten(1).cpu().numpy(), axis=1).tobytes()
        return BatchMetrics(records, ratios, holes, {name: x.cpu().numpy() for name, x in self.features.items()})


@dataclass
class EvaluationResult:
    """Measurements on one mask set, gathered batch by batch."""

    suite: MetricSuite
    metrics: list[Metric]
    _records: list[dict[str, Any]] = field(default_factory=list)
    _features: dict[str, list[np.ndarray]] = field(default_factory=dict)
    _ratios: list[float] = field(default_factory=list)
    _holes: Any = field(default_factory=sha256)
    """The sha256 of all holes so far, packed, in the order of the pairs."""

    @tf32(False)
    def start(self, batch: PredictionBatch, names: list[str]) -> StartedBatch:
        """Start to measure a batch in full 32 bits, without waiting for the device.

        Args:
            names: names of the pairs, for the rows.
        """
        regions = {name: region_arguments(name, batch.hole) for name in {metric.region for metric in self.metrics}}
        measured: dict[Metric, Tensor] = {}
        features: dict[str, Tensor] = {}
        for seen, group in groupby(sorted(self.metrics, key=_input), _input):
            image, alike = batch.measured_image(*seen), list(group)
            for metric in alike:
                if metric.per == "set" and (name := features_name(metric)) not in features:
                    features[name] = self.suite.function(metric)(image)
            metrics = [metric for metric in alike if metric.per == "image"]
            functions = [self._function(metric, batch) for metric in metrics]
            arguments = [regions[metric.region] for metric in metrics]
            measured |= zip(metrics, compute_metrics(functions, arguments, image, batch.image), strict=True)
        per_image = [metric for metric in self.metrics if metric.per == "image"]
        return StartedBatch(batch, names, per_image, [measured[metric] for metric in per_image], features)

    def _function(self, metric: Metric, batch: PredictionBatch) -> Any:
        """Return a metric's function; one that caches its work on ground truths gets their keys."""
        function = self.suite.function(metric)
        return partial(function, keys=batch.keys) if getattr(function, "caches_ground_truth", False) else function

    def add(self, found: BatchMetrics) -> None:
        """Add the measurements of a batch. Batches come in the order of the pairs."""
        self._records += found.records
        self._ratios += found.ratios
        self._holes.update(found.holes)
        for name, values in found.features.items():
            self._features.setdefault(name, []).append(values)

    def rows(self, about: dict[str, Any]) -> pd.DataFrame:
        """Return one row for every image and metric; `about` fills the columns that all rows share."""
        return as_rows({**about, "mask_set_hash": self._holes.hexdigest(), **each} for each in self._records)

    @property
    def features(self) -> dict[str, Features]:
        """Features that metrics of sets compare, by name."""
        ratios = np.array(self._ratios)
        holes = self._holes.hexdigest()
        return {name: Features(np.concatenate(parts), ratios, holes) for name, parts in self._features.items()}


def _input(metric: Metric) -> tuple[str, bool]:
    return metric.source, metric.quantised


def record(metric: Metric, **values: Any) -> dict[str, Any]:
    """Return a row's columns: those that a metric fixes, and the given ones."""
    fixed = {"metric": metric.definition, "version": metric.version, "code": metric_code(metric)}
    fixed |= {"region": metric.region, "source": metric.source}
    return {**fixed, **values}


def set_metric_rows(metric: Metric, found: Features, ground_truth: Features, about: Mapping[str, Any]) -> pd.DataFrame:
    """Return the row of a metric of sets, whose image is ``*``."""
    value = resolve(metric.compare)(found.values, ground_truth.values)
    row = record(metric, image="*", hole_ratio=None, value=value)
    return as_rows([{**about, "mask_set_hash": found.mask_set_hash, **row}])


@tf32(False)
def ground_truth_features(
    suite: MetricSuite,
    metric: Metric,
    pairs: Pairs,
    path: Path,
    update: Callable[[int], None],
    batch: int = 1,
    workers: int = 0,
) -> Features:
    """Load the features of the ground truth from a file, or compute them and write it.

    Args:
        batch: images at a time; 1 if they differ in size.
        workers: processes that load images.
    """
    known = Features.read(path)
    if known is None:
        parts = []
        with torch.inference_mode():
            for pair in loader(pairs, batch, workers, suite.device, range(len(pairs))):
                parts.append(suite.function(metric)(to_floats(pair, suite.device)[0]))
                update(sum(map(len, parts)))
        values = torch.cat(parts).cpu().numpy()
        known = Features(values, np.zeros(len(values)))
        known.write(path)
    return known
