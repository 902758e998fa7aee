"""Discriminators and their parts, as several papers build them from convolutions of stride 2."""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, relu

from bench_core.errors import BadInput
from bench_core.nn.conv import PaddedConv2d, SpectralConv2d
from bench_core.nn.init import init_glorot
from bench_core.nn.memory_layout import for_convolutions
from bench_core.nn.pool import adaptive_avg_pool
from bench_core.nn.spectral_norm import SpectralNormConv2d
from bench_core.nn.types import Features, Guidance, HoleTensor, ImageTensor


class PatchDiscriminator(nn.Module):
    """SN-PatchGAN: six spectrally normalised 5x5 convolutions of stride 2, with LeakyReLU behind each.

    Every value of the last feature map scores a patch of the image (Yu et al., ICCV 2019, Section 3.2).
    """

    def __init__(self, in_channels: int, width: int) -> None:
        super().__init__()
        widths = (in_channels, width, 2 * width, 4 * width, 4 * width, 4 * width, 4 * width)
        self.layers = nn.Sequential(
            OrderedDict(
                (f"conv{i}", SpectralConv2d(before, after, 5, stride=2))
                for i, (before, after) in enumerate(pairwise(widths), start=1)
            )
        )

    def forward(self, image: ImageTensor, hole: HoleTensor, *guidance: Guidance) -> Float[Tensor, "b scores"]:
        """Score images in [-1, 1]. Guidance counts inside the hole only."""
        x = torch.cat([image, hole, *(one * hole for one in guidance)], dim=1)
        for layer in self.layers:
            x = leaky_relu(layer(x), 0.2)
        return x.flatten(1)


class PatchGAN(nn.Module):
    """Five 4x4 convolutions with strides 2, 2, 2, 1 and 1, whose last map scores patches (Isola et al., CVPR 2017).

    Convolutions have spectral norm and no bias. LeakyReLU follows all but the last one, and no sigmoid follows that.

    Args:
        in_channels: channels of the image.
        width: channels of the first map; the next three have 2, 4 and 8 times as many.
        plain_scores: leave out the last convolution's spectral norm, and give it a bias.
    """

    def __init__(self, in_channels: int, width: int, plain_scores: bool = False) -> None:
        super().__init__()
        widths = (in_channels, width, 2 * width, 4 * width, 8 * width)
        self.layers = nn.ModuleList(
            SpectralNormConv2d(*pair, 4, stride, padding=1, bias=False)
            for pair, stride in zip(pairwise(widths), (2, 2, 2, 1), strict=True)
        )
        self.layers.append(
            nn.Conv2d(8 * width, 1, 4, padding=1)
            if plain_scores
            else SpectralNormConv2d(8 * width, 1, 4, padding=1, bias=False)
        )

    def forward(self, image: ImageTensor) -> Float[Tensor, "b 1 h2 w2"]:
        """Score patches of images: a map of about an eighth of the size, 30 x 30 of 256 x 256."""
        return self.features(image)[-1]

    def features(self, image: ImageTensor) -> list[Tensor]:
        """Return the activated maps of the first four layers, and the scores."""
        x, maps = for_convolutions(image), []
        for layer in self.layers[:-1]:
            x = leaky_relu(layer(x), 0.2, inplace=True)
            maps.append(x)
        return [*maps, self.layers[-1](x)]


class HalvingConv(nn.Module):
    """5x5 convolution of stride 2, batch norm and activation: one layer of a global or local discriminator."""

    def __init__(self, in_channels: int, out_channels: int, activation: Callable[[Tensor], Tensor] = relu) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 5, stride=2, padding=2)
        self.norm = nn.BatchNorm2d(out_channels)
        self.activation = activation

    def forward(self, x: Features) -> Float[Tensor, "b c2 h2 w2"]:
        return self.activation(self.norm(self.conv(x)))


def halving_convs(widths: Iterable[int], activation: Callable[[Tensor], Tensor] = relu) -> nn.Sequential:
    """Chain `HalvingConv` layers: `widths` lists the channels of the input and of every layer's output."""
    return nn.Sequential(*(HalvingConv(*pair, activation) for pair in pairwise(widths)))


def require_batch_statistics(layers: nn.Sequential, image: Features, method: str) -> None:
    """Refuse to train halving layers on a batch from which the last batch norm gets one value per channel.

    Raises:
        BadInput: the batch is a single image that the layers reduce to one pixel. The message names `method`.
    """
    if layers.training and len(image) == 1 and max(image.shape[-2:]) <= 2 ** len(layers):
        raise BadInput(
            f"{method}'s discriminator was given a batch of one image so small that its batch norm has a single value "
            "per channel. Train with a batch of two or more, or with larger images."
        )


class Critic(nn.Module):
    """Base of Wasserstein critics: a network from images to one score each."""

    def input_gradient(self, image: ImageTensor, *others: Tensor) -> ImageTensor:
        """Return the gradient of each image's score with respect to its pixels, which can be differentiated again.

        `others` are further inputs of the network.
        """
        # Fabric forbids gradients inside a loss in mixed precision; a method of the network bypasses Fabric's wrapper
        image = image.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(self(image, *others).sum(), image, create_graph=True)
        return gradient


class HalvingCritic(Critic):
    """5x5 convolutions of stride 2 with LeakyReLU, and one fully connected layer, without any norm.

    Args:
        widths: channels of the image and of every convolution's output.
        side: height and width of the last map at the size of training.
    """

    def __init__(self, widths: tuple[int, ...], side: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(PaddedConv2d(*pair, 5, stride=2) for pair in pairwise(widths))
        self.side = side
        self.score = nn.Linear(widths[-1] * side * side, 1)
        init_glorot(self.score)

    def forward(self, image: ImageTensor) -> Float[Tensor, "b 1"]:
        """Score images in [-1, 1]. At other sizes than that of training the last map is averaged to `side`."""
        x = image
        for layer in self.layers:
            x = leaky_relu(layer(x), 0.2)
        return self.score(adaptive_avg_pool(x, self.side).flatten(1))
