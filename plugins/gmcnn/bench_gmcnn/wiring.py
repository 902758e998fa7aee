"""The layers of the three columns and of the decoder, in both official versions.

Layers have the numbers under which the TensorFlow checkpoints store them.
"""

from typing import NamedTuple

from bench_core.nn.conv import Padding


class Row(NamedTuple):
    """A convolution; `width` is its number of output channels, relative to the first layer."""

    name: str
    width: float
    kernel_size: int
    stride: int = 1
    dilation: int = 1
    upsample: bool = False
    """Repeat pixels to twice the height and width first."""


class Wiring(NamedTuple):
    """One version of the generator."""

    columns: tuple[list[Row], ...]
    padding: Padding
    with_ones: bool = False
    """Show the generator a plane of ones, which marks the image against zero padding."""


def encoder(kernel_size: int, first: int | None = None) -> list[Row]:
    """Return a column's twelve layers down to a quarter of the size; `first` is the first one's kernel size."""
    k = kernel_size
    return [
        Row("conv1", 1, first or k),
        Row("conv2", 2, k, stride=2),
        Row("conv3", 2, k),
        Row("conv4", 4, k, stride=2),
        Row("conv5", 4, k),
        Row("conv6", 4, k),
        Row("conv7", 4, k, dilation=2),
        Row("conv8", 4, k, dilation=4),
        Row("conv9", 4, k, dilation=8),
        Row("conv10", 4, k, dilation=16),
        Row("conv11", 4, k),
        Row("conv12", 4, k),
    ]


def column_2(kernel_size: int) -> list[Row]:
    """Return the second column; `kernel_size` is that of the layer behind its upsampling."""
    return [*encoder(5), Row("conv13", 2, kernel_size, upsample=True), Row("conv14", 2, 5)]


def column_3(first: int, last: float) -> list[Row]:
    """Return the third column with the kernel size of its first layer and the width of its last one."""
    return [
        *encoder(3, first),
        Row("conv13", 2, 3, upsample=True),
        Row("conv14", 2, 3),
        Row("conv15", 1, 3, upsample=True),
        Row("conv16", last, 3),
    ]


WIRINGS = {
    "pytorch": Wiring((encoder(7), column_2(5), column_3(first=3, last=1.0)), "reflect"),
    "tf": Wiring((encoder(7), column_2(3), column_3(first=5, last=0.5)), "same", with_ones=True),
}
"""The PyTorch version and the TensorFlow version, which is the paper's."""
