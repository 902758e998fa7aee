"""Divergences between distributions that a network predicts."""

from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor

from bench_core.nn.types import Scalar

Values = Float[Tensor, "..."]


class Gaussian(NamedTuple):
    """Independent normal distributions, one for each element of two tensors of the same shape."""

    mean: Values
    deviation: Values
    """Standard deviation, above 0."""


def gaussian_kl(p: Gaussian, q: Gaussian) -> Scalar:
    """Return the mean over all elements of the Kullback-Leibler divergence KL(p || q), in nats.

    KL is not symmetric: it weighs errors by `p`. Each element is log(sq / sp) + (sp^2 + (mp - mq)^2) / (2 sq^2) - 1/2.
    """
    ratio = (p.deviation / q.deviation).square()
    distance = ((p.mean - q.mean) / q.deviation).square()
    return 0.5 * (ratio + distance - 1 - ratio.log()).mean()
