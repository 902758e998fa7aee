"""The networks: Table 1 (completion network), Table 2 and Figure 2 (discriminators).

At scale `nano` every width is a quarter of the paper's.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import interpolate, relu

from bench_core.errors import unknown
from bench_core.methods import Method
from bench_core.nn.discriminators import halving_convs, require_batch_statistics
from bench_core.nn.pool import adaptive_avg_pool
from bench_core.nn.ranges import signed, unsigned
from bench_core.nn.types import Features, HoleTensor, ImageTensor
from bench_glcic.layers import Layer

NARROWING = {"paper": 1, "nano": 4}
"""Divisor of every width."""
BATCH_NORMS = ("before_relu", "after_relu")
PIXELS = ("unit", "centred", "signed")
NUM_COLOUR_IMAGES = 1000
"""Training images whose mean colour fills the holes."""


class Row(NamedTuple):
    """Row of Table 1."""

    width: int
    kernel: int = 3
    stride: int = 1
    dilation: int = 1
    transposed: bool = False

    def conv(self, before: int, after: int) -> nn.Conv2d | nn.ConvTranspose2d:
        if self.transposed:
            return nn.ConvTranspose2d(before, after, self.kernel, self.stride, padding=1)
        padding = self.dilation * (self.kernel - 1) // 2
        return nn.Conv2d(before, after, self.kernel, self.stride, padding, self.dilation)


TABLE_1 = (
    Row(64, kernel=5), Row(128, stride=2), Row(128), Row(256, stride=2), Row(256), Row(256),
    Row(256, dilation=2), Row(256, dilation=4), Row(256, dilation=8), Row(256, dilation=16),
    Row(256), Row(256), Row(128, 4, 2, transposed=True), Row(128), Row(64, 4, 2, transposed=True), Row(32),
)  # fmt: skip
"""Layers of the completion network, without the output layer."""


class Generator(nn.Module):
    """Completion network: encoder to a quarter of the size, dilated convolutions, decoder."""

    mean: Float[Tensor, " c"]

    def __init__(self, channels: int, narrowing: int, batch_norm: str = "before_relu", pixels: str = "unit") -> None:
        super().__init__()
        if batch_norm not in BATCH_NORMS:
            raise unknown("place of batch norm", batch_norm, BATCH_NORMS)
        if pixels not in PIXELS:
            raise unknown("unit of pixels", pixels, PIXELS)
        self.pixels = pixels
        widths = [channels + 1, *(row.width // narrowing for row in TABLE_1)]
        convs = (row.conv(*pair) for row, pair in zip(TABLE_1, pairwise(widths), strict=True))
        self.layers = nn.Sequential(
            *(Layer(conv, norm_last=batch_norm == "after_relu") for conv in convs),
            nn.Conv2d(widths[-1], channels, 3, padding=1),
        )
        self.register_buffer("mean", torch.full((channels,), 0.5))

    def prepare(self, masked: ImageTensor, hole: HoleTensor) -> Float[Tensor, "b c1 h w"]:
        """Return the first layer's input: the image with its hole filled by the mean colour, and the hole."""
        mean = self.mean.view(-1, 1, 1)
        filled = torch.where(hole.bool(), mean, masked)
        if self.pixels == "centred":
            filled = filled - mean
        elif self.pixels == "signed":
            filled = signed(filled)
        return torch.cat([filled, hole], dim=1)

    def forward(self, masked: ImageTensor, hole: HoleTensor) -> ImageTensor:
        """Return whole images in [0, 1] for masked images in [0, 1]."""
        y = self.layers(self.prepare(masked, hole))
        return unsigned(y.clamp(-1, 1)) if self.pixels == "signed" else y.sigmoid()


TABLE_2 = (64, 128, 256, 512, 512, 512)
"""Widths of a discriminator's layers."""
BRANCHES = {"places2": ((5, 4), (6, 4)), "celeba": ((5, 3), (5, 5)), "cifar10": ((5, 1), (6, 1))}
"""Number of layers and side of the last map, of the local branch and of the global one."""


class Branch(nn.Module):
    """Branch of the discriminator: 5x5 convolutions of stride 2, then one fully connected layer."""

    def __init__(self, channels: int, narrowing: int, depth: int, side: int) -> None:
        super().__init__()
        widths = [channels, *(width // narrowing for width in TABLE_2[:depth])]
        self.layers = halving_convs(widths)
        self.side = side
        self.connected = nn.Linear(widths[-1] * side * side, 1024 // narrowing)

    def forward(self, x: Features) -> Float[Tensor, "b f"]:
        """Return the branch's features.

        Raises:
            BadInput: in training, the batch is a single image that the layers reduce to one pixel.
        """
        require_batch_statistics(self.layers, x, "glcic")
        return relu(self.connected(adaptive_avg_pool(self.layers(x), self.side).flatten(1)))


class Discriminator(nn.Module):
    """A local branch on a patch and a global branch on the whole image, joined to one score."""

    def __init__(self, channels: int, narrowing: int, kind: str = "places2", local_resized: bool = False) -> None:
        super().__init__()
        if kind not in BRANCHES:
            raise unknown("discriminator", kind, BRANCHES)
        self.local_resized = local_resized
        self.local_branch, self.global_branch = (Branch(channels, narrowing, *shape) for shape in BRANCHES[kind])
        self.verdict = nn.Linear(2 * 1024 // narrowing, 1)

    def forward(self, image: ImageTensor, patch: Float[Tensor, "b c h2 w2"]) -> Float[Tensor, "b 1"]:
        """Return the logit of the probability that the image is real."""
        if self.local_resized:
            patch = interpolate(patch, image.shape[-2:], mode="bilinear")
        return self.verdict(torch.cat([self.local_branch(patch), self.global_branch(image)], dim=1))


class GLCIC(Method):
    """GLCIC: all networks work on pixels in [0, 1], unless published weights need another range."""

    generator: Generator

    def __init__(self, generator: Generator, discriminator: Discriminator) -> None:
        super().__init__()
        self.generator, self.discriminator = generator, discriminator

    def calibrate(self, images: Iterator[ImageTensor]) -> None:
        """Store the mean colour of the first training images, which fills the holes."""
        colours: list[Tensor] = []
        for batch in images:
            colours.extend(batch.mean((2, 3)))
            if len(colours) >= NUM_COLOUR_IMAGES:
                break
        if colours:
            self.generator.mean.copy_(torch.stack(colours).mean(0))

    def start_phase(self, phase: str) -> None:
        self.train()
        if phase == "discriminators":  # freezes the generator, batch norm's statistics included
            self.generator.eval()


def build(
    scale: str,
    channels: int,
    batch_norm: str = "before_relu",
    pixels: str = "unit",
    discriminator: str = "places2",
    local_resized: bool = False,
) -> GLCIC:
    """Build the method with new weights; the README explains the options."""
    narrowing = NARROWING[scale]
    return GLCIC(
        Generator(channels, narrowing, batch_norm, pixels),
        Discriminator(channels, narrowing, discriminator, local_resized),
    )
