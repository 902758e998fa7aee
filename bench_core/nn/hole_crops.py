"""The window, half as high and half as wide as the image, through which the discriminator's local branch looks."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


def corners(hole: Float[Tensor, "b 1 h w"]) -> Int[Tensor, "b 2"]:
    """Each window's top row and leftmost column.

    The window is centred on the hole's bounding box and clipped into the image. Where that box does not fit into a
    window, or nothing is missing, it is drawn uniformly at random from torch's global generator.
    """
    rows, rows_fit = _centred(hole.amax(dim=(1, 3)).cpu())
    columns, columns_fit = _centred(hole.amax(dim=(1, 2)).cpu())
    # always drawn, so that what is drawn next does not depend on the holes
    anywhere = torch.stack([torch.randint(size - size // 2 + 1, (len(hole),)) for size in hole.shape[-2:]], dim=1)
    fits = (rows_fit & columns_fit).unsqueeze(1)
    return torch.where(fits, torch.stack([rows, columns], dim=1), anywhere)


def crop(image: Float[Tensor, "b c h w"], corners: Int[Tensor, "b 2"]) -> Float[Tensor, "b c h2 w2"]:
    """What the windows show."""
    height, width = (size // 2 for size in image.shape[-2:])
    return torch.stack([
        one[:, top : top + height, left : left + width]
        for one, (top, left) in zip(image, corners.tolist(), strict=True)
    ])  # fmt: skip


def _centred(missing: Float[Tensor, "b n"]) -> tuple[Int[Tensor, " b"], Bool[Tensor, " b"]]:
    """Where a window along one axis starts, and whether the span of missing pixels fits into it."""
    size = missing.shape[1]
    side = size // 2
    first, last = missing.argmax(dim=1), size - 1 - missing.flip(1).argmax(dim=1)
    start = (first + last + 1 - side).div(2, rounding_mode="floor").clamp(0, size - side)
    return start, last - first < side
