"""The layers of the U-Net's encoder and decoder: partial convolution, batch norm, activation.

Missing features are 0 in all inputs and outputs of `Encoder` and `Decoder`: a layer masks its output once, for the next
layer and for the skip connection, and never its input. With ``mask_channels=single`` features meet masks other than
their own. There each layer masks its input, as in the equations.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import conv2d, interpolate, leaky_relu, relu

from bench_core.nn.upsample import spread, upsampled_conv2d
from bench_pconv.kernels import KernelCache, Weight, normed
from bench_pconv.layers import Convolved, Features, PartialConv2d, Updated

Valid = Float[Tensor, "b 1 h w"]
Skip = Float[Tensor, "b s h2 w2"]
SkipValid = Float[Tensor, "b 1 h2 w2"]

MIN_SPREAD_PIXELS = 256
"""Smallest map for which upsampling and convolving at once is faster, as measured on CPUs."""


class Encoder(nn.Module):
    """Partial convolution of stride 2, batch norm (except in the first), ReLU."""

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, norm: bool, bias: bool) -> None:
        super().__init__()
        self.conv = PartialConv2d(in_channels, out_channels, kernel_size, 2, kernel_size // 2, bias)
        self.norm = nn.BatchNorm2d(out_channels) if norm else None
        self.kernels = KernelCache()

    def forward(self, x: Features, valid: Valid) -> tuple[Convolved, Updated]:
        """Return features and their mask (1 = valid) at half the size."""
        (kernel,), bias = self.kernels(self.conv, self.norm)
        y, updated = self.conv.rescaled(conv2d(x, kernel, None, 2, self.conv.padding), valid, bias)
        return relu(normed(y, updated, self.norm), inplace=True), updated


class Decoder(nn.Module):
    """Nearest upsampling of features and mask, concatenation with the encoder's, partial convolution.

    Batch norm and LeakyReLU follow, except in the last. Both parts keep their own masks.
    """

    def __init__(self, below: int, skip: int, out_channels: int, last: bool, bias: bool) -> None:
        super().__init__()
        self.conv = PartialConv2d(below + skip, out_channels, 3, padding=1, bias=bias, shares=(below, skip))
        self.norm = None if last else nn.BatchNorm2d(out_channels)
        self.kernels = KernelCache()

    def forward(self, x: Features, valid: Valid, skip: Skip, skip_valid: SkipValid) -> tuple[Convolved, Updated]:
        """Return features and their mask at the encoder's size.

        Only masks are concatenated: ``W * [up x, skip]`` is ``W_below * up x + W_across * skip``.
        """
        few = x[0, 0].numel() < MIN_SPREAD_PIXELS  # per image, so that the batch size does not change the result
        (below, across), bias = self.kernels(self.conv, self.norm, self._split if few else self._split_and_spread)
        up = conv2d(interpolate(x, scale_factor=2), below, padding=1) if few else upsampled_conv2d(x, below)
        y = conv2d(skip, across, padding=1).add_(up)
        y, updated = self.conv.rescaled(y, torch.cat([interpolate(valid, scale_factor=2), skip_valid], dim=1), bias)
        y = normed(y, updated, self.norm)
        return (y if self.norm is None else leaky_relu(y, 0.2, inplace=True)), updated

    def _split(self, weight: Weight) -> tuple[Weight, ...]:
        """Split into the kernels of the features from below and of the skip connection."""
        return weight.split(self.conv.shares, dim=1)

    def _split_and_spread(self, weight: Weight) -> tuple[Weight, ...]:
        below, across = self._split(weight)
        return spread(below), across


class SharedMaskEncoder(Encoder):
    """Encoder layer that masks its input."""

    def forward(self, x: Features, valid: Valid) -> tuple[Convolved, Updated]:
        y, updated = self.conv(x, valid)
        return relu(y if self.norm is None else self.norm(y), inplace=True), updated


class SharedMaskDecoder(Decoder):
    """Decoder layer whose two parts share one mask: a pixel is valid if it is valid in either."""

    def forward(self, x: Features, valid: Valid, skip: Skip, skip_valid: SkipValid) -> tuple[Convolved, Updated]:
        joined = torch.cat([interpolate(x, scale_factor=2), skip], dim=1)
        either = torch.maximum(interpolate(valid, scale_factor=2), skip_valid)
        y, updated = self.conv(joined, either.expand(-1, 2, -1, -1))
        return (y if self.norm is None else leaky_relu(self.norm(y), 0.2, inplace=True)), updated
