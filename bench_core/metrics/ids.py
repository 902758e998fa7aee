"""Inception discriminative scores P-IDS and U-IDS (Zhao et al., ICLR 2021). No torch here: tables compute them too."""

from typing import Any

import numpy as np
from jaxtyping import Float, Int

Features = Float[np.ndarray, "n d"]
GroundTruth = Float[np.ndarray, "m d"]


def paired_score(features: Features, ground_truth: GroundTruth) -> float:
    """Return P-IDS: the fraction of pairs whose prediction looks more real to the classifier than its ground truth."""
    fake, real = _decision_values(features, ground_truth)
    return float((fake > real).mean())


def unpaired_score(features: Features, ground_truth: GroundTruth) -> float:
    """Return U-IDS: the error rate of the classifier; 0.5 if both sets are indistinguishable."""
    fake, real = _decision_values(features, ground_truth)
    return float(((fake > 0).mean() + (real <= 0).mean()) / 2)


def _decision_values(
    features: Features, ground_truth: GroundTruth
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " m"]]:
    """Fit a linear support vector machine to both sets, and return its decision values; positive means real.

    Raises:
        ValueError: the sets are no pairs.
    """
    from sklearn.svm import LinearSVC

    if features.shape != ground_truth.shape:
        raise ValueError(
            f"pairs are needed, not {len(features)} predictions and {len(ground_truth)} ground truth images"
        )
    labels: Int[np.ndarray, " 2n"] = np.repeat([0, 1], len(features))
    settings: dict[str, Any] = {"dual": False}
    classifier = LinearSVC(**settings).fit(np.concatenate([features, ground_truth]), labels)
    return classifier.decision_function(features), classifier.decision_function(ground_truth)
