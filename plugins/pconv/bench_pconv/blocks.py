"""The layers of the U-Net: partial convolution, batch norm, activation, in the encoder's and in the decoder's way.

What is missing is 0 in all features that `Encoder` and `Decoder` take and return: a layer masks its output once, for
the next layer and for the one that it skips to, and none masks its input. With ``mask_channels=single`` features meet
masks other than their own, so there each layer masks what it is given, as the equations have it.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import conv2d, interpolate, leaky_relu, relu

from bench_core.nn.upsample import spread, upsampled_conv2d
from bench_pconv.kernels import Kernels, Weight, normed
from bench_pconv.layers import Convolved, Features, PartialConv2d, Updated

Valid = Float[Tensor, "b 1 h w"]
Skip = Float[Tensor, "b s h2 w2"]
SkipValid = Float[Tensor, "b 1 h2 w2"]


FEW = 256
"""Pixels below which reading a spread kernel costs more than it saves, as measured on CPUs."""


class Encoder(nn.Module):
    """Partial convolution of stride 2, batch norm (but for the first), ReLU."""

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, norm: bool, bias: bool) -> None:
        super().__init__()
        self.conv = PartialConv2d(in_channels, out_channels, kernel_size, 2, kernel_size // 2, bias)
        self.norm = nn.BatchNorm2d(out_channels) if norm else None
        self.kernels = Kernels()

    def forward(self, x: Features, valid: Valid) -> tuple[Convolved, Updated]:
        """Features and their mask (1 = valid) to those of half the size."""
        (kernel,), bias = self.kernels(self.conv, self.norm)
        y, updated = self.conv.rescaled(conv2d(x, kernel, None, 2, self.conv.padding), valid, bias)
        return relu(normed(y, updated, self.norm), inplace=True), updated


class Decoder(nn.Module):
    """Nearest upsampling of features and mask, concatenation with the encoder's, partial convolution.

    Batch norm and LeakyReLU follow, but for the last. Both parts keep their own masks.
    """

    def __init__(self, below: int, skip: int, out_channels: int, last: bool, bias: bool) -> None:
        super().__init__()
        self.conv = PartialConv2d(below + skip, out_channels, 3, padding=1, bias=bias, shares=(below, skip))
        self.norm = None if last else nn.BatchNorm2d(out_channels)
        self.kernels = Kernels()

    def forward(self, x: Features, valid: Valid, skip: Skip, skip_valid: SkipValid) -> tuple[Convolved, Updated]:
        """Features from below and from the encoder, and their masks, to features of the encoder's size.

        Only masks are concatenated: ``W * [up x, skip]`` is ``W_below * up x + W_across * skip``.
        """
        few = x[0, 0].numel() < FEW  # whatever the batch, so that a picture is painted alike in any
        (below, across), bias = self.kernels(self.conv, self.norm, self._apart if few else self._spread)
        up = conv2d(interpolate(x, scale_factor=2), below, padding=1) if few else upsampled_conv2d(x, below)
        y = conv2d(skip, across, padding=1).add_(up)
        y, updated = self.conv.rescaled(y, torch.cat([interpolate(valid, scale_factor=2), skip_valid], dim=1), bias)
        y = normed(y, updated, self.norm)
        return (y if self.norm is None else leaky_relu(y, 0.2, inplace=True)), updated

    def _apart(self, weight: Weight) -> tuple[Weight, ...]:
        """What the part from below is convolved with, and what the skipped part."""
        return weight.split(self.conv.shares, dim=1)

    def _spread(self, weight: Weight) -> tuple[Weight, ...]:
        below, across = self._apart(weight)
        return spread(below), across


class SharedMaskEncoder(Encoder):
    """An encoder's layer that masks what it is given."""

    def forward(self, x: Features, valid: Valid) -> tuple[Convolved, Updated]:
        y, updated = self.conv(x, valid)
        return relu(y if self.norm is None else self.norm(y), inplace=True), updated


class SharedMaskDecoder(Decoder):
    """A decoder's layer whose two parts share one mask, in which a pixel is valid where it is valid in either."""

    def forward(self, x: Features, valid: Valid, skip: Skip, skip_valid: SkipValid) -> tuple[Convolved, Updated]:
        joined = torch.cat([interpolate(x, scale_factor=2), skip], dim=1)
        either = torch.maximum(interpolate(valid, scale_factor=2), skip_valid)
        y, updated = self.conv(joined, either.expand(-1, 2, -1, -1))
        return (y if self.norm is None else leaky_relu(self.norm(y), 0.2, inplace=True)), updated
