"""The U-Net of Section 3.2 and the paper's appendix, with every convolution a partial one."""

from torch import nn

from bench_core.errors import unknown
from bench_core.methods import HoleTensor, ImageTensor, Method, MethodOutput
from bench_core.nn.backbones import IMAGENET_MEAN, IMAGENET_STD
from bench_core.nn.constants import constant
from bench_pconv.blocks import Decoder, Encoder, SharedMaskDecoder, SharedMaskEncoder, Valid
from bench_pconv.layers import Features

KERNELS = (7, 5, 5, 3, 3, 3, 3, 3)
WIDTHS = {"paper": (64, 128, 256, 512, 512, 512, 512, 512), "nano": (16, 32, 64, 64, 64)}
RANGES = {"unit": ((0.0,), (1.0,)), "signed": ((0.5,), (0.5,)), "imagenet": (IMAGENET_MEAN, IMAGENET_STD)}
"""Mean and deviation with which pixels in [0, 1] are normalised for the network."""
OPTIONS = {
    "mask_channels": ("multi", "single"),
    "bias": ("last", "unnormed", "all"),
    "input_range": tuple(RANGES),
    "activation": ("none", "sigmoid"),
}
"""Values of each option of `build`; the README explains them."""


class UNet(nn.Module):
    """U-Net with as many encoder as decoder layers; the last decoder layer gets the masked image itself."""

    def __init__(
        self, widths: tuple[int, ...], channels: int = 3, mask_channels: str = "multi", bias: str = "last"
    ) -> None:
        super().__init__()
        skips = (channels, *widths[:-1])
        own_masks = mask_channels == "multi"
        encoder, decoder = (Encoder, Decoder) if own_masks else (SharedMaskEncoder, SharedMaskDecoder)
        self.encoder = nn.ModuleList(
            encoder(skip, width, kernel, level > 0, bias == "all" or (bias == "unnormed" and level == 0))
            for level, (skip, width, kernel) in enumerate(zip(skips, widths, KERNELS, strict=False))
        )
        self.decoder = nn.ModuleList(
            decoder(width, skip, skip, level == 0, bias == "all" or level == 0)
            for level, (skip, width) in enumerate(zip(skips, widths, strict=True))
        )

    def forward(self, masked: Features, hole: Valid) -> Features:
        """Return whole images for masked images, which are 0 where missing. The range is arbitrary."""
        x, valid = masked, 1 - hole
        skips = []
        for encode in self.encoder:
            skips.append((x, valid))
            x, valid = encode(x, valid)
        for decode in reversed(self.decoder):
            x, valid = decode(x, valid, *skips.pop())
        return x.contiguous()


class PConv(Method):
    """Partial convolutions for images in [0, 1]."""

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

    def forward(self, masked: ImageTensor, hole: HoleTensor) -> MethodOutput:
        mean, deviation = (
            constant(values, masked.dtype, masked.device).view(1, -1, 1, 1) for values in RANGES[self.input_range]
        )
        y = self.generator((masked - mean) / deviation * (1 - hole), hole)
        return MethodOutput(y.sigmoid() if self.activation == "sigmoid" else y * deviation + mean)

    def start_phase(self, phase: str) -> None:
        self.train()
        if phase == "finetune":  # hole pixels distort statistics, so the encoder's are frozen
            for module in self.generator.encoder.modules():
                if isinstance(module, nn.BatchNorm2d | nn.SyncBatchNorm):
                    module.eval()


def build(scale: str, channels: int, **options: str) -> PConv:
    """Build the network for the paper's images of 512 pixels."""
    return _build(WIDTHS[scale], channels, options)


def build_seven(scale: str, channels: int, **options: str) -> PConv:
    """Build the smaller network of other implementations, for 256 pixels, without the innermost layers."""
    return _build(WIDTHS[scale][:-1], channels, options)


def _build(widths: tuple[int, ...], channels: int, options: dict[str, str]) -> PConv:
    for name, value in options.items():
        if value not in OPTIONS[name]:
            raise unknown(f"pconv.{name}", value, OPTIONS[name])
    return PConv(widths, channels, **options)
