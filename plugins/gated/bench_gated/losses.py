"""Section 3.2: reconstruction by both stages and the hinge game of SN-PatchGAN, on pixels in [-1, 1]."""

from typing import cast

import torch

from bench_core.losses.adversarial import Scalar, hinge_discriminator, hinge_generator
from bench_core.methods import LossContext
from bench_gated.model import Gated, signed


def l1(ctx: LossContext) -> Scalar:
    """Mean absolute errors of the two stages' raw canvases, over all pixels."""
    image = signed(ctx.image)
    return (image - signed(ctx.coarse)).abs().mean() + (image - signed(ctx.prediction)).abs().mean()


def adversarial(ctx: LossContext) -> Scalar:
    """The generator's part; only the second stage is scored."""
    return hinge_generator(_discriminator(ctx)(signed(ctx.composite), ctx.hole, *ctx.guidance))


def discriminator(ctx: LossContext) -> Scalar:
    """The discriminator's part; real images come with the same holes, and sketches, as the composites.

    Both pass in one batch, for each pass takes one step of power iteration.
    """
    pair = signed(torch.cat([ctx.image, ctx.composite]))
    conditions = (plane.repeat(2, 1, 1, 1) for plane in (ctx.hole, *ctx.guidance))
    real, fake = _discriminator(ctx)(pair, *conditions).chunk(2)
    return hinge_discriminator(real, fake)


def _discriminator(ctx: LossContext):
    return cast(Gated, ctx.method).discriminator
