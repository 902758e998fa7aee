"""The kernel distance of two sets of features (Binkowski et al., ICLR 2018). No torch here: tables compute it too."""

import numpy as np
from jaxtyping import Float

Features = Float[np.ndarray, "n d"]
Others = Float[np.ndarray, "m d"]


def kernel_distance(found: Features, truth: Others) -> float:
    """The unbiased estimate of the squared maximum mean discrepancy with the kernel (x y / d + 1)^3.

    It may be negative. Unlike the Frechet distance it has no bias, however few the images are.

    Raises:
        ValueError: a set has fewer than two images.
    """
    if min(len(found), len(truth)) < 2:
        raise ValueError("the kernel distance needs at least two images")
    found, truth = found.astype(np.float64), truth.astype(np.float64)
    return float(_within(found) + _within(truth) - 2 * _kernel(found, truth).mean())


def _kernel(one: Features, other: Others) -> Float[np.ndarray, "n m"]:
    return (one @ other.T / one.shape[1] + 1) ** 3


def _within(features: Features) -> float:
    """The kernel's mean over all pairs of two different pictures."""
    kernel, count = _kernel(features, features), len(features)
    return (kernel.sum() - np.trace(kernel)) / (count * (count - 1))
