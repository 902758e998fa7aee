"""The networks for faces: a dilated convolutional generator and the third model's critic, on pixels in [-1, 1]."""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import hardtanh, leaky_relu

from bench_core.errors import unknown
from bench_core.methods import Method, MethodOutput
from bench_core.methods.method import HoleTensor, ImageTensor
from bench_core.nn.discriminators import Critic
from bench_core.nn.init import init_glorot
from bench_core.nn.pool import adaptive_avg_pool
from bench_core.nn.ranges import signed_masked, unsigned

Scores = Float[Tensor, "b 1"]

WIDTHS = {"paper": (32, 64), "nano": (8, 16)}
"""Output channels of the first layers of generator and critic. All others are multiples of them."""
INPUTS = {
    3: lambda masked, hole: [masked],
    4: lambda masked, hole: [masked, hole],
    5: lambda masked, hole: [masked, torch.ones_like(hole), hole],
}
"""Input planes of the generator, by their number."""
OUTPUTS = {"clip": hardtanh, "tanh": torch.tanh}
UPSAMPLINGS = {
    "nearest": lambda before, after: [nn.Upsample(scale_factor=2), nn.Conv2d(before, after, 3, padding=1)],
    "transposed": lambda before, after: [nn.ConvTranspose2d(before, after, 3, 2, padding=1, output_padding=1)],
}
CRITIC_SIDE = 8
"""Height and width of the critic's last map."""


class Layer(NamedTuple):
    """3x3 convolution; `width` is its number of output channels, relative to the first layer."""

    width: int
    stride: int = 1
    dilation: int = 1
    upsample: bool = False


LAYERS = (
    Layer(1),
    Layer(2, stride=2),
    Layer(2),
    Layer(4, stride=2),
    Layer(4),
    Layer(4),
    Layer(4, dilation=2),
    Layer(4, dilation=4),
    Layer(4, dilation=8),
    Layer(4, dilation=16),
    Layer(4),
    Layer(4),
    Layer(2, upsample=True),
    Layer(2),
    Layer(1, upsample=True),
    Layer(1),
)


def layers(width: int, in_channels: int, channels: int, upsampling: str) -> Iterator[nn.Module]:
    """Build `LAYERS` with an ELU behind each, and a last convolution without."""
    before = in_channels
    for layer in LAYERS:
        after = layer.width * width
        if layer.upsample:
            yield from UPSAMPLINGS[upsampling](before, after)
        else:
            yield nn.Conv2d(before, after, 3, layer.stride, padding=layer.dilation, dilation=layer.dilation)
        yield nn.ELU()
        before = after
    yield nn.Conv2d(before, channels, 3, padding=1)


class Generator(nn.Module):
    """Encoder to a quarter of the size, dilated convolutions, decoder."""

    def __init__(
        self, width: int, channels: int = 3, in_channels: int = 5, output: str = "clip", upsampling: str = "nearest"
    ) -> None:
        super().__init__()
        for kind, given, known in (
            ("number of input channels", in_channels, INPUTS),
            ("output of the generator", output, OUTPUTS),
            ("upsampling", upsampling, UPSAMPLINGS),
        ):
            if given not in known:
                raise unknown(kind, str(given), map(str, known))
        self.inputs, self.output = INPUTS[in_channels], OUTPUTS[output]
        self.layers = nn.Sequential(*layers(width, in_channels, channels, upsampling))
        self.apply(init_glorot)

    def forward(self, masked: ImageTensor, hole: HoleTensor) -> ImageTensor:
        """Return whole images in [-1, 1] for images in [-1, 1] that are 0 in the hole."""
        return self.output(self.layers(torch.cat(self.inputs(masked, hole), dim=1)))


class WassersteinCritic(Critic):
    """Four convolutions of stride 2 with LeakyReLU and a fully connected layer; no norm mixes the images of a batch."""

    def __init__(self, width: int, channels: int = 3) -> None:
        super().__init__()
        widths = (channels, width, 2 * width, 4 * width, 4 * width)
        self.layers = nn.ModuleList(nn.Conv2d(*pair, 3, stride=2, padding=1) for pair in pairwise(widths))
        self.classifier = nn.Linear(widths[-1] * CRITIC_SIDE**2, 1)
        self.apply(init_glorot)

    def forward(self, image: ImageTensor) -> Scores:
        """Score images in [-1, 1]. At sizes other than the paper's 128 the last map is averaged to 8 x 8."""
        x = image
        for layer in self.layers:
            x = leaky_relu(layer(x), 0.2)
        return self.classifier(adaptive_avg_pool(x, CRITIC_SIDE).flatten(1))


class GradientAttention(Method):
    """The convolutional model: images are in [0, 1] outside, and in [-1, 1] inside the networks."""

    generator: Generator

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, masked: ImageTensor, hole: HoleTensor) -> MethodOutput:
        return MethodOutput(unsigned(self.generator(signed_masked(masked, hole), hole)))


class Adversarial(GradientAttention):
    """Third model: the same generator with a critic that scores whole composites."""

    def __init__(self, generator: Generator, critic: WassersteinCritic) -> None:
        super().__init__(generator)
        self.critic = critic


def build(scale: str, channels: int, **options) -> GradientAttention:
    return GradientAttention(Generator(WIDTHS[scale][0], channels, **options))


def build_adversarial(scale: str, channels: int, **options) -> Adversarial:
    generator, critic = WIDTHS[scale]
    return Adversarial(Generator(generator, channels, **options), WassersteinCritic(critic, channels))
