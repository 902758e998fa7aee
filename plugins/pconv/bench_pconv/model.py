"""The U-Net of Section 3.2 and the paper's appendix, with every convolution a partial one."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import interpolate, leaky_relu, relu

from bench_core.method import Method
from bench_pconv.layers import Convolved, Features, PartialConv2d, Updated

Valid = Float[Tensor, "b 1 h w"]
KERNELS = (7, 5, 5, 3, 3, 3, 3, 3)
WIDTHS = {"paper": (64, 128, 256, 512, 512, 512, 512, 512), "nano": (16, 32, 64, 64, 64)}


class Encoder(nn.Module):
    """Partial convolution of stride 2, batch norm (but for the first), ReLU."""

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, norm: bool) -> None:
        super().__init__()
        self.conv = PartialConv2d(in_channels, out_channels, kernel_size, stride=2, padding=kernel_size // 2)
        self.norm = nn.BatchNorm2d(out_channels) if norm else nn.Identity()

    def forward(self, x: Features, valid: Valid) -> tuple[Convolved, Updated]:
        y, updated = self.conv(x, valid)
        return relu(self.norm(y)), updated


class Decoder(nn.Module):
    """Nearest upsampling of features and mask, concatenation with the encoder's, partial convolution.

    Batch norm and LeakyReLU follow, but for the last.
    """

    def __init__(self, below: int, skip: int, out_channels: int, last: bool) -> None:
        super().__init__()
        self.conv = PartialConv2d(below + skip, out_channels, 3, padding=1, bias=last, shares=(below, skip))
        self.norm = None if last else nn.BatchNorm2d(out_channels)

    def forward(
        self, x: Features, valid: Valid, skip: Float[Tensor, "b s h2 w2"], skip_valid: Float[Tensor, "b 1 h2 w2"]
    ) -> tuple[Convolved, Updated]:
        joined = torch.cat([interpolate(x, scale_factor=2), skip], dim=1)
        y, updated = self.conv(joined, torch.cat([interpolate(valid, scale_factor=2), skip_valid], dim=1))
        return (y if self.norm is None else leaky_relu(self.norm(y), 0.2)), updated


class UNet(nn.Module):
    """As many encoder as decoder layers; the last decoder layer sees the masked image itself."""

    def __init__(self, widths: tuple[int, ...], channels: int = 3) -> None:
        super().__init__()
        skips = (channels, *widths[:-1])
        self.encoder = nn.ModuleList(
            Encoder(skip, width, kernel, norm=level > 0)
            for level, (skip, width, kernel) in enumerate(zip(skips, widths, KERNELS, strict=False))
        )
        self.decoder = nn.ModuleList(
            Decoder(width, skip, skip, last=level == 0)
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
    """The method: images in [0, 1] go in and come out; the network's last layer has no activation."""

    generator: UNet

    def __init__(self, widths: tuple[int, ...], channels: int = 3) -> None:
        super().__init__()
        self.generator = UNet(widths, channels)

    def enter(self, phase: str) -> None:
        self.train()
        if phase == "finetune":  # statistics taken over hole pixels are off, so the encoder's stay as they are
            for module in self.generator.encoder.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.eval()


def build(scale: str, channels: int) -> PConv:
    return PConv(WIDTHS[scale], channels)
