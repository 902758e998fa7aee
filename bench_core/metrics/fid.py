"""Fréchet distance of two sets of features (Heusel et al., NeurIPS 2017). No torch here: tables compute it too."""

import numpy as np
from jaxtyping import Float

Features = Float[np.ndarray, "n d"]
GroundTruth = Float[np.ndarray, "m d"]


def frechet_distance(features: Features, ground_truth: GroundTruth) -> float:
    """Return the distance of Gaussians fitted to both sets: |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)).

    With C = A^T A, the trace of (C1 C2)^(1/2) is the sum of the singular values of A1 A2^T. This needs no matrix square
    root and is exact for few images, whose covariances are singular. A is small: the R of a QR decomposition, or the
    scaled features themselves if images are fewer than dimensions.

    Raises:
        ValueError: a set has fewer than two images, so it has no covariance.
    """
    if min(len(features), len(ground_truth)) < 2:
        raise ValueError("the Frechet distance needs at least two images")
    mean1, root1 = _fit_gaussian(features)
    mean2, root2 = _fit_gaussian(ground_truth)
    cross = _nuclear_norm(root1 @ root2.T)
    return float(np.square(mean1 - mean2).sum() + np.square(root1).sum() + np.square(root2).sum() - 2 * cross)


def _nuclear_norm(matrix: Float[np.ndarray, "k m"]) -> float:
    """Return the sum of singular values, as roots of the eigenvalues of the smaller Gram matrix."""
    wide = matrix if len(matrix) <= matrix.shape[1] else matrix.T
    return float(np.sqrt(np.linalg.eigvalsh(wide @ wide.T).clip(0)).sum())


def _fit_gaussian(features: Features) -> tuple[Float[np.ndarray, " d"], Float[np.ndarray, "k d"]]:
    """Return the mean, and a root A of the covariance A^T A."""
    features = features.astype(np.float64)
    mean = features.mean(0)
    root: np.ndarray = (features - mean) / (len(features) - 1) ** 0.5
    if len(root) > root.shape[1]:
        root = np.linalg.qr(root, mode="r")  # type: ignore[assignment]
    return mean, root
