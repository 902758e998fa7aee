"""The networks: Table 1 (completion network), Table 2 and Figure 2 (discriminators) of the paper.

At scale `nano` every width is a quarter of the paper's, and nothing else changes.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import interpolate, relu

from bench_core.errors import BadInput, unknown
from bench_core.methods import Method
from bench_glcic.layers import Features, Layer, pooled

ImageTensor = Float[Tensor, "b c h w"]
HoleTensor = Float[Tensor, "b 1 h w"]

NARROWING = {"paper": 1, "nano": 4}
"""By what every width is divided."""
BATCH_NORMS = ("before_relu", "after_relu")
PIXELS = ("unit", "centred", "signed")
COUNTED = 1000
"""How many training images the mean colour is taken of."""


class Row(NamedTuple):
    """A row of Table 1."""

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
"""All layers of the completion network but the output."""


class Generator(nn.Module):
    """The completion network: to a quarter of the size, ever wider dilated convolutions, and back."""

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
        """What the first layer sees: the image with the mean colour in its hole, and the hole."""
        mean = self.mean.view(-1, 1, 1)
        filled = torch.where(hole.bool(), mean, masked)
        if self.pixels == "centred":
            filled = filled - mean
        elif self.pixels == "signed":
            filled = 2 * filled - 1
        return torch.cat([filled, hole], dim=1)

    def forward(self, masked: ImageTensor, hole: HoleTensor) -> ImageTensor:
        """A whole canvas in [0, 1]."""
        y = self.layers(self.prepare(masked, hole))
        return (y.clamp(-1, 1) + 1) / 2 if self.pixels == "signed" else y.sigmoid()


TABLE_2 = (64, 128, 256, 512, 512, 512)
"""Widths of a discriminator's layers."""
BRANCHES = {"places2": ((5, 4), (6, 4)), "celeba": ((5, 3), (5, 5)), "cifar10": ((5, 1), (6, 1))}
"""Number of layers, and side of the last map, of the local and of the global branch."""


class Branch(nn.Module):
    """A discriminator without its verdict: convolutions 5 x 5 of stride 2, then one fully connected layer."""

    def __init__(self, channels: int, narrowing: int, depth: int, side: int) -> None:
        super().__init__()
        widths = [channels, *(width // narrowing for width in TABLE_2[:depth])]
        convs = (nn.Conv2d(*pair, 5, stride=2, padding=2) for pair in pairwise(widths))
        self.layers = nn.Sequential(*map(Layer, convs))
        self.side = side
        self.connected = nn.Linear(widths[-1] * side * side, 1024 // narrowing)

    def forward(self, x: Features) -> Float[Tensor, "b f"]:
        if self.training and len(x) == 1 and max(x.shape[-2:]) <= 2 ** len(self.layers):
            raise BadInput(
                "glcic's discriminator was given a batch of one image so small that its batch norm has a single value "
                "per channel. Train with a batch of two or more, or with images larger than 64 x 64."
            )
        return relu(self.connected(pooled(self.layers(x), self.side).flatten(1)))


class Discriminator(nn.Module):
    """A local branch looks at a patch, a global one at the whole image; one verdict is drawn from both."""

    def __init__(self, channels: int, narrowing: int, kind: str = "places2", local_resized: bool = False) -> None:
        super().__init__()
        if kind not in BRANCHES:
            raise unknown("discriminator", kind, BRANCHES)
        self.local_resized = local_resized
        self.local_branch, self.global_branch = (Branch(channels, narrowing, *shape) for shape in BRANCHES[kind])
        self.verdict = nn.Linear(2 * 1024 // narrowing, 1)

    def forward(self, canvas: ImageTensor, patch: Float[Tensor, "b c h2 w2"]) -> Float[Tensor, "b 1"]:
        """The logit of the probability that the canvas is a real image."""
        if self.local_resized:
            patch = interpolate(patch, canvas.shape[-2:], mode="bilinear")
        return self.verdict(torch.cat([self.local_branch(patch), self.global_branch(canvas)], dim=1))


class GLCIC(Method):
    """The method: all networks see and paint pixels in [0, 1], unless weights from elsewhere want others."""

    generator: Generator

    def __init__(self, generator: Generator, discriminator: Discriminator) -> None:
        super().__init__()
        self.generator, self.discriminator = generator, discriminator

    def calibrate(self, images: Iterator[ImageTensor]) -> None:
        """The mean colour of the first training images is what holes are filled with."""
        colours: list[Tensor] = []
        for batch in images:
            colours.extend(batch.mean((2, 3)))
            if len(colours) >= COUNTED:
                break
        if colours:
            self.generator.mean.copy_(torch.stack(colours).mean(0))

    def start_phase(self, phase: str) -> None:
        self.train()
        if phase == "discriminators":  # nothing of the generator changes then, not even batch norm's statistics
            self.generator.eval()


def build(
    scale: str,
    channels: int,
    batch_norm: str = "before_relu",
    pixels: str = "unit",
    discriminator: str = "places2",
    local_resized: bool = False,
) -> GLCIC:
    """A method with fresh weights; the README explains the options."""
    narrowing = NARROWING[scale]
    return GLCIC(
        Generator(channels, narrowing, batch_norm, pixels),
        Discriminator(channels, narrowing, discriminator, local_resized),
    )
