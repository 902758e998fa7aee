"""The networks that inpaint (Section 4, and the official code), on pixels in [-1, 1].

A map's side determines its channels, in both networks and in both directions. A layer's name gives the side of its
output. Smaller images leave out the outermost layers. At scale `nano` every width is a quarter of the paper's, that of
the bottleneck included.
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from bench_context_encoder.patch import MARGIN
from bench_core.errors import BadInput, unknown
from bench_core.methods import Method, MethodOutput
from bench_core.methods.method import HoleTensor, ImageTensor
from bench_core.nn.constants import constant
from bench_core.nn.init import init_normal
from bench_core.nn.ranges import signed, unsigned

Layers = OrderedDict[str, nn.Module]
Widths = Mapping[int, int]

SIDES = {"paper": 128, "nano": 64}
NARROWING = {"paper": 1, "nano": 4}
"""Divisor of every width."""
WIDTHS: Widths = {64: 64, 32: 64, 16: 128, 8: 256, 4: 512}
"""Channels of a map, by its side."""
FILLS = {
    # ImageNet's mean in the official code's odd order: its red and green are swapped
    "official": (2 * 117 / 255 - 1, 2 * 104 / 255 - 1, 2 * 123 / 255 - 1),
    "zero": (0.0, 0.0, 0.0),
}
"""Fill of hidden pixels: red, green and blue in [-1, 1]."""


class Layer(nn.Sequential):
    """Convolution or transposed convolution, batch norm, activation."""

    def __init__(self, conv: nn.Conv2d | nn.ConvTranspose2d, activation: nn.Module, norm: bool = True) -> None:
        super().__init__()
        self.conv = conv
        if norm:
            self.norm = nn.BatchNorm2d(conv.out_channels)
        self.activation = activation


def encoder(side: int, widths: Widths, channels: int) -> Layers:
    """Build convolutions that halve the side down to 4, with LeakyReLU; the first has no batch norm."""
    layers: Layers = OrderedDict()
    for after in _halved(side):
        conv = nn.Conv2d(channels, widths[after], 4, stride=2, padding=1, bias=False)
        layers[f"conv{after}"] = Layer(conv, nn.LeakyReLU(0.2), norm=after < side // 2)
        channels = widths[after]
    return layers


def decoder(side: int, widths: Widths, channels: int) -> Layers:
    """Build transposed convolutions that double the side from 4, with ReLU; the last has tanh and no batch norm."""
    layers: Layers = OrderedDict()
    for before in reversed(list(_halved(side))):
        last = 2 * before == side
        after = channels if last else widths[2 * before]
        conv = nn.ConvTranspose2d(widths[before], after, 4, stride=2, padding=1, bias=False)
        layers[f"deconv{2 * before}"] = Layer(conv, nn.Tanh() if last else nn.ReLU(), norm=not last)
    return layers


def _halved(side: int) -> Iterator[int]:
    """Yield side / 2, side / 4, ... down to 4."""
    while side > 4:
        side //= 2
        yield side


class Generator(nn.Sequential):
    """Encoder, bottleneck of a single pixel, and decoder to `output_side` pixels, without skip connections."""

    def __init__(
        self, side: int, output_side: int, bottleneck: int, widths: Widths = WIDTHS, channels: int = 3
    ) -> None:
        squeeze = nn.Conv2d(widths[4], bottleneck, 4, bias=False)
        spread = nn.ConvTranspose2d(bottleneck, widths[4], 4, bias=False)
        middle: Layers = OrderedDict(
            bottleneck=Layer(squeeze, nn.LeakyReLU(0.2)),
            deconv4=Layer(spread, nn.ReLU()),
        )
        super().__init__(encoder(side, widths, channels) | middle | decoder(output_side, widths, channels))
        self.apply(init_normal)

    def forward(self, input: ImageTensor) -> Float[Tensor, "b c h2 w2"]:
        """Return the predicted patch in [-1, 1] for images with filled hidden pixels.

        Raises:
            BadInput: in training, the batch is a single image.
        """
        if self.training and len(input) == 1:
            raise BadInput(
                "context_encoder was given a training batch of one image, which leaves the batch norm of its "
                "bottleneck a single value per channel. Train with a batch of two or more."
            )
        return super().forward(input)


class Discriminator(nn.Sequential):
    """The encoder's layers on a patch, and one score for the whole patch."""

    def __init__(self, side: int, widths: Widths = WIDTHS, channels: int = 3) -> None:
        super().__init__(encoder(side, widths, channels) | {"score": nn.Conv2d(widths[4], 1, 4, bias=False)})
        self.apply(init_normal)

    def forward(self, input: ImageTensor) -> Float[Tensor, "b 1"]:
        """Return the logit of the probability that the patch is real."""
        return super().forward(input).flatten(1)


class ContextEncoder(Method):
    """Context encoder for images in [0, 1]. It predicts a centred patch and leaves the margin around it unchanged."""

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
        patch_side = self.side - 2 * self.margin
        narrowing = NARROWING[scale]
        widths = {side: width // narrowing for side, width in WIDTHS.items()}
        self.generator = Generator(self.side, patch_side, bottleneck // narrowing, widths, channels)
        self.discriminator = Discriminator(patch_side, widths, channels)

    def forward(self, masked: ImageTensor, hole: HoleTensor) -> MethodOutput:
        height, width = masked.shape[2:]
        if not height == width == self.side:
            raise BadInput(
                f"context_encoder was given images of {height} x {width} pixels; at this scale it takes {self.side} x "
                f"{self.side} only."
            )
        fill = constant(FILLS[self.fill], masked.dtype, masked.device).view(-1, 1, 1)
        patch = self.generator(torch.where(hole.bool(), fill, signed(masked)))
        prediction = masked * (1 - hole)
        self.patch(prediction).copy_(unsigned(patch))
        return MethodOutput(prediction)

    def patch(self, image: ImageTensor) -> Float[Tensor, "b c h2 w2"]:
        """View the part of an image that the generator predicts."""
        inside = slice(self.margin, self.side - self.margin)
        return image[..., inside, inside]


def build(
    scale: str, channels: int, fill: str = "official", bottleneck: int = 4000, known_weight: float = 10.0
) -> ContextEncoder:
    """Build the centre models; the README explains the options."""
    return ContextEncoder(scale, channels, MARGIN, fill, bottleneck, known_weight)


def build_random_region(
    scale: str, channels: int, fill: str = "official", bottleneck: int = 4000, known_weight: float = 1.0
) -> ContextEncoder:
    """Build the model for arbitrary regions, which predicts the whole image."""
    return ContextEncoder(scale, channels, 0.0, fill, bottleneck, known_weight)
