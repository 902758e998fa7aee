"""Metrics of single pixels, in float64, averaged over an image or a region; NaN if a region is empty."""

from math import nan, prod
from typing import Any

from torch import Tensor

from bench_core.metrics.per_image import Array, ImagePair, Values, without_network

GREY_WEIGHTS = (0.2125, 0.7154, 0.0721)
"""Weights of red, green and blue in scikit-image's rgb2gray."""


def grey(pair: ImagePair) -> ImagePair:
    """Convert both images to one channel like scikit-image's rgb2gray. Grey images stay as they are."""
    return ImagePair(_grey(pair.prediction), _grey(pair.image))


def difference(pair: ImagePair) -> Array:
    return pair.prediction - pair.image


def weighted_sum(values: Array, weights: Array | None = None) -> Any:
    """Sum over channels and pixels. `weights` of shape (..., 1, h, w) weight each pixel."""
    if weights is None:
        return values.sum((-3, -2, -1))
    per_channel = values.reshape(*values.shape[:-2], -1) @ weights.reshape(*weights.shape[:-3], -1, 1)
    return per_channel.sum((-2, -1))


def mean_over(total: Any, values: Array, region: Array | None = None) -> Any:
    """Divide a sum by the number of values of all channels, in a region or in the whole image."""
    return total / prod(values.shape[-3:]) if region is None else ratio(total, weighted_sum(region) * values.shape[-3])


def ratio(total: Any, count: Any) -> Any:
    """Divide sums by counts; NaN where nothing was counted."""
    if isinstance(count, Tensor):
        return total / count
    return total / count if count else nan


def _grey(image: Array) -> Array:
    if image.shape[-3] == 1:
        return image
    return sum(weight * image[..., channel : channel + 1, :, :] for channel, weight in enumerate(GREY_WEIGHTS))


def _absolute_difference(pair: ImagePair) -> Array:
    return abs(pair.cached(difference))


def _squared_difference(pair: ImagePair) -> Array:
    return pair.cached(difference) ** 2


def _mean(values: Array, region: Array | None) -> Any:
    return mean_over(weighted_sum(values, region), values, region)


def _l1(pair: ImagePair, region: Array | None = None) -> Any:
    return _mean(pair.cached(_absolute_difference), region)


def _l2(pair: ImagePair, region: Array | None = None) -> Any:
    return _mean(pair.cached(_squared_difference), region)


def _relative_l1(pair: ImagePair) -> Any:
    both = weighted_sum(pair.prediction) + weighted_sum(pair.image)
    return weighted_sum(pair.cached(_absolute_difference)) / (both + (both == 0))


def _decibels(mean_square: Values) -> Values:
    return -10 * mean_square.log10()


l1 = without_network(_l1)
l1_percent = without_network(lambda pair: 100 * _l1(pair))
l1_relative = without_network(_relative_l1)
l1_edgeconnect = without_network(lambda pair: _relative_l1(pair.cached(grey)))
l2 = without_network(_l2)
psnr = without_network(_l2, _decibels)
psnr_edgeconnect = without_network(lambda pair: _l2(pair.cached(grey)), _decibels)
