"""The dense multi-scale fusion block (DMFB), and the blocks of Table 2 and of the official code."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import relu

from bench_core.errors import unknown
from bench_core.nn.instance_norm import instance_norm
from bench_core.nn.types import Features

PLAIN_RATES = {"rate2": 2, "rate8": 8}
"""Dilation of the blocks with a single dilated convolution."""
BLOCKS = ("paper", "no_k", "no_combination", "released", *PLAIN_RATES)
RATES = (1, 2, 4, 8)


class DMFB(nn.Module):
    """Four dilated convolutions of one squeezed map, summed from the narrowest to the widest, fused, and a skip.

    ``paper`` is the published block, with bare convolutions K_i behind the sums. ``no_k`` leaves out the K_i, and
    ``no_combination`` the sums as well (Table 2). ``released`` is the block of the official code. It has no K_i, no
    norm or activation behind the dilated convolutions, and a 3x3 fusion. Its author says that it comes from a
    competition entry.

    Instance norm without parameters or running statistics follows every other convolution, and the concatenation.
    """

    def __init__(self, width: int, variant: str = "paper") -> None:
        super().__init__()
        self.variant = variant
        branch = width // len(RATES)
        self.c1 = nn.Conv2d(width, branch, 3, padding=1)
        self.d1, self.d2, self.d3, self.d4 = (
            nn.Conv2d(branch, branch, 3, padding=rate, dilation=rate) for rate in RATES
        )
        self.k2, self.k3, self.k4 = (
            nn.Conv2d(branch, branch, 3, padding=1) if variant == "paper" else nn.Identity() for _ in RATES[1:]
        )
        self.c2 = nn.Conv2d(width, width, 3, padding=1) if variant == "released" else nn.Conv2d(width, width, 1)

    def forward(self, x: Features) -> Features:
        squeezed = relu(instance_norm(self.c1(x)))
        fused = self.c2(relu(instance_norm(self.combine(squeezed))))
        return x + instance_norm(fused)

    def combine(self, squeezed: Float[Tensor, "b q h w"]) -> Features:
        """Concatenate y1 = x1, y2 = K2(y1 + x2), y3 = K3(y2 + x3) and y4 = K4(y3 + x4)."""
        x1, x2, x3, x4 = (self._dilate(conv, squeezed) for conv in (self.d1, self.d2, self.d3, self.d4))
        if self.variant == "no_combination":
            return torch.cat([x1, x2, x3, x4], dim=1)
        y2 = self.k2(x1 + x2)
        y3 = self.k3(y2 + x3)
        y4 = self.k4(y3 + x4)
        return torch.cat([x1, y2, y3, y4], dim=1)

    def _dilate(self, conv: nn.Module, squeezed: Features) -> Features:
        x = conv(squeezed)
        return x if self.variant == "released" else relu(instance_norm(x))


class PlainBlock(nn.Module):
    """One dilated convolution of full width, a 1x1 fusion and a skip (Table 2)."""

    def __init__(self, width: int, rate: int) -> None:
        super().__init__()
        self.d1 = nn.Conv2d(width, width, 3, padding=rate, dilation=rate)
        self.c2 = nn.Conv2d(width, width, 1)

    def forward(self, x: Features) -> Features:
        return x + instance_norm(self.c2(relu(instance_norm(self.d1(x)))))


def build_block(name: str, width: int) -> nn.Module:
    """Build one of `BLOCKS`.

    Raises:
        BadInput: there is no such block.
    """
    if name not in BLOCKS:
        raise unknown("dmfn.block", name, BLOCKS)
    return PlainBlock(width, PLAIN_RATES[name]) if name in PLAIN_RATES else DMFB(width, name)
