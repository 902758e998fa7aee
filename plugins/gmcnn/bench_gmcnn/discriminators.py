"""Global and local discriminators: spectrally normalised ones of the PyTorch version, critics of the TensorFlow one."""

from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import elu_, leaky_relu, max_pool2d

from bench_core.nn.conv import PaddedConv2d
from bench_core.nn.discriminators import Critic, HalvingCritic
from bench_core.nn.pool import adaptive_avg_pool
from bench_core.nn.spectral_norm import SpectralNormConv2d, SpectralNormLinear
from bench_core.nn.types import HoleTensor, ImageTensor

Scores = Float[Tensor, "b 1"]


class SpectralDiscriminator(nn.Module):
    """Four 5x5 convolutions of stride 2 with ELU, and one fully connected layer, all with spectral norm.

    They keep PyTorch's initial weights, biases included: the official rule does not reach them.

    Args:
        widths: channels of the image and of every convolution's output.
        side: height and width of the last map at the size of training.
    """

    def __init__(self, widths: tuple[int, ...], side: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            SpectralNormConv2d(*pair, 5, stride=2, padding=2, step_in_evaluation=True) for pair in pairwise(widths)
        )
        self.layers.append(SpectralNormLinear(widths[-1] * side * side, 1, step_in_evaluation=True))
        self.side = side

    def forward(self, image: ImageTensor) -> Scores:
        """Score images in [-1, 1]. At other sizes than that of training the last map is averaged to `side`."""
        *convolutions, score = self.layers
        x = image.contiguous(memory_format=torch.channels_last)
        for layer in convolutions:
            x = elu_(layer(x))
        return score(adaptive_avg_pool(x, self.side).flatten(1))


class HoleCritic(Critic):
    """Critic of patches for holes of any shape: the mean score of the patches that the hole touches.

    Five 5x5 convolutions of stride 2 with LeakyReLU, the last one linear and with a single channel.
    """

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        widths = (channels, width, 2 * width, 4 * width, 8 * width, 1)
        self.layers = nn.ModuleList(PaddedConv2d(*pair, 5, stride=2) for pair in pairwise(widths))

    def forward(self, image: ImageTensor, hole: HoleTensor) -> Scores:
        """Score images in [-1, 1]. An image without a hole scores 0."""
        *hidden, last = self.layers
        x = image
        for layer in hidden:
            x = leaky_relu(layer(x), 0.2)
        scores, touched = last(x), hole
        for _ in self.layers:
            touched = max_pool2d(touched, 2, ceil_mode=True)
        return (scores * touched).sum(dim=(2, 3)) / touched.sum(dim=(2, 3)).clamp_min(1)


class Discriminator(nn.Module):
    """A discriminator of the whole image and one of its part around the hole, with separate weights."""

    def __init__(self, whole: nn.Module, local: nn.Module) -> None:
        super().__init__()
        self.global_discriminator, self.local_discriminator = whole, local

    def forward(self, image: ImageTensor, *local: Tensor) -> tuple[Scores, Scores]:
        """Return the global and the local scores; `local` are the inputs of the local discriminator."""
        return self.global_discriminator(image), self.local_discriminator(*local)


def spectral(channels: int, width: int, image_side: int, crops: bool) -> Discriminator:
    """Build the PyTorch version's discriminators for images of `image_side` pixels, or for crops of half of that."""
    widths = (channels, *(width * factor for factor in (1, 2, 4, 4)))
    side = image_side // 16
    return Discriminator(
        SpectralDiscriminator(widths, side), SpectralDiscriminator(widths, side // 2 if crops else side)
    )


def wasserstein(channels: int, width: int, image_side: int, crops: bool) -> Discriminator:
    """Build the TensorFlow version's critics; without crops the local one is a `HoleCritic`."""
    widths = (channels, *(width * factor for factor in (1, 2, 4, 8, 4, 2)))
    side = image_side // 64
    local = HalvingCritic(widths, max(1, side // 2)) if crops else HoleCritic(channels, width)
    return Discriminator(HalvingCritic(widths, side), local)
