"""The two-stage generator (Section 3.3) and the SN-PatchGAN discriminator (Section 3.2), on pixels in [-1, 1].

Layers carry the names of the official code, under which its checkpoints store them.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import elu, leaky_relu, relu

from bench_core.method import Canvas, Hole, Method, Painting
from bench_gated.attention import ContextualAttention
from bench_gated.layers import GatedConv2d, SameConv2d, SpectralConv2d

WIDTHS = {"paper": (24, 64), "nano": (6, 16)}
"""Output channels of the first layer of the generator and of the discriminator."""


Layers = OrderedDict[str, nn.Module]
Sketch = Float[Tensor, "b s h w"]


class Gate(NamedTuple):
    """A gated convolution; `width` is its number of output channels, relative to that of the first layer."""

    name: str
    width: float
    kernel_size: int = 3
    stride: int = 1
    dilation: int = 1
    upsample: bool = False
    activation: Callable[[Tensor], Tensor] = elu


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


def chain(in_channels: int, width: int, gates: Iterable[Gate]) -> Layers:
    """Gated convolutions one after the other."""
    layers: Layers = OrderedDict()
    for gate in gates:
        out_channels = int(gate.width * width)
        layers[gate.name] = GatedConv2d(in_channels, out_channels, *gate[2:])
        in_channels = out_channels
    return layers


def last(prefix: str, width: int, channels: int) -> Layers:
    """A plain convolution and tanh."""
    return OrderedDict({f"{prefix}17": SameConv2d(width // 2, channels, 3), "tanh": nn.Tanh()})


def coarse(width: int, in_channels: int, channels: int) -> nn.Sequential:
    """Stage 1: a dilated encoder-decoder."""
    gates = encoder("conv", (1, 2, 2, 4, 4)) + dilated("conv") + decoder("conv")
    return nn.Sequential(chain(in_channels, width, gates) | last("conv", width, channels))


class Refinement(nn.Module):
    """Stage 2: a dilated branch and one with attention, concatenated and decoded."""

    def __init__(self, width: int, channels: int, attention: ContextualAttention) -> None:
        super().__init__()
        before = [*encoder("pmconv", (1, 1, 2, 4, 4)), Gate("pmconv6", 4, activation=relu)]
        after = [Gate("pmconv9", 4), Gate("pmconv10", 4)]
        self.dilated = nn.Sequential(chain(channels, width, encoder("xconv", (1, 1, 2, 2, 4)) + dilated("xconv")))
        self.before = nn.Sequential(chain(channels, width, before))
        self.attention = attention
        self.after = nn.Sequential(chain(4 * width, width, after))
        self.merged = nn.Sequential(chain(8 * width, width, decoder("allconv")) | last("allconv", width, channels))

    def forward(self, filled: Canvas, hole: Hole) -> Canvas:
        attended = self.after(self.attention(self.before(filled), hole))
        return self.merged(torch.cat([self.dilated(filled), attended], dim=1))


class Generator(nn.Module):
    """Both stages. With `sketch_channels` the first also sees lines that a user drew inside the hole.

    Only the first stage sees the hole, beside a plane of ones that tells where zero padding begins.
    """

    def __init__(
        self, width: int, channels: int = 3, sketch_channels: int = 0, attention: ContextualAttention | None = None
    ) -> None:
        super().__init__()
        self.coarse = coarse(width, channels + sketch_channels + 2, channels)
        self.refinement = Refinement(width, channels, attention or ContextualAttention())

    def forward(self, masked: Canvas, hole: Hole, sketch: Sketch | None = None) -> tuple[Canvas, Canvas]:
        """Image in [-1, 1], 0 in the hole, to the coarse and the refined canvas in [-1, 1]."""
        guide = [] if sketch is None else [sketch * hole]
        coarse = self.coarse(torch.cat([masked, *guide, torch.ones_like(hole), hole], dim=1))
        return coarse, self.refinement(coarse * hole + masked, hole)


class Discriminator(nn.Module):
    """Six spectrally normalised convolutions, each of stride 2; every value of the last is a score."""

    def __init__(self, width: int, in_channels: int = 4) -> None:
        super().__init__()
        widths = (in_channels, width, 2 * width, 4 * width, 4 * width, 4 * width, 4 * width)
        self.layers = nn.Sequential(
            OrderedDict(
                (f"conv{i}", SpectralConv2d(before, after, 5, stride=2))
                for i, (before, after) in enumerate(pairwise(widths), start=1)
            )
        )

    def forward(self, image: Canvas, hole: Hole, sketch: Sketch | None = None) -> Float[Tensor, "b scores"]:
        x = torch.cat([image, hole] if sketch is None else [image, hole, sketch], dim=1)
        for layer in self.layers:
            x = leaky_relu(layer(x), 0.2)
        return x.flatten(1)


class Gated(Method):
    """The method: images in [0, 1] go in and come out, its networks work in [-1, 1]."""

    generator: Generator

    def __init__(
        self, widths: tuple[int, int], channels: int = 3, attention: ContextualAttention | None = None
    ) -> None:
        super().__init__()
        self.generator = Generator(widths[0], channels, attention=attention)
        self.discriminator = Discriminator(widths[1], channels + 1)

    def forward(self, masked: Canvas, hole: Hole) -> Painting:
        coarse, refined = self.generator(signed(masked) * (1 - hole), hole)  # 0, the removed pixel, is now mid-grey
        return Painting((refined + 1) / 2, (coarse + 1) / 2)


def signed(image: Canvas) -> Canvas:
    """From [0, 1] to [-1, 1]."""
    return 2 * image - 1


def build(scale: str, channels: int) -> Gated:
    return Gated(WIDTHS[scale], channels)
