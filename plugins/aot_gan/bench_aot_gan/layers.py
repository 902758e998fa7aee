"""The AOT block: aggregated contextual transformations."""

import torch
from torch import nn
from torch.linalg import vector_norm
from torch.nn.functional import relu

from bench_core.nn.conv import PaddedConv2d
from bench_core.nn.types import Features

EPS = 1e-9


class AOTBlock(nn.Module):
    """Split the kernel into branches of different dilation, merge their views, and blend the result with the input.

    Splitting: a branch for each rate r sees x through 3x3 convolutions of dilation r. Transforming and merging: the
    branches' features are concatenated and fused by one convolution to y. Gating: x (1 - g) + y g.

    All convolutions pad mirrored pixels, so maps must be larger than the largest rate.
    """

    def __init__(self, width: int, rates: tuple[int, ...]) -> None:
        super().__init__()
        branch = width // len(rates)
        self.branches = nn.ModuleList(PaddedConv2d(width, branch, 3, dilation=r, padding="reflect") for r in rates)
        self.fuse = PaddedConv2d(width, width, 3, padding="reflect")
        self.gate = PaddedConv2d(width, width, 3, padding="reflect")

    def forward(self, x: Features) -> Features:
        y = self.fuse(torch.cat([relu(branch(x)) for branch in self.branches], dim=1))
        return torch.lerp(x, y, gate_values(self.gate(x)))


def gate_values(v: Features) -> Features:
    """Return the gate g in (0, 1): sigmoid(5 (2 n - 1)) of the standardised map n of each channel and image.

    The logit has mean -5 and standard deviation 10 in each map, so the gate opens at some places and is nearly shut
    elsewhere. The deviation is the unbiased one. The gate of a constant map is sigmoid(-5).
    """
    wide = v.to(torch.promote_types(v.dtype, torch.float32))  # 16 bits are too few for sums
    centred = wide - wide.mean((2, 3), keepdim=True)
    # a norm, because the square root of a constant map's variance would have the gradient NaN
    deviation = vector_norm(centred, dim=(2, 3), keepdim=True) / (v[0, 0].numel() - 1) ** 0.5
    return torch.sigmoid(centred * (10 / (deviation + EPS)) - 5).to(v.dtype)
