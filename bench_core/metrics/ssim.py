"""Structural similarity (Wang et al., 2004) in the forms that papers have used.

Torch filters in float64, OpenCV in float32, twice as fast: see `_levels` for why that is enough.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import cv2
import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from bench_core.metrics.per_image import Array, ImagePair, PerImageMetric
from bench_core.metrics.pixelwise import grey

SIGMA = 1.5
C1, C2 = 0.01**2, 0.03**2
WHITE = 255.0
EXPONENTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Of the five scales, finest first (Wang, Simoncelli and Bovik, 2003)."""


@dataclass(frozen=True)
class Window:
    """What local statistics are weighted by, the same along rows and columns."""

    side: int
    gaussian: bool = False
    sample: bool = False
    """Whether covariances are those of a sample."""

    def inside(self, values: Array) -> Array:
        """Those of the windows that lie in the image, of one window at every pixel.

        Raises:
            ValueError: there is none.
        """
        if min(values.shape[-2:]) < self.side:
            raise ValueError(f"it needs images of at least {self.side} pixels a side, not {min(values.shape[-2:])}")
        margin = self.side // 2
        return values[..., margin:-margin, margin:-margin]

    def mean(self, values: Array) -> Array:
        """Under the window at every pixel, zero beyond the image: of a plane (h, w), or of a batch of torch."""
        if isinstance(values, Tensor):
            rows, columns = (_band(self, extent).to(values.device) for extent in values.shape[-2:])
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


def gaussian(device: torch.device) -> PerImageMetric:
    """scikit-image filters with reflected borders and crops them away, so the inside is the same."""
    return PerImageMetric(lambda pair: _similarity(pair, WANG))


def zero_padded(device: torch.device) -> PerImageMetric:
    """LaMa's: a window stands on every pixel, and there are zeros beyond the image."""
    return PerImageMetric(lambda pair: _mean(pair.once(_map, WANG), (-3, -2, -1)))


def uniform7(device: torch.device) -> PerImageMetric:
    """scikit-image's defaults."""
    return PerImageMetric(lambda pair: _similarity(pair, UNIFORM7))


def grey51(device: torch.device) -> PerImageMetric:
    """EdgeConnect's: scikit-image's with a window of 51, on grey images."""
    return PerImageMetric(lambda pair: _similarity(pair.once(grey), UNIFORM51))


def multiscale(device: torch.device) -> PerImageMetric:
    return PerImageMetric(_multiscale)


def _similarity(pair: ImagePair, window: Window) -> Any:
    return _mean(window.inside(pair.once(_map, window)), (-3, -2, -1))


def _mean(values: Array, axes: tuple[int, ...]) -> Any:
    return values.mean(axes, dtype=torch.float64 if isinstance(values, Tensor) else np.float64)


def _map(pair: ImagePair, window: Window) -> Array:
    """The similarity under the window at every pixel."""
    luminance, contrast_structure = pair.once(_terms, window)
    return luminance * contrast_structure


def _multiscale(pair: ImagePair) -> Any:
    """Contrast and structure at five scales, luminance at the coarsest."""
    fewest = WANG.side * 2 ** (len(EXPONENTS) - 1)
    if min(pair.image.shape[-2:]) < fewest:
        raise ValueError(f"it needs images of at least {fewest} pixels a side, not {min(pair.image.shape[-2:])}")
    value: Any = 1
    for scale, exponent in enumerate(EXPONENTS):
        last = scale == len(EXPONENTS) - 1
        term = pair.once(_map, WANG) if last else pair.once(_terms, WANG)[1]
        value = value * _mean(WANG.inside(term), (-2, -1)).clip(0) ** exponent
        pair = ImagePair(_halved(pair.picture), _halved(pair.image))
    return value.mean(-1)


def _halved(values: Array) -> Array:
    """Means of 2 x 2 pixels; an odd last row or column is left out."""
    rows = values[..., :-1:2, :] + values[..., 1::2, :]
    return (rows[..., :-1:2] + rows[..., 1::2]) / 4


def _terms(pair: ImagePair, window: Window) -> tuple[Array, Array]:
    """Luminance, and contrast times structure, under the window at every pixel.

    OpenCV filters channel by channel, as small as the cache likes it; torch takes whatever it is given.
    """
    if isinstance(pair.image, Tensor):
        return _terms_of(pair.picture + pair.image, pair.picture - pair.image, 0.0, 1.0, window)
    margin = window.side // 2
    channels = zip(pair.picture, pair.image, strict=True)
    found = (_terms_of(*_levels(x, y, margin), WHITE, window) for x, y in channels)
    luminance, contrast_structure = zip(*found, strict=True)
    inside = (slice(None), slice(margin, -margin), slice(margin, -margin))
    return np.stack(luminance)[inside], np.stack(contrast_structure)[inside]


def _levels(x: Array, y: Array, margin: int) -> tuple[Array, Array, float]:
    """Sum and difference of two planes in levels of 8 bits, framed in black, and the sum of two black pixels.

    Sums are told from their mean. Of 8-bit pictures all are integers then whose squares float32 holds exactly, and
    little is lost where squares are subtracted. What is left are errors of the filters, below 1e-6 in all.
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


def _terms_of(s: Array, d: Array, black: float, white: float, window: Window) -> tuple[Array, Array]:
    """With the sum s = x + y and the difference d = x - y, 4 x y = s^2 - d^2 and 2 (x^2 + y^2) = s^2 + d^2.

    So do their means and covariances: four filters are enough, and nothing is lost where x and y are nearly the same.
    It writes on what it is given, in which `black` is the sum of two black pixels.
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
    return _contrast(mean_s, mean_d, c1), _contrast(variance_s, variance_d, c2)


def _contrast(s: Array, d: Array, constant: float) -> Array:
    """(s - d + constant) / (s + d + constant). It writes on what it is given."""
    s += constant
    ratio = s - d
    s += d
    ratio /= s
    return ratio


@lru_cache(maxsize=16)
def _band(window: Window, extent: int) -> Float[Tensor, "extent extent"]:
    band = torch.zeros(extent, extent, dtype=torch.float64)
    for offset, weight in enumerate(window.weights, -(window.side // 2)):
        if abs(offset) < extent:
            band.diagonal(offset)[:] = float(weight)
    return band
