"""The partial convolution, Eq. 1 and 2."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, conv2d

from bench_core.nn.types import Features

Valid = Float[Tensor, "b m h w"]
Convolved = Float[Tensor, "b c2 h2 w2"]
Weight = Float[Tensor, "_ _ _ _"]
Bias = Float[Tensor, " _"] | None
Updated = Float[Tensor, "b 1 h2 w2"]


class PartialConv2d(nn.Module):
    """Convolution over valid pixels only, rescaled by their share of the window.

    The mask has one channel per group of feature channels with the same mask. `shares` lists the sizes of the groups:
    ``(in_channels,)`` for a single mask, ``(512, 256)`` after a concatenation, ``(1, 1, 1)`` for an RGB image whose
    mask differs between channels. All output channels have the same mask, so one channel is returned.

    Zero padding counts as missing. Without a valid pixel in the window the output is 0, bias included.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
        bias: bool = False,
        shares: tuple[int, ...] | None = None,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(out_channels, in_channels, kernel_size, kernel_size))
        self.bias = nn.Parameter(torch.zeros(out_channels)) if bias else None
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding
        nn.init.kaiming_normal_(self.weight)
        self.shares = shares or (in_channels,)
        self.share: Tensor
        counts = torch.tensor(self.shares, dtype=torch.float32).view(1, -1, 1, 1)
        self.register_buffer("share", counts, persistent=False)

    def forward(self, x: Features, valid: Valid) -> tuple[Convolved, Updated]:
        """Return features, and the mask (1 = valid) of windows with a valid pixel."""
        masked = torch.cat([part * valid[:, i : i + 1] for i, part in enumerate(x.split(self.shares, dim=1))], dim=1)
        return self.rescaled(conv2d(masked, self.weight, None, self.stride, self.padding), valid, self.bias)

    def rescaled(self, y: Convolved, valid: Valid, bias: Bias) -> tuple[Convolved, Updated]:
        """Apply Eq. 1 in place to a convolution of masked features, and return it with the mask of Eq. 2."""
        ratio, updated = self.count(valid)
        y = y.mul_(ratio)
        return (y if bias is None else y.addcmul_(bias.view(1, -1, 1, 1), updated)), updated

    def count(self, valid: Valid) -> tuple[Updated, Updated]:
        """Return each window's ratio sum(1) / sum(M), or 0 without a valid pixel, and the mask of Eq. 2.

        A mask of c feature channels counts c times, so sum(M) is a box filter on one channel.
        """
        # counts reach thousands, which 16 bits cannot hold exactly
        with torch.no_grad(), torch.autocast(valid.device.type, enabled=False):
            shared = (valid.float() * self.share).sum(dim=1, keepdim=True)
            total = avg_pool2d(shared, self.kernel_size, self.stride, self.padding, divisor_override=1)  # sum(M)
            updated = total.clamp(0, 1)
            return self.weight[0].numel() / (total + 1e-8) * updated, updated
