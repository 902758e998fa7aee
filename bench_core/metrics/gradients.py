"""Measures of differences between neighbouring pixels, in float64."""

from typing import Any

import torch

from bench_core.metrics.per_image import Array, ImagePair, PerImageMetric
from bench_core.metrics.pixelwise import count, difference, total

Steps = tuple[Array, Array]


def grad_l1(device: torch.device) -> PerImageMetric:
    return PerImageMetric(lambda pair, *region: _steepness(pair.once(_steps_of_difference), pair, *region))


def tv(device: torch.device) -> PerImageMetric:
    return PerImageMetric(lambda pair, *region: _steepness(pair.once(_steps_of_picture), pair, *region))


def seam(device: torch.device) -> PerImageMetric:
    return PerImageMetric(_seam)


def _steps(values: Array) -> Steps:
    """|v[i, j] - v[i - 1, j]| and |v[i, j] - v[i, j - 1]|; a first row or column has no neighbour before it."""
    return abs(values[..., 1:, :] - values[..., :-1, :]), abs(values[..., 1:] - values[..., :-1])


def _steps_of_difference(pair: ImagePair) -> Steps:
    return _steps(pair.once(difference))


def _steps_of_picture(pair: ImagePair) -> Steps:
    return _steps(pair.picture)


def _steepness(steps: Steps, pair: ImagePair, region: Array | None = None) -> Any:
    """The mean sum of both steps, over the pixels of a region or over all, and over channels."""
    down, right = steps
    lower, righter = (None, None) if region is None else (region[..., 1:, :], region[..., 1:])
    return (total(down, lower) + total(right, righter)) / count(pair.image, region)


def _seam(pair: ImagePair, hole: Array) -> Any:
    crossed = _steps(hole)
    return abs(_jump(pair.once(_steps_of_picture), crossed) - _jump(_steps(pair.image), crossed))


def _jump(steps: Steps, crossed: Steps) -> Any:
    """Mean over all neighbours across the hole's border, and over channels, of their absolute difference."""
    down, right = steps
    crossed_down, crossed_right = crossed
    crossings = (total(crossed_down) + total(crossed_right)) * down.shape[-3]
    return (total(down, crossed_down) + total(right, crossed_right)) / crossings.clip(1)
