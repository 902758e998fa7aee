"""FID (Heusel et al., NeurIPS 2017) on the features of pytorch-fid's Inception network."""

from typing import Any
from unittest.mock import patch

import torch
from jaxtyping import Float
from torch import Tensor

from bench_core import weights

Features = Float[Tensor, "n d"]
Others = Float[Tensor, "m d"]


class Fid:
    """pytorch-fid's network, with the official weights that `bench_core.weights` finds."""

    def __init__(self, device: torch.device) -> None:
        from pytorch_fid import inception

        state: dict[str, Any] = weights.load("inception")
        # the package can only download its weights; hand it those that were found
        with patch.object(inception, "load_state_dict_from_url", lambda *args, **kwargs: state):
            self.network = inception.InceptionV3().to(device).eval()

    def features(self, images: Float[Tensor, "b c h w"]) -> Features:
        return self.network(images.expand(-1, 3, -1, -1))[0].flatten(1)

    def distance(self, found: Features, truth: Others) -> float:
        return frechet_distance(found, truth)


def frechet_distance(found: Features, truth: Others) -> float:
    """The Frechet distance of two Gaussians fitted to features: |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)).

    With C = A^T A, the trace of (C1 C2)^(1/2) is the sum of the singular values of A1 A2^T. That needs no matrix
    square root, is exact for few images, whose covariances are singular, and small: A is the R of a QR decomposition.

    Raises:
        ValueError: a set has fewer than two images, and thus no covariance.
    """
    if min(len(found), len(truth)) < 2:
        raise ValueError("the Frechet distance needs at least two images")
    mean1, root1 = _gaussian(found)
    mean2, root2 = _gaussian(truth)
    cross = torch.linalg.svdvals(root1 @ root2.T).sum()
    distance = (mean1 - mean2).square().sum() + root1.square().sum() + root2.square().sum() - 2 * cross
    return float(distance)


def _gaussian(features: Features) -> tuple[Float[Tensor, " d"], Float[Tensor, "k d"]]:
    """Mean, and a root A of the covariance A^T A."""
    features = features.double().cpu()
    mean = features.mean(0)
    return mean, torch.linalg.qr((features - mean) / (len(features) - 1) ** 0.5, mode="r").R
