"""The two-stage generator (Section 3.3), on pixels in [-1, 1]. SN-PatchGAN (Section 3.2) is `PatchDiscriminator`."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from bench_core.errors import BadInput, unknown
from bench_core.methods import Method, MethodOutput
from bench_core.methods.method import Guidance, HoleTensor, ImageTensor
from bench_core.nn.contextual_attention import ContextualAttention
from bench_core.nn.discriminators import PatchDiscriminator
from bench_core.nn.ranges import signed_masked, unsigned
from bench_gated.wiring import WIRINGS, Gate, Wiring, chain, decoder, dilated, encoder, output_layers

WIDTHS = {"paper": (24, 64), "nano": (6, 16)}
"""Output channels of the first layers of generator and discriminator."""

Sketch = Float[Tensor, "b s h w"]


def coarse_network(width: int, in_channels: int, channels: int, wiring: Wiring) -> nn.Sequential:
    """Build stage 1, a dilated encoder-decoder."""
    gates = encoder("conv", (1, 2, 2, 4, 4)) + dilated("conv") + decoder("conv")
    return nn.Sequential(
        chain(in_channels, width, gates, wiring.padding) | output_layers("conv", width, channels, wiring)
    )


class Refinement(nn.Module):
    """Stage 2: a dilated branch and an attention branch, concatenated and decoded."""

    def __init__(self, width: int, channels: int, attention: ContextualAttention, wiring: Wiring) -> None:
        super().__init__()
        in_channels = channels + 2 if wiring.refinement_gets_hole else channels
        decoder_width = 4 * width // 3 if wiring.wide_decoder else width
        padding = wiring.padding
        dilated_gates = [*encoder("xconv", (1, 1, 2, 2, 4)), *dilated("xconv")]
        before_gates = [*encoder("pmconv", (1, 1, 2, 4, 4)), Gate("pmconv6", 4, activation=wiring.before_attention)]
        after_gates = [Gate("pmconv9", 4), Gate("pmconv10", 4)]
        self.dilated = nn.Sequential(chain(in_channels, width, dilated_gates, padding))
        self.before = nn.Sequential(chain(in_channels, width, before_gates, padding))
        self.attention = attention
        self.after = nn.Sequential(chain(4 * width, width, after_gates, padding))
        self.merged = nn.Sequential(
            chain(8 * width, decoder_width, decoder("allconv"), padding)
            | output_layers("allconv", decoder_width, channels, wiring)
        )

    def forward(self, x: Float[Tensor, "b c2 h w"], hole: HoleTensor) -> ImageTensor:
        """Refine the image that the first stage filled; some wirings add the planes of ones and of the hole to it."""
        attended = self.after(self.attention(self.before(x), hole))
        return self.merged(torch.cat([self.dilated(x), attended], dim=1))


class Generator(nn.Module):
    """Both stages. With `sketch_channels` the first stage also gets lines that a user drew inside the hole.

    In the official wiring only the first stage gets the hole. A plane of ones beside it marks the
    image against zero padding.
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
        self.coarse = coarse_network(width, channels + sketch_channels + 2, channels, self.wiring)
        self.refinement = Refinement(width, channels, attention or ContextualAttention(), self.wiring)

    def forward(self, masked: ImageTensor, hole: HoleTensor, *sketch: Sketch) -> tuple[ImageTensor, ImageTensor]:
        """Return the coarse and the refined output in [-1, 1] for images in [-1, 1] that are 0 in the hole."""
        if self.wiring.padding == "reflect" and min(hole.shape[-2:]) <= 64:
            raise BadInput(
                "With gated.wiring=mmagic a layer mirrors 16 pixels at a quarter of the size, so height and width must "
                f"be more than 64, not {hole.shape[-2]} x {hole.shape[-1]}."
            )
        planes = [torch.ones_like(hole), hole]
        coarse = self.coarse(torch.cat([masked, *(lines * hole for lines in sketch), *planes], dim=1))
        filled = coarse * hole + masked
        x = torch.cat([filled, *planes], dim=1) if self.wiring.refinement_gets_hole else filled
        return coarse, self.refinement(x, hole)


class Gated(Method):
    """DeepFill v2: images are in [0, 1] outside, and in [-1, 1] inside the networks."""

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
        self.discriminator = PatchDiscriminator(channels + 1 + sketch_channels, widths[1])

    def forward(self, masked: ImageTensor, hole: HoleTensor, *guidance: Guidance) -> MethodOutput:
        coarse, refined = self.generator(signed_masked(masked, hole), hole, *guidance)
        return MethodOutput(unsigned(refined), unsigned(coarse))

    def predict(self, masked: ImageTensor, hole: HoleTensor, *guidance: Guidance) -> ImageTensor:
        return self(masked, hole, *guidance).prediction.clamp(0, 1)


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
    """Build the method with new weights; the README explains the options.

    Raises:
        BadInput: an option has an unknown value.
    """
    if wiring not in WIRINGS:
        raise unknown("wiring", wiring, WIRINGS)
    layout = WIRINGS[wiring]
    if layout.padding == "same" and not tf_compat:
        layout = layout._replace(padding="even")
    attention = ContextualAttention(
        fuse=fuse, mask_logit=mask_logit, overlap=overlap, align_corners=tf_compat, hole_steps=hole_steps
    )
    return Gated(WIDTHS[scale], channels, sketch_channels, attention, layout)


def build_guided(scale: str, channels: int, **options: Any) -> Gated:
    """Build the user-guided form, whose networks also get a sketch of one channel."""
    return build(scale, channels, sketch_channels=1, **options)
