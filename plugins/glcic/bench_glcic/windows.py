"""The part of an image that the local discriminator sees."""

import torch
from jaxtyping import Float, Int
from torch import Tensor


def around(hole: Float[Tensor, "b 1 h w"], image: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h2 w2"]:
    """Half of each image's height and width, centred on its hole's bounding box but inside the image.

    Where nothing is missing it is the centre of the image.
    """
    height, width = (size // 2 for size in image.shape[-2:])
    tops, lefts = _starts(hole.amax(dim=(1, 3))).tolist(), _starts(hole.amax(dim=(1, 2))).tolist()
    return torch.stack([
        one[:, top : top + height, left : left + width] for one, top, left in zip(image, tops, lefts, strict=True)
    ])  # fmt: skip


def _starts(missing: Float[Tensor, "b n"]) -> Int[Tensor, " b"]:
    """Where, along one axis, the windows start."""
    size = missing.shape[1]
    first, last = missing.argmax(dim=1), size - 1 - missing.flip(1).argmax(dim=1)
    return (first + last + 1 - size // 2).div(2, rounding_mode="floor").clamp(0, size - size // 2)
