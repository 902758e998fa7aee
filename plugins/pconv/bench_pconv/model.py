"""The U-Net of Section 3.2 and the paper's appendix, with every convolution a partial one."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import interpolate, leaky_relu, relu

from bench_core.backbones import IMAGENET_MEAN, IMAGENET_STD
from bench_core.errors import unknown
from bench_core.method import Canvas, Hole, Method, Painting
from bench_pconv.layers import Convolved, Features, PartialConv2d, Updated

Valid = Float[Tensor, "b 1 h w"]
KERNELS = (7, 5, 5, 3, 3, 3, 3, 3)
WIDTHS = {"paper": (64, 128, 256, 512, 512, 512, 512, 512), "nano": (16, 32, 64, 64, 64)}
RANGES = {"unit": ((0.0,), (1.0,)), "signed": ((0.5,), (0.5,)), "imagenet": (IMAGENET_MEAN, IMAGENET_STD)}
"""What is taken from pixels in [0, 1], and what the rest is divided by, before the network sees them."""
OPTIONS = {
    "mask_channels": ("multi", "single"),
    "bias": ("last", "unnormed", "all"),
    "input_range": tuple(RANGES),
    "activation": ("none", "sigmoid"),
}
"""The values of every option of `build`; the README explains them."""


class Encoder(nn.Module):
    """Partial convolution of stride 2, batch norm (but for the first), ReLU."""

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, norm: bool, bias: bool) -> None:
        super().__init__()
        self.conv = PartialConv2d(in_channels, out_channels, kernel_size, 2, kernel_size // 2, bias)
        self.norm = nn.BatchNorm2d(out_channels) if norm else nn.Identity()

    def forward(self, x: Features, valid: Valid) -> tuple[Convolved, Updated]:
        y, updated = self.conv(x, valid)
        return relu(self.norm(y)), updated


class Decoder(nn.Module):
    """Nearest upsampling of features and mask, concatenation with the encoder's, partial convolution.

    Batch norm and LeakyReLU follow, but for the last. Both parts keep their own masks, or share one in which a pixel
    is valid where it is valid in either.
    """

    def __init__(self, below: int, skip: int, out_channels: int, last: bool, bias: bool, own_masks: bool) -> None:
        super().__init__()
        self.own_masks = own_masks
        shares = (below, skip) if own_masks else (below + skip,)
        self.conv = PartialConv2d(below + skip, out_channels, 3, padding=1, bias=bias, shares=shares)
        self.norm = None if last else nn.BatchNorm2d(out_channels)

    def forward(
        self, x: Features, valid: Valid, skip: Float[Tensor, "b s h2 w2"], skip_valid: Float[Tensor, "b 1 h2 w2"]
    ) -> tuple[Convolved, Updated]:
        joined = torch.cat([interpolate(x, scale_factor=2), skip], dim=1)
        masks = torch.cat([interpolate(valid, scale_factor=2), skip_valid], dim=1)
        y, updated = self.conv(joined, masks if self.own_masks else masks.amax(dim=1, keepdim=True))
        return (y if self.norm is None else leaky_relu(self.norm(y), 0.2)), updated


class UNet(nn.Module):
    """As many encoder as decoder layers; the last decoder layer sees the masked image itself."""

    def __init__(
        self, widths: tuple[int, ...], channels: int = 3, mask_channels: str = "multi", bias: str = "last"
    ) -> None:
        super().__init__()
        skips = (channels, *widths[:-1])
        own_masks = mask_channels == "multi"
        self.encoder = nn.ModuleList(
            Encoder(skip, width, kernel, level > 0, bias == "all" or (bias == "unnormed" and level == 0))
            for level, (skip, width, kernel) in enumerate(zip(skips, widths, KERNELS, strict=False))
        )
        self.decoder = nn.ModuleList(
            Decoder(width, skip, skip, level == 0, bias == "all" or level == 0, own_masks)
            for level, (skip, width) in enumerate(zip(skips, widths, strict=True))
        )

    def forward(self, masked: Features, hole: Valid) -> Features:
        """Images of any range, 0 where missing, to whole canvases of the same size."""
        x, valid = masked, 1 - hole
        skips = []
        for encode in self.encoder:
            skips.append((x, valid))
            x, valid = encode(x, valid)
        for decode in reversed(self.decoder):
            x, valid = decode(x, valid, *skips.pop())
        return x


class PConv(Method):
    """The method: images in [0, 1] go in and come out."""

    generator: UNet

    def __init__(
        self,
        widths: tuple[int, ...],
        channels: int = 3,
        mask_channels: str = "multi",
        bias: str = "last",
        input_range: str = "unit",
        activation: str = "none",
    ) -> None:
        super().__init__()
        self.generator = UNet(widths, channels, mask_channels, bias)
        self.input_range, self.activation = input_range, activation

    def forward(self, masked: Canvas, hole: Hole) -> Painting:
        mean, deviation = (masked.new_tensor(values).view(1, -1, 1, 1) for values in RANGES[self.input_range])
        y = self.generator((masked - mean) / deviation * (1 - hole), hole)
        return Painting(y.sigmoid() if self.activation == "sigmoid" else y * deviation + mean)

    def enter(self, phase: str) -> None:
        self.train()
        if phase == "finetune":  # statistics taken over hole pixels are off, so the encoder's stay as they are
            for module in self.generator.encoder.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.eval()


def build(scale: str, channels: int, **options: str) -> PConv:
    """The network for the paper's images of 512 pixels."""
    return _build(WIDTHS[scale], channels, options)


def build_seven(scale: str, channels: int, **options: str) -> PConv:
    """The network that others made of it for 256 pixels: the innermost layers are left out."""
    return _build(WIDTHS[scale][:-1], channels, options)


def _build(widths: tuple[int, ...], channels: int, options: dict[str, str]) -> PConv:
    for name, value in options.items():
        if value not in OPTIONS[name]:
            raise unknown(f"pconv.{name}", value, OPTIONS[name])
    return PConv(widths, channels, **options)
