"""Metrics. Each definition has a name of its own, so that numbers in one column always mean the same.

Metrics receive floats in [0, 1] on the device: the composite, or the whole prediction if `source` is "raw". Values are
first rounded to 8 bits, as in a PNG, unless `quantised` is False.
"""

from typing import TYPE_CHECKING, Protocol

from bench_core.hookspecs import hookimpl
from bench_core.metrics.definitions import read_definitions
from bench_core.metrics.select import select_metrics
from bench_core.specs import Metric

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["FeatureExtractor", "PerImage", "bench_metrics", "select_metrics"]


class PerImage(Protocol):
    """Metric of single images."""

    def __call__(self, prediction: "Tensor", image: "Tensor", *region: "Tensor") -> "Tensor":
        """Return one value per image, (b,), for batches (b, c, h, w) in [0, 1].

        Unless the metric's region is "full" it receives that region, (b, 1, h, w) with 1 = measured. For "border" it
        receives the hole.
        """
        ...


class FeatureExtractor(Protocol):
    """Network whose features a metric of image sets compares."""

    def __call__(self, images: "Tensor") -> "Tensor":
        """Return features (b, d) of images (b, c, h, w) in [0, 1]."""
        ...


@hookimpl
def bench_metrics() -> list[Metric]:
    return read_definitions()
