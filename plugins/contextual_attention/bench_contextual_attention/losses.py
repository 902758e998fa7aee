"""The loss terms, in units of [-1, 1]: spatially discounted reconstruction (Section 3.2) and two Wasserstein critics.

The official code crops the box from which it shrank the hole on all sides alike. So the crop of half the image's
height and width around the hole's centre is that box.
"""

from typing import cast

import torch
from jaxtyping import Float, Int
from torch import Tensor

from bench_contextual_attention.model import DeepFill
from bench_core.losses.adversarial import gradient_penalty
from bench_core.methods import LossContext
from bench_core.nn.hole_crops import crop, fitting_corners
from bench_core.nn.ranges import signed
from bench_core.nn.types import ImageTensor, Scalar

COARSE_WEIGHT = 1.2
"""Weight of the first stage's errors, relative to the second stage's."""
DISCOUNT = 0.9
"""Factor by which a pixel counts less than its neighbour towards the border of the crop."""


def discounted_l1(ctx: LossContext) -> Scalar:
    """Mean absolute errors of both stages' raw outputs over the crop, known pixels included, discounted."""
    errors = _crop(ctx, _absolute_errors(ctx))
    height, width = errors.shape[-2:]
    return (errors * discount(height, width, errors.device)).mean()


def discount(height: int, width: int, device: torch.device) -> Float[Tensor, "height width"]:
    """Return the weights of a crop's pixels: 0.9^d, d pixels from the nearest side.

    As in the official code, d is 0 in the first row and column, but 1 in the last.
    """
    rows, columns = (torch.arange(size, device=device) for size in (height, width))
    rows, columns = torch.minimum(rows, height - rows), torch.minimum(columns, width - columns)
    return DISCOUNT ** torch.minimum(rows[:, None], columns)


def autoencoding(ctx: LossContext) -> Scalar:
    """Mean absolute errors of both stages' raw outputs over the known pixels."""
    known = ctx.valid.mean(dim=(1, 2, 3)).clamp_min(torch.finfo(ctx.valid.dtype).tiny)
    return ((_absolute_errors(ctx) * ctx.valid).mean(dim=(1, 2, 3)) / known).mean()


def adversarial(ctx: LossContext) -> Scalar:
    """Generator's loss: the negated mean scores of the composite and of its crop."""
    method, fake = cast(DeepFill, ctx.method), signed(ctx.composite)
    return -method.global_critic(fake).mean() - method.local_critic(_crop(ctx, fake)).mean()


def global_score_gap(ctx: LossContext) -> Scalar:
    """Global critic's loss: the mean score of the composite minus that of the image."""
    critic = cast(DeepFill, ctx.method).global_critic
    return critic(signed(ctx.composite)).mean() - critic(signed(ctx.image)).mean()


def local_score_gap(ctx: LossContext) -> Scalar:
    """Local critic's loss: the same for crops."""
    critic = cast(DeepFill, ctx.method).local_critic
    return critic(_crop(ctx, signed(ctx.composite))).mean() - critic(_crop(ctx, signed(ctx.image))).mean()


def global_gradient_penalty(ctx: LossContext) -> Scalar:
    """WGAN-GP's penalty between composite and image, inside the hole."""
    critic = cast(DeepFill, ctx.method).global_critic
    return gradient_penalty(critic.input_gradient, signed(ctx.image), signed(ctx.composite), ctx.hole)


def local_gradient_penalty(ctx: LossContext) -> Scalar:
    """WGAN-GP's penalty between their crops, inside the hole."""
    critic = cast(DeepFill, ctx.method).local_critic
    real, fake, hole = (_crop(ctx, plane) for plane in (signed(ctx.image), signed(ctx.composite), ctx.hole))
    return gradient_penalty(critic.input_gradient, real, fake, hole)


def corners(ctx: LossContext) -> Int[Tensor, "b 2"]:
    """Return the places of the crops, which all terms of an update share."""
    return fitting_corners(ctx.hole)


def _crop(ctx: LossContext, image: ImageTensor) -> Float[Tensor, "b c h2 w2"]:
    return crop(image, ctx.cached(corners))


def _absolute_errors(ctx: LossContext) -> ImageTensor:
    """Return the absolute errors of both stages, added up."""
    image = signed(ctx.image)
    coarse, refined = ((image - signed(stage)).abs() for stage in (ctx.coarse, ctx.prediction))
    return COARSE_WEIGHT * coarse + refined
