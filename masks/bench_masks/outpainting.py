"""Holes along the borders of an image, for outpainting."""

import numpy as np

from bench_core.errors import BadInput

Hole = np.ndarray
SIDES = ("left", "right", "top", "bottom")


def outpainting(
    rng: np.random.Generator,
    height: int,
    width: int,
    *,
    sides: str,
    borders: tuple[int, int],
    depth: tuple[float, float],
) -> Hole:
    """Draw bands along randomly chosen borders.

    Args:
        sides: borders to choose from, separated by commas: left, right, top, bottom.
        borders: minimum and maximum number of bands.
        depth: minimum and maximum depth of a band, as a fraction of the extent.

    Raises:
        BadInput: a side is unknown, there are fewer sides than `borders`, or no pixel would be known.
    """
    named = [side.strip() for side in sides.split(",")]
    if not set(named) <= set(SIDES) or not 1 <= borders[0] <= borders[1] <= len(set(named)) == len(named):
        raise BadInput(
            f"sides = {sides!r}, borders = {borders}: give sides out of {', '.join(SIDES)}, and a number of them."
        )
    hole = np.zeros((height, width), np.uint8)
    for chosen in rng.permutation(len(named))[: rng.integers(*borders, endpoint=True)]:
        _hide(hole, named[chosen], rng.uniform(*depth))
    if hole.all():
        raise BadInput(f"With depth = {depth} no pixel would be known; opposite bands must not meet.")
    return hole


def _hide(hole: Hole, side: str, depth: float) -> None:
    lines = hole.T if side in ("left", "right") else hole
    reach = round(depth * len(lines))
    if side in ("right", "bottom"):
        lines = lines[::-1]
    lines[:reach] = 1
