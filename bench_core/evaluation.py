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
from bench_core.method import Finish, Guide, Method, composite, guided
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
            measure.features(blank) if metric.per == "set" else measure(*_looks(metric, blank, blank, blank[:, :1]))

    @property
    def usable(self) -> list[Metric]:
        return [metric for metric in self.metrics if metric.definition in self.measures]

    def truth(self, key: tuple, compute: Callable[[], Tensor]) -> Tensor:
        """Features of the ground truth, computed once for all methods and mask sets."""
        if key not in self._truth:
            self._truth[key] = compute()
        return self._truth[key]


def judgement_name(pairs: TestPairs, test_digest: str, finish: str | None = None) -> str:
    """Names rows by all that decides which crops meet which holes, and by the post-processing."""
    protocol = pairs.protocol.model_dump(include={"size", "resize", "crops", "channels", "seed"})
    return f"{pairs.holes.name}-{seeds.digest([protocol, test_digest, pairs.holes.identity, finish])[:12]}"


@dataclass
class Evaluation:
    """One method on one mask set."""

    judge: Judge
    method: Method
    pairs: TestPairs
    batch: int
    workers: int
    samples: Path | None = None
    """Where pictures of some pairs are kept."""
    guide: Guide | None = None
    finish: Finish | None = None
    """The method's post-processing."""

    def rows(self, wanted: list[Metric], about: dict[str, Any], advance: Callable[[int], None]) -> pd.DataFrame:
        """Measure every pair with the wanted metrics; `about` fills the columns that are the same in all rows.

        Raises:
            ValueError: the method returned something that is no picture of the right shape and range.
        """
        records: list[dict[str, Any]] = []
        sets = {metric.definition: ([], []) for metric in wanted if metric.per == "set"}
        holes = sha256()
        for indexes, image, hole, prediction in self._predictions():
            result = composite(image, hole, prediction)
            ratios = hole.mean((1, 2, 3)).tolist()
            for one in hole:
                holes.update(np.packbits(one.byte().cpu().numpy()).tobytes())
            for metric in wanted:
                measure = self.judge.measures[metric.definition]
                if metric.per == "set":
                    sets[metric.definition][0].append(measure.features(result).cpu())
                    sets[metric.definition][1].append(image)
                else:
                    picture = prediction if metric.source == "raw" else result
                    values = measure(*_looks(metric, picture, image, hole))
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

    def _predictions(self) -> Iterator[tuple[list[int], Tensor, Tensor, Tensor]]:
        """Batches of indexes, images, holes and predictions."""
        loader = DataLoader(self.pairs, batch_size=self.batch, num_workers=self.workers)
        kept = range(0, len(self.pairs), ceil(len(self.pairs) / SAMPLES))
        self.method.eval()
        with torch.inference_mode():
            for pair in loader:
                indexes = pair["index"].tolist()
                image, hole, masked = (x.to(self.judge.device) for x in to_floats(pair))
                prediction = self._predict(masked, hole, *guided(self.guide, image)).to(image.dtype)
                if self.finish:
                    prediction = self.finish(masked.clone(), hole.clone(), prediction)
                _check(prediction, image)
                if self.samples:
                    pictures = zip(indexes, image, masked, composite(image, hole, prediction), strict=True)
                    for i, *shown in pictures:
                        if i in kept:
                            self._keep(self.samples, i, shown)
                yield indexes, image, hole, prediction

    def _predict(self, *given: Tensor) -> Tensor:
        """One image at a time, so that no result depends on which others stand beside it in a batch."""
        ones = zip(*(tensor.clone().split(1) for tensor in given), strict=True)
        return torch.cat([self.method.predict(*one) for one in ones])

    def _keep(self, folder: Path, index: int, pictures: list[Tensor]) -> None:
        for name, picture in zip(("image", "masked", "composite"), pictures, strict=True):
            array = (picture * 255).round().byte().permute(1, 2, 0).cpu().numpy()
            shown = Image.fromarray(array[..., 0] if array.shape[2] == 1 else array)
            files.write(folder / f"{index:06}-{name}.png", lambda path, shown=shown: shown.save(path))


def _looks(metric: Metric, picture: Tensor, image: Tensor, hole: Tensor) -> tuple[Tensor, ...]:
    """What a measure is given."""
    return (picture, image) if metric.region == "full" else (picture, image, hole)


def _check(prediction: Tensor, image: Tensor) -> None:
    if prediction.shape != image.shape:
        raise ValueError(f"the method returned shape {tuple(prediction.shape)} for images {tuple(image.shape)}")
    low, high = prediction.aminmax()
    if not (low >= 0 and high <= 1):  # also false for NaN
        raise ValueError(f"the method's pictures range from {low:g} to {high:g}, outside [0, 1]")


def _record(metric: Metric, **values: Any) -> dict[str, Any]:
    return {"metric": metric.definition, "region": metric.region, "source": metric.source, **values}
