"""The two-stage generator (Section 3.3) and the SN-PatchGAN discriminator (Section 3.2), on pixels in [-1, 1]."""

from collections import OrderedDict
from itertools import pairwise
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from bench_core.errors import BadInput, unknown
from bench_core.methods import Guidance, HoleTensor, ImageTensor, Method, MethodOutput
from bench_gated.attention import ContextualAttention
from bench_gated.layers import SpectralConv2d
from bench_gated.wiring import WIRINGS, Gate, Wiring, chain, decoder, dilated, encoder, last

WIDTHS = {"paper": (24, 64), "nano": (6, 16)}
"""Output channels of the first layer of the generator and of the discriminator."""

Sketch = Float[Tensor, "b s h w"]


def coarse(width: int, in_channels: int, channels: int, wiring: Wiring) -> nn.Sequential:
    """Stage 1: a dilated encoder-decoder."""
    gates = encoder("conv", (1, 2, 2, 4, 4)) + dilated("conv") + decoder("conv")
    return nn.Sequential(chain(in_channels, width, gates, wiring.padding) | last("conv", width, channels, wiring))


class Refinement(nn.Module):
    """Stage 2: a dilated branch and one with attention, concatenated and decoded."""

    def __init__(self, width: int, channels: int, attention: ContextualAttention, wiring: Wiring) -> None:
        super().__init__()
        in_channels = channels + 2 if wiring.refinement_sees_hole else channels
        decoder_width = 4 * width // 3 if wiring.wide_decoder else width
        padding = wiring.padding
        around = [*encoder("xconv", (1, 1, 2, 2, 4)), *dilated("xconv")]
        before = [*encoder("pmconv", (1, 1, 2, 4, 4)), Gate("pmconv6", 4, activation=wiring.before_attention)]
        after = [Gate("pmconv9", 4), Gate("pmconv10", 4)]
        self.dilated = nn.Sequential(chain(in_channels, width, around, padding))
        self.before = nn.Sequential(chain(in_channels, width, before, padding))
        self.attention = attention
        self.after = nn.Sequential(chain(4 * width, width, after, padding))
        self.merged = nn.Sequential(
            chain(8 * width, decoder_width, decoder("allconv"), padding)
            | last("allconv", decoder_width, channels, wiring)
        )

    def forward(self, x: Float[Tensor, "b c2 h w"], hole: HoleTensor) -> ImageTensor:
        """The image filled by the first stage, with further planes where the wiring has them, to a canvas."""
        attended = self.after(self.attention(self.before(x), hole))
        return self.merged(torch.cat([self.dilated(x), attended], dim=1))


class Generator(nn.Module):
    """Both stages. With `sketch_channels` the first also sees lines that a user drew inside the hole.

    In the official wiring only the first stage sees the hole, beside a plane of ones that tells where zero padding
    begins.
    """

    def __init__(
        self,
        width: int,
        channels: int = 3,
        sketch_channels: int = 0,
        attention: ContextualAttention | None = None,
        wiring: Wiring | None = None,
    ) -> None:
        super().__init__()
        self.wiring = wiring or WIRINGS["official"]
        self.coarse = coarse(width, channels + sketch_channels + 2, channels, self.wiring)
        self.refinement = Refinement(width, channels, attention or ContextualAttention(), self.wiring)

    def forward(self, masked: ImageTensor, hole: HoleTensor, *sketch: Sketch) -> tuple[ImageTensor, ImageTensor]:
        """Image in [-1, 1], 0 in the hole, to the coarse and the refined canvas in [-1, 1]."""
        if self.wiring.padding == "reflect" and min(hole.shape[-2:]) <= 64:
            raise BadInput(
                "With gated.wiring=mmagic a layer mirrors 16 pixels at a quarter of the size, so height and width must "
                f"be more than 64, not {hole.shape[-2]} x {hole.shape[-1]}."
            )
        planes = [torch.ones_like(hole), hole]
        coarse = self.coarse(torch.cat([masked, *(lines * hole for lines in sketch), *planes], dim=1))
        filled = coarse * hole + masked
        seen = torch.cat([filled, *planes], dim=1) if self.wiring.refinement_sees_hole else filled
        return coarse, self.refinement(seen, hole)


class Discriminator(nn.Module):
    """Six spectrally normalised convolutions, each of stride 2; every value of the last is a score."""

    def __init__(self, width: int, in_channels: int = 4) -> None:
        super().__init__()
        widths = (in_channels, width, 2 * width, 4 * width, 4 * width, 4 * width, 4 * width)
        self.layers = nn.Sequential(
            OrderedDict(
                (f"conv{i}", SpectralConv2d(before, after, 5, stride=2))
                for i, (before, after) in enumerate(pairwise(widths), start=1)
            )
        )

    def forward(self, image: ImageTensor, hole: HoleTensor, *sketch: Sketch) -> Float[Tensor, "b scores"]:
        """Of a sketch it sees what the generator sees, the lines inside the hole."""
        x = torch.cat([image, hole, *(lines * hole for lines in sketch)], dim=1)
        for layer in self.layers:
            x = leaky_relu(layer(x), 0.2)
        return x.flatten(1)


class Gated(Method):
    """The method: images in [0, 1] go in and come out, its networks work in [-1, 1]."""

    generator: Generator

    def __init__(
        self,
        widths: tuple[int, int],
        channels: int = 3,
        sketch_channels: int = 0,
        attention: ContextualAttention | None = None,
        wiring: Wiring | None = None,
    ) -> None:
        super().__init__()
        self.generator = Generator(widths[0], channels, sketch_channels, attention, wiring)
        self.discriminator = Discriminator(widths[1], channels + 1 + sketch_channels)

    def forward(self, masked: ImageTensor, hole: HoleTensor, *guidance: Guidance) -> MethodOutput:
        known = signed(masked) * (1 - hole)  # 0, the removed pixel, is now mid-grey
        coarse, refined = self.generator(known, hole, *guidance)
        return MethodOutput((refined + 1) / 2, (coarse + 1) / 2)

    def predict(self, masked: ImageTensor, hole: HoleTensor, *guidance: Guidance) -> ImageTensor:
        return self(masked, hole, *guidance).prediction.clamp(0, 1)


def signed(image: ImageTensor) -> ImageTensor:
    """From [0, 1] to [-1, 1]."""
    return 2 * image - 1


def build(
    scale: str,
    channels: int,
    sketch_channels: int = 0,
    *,
    fuse: bool = True,
    mask_logit: str = "zero",
    overlap: str = "constant",
    hole_steps: int = 2,
    tf_compat: bool = True,
    wiring: str = "official",
) -> Gated:
    """A method with fresh weights; the README explains the options.

    Raises:
        BadInput: an option has a value that it cannot have.
    """
    if wiring not in WIRINGS:
        raise unknown("wiring", wiring, WIRINGS)
    wired = WIRINGS[wiring]
    if wired.padding == "same" and not tf_compat:
        wired = wired._replace(padding="even")
    attention = ContextualAttention(
        fuse=fuse, mask_logit=mask_logit, overlap=overlap, align_corners=tf_compat, hole_steps=hole_steps
    )
    return Gated(WIDTHS[scale], channels, sketch_channels, attention, wired)


def build_guided(scale: str, channels: int, **options: Any) -> Gated:
    """The user-guided form, which also sees a sketch of one channel."""
    return build(scale, channels, sketch_channels=1, **options)
