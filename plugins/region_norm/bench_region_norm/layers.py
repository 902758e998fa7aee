"""Region normalization: the operation, and its basic and learnable layers RN-B and RN-L."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import interpolate

from bench_core.nn.memory_layout import has_channels_last
from bench_core.nn.precision import without_autocast
from bench_core.nn.types import Features, HoleTensor

EPS = 1e-5

Region = HoleTensor
"""1 inside a region, 0 outside."""
BySide = Float[Tensor, "2 c"]
"""For each channel a value outside the region and one inside."""


def region_norm(x: Features, region: Region) -> Features:
    """Standardise each channel inside the region, and apart from that outside, over all images of the batch.

    Of a side with n of all N values, the result is (x - mean) / sqrt(variance + 1e-5 N / n). The factor N / n is that
    of the official code: it normalises maps whose other side is filled with the mean.
    """
    return _RegionNorm.apply(x, region)


class _RegionNorm(torch.autograd.Function):
    """For the gradient g of the output z, the gradient of x is (g - mean(g) - z mean(g z)) scale, side by side."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, region: Tensor) -> Tensor:
        wide = x.to(torch.promote_types(x.dtype, torch.float32))  # 16 bits are too few for sums
        region = region.to(wide.dtype)
        inside = region.sum()
        count = torch.stack([region.numel() - inside, inside]).clamp_min(1).unsqueeze(1)
        z = wide - by_side(_sums(wide, region) / count, region, x)
        variance = _sums(z.square(), region) / count
        scale = torch.rsqrt(variance + EPS * region.numel() / count)
        z *= by_side(scale, region, x)
        z = z.to(x.dtype)
        ctx.save_for_backward(z, region, count, scale)
        return z

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        z, region, count, scale = ctx.saved_tensors
        g = gradient.to(scale.dtype)
        along = _sums(g * z, region) / count
        x_gradient = g - by_side(_sums(g, region) / count, region, g)
        x_gradient -= z * by_side(along, region, g)
        x_gradient *= by_side(scale, region, g)
        return x_gradient.to(gradient.dtype), None


def _sums(x: Features, region: Region) -> BySide:
    inside = x * region
    return torch.stack([(x - inside).sum((0, 2, 3)), inside.sum((0, 2, 3))])


def by_side(values: BySide, region: Region, like: Features) -> Features:
    """Return a map of each pixel's values: the second row's inside the region, the first row's outside.

    The map lies in memory as `like` does, because mixed layouts are slow.
    """
    outside, inside = values
    if has_channels_last(like):
        return torch.lerp(outside, inside, region.movedim(1, -1)).movedim(-1, 1)  # exact for 0 and 1
    return torch.lerp(outside[:, None, None], inside[:, None, None], region)


class BasicRegionNorm(nn.Module):
    """RN-B: the region is the hole, and each side has a scale of its own.

    Each side has a shift, too. The official code adds both to all pixels, and the released weights need that.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.hole_gamma, self.hole_beta, self.known_gamma, self.known_beta = (
            nn.Parameter(torch.zeros(width)) for _ in range(4)
        )

    def forward(self, x: Features, hole: Float[Tensor, "b 1 h2 w2"]) -> Features:
        """Normalise features of an image with this hole, whose height and width may be larger."""
        region = interpolate(hole, x.shape[-2:], mode="nearest").to(self.hole_gamma.dtype)
        gamma = torch.stack([self.known_gamma, self.hole_gamma])
        beta = (self.known_beta + self.hole_beta)[:, None, None]
        return torch.addcmul(beta, region_norm(x, region), by_side(1 + gamma, region, x)).to(x.dtype)


class LearnedRegionNorm(nn.Module):
    """RN-L: finds a region in its input, and draws scale and shift of each pixel from the same map.

    Args:
        threshold: least response in (0, 1) inside the region. No gradient passes through it.
    """

    def __init__(self, threshold: float) -> None:
        super().__init__()
        self.threshold = threshold
        self.response_conv = nn.Conv2d(2, 1, 7, padding=3, bias=False)
        self.gamma_conv = nn.Conv2d(1, 1, 7, padding=3)
        self.beta_conv = nn.Conv2d(1, 1, 7, padding=3)

    def forward(self, x: Features) -> Features:
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        with without_autocast(x.device):  # rounding to 16 bits would move pixels across the threshold
            channel_stats = torch.cat([wide.mean(1, keepdim=True), wide.amax(1, keepdim=True)], dim=1)
            response = torch.sigmoid(self.response_conv(channel_stats))
            region = (response.detach() >= self.threshold).to(wide.dtype)
            gamma, beta = self.gamma_conv(response), self.beta_conv(response)
            y = torch.addcmul(beta, region_norm(wide, region), 1 + gamma)
        return y.to(x.dtype)
