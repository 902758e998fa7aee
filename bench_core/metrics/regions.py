"""Regions of an image that a metric measures: hole, known pixels, or a ring around the hole's border."""

import re

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import pad

Region = Float[Tensor, "b 1 h w"]


def region_arguments(region: str, hole: Region) -> tuple[Region, ...]:
    """Return the arguments of a metric after prediction and image: none for "full", the hole for "border"."""
    if region == "full":
        return ()
    if region in ("hole", "border"):
        return (hole,)
    if region == "known":
        return (1 - hole,)
    match = re.fullmatch(r"ring([1-9]\d*)", region)
    assert match, f"{region!r} is no region"
    return (ring(hole, int(match[1])),)


def is_empty(region: str, hole: Region) -> Bool[Tensor, " b"]:
    """Return for each image whether a region has no pixel, so that a metric of it has no value.

    The border is empty if a hole has no pixel or covers the whole image.
    """
    (pixels,) = region_arguments("ring1" if region == "border" else region, hole) or (torch.ones_like(hole),)
    return pixels.flatten(1).sum(1) == 0


def ring(hole: Region, width: int) -> Region:
    """Mark pixels within a chessboard distance of `width` of a pixel of the other kind, on both sides of the border."""
    return _dilate(hole, width) * _dilate(1 - hole, width)


def _dilate(pixels: Region, width: int) -> Region:
    """Mark pixels within a chessboard distance of `width` of a marked one: along rows, then along columns."""
    side = 2 * width + 1
    for _ in range(2):
        pixels, covered = pad(pixels, (width, width)), 1
        while (
            covered < side
        ):  # a pixel's maximum covers the next `covered` pixels; two of them cover up to twice as many
            step = min(covered, side - covered)
            pixels, covered = torch.maximum(pixels[..., step:], pixels[..., :-step]), covered + step
        pixels = pixels.mT
    return pixels
