"""Which pixels a measure looks at."""

import re

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
    """Pixels from which a marked one is at most `width` away, by sums along rows and then along columns."""
    for _ in range(2):
        sums = pad(pixels, (width + 1, width)).cumsum(-1)
        pixels = (sums[..., 2 * width + 1 :] > sums[..., : -2 * width - 1]).to(pixels).mT
    return pixels
