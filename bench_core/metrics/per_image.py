"""Measures of pictures one by one, in the way that suits the device."""

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
"""(..., c, h, w) of numpy or torch. Measures use what both have in common, on the last dimensions."""
Pictures = Float[Tensor, "b c h w"]
Values = Float[Tensor, " b"]


@dataclass(frozen=True)
class ImagePair:
    """A picture and its truth, or batches of them, in float64. What several measures need is computed once."""

    picture: Array
    image: Array
    _known: dict[Hashable, Any] = field(default_factory=dict)

    def once(self, compute: Callable[..., Any], *options: Hashable) -> Any:
        """What `compute` finds for this pair with these options. It is shared: nobody may write on it."""
        key = (compute, *options)
        if key not in self._known:
            self._known[key] = compute(self, *options)
        return self._known[key]


@dataclass(frozen=True)
class PerImageMetric:
    """A `PerImage` that can be computed together with others of its kind."""

    value: Callable[..., Any]
    """From a `ImagePair`, and the region where there is one, to a number for each picture."""
    scale: Callable[[Values], Values] = lambda values: values
    """Applied to the numbers of a batch."""

    def __call__(self, picture: Pictures, image: Pictures, *region: Tensor) -> Values:
        return together([self], [region], picture, image)[0]


def together(
    measures: Sequence[Callable[..., Values]], regions: Sequence[Sequence[Tensor]], picture: Pictures, image: Pictures
) -> list[Values]:
    """The values of several measures of the same pictures, each with what it is given of a region.

    Those of this kind share what they can, in float64. A GPU is given whole batches. A CPU takes one picture after the
    other, so that what is computed on the way stays in its cache, on as many threads as torch uses; numpy and OpenCV
    let them run side by side.
    """
    given = list(zip(measures, regions, strict=True))
    alike = [(measure, region) for measure, region in given if isinstance(measure, PerImageMetric)]
    if picture.device.type != "cpu":
        values = _all_of(alike, picture, image, Tensor.double)
    else:
        one_by_one = _threads(torch.get_num_threads()).map(
            lambda index: _all_of(alike, picture, image, partial(_as_array, index)), range(len(picture))
        )
        values = torch.tensor(list(one_by_one), dtype=torch.float64).unbind(1)
    shared = (measure.scale(value) for (measure, _), value in zip(alike, values, strict=True))
    return [
        next(shared) if isinstance(measure, PerImageMetric) else measure(picture, image, *region)
        for measure, region in given
    ]


@cache
def _threads(number: int) -> ThreadPoolExecutor:
    """They stay, for new ones would have to be given their memory again by the system."""
    return ThreadPoolExecutor(number)


def _all_of(
    measures: Sequence[tuple[PerImageMetric, Sequence[Tensor]]],
    picture: Pictures,
    image: Pictures,
    part: Callable[[Tensor], Array],
) -> list[Any]:
    """The values of measures for that part of the batches that is taken."""
    pair = ImagePair(part(picture), part(image))
    return [measure.value(pair, *map(part, region)) for measure, region in measures]


def _as_array(index: int, batch: Tensor) -> Float[np.ndarray, "..."]:
    return batch[index].numpy(force=True).astype(np.float64)
