"""Libraries whose values our metrics reproduce, called as their documentation says."""

from collections.abc import Callable
from contextlib import redirect_stdout
from copy import deepcopy
from io import StringIO
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bench_core.metrics.inception import load_inception
from bench_perf.timing import Run

LibraryRun = Callable[[Any, Tensor, Tensor], Run]
"""Makes the library's run from our metric, predictions and images, both (b, c, h, w) in [0, 1]."""


def scikit_image_psnr(metric: Any, prediction: Tensor, image: Tensor) -> Run:
    from skimage.metrics import peak_signal_noise_ratio as psnr

    pairs = _array_pairs(prediction, image)
    return lambda: np.array([psnr(expected, predicted, data_range=1) for predicted, expected in pairs])


def scikit_image_ssim(metric: Any, prediction: Tensor, image: Tensor) -> Run:
    from skimage.metrics import structural_similarity as ssim

    # The options that give the values of Wang et al., by scikit-image's documentation.
    wang = {"data_range": 1, "gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    pairs = _array_pairs(prediction, image)
    return lambda: np.array([ssim(expected, predicted, channel_axis=2, **wang) for predicted, expected in pairs])


def lpips(metric: Any, prediction: Tensor, image: Tensor) -> Run:
    network = deepcopy(metric.network).to(memory_format=torch.contiguous_format)
    return lambda: network(prediction, image, normalize=True).flatten()


def inception(metric: Any, prediction: Tensor, image: Tensor) -> Run:
    network = load_inception().to(prediction.device)
    return lambda: network(prediction)[0].flatten(1)


LIBRARIES: dict[str, tuple[str, LibraryRun]] = {
    "psnr@full": ("scikit-image", scikit_image_psnr),
    "ssim@skimage": ("scikit-image", scikit_image_ssim),
    "lpips@alex": ("lpips", lpips),
    "fid@pytorch-fid": ("pytorch-fid", inception),
}
"""Library and its run for each metric. Networks share the weights of our metric."""


def pytorch_fid(predicted: np.ndarray, expected: np.ndarray) -> float:
    """Return pytorch-fid's Frechet distance of two feature sets, (n, d)."""
    from pytorch_fid.fid_score import calculate_frechet_distance

    moments = [(features.mean(0), np.cov(features, rowvar=False)) for features in (predicted, expected)]
    with redirect_stdout(StringIO()):  # it prints warnings about singular matrices
        return float(calculate_frechet_distance(*moments[0], *moments[1]))


def _array_pairs(prediction: Tensor, image: Tensor) -> list[tuple[np.ndarray, np.ndarray]]:
    """Convert batches to pairs of float64 arrays, (h, w, c)."""
    arrays = (each.double().permute(0, 2, 3, 1).cpu().numpy() for each in (prediction, image))
    return list(zip(*arrays, strict=True))
