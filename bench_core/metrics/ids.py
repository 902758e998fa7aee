"""Inception discriminative scores (Zhao et al., ICLR 2021). No torch here: tables compute them too."""

from typing import Any

import numpy as np
from jaxtyping import Float, Int

Features = Float[np.ndarray, "n d"]
Others = Float[np.ndarray, "m d"]
Scores = Float[np.ndarray, " n"]


def paired_score(found: Features, truth: Others) -> float:
    """The share of pairs whose picture lies farther on the side of truth than the truth itself."""
    fake, real = _decisions(found, truth)
    return float((fake > real).mean())


def unpaired_score(found: Features, truth: Others) -> float:
    """The share of pictures and truths that lie on the wrong side: 0.5 where nothing tells them apart."""
    fake, real = _decisions(found, truth)
    return float(((fake > 0).mean() + (real <= 0).mean()) / 2)


def _decisions(found: Features, truth: Others) -> tuple[Scores, Float[np.ndarray, " m"]]:
    """Signed distances from the plane that a support vector machine lays between both; above zero means truth.

    Raises:
        ValueError: the sets are no pairs.
    """
    from sklearn.svm import LinearSVC

    if found.shape != truth.shape:
        raise ValueError(f"pairs are needed, not {len(found)} pictures and {len(truth)} truths")
    labels: Int[np.ndarray, " 2n"] = np.repeat([0, 1], len(found))
    settings: dict[str, Any] = {"dual": False}
    machine = LinearSVC(**settings).fit(np.concatenate([found, truth]), labels)
    return machine.decision_function(found), machine.decision_function(truth)
