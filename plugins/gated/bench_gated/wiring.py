"""The chains of gated convolutions in the generator (Section 3.3), and the variations of other implementations.

Layers have the names under which the official checkpoints store them.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import NamedTuple

from torch import Tensor, nn
from torch.nn.functional import elu, relu

from bench_core.nn.conv import PaddedConv2d, Padding
from bench_gated.layers import GatedConv2d

Layers = OrderedDict[str, nn.Module]
Activation = Callable[[Tensor], Tensor]


class Wiring(NamedTuple):
    """Variations of the generator. The defaults follow the official code."""

    padding: Padding = "same"
    before_attention: Activation = relu
    """Activation of the layer before attention."""
    refinement_gets_hole: bool = False
    """Give the planes of ones and of the hole to the second stage, too."""
    wide_decoder: bool = False
    """Make the second stage's decoder wider by a third."""
    gated_output: bool = False
    """Give the last layers gates, without an activation of their features."""


WIRINGS = {"official": Wiring(), "mmagic": Wiring("reflect", elu, True, True, True)}


class Gate(NamedTuple):
    """A gated convolution; `width` is its number of output channels, relative to the first layer."""

    name: str
    width: float
    kernel_size: int = 3
    stride: int = 1
    dilation: int = 1
    upsample: bool = False
    activation: Activation = elu


def encoder(prefix: str, widths: tuple[int, ...]) -> list[Gate]:
    return [
        Gate(f"{prefix}1", widths[0], kernel_size=5),
        Gate(f"{prefix}2_downsample", widths[1], stride=2),
        Gate(f"{prefix}3", widths[2]),
        Gate(f"{prefix}4_downsample", widths[3], stride=2),
        Gate(f"{prefix}5", widths[4]),
    ]


def dilated(prefix: str) -> list[Gate]:
    return [
        Gate(f"{prefix}6", 4),
        Gate(f"{prefix}7_atrous", 4, dilation=2),
        Gate(f"{prefix}8_atrous", 4, dilation=4),
        Gate(f"{prefix}9_atrous", 4, dilation=8),
        Gate(f"{prefix}10_atrous", 4, dilation=16),
    ]


def decoder(prefix: str) -> list[Gate]:
    return [
        Gate(f"{prefix}11", 4),
        Gate(f"{prefix}12", 4),
        Gate(f"{prefix}13_upsample", 2, upsample=True),
        Gate(f"{prefix}14", 2),
        Gate(f"{prefix}15_upsample", 1, upsample=True),
        Gate(f"{prefix}16", 0.5),
    ]


def chain(in_channels: int, width: int, gates: Iterable[Gate], padding: Padding) -> Layers:
    """Build gated convolutions one after the other."""
    layers: Layers = OrderedDict()
    for gate in gates:
        out_channels = int(gate.width * width)
        layers[gate.name] = GatedConv2d(in_channels, out_channels, *gate[2:], padding)
        in_channels = out_channels
    return layers


def output_layers(prefix: str, width: int, channels: int, wiring: Wiring) -> Layers:
    """Build the output layer: a convolution and tanh."""
    convolution = (
        GatedConv2d(width // 2, channels, activation=nn.Identity(), padding=wiring.padding)
        if wiring.gated_output
        else PaddedConv2d(width // 2, channels, 3, padding=wiring.padding)
    )
    return OrderedDict({f"{prefix}17": convolution, "tanh": nn.Tanh()})
