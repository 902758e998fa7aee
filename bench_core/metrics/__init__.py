"""Definitions of measures: named, so that two numbers share a column only if they mean the same.

All see floats in [0, 1] on the device: the composite, or the method's whole canvas where `source` is "raw". They are
rounded to 8 bits before, as they would be in a PNG, unless `quantised` is False.
"""

from typing import TYPE_CHECKING, Protocol

from bench_core.hookspecs import hookimpl
from bench_core.metrics.definitions import read
from bench_core.metrics.select import select_metrics
from bench_core.specs import Metric

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Extractor", "PerImage", "bench_metrics", "select_metrics"]


class PerImage(Protocol):
    """Measures images one by one."""

    def __call__(self, picture: "Tensor", image: "Tensor", *region: "Tensor") -> "Tensor":
        """One value an image, (b,), of pictures (b, c, h, w) in [0, 1].

        Where the metric's region is not "full" it is given too, (b, 1, h, w), 1 = look here; for "border" it is the
        hole itself.
        """
        ...


class Extractor(Protocol):
    """Describes pictures by numbers, for measures that compare sets of pictures."""

    def __call__(self, pictures: "Tensor") -> "Tensor":
        """(b, c, h, w) in [0, 1] to (b, d)."""
        ...


@hookimpl
def bench_metrics() -> list[Metric]:
    return read()
