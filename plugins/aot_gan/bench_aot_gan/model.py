"""The generator, of one stage. Like its discriminator, a `PatchGAN`, it works on pixels in [-1, 1]."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from bench_aot_gan.layers import AOTBlock
from bench_core.errors import unknown
from bench_core.methods import Method, MethodOutput
from bench_core.nn.conv import PaddedConv2d, require_side
from bench_core.nn.discriminators import PatchGAN
from bench_core.nn.init import init_normal
from bench_core.nn.ranges import signed_masked, unsigned
from bench_core.nn.types import HoleTensor, ImageTensor

LABELS = ("paper", "released")
"""Labels of the soft-mask GAN."""


class Sizes(NamedTuple):
    """Sizes of the networks at one scale."""

    base: int
    """Width of the first layer of both networks. All others are multiples of it."""
    num_blocks: int
    rates: tuple[int, ...]
    """Dilations of the branches of a block."""


SIZES = {"paper": Sizes(64, 8, (1, 2, 4, 8)), "nano": Sizes(8, 2, (1, 2, 3, 4))}
SHRINKING = 4
"""Image pixels per feature, along one side, in the blocks."""


class Generator(nn.Module):
    """Encoder to a quarter of the size, AOT blocks, decoder."""

    def __init__(self, base: int, num_blocks: int, rates: tuple[int, ...], channels: int = 3) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            PaddedConv2d(channels + 1, base, 7, padding="reflect"),
            nn.ReLU(inplace=True),
            nn.Conv2d(base, 2 * base, 4, stride=2, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(2 * base, 4 * base, 4, stride=2, padding=1),
            nn.ReLU(inplace=True),
        )
        self.blocks = nn.Sequential(*(AOTBlock(4 * base, rates) for _ in range(num_blocks)))
        self.decoder = nn.Sequential(
            nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True),
            nn.Conv2d(4 * base, 2 * base, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True),
            nn.Conv2d(2 * base, base, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(base, channels, 3, padding=1),
            nn.Tanh(),
        )
        self.apply(init_normal)

    def forward(self, x: Float[Tensor, "b c1 h w"]) -> ImageTensor:
        """Return an image in [-1, 1] for the masked image with the hole as its last channel."""
        return self.decoder(self.blocks(self.encoder(x))).contiguous()


class AOTGAN(Method):
    """AOT-GAN: images are in [0, 1] outside, and in [-1, 1] with hidden pixels at 1, white, inside the networks."""

    def __init__(self, sizes: Sizes, channels: int, labels: str) -> None:
        super().__init__()
        self.generator = Generator(*sizes, channels)
        self.discriminator = PatchGAN(channels, sizes.base, plain_scores=True).apply(init_normal)
        self.labels = labels
        self.min_side = SHRINKING * (max(sizes.rates) + 1)

    def forward(self, masked: ImageTensor, hole: HoleTensor) -> MethodOutput:
        """Predict whole images.

        Raises:
            BadInput: the images are too small to mirror as many pixels as the largest dilation needs.
        """
        require_side(masked, self.min_side, "aot_gan")
        white = signed_masked(masked, hole) + hole
        return MethodOutput(unsigned(self.generator(torch.cat([white, hole], dim=1))))


def build(scale: str, channels: int, labels: str = "paper") -> AOTGAN:
    """Build the method with new weights; the README explains the option.

    Raises:
        BadInput: there are no such labels.
    """
    if labels not in LABELS:
        raise unknown("aot_gan.labels", labels, LABELS)
    return AOTGAN(SIZES[scale], channels, labels)
