"""The partial convolution, Eq. 1 and 2."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import conv2d

Features = Float[Tensor, "b c h w"]
Valid = Float[Tensor, "b m h w"]
Convolved = Float[Tensor, "b c2 h2 w2"]
Updated = Float[Tensor, "b 1 h2 w2"]


class PartialConv2d(nn.Module):
    """A convolution over valid pixels only, scaled up by how few of them its window holds.

    Its mask has one channel for each group of feature channels that share one, and `shares` tells how many they are:
    ``(in_channels,)`` when all do, ``(512, 256)`` after a concatenation, ``(1, 1, 1)`` for the mask of an RGB image
    that differs over channels. Every output channel gets the same mask, so one channel is returned.

    Zero padding counts as missing, and where no pixel of a window is valid the output is 0, bias included.
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
        self.stride, self.padding = stride, padding
        nn.init.kaiming_normal_(self.weight)
        self.shares = shares or (in_channels,)
        counts = torch.tensor(self.shares, dtype=torch.float32).view(1, -1, 1, 1)
        self.window: Tensor
        self.register_buffer("window", counts.expand(1, -1, kernel_size, kernel_size).clone(), persistent=False)

    def forward(self, x: Features, valid: Valid) -> tuple[Convolved, Updated]:
        """Features and mask (1 = valid) to features and the mask of windows that saw a valid pixel."""
        # counts reach thousands, which 16 bits do not tell apart
        with torch.no_grad(), torch.autocast(valid.device.type, enabled=False):
            known = conv2d(valid.float(), self.window, None, self.stride, self.padding)  # sum(M)
            updated = known.clamp(0, 1)
            ratio = self.window.sum() / (known + 1e-8) * updated  # sum(1) / sum(M), or 0
        masked = torch.cat([part * valid[:, i : i + 1] for i, part in enumerate(x.split(self.shares, dim=1))], dim=1)
        y = conv2d(masked, self.weight, None, self.stride, self.padding) * ratio
        if self.bias is not None:
            y = y + self.bias.view(1, -1, 1, 1) * updated
        return y, updated
