"""The two-stage generator (Figure 2 and 4) and the two Wasserstein critics (Section 3.2), on pixels in [-1, 1]."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from bench_contextual_attention.wiring import WIRINGS, Row, Wiring, chain, decoder, dilated, encoder
from bench_core.errors import BadInput, unknown
from bench_core.methods import Method, MethodOutput
from bench_core.nn.contextual_attention import ContextualAttention
from bench_core.nn.discriminators import Critic, HalvingCritic
from bench_core.nn.ranges import signed_masked, unsigned
from bench_core.nn.types import HoleTensor, ImageTensor

WIDTHS = {"paper": (32, 64), "nano": (8, 16)}
"""Output channels of the first layers of generator and critics. All others are multiples of them."""
SIDES = {"paper": 16, "nano": 4}
"""Height and width of the global critic's last map, a sixteenth of the image's; the local critic's is half of it."""


class Refinement(nn.Module):
    """Stage 2: a branch with dilated convolutions and one with contextual attention, concatenated and decoded."""

    def __init__(self, width: int, channels: int, attention: ContextualAttention, wiring: Wiring) -> None:
        super().__init__()
        in_channels, padding = channels + 2, wiring.padding
        around = encoder("xconv", (1, 1, 2, 2, 4, 4)) + dilated("xconv")
        before = encoder("pmconv", (1, 1, 2, 4, 4, 4), last=wiring.before_attention)
        self.dilated = chain(in_channels, width, around, padding)
        self.before = chain(in_channels, width, before, padding)
        self.attention = attention
        self.after = chain(4 * width, width, (Row("pmconv9", 4), Row("pmconv10", 4)), padding)
        self.merged = chain(8 * width, width, decoder("allconv"), padding, ("allconv17", channels))

    def forward(self, x: Float[Tensor, "b c2 h w"], hole: HoleTensor) -> ImageTensor:
        """Refine the image that the first stage filled, given with the planes of ones and of the hole."""
        attended = self.after(self.attention(self.before(x), hole))
        return self.merged(torch.cat([self.dilated(x), attended], dim=1))


class Generator(nn.Module):
    """Both stages. Each gets an image, a plane of ones that marks it against zero padding, and the hole."""

    def __init__(self, width: int, channels: int, attention: ContextualAttention, wiring: Wiring) -> None:
        super().__init__()
        self.wiring = wiring
        rows = encoder("conv", (1, 2, 2, 4, 4, 4)) + dilated("conv") + decoder("conv")
        self.coarse = chain(channels + 2, width, rows, wiring.padding, ("conv17", channels))
        self.refinement = Refinement(width, channels, attention, wiring)

    def forward(self, masked: ImageTensor, hole: HoleTensor) -> tuple[ImageTensor, ImageTensor]:
        """Return the coarse and the refined output in [-1, 1] for images in [-1, 1] that are 0 in the hole."""
        if self.wiring.padding == "reflect" and min(hole.shape[-2:]) <= 64:
            raise BadInput(
                "With contextual_attention.wiring=mmagic a layer mirrors 16 pixels at a quarter of the size, so height "
                f"and width must be more than 64, not {hole.shape[-2]} x {hole.shape[-1]}."
            )
        planes = [torch.ones_like(hole), hole]
        coarse = self.coarse(torch.cat([masked, *planes], dim=1))
        filled = coarse * hole + masked
        return coarse, self.refinement(torch.cat([filled, *planes], dim=1), hole)


class DeepFill(Method):
    """DeepFill v1: images are in [0, 1] outside, and in [-1, 1] inside the networks."""

    generator: Generator

    def __init__(self, generator: Generator, global_critic: Critic, local_critic: Critic) -> None:
        super().__init__()
        self.generator, self.global_critic, self.local_critic = generator, global_critic, local_critic

    def forward(self, masked: ImageTensor, hole: HoleTensor) -> MethodOutput:
        coarse, refined = self.generator(signed_masked(masked, hole), hole)
        return MethodOutput(unsigned(refined), unsigned(coarse))


def build(
    scale: str,
    channels: int,
    *,
    fuse: bool = True,
    mask_logit: str = "zero",
    overlap: str = "constant",
    hole_steps: int = 2,
    patch_length: str = "floored",
    tf_compat: bool = True,
    wiring: str = "official",
) -> DeepFill:
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
        fuse=fuse,
        mask_logit=mask_logit,
        overlap=overlap,
        align_corners=tf_compat,
        hole_steps=hole_steps,
        patch_length=patch_length,
    )
    width, critic_width = WIDTHS[scale]
    global_widths, local_widths = ((channels, *(critic_width * n for n in ns)) for ns in ((1, 2, 4, 4), (1, 2, 4, 8)))
    return DeepFill(
        Generator(width, channels, attention, layout),
        HalvingCritic(global_widths, SIDES[scale]),
        HalvingCritic(local_widths, SIDES[scale] // 2),
    )
