"""Convolutions that pad as TensorFlow does, and their spectrally normalised form."""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import normalize, pad

from bench_core.errors import BadInput
from bench_core.nn.init import init_glorot
from bench_core.nn.types import Features, Scalar

Strided = Float[Tensor, "b c2 h2 w2"]
Padding = Literal["same", "even", "reflect"]


def same_padding(size: int, kernel_size: int, stride: int) -> tuple[int, int]:
    """Return the zeros before and after `size` pixels by TensorFlow's rule "SAME".

    ceil(size / stride) windows fit. Of an odd number of zeros the larger half goes behind.
    """
    windows = -(-size // stride)
    total = max((windows - 1) * stride + kernel_size - size, 0)
    return total // 2, total - total // 2


def require_side(image: Features, side: int, method: str) -> None:
    """Refuse images with too few pixels to mirror where dilated convolutions pad.

    Raises:
        BadInput: height or width is less than `side`. The message names `method`.
    """
    height, width = image.shape[-2:]
    if min(height, width) < side:
        raise BadInput(
            f"{method} was given images of {height} x {width} pixels. Its dilated convolutions need heights and widths "
            f"of {side} or more: choose a larger --size."
        )


class PaddedConv2d(nn.Conv2d):
    """Convolution that pads, so that only its stride changes height and width. Weights start from Glorot's rule.

    Args:
        padding: "same" pads zeros by TensorFlow's rule, which is lopsided at stride 2; "even" pads as many zeros in
            front as behind; "reflect" does so with mirrored pixels.
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
        init_glorot(self)

    def forward(self, input: Features) -> Strided:
        return self._conv_forward(self.padded(input), self.weight, self.bias)

    def padded(self, x: Features) -> Float[Tensor, "b c h1 w1"]:
        """Add the zeros of lopsided padding; PyTorch pads even sides itself, without copying pixels.

        The result lies in memory with channels last, which CPUs convolve faster, and stays so from layer to layer.
        """
        x = x.contiguous(memory_format=torch.channels_last)
        if not self.lopsided:
            return x
        stride, kernel_size = self.stride[0], self.kernel_size[0]
        top, bottom = same_padding(x.shape[-2], kernel_size, stride)
        left, right = same_padding(x.shape[-1], kernel_size, stride)
        return pad(x, (left, right, top, bottom))


class SpectralConv2d(PaddedConv2d):
    """Convolution whose weight is divided by its largest singular value (Miyato et al., ICLR 2018).

    The weight counts as a matrix with one row per output channel. Each forward pass takes one step of power iteration
    from the buffer `u` of shape (1, out_channels). In evaluation the step is taken but not stored. Gradients treat
    the two singular vectors as constants.
    """

    u: Tensor

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, stride: int = 1) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride)
        self.register_buffer("u", nn.init.trunc_normal_(torch.empty(1, out_channels)))

    def forward(self, input: Features) -> Strided:
        return self._conv_forward(self.padded(input), self.weight / self.sigma(), self.bias)

    def sigma(self) -> Scalar:
        """Estimate the largest singular value by one step of power iteration."""
        matrix = self.weight.flatten(1)
        with torch.autocast(matrix.device.type, enabled=False):  # 16 bits would scale all weights by what they lose
            with torch.no_grad():
                v = normalize(self.u @ matrix)
                u = normalize(v @ matrix.T)
                if self.training:
                    self.u.copy_(u)
            return (u @ matrix @ v.T).squeeze()
