"""Measures taken pixel by pixel, in float64, over whole images or over a region; 0 where a region has no pixel."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

Pictures = Float[Tensor, "b c h w"]
Region = Float[Tensor, "b 1 h w"]
Values = Float[Tensor, " b"]
Measure = Callable[..., Values]

GREY = (0.2125, 0.7154, 0.0721)
"""scikit-image's weights of red, green and blue."""


def l1(device: torch.device) -> Measure:
    return lambda picture, image, *region: mean(_difference(picture, image).abs(), *region)


def l1_percent(device: torch.device) -> Measure:
    return lambda picture, image: 100 * mean(_difference(picture, image).abs())


def l1_relative(device: torch.device) -> Measure:
    return _relative


def l1_edgeconnect(device: torch.device) -> Measure:
    return lambda picture, image: _relative(grey(picture), grey(image))


def l2(device: torch.device) -> Measure:
    return _mean_square


def psnr(device: torch.device) -> Measure:
    return lambda picture, image, *region: -10 * _mean_square(picture, image, *region).log10()


def psnr_edgeconnect(device: torch.device) -> Measure:
    return lambda picture, image: -10 * _mean_square(grey(picture), grey(image)).log10()


def mean(values: Pictures, region: Region | None = None) -> Values:
    """Means over the pixels of a region, or over all of them, and over channels."""
    if region is None:
        return values.flatten(1).mean(1)
    return (values * region).sum((1, 2, 3)) / (region.sum((1, 2, 3)) * values.shape[1]).clamp(min=1)


def grey(pictures: Pictures) -> Float[Tensor, "b 1 h w"]:
    """As scikit-image's rgb2gray; grey pictures are kept."""
    if pictures.shape[1] == 1:
        return pictures
    weights = torch.tensor(GREY, dtype=torch.float64, device=pictures.device)
    return (pictures.double() * weights[:, None, None]).sum(1, keepdim=True)


def _difference(picture: Pictures, image: Pictures) -> Pictures:
    return picture.double() - image.double()


def _mean_square(picture: Pictures, image: Pictures, region: Region | None = None) -> Values:
    return mean(_difference(picture, image).square(), region)


def _relative(picture: Pictures, image: Pictures) -> Values:
    total = (picture.double() + image.double()).sum((1, 2, 3))
    return _difference(picture, image).abs().sum((1, 2, 3)) / torch.where(total > 0, total, 1)
