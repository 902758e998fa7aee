"""The dense multi-scale fusion block (DMFB), which widens its view by adding up dilated convolutions.

Beside it, what the paper compares it with (Table 2) and what the official code has in its place.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import relu

from bench_core.errors import unknown
from bench_dmfn.norm import instance_norm

Features = Float[Tensor, "b c h w"]
VARIANTS = ("paper", "no_k", "no_combination", "released")
"""Of the DMFB."""
PLAIN = {"rate2": 2, "rate8": 8}
"""Blocks with one dilated convolution, and its rate."""
BLOCKS = (*VARIANTS, *PLAIN)
RATES = (1, 2, 4, 8)


class DMFB(nn.Module):
    """Four dilated views of one squeezed map, added up from the smallest to the widest, fused and added to the input.

    ``paper`` is the block as published, with bare convolutions K_i behind the sums. ``no_k`` leaves them out, and
    ``no_combination`` the sums as well (Table 2). ``released`` is the official code's: no K_i, no norm or activation
    behind the dilated convolutions, and a 3 x 3 fusion; its author says that it comes from a competition entry.

    Instance norm, without parameters or running statistics, follows every other convolution, and the concatenation.
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
        """y1 = x1, y2 = K2(y1 + x2), y3 = K3(y2 + x3), y4 = K4(y3 + x4), concatenated."""
        x1, x2, x3, x4 = (self._see(dilated, squeezed) for dilated in (self.d1, self.d2, self.d3, self.d4))
        if self.variant == "no_combination":
            return torch.cat([x1, x2, x3, x4], dim=1)
        y2 = self.k2(x1 + x2)
        y3 = self.k3(y2 + x3)
        y4 = self.k4(y3 + x4)
        return torch.cat([x1, y2, y3, y4], dim=1)

    def _see(self, dilated: nn.Module, squeezed: Features) -> Features:
        view = dilated(squeezed)
        return view if self.variant == "released" else relu(instance_norm(view))


class PlainBlock(nn.Module):
    """One dilated convolution of full width, fused and added to the input like the views of a DMFB (Table 2)."""

    def __init__(self, width: int, rate: int) -> None:
        super().__init__()
        self.d1 = nn.Conv2d(width, width, 3, padding=rate, dilation=rate)
        self.c2 = nn.Conv2d(width, width, 1)

    def forward(self, x: Features) -> Features:
        return x + instance_norm(self.c2(relu(instance_norm(self.d1(x)))))


def build_block(name: str, width: int) -> nn.Module:
    """One of `BLOCKS` by its name."""
    if name not in BLOCKS:
        raise unknown("dmfn.block", name, BLOCKS)
    return PlainBlock(width, PLAIN[name]) if name in PLAIN else DMFB(width, name)
