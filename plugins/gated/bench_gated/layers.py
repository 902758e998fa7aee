"""The gated convolution (Section 3.1)."""

from collections.abc import Callable
from functools import partial

from torch import Tensor
from torch.nn.functional import elu

from bench_core.nn.conv import PaddedConv2d, Padding, Strided
from bench_core.nn.types import Features
from bench_core.nn.upsample import spread, upsampled_conv2d


class GatedConv2d(PaddedConv2d):
    """activation(features) * sigmoid(gate); the first half of the weight's output channels gives the features.

    The two halves are separate convolutions, because a slice of channels would leave gaps in memory. With `upsample`,
    pixels are first repeated to twice the height and width.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int = 3,
        stride: int = 1,
        dilation: int = 1,
        upsample: bool = False,
        activation: Callable[[Tensor], Tensor] = elu,
        padding: Padding = "same",
    ) -> None:
        super().__init__(in_channels, 2 * out_channels, kernel_size, stride, dilation, padding)
        self.upsample = upsample
        self.activation = activation

    def forward(self, input: Features) -> Strided:
        x = self.padded(input)
        assert self.bias is not None
        features, gate = map(partial(self._convolve_half, x), self.weight.chunk(2), self.bias.chunk(2))
        return self.activation(features) * gate.sigmoid_()

    def _convolve_half(self, x: Features, weight: Tensor, bias: Tensor) -> Strided:
        if self.upsample:
            return upsampled_conv2d(x, spread(weight), bias, reflect=self.padding_mode == "reflect")
        return self._conv_forward(x, weight, bias)
