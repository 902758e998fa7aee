"""Measurement of predictions with the metrics of a protocol."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import groupby
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from bench_core.data.pairs import Pairs, to_floats
from bench_core.evaluation.metric_suite import MetricSuite
from bench_core.methods.method import composite
from bench_core.metrics.per_image import compute_metrics
from bench_core.metrics.regions import region_arguments
from bench_core.specs import Metric, resolve
from bench_core.store.features import Features
from bench_core.store.rows import as_rows


@dataclass(frozen=True)
class PredictionBatch:
    """A batch of pairs and what was painted for them, on the judge's device."""

    indexes: list[int]
    image: Tensor
    hole: Tensor
    prediction: Tensor

    def picture(self, source: str, quantised: bool) -> Tensor:
        """What metrics are shown: composite or whole canvas, in 8 bits or in floats."""
        prediction = eight_bit(self.prediction) if quantised else self.prediction
        return prediction if source == "raw" else composite(self.image, self.hole, prediction)


def eight_bit(picture: Tensor) -> Tensor:
    """Rounded to what a PNG holds, still as floats in [0, 1]."""
    return (picture * 255).round() / 255


@dataclass(frozen=True)
class BatchMetrics:
    """What was found on a batch, as plain data that one process can send to another."""

    records: list[dict[str, Any]]
    ratios: list[float]
    holes: bytes
    features: dict[str, np.ndarray]


@dataclass
class EvaluationResult:
    """What the judge finds on one mask set, gathered batch by batch."""

    suite: MetricSuite
    wanted: list[Metric]
    _records: list[dict[str, Any]] = field(default_factory=list)
    _features: dict[str, list[np.ndarray]] = field(default_factory=dict)
    _ratios: list[float] = field(default_factory=list)
    _holes: Any = field(default_factory=sha256)
    """Of all holes that were met, packed, in order."""

    def add(self, painted: PredictionBatch, names: list[str]) -> None:
        """Measure a batch, and take what is found.

        Raises:
            ValueError: a metric is no number on a picture.
        """
        self.take(self.measured(painted, names))

    def take(self, found: BatchMetrics) -> None:
        """Batches are taken in the order of the pairs."""
        self._records += found.records
        self._ratios += found.ratios
        self._holes.update(found.holes)
        for name, values in found.features.items():
            self._features.setdefault(name, []).append(values)

    def measured(self, painted: PredictionBatch, names: list[str]) -> BatchMetrics:
        """Measure a batch.

        Raises:
            ValueError: a metric is no number on a picture.
        """
        ratios = painted.hole.mean((1, 2, 3)).tolist()
        holes = np.packbits(painted.hole.byte().flatten(1).cpu().numpy(), axis=1).tobytes()
        found, features = self._values(painted)
        records = []
        for metric in (metric for metric in self.wanted if metric.per == "image"):
            values = found[metric.definition]
            if any(map(isnan, values)):
                raise ValueError(f"{metric.definition} is no number on a picture among {', '.join(names)}")
            for name, ratio, value in zip(names, ratios, values, strict=True):
                records.append(record(metric, image=name, hole_ratio=ratio, value=value))
        return BatchMetrics(records, ratios, holes, features)

    def _values(self, painted: PredictionBatch) -> tuple[dict[str, list[float]], dict[str, np.ndarray]]:
        """Of every metric of pictures, by definition; of metrics of sets, features by their name."""
        regions = {name: region_arguments(name, painted.hole) for name in {metric.region for metric in self.wanted}}
        values: dict[str, Tensor] = {}
        features: dict[str, np.ndarray] = {}
        for shown, group in groupby(sorted(self.wanted, key=_shown), _shown):
            picture, alike = painted.picture(*shown), list(group)
            for metric in alike:
                if metric.per == "set" and metric.features not in features:
                    features[metric.features] = self.suite.measure(metric)(picture).cpu().numpy()
            metrics = [metric for metric in alike if metric.per == "image"]
            measures = [self.suite.measure(metric) for metric in metrics]
            found = compute_metrics(measures, [regions[metric.region] for metric in metrics], picture, painted.image)
            values |= zip([metric.definition for metric in metrics], found, strict=True)
        at_once = torch.stack([each.double() for each in values.values()]).tolist() if values else []
        return dict(zip(values, at_once, strict=True)), features

    def rows(self, about: dict[str, Any]) -> pd.DataFrame:
        """One row for every picture and metric of pictures; `about` fills the columns that are the same in all."""
        return as_rows({**about, "mask_set_hash": self._holes.hexdigest(), **each} for each in self._records)

    @property
    def features(self) -> dict[str, Features]:
        """By name, what metrics of sets compare."""
        ratios = np.array(self._ratios)
        holes = self._holes.hexdigest()
        return {name: Features(np.concatenate(parts), ratios, holes) for name, parts in self._features.items()}


def _shown(metric: Metric) -> tuple[str, bool]:
    return metric.source, metric.quantised


def record(metric: Metric, **values: Any) -> dict[str, Any]:
    """The columns of a row that a metric fills, with the given ones."""
    fixed = {"metric": metric.definition, "version": metric.version, "region": metric.region, "source": metric.source}
    return {**fixed, **values}


def set_metric_rows(metric: Metric, found: Features, truth: Features, about: Mapping[str, Any]) -> pd.DataFrame:
    """The row of a metric of sets, whose image is ``*``."""
    value = resolve(metric.compare)(found.values, truth.values)
    row = record(metric, image="*", hole_ratio=None, value=value)
    return as_rows([{**about, "mask_set_hash": found.mask_set_hash, **row}])


def ground_truth_features(
    suite: MetricSuite, metric: Metric, pairs: Pairs, path: Path, tell: Callable[[int], None]
) -> Features:
    """Features of the ground truth: those in the file, or computed now and written there."""
    known = Features.read(path)
    if known is None:
        parts = []
        with torch.inference_mode():
            for pair in DataLoader(pairs):  # one by one: images judged as they are differ in size
                parts.append(suite.measure(metric)(to_floats(pair)[0].to(suite.device)).cpu().numpy())
                tell(sum(map(len, parts)))
        values = np.concatenate(parts)
        known = Features(values, np.zeros(len(values)))
        known.write(path)
    return known
