"""The generator's only layer: a convolution and its activation, on pixels that may be repeated first."""

from collections.abc import Callable

from torch import Tensor
from torch.nn.functional import elu_

from bench_core.nn.conv import PaddedConv2d, Padding, Strided
from bench_core.nn.types import Features
from bench_core.nn.upsample import spread, upsampled_conv2d


class Conv(PaddedConv2d):
    """Convolution and activation, which may write over its input.

    With `upsample`, pixels are first repeated to twice the height and width.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int = 3,
        stride: int = 1,
        dilation: int = 1,
        upsample: bool = False,
        activation: Callable[[Tensor], Tensor] = elu_,
        padding: Padding = "same",
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride, dilation, padding)
        self.upsample = upsample
        self.activation = activation

    def forward(self, input: Features) -> Strided:
        x = self.padded(input)
        if self.upsample:
            reflect = self.padding_mode == "reflect"
            return self.activation(upsampled_conv2d(x, spread(self.weight), self.bias, reflect))
        return self.activation(self._conv_forward(x, self.weight, self.bias))
