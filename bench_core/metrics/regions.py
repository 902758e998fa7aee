"""Which pixels a measure looks at."""

import re

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import pad

Region = Float[Tensor, "b 1 h w"]


def pixels_of(region: str, hole: Region) -> tuple[Region, ...]:
    """What a measure of a region is given besides the pictures: nothing for "full", and for "border" the hole."""
    if region == "full":
        return ()
    if region in ("hole", "border"):
        return (hole,)
    if region == "known":
        return (1 - hole,)
    parts = re.fullmatch(r"ring([1-9]\d*)", region)
    assert parts, f"{region!r} is no region"
    return (ring(hole, int(parts[1])),)


def ring(hole: Region, width: int) -> Region:
    """Pixels from which a pixel of the other kind is at most `width` away, along rows and columns or diagonally."""
    return _near(hole, width) * _near(1 - hole, width)


def _near(pixels: Region, width: int) -> Region:
    """Pixels from which a marked one is at most `width` away: along rows, then along columns."""
    side = 2 * width + 1
    for _ in range(2):
        pixels, seen = pad(pixels, (width, width)), 1
        while seen < side:  # every pixel knows of the next `seen` ones; two neighbours know of twice as many
            step = min(seen, side - seen)
            pixels, seen = torch.maximum(pixels[..., step:], pixels[..., :-step]), seen + step
        pixels = pixels.mT
    return pixels
