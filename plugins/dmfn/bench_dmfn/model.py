"""The networks: a generator that paints in one stage, and a discriminator with a global and a local branch.

Both see pixels in [-1, 1]. At scale `nano` every width is a quarter of the paper's, and nothing else changes.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, leaky_relu, relu

from bench_core.errors import BadInput
from bench_core.methods import Method, MethodOutput
from bench_dmfn.layers import Features, build_block
from bench_dmfn.norm import instance_norm

BASE = {"paper": 64, "nano": 16}
"""Width of the first layer of both networks; every other is a multiple of it."""
NUM_BLOCKS = 8
TOP = 4
"""Height and width of what a branch of the discriminator hands to its fully connected layer."""


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
    """Transposed convolution to twice the size, instance norm, ReLU, then a convolution of the same kind."""

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
        self.apply(_initialise)

    def forward(self, x: Float[Tensor, "b c1 h w"]) -> Float[Tensor, "b c h w"]:
        """The masked image with the hole as its last channel, to a whole canvas in [-1, 1]."""
        x = x.contiguous(memory_format=torch.channels_last)
        return self.decoder(self.blocks(self.encoder(x))).contiguous()


class Halving(nn.Module):
    """A layer of the discriminator: convolution 5 x 5 of stride 2, batch norm, LeakyReLU."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 5, stride=2, padding=2)
        self.norm = nn.BatchNorm2d(out_channels)

    def forward(self, x: Features) -> Float[Tensor, "b o h2 w2"]:
        return leaky_relu(self.norm(self.conv(x)), 0.2)


class Discriminator(nn.Module):
    """Six layers look at the whole canvas, five at a crop of half its side; one score is drawn from both."""

    def __init__(self, base: int, channels: int = 3) -> None:
        super().__init__()
        widths = [channels, *(base * factor for factor in (1, 2, 4, 8, 8, 8))]
        top = widths[-1]
        self.global_model = nn.Sequential(*map(Halving, widths[:-1], widths[1:]))
        self.local_model = nn.Sequential(*map(Halving, widths[:-2], widths[1:-1]))
        self.global_classifier = nn.Linear(top * TOP * TOP, top)
        self.local_classifier = nn.Linear(top * TOP * TOP, top)
        self.classifier = nn.Sequential(nn.LeakyReLU(0.2), nn.Linear(2 * top, 1))
        self.apply(_initialise)

    def forward(
        self, canvas: Float[Tensor, "b c h w"], crop: Float[Tensor, "b c h2 w2"]
    ) -> tuple[Float[Tensor, "b 1"], list[Tensor]]:
        """The score as a logit, and the five feature maps of the crop."""
        if self.training and len(canvas) == 1 and max(canvas.shape[-2:]) <= 2 ** len(self.global_model):
            raise BadInput(
                "dmfn's discriminator was given a batch of one image of 64 x 64 pixels or less, which leaves its batch "
                "norm a single value per channel. Train with a batch of two or more, or with larger images."
            )
        maps = [crop]
        for layer in self.local_model:
            maps.append(layer(maps[-1]))
        seen = self.local_classifier(_top(maps[-1])), self.global_classifier(_top(self.global_model(canvas)))
        return self.classifier(torch.cat(seen, dim=1)), maps[1:]


def _top(x: Features) -> Float[Tensor, "b f"]:
    # at the paper's 256 pixels nothing is to be pooled, and the pooling's backward pass is not deterministic on CUDA
    return (x if x.shape[-2:] == (TOP, TOP) else adaptive_avg_pool2d(x, TOP)).flatten(1)


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear | nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0 if isinstance(module, nn.BatchNorm2d) else 0.0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


class DMFN(Method):
    """The method: images in [0, 1] go in and come out, with [-1, 1] inside, where a hidden pixel is 0."""

    def __init__(self, base: int, channels: int = 3, block: str = "paper", official_vgg_norm: bool = False) -> None:
        super().__init__()
        self.generator = Generator(base, channels, block)
        self.discriminator = Discriminator(base, channels)
        self.official_vgg_norm = official_vgg_norm

    def forward(self, masked: Float[Tensor, "b c h w"], hole: Float[Tensor, "b 1 h w"]) -> MethodOutput:
        known = (2 * masked - 1) * (1 - hole)
        return MethodOutput((self.generator(torch.cat([known, hole], dim=1)) + 1) / 2)


def build(scale: str, channels: int, block: str = "paper", official_vgg_norm: bool = False) -> DMFN:
    """A method with fresh weights; the README explains the options."""
    return DMFN(BASE[scale], channels, block, official_vgg_norm)
