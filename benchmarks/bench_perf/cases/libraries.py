"""The libraries whose numbers our metrics reproduce, used as their documentation says."""

from collections.abc import Callable
from contextlib import redirect_stdout
from copy import deepcopy
from io import StringIO
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bench_core.metrics.inception import load_inception as inception_network
from bench_perf.timing import Run

Bare = Callable[[Any, Tensor, Tensor], Run]
"""From our measure, pictures and images (b, c, h, w) to the library's own run on them."""


def scikit_image_psnr(measure: Any, picture: Tensor, image: Tensor) -> Run:
    from skimage.metrics import peak_signal_noise_ratio as psnr

    pairs = _arrays(picture, image)
    return lambda: np.array([psnr(truth, found, data_range=1) for found, truth in pairs])


def scikit_image_ssim(measure: Any, picture: Tensor, image: Tensor) -> Run:
    from skimage.metrics import structural_similarity as ssim

    pairs, wang = _arrays(picture, image), {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    return lambda: np.array([ssim(truth, found, data_range=1, channel_axis=2, **wang) for found, truth in pairs])


def lpips(measure: Any, picture: Tensor, image: Tensor) -> Run:
    network = deepcopy(measure.network).to(memory_format=torch.contiguous_format)
    return lambda: network(picture, image, normalize=True).flatten()


def inception(measure: Any, picture: Tensor, image: Tensor) -> Run:
    network = inception_network().to(picture.device)
    return lambda: network(picture)[0].flatten(1)


def pytorch_fid(found: np.ndarray, truth: np.ndarray) -> float:
    """The Frechet distance of two sets of features, (n, d), as pytorch-fid computes it."""
    from pytorch_fid.fid_score import calculate_frechet_distance

    (mean1, spread1), (mean2, spread2) = ((each.mean(0), np.cov(each, rowvar=False)) for each in (found, truth))
    with redirect_stdout(StringIO()):  # it remarks on what it could not compute
        return float(calculate_frechet_distance(mean1, spread1, mean2, spread2))


BARE: dict[str, tuple[str, Bare]] = {
    "psnr@full": ("scikit-image", scikit_image_psnr),
    "ssim@skimage": ("scikit-image", scikit_image_ssim),
    "lpips@alex": ("lpips", lpips),
    "fid@pytorch-fid": ("pytorch-fid", inception),
}
"""For definitions of metrics, the library and its run. Both networks are given the weights of our own measure."""


def _arrays(picture: Tensor, image: Tensor) -> list[tuple[np.ndarray, np.ndarray]]:
    """Pairs (h, w, c) in float64."""
    arrays = (each.double().permute(0, 2, 3, 1).cpu().numpy() for each in (picture, image))
    return list(zip(*arrays, strict=True))
