"""The gated convolution (Section 3.1) and the spectrally normalised one (Section 3.2), padded as in TensorFlow."""

from collections.abc import Callable
from functools import partial
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import elu, normalize, pad

from bench_core.nn.upsample import spread, upsampled_conv2d

Features = Float[Tensor, "b c h w"]
Strided = Float[Tensor, "b c2 h2 w2"]
Padding = Literal["same", "even", "reflect"]


def same_padding(size: int, kernel_size: int, stride: int) -> tuple[int, int]:
    """Zeros before and after `size` pixels, so that ceil(size / stride) windows fit; an odd one goes behind."""
    windows = -(-size // stride)
    total = max((windows - 1) * stride + kernel_size - size, 0)
    return total // 2, total - total // 2


class PaddedConv2d(nn.Conv2d):
    """A convolution that pads, so that only its stride changes height and width.

    Args:
        padding: "same" pads zeros as TensorFlow does, which at stride 2 is lopsided; "even" pads as many in front as
            behind; "reflect" does so with mirrored pixels.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        dilation: int = 1,
        padding: Padding = "same",
    ) -> None:
        lopsided = padding == "same" and stride > 1
        sides = 0 if lopsided else dilation * (kernel_size - 1) // 2
        mode = "reflect" if padding == "reflect" else "zeros"
        super().__init__(in_channels, out_channels, kernel_size, stride, sides, dilation, padding_mode=mode)
        self.lopsided = lopsided
        nn.init.xavier_uniform_(self.weight)
        assert self.bias is not None
        nn.init.zeros_(self.bias)

    def forward(self, input: Features) -> Strided:
        return self._conv_forward(self.padded(input), self.weight, self.bias)

    def padded(self, x: Features) -> Float[Tensor, "b c h1 w1"]:
        """With the zeros of lopsided padding; even sides are left to PyTorch, which copies no pixels for them.

        Channels of a pixel come to lie side by side, as convolutions on a CPU like them, and stay so from layer to
        layer.
        """
        x = x.contiguous(memory_format=torch.channels_last)
        if not self.lopsided:
            return x
        stride, kernel_size = self.stride[0], self.kernel_size[0]
        top, bottom = same_padding(x.shape[-2], kernel_size, stride)
        left, right = same_padding(x.shape[-1], kernel_size, stride)
        return pad(x, (left, right, top, bottom))


class GatedConv2d(PaddedConv2d):
    """activation(features) * sigmoid(gate), where the first half of the weight's channels gives features.

    Either half is a convolution of its own, for a slice of channels would leave gaps in memory. With `upsample`, pixels
    are repeated to twice the height and width first.
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
        features, gate = map(partial(self._half, x), self.weight.chunk(2), self.bias.chunk(2))
        return self.activation(features) * gate.sigmoid_()

    def _half(self, x: Features, weight: Tensor, bias: Tensor) -> Strided:
        if self.upsample:
            return upsampled_conv2d(x, spread(weight), bias, reflect=self.padding_mode == "reflect")
        return self._conv_forward(x, weight, bias)


class SpectralConv2d(PaddedConv2d):
    """A convolution whose weight, as a matrix of one row per output channel, is divided by its largest singular value.

    Each forward pass takes one step of power iteration from the vector `u` of shape (1, out_channels); in evaluation
    the step is taken but not kept. Gradients treat the two singular vectors as constants.
    """

    u: Tensor

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, stride: int = 1) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride)
        self.register_buffer("u", nn.init.trunc_normal_(torch.empty(1, out_channels)))

    def forward(self, input: Features) -> Strided:
        return self._conv_forward(self.padded(input), self.weight / self.sigma(), self.bias)

    def sigma(self) -> Float[Tensor, ""]:
        matrix = self.weight.flatten(1)
        with torch.no_grad():
            v = normalize(self.u @ matrix)
            u = normalize(v @ matrix.T)
            if self.training:
                self.u.copy_(u)
        return (u @ matrix @ v.T).squeeze()
