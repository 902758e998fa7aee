"""Crops around holes, for local discriminators: half the image's height and half its width."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from bench_core.nn.types import HoleTensor, ImageTensor

Corners = Int[Tensor, "b 2"]
"""Top row and left column of each image's crop."""


def centred_corners(hole: HoleTensor) -> Corners:
    """Centre each crop on its hole's bounding box and clip it into the image.

    Of a hole larger than the crop you get the middle. Without a hole you get the middle of the image.
    """
    return _centred(hole)[0]


def fitting_corners(hole: HoleTensor) -> Corners:
    """Centre each crop on its hole's bounding box, or place it at random where the box does not fit.

    An image without a hole gets a random crop, too. Torch's global generator draws the places.
    """
    corners, fits = _centred(hole)
    # always drawn, so that later draws do not depend on the holes
    anywhere = torch.stack([torch.randint(size - size // 2 + 1, (len(hole),)) for size in hole.shape[-2:]], dim=1)
    return torch.where(fits.unsqueeze(1), corners, anywhere.to(hole.device, non_blocking=True))


def crop(image: ImageTensor, corners: Corners) -> Float[Tensor, "b c h2 w2"]:
    """Cut one crop out of each image."""
    channels, height, width = image.shape[1:]
    tops, lefts = corners[:, 0, None] + _range(height // 2, image), corners[:, 1, None] + _range(width // 2, image)
    rows = image.gather(2, tops[:, None, :, None].expand(-1, channels, -1, width))
    return rows.gather(3, lefts[:, None, None].expand(-1, channels, height // 2, -1))


def _range(length: int, image: ImageTensor) -> Int[Tensor, " n"]:
    return torch.arange(length, device=image.device)


def _centred(hole: HoleTensor) -> tuple[Corners, Bool[Tensor, " b"]]:
    """Return the centred crops' corners, and for each image if its hole fits into the crop."""
    rows, rows_fit = _centred_spans(hole.amax(dim=(1, 3)))
    columns, columns_fit = _centred_spans(hole.amax(dim=(1, 2)))
    return torch.stack([rows, columns], dim=1), rows_fit & columns_fit


def _centred_spans(missing: Float[Tensor, "b n"]) -> tuple[Int[Tensor, " b"], Bool[Tensor, " b"]]:
    """Return where the crops start along one axis, and if the missing pixels fit into them."""
    size = missing.shape[1]
    side = size // 2
    first, last = missing.argmax(dim=1), size - 1 - missing.flip(1).argmax(dim=1)
    start = (first + last + 1 - side).div(2, rounding_mode="floor").clamp(0, size - side)
    return start, last - first < side
