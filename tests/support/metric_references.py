"""Independent references of all metrics, by scikit-image, scipy and loops. Images are (c, h, w), holes (h, w)."""

import re
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from scipy.ndimage import distance_transform_cdt, uniform_filter
from scipy.signal import convolve2d
from skimage.color import rgb2gray
from skimage.metrics import mean_squared_error, peak_signal_noise_ratio, structural_similarity
from skimage.transform import downscale_local_mean

Array = np.ndarray
Reference = Callable[[Array, Array, Array], Any]


def near_border(hole: Array, width: int) -> Array:
    """Mark pixels within a chessboard distance of `width` of a pixel of the other kind."""
    continued = [np.pad(part, 99, "edge") for part in (hole, 1 - hole)]
    distance = np.add(*(np.asarray(distance_transform_cdt(part, "chessboard")) for part in continued))
    return (distance[99:-99, 99:-99] <= width) & (0 < hole.mean() < 1)


def region(definition: str, hole: Array) -> Array:
    variant = definition.partition("@")[2]
    ring = re.fullmatch(r"ring(\d+)", variant)
    if ring:
        return near_border(hole, int(ring[1]))
    return {"full": np.ones_like(hole), "hole": hole, "known": 1 - hole}[variant].astype(bool)


def relative(one: Array, other: Array) -> float:
    return np.abs(one - other).sum() / np.sum(one + other)


def grey(image: Array) -> Array:
    return rgb2gray(image.transpose(1, 2, 0)) if len(image) == 3 else image[0]


def gaussian(one: Array, other: Array) -> Any:
    settings: dict[str, Any] = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    return structural_similarity(one, other, data_range=1, channel_axis=0, **settings)


WINDOW = np.outer(cv2.getGaussianKernel(11, 1.5), cv2.getGaussianKernel(11, 1.5))
C1, C2 = 0.01**2, 0.03**2


def windows(one: Array, other: Array, mode: str) -> tuple[Array, Array]:
    """Return luminance and contrast-structure, each window computed as a two-dimensional sum."""

    def mean(values: Array) -> Array:
        return convolve2d(values, WINDOW, mode)  # zeros beyond the image where mode is "same"

    m1, m2 = mean(one), mean(other)
    v1, v2, covariance = mean(one**2) - m1**2, mean(other**2) - m2**2, mean(one * other) - m1 * m2
    return (2 * m1 * m2 + C1) / (m1**2 + m2**2 + C1), (2 * covariance + C2) / (v1 + v2 + C2)


def ssim(one: Array, other: Array, mode: str) -> float:
    return float(np.mean([np.prod(windows(x, y, mode), axis=0) for x, y in zip(one, other, strict=True)]))


def multiscale(one: Array, other: Array) -> float:
    values = []
    for x, y in zip(one, other, strict=True):
        value = 1.0
        for exponent in (0.0448, 0.2856, 0.3001, 0.2363):
            value *= windows(x, y, "valid")[1].mean() ** exponent
            x, y = (
                downscale_local_mean(part[: len(part) // 2 * 2, : part.shape[1] // 2 * 2], (2, 2)) for part in (x, y)
            )
        values.append(value * np.prod(windows(x, y, "valid"), axis=0).mean() ** 0.1333)
    return float(np.mean(values))


def steepness(values: Array) -> Array:
    down = np.abs(np.diff(values, axis=1, prepend=values[:, :1]))
    right = np.abs(np.diff(values, axis=2, prepend=values[:, :, :1]))
    return down + right


def jump(image: Array, hole: Array) -> float:
    """Average the jump over all pairs of neighbours across the border, in a loop."""
    jumps = []
    height, width = hole.shape
    for i in range(height):
        for j in range(width):
            for k, m in ((i + 1, j), (i, j + 1)):
                if k < height and m < width and hole[i, j] != hole[k, m]:
                    jumps.append(np.abs(image[:, i, j] - image[:, k, m]))
    return float(np.mean(jumps)) if jumps else 0.0


def uniform7(one: Array, other: Array) -> float:
    """Compute the formula directly, since scikit-image would be called with its own defaults."""

    def mean(values: Array) -> Array:
        return uniform_filter(values, 7)[3:-3, 3:-3]

    values = []
    for x, y in zip(one, other, strict=True):
        m1, m2, scale = mean(x), mean(y), 49 / 48
        v1, v2 = scale * (mean(x * x) - m1 * m1), scale * (mean(y * y) - m2 * m2)
        covariance = scale * (mean(x * y) - m1 * m2)
        values.append(((2 * m1 * m2 + C1) * (2 * covariance + C2) / ((m1**2 + m2**2 + C1) * (v1 + v2 + C2))).mean())
    return float(np.mean(values))


def by_region(metric: Callable[[Array, Array], Any]) -> Callable[[str], Reference]:
    """Apply a metric of lists of values to the values in a definition's region."""

    def reference(definition: str) -> Reference:
        return lambda one, other, hole: (
            metric(one[:, region(definition, hole)], other[:, region(definition, hole)])
            if region(definition, hole).any()
            else metric(np.zeros((3, 1)), np.zeros((3, 1)))
        )

    return reference


L1 = by_region(lambda one, other: np.abs(one - other).mean())
L2 = by_region(mean_squared_error)
PSNR = by_region(
    lambda one, other: np.inf if (one == other).all() else peak_signal_noise_ratio(other, one, data_range=1)
)
GREY: dict[str, Any] = {"data_range": 1, "win_size": 51}

REFERENCES: dict[str, Reference] = {
    **{f"l1@{where}": L1(f"l1@{where}") for where in ("full", "hole", "known", "ring8", "ring3")},
    **{f"l2@{where}": L2(f"l2@{where}") for where in ("full", "hole", "known", "ring8")},
    **{f"psnr@{where}": PSNR(f"psnr@{where}") for where in ("full", "hole", "known", "ring8")},
    "l1@percent": lambda one, other, hole: 100 * np.abs(one - other).mean(),
    "l1@relative": lambda one, other, hole: relative(one, other),
    "l1@edgeconnect": lambda one, other, hole: relative(grey(one), grey(other)),
    "psnr@edgeconnect": lambda one, other, hole: peak_signal_noise_ratio(grey(other), grey(one), data_range=1),
    "ssim@skimage": lambda one, other, hole: gaussian(one, other),
    "ssim@mat": lambda one, other, hole: ssim(one, other, "valid"),
    "ssim@lama": lambda one, other, hole: ssim(one, other, "same"),
    "ssim@edgeconnect": lambda one, other, hole: structural_similarity(grey(one), grey(other), **GREY),
    "ssim@uniform7": lambda one, other, hole: uniform7(one, other),
    "ms_ssim@wang": lambda one, other, hole: multiscale(one, other),
    "grad_l1@full": lambda one, other, hole: steepness(one - other).mean(),
    "grad_l1@hole": lambda one, other, hole: steepness(one - other)[:, hole > 0].mean(),
    "tv@full": lambda one, other, hole: steepness(one).mean(),
    "tv@hole": lambda one, other, hole: steepness(one)[:, hole > 0].mean(),
    "seam@border": lambda one, other, hole: abs(jump(one, hole) - jump(other, hole)),
}
