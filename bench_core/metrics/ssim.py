"""Structural similarity (Wang et al., 2004) in the variants that papers use.

On a GPU torch filters in float64. On a CPU OpenCV filters in float32, which is twice as fast. `_to_levels` explains why
it is precise enough.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import cv2
import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from bench_core.metrics.per_image import Array, ImagePair, without_network
from bench_core.metrics.pixelwise import grey

SIGMA = 1.5
C1, C2 = 0.01**2, 0.03**2
WHITE = 255.0
EXPONENTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Exponents of the five scales, finest first (Wang, Simoncelli and Bovik, 2003)."""


@dataclass(frozen=True)
class Window:
    """Square window of local statistics."""

    side: int
    gaussian: bool = False
    sample: bool = False
    """Use sample covariances, with n - 1 in place of n."""

    def crop(self, values: Array) -> Array:
        """Keep the values of windows that lie inside the image.

        Raises:
            ValueError: the image is smaller than the window.
        """
        if min(values.shape[-2:]) < self.side:
            raise ValueError(f"it needs images of at least {self.side} pixels a side, not {min(values.shape[-2:])}")
        margin = self.side // 2
        return values[..., margin:-margin, margin:-margin]

    def mean(self, values: Array) -> Array:
        """Average under the window at every pixel, with zeros beyond the image.

        Args:
            values: a plane (h, w) of numpy or a batch (..., h, w) of torch.
        """
        if isinstance(values, Tensor):
            rows, columns = (_band_matrix(self, extent, values.device) for extent in values.shape[-2:])
            return rows @ values @ columns.T
        if self.gaussian:
            return cv2.sepFilter2D(values, -1, self.weights, self.weights, borderType=cv2.BORDER_CONSTANT)
        return cv2.blur(values, (self.side, self.side), borderType=cv2.BORDER_CONSTANT)

    @cached_property
    def weights(self) -> Float[np.ndarray, " side"]:
        offsets = np.arange(self.side) - self.side // 2
        weights = np.exp(-(offsets**2) / (2 * SIGMA**2)) if self.gaussian else np.ones(self.side)
        return weights / weights.sum()


WANG, UNIFORM7, UNIFORM51 = Window(11, gaussian=True), Window(7, sample=True), Window(51, sample=True)


def _ssim(pair: ImagePair, window: Window) -> Any:
    return _mean(window.crop(pair.cached(_ssim_map, window)), (-3, -2, -1))


def _mean(values: Array, axes: tuple[int, ...]) -> Any:
    return values.mean(axes, dtype=torch.float64 if isinstance(values, Tensor) else np.float64)


def _ssim_map(pair: ImagePair, window: Window) -> Array:
    """Return the similarity under the window at every pixel."""
    luminance, contrast_structure = pair.cached(_terms, window)
    return luminance * contrast_structure


def _multiscale(pair: ImagePair) -> Any:
    """Combine contrast and structure at five scales with luminance at the coarsest."""
    min_side = WANG.side * 2 ** (len(EXPONENTS) - 1)
    if min(pair.image.shape[-2:]) < min_side:
        raise ValueError(f"it needs images of at least {min_side} pixels a side, not {min(pair.image.shape[-2:])}")
    value: Any = 1
    for scale, exponent in enumerate(EXPONENTS):
        last = scale == len(EXPONENTS) - 1
        term = pair.cached(_ssim_map, WANG) if last else pair.cached(_terms, WANG)[1]
        value = value * _mean(WANG.crop(term), (-2, -1)).clip(0) ** exponent
        pair = ImagePair(_halve(pair.prediction), _halve(pair.image))
    return value.mean(-1)


def _halve(values: Array) -> Array:
    """Average 2 x 2 pixels. An odd last row or column is dropped."""
    rows = values[..., :-1:2, :] + values[..., 1::2, :]
    return (rows[..., :-1:2] + rows[..., 1::2]) / 4


def _terms(pair: ImagePair, window: Window) -> tuple[Array, Array]:
    """Return luminance, and contrast times structure, under the window at every pixel.

    OpenCV filters channel by channel, so that a plane fits into the cache. Torch filters whole batches.
    """
    if isinstance(pair.image, Tensor):
        return _terms_from_sum_and_difference(
            pair.prediction + pair.image, pair.prediction - pair.image, 0.0, 1.0, window
        )
    margin = window.side // 2
    channels = zip(pair.prediction, pair.image, strict=True)
    terms = (_terms_from_sum_and_difference(*_to_levels(x, y, margin), WHITE, window) for x, y in channels)
    luminance, contrast_structure = zip(*terms, strict=True)
    inside = (slice(None), slice(margin, -margin), slice(margin, -margin))
    return np.stack(luminance)[inside], np.stack(contrast_structure)[inside]


def _to_levels(x: Array, y: Array, margin: int) -> tuple[Array, Array, float]:
    """Return sum and difference of two planes in 8-bit levels, framed in black, and the sum of two black pixels.

    Sums are relative to their rounded mean. For 8-bit images they are small integers, whose squares float32 holds
    exactly, so that subtracting squares loses little. The remaining errors of the filters are below 1e-6.
    """
    s = (WHITE * (x + y)).astype(np.float32)
    black = -float(s.mean().round())
    s += black
    d = (WHITE * (x - y)).astype(np.float32)
    framed = [
        cv2.copyMakeBorder(plane, margin, margin, margin, margin, cv2.BORDER_CONSTANT, value=beyond)
        for plane, beyond in ((s, black), (d, 0))
    ]
    return framed[0], framed[1], black


def _terms_from_sum_and_difference(
    s: Array, d: Array, black: float, white: float, window: Window
) -> tuple[Array, Array]:
    """Return luminance and contrast-structure from s = x + y and d = x - y. Overwrites `s` and `d`.

    4 x y = s^2 - d^2 and 2 (x^2 + y^2) = s^2 + d^2, and the same holds for means and covariances. So four filters are
    enough, and no precision is lost if x and y are nearly equal. `black` is the value of s for two black pixels.
    """
    mean_s, mean_d = window.mean(s), window.mean(d)
    s *= s
    d *= d
    variance_s, variance_d = window.mean(s), window.mean(d)
    variance_s -= mean_s**2
    mean_s -= black
    mean_s *= mean_s
    mean_d *= mean_d
    variance_d -= mean_d
    unbiased = window.side**2 / (window.side**2 - 1) if window.sample else 1
    c1, c2 = 2 * C1 * white**2, 2 * C2 * white**2 / unbiased
    return _ratio(mean_s, mean_d, c1), _ratio(variance_s, variance_d, c2)


def _ratio(s: Array, d: Array, constant: float) -> Array:
    """Return (s - d + constant) / (s + d + constant). Overwrites `s` and `d`."""
    s += constant
    ratio = s - d
    s += d
    ratio /= s
    return ratio


@lru_cache(maxsize=16)
def _band_matrix(window: Window, extent: int, device: torch.device) -> Float[Tensor, "extent extent"]:
    """Return the matrix that filters one dimension of this extent, with zeros beyond the image."""
    band = torch.zeros(extent, extent, dtype=torch.float64)
    for offset, weight in enumerate(window.weights, -(window.side // 2)):
        if abs(offset) < extent:
            band.diagonal(offset)[:] = float(weight)
    return band.to(device)


# scikit-image reflects borders before filtering but crops them away, so zeros beyond the image give the same
gaussian = without_network(lambda pair: _ssim(pair, WANG))
# a window on every pixel, with zeros beyond the image
zero_padded = without_network(lambda pair: _mean(pair.cached(_ssim_map, WANG), (-3, -2, -1)))
# scikit-image's defaults
uniform7 = without_network(lambda pair: _ssim(pair, UNIFORM7))
# a window of 51 on grey images
grey51 = without_network(lambda pair: _ssim(pair.cached(grey), UNIFORM51))
multiscale = without_network(_multiscale)
