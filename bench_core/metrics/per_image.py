"""Metrics of single images that share intermediate results, computed in the way that suits the device."""

from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

Array = Any
"""(..., c, h, w) of numpy or torch. Metrics use only what both libraries share, on the last three dimensions."""
Images = Float[Tensor, "b c h w"]
Values = Float[Tensor, " b"]


@dataclass(frozen=True)
class ImagePair:
    """Prediction and ground truth, or batches of them, in float64."""

    prediction: Array
    image: Array
    _cache: dict[Hashable, Any] = field(default_factory=dict)

    def cached(self, compute: Callable[..., Any], *options: Hashable) -> Any:
        """Return ``compute(pair, *options)``, computed once. Metrics share the result and must not write to it."""
        key = (compute, *options)
        if key not in self._cache:
            self._cache[key] = compute(self, *options)
        return self._cache[key]


@dataclass(frozen=True)
class PerImageMetric:
    """A `PerImage` whose intermediate results can be shared with others of its kind."""

    compute: Callable[..., Any]
    """Function of an `ImagePair`, and of the region if there is one, that returns one number per image."""
    transform: Callable[[Values], Values]
    """Function applied to the numbers of a batch, such as the logarithm of PSNR."""

    def __call__(self, prediction: Images, image: Images, *region: Tensor) -> Values:
        return compute_metrics([self], [region], prediction, image)[0]


def without_network(
    compute: Callable[..., Any], transform: Callable[[Values], Values] = lambda values: values
) -> Callable[[torch.device], PerImageMetric]:
    """Return the builder of a metric that needs no device, as `bench_core.specs.Metric.build` expects it."""
    return lambda device: PerImageMetric(compute, transform)


def compute_metrics(
    metrics: Sequence[Callable[..., Values]], regions: Sequence[Sequence[Tensor]], prediction: Images, image: Images
) -> list[Values]:
    """Compute several metrics on the same images, each with its own region arguments.

    Metrics of type `PerImageMetric` share intermediate results, in float64. A GPU computes whole batches. A CPU
    computes image by image, so that intermediate results stay in its cache. Images are spread over as many threads as
    torch uses, since numpy and OpenCV release the GIL.
    """
    calls = list(zip(metrics, regions, strict=True))
    sharing = [(metric, region) for metric, region in calls if isinstance(metric, PerImageMetric)]
    if prediction.device.type != "cpu":
        values = _compute(sharing, prediction, image, Tensor.double)
    else:
        rows = _thread_pool(torch.get_num_threads()).map(
            lambda index: _compute(sharing, prediction, image, partial(_to_array, index)), range(len(prediction))
        )
        values = torch.tensor(list(rows), dtype=torch.float64).unbind(1)
    shared = (metric.transform(value) for (metric, _), value in zip(sharing, values, strict=True))
    return [
        next(shared) if isinstance(metric, PerImageMetric) else metric(prediction, image, *region)
        for metric, region in calls
    ]


@cache
def _thread_pool(threads: int) -> ThreadPoolExecutor:
    """Keep the pool alive, since new threads would have to allocate their memory again."""
    return ThreadPoolExecutor(threads)


def _compute(
    metrics: Sequence[tuple[PerImageMetric, Sequence[Tensor]]],
    prediction: Images,
    image: Images,
    convert: Callable[[Tensor], Array],
) -> list[Any]:
    """Compute metrics of the converted batches. `convert` may select one image of a batch."""
    pair = ImagePair(convert(prediction), convert(image))
    return [metric.compute(pair, *map(convert, region)) for metric, region in metrics]


def _to_array(index: int, batch: Tensor) -> Float[np.ndarray, "..."]:
    return batch[index].numpy(force=True).astype(np.float64)
