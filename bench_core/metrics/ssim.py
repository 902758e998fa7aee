"""Structural similarity (Wang et al., 2004), equal to scikit-image's."""

from functools import lru_cache

import torch
from jaxtyping import Float
from torch import Tensor

Pictures = Float[Tensor, "b c h w"]
SIGMA = 1.5
RADIUS = 5  # int(3.5 sigma + 0.5), so a window of 11
C1, C2 = 0.01**2, 0.03**2


class Ssim:
    """Local statistics under a Gaussian window, in float64, averaged where the whole window lies in the image.

    scikit-image filters with reflected borders and then crops them away, so the inside is the same.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def __call__(self, composite: Pictures, image: Pictures) -> Float[Tensor, " b"]:
        if min(image.shape[-2:]) <= 2 * RADIUS:
            raise ValueError(f"SSIM needs images of at least {2 * RADIUS + 1} pixels a side, not {image.shape[-2:]}")
        x, y = composite.double(), image.double()
        mean_x, mean_y = self._blur(x), self._blur(y)
        variance_x = self._blur(x * x) - mean_x**2
        variance_y = self._blur(y * y) - mean_y**2
        covariance = self._blur(x * y) - mean_x * mean_y
        luminance = (2 * mean_x * mean_y + C1) / (mean_x**2 + mean_y**2 + C1)
        contrast_structure = (2 * covariance + C2) / (variance_x + variance_y + C2)
        return (luminance * contrast_structure).flatten(1).mean(1)

    def _blur(self, x: Pictures) -> Float[Tensor, "b c h2 w2"]:
        """The separable Gaussian as two products with banded matrices."""
        return _band(x.shape[-2]).to(self.device) @ x @ _band(x.shape[-1]).to(self.device).T


@lru_cache(maxsize=8)
def _band(extent: int) -> Float[Tensor, "inner extent"]:
    offsets = torch.arange(-RADIUS, RADIUS + 1, dtype=torch.float64)
    window = torch.exp(-(offsets**2) / (2 * SIGMA**2))
    window /= window.sum()
    band = torch.zeros(extent - 2 * RADIUS, extent, dtype=torch.float64)
    for shift, weight in enumerate(window):
        band.diagonal(shift)[:] = weight
    return band
