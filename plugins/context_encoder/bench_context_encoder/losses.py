"""Eq. 1 to 3 as the official code computes them: on what the generator paints only, for pixels in [-1, 1]."""

from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from bench_context_encoder.model import ContextEncoder, signed
from bench_core.methods import ImageTensor, LossContext

Scalar = Float[Tensor, ""]


def reconstruction(ctx: LossContext) -> Scalar:
    """Eq. 1: mean of w (painted - true)^2, where w is 1 in the hole and the method's `known_weight` outside.

    The mean is over all values painted and is not divided by the weights' sum.
    """
    method = _method(ctx)
    weight = ctx.hole + method.known_weight * ctx.valid
    error = signed(ctx.prediction) - signed(ctx.image)
    return method.painted(weight * error.square()).mean()


def adversarial(ctx: LossContext) -> Scalar:
    """The generator's side of Eq. 2, with labels flipped so that it does not saturate: -log D(painted)."""
    return _cross_entropy(ctx, ctx.prediction, real=True)


def discriminator(ctx: LossContext) -> Scalar:
    """The discriminator's side of Eq. 2: -log D(true) - log (1 - D(painted))."""
    return _cross_entropy(ctx, ctx.image, real=True) + _cross_entropy(ctx, ctx.prediction, real=False)


def _cross_entropy(ctx: LossContext, canvas: ImageTensor, real: bool) -> Scalar:
    method = _method(ctx)
    score = method.discriminator(method.painted(signed(canvas)))
    return binary_cross_entropy_with_logits(score, torch.full_like(score, float(real)))


def _method(ctx: LossContext) -> ContextEncoder:
    return cast(ContextEncoder, ctx.method)
