"""A generator of three parts: an encoder to a quarter of the size, dilated residual blocks, and a decoder.

The architecture is that of Johnson et al. (ECCV 2016). Papers choose the norm, the convolution and the upsampling:
each is given as a function that makes a layer.
"""

from collections.abc import Callable
from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import pad, relu

from bench_core.nn.memory_layout import for_convolutions
from bench_core.nn.types import Features

MIN_SIDE = 12
"""Least height and width of an image. The blocks mirror two pixels of a map a quarter as large."""

MakeNorm = Callable[[int], nn.Module]
"""Function of the number of channels, such as `torch.nn.InstanceNorm2d`."""
MakeConv = Callable[..., nn.Module]
"""Function of the arguments of `torch.nn.Conv2d`."""
MakeUpsampling = Callable[[int, int], nn.Module]
"""Function of the numbers of channels before and after. Its layer doubles height and width."""


class Encoder(nn.Module):
    """A 7x7 convolution and two 4x4 convolutions of stride 2, each followed by a norm and ReLU."""

    def __init__(self, in_channels: int, width: int, norm: MakeNorm, conv: MakeConv = nn.Conv2d) -> None:
        super().__init__()
        widths = (width, 2 * width, 4 * width)
        first = conv(in_channels, width, 7)
        self.convs = nn.ModuleList([first, *(conv(*pair, 4, stride=2, padding=1) for pair in pairwise(widths))])
        self.norms = nn.ModuleList(map(norm, widths))

    def forward(self, image: Float[Tensor, "b c1 h w"], *conditions: Tensor) -> Float[Tensor, "b c2 h2 w2"]:
        """Return features of a quarter of the height and width.

        Args:
            image: an image, with further planes if the network takes some.
            conditions: further arguments of every norm.
        """
        x = mirrored(for_convolutions(image), 3)
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = relu(norm(conv(x), *conditions))
        return x


class DilatedBlock(nn.Module):
    """Residual block: dilated 3x3 convolution, norm, ReLU, 3x3 convolution, norm. No activation follows the sum."""

    def __init__(self, width: int, norm: MakeNorm, conv: MakeConv = nn.Conv2d, dilation: int = 2) -> None:
        super().__init__()
        self.dilation = dilation
        self.conv1 = conv(width, width, 3, dilation=dilation)
        self.norm1 = norm(width)
        self.conv2 = conv(width, width, 3)
        self.norm2 = norm(width)

    def forward(self, x: Features) -> Features:
        y = relu(self.norm1(self.conv1(mirrored(x, self.dilation))))
        return x + self.norm2(self.conv2(mirrored(y, 1)))


class Decoder(nn.Module):
    """Two layers that double the size, each followed by a norm and ReLU, and a 7x7 convolution."""

    def __init__(self, width: int, out_channels: int, upsampling: MakeUpsampling, norm: MakeNorm) -> None:
        super().__init__()
        self.ups = nn.ModuleList([upsampling(4 * width, 2 * width), upsampling(2 * width, width)])
        self.norms = nn.ModuleList([norm(2 * width), norm(width)])
        self.last = nn.Conv2d(width, out_channels, 7)

    def forward(self, x: Features) -> Float[Tensor, "b o 4*h 4*w"]:
        """Return an image without an activation."""
        for up, norm in zip(self.ups, self.norms, strict=True):
            x = relu(norm(up(x)))
        return self.last(mirrored(x, 3)).contiguous()


def mirrored(x: Features, pixels: int) -> Float[Tensor, "b c h2 w2"]:
    """Add mirrored pixels on each side, without repeating the border."""
    return pad(x, (pixels,) * 4, "reflect")
