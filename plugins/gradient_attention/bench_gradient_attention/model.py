"""The networks for faces: a dilated convolutional generator, and the third model's critic, on pixels in [-1, 1]."""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool1d, hardtanh, leaky_relu

from bench_core.errors import unknown
from bench_core.methods import HoleTensor, ImageTensor, Method, MethodOutput

Features = Float[Tensor, "b c h w"]
Scores = Float[Tensor, "b 1"]

WIDTHS = {"paper": (32, 64), "nano": (8, 16)}
"""Output channels of the first layer of the generator and of the critic; every other is a multiple of it."""
INPUTS = {
    3: lambda masked, hole: [masked],
    4: lambda masked, hole: [masked, hole],
    5: lambda masked, hole: [masked, torch.ones_like(hole), hole],
}
"""What the generator sees, by its number of channels."""
OUTPUTS = {"clip": hardtanh, "tanh": torch.tanh}
UPSAMPLINGS = {
    "nearest": lambda before, after: [nn.Upsample(scale_factor=2), nn.Conv2d(before, after, 3, padding=1)],
    "transposed": lambda before, after: [nn.ConvTranspose2d(before, after, 3, 2, padding=1, output_padding=1)],
}
TOP = 8
"""Height and width of the critic's last map."""


class Layer(NamedTuple):
    """A 3 x 3 convolution; `width` is its number of output channels, relative to that of the first."""

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
    """The layers above with an ELU behind each, and a last convolution without."""
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
        self.apply(initialise)

    def forward(self, masked: ImageTensor, hole: HoleTensor) -> ImageTensor:
        """Image in [-1, 1], 0 in the hole, to the whole canvas in [-1, 1]."""
        return self.output(self.layers(torch.cat(self.inputs(masked, hole), dim=1)))


class Critic(nn.Module):
    """Four convolutions of stride 2 with LeakyReLU and a fully connected layer; no norm mixes the images of a batch."""

    def __init__(self, width: int, channels: int = 3) -> None:
        super().__init__()
        widths = (channels, width, 2 * width, 4 * width, 4 * width)
        self.layers = nn.ModuleList(nn.Conv2d(*pair, 3, stride=2, padding=1) for pair in pairwise(widths))
        self.classifier = nn.Linear(widths[-1] * TOP * TOP, 1)
        self.apply(initialise)

    def forward(self, canvas: ImageTensor) -> Scores:
        x = canvas
        for layer in self.layers:
            x = leaky_relu(layer(x), 0.2)
        return self.classifier(_top(x))

    def slope(self, canvas: ImageTensor) -> ImageTensor:
        """The gradient of each score by its own pixels, itself differentiable."""
        # in mixed precision Fabric allows no gradient within a loss; this method calls the network without Fabric
        canvas = canvas.detach().requires_grad_()
        (slope,) = torch.autograd.grad(self(canvas).sum(), canvas, create_graph=True)
        return slope


def _top(x: Features) -> Float[Tensor, "b f"]:
    """At the paper's 128 pixels the map as it is, at other sizes averaged, or repeated, to the same 8 x 8."""
    if x.shape[-2:] != (TOP, TOP):  # written as products, whose gradient is deterministic on CUDA too
        rows, columns = (
            adaptive_avg_pool1d(torch.eye(size, dtype=x.dtype, device=x.device), TOP) for size in x.shape[-2:]
        )
        x = rows.T @ x @ columns
    return x.flatten(1)


class GradientAttention(Method):
    """The method: images in [0, 1] go in and come out, its networks work in [-1, 1]."""

    generator: Generator

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, masked: ImageTensor, hole: HoleTensor) -> MethodOutput:
        known = signed(masked) * (1 - hole)  # 0, the removed pixel, is now mid-grey
        return MethodOutput((self.generator(known, hole) + 1) / 2)


class Adversarial(GradientAttention):
    """The third model: the same with a critic of whole composites."""

    def __init__(self, generator: Generator, critic: Critic) -> None:
        super().__init__(generator)
        self.critic = critic


def initialise(module: nn.Module) -> None:
    """Glorot and Bengio, uniform; zero bias."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        assert module.bias is not None
        nn.init.zeros_(module.bias)


def signed(image: ImageTensor) -> ImageTensor:
    """From [0, 1] to [-1, 1]."""
    return 2 * image - 1


def build(scale: str, channels: int, **options) -> GradientAttention:
    return GradientAttention(Generator(WIDTHS[scale][0], channels, **options))


def build_adversarial(scale: str, channels: int, **options) -> Adversarial:
    generator, critic = WIDTHS[scale]
    return Adversarial(Generator(generator, channels, **options), Critic(critic, channels))
