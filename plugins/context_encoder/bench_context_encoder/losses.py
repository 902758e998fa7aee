"""Eq. 1 to 3 as the official code computes them: on what the generator paints only, for pixels in [-1, 1]."""

from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from bench_context_encoder.model import ContextEncoder, signed
from bench_core.methods.method import ImageTensor, LossContext

Scalar = Float[Tensor, ""]


def reconstruction(scene: LossContext) -> Scalar:
    """Eq. 1: mean of w (painted - true)^2, where w is 1 in the hole and the method's `known_weight` outside.

    The mean is over all values painted and is not divided by the weights' sum.
    """
    method = _method(scene)
    weight = scene.hole + method.known_weight * scene.valid
    error = signed(scene.prediction) - signed(scene.image)
    return method.painted(weight * error.square()).mean()


def adversarial(scene: LossContext) -> Scalar:
    """The generator's side of Eq. 2, with labels flipped so that it does not saturate: -log D(painted)."""
    return _cross_entropy(scene, scene.prediction, real=True)


def discriminator(scene: LossContext) -> Scalar:
    """The discriminator's side of Eq. 2: -log D(true) - log (1 - D(painted))."""
    return _cross_entropy(scene, scene.image, real=True) + _cross_entropy(scene, scene.prediction, real=False)


def _cross_entropy(scene: LossContext, canvas: ImageTensor, real: bool) -> Scalar:
    method = _method(scene)
    score = method.discriminator(method.painted(signed(canvas)))
    return binary_cross_entropy_with_logits(score, torch.full_like(score, float(real)))


def _method(scene: LossContext) -> ContextEncoder:
    return cast(ContextEncoder, scene.method)
