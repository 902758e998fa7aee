"""Metrics of image gradients, the differences between neighbouring pixels, in float64."""

from typing import Any

from bench_core.metrics.per_image import Array, ImagePair, without_network
from bench_core.metrics.pixelwise import difference, mean_over, ratio, weighted_sum

Gradients = tuple[Array, Array]
"""Absolute backward differences along columns (..., c, h - 1, w) and along rows (..., c, h, w - 1)."""


def _gradients(values: Array) -> Gradients:
    """Return |v[i, j] - v[i - 1, j]| and |v[i, j] - v[i, j - 1]|, without the first row or column."""
    return abs(values[..., 1:, :] - values[..., :-1, :]), abs(values[..., 1:] - values[..., :-1])


def _difference_gradients(pair: ImagePair) -> Gradients:
    return _gradients(pair.cached(difference))


def _prediction_gradients(pair: ImagePair) -> Gradients:
    return _gradients(pair.prediction)


def _mean_gradient(gradients: Gradients, pair: ImagePair, region: Array | None = None) -> Any:
    """Average the sum of both gradients over channels and the pixels of a region, or all pixels."""
    down, right = gradients
    region_down, region_right = (None, None) if region is None else (region[..., 1:, :], region[..., 1:])
    return mean_over(weighted_sum(down, region_down) + weighted_sum(right, region_right), pair.image, region)


def _seam(pair: ImagePair, hole: Array) -> Any:
    border = _gradients(hole)
    return abs(_mean_jump(pair.cached(_prediction_gradients), border) - _mean_jump(_gradients(pair.image), border))


def _mean_jump(gradients: Gradients, border: Gradients) -> Any:
    """Average gradients over channels and over all neighbours across the hole's border, where `border` is 1."""
    down, right = gradients
    border_down, border_right = border
    crossings = (weighted_sum(border_down) + weighted_sum(border_right)) * down.shape[-3]
    return ratio(weighted_sum(down, border_down) + weighted_sum(right, border_right), crossings)


grad_l1 = without_network(lambda pair, *region: _mean_gradient(pair.cached(_difference_gradients), pair, *region))
tv = without_network(lambda pair, *region: _mean_gradient(pair.cached(_prediction_gradients), pair, *region))
seam = without_network(_seam)
