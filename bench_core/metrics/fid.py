"""The Frechet distance of two sets of features (Heusel et al., NeurIPS 2017). No torch here: tables compute it too."""

import numpy as np
from jaxtyping import Float

Features = Float[np.ndarray, "n d"]
Others = Float[np.ndarray, "m d"]


def frechet_distance(found: Features, truth: Others) -> float:
    """Of Gaussians fitted to both sets: |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)).

    With C = A^T A, the trace of (C1 C2)^(1/2) is the sum of the singular values of A1 A2^T. That needs no matrix
    square root, is exact for few images, whose covariances are singular, and small: A is the R of a QR decomposition,
    or of few images the scaled features themselves.

    Raises:
        ValueError: a set has fewer than two images, and thus no covariance.
    """
    if min(len(found), len(truth)) < 2:
        raise ValueError("the Frechet distance needs at least two images")
    mean1, root1 = _gaussian(found)
    mean2, root2 = _gaussian(truth)
    cross = _nuclear_norm(root1 @ root2.T)
    return float(np.square(mean1 - mean2).sum() + np.square(root1).sum() + np.square(root2).sum() - 2 * cross)


def _nuclear_norm(matrix: Float[np.ndarray, "k m"]) -> float:
    """The sum of singular values: roots of the eigenvalues of the smaller product with itself."""
    wide = matrix if len(matrix) <= matrix.shape[1] else matrix.T
    return float(np.sqrt(np.linalg.eigvalsh(wide @ wide.T).clip(0)).sum())


def _gaussian(features: Features) -> tuple[Float[np.ndarray, " d"], Float[np.ndarray, "k d"]]:
    """Mean, and a root A of the covariance A^T A."""
    features = features.astype(np.float64)
    mean = features.mean(0)
    root: np.ndarray = (features - mean) / (len(features) - 1) ** 0.5
    if len(root) > root.shape[1]:
        root = np.linalg.qr(root, mode="r")  # type: ignore[assignment]
    return mean, root
