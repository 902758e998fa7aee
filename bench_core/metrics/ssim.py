"""Structural similarity (Wang et al., 2004) in the forms that papers have used; all in float64."""

from functools import lru_cache
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import avg_pool2d, pad

from bench_core.metrics.pixels import grey

Pictures = Float[Tensor, "b c h w"]
Windows = Float[Tensor, "b c h2 w2"]
Values = Float[Tensor, " b"]
Window = Literal["gaussian", "uniform"]
SIGMA = 1.5
C1, C2 = 0.01**2, 0.03**2
EXPONENTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Of the five scales, finest first (Wang, Simoncelli and Bovik, 2003)."""


class Similarity:
    """Local statistics under a window, averaged where the whole window lies in the image."""

    window: Window = "gaussian"
    side = 11
    sample = False
    """Whether covariances are those of a sample."""

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def __call__(self, picture: Pictures, image: Pictures) -> Values:
        luminance, contrast_structure = self._terms(picture.double(), image.double())
        return (luminance * contrast_structure).flatten(1).mean(1)

    def _terms(self, x: Pictures, y: Pictures) -> tuple[Windows, Windows]:
        """Luminance, and contrast times structure, of every window."""
        if min(y.shape[-2:]) < self.side:
            raise ValueError(f"it needs images of at least {self.side} pixels a side, not {min(y.shape[-2:])}")
        mean_x, mean_y = self._mean(x), self._mean(y)
        scale = self.side**2 / (self.side**2 - 1) if self.sample else 1
        variance_x = scale * (self._mean(x * x) - mean_x**2)
        variance_y = scale * (self._mean(y * y) - mean_y**2)
        covariance = scale * (self._mean(x * y) - mean_x * mean_y)
        luminance = (2 * mean_x * mean_y + C1) / (mean_x**2 + mean_y**2 + C1)
        return luminance, (2 * covariance + C2) / (variance_x + variance_y + C2)

    def _mean(self, x: Pictures) -> Windows:
        """The separable window as two products with banded matrices."""
        rows, columns = (_band(extent, self.window, self.side).to(self.device) for extent in x.shape[-2:])
        return rows @ x @ columns.T


class Gaussian(Similarity):
    """scikit-image filters with reflected borders and then crops them away, so the inside is the same."""


class ZeroPadded(Similarity):
    """LaMa's: a window stands on every pixel, and there are zeros beyond the image."""

    def __call__(self, picture: Pictures, image: Pictures) -> Values:
        border = [self.side // 2] * 4
        return super().__call__(pad(picture, border), pad(image, border))


class Uniform7(Similarity):
    """scikit-image's defaults."""

    window, side, sample = "uniform", 7, True


class Grey51(Similarity):
    """EdgeConnect's: scikit-image's with a window of 51, on grey images."""

    window, side, sample = "uniform", 51, True

    def __call__(self, picture: Pictures, image: Pictures) -> Values:
        return super().__call__(grey(picture), grey(image))


class MultiScale(Similarity):
    """Contrast and structure at five scales, luminance at the coarsest."""

    def __call__(self, picture: Pictures, image: Pictures) -> Values:
        fewest = self.side * 2 ** (len(EXPONENTS) - 1)
        if min(image.shape[-2:]) < fewest:
            raise ValueError(f"it needs images of at least {fewest} pixels a side, not {min(image.shape[-2:])}")
        x, y = picture.double(), image.double()
        value = torch.ones(x.shape[:2], dtype=torch.float64, device=x.device)
        for scale, exponent in enumerate(EXPONENTS):
            x, y = (avg_pool2d(x, 2), avg_pool2d(y, 2)) if scale else (x, y)
            luminance, contrast_structure = self._terms(x, y)
            last = scale == len(EXPONENTS) - 1
            term = luminance * contrast_structure if last else contrast_structure
            value = value * term.flatten(2).mean(2).clamp(min=0) ** exponent
        return value.mean(1)


@lru_cache(maxsize=16)
def _band(extent: int, window: Window, side: int) -> Float[Tensor, "inner extent"]:
    offsets = torch.arange(side, dtype=torch.float64) - side // 2
    weights = torch.exp(-(offsets**2) / (2 * SIGMA**2)) if window == "gaussian" else torch.ones(side).double()
    weights /= weights.sum()
    band = torch.zeros(extent - side + 1, extent, dtype=torch.float64)
    for shift, weight in enumerate(weights):
        band.diagonal(shift)[:] = weight
    return band
