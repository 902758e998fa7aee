"""The generator's chains of convolutions (Figure 2 and 4), and their variations in other implementations.

Layers have the names under which the official checkpoints store them.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import NamedTuple

from torch import Tensor, nn
from torch.nn.functional import elu_, relu

from bench_contextual_attention.layers import Conv
from bench_core.nn.conv import Padding

Activation = Callable[[Tensor], Tensor]


class Wiring(NamedTuple):
    """Variations of the generator. The defaults follow the official code."""

    padding: Padding = "same"
    before_attention: Activation = relu
    """Activation of the layer before attention."""


WIRINGS = {"official": Wiring(), "mmagic": Wiring("reflect", elu_)}


class Row(NamedTuple):
    """A convolution; `width` is its number of output channels, relative to the first layer."""

    name: str
    width: float
    kernel_size: int = 3
    stride: int = 1
    dilation: int = 1
    upsample: bool = False
    activation: Activation = elu_


def encoder(prefix: str, widths: tuple[int, ...], last: Activation = elu_) -> list[Row]:
    """Return six convolutions down to a quarter of the size; `last` is the activation of the sixth."""
    return [
        Row(f"{prefix}1", widths[0], kernel_size=5),
        Row(f"{prefix}2_downsample", widths[1], stride=2),
        Row(f"{prefix}3", widths[2]),
        Row(f"{prefix}4_downsample", widths[3], stride=2),
        Row(f"{prefix}5", widths[4]),
        Row(f"{prefix}6", widths[5], activation=last),
    ]


def dilated(prefix: str) -> list[Row]:
    return [
        Row(f"{prefix}7_atrous", 4, dilation=2),
        Row(f"{prefix}8_atrous", 4, dilation=4),
        Row(f"{prefix}9_atrous", 4, dilation=8),
        Row(f"{prefix}10_atrous", 4, dilation=16),
    ]


def decoder(prefix: str) -> list[Row]:
    """Return the convolutions back to full size, without the output layer."""
    return [
        Row(f"{prefix}11", 4),
        Row(f"{prefix}12", 4),
        Row(f"{prefix}13_upsample", 2, upsample=True),
        Row(f"{prefix}14", 2),
        Row(f"{prefix}15_upsample", 1, upsample=True),
        Row(f"{prefix}16", 0.5),
    ]


def chain(
    in_channels: int, width: int, rows: Iterable[Row], padding: Padding, image_layer: tuple[str, int] | None = None
) -> nn.Sequential:
    """Build convolutions one after the other, and an image layer (name, channels), which is linear and clips."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for row in rows:
        out_channels = int(row.width * width)
        layers[row.name] = Conv(in_channels, out_channels, *row[2:], padding)
        in_channels = out_channels
    if image_layer:
        name, channels = image_layer
        layers[name] = Conv(in_channels, channels, activation=clip, padding=padding)
    return nn.Sequential(layers)


def clip(x: Tensor) -> Tensor:
    return x.clamp(-1, 1)
