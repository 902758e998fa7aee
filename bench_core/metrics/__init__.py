"""Definitions of measures: named, so that two numbers share a column only if they mean the same.

All see floats in [0, 1] on the device: the composite, or the method's whole canvas where `source` is "raw".
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Protocol

from bench_core.errors import unknown
from bench_core.hookspecs import hookimpl
from bench_core.specs import Metric

if TYPE_CHECKING:
    from torch import Tensor

_HERE = "bench_core.metrics"


class PerImage(Protocol):
    """Measures images one by one."""

    def __call__(self, picture: "Tensor", image: "Tensor", *hole: "Tensor") -> "Tensor":
        """One value an image, (b,), of pictures (b, c, h, w) in [0, 1].

        The hole (b, 1, h, w) is given where the metric's region is not "full".
        """
        ...


class PerSet(Protocol):
    """Measures a set of images through the features of each."""

    def features(self, images: "Tensor") -> "Tensor":
        """(b, c, h, w) in [0, 1] to (b, features)."""
        ...

    def distance(self, found: "Tensor", truth: "Tensor") -> float:
        """Compares the features (n, features) of two sets."""
        ...


@hookimpl
def bench_metrics() -> list[Metric]:
    return [
        Metric(
            "l1@full",
            "L1",
            "mean absolute difference over all pixels and channels; floats in [0, 1]",
            "lower",
            f"{_HERE}.pixels:l1",
        ),
        Metric(
            "l2@full",
            "L2",
            "mean squared difference over all pixels and channels; floats in [0, 1]",
            "lower",
            f"{_HERE}.pixels:l2",
        ),
        Metric(
            "psnr@full",
            "PSNR",
            "10 log10(1 / mean squared difference over all pixels and channels), in dB; floats in [0, 1]",
            "higher",
            f"{_HERE}.pixels:psnr",
            digits=2,
        ),
        Metric(
            "ssim@skimage",
            "SSIM",
            "scikit-image's structural_similarity with gaussian_weights=True, sigma=1.5, use_sample_covariance=False, "
            "data_range=1, mean over channels; floats in [0, 1]",
            "higher",
            f"{_HERE}.ssim:Ssim",
        ),
        Metric(
            "lpips@alex",
            "LPIPS",
            "LPIPS 0.1 with AlexNet, from the lpips package; floats in [0, 1] scaled to [-1, 1]",
            "lower",
            f"{_HERE}.learned:Lpips",
            weights="alexnet",
        ),
        Metric(
            "fid@pytorch-fid",
            "FID",
            "Frechet distance between Inception features with pytorch-fid's weights and resizing; floats in [0, 1]",
            "lower",
            f"{_HERE}.frechet:Fid",
            per="set",
            weights="inception",
            fewest_images=2048,
            digits=2,
        ),
        *_raw(),
    ]


def _raw() -> list[Metric]:
    """Errors of the whole canvas, before known pixels are put back: what curves of a training show."""
    error, gradient = "mean absolute difference", "mean |down| + |right| backward differences of prediction - image"
    return [
        Metric(
            f"{name}@raw", title, f"{text}; floats in [0, 1]", "lower", f"{_HERE}.{build}", region=region, source="raw"
        )
        for name, title, text, build, region in (
            ("l1", "L1 raw", f"{error} of the raw prediction over all pixels and channels", "pixels:l1", "full"),
            ("l1_in", "L1 in", f"{error} over the hole", "regions:l1_in", "hole"),
            ("l1_out", "L1 out", f"{error} of the raw prediction outside the hole", "regions:l1_out", "known"),
            ("grad_l1", "grad L1", f"{gradient}, over all pixels", "regions:grad_l1", "full"),
            ("grad_l1_in", "grad L1 in", f"{gradient}, over the hole", "regions:grad_l1", "hole"),
        )
    ]


def choose(names: Iterable[str], known: Mapping[str, Metric]) -> list[Metric]:
    """Metrics by definition (``ssim@skimage``) or by bare name, which means the first definition of that name.

    Raises:
        BadInput: a name is unknown.
    """
    first = {metric.name: metric for metric in reversed(list(known.values()))}
    choice = {**first, **known}
    for name in names:
        if name not in choice:
            raise unknown("metric", name, choice)
    return [choice[name] for name in names]
