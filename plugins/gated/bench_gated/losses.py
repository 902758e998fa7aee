"""Section 3.2: reconstruction by both stages and the hinge loss of SN-PatchGAN, on pixels in [-1, 1]."""

from typing import cast

import torch

from bench_core.losses.adversarial import hinge_discriminator, hinge_generator
from bench_core.methods import LossContext
from bench_core.nn.ranges import signed
from bench_core.nn.types import Scalar
from bench_gated.model import Gated


def l1(ctx: LossContext) -> Scalar:
    """Mean absolute errors of both stages' raw outputs, over all pixels."""
    image = signed(ctx.image)
    return (image - signed(ctx.coarse)).abs().mean() + (image - signed(ctx.prediction)).abs().mean()


def adversarial(ctx: LossContext) -> Scalar:
    """Generator's hinge loss; only the second stage's composite is scored."""
    return hinge_generator(_discriminator(ctx)(signed(ctx.composite), ctx.hole, *ctx.guidance))


def discriminator(ctx: LossContext) -> Scalar:
    """Discriminator's hinge loss; real images come with the holes and sketches of the composites.

    Both go through the discriminator in one batch, because each pass takes one step of power iteration.
    """
    pair = signed(torch.cat([ctx.image, ctx.composite]))
    conditions = (plane.repeat(2, 1, 1, 1) for plane in (ctx.hole, *ctx.guidance))
    real, fake = _discriminator(ctx)(pair, *conditions).chunk(2)
    return hinge_discriminator(real, fake)


def _discriminator(ctx: LossContext):
    return cast(Gated, ctx.method).discriminator
