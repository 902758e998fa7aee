"""The generator: three parallel columns and a shared decoder, on pixels in [-1, 1]."""

from collections import OrderedDict
from typing import NamedTuple

import torch
from torch import nn
from torch.nn.functional import elu_

from bench_core.errors import BadInput, unknown
from bench_core.methods import Method, MethodOutput
from bench_core.nn.conv import PaddedConv2d
from bench_core.nn.init import init_normal
from bench_core.nn.ranges import signed_masked, unsigned
from bench_core.nn.types import HoleTensor, ImageTensor
from bench_gmcnn.discriminators import Discriminator, spectral, wasserstein
from bench_gmcnn.layers import Column
from bench_gmcnn.wiring import WIRINGS, Wiring

LOCALS = ("crop", "image")
"""What the local discriminator and ID-MRF see."""
MIN_SIDE = 4 * (3 * 16 + 1)
"""Shortest side of an image of which a quarter mirrors 48 pixels, as a 7x7 kernel of dilation 16 needs."""


class Sizes(NamedTuple):
    """Sizes of the networks at one scale."""

    width: int
    """Output channels of the generator's first layers. All others are multiples of it."""
    discriminator_width: int
    image_side: int
    """Side in pixels of the images that the discriminators score without averaging."""
    mirrors: bool
    """Pad mirrored pixels where the version does; otherwise pad zeros, so that smaller images fit."""


SIZES = {"paper": Sizes(32, 64, 256, mirrors=True), "nano": Sizes(8, 8, 64, mirrors=False)}


class Generator(nn.Module):
    """Columns of kernel size 7, 5 and 3, whose features are concatenated and decoded by two convolutions."""

    def __init__(self, width: int, channels: int, wiring: Wiring) -> None:
        super().__init__()
        self.wiring = wiring
        in_channels = channels + (2 if wiring.with_ones else 1)
        columns = [Column(in_channels, width, rows, wiring.padding) for rows in wiring.columns]
        self.columns = nn.ModuleList(columns)
        merged = sum(column.out_channels for column in columns)
        self.decoder = nn.Sequential(
            OrderedDict(
                conv17=PaddedConv2d(merged, width // 2, 3, padding=wiring.padding),
                conv18=PaddedConv2d(width // 2, channels, 3, padding=wiring.padding),
            )
        )

    def forward(self, masked: ImageTensor, hole: HoleTensor) -> ImageTensor:
        """Return images in [-1, 1] for images in [-1, 1] that are 0 in the hole.

        Raises:
            BadInput: the image is too small to be mirrored as far as the largest dilation needs.
        """
        if self.wiring.padding == "reflect" and min(hole.shape[-2:]) < MIN_SIDE:
            raise BadInput(
                f"gmcnn was given images of {hole.shape[-2]} x {hole.shape[-1]} pixels. Its dilated convolutions need "
                f"heights and widths of {MIN_SIDE} or more: choose a larger --size, or gmcnn:tf."
            )
        planes = [torch.ones_like(hole), hole] if self.wiring.with_ones else [hole]
        x = torch.cat([masked, *planes], dim=1).contiguous(memory_format=torch.channels_last)
        features = torch.cat([column(x) for column in self.columns], dim=1)
        conv17, conv18 = self.decoder
        return conv18(elu_(conv17(features))).clamp(-1, 1).contiguous()


class GMCNN(Method):
    """GMCNN: images are in [0, 1] outside, and in [-1, 1] with hidden pixels at 0 inside the networks."""

    def __init__(self, generator: Generator, discriminator: Discriminator, local: str) -> None:
        super().__init__()
        self.generator, self.discriminator, self.local = generator, discriminator, local

    def forward(self, masked: ImageTensor, hole: HoleTensor) -> MethodOutput:
        return MethodOutput(unsigned(self.generator(signed_masked(masked, hole), hole)))


def build(scale: str, channels: int, variant: str = "pytorch", local: str = "crop") -> GMCNN:
    """Build the method with new weights; the README explains the options.

    Raises:
        BadInput: an option has an unknown value.
    """
    if variant not in WIRINGS:
        raise unknown("gmcnn.variant", variant, WIRINGS)
    if local not in LOCALS:
        raise unknown("gmcnn.local", local, LOCALS)
    sizes, wiring = SIZES[scale], WIRINGS[variant]
    if wiring.padding == "reflect" and not sizes.mirrors:
        wiring = wiring._replace(padding="even")
    generator = Generator(sizes.width, channels, wiring)
    if variant == "pytorch":
        generator.apply(init_normal)  # the TensorFlow version keeps Glorot's rule
    build_discriminator = spectral if variant == "pytorch" else wasserstein
    discriminator = build_discriminator(channels, sizes.discriminator_width, sizes.image_side, local == "crop")
    return GMCNN(generator, discriminator, local)
