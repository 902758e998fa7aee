"""Measures taken pixel by pixel, in float64, over whole images or over a region; 0 where a region has no pixel."""

from math import prod
from typing import Any

import torch

from bench_core.metrics.per_image import Array, ImagePair, PerImageMetric, Values

GREY = (0.2125, 0.7154, 0.0721)
"""scikit-image's weights of red, green and blue."""


def l1(device: torch.device) -> PerImageMetric:
    return PerImageMetric(_l1)


def l1_percent(device: torch.device) -> PerImageMetric:
    return PerImageMetric(lambda pair: 100 * _l1(pair))


def l1_relative(device: torch.device) -> PerImageMetric:
    return PerImageMetric(_relative)


def l1_edgeconnect(device: torch.device) -> PerImageMetric:
    return PerImageMetric(lambda pair: _relative(pair.once(grey)))


def l2(device: torch.device) -> PerImageMetric:
    return PerImageMetric(_l2)


def psnr(device: torch.device) -> PerImageMetric:
    return PerImageMetric(_l2, _decibels)


def psnr_edgeconnect(device: torch.device) -> PerImageMetric:
    return PerImageMetric(lambda pair: _l2(pair.once(grey)), _decibels)


def grey(pair: ImagePair) -> ImagePair:
    """One channel, as scikit-image's rgb2gray; grey pictures are kept."""
    return ImagePair(_grey(pair.picture), _grey(pair.image))


def difference(pair: ImagePair) -> Array:
    return pair.picture - pair.image


def total(values: Array, weights: Array | None = None) -> Any:
    """The sum over channels and pixels, each pixel weighted where weights (..., 1, h, w) are given."""
    if weights is None:
        return values.sum((-3, -2, -1))
    flat = values.reshape(*values.shape[:-2], -1) @ weights.reshape(*weights.shape[:-3], -1, 1)
    return flat.sum((-2, -1))


def count(values: Array, region: Array | None = None) -> Any:
    """How many values the pixels of a region, or all pixels, have in all channels; at least 1."""
    return prod(values.shape[-3:]) if region is None else (total(region) * values.shape[-3]).clip(1)


def _grey(picture: Array) -> Array:
    if picture.shape[-3] == 1:
        return picture
    return sum(weight * picture[..., channel : channel + 1, :, :] for channel, weight in enumerate(GREY))


def _absolute(pair: ImagePair) -> Array:
    return abs(pair.once(difference))


def _square(pair: ImagePair) -> Array:
    return pair.once(difference) ** 2


def _mean(values: Array, region: Array | None) -> Any:
    """Over the pixels of a region, or over all of them, and over channels."""
    return total(values, region) / count(values, region)


def _l1(pair: ImagePair, region: Array | None = None) -> Any:
    return _mean(pair.once(_absolute), region)


def _l2(pair: ImagePair, region: Array | None = None) -> Any:
    return _mean(pair.once(_square), region)


def _relative(pair: ImagePair) -> Any:
    both = total(pair.picture) + total(pair.image)
    return total(pair.once(_absolute)) / (both + (both == 0))


def _decibels(mean_square: Values) -> Values:
    return -10 * mean_square.log10()
