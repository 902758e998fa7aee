"""The networks: an encoder to normal distributions, a decoder of their samples, and two discriminators (Figure 3)."""

from itertools import pairwise
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import interpolate, leaky_relu, pad, softplus

from bench_core.errors import unknown
from bench_core.losses.divergence import Gaussian
from bench_core.methods import Guidance, Method, MethodOutput
from bench_core.nn.ranges import signed, signed_masked, unsigned
from bench_core.nn.types import Features, HoleTensor, ImageTensor
from bench_picnet.attention import ShortLongAttention
from bench_picnet.layers import SLOPE, HeadBlock, OutputBlock, ResidualBlock, UpBlock, conv

LATENTS = ("sample", "mean")
"""What the decoder gets in a prediction: a sample of the distribution, or its mean."""
HALVINGS = 5
"""Encoder blocks, each of which halves the size."""
NUM_REFINEMENTS = 6
"""Residual blocks between the encoder's last features and the prior."""

Maps = Float[Tensor, "b _ _ _"]
Images = Float[Tensor, "b c _ _"]
"""Images of one of several sizes."""


class Widths(NamedTuple):
    """Channels of the networks at one scale."""

    base: int
    """Channels at half of the size. Each halving doubles them."""
    full: int
    """Most channels of features."""
    latent: int

    @property
    def halvings(self) -> list[int]:
        """Channels at a half, a quarter, ... of the size."""
        return [min(self.base * 2**i, self.full) for i in range(HALVINGS)]


WIDTHS = {"paper": Widths(32, 128, 128), "nano": Widths(8, 32, 16)}


class Encoder(nn.Module):
    """Features of an image, and the distributions that they predict."""

    def __init__(self, widths: Widths, channels: int) -> None:
        super().__init__()
        base, full, latent = widths
        self.head = HeadBlock(channels, base)
        self.downs = nn.ModuleList(ResidualBlock(a, a, b, halve=True) for a, b in pairwise(widths.halvings))
        self.refinements = nn.Sequential(*(ResidualBlock(full, full, full) for _ in range(NUM_REFINEMENTS)))
        self.prior = ResidualBlock(full, full, 2 * latent)
        self.posterior = ResidualBlock(full, full, 2 * latent)

    def forward(self, image: ImageTensor) -> list[Maps]:
        """Return features at a half to a thirty-second of the size, for an image in [-1, 1] with zeros elsewhere."""
        features = [self.head(image.contiguous(memory_format=torch.channels_last))]
        for down in self.downs:
            features.append(down(features[-1]))
        return features

    def prior_of(self, known: Features) -> Gaussian:
        """Predict the latent variable from the last features of the known pixels."""
        return gaussian(self.prior(self.refinements(known)))

    def posterior_of(self, hidden: Features) -> Gaussian:
        """Infer the latent variable from the last features of the hidden pixels."""
        return gaussian(self.posterior(hidden))


class Decoder(nn.Module):
    """Images of four sizes from a latent variable and the encoder's features of the known pixels."""

    def __init__(self, widths: Widths, channels: int) -> None:
        super().__init__()
        self.latent = ResidualBlock(widths.latent, widths.full, widths.full)
        out = widths.halvings[::-1]
        self.ups = nn.ModuleList(
            # each image is a further input of the next block
            UpBlock(before + (channels if i > 1 else 0), after)
            for i, (before, after) in enumerate(pairwise([widths.full, *out]))
        )
        self.attention = ShortLongAttention(out[1])
        self.outputs = nn.ModuleList(OutputBlock(width, channels) for width in out[1:])

    def forward(
        self,
        latent: Float[Tensor, "b z h32 w32"],
        deepest: Float[Tensor, "b c32 h32 w32"],
        encoded: Float[Tensor, "b c8 h8 w8"],
        hole: HoleTensor,
    ) -> list[Images]:
        """Return images in [-1, 1] at an eighth, a quarter, a half and all of the size.

        Args:
            latent: at a thirty-second of the size.
            deepest: the encoder's last features.
            encoded: its features at an eighth of the size, for attention.
            hole: 1 where a pixel is missing.
        """
        known = interpolate(1 - hole, encoded.shape[-2:], mode="bilinear", align_corners=True)
        x = self.ups[1](self.ups[0](deepest + self.latent(latent)))
        x = self.attention.fuse(x, encoded, known)
        images = [self.outputs[0](x)]
        for up, output in zip(self.ups[2:], self.outputs[1:], strict=True):
            x = up(torch.cat([x, images[-1]], dim=1))
            images.append(output(x))
        return images


class Paths(NamedTuple):
    """Output of the generator."""

    generated: list[Images]
    """Images of four sizes, from a sample of the prior."""
    prior: Gaussian
    reconstructed: list[Images]
    """Images of four sizes, from a sample of the posterior; empty without the hidden pixels."""
    posterior: Gaussian | None


class Generator(nn.Module):
    """Encoder and decoder, which the generative and the reconstructive path share."""

    def __init__(self, widths: Widths, channels: int, sample: bool) -> None:
        super().__init__()
        self.encoder = Encoder(widths, channels)
        self.decoder = Decoder(widths, channels)
        self.sample = sample

    def forward(self, masked: ImageTensor, hole: HoleTensor, hidden: ImageTensor | None = None) -> Paths:
        """Follow the generative path, and with the hidden pixels the reconstructive path, too.

        Images are in [-1, 1]. `masked` is 0 in the hole, and `hidden` outside of it.
        """
        if hidden is None:
            features = self.encoder(masked)
            prior = self.encoder.prior_of(features[-1])
            latent = draw(prior) if self.sample or self.training else prior.mean
            return Paths(self.decoder(latent, features[-1], features[2], hole), prior, [], None)
        # both images in one batch, and so are both latent variables, with the known pixels' features
        known, unseen = zip(*(maps.chunk(2) for maps in self.encoder(torch.cat([masked, hidden]))), strict=True)
        posterior, prior = self.encoder.posterior_of(unseen[-1]), self.encoder.prior_of(known[-1])
        latent = torch.cat([draw(posterior), draw(prior)])
        deepest, encoded, holes = (torch.cat([maps, maps]) for maps in (known[-1], known[2], hole))
        images = self.decoder(latent, deepest, encoded, holes)
        reconstructed, generated = zip(*(image.chunk(2) for image in images), strict=True)
        return Paths(list(generated), prior, list(reconstructed), posterior)


class Discriminator(nn.Module):
    """Scores of overlapping patches, with attention of the features to themselves."""

    def __init__(self, widths: Widths, channels: int) -> None:
        super().__init__()
        full = widths.full
        self.head = HeadBlock(channels, widths.base)
        self.downs = nn.ModuleList(ResidualBlock(a, a, b, halve=True) for a, b in pairwise(widths.halvings))
        self.attention = ShortLongAttention(widths.halvings[2])
        self.last = ResidualBlock(full, full, full)
        self.score = conv(full, 1, padding=0)

    def forward(self, image: ImageTensor) -> Float[Tensor, "b 1 h2 w2"]:
        """Score images in [-1, 1]: a map of a thirty-second of the size, less a pixel on each side."""
        x = self.head(image.contiguous(memory_format=torch.channels_last))
        for i, down in enumerate(self.downs):
            x = down(self.attention(x) if i == 2 else x)
        x = leaky_relu(self.last(x), SLOPE)
        if min(x.shape[-2:]) < 3:  # images of less than 96 pixels: too small for the convolution without padding
            x = pad(x, (1, 1, 1, 1))
        return self.score(x)


class PICNet(Method):
    """PICNet: images are in [0, 1] outside, and in [-1, 1] inside the networks."""

    generator: Generator
    unused = ("discriminator*.attention.fusion.*", "discriminator*.attention.alpha")

    def __init__(self, widths: Widths, channels: int, sample: bool, two_paths: bool = True) -> None:
        super().__init__()
        self.generator = Generator(widths, channels, sample)
        self.discriminator = Discriminator(widths, channels)
        self.two_paths = two_paths
        if two_paths:
            self.discriminator_rec = Discriminator(widths, channels)
        else:
            self.unused = (*self.unused, "generator.encoder.posterior.*")

    def forward(self, masked: ImageTensor, hole: HoleTensor) -> MethodOutput:
        paths = self.generator(signed_masked(masked, hole), hole)
        return MethodOutput(unsigned(paths.generated[-1]))

    def training_output(
        self, image: ImageTensor, masked: ImageTensor, hole: HoleTensor, *guidance: Guidance
    ) -> MethodOutput:
        """Follow all paths; the extras have the names of the fields of `Paths`."""
        hidden = signed(image) * hole if self.two_paths else None
        paths = self.generator(signed_masked(masked, hole), hole, hidden)
        extras = {name: tuple(tensors) for name, tensors in paths._asdict().items() if tensors}
        return MethodOutput(unsigned(paths.generated[-1]), extras=extras)


def build(scale: str, channels: int, latent: str = "sample") -> PICNet:
    """Build the method with new weights; the README explains the option.

    Raises:
        BadInput: `latent` has an unknown value.
    """
    return PICNet(WIDTHS[scale], channels, _samples(latent))


def build_one_path(scale: str, channels: int, latent: str = "sample") -> PICNet:
    """Build the form without the reconstructive path. Its arguments and errors are those of `build`."""
    return PICNet(WIDTHS[scale], channels, _samples(latent), two_paths=False)


def _samples(latent: str) -> bool:
    if latent not in LATENTS:
        raise unknown("picnet.latent", latent, LATENTS)
    return latent == "sample"


def gaussian(parameters: Features) -> Gaussian:
    """Split channels into means, and deviations before their softplus."""
    mean, deviation = parameters.chunk(2, dim=1)
    return Gaussian(mean, softplus(deviation))


def draw(distribution: Gaussian) -> Features:
    """Draw a sample whose gradient reaches both parameters."""
    # in the order of channels, rows and columns, whatever the layout in memory
    noise = torch.randn_like(distribution.mean, memory_format=torch.contiguous_format)
    return torch.addcmul(distribution.mean, distribution.deviation, noise)
