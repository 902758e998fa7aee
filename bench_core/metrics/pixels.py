"""Measures taken pixel by pixel, in float64."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

Pictures = Float[Tensor, "b c h w"]
Values = Float[Tensor, " b"]
Measure = Callable[[Pictures, Pictures], Values]


def l1(device: torch.device) -> Measure:
    return lambda composite, image: (composite.double() - image.double()).abs().flatten(1).mean(1)


def l2(device: torch.device) -> Measure:
    return _mean_square


def psnr(device: torch.device) -> Measure:
    return lambda composite, image: -10 * _mean_square(composite, image).log10()


def _mean_square(composite: Pictures, image: Pictures) -> Values:
    return (composite.double() - image.double()).square().flatten(1).mean(1)
