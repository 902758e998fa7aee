"""Predict, composite, measure."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader

from bench_core import files, seeds
from bench_core.method import Method, composite
from bench_core.pairs import TestPairs, to_floats
from bench_core.protocol import Protocol
from bench_core.specs import Metric, resolve
from bench_core.store import as_rows

SAMPLES = 4
"""Pairs of each mask set, spread over all, whose pictures are kept."""


@dataclass
class Judge:
    """The measures of a protocol, built once and used on every method."""

    metrics: list[Metric]
    device: torch.device
    protocol: Protocol
    measures: dict[str, Any] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    """For each metric that cannot be computed, why."""
    _truth: dict[tuple, Tensor] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        for metric in self.metrics:
            try:
                measure = resolve(metric.build)(self.device)
                self._try_out(metric, measure)
                self.measures[metric.definition] = measure
            except Exception as error:  # a measure that cannot be had is a gap in the table, told below it
                self.missing[metric.definition] = str(error) or repr(error)

    def _try_out(self, metric: Metric, measure: Any) -> None:
        """Fails here, before any training, if images of this protocol cannot be measured."""
        blank = torch.zeros(1, self.protocol.channels, self.protocol.size, self.protocol.size, device=self.device)
        with torch.inference_mode():
            measure.features(blank) if metric.per == "set" else measure(blank, blank)

    @property
    def usable(self) -> list[Metric]:
        return [metric for metric in self.metrics if metric.definition in self.measures]

    def truth(self, key: tuple, compute: Callable[[], Tensor]) -> Tensor:
        """Features of the ground truth, computed once for all methods and mask sets."""
        if key not in self._truth:
            self._truth[key] = compute()
        return self._truth[key]


def judgement_name(pairs: TestPairs, test_digest: str) -> str:
    """Names rows by all that decides which crops meet which holes."""
    protocol = pairs.protocol.model_dump(include={"size", "resize", "crops", "channels", "seed"})
    return f"{pairs.holes.name}-{seeds.digest([protocol, test_digest, pairs.holes.identity])[:12]}"


@dataclass
class Evaluation:
    """One method on one mask set."""

    judge: Judge
    method: Method
    pairs: TestPairs
    batch: int
    workers: int
    samples: Path

    def rows(self, wanted: list[Metric], about: dict[str, Any], advance: Callable[[int], None]) -> pd.DataFrame:
        """Measure every pair with the wanted metrics; `about` fills the columns that are the same in all rows.

        Raises:
            ValueError: the method returned something that is no picture of the right shape and range.
        """
        records: list[dict[str, Any]] = []
        sets = {metric.definition: ([], []) for metric in wanted if metric.per == "set"}
        holes = sha256()
        for indexes, image, hole, result in self._results():
            ratios = hole.mean((1, 2, 3)).tolist()
            for one in hole:
                holes.update(np.packbits(one.byte().cpu().numpy()).tobytes())
            for metric in wanted:
                measure = self.judge.measures[metric.definition]
                if metric.per == "set":
                    sets[metric.definition][0].append(measure.features(result).cpu())
                    sets[metric.definition][1].append(image)
                else:
                    values = measure(result, image)
                    if values.isnan().any():
                        raise ValueError(f"{metric.definition} is no number on an image of this batch: {indexes}")
                    named = zip(indexes, ratios, values.tolist(), strict=True)
                    records += [
                        _record(metric, image=self.pairs.name(i), hole_ratio=ratio, value=value)
                        for i, ratio, value in named
                    ]
            advance(indexes[-1] + 1)
        for metric in wanted:
            if metric.per == "set":
                value = self._distance(metric, *sets[metric.definition])
                records.append(_record(metric, image="*", hole_ratio=None, value=value))
        return as_rows({**about, "mask_set_hash": holes.hexdigest(), **record} for record in records)

    def _distance(self, metric: Metric, found: list[Tensor], images: list[Tensor]) -> float:
        measure = self.judge.measures[metric.definition]
        protocol = self.pairs.protocol
        key = (metric.definition, tuple(self.pairs.images.names), protocol.size, protocol.resize, protocol.crops)
        truth = self.judge.truth(key, lambda: torch.cat([measure.features(image).cpu() for image in images]))
        return measure.distance(torch.cat(found), truth)

    def _results(self) -> Iterator[tuple[list[int], Tensor, Tensor, Tensor]]:
        """Batches of indexes, images, holes and composites."""
        loader = DataLoader(self.pairs, batch_size=self.batch, num_workers=self.workers)
        kept = range(0, len(self.pairs), ceil(len(self.pairs) / SAMPLES))
        self.method.eval()
        with torch.inference_mode():
            for pair in loader:
                indexes = pair["index"].tolist()
                image, hole, masked = (x.to(self.judge.device) for x in to_floats(pair))
                prediction = self._predict(masked.clone(), hole.clone())
                _check(prediction, image)
                result = composite(image, hole, prediction.to(image.dtype))
                for i, *pictures in zip(indexes, image, masked, result, strict=True):
                    if i in kept:
                        self._keep(i, pictures)
                yield indexes, image, hole, result

    def _predict(self, masked: Tensor, hole: Tensor) -> Tensor:
        """One image at a time, so that no result depends on which others stand beside it in a batch."""
        pairs = zip(masked.split(1), hole.split(1), strict=True)
        return torch.cat([self.method.predict(one, its_hole) for one, its_hole in pairs])

    def _keep(self, index: int, pictures: list[Tensor]) -> None:
        for name, picture in zip(("image", "masked", "composite"), pictures, strict=True):
            array = (picture * 255).round().byte().permute(1, 2, 0).cpu().numpy()
            shown = Image.fromarray(array[..., 0] if array.shape[2] == 1 else array)
            files.write(self.samples / f"{index:06}-{name}.png", lambda path, shown=shown: shown.save(path))


def _check(prediction: Tensor, image: Tensor) -> None:
    if prediction.shape != image.shape:
        raise ValueError(f"the method returned shape {tuple(prediction.shape)} for images {tuple(image.shape)}")
    low, high = prediction.aminmax()
    if not (low >= 0 and high <= 1):  # also false for NaN
        raise ValueError(f"the method's pictures range from {low:g} to {high:g}, outside [0, 1]")


def _record(metric: Metric, **values: Any) -> dict[str, Any]:
    return {"metric": metric.definition, "region": metric.region, "source": "composite", **values}
