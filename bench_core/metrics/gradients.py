"""Measures of differences between neighbouring pixels, in float64."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import pad

from bench_core.metrics.pixels import Pictures, Region, Values, mean

Measure = Callable[..., Values]


def grad_l1(device: torch.device) -> Measure:
    return lambda picture, image, *region: mean(_steepness(picture.double() - image.double()), *region)


def tv(device: torch.device) -> Measure:
    return lambda picture, image, *region: mean(_steepness(picture.double()), *region)


def seam(device: torch.device) -> Measure:
    return lambda picture, image, hole: (_jump(picture, hole) - _jump(image, hole)).abs()


def _steepness(values: Pictures) -> Pictures:
    """|v[i, j] - v[i - 1, j]| + |v[i, j] - v[i, j - 1]|; a first row or column has no neighbour before it."""
    downwards = pad(values.diff(dim=-2).abs(), (0, 0, 1, 0))
    sideways = pad(values.diff(dim=-1).abs(), (1, 0))
    return downwards + sideways


def _jump(picture: Pictures, hole: Region) -> Float[Tensor, " b"]:
    """Mean over all neighbours across the hole's border, and over channels, of their absolute difference."""
    picture, total, count = picture.double(), 0, 0
    for axis in (-2, -1):
        across = hole.diff(dim=axis).abs()
        total = total + (picture.diff(dim=axis).abs() * across).sum((1, 2, 3))
        count = count + across.sum((1, 2, 3)) * picture.shape[1]
    return total / torch.as_tensor(count).clamp(min=1)
