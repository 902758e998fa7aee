"""Kernel distance of two sets of features (Binkowski et al., ICLR 2018). No torch here: tables compute it too."""

import numpy as np
from jaxtyping import Float

Features = Float[np.ndarray, "n d"]
GroundTruth = Float[np.ndarray, "m d"]


def kernel_distance(features: Features, ground_truth: GroundTruth) -> float:
    """Return the unbiased estimate of the squared maximum mean discrepancy with the kernel (x y / d + 1)^3.

    The estimate may be negative. Unlike the Fréchet distance it is unbiased for any number of images.

    Raises:
        ValueError: a set has fewer than two images.
    """
    if min(len(features), len(ground_truth)) < 2:
        raise ValueError("the kernel distance needs at least two images")
    fake, real = features.astype(np.float64), ground_truth.astype(np.float64)
    return float(_mean_within(fake) + _mean_within(real) - 2 * _kernel(fake, real).mean())


def _kernel(one: Features, other: GroundTruth) -> Float[np.ndarray, "n m"]:
    return (one @ other.T / one.shape[1] + 1) ** 3


def _mean_within(features: Features) -> float:
    """Return the kernel's mean over all pairs of two different images of a set."""
    kernel, count = _kernel(features, features), len(features)
    return (kernel.sum() - np.trace(kernel)) / (count * (count - 1))
