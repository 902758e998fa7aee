"""The networks that inpaint (Section 4, and the official code), on pixels in [-1, 1].

How many channels a map has goes with its side, in both networks and both ways; a layer's name tells the side of what
it makes. So where images are smaller the outermost layers are left out. At scale `nano` every width, that of the
bottleneck included, is a quarter.
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from bench_context_encoder.patch import MARGIN
from bench_core.errors import BadInput, unknown
from bench_core.methods import HoleTensor, ImageTensor, Method, MethodOutput

Layers = OrderedDict[str, nn.Module]
Widths = Mapping[int, int]

SIDES = {"paper": 128, "nano": 64}
NARROWER = {"paper": 1, "nano": 4}
WIDTHS: Widths = {64: 64, 32: 64, 16: 128, 8: 256, 4: 512}
"""Channels of a map, by its side."""
FILLS = {
    # the official code's: ImageNet's mean, with red and green in an odd order
    "official": (2 * 117 / 255 - 1, 2 * 104 / 255 - 1, 2 * 123 / 255 - 1),
    "zero": (0.0, 0.0, 0.0),
}
"""What hidden pixels are filled with: red, green and blue in [-1, 1]."""


class Layer(nn.Sequential):
    """A convolution or transposed convolution, batch norm, and an activation."""

    def __init__(self, conv: nn.Conv2d | nn.ConvTranspose2d, activation: nn.Module, norm: bool = True) -> None:
        super().__init__()
        self.conv = conv
        if norm:
            self.norm = nn.BatchNorm2d(conv.out_channels)
        self.activation = activation


def encoder(side: int, widths: Widths, channels: int) -> Layers:
    """Convolutions that halve the side until it is 4, with LeakyReLU; the first has no batch norm."""
    layers: Layers = OrderedDict()
    for to in _halved(side):
        conv = nn.Conv2d(channels, widths[to], 4, stride=2, padding=1, bias=False)
        layers[f"conv{to}"] = Layer(conv, nn.LeakyReLU(0.2), norm=to < side // 2)
        channels = widths[to]
    return layers


def decoder(side: int, widths: Widths, channels: int) -> Layers:
    """Transposed convolutions that double the side from 4, with ReLU; the last has no batch norm but tanh."""
    layers: Layers = OrderedDict()
    for before in reversed(list(_halved(side))):
        last = 2 * before == side
        after = channels if last else widths[2 * before]
        conv = nn.ConvTranspose2d(widths[before], after, 4, stride=2, padding=1, bias=False)
        layers[f"deconv{2 * before}"] = Layer(conv, nn.Tanh() if last else nn.ReLU(), norm=not last)
    return layers


def _halved(side: int) -> Iterator[int]:
    while side > 4:
        side //= 2
        yield side


class Generator(nn.Sequential):
    """Encoder, bottleneck of a single pixel, and decoder to a square of `painted` pixels; nothing skips it."""

    def __init__(self, side: int, painted: int, bottleneck: int, widths: Widths = WIDTHS, channels: int = 3) -> None:
        squeeze = nn.Conv2d(widths[4], bottleneck, 4, bias=False)
        spread = nn.ConvTranspose2d(bottleneck, widths[4], 4, bias=False)
        middle: Layers = OrderedDict(
            bottleneck=Layer(squeeze, nn.LeakyReLU(0.2)),
            deconv4=Layer(spread, nn.ReLU()),
        )
        super().__init__(encoder(side, widths, channels) | middle | decoder(painted, widths, channels))
        self.apply(_initialise)

    def forward(self, input: ImageTensor) -> Float[Tensor, "b c painted painted"]:
        """Images whose hidden pixels are filled to what is painted, in [-1, 1]."""
        if self.training and len(input) == 1:
            raise BadInput(
                "context_encoder was given a batch of one image to train with, which leaves the batch norm of its "
                "bottleneck a single value per channel. Train with a batch of two or more."
            )
        return super().forward(input)


class Discriminator(nn.Sequential):
    """The encoder once more, on a square as painted, and one score of the whole."""

    def __init__(self, side: int, widths: Widths = WIDTHS, channels: int = 3) -> None:
        super().__init__(encoder(side, widths, channels) | {"score": nn.Conv2d(widths[4], 1, 4, bias=False)})
        self.apply(_initialise)

    def forward(self, input: ImageTensor) -> Float[Tensor, "b 1"]:
        """The score as a logit; its sigmoid is the probability that the square is real."""
        return super().forward(input).flatten(1)


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0 if isinstance(module, nn.BatchNorm2d) else 0.0, 0.02)


class ContextEncoder(Method):
    """The method: images in [0, 1] go in and come out. It paints all but a margin, and leaves that as it was."""

    def __init__(
        self, scale: str, channels: int, margin: float, fill: str, bottleneck: int, known_weight: float
    ) -> None:
        super().__init__()
        if fill not in FILLS:
            raise unknown("fill of hidden pixels", fill, FILLS)
        if bottleneck < 4 or known_weight < 0:
            raise BadInput(
                f"context_encoder was given bottleneck {bottleneck} and known_weight {known_weight:g}; the bottleneck "
                "has 4 channels or more, and the weight is not negative."
            )
        self.side, self.fill, self.known_weight = SIDES[scale], fill, known_weight
        self.margin = int(margin * self.side)
        painted = self.side - 2 * self.margin
        narrower = NARROWER[scale]
        widths = {side: width // narrower for side, width in WIDTHS.items()}
        self.generator = Generator(self.side, painted, bottleneck // narrower, widths, channels)
        self.discriminator = Discriminator(painted, widths, channels)

    def forward(self, masked: ImageTensor, hole: HoleTensor) -> MethodOutput:
        height, width = masked.shape[2:]
        if not height == width == self.side:
            raise BadInput(
                f"context_encoder was given images of {height} x {width} pixels; at this scale it takes {self.side} x "
                f"{self.side} only."
            )
        fill = masked.new_tensor(FILLS[self.fill]).view(-1, 1, 1)
        painted = self.generator(torch.where(hole.bool(), fill, signed(masked)))
        canvas = masked * (1 - hole)
        self.painted(canvas).copy_((painted + 1) / 2)
        return MethodOutput(canvas)

    def painted(self, canvas: ImageTensor) -> Float[Tensor, "b c painted painted"]:
        """The part of a canvas that the generator paints, as a view of it."""
        kept = slice(self.margin, self.side - self.margin)
        return canvas[..., kept, kept]


def signed(image: ImageTensor) -> ImageTensor:
    """From [0, 1] to [-1, 1]."""
    return 2 * image - 1


def build(
    scale: str, channels: int, fill: str = "official", bottleneck: int = 4000, known_weight: float = 10.0
) -> ContextEncoder:
    """The centre models; the README explains the options."""
    return ContextEncoder(scale, channels, MARGIN, fill, bottleneck, known_weight)


def build_random_region(
    scale: str, channels: int, fill: str = "official", bottleneck: int = 4000, known_weight: float = 1.0
) -> ContextEncoder:
    """The model for arbitrary regions, which paints the whole image."""
    return ContextEncoder(scale, channels, 0.0, fill, bottleneck, known_weight)
