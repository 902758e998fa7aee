"""Adversarial losses as functions of discriminator scores. A method chooses one and names its loss terms."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, relu

from bench_core.nn.types import HoleTensor, ImageTensor, Scalar

Scores = Float[Tensor, "..."]


def hinge_discriminator(real: Scores, fake: Scores) -> Scalar:
    """Return half the mean of max(0, 1 - real) plus half the mean of max(0, 1 + fake)."""
    return 0.5 * (relu(1 - real).mean() + relu(1 + fake).mean())


def hinge_generator(fake: Scores) -> Scalar:
    """Return the negated mean score."""
    return -fake.mean()


def cross_entropy(scores: Scores, target: float) -> Scalar:
    """Return the mean binary cross-entropy of scores before their sigmoid (Goodfellow et al., NeurIPS 2014).

    A generator that passes its fake scores with target 1 has the non-saturating loss.

    Args:
        target: label of all scores, 1 for real and 0 for fake.
    """
    return binary_cross_entropy_with_logits(scores, torch.full_like(scores, target))


def least_squares(scores: Scores, target: Scores | float, weight: Scores | None = None) -> Scalar:
    """Return the mean squared distance of scores from their target (LSGAN; Mao et al., ICCV 2017).

    Args:
        scores: of one image or many, such as a map for each.
        target: 1 for real and 0 for fake, or a map of labels in between.
        weight: weights of the scores, 0 or more, if some matter more than others. The mean is then a weighted one over
            the whole batch, and 0 if all weights are 0.
    """
    error = (scores - target).square()
    if weight is None:
        return error.mean()
    return (weight * error).mean() / weight.mean().clamp_min(torch.finfo(weight.dtype).tiny)


def relativistic_average(higher: Scores, lower: Scores) -> Scalar:
    """Return the relativistic average loss (Jolicoeur-Martineau, ICLR 2019), a cross-entropy on logits.

    It is the mean of two costs: `higher` should score above the average of `lower`, and `lower` below the average of
    `higher`. The discriminator passes real scores as `higher`, the generator passes fake ones.
    """
    above, below = higher - lower.mean(), lower - higher.mean()
    cost = binary_cross_entropy_with_logits
    return 0.5 * (cost(above, above.new_ones(above.shape)) + cost(below, below.new_zeros(below.shape)))


def gradient_penalty(
    input_gradient: Callable[[ImageTensor], ImageTensor], real: ImageTensor, fake: ImageTensor, hole: HoleTensor
) -> Scalar:
    """Return WGAN-GP's penalty (Gulrajani et al., NeurIPS 2017) with the gradient taken inside the hole only.

    It is the mean of (norm of the gradient - 1)^2 at one random point on the line from each fake image to its real
    image. Torch's global generator draws the points. `input_gradient` is that of a
    `bench_core.nn.discriminators.Critic`.
    """
    share = torch.rand_like(real[:, :1, :1, :1])
    gradient = input_gradient(torch.lerp(fake, real, share)) * hole
    return (torch.linalg.vector_norm(gradient, dim=(1, 2, 3)) - 1).square().mean()
