"""Network-free metrics in a loop over scikit-image, scipy and numpy, one image at a time.

Predictions and images are float64 arrays (c, h, w) in [0, 1]; holes are (h, w) with 1 = missing.
"""

from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter, maximum_filter
from skimage.color import rgb2gray
from skimage.metrics import mean_squared_error, peak_signal_noise_ratio, structural_similarity
from skimage.transform import downscale_local_mean

Array = np.ndarray
WANG: dict[str, Any] = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
C1, C2 = 0.01**2, 0.03**2


def all_metrics(composite: Array, image: Array, hole: Array) -> dict[str, float]:
    """Compute all metrics of a composite, by definition."""
    ssim = gaussian_ssim(composite, image)
    grey, grey_image = (rgb2gray(each, channel_axis=0) for each in (composite, image))
    return {
        **_by_region(composite, image, hole),
        "l1@percent": 100 * np.abs(composite - image).mean(),
        "l1@relative": np.abs(composite - image).sum() / (composite + image).sum(),
        "l1@edgeconnect": np.abs(grey - grey_image).sum() / (grey + grey_image).sum(),
        "psnr@edgeconnect": peak_signal_noise_ratio(grey_image, grey, data_range=1),
        "ssim@skimage": ssim,
        "ssim@mat": ssim,
        "ssim@lama": float(np.mean([np.prod(_ssim_terms(x, y), 0) for x, y in zip(composite, image, strict=True)])),
        "ssim@edgeconnect": structural_similarity(grey, grey_image, data_range=1, win_size=51),
        "ssim@uniform7": structural_similarity(composite, image, data_range=1, channel_axis=0),
        "ms_ssim@wang": float(np.mean([_multiscale_ssim(x, y) for x, y in zip(composite, image, strict=True)])),
        "grad_l1@full": _gradient(composite - image).mean(),
        "grad_l1@hole": _gradient(composite - image)[:, hole > 0].mean(),
        "tv@full": _gradient(composite).mean(),
        "tv@hole": _gradient(composite)[:, hole > 0].mean(),
        "seam@border": abs(_border_step(composite, hole) - _border_step(image, hole)),
    }


def only_ssim(composite: Array, image: Array, hole: Array) -> dict[str, float]:
    """Compute ssim@skimage alone, with the same arguments as `all_metrics`."""
    return {"ssim@skimage": gaussian_ssim(composite, image)}


def gaussian_ssim(composite: Array, image: Array) -> float:
    """Compute SSIM with the Gaussian window of Wang et al."""
    return structural_similarity(composite, image, data_range=1, channel_axis=0, **WANG)


def _by_region(composite: Array, image: Array, hole: Array) -> dict[str, float]:
    ring = (maximum_filter(hole, 17, mode="nearest") * maximum_filter(1 - hole, 17, mode="nearest")) > 0
    values: dict[str, float] = {}
    for name, region in (("full", ...), ("hole", hole > 0), ("known", hole == 0), ("ring8", ring)):
        one, other = (composite, image) if region is ... else (composite[:, region], image[:, region])
        values[f"l1@{name}"] = np.abs(one - other).mean()
        values[f"l2@{name}"] = mean_squared_error(one, other)
        values[f"psnr@{name}"] = peak_signal_noise_ratio(other, one, data_range=1)
    return values


def _ssim_terms(x: Array, y: Array) -> tuple[Array, Array]:
    """Compute the luminance term, and the product of the contrast and structure terms, at every pixel."""

    def mean(values: Array) -> Array:
        return gaussian_filter(values, 1.5, mode="constant", truncate=3.5)

    m1, m2 = mean(x), mean(y)
    v1, v2, covariance = mean(x * x) - m1 * m1, mean(y * y) - m2 * m2, mean(x * y) - m1 * m2
    return (2 * m1 * m2 + C1) / (m1**2 + m2**2 + C1), (2 * covariance + C2) / (v1 + v2 + C2)


def _multiscale_ssim(x: Array, y: Array) -> float:
    value = 1.0
    for exponent in (0.0448, 0.2856, 0.3001, 0.2363):
        value *= max(_ssim_terms(x, y)[1][5:-5, 5:-5].mean(), 0) ** exponent
        x, y = (downscale_local_mean(part, (2, 2)) for part in (x, y))
    return value * max(np.prod(_ssim_terms(x, y), 0)[5:-5, 5:-5].mean(), 0) ** 0.1333


def _gradient(values: Array) -> Array:
    down = np.abs(np.diff(values, axis=1, prepend=values[:, :1]))
    return down + np.abs(np.diff(values, axis=2, prepend=values[:, :, :1]))


def _border_step(composite: Array, hole: Array) -> float:
    """Compute the mean absolute difference of neighbours across the hole's border."""
    steps = [np.abs(np.diff(composite, axis=axis))[:, np.diff(hole, axis=axis - 1) != 0] for axis in (1, 2)]
    return float(np.concatenate(steps, axis=1).mean())
