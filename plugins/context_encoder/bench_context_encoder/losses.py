"""Eq. 1 and 2 as the official code computes them: on the predicted patch only, for pixels in [-1, 1]."""

from typing import cast

import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from bench_context_encoder.model import ContextEncoder
from bench_core.methods import LossContext
from bench_core.methods.method import ImageTensor
from bench_core.nn.ranges import signed
from bench_core.nn.types import Scalar


def reconstruction(ctx: LossContext) -> Scalar:
    """Eq. 1: mean of w (prediction - image)^2, where w is 1 in the hole and the method's `known_weight` outside.

    The mean is over all values of the patch. It is not divided by the sum of the weights.
    """
    method = _method(ctx)
    weight = ctx.hole + method.known_weight * ctx.valid
    error = signed(ctx.prediction) - signed(ctx.image)
    return method.patch(weight * error.square()).mean()


def adversarial(ctx: LossContext) -> Scalar:
    """Eq. 2 for the generator, with flipped labels so that it does not saturate: -log D(prediction)."""
    return _cross_entropy(ctx, ctx.prediction, real=True)


def discriminator(ctx: LossContext) -> Scalar:
    """Eq. 2 for the discriminator: -log D(image) - log (1 - D(prediction))."""
    return _cross_entropy(ctx, ctx.image, real=True) + _cross_entropy(ctx, ctx.prediction, real=False)


def _cross_entropy(ctx: LossContext, image: ImageTensor, real: bool) -> Scalar:
    method = _method(ctx)
    score = method.discriminator(method.patch(signed(image)))
    return binary_cross_entropy_with_logits(score, torch.full_like(score, float(real)))


def _method(ctx: LossContext) -> ContextEncoder:
    return cast(ContextEncoder, ctx.method)
