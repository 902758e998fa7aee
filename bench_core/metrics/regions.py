"""Measures of one region: the hole, or the pixels that are known. In float64."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import pad

Pictures = Float[Tensor, "b c h w"]
Hole = Float[Tensor, "b 1 h w"]
Values = Float[Tensor, " b"]


class L1:
    """Mean absolute difference over a region's pixels and all channels; 0 where there is no such pixel."""

    def __init__(self, known: bool = False) -> None:
        self.known = known

    def __call__(self, picture: Pictures, image: Pictures, hole: Hole) -> Values:
        return _mean((picture.double() - image.double()).abs(), 1 - hole if self.known else hole)


class GradL1:
    """Mean over a region of |d[i, j] - d[i - 1, j]| + |d[i, j] - d[i, j - 1]|, d = picture - image.

    A first row or column has no neighbour before it and counts 0.
    """

    def __call__(self, picture: Pictures, image: Pictures, hole: Hole | None = None) -> Values:
        difference = picture.double() - image.double()
        downwards = pad(difference.diff(dim=-2).abs(), (0, 0, 1, 0))
        sideways = pad(difference.diff(dim=-1).abs(), (1, 0))
        return _mean(downwards + sideways, torch.ones_like(image[:, :1]) if hole is None else hole)


def l1_in(device: torch.device) -> L1:
    return L1()


def l1_out(device: torch.device) -> L1:
    return L1(known=True)


def grad_l1(device: torch.device) -> GradL1:
    return GradL1()


def _mean(values: Pictures, region: Hole) -> Values:
    return (values * region).sum((1, 2, 3)) / (region.sum((1, 2, 3)) * values.shape[1]).clamp(min=1)
