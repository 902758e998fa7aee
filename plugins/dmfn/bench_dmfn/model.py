"""The networks: a one-stage generator, and a discriminator with a global and a local branch.

Both work on pixels in [-1, 1]. At scale `nano` every width is a quarter of the paper's.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, leaky_relu, relu

from bench_core.errors import unknown
from bench_core.methods import Method, MethodOutput
from bench_core.nn.discriminators import halving_convs, require_batch_statistics
from bench_core.nn.init import init_normal
from bench_core.nn.instance_norm import instance_norm
from bench_core.nn.ranges import signed_masked, unsigned
from bench_core.nn.types import Features, HoleTensor, ImageTensor
from bench_dmfn.layers import build_block

BASE = {"paper": 64, "nano": 16}
"""Width of the first layer of both networks. All others are multiples of it."""
NUM_BLOCKS = 8
ALIGN = ("paper", "released")
"""Forms of the loss term `align`."""
POOLED_SIDE = 4
"""Height and width of the map that a discriminator's branch passes to its fully connected layer."""


class Conv(nn.Module):
    """Convolution with zero padding, instance norm, activation."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int = 3,
        stride: int = 1,
        norm: bool = True,
        activation: Callable[[Tensor], Tensor] = relu,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size, stride, kernel_size // 2)
        self.norm, self.activation = norm, activation

    def forward(self, x: Features) -> Float[Tensor, "b o h2 w2"]:
        y = self.conv(x)
        return self.activation(instance_norm(y) if self.norm else y)


class Up(nn.Module):
    """Transposed convolution to twice the size, instance norm, ReLU, then a `Conv`."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.deconv = nn.ConvTranspose2d(in_channels, out_channels, 4, stride=2, padding=1)
        self.conv = Conv(out_channels, out_channels)

    def forward(self, x: Features) -> Float[Tensor, "b o h2 w2"]:
        return self.conv(relu(instance_norm(self.deconv(x))))


class Generator(nn.Module):
    """Encoder to a quarter of the size, eight DMFBs, decoder."""

    def __init__(self, base: int, channels: int = 3, block: str = "paper") -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            Conv(channels + 1, base, 5, norm=False),
            Conv(base, 2 * base, stride=2),
            Conv(2 * base, 2 * base),
            Conv(2 * base, 4 * base, stride=2),
        )
        self.blocks = nn.Sequential(*(build_block(block, 4 * base) for _ in range(NUM_BLOCKS)))
        self.decoder = nn.Sequential(
            Conv(4 * base, 4 * base),
            Up(4 * base, 2 * base),
            Up(2 * base, base),
            Conv(base, channels, norm=False, activation=torch.tanh),
        )
        self.apply(_init_official)

    def forward(self, x: Float[Tensor, "b c1 h w"]) -> ImageTensor:
        """Return an image in [-1, 1] for the masked image with the hole as its last channel."""
        x = x.contiguous(memory_format=torch.channels_last)
        return self.decoder(self.blocks(self.encoder(x))).contiguous()


class Discriminator(nn.Module):
    """Six layers on the whole image and five on a crop of half its side, joined to one score."""

    def __init__(self, base: int, channels: int = 3) -> None:
        super().__init__()
        widths = [channels, *(base * factor for factor in (1, 2, 4, 8, 8, 8))]
        top = widths[-1]
        self.global_model = halving_convs(widths, _leaky_relu)
        self.local_model = halving_convs(widths[:-1], _leaky_relu)
        self.global_classifier = nn.Linear(top * POOLED_SIDE**2, top)
        self.local_classifier = nn.Linear(top * POOLED_SIDE**2, top)
        self.classifier = nn.Sequential(nn.LeakyReLU(0.2), nn.Linear(2 * top, 1))
        self.apply(_init_official)

    def forward(
        self, image: ImageTensor, crop: Float[Tensor, "b c h2 w2"]
    ) -> tuple[Float[Tensor, "b 1"], list[Tensor]]:
        """Return the score as a logit, and the five feature maps of the crop.

        Raises:
            BadInput: in training, the batch is a single image of 64 x 64 pixels or less.
        """
        require_batch_statistics(self.global_model, image, "dmfn")
        maps = [crop]
        for layer in self.local_model:
            maps.append(layer(maps[-1]))
        branches = self.local_classifier(_pool(maps[-1])), self.global_classifier(_pool(self.global_model(image)))
        return self.classifier(torch.cat(branches, dim=1)), maps[1:]


def _leaky_relu(x: Tensor) -> Tensor:
    return leaky_relu(x, 0.2)


def _pool(x: Features) -> Float[Tensor, "b f"]:
    """Average a branch's last map to 4 x 4 values and flatten it."""
    # the paper's 256 pixels need no pooling, whose backward pass is not deterministic on CUDA
    return (x if x.shape[-2:] == (POOLED_SIDE, POOLED_SIDE) else adaptive_avg_pool2d(x, POOLED_SIDE)).flatten(1)


def _init_official(module: nn.Module) -> None:
    """Initialise convolutions and batch norm as the official code does. Other layers keep PyTorch's rule."""
    if isinstance(module, nn.Conv2d | nn.BatchNorm2d):
        init_normal(module)


class DMFN(Method):
    """DMFN: images are in [0, 1] outside, and in [-1, 1] with hidden pixels at 0 inside the networks."""

    def __init__(
        self, base: int, channels: int, block: str = "paper", official_vgg_norm: bool = False, align: str = "paper"
    ) -> None:
        super().__init__()
        self.generator = Generator(base, channels, block)
        self.discriminator = Discriminator(base, channels)
        self.official_vgg_norm, self.align = official_vgg_norm, align

    def forward(self, masked: ImageTensor, hole: HoleTensor) -> MethodOutput:
        return MethodOutput(unsigned(self.generator(torch.cat([signed_masked(masked, hole), hole], dim=1))))


def build(
    scale: str, channels: int, block: str = "paper", official_vgg_norm: bool = False, align: str = "paper"
) -> DMFN:
    """Build the method with new weights; the README explains the options.

    Raises:
        BadInput: there is no such block or form of `align`.
    """
    if align not in ALIGN:
        raise unknown("dmfn.align", align, ALIGN)
    return DMFN(BASE[scale], channels, block, official_vgg_norm, align)
