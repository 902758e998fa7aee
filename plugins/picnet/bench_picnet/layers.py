"""Residual blocks of all networks. Every convolution has spectral norm and a bias."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, conv_transpose2d, leaky_relu, pad

from bench_core.nn.downsample import averaged_conv2d
from bench_core.nn.instance_norm import AffineInstanceNorm2d
from bench_core.nn.spectral_norm import SpectralNormConv2d, SpectralNormConvTranspose2d
from bench_core.nn.types import Features, ImageTensor

SLOPE = 0.1
"""Slope of leaky ReLUs for negative values."""

Halved = Float[Tensor, "b c2 h2 w2"]


class ResidualBlock(nn.Module):
    """Leaky ReLU and 3x3 convolution, twice, beside a 1x1 convolution.

    Args:
        in_channels: channels of the input.
        hidden: channels between both 3x3 convolutions.
        out_channels: channels of the output.
        halve: True to average 2x2 pixels of the sum.
        slope: slope of both leaky ReLUs.
    """

    def __init__(
        self, in_channels: int, hidden: int, out_channels: int, halve: bool = False, slope: float = SLOPE
    ) -> None:
        super().__init__()
        self.conv1 = conv(in_channels, hidden)
        self.conv2 = conv(hidden, out_channels)
        self.bypass = conv(in_channels, out_channels, 1)
        self.halve, self.slope = halve, slope

    def forward(self, x: Features) -> Halved:
        h = self.conv1(leaky_relu(x, self.slope))
        h = leaky_relu(h, self.slope, inplace=True)
        return halved_sum(self.conv2, h, self.bypass, x) if self.halve else self.conv2(h) + self.bypass(x)


class HeadBlock(nn.Module):
    """First block of encoder and discriminators, which halves the size: no leaky ReLU before its first convolution."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv1 = conv(in_channels, out_channels)
        self.conv2 = conv(out_channels, out_channels)
        self.bypass = conv(in_channels, out_channels, 1)

    def forward(self, x: ImageTensor) -> Halved:
        return halved_sum(self.conv2, leaky_relu(self.conv1(x), SLOPE, inplace=True), self.bypass, x)


class UpBlock(nn.Module):
    """Decoder block, which doubles the size: instance norm before each leaky ReLU, and transposed convolutions."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.norm1 = AffineInstanceNorm2d(in_channels)
        self.conv1 = conv(in_channels, out_channels)
        self.norm2 = AffineInstanceNorm2d(out_channels)
        self.conv2, self.bypass = (
            # rows 0: the official matrix has a row for each channel of the input
            SpectralNormConvTranspose2d(channels, out_channels, 3, 2, 1, 1, rows=0, step_in_evaluation=True)
            for channels in (out_channels, in_channels)
        )

    def forward(self, x: Features) -> Halved:
        h = self.conv1(leaky_relu(self.norm1(x), SLOPE, inplace=True))
        h = leaky_relu(self.norm2(h), SLOPE, inplace=True)
        # the sum of both paths' transposed convolutions, as one over the channels of both
        weight = torch.cat([self.conv2.normalised_weight(), self.bypass.normalised_weight()])
        bias = self.conv2.bias + self.bypass.bias  # pyright: ignore[reportOperatorIssue]
        return conv_transpose2d(torch.cat([h, x], dim=1), weight, bias, stride=2, padding=1, output_padding=1)


class OutputBlock(nn.Module):
    """Image in [-1, 1] of features: leaky ReLU, a 3x3 convolution of mirrored borders, and tanh."""

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.conv1 = conv(in_channels, channels, padding=0)

    def forward(self, x: Features) -> Float[Tensor, "b c2 h w"]:
        return torch.tanh(self.conv1(pad(leaky_relu(x, SLOPE), (1, 1, 1, 1), mode="reflect")))


def conv(in_channels: int, out_channels: int, kernel_size: int = 3, padding: int | None = None) -> SpectralNormConv2d:
    """Build a convolution that keeps the size, if `padding` is left out."""
    if padding is None:
        padding = kernel_size // 2
    return SpectralNormConv2d(in_channels, out_channels, kernel_size, padding=padding, step_in_evaluation=True)


def halved_sum(
    conv2: SpectralNormConv2d, h: Features, bypass: SpectralNormConv2d, x: Float[Tensor, "b c1 h w"]
) -> Halved:
    """Return the sum of both paths, averaged over 2x2 pixels.

    The bypass is linear, so it averages first and has a quarter of the pixels to convolve.
    """
    return averaged_conv2d(h, conv2.normalised_weight(), conv2.bias) + bypass(avg_pool2d(x, 2))
