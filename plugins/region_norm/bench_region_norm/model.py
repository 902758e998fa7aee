"""The generator, on pixels in [0, 1]. Its discriminator is a `PatchGAN` of RGB images."""

from typing import NamedTuple

import torch
from torch import nn

from bench_core.methods import Method, MethodOutput
from bench_core.nn.conv import require_side
from bench_core.nn.discriminators import PatchGAN
from bench_core.nn.encoder_decoder import MIN_SIDE, Decoder, DilatedBlock, Encoder
from bench_core.nn.ranges import unsigned
from bench_core.nn.spectral_norm import SpectralNorm
from bench_core.nn.types import HoleTensor, ImageTensor
from bench_region_norm.layers import BasicRegionNorm, LearnedRegionNorm

DECODER_THRESHOLD = 0.8


class Sizes(NamedTuple):
    """Sizes of the networks at one scale."""

    width: int
    """Width of the first layer of both networks. All others are multiples of it."""
    num_blocks: int


SIZES = {"paper": Sizes(64, 8), "nano": Sizes(8, 2)}


class Generator(nn.Module):
    """Encoder with RN-B, dilated residual blocks and decoder with RN-L."""

    def __init__(self, width: int, num_blocks: int, threshold: float, channels: int = 3) -> None:
        super().__init__()
        self.encoder = Encoder(channels, width, BasicRegionNorm)
        self.blocks = nn.Sequential(
            *(DilatedBlock(4 * width, lambda _: LearnedRegionNorm(threshold)) for _ in range(num_blocks))
        )
        self.decoder = Decoder(width, channels, _shuffled_conv, lambda _: LearnedRegionNorm(DECODER_THRESHOLD))

    def forward(self, filled: ImageTensor, hole: HoleTensor) -> ImageTensor:
        """Return whole images in [0, 1] for images whose hidden pixels are 1, white. The hole guides RN-B only."""
        return unsigned(torch.tanh(self.decoder(self.blocks(self.encoder(filled, hole)))))


def _shuffled_conv(in_channels: int, out_channels: int) -> nn.Sequential:
    """Double height and width: four channels of a 3x3 convolution become the 2 x 2 pixels of one."""
    return nn.Sequential(nn.Conv2d(in_channels, 4 * out_channels, 3, padding=1), nn.PixelShuffle(2))


def _initialise(module: nn.Module) -> None:
    """Draw weights by the rule of He et al. (ICCV 2015), a tenth as large, and biases from N(0.0001, 1)."""
    if isinstance(module, nn.Conv2d):
        weight = module.weight_orig if isinstance(module, SpectralNorm) else module.weight
        nn.init.kaiming_normal_(weight)
        with torch.no_grad():
            weight *= 0.1
        if module.bias is not None:
            nn.init.normal_(module.bias, 1e-4)  # of deviation 1, as in the official code


class RegionNorm(Method):
    """RN: images are in [0, 1] outside and inside the networks; hidden pixels are white inside."""

    def __init__(self, sizes: Sizes, channels: int, threshold: float) -> None:
        super().__init__()
        self.generator = Generator(*sizes, threshold, channels)
        self.discriminator = PatchGAN(channels, sizes.width)
        self.apply(_initialise)

    def forward(self, masked: ImageTensor, hole: HoleTensor) -> MethodOutput:
        """Predict whole images.

        Raises:
            BadInput: the images are too small to mirror two pixels at a quarter of the size.
        """
        require_side(masked, MIN_SIDE, "region_norm")
        return MethodOutput(self.generator(masked * (1 - hole) + hole, hole))


def build(scale: str, channels: int, threshold: float = 0.8) -> RegionNorm:
    """Build the method with new weights. The threshold is that of the blocks; the README explains it."""
    return RegionNorm(SIZES[scale], channels, threshold)
