"""The dense multi-scale fusion block (DMFB), which widens its view by adding up dilated convolutions."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import instance_norm, relu

from bench_core.errors import unknown

Features = Float[Tensor, "b c h w"]
VARIANTS = ("paper", "released", "without_k")
RATES = (1, 2, 4, 8)


class DMFB(nn.Module):
    """Four dilated views of one squeezed map, added up from the smallest to the widest, fused and added to the input.

    ``paper`` is the block as published, with bare convolutions K_i behind the sums. ``without_k`` leaves them out
    (Table 2). ``released`` is the official code's: no K_i, no norm or activation behind the dilated convolutions, and
    a 3 x 3 fusion; its author says that it comes from a competition entry and differs from the paper.

    Instance norm, without parameters or running statistics, follows every other convolution, and the concatenation.
    """

    def __init__(self, width: int, variant: str = "paper") -> None:
        super().__init__()
        if variant not in VARIANTS:
            raise unknown("DMFB variant", variant, VARIANTS)
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
        y2 = self.k2(x1 + x2)
        y3 = self.k3(y2 + x3)
        y4 = self.k4(y3 + x4)
        return torch.cat([x1, y2, y3, y4], dim=1)

    def _see(self, dilated: nn.Module, squeezed: Features) -> Features:
        view = dilated(squeezed)
        return view if self.variant == "released" else relu(instance_norm(view))
